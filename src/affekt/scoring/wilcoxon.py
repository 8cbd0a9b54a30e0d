"""Do two systems differ over the same recordings? Wilcoxon's signed-rank test, with an effect size.

The paper tests its table 7 with it and does not say over which samples (readings 9.7); here they are
recordings, or the dyads and speakers that these belong to.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from affekt.scoring.bootstrap import CONFIDENCE, DRAWS, draw_counts, interval
from affekt.scoring.measures import Sums
from affekt.timeline.gold import DIMENSIONS

LEAST = 6
"""Differences below which no outcome reaches p < .05: the two-sided p of five is 2/2⁵ = .0625 at best."""
EXACT = 50
"""Differences up to which p comes from all 2ⁿ signs, if no two have the same size."""
MEAN = "mean"
"""The question about the mean of arousal and valence."""
_DIGITS = 12
"""Decimals that differences are rounded to: what lies beyond is dust, which would untie and take sides."""


@dataclass(frozen=True, slots=True)
class SignedRank:
    """The test over n paired differences d = second − first."""

    n: int
    """Differences that are not 0; those alone are ranked."""
    zeros: int
    """Differences of 0, which are left out, as Wilcoxon (1945) did: what is left keeps its exact
    distribution, and the test asks whether those that differ do so in one direction."""
    plus: float
    """Sum of the ranks of |d| where d > 0, ties sharing the mean of their ranks."""
    minus: float
    p: float
    """Two-sided; NaN where n is 0."""
    exact: bool
    """From all 2ⁿ signs; False: from the normal distribution, the variance corrected for ties, with half a
    rank for continuity."""
    median: float
    """Of all differences, the zeros among them; NaN where there is none."""
    low: float
    """Percentile interval of the median over bootstrap draws of the differences; NaN: none."""
    high: float

    @property
    def effect(self) -> float:
        """Matched-pairs rank-biserial correlation (Kerby 2014): (plus − minus) / (n (n + 1) / 2), −1 … 1.

        1: the second is larger wherever they differ; 0: neither; NaN where n is 0.
        """
        return (self.plus - self.minus) / (self.plus + self.minus) if self.n else float("nan")


def signed_rank(
    differences: ArrayLike, *, draws: int = DRAWS, seed: int = 0, confidence: float = CONFIDENCE
) -> SignedRank:
    """Test whether paired differences (N,) lie around 0; NaN is left out.

    Args:
        draws: of the bootstrap; 0: no interval.
        seed: of the draws.
        confidence: of the interval, in (0, 1).

    Raises:
        ImportError: SciPy, an extra, is not installed.
    """
    from scipy.stats import rankdata, wilcoxon

    every = np.asarray(differences, np.float64)
    every = np.round(every[np.isfinite(every)], _DIGITS)
    d = every[every != 0]
    sizes = np.abs(d)
    exact = len(d) <= EXACT and len(np.unique(sizes)) == len(d)
    p = float("nan")
    if len(d):
        how = "exact" if exact else "asymptotic"
        p = float(wilcoxon(d, zero_method="wilcox", correction=True, method=how).pvalue)
    ranks = rankdata(sizes)
    low, high = _interval(every, draws, seed, confidence)
    return SignedRank(
        n=len(d),
        zeros=len(every) - len(d),
        plus=float(ranks[d > 0].sum()),
        minus=float(ranks[d < 0].sum()),
        p=p,
        exact=exact,
        median=float(np.median(every)) if len(every) else float("nan"),
        low=low,
        high=high,
    )


def holm(p: Sequence[float]) -> list[float]:
    """Holm's (1979) step-down correction of the p of several questions asked at once; NaN counts for none.

    The smallest of m is multiplied by m, the next by m − 1 …, none falling below the one before it.

    >>> holm([0.02, 0.3, 0.01])
    [0.04, 0.3, 0.03]
    """
    values = np.asarray(p, np.float64)
    asked = np.flatnonzero(np.isfinite(values))
    order = asked[np.argsort(values[asked], kind="stable")]
    times = np.arange(len(order), 0, -1)
    corrected = values.copy()
    corrected[order] = np.minimum(1.0, np.maximum.accumulate(times * values[order]))
    return [float(one) for one in corrected]


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """Two systems over the same U units, asked Q questions: about each dimension, and about the mean."""

    unit: str
    """What one is: dyad, speaker, group, recording."""
    names: tuple[str, ...]
    """Of the units, in alphabetical order."""
    questions: tuple[str, ...]
    """The dimensions, and `MEAN` where arousal and valence are among them."""
    values: np.ndarray
    """(2, U, Q) float64, the measure of either system; NaN where it has no value."""
    tests: tuple[SignedRank, ...]
    """Of each question; differences are the second system's value − the first one's."""
    corrected: tuple[float, ...]
    """p of each question: of the dimensions by Holm, they being asked together; of the mean as it is, since
    it is one question of its own."""

    @property
    def significant(self) -> tuple[bool, ...]:
        """Where the corrected p is below .05; never of fewer differences than can say so (`LEAST`)."""
        pairs = zip(self.tests, self.corrected, strict=True)
        return tuple(test.n >= LEAST and p < 0.05 for test, p in pairs)


def compare(
    sums: tuple[Sums, Sums],
    units: Sequence[str],
    dimensions: Sequence[str],
    measure: str = "ccc",
    *,
    unit: str = "recording",
    draws: int = DRAWS,
    seed: int = 0,
    confidence: float = CONFIDENCE,
) -> Comparison:
    """Test whether two systems differ over units whose recordings' frames are laid end to end.

    Args:
        sums: of either system over the same R recordings and frames, (R, D).
        units: of each recording the dyad, speaker … that it belongs to; units are taken to be independent.
        dimensions: names of the D columns.
        measure: one of `MEASURES`.
        unit: what a unit is, for people.
        draws, seed, confidence: of the interval of the median difference.

    Raises:
        ImportError: as `signed_rank`.
    """
    names = sorted(set(units))
    member = np.array([[one == name for one in units] for name in names], np.float64)
    values = np.stack([getattr(one.pooled(member), measure) for one in sums])
    questions = tuple(dimensions)
    if set(DIMENSIONS) <= set(dimensions):
        both = [questions.index(name) for name in DIMENSIONS]
        values = np.concatenate([values, values[:, :, both].mean(2, keepdims=True)], axis=2)
        questions += (MEAN,)
    how = {"draws": draws, "seed": seed}
    tests = [signed_rank(d, **how, confidence=confidence) for d in (values[1] - values[0]).T]
    p = [test.p for test in tests]
    asked = len(dimensions)
    return Comparison(unit, tuple(names), questions, values, tuple(tests), (*holm(p[:asked]), *p[asked:]))


def _interval(values: np.ndarray, draws: int, seed: int, confidence: float) -> tuple[float, float]:
    """Of the median over draws, with replacement, of as many values as there are."""
    n = len(values)
    if n < 2 or draws < 1:
        return float("nan"), float("nan")
    upto = np.cumsum(draw_counts(n, draws, seed), axis=1)  # of values in order of their size
    middle = [np.argmax(upto > place, axis=1) for place in ((n - 1) // 2, n // 2)]
    ordered = np.sort(values)
    low, high = interval((ordered[middle[0]] + ordered[middle[1]]) / 2, confidence)
    return float(low), float(high)
