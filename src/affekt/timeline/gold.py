"""A gold standard on the clock: what raters agreed a person showed, frame by frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

DIMENSIONS = ("arousal", "valence")
"""What affekt predicts, in the order of every axis over dimensions."""


@dataclass(frozen=True, slots=True, eq=False)
class Gold:
    """Arousal, valence and whatever else a corpus labels, ten times a second."""

    values: np.ndarray
    """(T, D) float32, on the corpus' scale brought to [−1, 1]; NaN = no label for this frame. T may differ
    from the recording's frames by a little: what uses both crops to the shorter."""
    dimensions: tuple[str, ...] = DIMENSIONS
    """Names of the D columns; a corpus that has no valence has no such column."""
    whole: bool = False
    """One label for the whole recording: T = 1, and it stands for every frame."""

    def __post_init__(self) -> None:
        if self.values.ndim != 2 or self.values.shape[1] != len(self.dimensions):
            raise ValueError(f"gold of shape {self.values.shape} for {len(self.dimensions)} dimensions")

    def __len__(self) -> int:
        return len(self.values)

    def column(self, dimension: str) -> np.ndarray:
        """(T,) float32 of one dimension; all NaN if the corpus does not label it."""
        if dimension not in self.dimensions:
            return np.full(len(self), np.nan, np.float32)
        return np.asarray(self.values[:, self.dimensions.index(dimension)])
