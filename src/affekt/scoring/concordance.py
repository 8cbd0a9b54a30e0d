"""The concordance correlation coefficient (paper, Eq. 10) from population moments that merge over batches."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike


@dataclass(frozen=True, slots=True)
class Moments:
    """Sums of a predicted and a gold series, per dimension, in float64: n and the central moments.

    Merging the moments of parts gives the moments of the whole (Chan et al. 1983), so a partition is scored over its
    concatenated frames without holding them (readings 6).
    """

    n: int
    mean_x: np.ndarray
    mean_y: np.ndarray
    m2_x: np.ndarray
    m2_y: np.ndarray
    c_xy: np.ndarray

    @classmethod
    def of(cls, x: ArrayLike, y: ArrayLike, mask: ArrayLike | None = None) -> Moments:
        """Moments of x and y (N,) or (N, D), of the rows where mask (N,) is True.

        Raises:
            ValueError: x and y differ in shape.
        """
        x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
        if x.shape != y.shape:
            raise ValueError(f"predictions {x.shape} and gold {y.shape} differ in shape")
        if mask is not None:
            x, y = x[np.asarray(mask, bool)], y[np.asarray(mask, bool)]
        if len(x) == 0:
            zero = np.zeros(x.shape[1:])
            return cls(0, zero, zero, zero, zero, zero)
        # Means from the first row: a constant series then has a spread of exactly 0, not of rounding errors.
        mean_x, mean_y = x[0] + (x - x[0]).mean(0), y[0] + (y - y[0]).mean(0)
        dx, dy = x - mean_x, y - mean_y
        return cls(len(x), mean_x, mean_y, (dx**2).sum(0), (dy**2).sum(0), (dx * dy).sum(0))

    def __add__(self, other: Moments) -> Moments:
        if self.n == 0 or other.n == 0:
            return other if self.n == 0 else self
        n = self.n + other.n
        dx, dy = other.mean_x - self.mean_x, other.mean_y - self.mean_y
        part = self.n * other.n / n
        return Moments(
            n,
            self.mean_x + dx * other.n / n,
            self.mean_y + dy * other.n / n,
            self.m2_x + other.m2_x + dx**2 * part,
            self.m2_y + other.m2_y + dy**2 * part,
            self.c_xy + other.c_xy + dx * dy * part,
        )

    @property
    def degenerate(self) -> np.ndarray:
        """Where the CCC has no value (its denominator is 0) and is reported as 0."""
        return np.asarray(self._denominator == 0)

    @property
    def ccc(self) -> np.ndarray:
        """2 cov(x, y) / (var x + var y + (mean x − mean y)²), ÷n moments; 0 where degenerate."""
        safe = np.where(self.degenerate, 1.0, self._denominator)
        return np.where(self.degenerate, 0.0, 2 * self.c_xy / safe)

    @property
    def _denominator(self) -> np.ndarray:
        return np.asarray(self.m2_x + self.m2_y + self.n * (self.mean_x - self.mean_y) ** 2)


def ccc(x: ArrayLike, y: ArrayLike, mask: ArrayLike | None = None) -> np.ndarray:
    """Concordance of predictions and gold, one value a column.

    >>> float(ccc([1.0, 2.0, 3.0], [1.0, 2.0, 3.0]))
    1.0
    >>> float(ccc([0.0, 1.0], [1.0, 0.0]))
    -1.0
    """
    return Moments.of(x, y, mask).ccc
