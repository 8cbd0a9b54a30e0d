"""Label files → values over time: every dialect of the field, sniffed from the file, never from its name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from affekt.corpora.corpus import Fault


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """Values over time as a file holds them: row i holds from starts[i] until starts[i] + step."""

    columns: tuple[str, ...]
    """Names of the C columns: arousal, valence, liking; raters' names; "value" where the file names none."""
    values: np.ndarray
    """(N, C) float64, NaN where there is no label (NaN, empty, −5 in Aff-Wild2)."""
    starts: np.ndarray
    """(N,) float64 seconds, increasing; rows may leave gaps (MuSe's segments)."""
    step: float
    """Seconds that a row stands for."""
    dialect: str
    """What the file turned out to be, for people: "SEWA, no header"."""
    name: str | None = None
    """The recording that the file itself names (SEWA's first column, an ARFF's instance)."""
    segments: np.ndarray | None = None
    """(N,) int64, MuSe's segment of each row."""
    faults: tuple[Fault, ...] = ()
    """Warnings only: what was masked, and in which line."""
    timed: bool = True
    """False: the file has no times (Aff-Wild2, one row a picture), and `starts` counts rows."""


def read_labels(
    path: Path, *, columns: Sequence[str] | None = None, times: np.ndarray | None = None
) -> Trace:
    """Read one label file of any dialect.

    Args:
        path: CSV, ARFF or text.
        columns: what the value columns are called, where the caller knows better than the file (a folder
            called arousal).
        times: (N,) seconds at which the rows of a file without times start; may be a row shorter or longer.

    Raises:
        CorpusError: not a label file, or damaged so that its numbers cannot be trusted; names the line.
    """
    raise NotImplementedError


def at_10hz(trace: Trace, n_frames: int | None = None) -> np.ndarray:
    """A trace on the 10 Hz clock: each frame is the mean of the rows that overlap it, by their overlap.

    Slower labels (MuSe's 250 ms) are thereby held, faster ones (RECOLA's 40 ms, a film's 30 fps) averaged;
    labels at 10 Hz are taken as they are. A frame of which less than half is labelled is NaN.

    Args:
        n_frames: frames wanted; None: up to the last row's end, half a frame counting as one.

    Returns:
        (T, C) float32.
    """
    raise NotImplementedError
