"""Several raters' traces → one gold standard, and how well the raters agree.

All functions take ratings (T, R) of R raters over T frames, NaN where a rater said nothing. A statistic of
two raters is taken over the frames that both rated.

Rater-aligned warping (the RAAW of MuSe-Toolbox, Stappen et al. 2021) is not among them: it rests on
generalised canonical time warping, of which there is code for MATLAB and Octave alone. The libraries on PyPI
warp traces in pairs, or average them in a time of their own (DTW barycentres), where a frame of the gold is
no longer a frame of the film. `rater_delays` lines raters up by one shift each instead.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from affekt.scoring import ccc
from affekt.timeline import FRAME_RATE, frame_of

LONGEST = 5.0
"""Seconds by which a rater may be ahead of the others or behind them."""
_SWEEPS = 20
"""Rounds over the raters; the delays settle in two or three."""


@dataclass(frozen=True, slots=True, eq=False)
class Fusion:
    """One trace of several."""

    values: np.ndarray
    """(T,) float64; NaN in frames that no rater with a weight rated."""
    weights: np.ndarray
    """(R,) float64, sum 1. A frame's weights are these of the raters who rated it, scaled to a sum of 1."""
    warnings: tuple[str, ...] = ()


def evaluator_weighted(ratings: np.ndarray) -> Fusion:
    """The evaluator-weighted estimator: each rater weighs as much as they correlate with the others.

    Weights are Pearson's r with the mean of the *other* raters, negative ones 0. Grimm and Kroschel (2005)
    correlate with the mean of *all*, the rater's own trace included, which with few raters makes everyone
    agree with themselves: of three raters of pure noise, each has an r of about .58 instead of 0.
    """
    others = (_mean_of_others(ratings, rater) for rater in range(ratings.shape[1]))
    weights = [_pearson(ratings[:, rater], mean) for rater, mean in enumerate(others)]
    return _weighted(ratings, np.array(weights))


def avec(ratings: np.ndarray) -> Fusion:
    """Each rater weighs as much as their mean CCC with each of the others, negative ones 0 (AVEC 2016)."""
    return _weighted(ratings, rater_agreement(ratings))


def avec_centred(ratings: np.ndarray) -> Fusion:
    """AVEC 2016's gold standard for RECOLA: the plain mean of raters who were brought to one level before.

    That level is the mean of the raters' own levels, weighted as in `avec`. So the weights decide how high
    the trace lies, and not how it runs.
    """
    fused = avec(ratings)
    levels = np.array([_mean(column) for column in ratings.T])
    known = np.isfinite(levels)
    level = levels[known] @ fused.weights[known] / (fused.weights[known].sum() or 1.0)
    return Fusion(level + _plain_mean(ratings - levels), fused.weights, fused.warnings)


def mean(ratings: np.ndarray) -> Fusion:
    """The mean of those who rated a frame."""
    return Fusion(_plain_mean(ratings), np.full(ratings.shape[1], 1 / ratings.shape[1]))


METHODS: dict[str, Callable[[np.ndarray], Fusion]] = {
    "ewe": evaluator_weighted,
    "avec": avec,
    "avec-centred": avec_centred,
    "mean": mean,
}


def rater_agreement(ratings: np.ndarray) -> np.ndarray:
    """(R,) mean CCC of each rater with each of the others; NaN for a rater who is alone."""
    pairs = pairwise_ccc(ratings)
    return np.array([_mean(np.delete(row, rater)) for rater, row in enumerate(pairs)])


def pairwise_ccc(ratings: np.ndarray) -> np.ndarray:
    """(R, R) CCC of every two raters, symmetric, 1 on the diagonal; NaN where two share no frame."""
    count = ratings.shape[1]
    table = np.eye(count)
    for first in range(count):
        for second in range(first):
            both = np.isfinite(ratings[:, first]) & np.isfinite(ratings[:, second])
            value = float(ccc(ratings[both, first], ratings[both, second])) if both.any() else np.nan
            table[first, second] = table[second, first] = value
    return table


def mean_ccc(ratings: np.ndarray) -> float:
    """Mean CCC over all pairs of raters; NaN for a single rater."""
    return _mean(pairwise_ccc(ratings)[np.tril_indices(ratings.shape[1], -1)])


def cronbach_alpha(ratings: np.ndarray) -> float:
    """Cronbach's alpha over the frames that all raters rated: R / (R − 1) · (1 − Σ var / var of the sum).

    NaN for a single rater, no common frame, or raters whose sum never moves.
    """
    whole = ratings[np.isfinite(ratings).all(axis=1)]
    count = ratings.shape[1]
    # From the first row: a constant rater then has a spread of exactly 0.
    whole = whole - whole[:1]
    total = whole.sum(axis=1).var() if len(whole) else 0.0
    if count < 2 or total == 0:
        return float("nan")
    return float(count / (count - 1) * (1 - whole.var(axis=0).sum() / total))


