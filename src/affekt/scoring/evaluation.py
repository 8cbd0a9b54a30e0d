"""A partition's scores: over its frames laid end to end and as the mean over recordings, with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from affekt.scoring.bootstrap import CONFIDENCE, DRAWS, draw_counts, interval
from affekt.scoring.measures import MEASURES, Sums


@dataclass(frozen=True, slots=True, eq=False)
class Score:
    """One measure per dimension, with its interval; each (D,) float64, NaN = has no value."""

    value: np.ndarray
    low: np.ndarray
    high: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """How well the predictions of R recordings agree with their gold, in D dimensions."""

    recordings: Sums
    """(R, D), in the order they were given."""
    joined: dict[str, Score]
    """Measure → over all frames laid end to end: what the paper and the AVEC challenges report."""
    mean: dict[str, Score]
    """Measure → mean over the recordings in which it has a value."""
    averaged: dict[str, np.ndarray]
    """Measure → (D,) int64, the recordings that `mean` is over."""
    clusters: int
    """How many there were to draw from; where one alone has a value, no interval can be told."""


def evaluate(
    recordings: Sequence[tuple[np.ndarray, np.ndarray]],
    clusters: Sequence[str] | None = None,
    *,
    draws: int = DRAWS,
    seed: int = 0,
    confidence: float = CONFIDENCE,
) -> Evaluation:
    """Score recordings.

    Args:
        recordings: of each its predictions and gold, both (N, D), NaN where a frame does not count.
        clusters: of each what it is drawn together with (its dyad's or speaker's name); None: each alone.
        draws: how many bootstrap draws; 0: no intervals.
        seed: of the draws. They depend on it and on the order of the clusters' names, on nothing else.
        confidence: of the intervals, in (0, 1).

    Raises:
        ValueError: there is no recording, or as many clusters as recordings are not given.
    """
    names = [str(place) for place in range(len(recordings))] if clusters is None else list(clusters)
    if not recordings or len(names) != len(recordings):
        raise ValueError(f"{len(names)} clusters for {len(recordings)} recordings")
    sums = Sums.stack([Sums.of(x, y) for x, y in recordings])
    drawn_as = sorted(set(names))
    member = np.array([[name == one for name in names] for one in drawn_as], np.float64)  # (C, R)
    every = np.ones((1, len(names)))
    whole, mean, averaged = sums.pooled(every), _means(sums, every), {}
    for measure in MEASURES:
        averaged[measure] = np.isfinite(getattr(sums, measure)).sum(0)
    spread: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    if len(drawn_as) > 1 and draws > 0:
        counts = draw_counts(len(drawn_as), draws, seed)
        pooled, means = sums.pooled(member).pooled(counts), _means(sums, counts @ member)
        filled = sums.n > 0
        for measure in MEASURES:
            known = np.isfinite(getattr(sums, measure))
            for how, values, counted in (
                ("joined", getattr(pooled, measure), filled),
                ("mean", means[measure], known),
            ):
                several = (member @ counted > 0).sum(0) > 1
                ends = interval(np.where(several, values, np.nan), confidence)
                spread[f"{how} {measure}"] = ends
    nothing = np.full(sums.n.shape[1], np.nan)
    unknown = nothing, nothing
    return Evaluation(
        recordings=sums,
        joined={m: Score(getattr(whole, m)[0], *spread.get(f"joined {m}", unknown)) for m in MEASURES},
        mean={m: Score(mean[m][0], *spread.get(f"mean {m}", unknown)) for m in MEASURES},
        averaged=averaged,
        clusters=len(drawn_as),
    )


def _means(sums: Sums, counts: np.ndarray) -> dict[str, np.ndarray]:
    """Measure → (B, D), its mean over recordings that are there as often as counts (B, R) say; no NaN."""
    result = {}
    for measure in MEASURES:
        values = getattr(sums, measure)
        known = np.isfinite(values)
        total, number = counts @ np.where(known, values, 0.0), counts @ known.astype(np.float64)
        result[measure] = np.where(number > 0, total / np.maximum(number, 1), np.nan)
    return result
