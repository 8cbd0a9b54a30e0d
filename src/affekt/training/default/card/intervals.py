"""The concordance of a group of items, with an interval that minds who speaks: people resemble themselves.

Two-stage bootstrap (Davison and Hinkley 1997, Bootstrap Methods and their Application, section 3.8): speakers
are drawn with replacement, then, within each that was drawn, as many of its items as it has. Sentences and
faces, of which nobody knows whose they are, are drawn one by one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from affekt.scoring import Sums
from affekt.scoring.bootstrap import DRAWS, draw_counts, interval
from affekt.training.default.card.items import Item

FEW = 4
"""Below so many speakers, an interval over them is hardly worth anything, which the card then says."""


@dataclass(frozen=True, slots=True, eq=False)
class Concordance:
    """CCC of a group of items, arousal and valence, with its 95 % interval; each (2,), NaN = has no value."""

    items: int
    speakers: int
    """0 where nobody knows them."""
    unanswered: int
    """Items without a prediction, which do not count."""
    value: np.ndarray
    low: np.ndarray
    high: np.ndarray


def concordance(items: Sequence[Item], draws: int = DRAWS, seed: int = 0) -> Concordance:
    """CCC over items (population moments) with the percentiles of `draws` draws.

    The draws follow from the seed and the items' order. One speaker alone tells of no other: no interval.

    Raises:
        ValueError: there is no item.
    """
    if not items:
        raise ValueError("there is no item to score")
    predicted = np.array([item.predicted for item in items])
    gold = np.array([item.gold for item in items])
    sums = Sums.stack([Sums.of(x[None], y[None]) for x, y in zip(predicted, gold, strict=True)])
    speakers = {item.speaker for item in items} - {""}
    clusters = [item.speaker or item.item for item in items]
    low = high = np.full(2, np.nan)
    if len(set(clusters)) > 1:
        low, high = interval(sums.pooled(two_stage_counts(clusters, draws, seed)).ccc)
    return Concordance(
        items=len(items),
        speakers=len(speakers),
        unanswered=int(np.isnan(predicted).any(1).sum()),
        value=sums.pooled(np.ones((1, len(items)))).ccc[0],
        low=low,
        high=high,
    )


def two_stage_counts(clusters: Sequence[str], draws: int = DRAWS, seed: int = 0) -> np.ndarray:
    """How often each item is in each draw, (draws, N) float64.

    Args:
        clusters: of each item what it is drawn with.

    In every draw, a cluster of n items that was drawn k times holds k·n picks of its own items.

    >>> two_stage_counts(["a", "b", "b"], 2).shape
    (2, 3)
    """
    members = Counter(clusters)
    drawn = draw_counts(len(members), draws, seed).astype(np.int64)
    within = np.random.default_rng([seed, 1])
    counts = np.zeros((draws, len(clusters)))
    names = np.array(clusters)
    for column, (name, size) in enumerate(members.items()):
        # k draws of n each are one draw of k·n: what is drawn twice differs within.
        counts[:, names == name] = within.multinomial(drawn[:, column] * size, np.full(size, 1 / size))
    return counts
