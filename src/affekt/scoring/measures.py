"""CCC, Pearson, RMSE and sign agreement of predictions and gold, all from the same sums, which pool."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import ArrayLike

from affekt.scoring.concordance import Moments

MEASURES = ("ccc", "pearson", "rmse", "sign_agreement")
"""Names of the measures, which are properties of `Sums`."""

_CELLS = 2_000_000
"""Cells of each array that pooling holds at a time, 16 MB."""


@dataclass(frozen=True, slots=True, eq=False)
class Sums:
    """What the measures need to know of predictions x and gold y; one array of any shape a field, float64.

    (D,) of one recording, (R, D) of several, (B, D) pooled in B ways. A measure has the same shape. Frames
    are counted per dimension, since a frame may have a label for arousal and none for valence.
    """

    n: np.ndarray
    """Frames that count."""
    mean_x: np.ndarray
    mean_y: np.ndarray
    m2_x: np.ndarray
    """Σ (x − mean)²."""
    m2_y: np.ndarray
    c_xy: np.ndarray
    """Σ (x − mean of x)(y − mean of y)."""
    squares: np.ndarray
    """Σ (x − y)²."""
    agreeing: np.ndarray
    """Frames in which x and y have the same sign."""

    @classmethod
    def of(cls, x: ArrayLike, y: ArrayLike) -> Sums:
        """Sums (D,) of predictions x and gold y, both (N, D); where either is NaN, the frame does not count.

        Raises:
            ValueError: x and y differ in shape.
        """
        a, b = np.asarray(x, np.float64), np.asarray(y, np.float64)
        if a.shape != b.shape or a.ndim != 2:
            raise ValueError(f"predictions {a.shape} and gold {b.shape} should both be (frames, dimensions)")
        return cls.stack([_of_one(*column) for column in zip(a.T, b.T, strict=True)])

    @classmethod
    def stack(cls, several: Sequence[Sums]) -> Sums:
        """Sums of equal shape S, one after the other: (len, *S)."""
        return cls(*(np.array([getattr(one, name) for one in several]) for name in _FIELDS))

    def pooled(self, counts: ArrayLike) -> Sums:
        """Of (R, D), each row of counts (B, R) laid together: recording r as often as it says, (B, D)."""
        weights = np.asarray(counts, np.float64)
        height = max(1, _CELLS // max(1, len(self.n)))
        parts = []
        for start in range(0, len(weights), height):
            rows = weights[start : start + height]
            columns = [self._pooled(rows, column) for column in range(self.n.shape[1])]
            parts.append([np.stack(values, axis=1) for values in zip(*columns, strict=True)])
        return Sums(*(np.concatenate(values) for values in zip(*parts, strict=True)))

    def _pooled(self, counts: np.ndarray, column: int) -> list[np.ndarray]:
        """All sums, each (B,), of one dimension.

        The moments merge as in Chan et al. (1983), all at once. Deviations are taken from a recording that
        is drawn, so that what is constant in all that is drawn keeps a spread of exactly 0.
        """
        part = {name: getattr(self, name)[:, column] for name in _FIELDS}
        frames = counts * part["n"]  # (B, R)
        n = frames.sum(1)
        first = np.argmax(frames > 0, axis=1)
        means, away = [], []
        for mean in (part["mean_x"], part["mean_y"]):
            deviation = mean - mean[first][:, None]
            shift = np.einsum("br,br->b", frames, deviation) / np.maximum(n, 1)
            means.append(np.where(n > 0, mean[first] + shift, 0.0))
            deviation -= shift[:, None]
            away.append(deviation)
        dx, dy = away
        between = (np.einsum("br,br,br->b", frames, one, two) for one, two in ((dx, dx), (dy, dy), (dx, dy)))
        within = (counts @ part[name] for name in ("m2_x", "m2_y", "c_xy"))
        moments = [inside + outside for inside, outside in zip(within, between, strict=True)]
        return [n, *means, *moments, counts @ part["squares"], counts @ part["agreeing"]]

    @property
    def constant(self) -> np.ndarray:
        """Where predictions or gold have no spread: the CCC is 0, Pearson's coefficient has no value."""
        return np.asarray((self.n > 0) & ((self.m2_x <= 0) | (self.m2_y <= 0)))

    @property
    def ccc(self) -> np.ndarray:
        """Concordance (paper, Eq. 10), ÷n moments; 0 of a constant, NaN of fewer than two frames."""
        denominator = self.m2_x + self.m2_y + self.n * (self.mean_x - self.mean_y) ** 2
        value = np.where(self.constant, 0.0, 2 * self.c_xy / np.where(denominator > 0, denominator, 1.0))
        return np.where(self.n > 1, value, np.nan)

    @property
    def pearson(self) -> np.ndarray:
        """Pearson's correlation; NaN of a constant and of fewer than two frames."""
        known = (self.n > 1) & ~self.constant
        spread = np.sqrt(np.maximum(self.m2_x, 0)) * np.sqrt(np.maximum(self.m2_y, 0))
        return np.where(known, np.clip(self.c_xy / np.where(spread > 0, spread, 1.0), -1, 1), np.nan)

    @property
    def rmse(self) -> np.ndarray:
        """Root of the mean squared difference; NaN of no frame."""
        return self._mean(np.sqrt(np.maximum(self.squares, 0) / np.maximum(self.n, 1)))

    @property
    def sign_agreement(self) -> np.ndarray:
        """Share of the frames in which both have the same sign of −, 0, +; NaN of no frame.

        A value of exactly 0 agrees with exactly 0 alone (SAGR of Nicolaou et al. 2011 read literally): gold
        that rests at 0 is missed by whatever is not exactly 0.
        """
        return self._mean(self.agreeing / np.maximum(self.n, 1))

    def _mean(self, value: np.ndarray) -> np.ndarray:
        return np.where(self.n > 0, value, np.nan)


_FIELDS = tuple(field.name for field in fields(Sums))


def _of_one(x: np.ndarray, y: np.ndarray) -> Sums:
    """Sums of one dimension, of shape ()."""
    known = ~(np.isnan(x) | np.isnan(y))
    x, y = x[known], y[known]
    m = Moments.of(x, y)
    agreeing = np.count_nonzero(np.sign(x) == np.sign(y))
    numbers = (m.n, m.mean_x, m.mean_y, m.m2_x, m.m2_y, m.c_xy, ((x - y) ** 2).sum(), agreeing)
    return Sums(*(np.asarray(number, np.float64) for number in numbers))