def rater_delays(recordings: Sequence[np.ndarray], longest: float = LONGEST) -> np.ndarray:
    """How much later than the others each rater reacts: (R,) float64 seconds, in steps of 0.1.

    Each rater in turn is shifted to where they correlate best with the mean of the others, over all
    recordings that the same raters rated, until nobody moves. Only the differences between raters can be
    told: all of them being two seconds late looks like all being quick. So the delays have a mean of 0
    (rounded to frames); what they share is left to the annotation delay, `affekt.corpora.gold.delay`.

    Args:
        recordings: ratings (T, R) at 10 Hz each, the same raters in the same order.
        longest: seconds; no more than a quarter of the shortest recording is tried.
    """
    count = recordings[0].shape[1]
    reach = min(frame_of(longest), *(len(one) // 4 for one in recordings))
    late = np.zeros(count, int)
    for _ in range(_SWEEPS if count > 1 else 0):
        before = late.copy()
        for rater in range(count):
            pairs = [(one[:, rater], _mean_of_others(_shifted(one, late), rater)) for one in recordings]
            late[rater] = _lag(pairs, reach)
        late = np.clip(late - round(float(late.mean())), -reach, reach)
        if (late == before).all():
            break
    return late / FRAME_RATE


def aligned(ratings: np.ndarray, seconds: np.ndarray) -> np.ndarray:
    """Shift each rater earlier by their delay (a negative one: later); what is shifted in is NaN."""
    return _shifted(ratings, np.array([frame_of(one) for one in seconds]))


def _shifted(ratings: np.ndarray, frames: np.ndarray) -> np.ndarray:
    moved = np.full_like(ratings, np.nan)
    length = len(ratings)
    for rater, k in enumerate(frames.tolist()):
        moved[max(0, -k) : length - max(0, k), rater] = ratings[max(0, k) : length - max(0, -k), rater]
    return moved


def _lag(pairs: Sequence[tuple[np.ndarray, np.ndarray]], reach: int) -> int:
    """Frames by which a rater is behind the others, (rater, others) of each recording; 0 if never alike."""
    total = np.sum([len(rater) * _correlations(rater, others, reach) for rater, others in pairs], axis=0)
    lags = sorted(range(-reach, reach + 1), key=abs)
    best = max(lags, key=lambda k: round(float(total[k + reach]), 9))
    return best if total[best + reach] > 0 else 0


def _correlations(x: np.ndarray, y: np.ndarray, reach: int) -> np.ndarray:
    """(2 · reach + 1,) Pearson's r of y and x moved earlier by −reach … reach frames; 0 if there is none."""
    there_x, there_y = np.isfinite(x), np.isfinite(y)
    if not there_x.any() or not there_y.any():
        return np.zeros(2 * reach + 1)
    a = np.where(there_x, x - x[there_x].mean(), 0.0)
    b = np.where(there_y, y - y[there_y].mean(), 0.0)

    def sums(one: np.ndarray, other: np.ndarray) -> np.ndarray:
        return np.correlate(np.pad(one.astype(np.float64), reach), other.astype(np.float64), "valid")

    n = np.maximum(sums(there_x, there_y), 1.0)
    sum_a, sum_b = sums(a, there_y), sums(there_x, b)
    spread_a = sums(a**2, there_y) - sum_a**2 / n
    spread_b = sums(there_x, b**2) - sum_b**2 / n
    moves = (spread_a > n * _dust(x) ** 2) & (spread_b > n * _dust(y) ** 2)
    spread = np.sqrt(np.where(moves, spread_a, 1.0)) * np.sqrt(np.where(moves, spread_b, 1.0))
    return np.where(moves, (sums(a, b) - sum_a * sum_b / n) / spread, 0.0)


def _dust(x: np.ndarray) -> float:
    """Spread that the rounding of a mean of raters may leave of a constant."""
    return 1e-9 * float(np.abs(x[np.isfinite(x)]).max(initial=1e-90))


def _weighted(ratings: np.ndarray, weights: np.ndarray) -> Fusion:
    """The weighted mean of each frame's raters; the plain mean where nobody agrees with anybody."""
    weights = np.where(np.isfinite(weights), np.maximum(weights, 0.0), 0.0)
    if not weights.any():
        plain = mean(ratings)
        why = "one rater alone" if len(weights) == 1 else "no rater agrees with the others: all weights are 0"
        return Fusion(plain.values, plain.weights, (f"{why}, so this is the plain mean",))
    weights = weights / weights.sum()
    there = np.isfinite(ratings) * weights
    total = there.sum(axis=1)
    values = (np.where(np.isfinite(ratings), ratings, 0.0) * there).sum(axis=1)
    return Fusion(np.where(total > 0, values / np.where(total > 0, total, 1.0), np.nan), weights)


def _mean_of_others(ratings: np.ndarray, rater: int) -> np.ndarray:
    """(T,) mean of the others who rated each frame; NaN where nobody did."""
    return _plain_mean(np.delete(ratings, rater, axis=1))


def _plain_mean(ratings: np.ndarray) -> np.ndarray:
    there = np.isfinite(ratings)
    count = there.sum(axis=1)
    total = np.where(there, ratings, 0.0).sum(axis=1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _mean(values: np.ndarray) -> float:
    """Of the finite values; NaN if there are none."""
    finite = values[np.isfinite(values)]
    return float(finite.mean()) if len(finite) else float("nan")


def _pearson(x: np.ndarray, y: np.ndarray) -> float:
    """Over the frames in which both have a value; 0 where either never moves."""
    return float(_correlations(x, y, 0)[0])
