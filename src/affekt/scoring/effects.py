"""How much a score depends on one of the things that were varied (paper, section 5.9, Table 8)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Effect:
    """What the values of one hyper-parameter do to D scores, all others varying as they happen to."""

    groups: tuple[str, ...]
    """Names of the G groups, in the order in which they were given."""
    counts: np.ndarray
    """(G,) trials in each."""
    means: np.ndarray
    """(G, D) mean over the trials of each group."""
    mean: np.ndarray
    """(D,) mean over the groups' means, each group counting once."""
    std: np.ndarray
    """(D,) sample standard deviation (G − 1) over the groups' means; NaN for a single group."""
    share: np.ndarray
    """(D,) of the variance over trials, what lies between groups (η², 0 … 1); NaN where nothing varies."""


def effect(names: Sequence[str], rows: np.ndarray, scores: np.ndarray) -> Effect:
    """Group trials and compare the groups.

    Args:
        names: of all groups there might be; one without a trial is left out.
        rows: (N,) int, the group of each of N ≥ 1 trials.
        scores: (N, D).
    """
    there = [row for row in range(len(names)) if (rows == row).any()]
    counts = np.array([int((rows == row).sum()) for row in there])
    means = np.stack([scores[rows == row].mean(axis=0) for row in there])
    between = (counts[:, None] * (means - scores.mean(axis=0)) ** 2).sum(axis=0)
    total = ((scores - scores.mean(axis=0)) ** 2).sum(axis=0)
    nothing = np.full(scores.shape[1], np.nan)
    return Effect(
        groups=tuple(names[row] for row in there),
        counts=counts,
        means=means,
        mean=means.mean(axis=0),
        std=means.std(axis=0, ddof=1) if len(there) > 1 else nothing,
        share=np.divide(between, total, out=nothing.copy(), where=total > 0),
    )
