"""The 10 Hz clock: frame k covers [0.1 k, 0.1 (k + 1)) seconds; seconds exist only at the borders."""

from __future__ import annotations

import math

FRAME_RATE = 10
"""Frames a second (paper, section 5.1)."""


def frame_count(duration: float) -> int:
    """Frames in a recording of `duration` seconds: round(10 × duration), half up.

    >>> frame_count(2.98), frame_count(0.25), frame_count(0.0)
    (30, 3, 0)
    """
    return max(0, math.floor(FRAME_RATE * duration + 0.5 + 1e-9))


def frame_of(seconds: float) -> int:
    """The frame nearest to a time on a transcript's or turn file's clock, half up (readings 1.9).

    >>> frame_of(0.0), frame_of(1.24), frame_of(1.25)
    (0, 12, 13)
    """
    return math.floor(FRAME_RATE * seconds + 0.5 + 1e-9)


def start_of(frame: int) -> float:
    """Seconds at which a frame starts, without the float dust of 0.1 × k.

    >>> start_of(3)
    0.3
    """
    return frame / FRAME_RATE
