"""What the runs of a model reached on a partition, with intervals, and whether two models differ.

The seeds' predictions of one model are judged one by one and averaged, never their traces: an ensemble would
be another system. Recordings of a dyad or a speaker are drawn, and tested, together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from affekt.corpora.compare.clusters import clusters_of, gathered
from affekt.corpora.compare.pairs import pair_up
from affekt.corpora.compare.prepared import prepared_gold
from affekt.corpora.compare.sides import Side, read_side
from affekt.corpora.prepared.dataset import open_prepared
from affekt.errors import CorpusError
from affekt.scoring import Sums
from affekt.scoring.bootstrap import draw_counts, interval
from affekt.scoring.wilcoxon import LEAST, SignedRank, holm, signed_rank
from affekt.timeline import DIMENSIONS, Partition
from affekt.training.config import Data

AVERAGE = "average"
"""The mean of arousal and valence."""


@dataclass(frozen=True)
class Figure:
    """A CCC over the concatenated frames of a partition, of one dimension or of the average."""

    mean: float
    """Over the seeds."""
    std: float | None = None
    """Sample standard deviation over the seeds; None of one."""
    low: float | None = None
    """95 % interval of the mean over bootstrap draws of dyads, speakers or recordings."""
    high: float | None = None
    seeds: tuple[float, ...] = ()


@dataclass(frozen=True, eq=False)
class Judged:
    """The runs of a model, S of them, on R recordings."""

    seeds: tuple[Sums, ...]
    """(R, D) each."""
    dimensions: tuple[str, ...]
    units: tuple[str, ...]
    """Of each recording the dyad, speaker or recording that it is drawn with."""
    unit: str

    def figures(self) -> dict[str, Figure]:
        """Dimension, or `AVERAGE` where both are there → its CCC."""
        names = sorted(set(self.units))
        member = self._member(names)
        whole = self._ccc(np.ones((1, len(self.units))))[:, 0]  # (S, Q)
        ends = np.full((2, whole.shape[1]), np.nan)
        if len(names) > 1:
            ends = np.stack(interval(self._ccc(draw_counts(len(names)) @ member).mean(0)))
        found = {}
        for q, name in enumerate(self.questions):
            values = whole[:, q]
            std = float(values.std(ddof=1)) if len(values) > 1 else None
            low, high = (_known(one) for one in ends[:, q])
            found[name] = Figure(float(values.mean()), std, low, high, tuple(values.tolist()))
        return found

    @property
    def questions(self) -> tuple[str, ...]:
        """Names of the Q figures."""
        both = set(DIMENSIONS) <= set(self.dimensions)
        return (*self.dimensions, AVERAGE) if both else self.dimensions

    def of_units(self) -> np.ndarray:
        """(U, D) CCC of each unit, in the order of their names, averaged over the seeds."""
        member = self._member(sorted(set(self.units)))
        return self._ccc(member).mean(0)[:, : len(self.dimensions)]

    def _member(self, names: Sequence[str]) -> np.ndarray:
        return np.array([[one == name for one in self.units] for name in names], np.float64)

    def _ccc(self, counts: np.ndarray) -> np.ndarray:
        """(S, B, Q) over recordings that are there as often as counts (B, R) say."""
        values = np.stack([one.pooled(counts).ccc for one in self.seeds])
        if AVERAGE in self.questions:
            both = [self.dimensions.index(one) for one in DIMENSIONS]
            values = np.concatenate([values, values[..., both].mean(-1, keepdims=True)], -1)
        return values


@dataclass(frozen=True)
class Difference:
    """Wilcoxon's signed-rank test of one dimension: the model that the paper claims as best, and another."""

    best: str
    other: str
    dimension: str
    unit: str
    n: int
    """Units that differ."""
    median: float | None
    """Of best − other over the units; None of none."""
    p: float | None
    """Two-sided; None where no unit differs."""
    corrected: float | None
    """By Holm, over all that a table asks."""
    significant: bool
    """Below .05, of at least as many units as can say so."""


def gold_of(data: Data, partition: Partition) -> Side | None:
    """Gold of a partition as the runs saw it; None where the corpus has none for it.

    Of folds, all gold that there is: a run's predictions say which of it is meant.

    Raises:
        CorpusError: as `open_prepared`.
    """
    folder, part = Path(data.folder), None if data.folds else partition
    prepared = open_prepared(folder)
    if not any(clip.entry.labelled for clip in (prepared.of(part) if part else prepared)):
        return None
    return prepared_gold(folder, part, data.annotation_delay)


def judge(folders: Sequence[Path], gold: Side) -> Judged:
    """Judge the predictions of a model's runs, a folder each.

    Raises:
        CorpusError: they cannot be read, or do not fit the gold.
    """
    sums: list[Sums] = []
    units: list[str] = []
    dimensions: tuple[str, ...] = ()
    unit = ""
    for folder in folders:
        pairing = pair_up(read_side(folder), gold)
        if errors := [fault for fault in pairing.faults if fault.severity == "error"]:
            raise CorpusError(str(errors[0]))
        if not pairing.pairs:
            raise CorpusError(f"{folder}: nothing in it has gold in {gold.root}")
        pairs = gathered(pairing.pairs)
        units, unit = clusters_of([one.recording for one in pairs])
        dimensions = tuple(pairing.dimensions)
        sums.append(Sums.stack([Sums.of(one.predictions, one.gold) for one in pairs]))
    return Judged(tuple(sums), dimensions, tuple(units), unit)


def differences_of(groups: Sequence[tuple[str, Mapping[str, Judged]]]) -> list[Difference]:
    """Of each group (best, name → judged): the best against each other, corrected over all groups at once."""
    asked: list[tuple[tuple[str, str, str, str], SignedRank]] = []
    for best, judged in groups:
        first = judged.get(best)
        for other, one in judged.items():
            if (
                first is None
                or one is first
                or (one.units, one.dimensions) != (first.units, first.dimensions)
            ):
                continue
            differences = first.of_units() - one.of_units()
            for d, dimension in enumerate(first.dimensions):
                test = signed_rank(differences[:, d], draws=0)
                asked.append(((best, other, dimension, first.unit), test))
    corrected = holm([test.p for _, test in asked])
    return [
        Difference(
            *names, test.n, _known(test.median), _known(test.p), _known(p), test.n >= LEAST and p < 0.05
        )
        for (names, test), p in zip(asked, corrected, strict=True)
    ]


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
