"""The concordance correlation coefficient (paper, Eq. 10) from population moments that merge over batches."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike


@dataclass(frozen=True, slots=True)
class Moments:
    """Moments of a predicted and a gold series, per dimension, in float64.

    Merging the moments of parts gives those of the whole (Chan et al. 1983), so a partition is scored over
    its concatenated frames without holding them (readings 6).
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
        a, b = np.asarray(x, np.float64), np.asarray(y, np.float64)
        if a.shape != b.shape:
            raise ValueError(f"predictions {a.shape} and gold {b.shape} differ in shape")
        if mask is not None:
            a, b = a[np.asarray(mask, bool)], b[np.asarray(mask, bool)]
        if len(a) == 0:
            zero = np.zeros(a.shape[1:])
            return cls(0, zero, zero, zero, zero, zero)
        # Means from the first row: a constant series then has a spread of exactly 0, not of rounding errors.
        mean_a, mean_b = a[0] + (a - a[0]).mean(0), b[0] + (b - b[0]).mean(0)
        da, db = a - mean_a, b - mean_b
        return cls(len(a), mean_a, mean_b, (da**2).sum(0), (db**2).sum(0), (da * db).sum(0))

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
