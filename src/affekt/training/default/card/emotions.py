"""Emotion by emotion: where a set's items lie by gold and by prediction, and what goes wrong, in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from affekt.training.default.card.items import Item
from affekt.training.default.card.markdown import number

SIDE = 0.1
"""Gold nearer to 0 is on no side of it."""
APART = 0.5
"""Two emotions at this distance in the gold or more should be told apart."""
FEWEST = 5
"""Of fewer items nothing is said in words."""


@dataclass(frozen=True, slots=True, eq=False)
class Emotion:
    """One emotion in one set; means over its items that were answered."""

    set: str
    emotion: str
    items: int
    gold: np.ndarray
    """(2,) mean arousal and valence by the table of categories (faces: weighted by the raters' votes)."""
    predicted: np.ndarray
    """(2,) mean; NaN where no item was answered."""
    wrong_side: np.ndarray
    """(2,) share of items predicted on the other side of 0 than their gold; NaN where the gold is near 0."""


def emotions(items: Sequence[Item]) -> list[Emotion]:
    """The emotions of all sets that have any, set by set, in the order of their first items."""
    groups: dict[tuple[str, str], list[Item]] = {}
    for item in items:
        if item.emotion:
            groups.setdefault((item.set, item.emotion), []).append(item)
    names = dict.fromkeys(item.set for item in items)
    return [_emotion(*key, groups[key]) for name in names for key in groups if key[0] == name]


def _emotion(name: str, emotion: str, items: Sequence[Item]) -> Emotion:
    gold = np.array([item.gold for item in items])
    predicted = np.array([item.predicted for item in items])
    answered = ~np.isnan(predicted).any(1)
    gold, predicted = gold[answered], predicted[answered]
    if not len(gold):
        nothing = np.full(2, np.nan)
        return Emotion(name, emotion, len(items), nothing, nothing, nothing)
    sided = np.abs(gold) >= SIDE
    wrong = (sided & (np.sign(predicted) != np.sign(gold))).sum(0)
    share = np.where(sided.any(0), wrong / np.maximum(sided.sum(0), 1), np.nan)
    return Emotion(name, emotion, len(items), gold.mean(0), predicted.mean(0), share)


@dataclass(frozen=True, slots=True)
class Lookalikes:
    """Two emotions of a set that the gold sets apart, and the prediction hardly."""

    set: str
    one: str
    other: str
    gold: float
    """Distance of their mean gold."""
    predicted: float
    """Distance of their mean predictions."""


def lookalikes(found: Sequence[Emotion]) -> list[Lookalikes]:
    """Pairs of a set's emotions that lie `APART` or more in the gold, the least told apart first."""
    pairs = [
        Lookalikes(a.set, a.emotion, b.emotion, *_distances(a, b))
        for a, b in combinations([e for e in found if e.items >= FEWEST], 2)
        if a.set == b.set
    ]
    apart = [pair for pair in pairs if pair.gold >= APART and np.isfinite(pair.predicted)]
    return sorted(apart, key=lambda pair: pair.predicted / pair.gold)


def failures(found: Sequence[Emotion], names: dict[str, str], each: int = 2) -> list[str]:
    """A line for each set: what it most often puts on the wrong side, and whom it confuses.

    Args:
        found: of `emotions`.
        names: set → what people call it; another set keeps its own.
        each: so many of both kinds a set at most.
    """
    pairs, lines = lookalikes(found), []
    for name in dict.fromkeys(emotion.set for emotion in found):
        some = [e for e in found if e.set == name and e.items >= FEWEST]
        said = [
            f"{_percent(e.wrong_side[1])} of {e.emotion} come out "
            f"{'unpleasant' if e.gold[1] > 0 else 'pleasant'}"
            for e in sorted(some, key=lambda e: -np.nan_to_num(e.wrong_side[1]))[:each]
            if np.nan_to_num(e.wrong_side[1]) > 0
        ]
        said += [
            f"{p.one} and {p.other} are {number(p.gold, 2)} apart in the gold, "
            f"{number(p.predicted, 2)} as predicted"
            for p in [pair for pair in pairs if pair.set == name][:each]
        ]
        if said:
            lines.append(f"{names.get(name, name)}: {'; '.join(said)}.")
    return lines


def _distances(a: Emotion, b: Emotion) -> tuple[float, float]:
    """Of two emotions' mean gold, and of their mean predictions."""
    return float(np.linalg.norm(a.gold - b.gold)), float(np.linalg.norm(a.predicted - b.predicted))


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
