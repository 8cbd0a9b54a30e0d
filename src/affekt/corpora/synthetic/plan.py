"""Who talks with whom, and what each recording of the synthetic corpus is called."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np

from affekt.errors import CorpusError
from affekt.timeline import frame_count
from affekt.timeline.recording import Partition

GENERATOR = 1
"""Grows whenever the same seed would give another corpus."""
SEWA_PAIRS = {"train": 17, "devel": 7, "test": 8}
"""Pairs of each partition of SEWA in AVEC 2017 (paper, section 5.1)."""
SHORTEST, LONGEST = 10.0, 3600.0
"""Seconds of a recording; in the shortest both still get a word in."""

Language = Literal["de", "en"]
LANGUAGES: tuple[Language, Language] = ("de", "en")


@dataclass(frozen=True, slots=True)
class Parameters:
    """All that a synthetic corpus depends on."""

    pairs: int
    """Dyads; each gives two recordings."""
    seconds: float
    """Length of every recording, in whole tenths."""
    seed: int

    def __post_init__(self) -> None:
        if self.pairs < len(SEWA_PAIRS):
            raise CorpusError(
                f"{self.pairs} pairs cannot be split into train, devel and test; ask for 3 or more"
            )
        if not SHORTEST <= self.seconds <= LONGEST:
            raise CorpusError(
                f"a recording of {self.seconds:g} s: between {SHORTEST:g} and {LONGEST:g} s are made"
            )
        if self.seed < 0:
            raise CorpusError(f"the seed {self.seed} is negative; choose a whole number from 0 on")
        object.__setattr__(self, "seconds", frame_count(self.seconds) / 10)

    @property
    def frames(self) -> int:
        """10 Hz frames of every recording."""
        return frame_count(self.seconds)

    def stream(self, pair: int, what: str) -> np.random.Generator:
        """Chance for one purpose of one pair, the same whatever else is drawn, and whoever draws it."""
        return np.random.default_rng([self.seed, pair, zlib.crc32(what.encode())])


@dataclass(frozen=True, slots=True)
class Pair:
    """Two people who talk with each other."""

    number: int
    """From 0 on, over all partitions."""
    partition: Partition
    names: tuple[str, str]
    """The two recordings: Train_07, Train_31."""
    language: Language

    @property
    def speakers(self) -> tuple[str, str]:
        """Nobody talks in two pairs."""
        return f"S{2 * self.number + 1:03}", f"S{2 * self.number + 2:03}"


def split(pairs: int) -> dict[Partition, int]:
    """Pairs of each partition, in SEWA's proportion of 17 : 7 : 8, at least one each.

    >>> split(32), split(3)
    ({'train': 17, 'devel': 7, 'test': 8}, {'train': 1, 'devel': 1, 'test': 1})
    """
    whole = sum(SEWA_PAIRS.values())
    devel, test = (max(1, (2 * pairs * SEWA_PAIRS[one] + whole) // (2 * whole)) for one in ("devel", "test"))
    return {"train": pairs - devel - test, "devel": devel, "test": test}


def plan(parameters: Parameters) -> tuple[Pair, ...]:
    """All pairs; the recordings of a partition are numbered in an order that keeps partners apart.

    As in SEWA, names do not tell who talked with whom. Languages alternate.
    """
    pairs: list[Pair] = []
    for partition, count in split(parameters.pairs).items():
        order = _shuffled(count, parameters.stream(len(pairs), "names"))
        places = {person: place for place, person in enumerate(order, 1)}
        for k in range(count):
            first, second = (f"{partition.capitalize()}_{places[k, side]:02}" for side in (0, 1))
            pairs.append(Pair(len(pairs), partition, (first, second), LANGUAGES[len(pairs) % 2]))
    return tuple(pairs)


def _shuffled(count: int, rng: np.random.Generator) -> list[tuple[int, int]]:
    """(pair, side) of 2 · `count` people, partners not side by side, but for a pair alone."""
    people = [(k, side) for k in range(count) for side in (0, 1)]
    while True:
        order = [people[k] for k in rng.permutation(len(people))]
        if count == 1 or all(a[0] != b[0] for a, b in pairwise(order)):
            return order
