"""Words and turns laid on the clock: which sentence, and whose turn, each frame has (readings 1.9, 2.4)."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from affekt.timeline.clip import Sentence, Turn
from affekt.timeline.clock import FRAME_RATE, frame_of, start_of
from affekt.timeline.recording import Alignment

CAUSAL_SECONDS = 5
"""How long a finished sentence counts when the next one does not end first (readings 1.9)."""


def sentence_frames(
    sentences: Sequence[Sentence], n_frames: int, alignment: Alignment = "sentence", first: int = 0
) -> np.ndarray:
    """Row of the sentence that each of the frames `first` … `first + n_frames` − 1 carries, −1 for none.

    "sentence": all frames from round(10 · start) to round(10 · end) inclusive; where two overlap, the one
    that starts later wins. "causal": from round(10 · end) until the next one ends, 5 s at most. A sentence
    without a word is no sentence (readings 1.5). Sentences may come in any order.

    Returns:
        (n_frames,) int64.

    >>> said = [Sentence(0.1, 0.3, "well"), Sentence(0.3, 0.4, "no")]
    >>> sentence_frames(said, 6).tolist()
    [-1, 0, 0, 1, 1, -1]
    >>> sentence_frames(said, 6, "causal").tolist()
    [-1, -1, -1, 0, 1, 1]
    """
    begins, ends = start_of(first) - 1, start_of(first + n_frames) + 1
    spoken = [
        (row, one)
        for row, one in enumerate(sentences)
        # Far from this chunk a sentence has no frame in it; that an hour is cut into chunks costs nothing.
        if one.start < ends and one.end + CAUSAL_SECONDS > begins and re.search(r"\w", one.text)
    ]
    if alignment == "sentence":
        spoken.sort(key=lambda item: item[1].start)
        spans = [(row, frame_of(one.start), frame_of(one.end) + 1) for row, one in spoken]
    else:
        # The next sentence overwrites from its own end on, and always reaches further than this one.
        spoken.sort(key=lambda item: (item[1].end, item[1].start))
        known = [(row, frame_of(one.end)) for row, one in spoken]
        spans = [(row, frame, frame + CAUSAL_SECONDS * FRAME_RATE) for row, frame in known]
    rows = np.full(n_frames, -1, np.int64)
    for row, begin, end in spans:
        rows[max(0, begin - first) : max(0, end - first)] = row
    return rows


def speaker_frames(turns: Sequence[Turn] | None, n_frames: int, first: int = 0) -> np.ndarray:
    """Whose turn each frame is: 0 in the subject's turns (also where both speak), 1 elsewhere.

    A turn covers its frames as a sentence does, both ends included (readings 2.4). None, that is no turn
    file, gives all of it to the subject.

    Returns:
        (n_frames,) int64.

    >>> speaker_frames([Turn(0.1, 0.2, True), Turn(0.2, 0.5, False)], 5).tolist()
    [1, 0, 0, 1, 1]
    """
    if turns is None:
        return np.zeros(n_frames, np.int64)
    speaker = np.ones(n_frames, np.int64)
    for turn in turns:
        if turn.subject:
            speaker[max(0, frame_of(turn.start) - first) : max(0, frame_of(turn.end) + 1 - first)] = 0
    return speaker
