"""Two sides of predictions beside one gold standard: the same recordings, dimensions and rows for both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from affekt.corpora.compare.pairs import Pad, Pair, Pairing, on_clock, pair_up
from affekt.corpora.compare.sides import Side
from affekt.corpora.corpus import Fault
from affekt.errors import CorpusError
from affekt.timeline import Partition


@dataclass(frozen=True, slots=True)
class Both:
    """What both can be compared on."""

    first: tuple[Pair, ...]
    second: tuple[Pair, ...]
    """Of the same recordings and rows as `first`, with the same gold."""
    dimensions: tuple[str, ...]
    faults: tuple[Fault, ...]
    """Of either side and of the gold."""
    left_out: tuple[str, ...]
    """Recordings with gold that only one of them was compared with, or neither."""


def pair_both(
    first: Side,
    second: Side,
    gold: Side,
    *,
    dimensions: Sequence[str] = (),
    select: Sequence[str] = (),
    partition: Partition | None = None,
    pad: Pad | None = None,
) -> Both:
    """Bring two sides to the same rows of a gold standard; a row counts where both have a value.

    Where one side keeps a corpus' own clock and the other that of 10 Hz, both are compared at 10 Hz.

    Args:
        dimensions, select, partition, pad: as `pair_up`; no dimensions: all that the three have.

    Raises:
        CorpusError: there is nothing that both can be compared on.
    """

    def paired(side: Side, names: Sequence[str]) -> Pairing:
        return pair_up(side, gold, dimensions=names, select=select, partition=partition, pad=pad)

    one, other = paired(first, dimensions), paired(second, dimensions)
    if one.dimensions != other.dimensions:
        common = [name for name in one.dimensions if name in other.dimensions]
        if not common:
            raise CorpusError(
                f"{first.root} has {', '.join(one.dimensions)}, {second.root} has "
                f"{', '.join(other.dimensions)}: none is in both; name them alike"
            )
        one, other = paired(first, common), paired(second, common)
    if any(len(x.gold) != len(y.gold) or x.rows != y.rows for x, y in _shared(one, other)):
        one, other = (paired(on_clock(side), one.dimensions) for side in (first, second))
    rows = [_same_rows(x, y) for x, y in _shared(one, other)]
    known = {name: None for each in (one, other) for name in _names(each)}
    in_both = {pair.recording.name for pair, _ in rows}
    return Both(
        tuple(pair for pair, _ in rows),
        tuple(pair for _, pair in rows),
        one.dimensions,
        tuple(dict.fromkeys((*one.faults, *other.faults))),
        tuple(name for name in known if name not in in_both),
    )


def _names(pairing: Pairing) -> tuple[str, ...]:
    return (*(one.recording.name for one in pairing.pairs), *pairing.without_prediction)


def _shared(one: Pairing, other: Pairing) -> list[tuple[Pair, Pair]]:
    by_name = {pair.recording.name: pair for pair in other.pairs}
    return [(pair, by_name[name]) for pair in one.pairs if (name := pair.recording.name) in by_name]


def _same_rows(one: Pair, other: Pair) -> tuple[Pair, Pair]:
    """Both without what either lacks."""
    lacking = np.isnan(one.predictions) | np.isnan(other.predictions)
    x, y = (
        replace(
            pair,
            predictions=np.where(lacking, np.nan, pair.predictions),
            gold=np.where(lacking, np.nan, pair.gold),
        )
        for pair in (one, other)
    )
    return x, y
