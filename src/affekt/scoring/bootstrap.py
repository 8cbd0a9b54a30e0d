"""Percentile bootstrap over clusters: what belongs together (a dyad, a speaker) is drawn together.

Frames of one recording, and recordings of one speaker, resemble each other; drawing them one by one would
give intervals that are far too narrow. So whole clusters are drawn, with replacement, as many as there are.
"""

from __future__ import annotations

import numpy as np

DRAWS = 1_000
CONFIDENCE = 0.95


def draw_counts(clusters: int, draws: int = DRAWS, seed: int = 0) -> np.ndarray:
    """How often each cluster is in each draw, (draws, clusters) float64; each row sums to `clusters`.

    >>> draw_counts(3, 2).sum(1).tolist()
    [3.0, 3.0]
    """
    picks = np.random.default_rng(seed).integers(0, clusters, (draws, clusters))
    cells = picks + clusters * np.arange(draws)[:, None]
    counts = np.bincount(cells.ravel(), minlength=draws * clusters)
    return counts.reshape(draws, clusters).astype(np.float64)


def interval(values: np.ndarray, confidence: float = CONFIDENCE) -> tuple[np.ndarray, np.ndarray]:
    """The percentiles of values (B, …) over the B draws that leave out (1 − confidence) / 2 at each end.

    Draws in which a measure has no value (NaN) are left out; where less than half of them have one, neither
    has the interval. Between two draws, percentiles are interpolated linearly.
    """
    enough = np.mean(np.isfinite(values), axis=0) >= 0.5
    ends = [(1 - confidence) / 2, (1 + confidence) / 2]
    low, high = np.nanquantile(np.where(enough, values, 0.0), ends, axis=0)
    return np.where(enough, low, np.nan), np.where(enough, high, np.nan)
