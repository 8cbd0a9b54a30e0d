"""Labels beside media: do they last alike, or are they another recording's?"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from affekt.corpora.corpus import Fault
from affekt.errors import CorpusError, MediaError
from affekt.media.container import probe
from affekt.timeline import FRAME_RATE, frame_count

NEARLY = 2
"""Frames by which labels and media may differ without a word."""
ABSURD = 0.1
"""Share of a recording's length by which its labels may outlast it: beyond, they are another recording's."""


def stated_frames(media: Iterable[Path | None]) -> int | None:
    """Frames of the longest of a recording's files, by their own account.

    Returns:
        None where none says, or none can be opened: who decodes or inspects them will tell.
    """
    stated = []
    for path in media:
        try:
            contents = None if path is None else probe(path)
        except MediaError:
            continue
        if contents is not None and contents.stated is not None and contents.exact and not contents.still:
            stated.append(frame_count(contents.stated))
    return max(stated, default=None)


def fitted(
    values: np.ndarray, n_frames: int | None, path: Path, name: str, faults: list[Fault]
) -> np.ndarray:
    """(T, D) labels of a file that last no longer than their recording's `n_frames`.

    Raises:
        CorpusError: they are longer by more than a tenth.
    """
    if n_frames is None or abs(len(values) - n_frames) <= NEARLY:
        return values
    lasts = f"{len(values) / FRAME_RATE:g} s where the recording has {n_frames / FRAME_RATE:g} s"
    if len(values) > n_frames * (1 + ABSURD):
        raise CorpusError(f"{path}: is longer: {lasts}; are these labels of another recording?")
    shorter = len(values) < n_frames
    message = f"is shorter: {lasts}; the rest has no label" if shorter else f"is longer: {lasts}; cut to it"
    faults.append(Fault(path, message, severity="warning", recording=name))
    return values[:n_frames]
