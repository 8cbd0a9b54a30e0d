"""Raters' files → their ratings at 10 Hz → fused gold, on disk in the layout of AVEC 2019."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from affekt.corpora.corpus import Fault
from affekt.corpora.formats.folders import LABELS, natural
from affekt.corpora.gold import raters
from affekt.corpora.labels.traces import Trace, at_10hz, read_labels, side_by_side
from affekt.errors import CorpusError
from affekt.timeline import DIMENSIONS, frame_of, start_of
from affekt.timeline.files import DECIMALS, atomic, finite


@dataclass(frozen=True, slots=True)
class Source:
    """Where the ratings of one recording and dimension lie."""

    name: str
    """Of the recording: the files' stem."""
    dimension: str
    files: tuple[tuple[str | None, Path], ...]
    """(rater, file) one each, or one file of the rater None, which has a column a rater."""


@dataclass(frozen=True, slots=True, eq=False)
class Ratings:
    """What several raters said of one recording in one dimension."""

    name: str
    dimension: str
    raters: tuple[str, ...]
    values: np.ndarray
    """(T, R) float64 at 10 Hz; NaN where a rater said nothing, also after the end of a shorter trace."""
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Fused:
    """Ratings, their fusion, and how well the raters agree."""

    ratings: Ratings
    """As they were fused: raters moved by their delays if that was asked for."""
    fusion: raters.Fusion
    method: str
    aligned: bool
    delays: np.ndarray
    """(R,) float64 seconds by which each rater reacts later than the raters' mean."""
    agreement: np.ndarray
    """(R,) mean CCC of each rater with each of the others."""
    mean_ccc: float
    """Over all pairs of raters."""
    alpha: float
    """Cronbach's."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is to be said of the files and of the fusion."""
        name = f"{self.ratings.name}, {self.ratings.dimension}"
        return (*map(str, self.ratings.faults), *(f"{name}: {text}" for text in self.fusion.warnings))

    def to_dict(self) -> dict[str, Any]:
        """Plain values; a number that there is none of is None."""
        columns = (self.fusion.weights, self.delays, self.agreement)
        return {
            "recording": self.ratings.name,
            "dimension": self.ratings.dimension,
            "method": self.method,
            "aligned": self.aligned,
            "frames": len(self.fusion.values),
            "mean_ccc": finite(self.mean_ccc),
            "cronbach_alpha": finite(self.alpha),
            "raters": [
                {"rater": rater, "weight": finite(weight), "delay": delay, "mean_ccc": finite(agreement)}
                for rater, weight, delay, agreement in zip(
                    self.ratings.raters, *(one.tolist() for one in columns), strict=True
                )
            ],
            "warnings": list(self.warnings),
        }


@dataclass(frozen=True, slots=True)
class Agreement:
    """How well the raters of a dimension agree, as the mean over its recordings in which that can be told."""

    recordings: int
    mean_ccc: float
    """NaN, as alpha, where no recording tells."""
    alpha: float


def agreement(results: Sequence[Fused]) -> dict[str, Agreement]:
    """Dimension → agreement, in alphabetical order."""
    found: dict[str, list[Fused]] = {}
    for one in sorted(results, key=lambda one: one.ratings.dimension):
        found.setdefault(one.ratings.dimension, []).append(one)
    return {
        name: Agreement(
            len(several),
            mean_of_finite(one.mean_ccc for one in several),
            mean_of_finite(one.alpha for one in several),
        )
        for name, several in found.items()
    }


def mean_of_finite(values: Iterable[float]) -> float:
    """NaN if there are none."""
    finite = [value for value in values if math.isfinite(value)]
    return sum(finite) / len(finite) if finite else math.nan


def to_json(results: Sequence[Fused]) -> dict[str, Any]:
    """Plain values of all that was fused, by one method: docs/gold.md says what they are."""
    return {
        "method": results[0].method,
        "aligned": results[0].aligned,
        "dimensions": {
            name: {
                "recordings": one.recordings,
                "mean_ccc": finite(one.mean_ccc),
                "cronbach_alpha": finite(one.alpha),
            }
            for name, one in agreement(results).items()
        },
        "recordings": [one.to_dict() for one in results],
    }


def find_sources(paths: Sequence[Path], dimension: str | None, *, folder_each: bool = False) -> list[Source]:
    """Which files belong to which recording and dimension, in natural order of the recordings' names.

    A folder with folders arousal or valence in it has both; else a folder, or the one a file lies in, may be
    called arousal or valence itself, or `dimension` says what its files rate.

    Args:
        paths: files with a column a rater and folders of such, one file a recording; or with `folder_each`
            a folder a rater, in which a recording's file has the same name in each. Such a file may rate
            several dimensions, a column each.
        dimension: None: whatever there is.

    Raises:
        CorpusError: nothing is found, or it cannot be told what is rated or which file is meant.
    """
    found: dict[tuple[str, str], list[tuple[str | None, Path]]] = {}
    for path in paths:
        if folder_each and path.exists() and not path.is_dir():
            raise CorpusError(f"{path}: is not a folder; with --raters each rater has a folder of files")
        for kind, file in _files(path, dimension, told=folder_each):
            rater = path.resolve().name if folder_each else None
            for one in [kind] if kind else _rated(file):
                found.setdefault((file.stem, one), []).append((rater, file))
    for (name, one), files in found.items():
        counted = [rater for rater, _ in files]
        if len(set(counted)) < len(counted):
            both = " and ".join(str(path) for _, path in files)
            raise CorpusError(f"{both}: two files for {one} of {name}; fuse them in two runs, or rename one")
    if not found:
        what = dimension or "arousal or valence"
        raise CorpusError(f"{paths[0]}: there is no file of {what} here; name files, or a folder of them")
    order = sorted(found, key=lambda key: (natural(key[0]), key[1]))
    return [Source(name, one, tuple(found[name, one])) for name, one in order]


def _files(path: Path, dimension: str | None, *, told: bool) -> Iterator[tuple[str | None, Path]]:
    """(what it rates, file) of a path; None: its columns will tell, which is `told`."""
    if not path.exists():
        raise CorpusError(f"{path}: is not there; name files with a column a rater, or a folder of them")
    if not path.is_dir():
        yield _dimension(path, dimension, path.resolve().parent.name, told), path
        return
    try:
        inside = sorted(path.iterdir(), key=lambda one: natural(one.name))
    except OSError as error:
        raise CorpusError(f"{path}: cannot be looked into ({error.strerror or error})") from error
    folders = [one for one in inside if one.is_dir() and one.name.casefold() in DIMENSIONS]
    if folders:
        for folder in folders:
            if dimension in (None, folder.name.casefold()):
                yield from _files(folder, folder.name.casefold(), told=told)
        return
    for file in inside:
        if file.is_file() and file.suffix.lower() in LABELS and not file.name.startswith("."):
            yield _dimension(file, dimension, path.resolve().name, told), file


def _dimension(file: Path, dimension: str | None, folder: str, told: bool) -> str | None:
    if folder.casefold() in DIMENSIONS:
        if dimension not in (None, folder.casefold()):
            raise CorpusError(
                f"{file}: its folder is called {folder}, and --dimension says {dimension}; leave out "
                "--dimension, or rename the folder"
            )
        return folder.casefold()
    if dimension:
        return dimension
    if told:
        return None
    raise CorpusError(
        f"{file}: is it arousal or valence? Say --dimension, or put the files into a folder of that name"
    )


def _rated(file: Path) -> list[str]:
    """The dimensions that a rater's file has a column of."""
    columns = [name for name in read_labels(file).columns if name in DIMENSIONS]
    if not columns:
        raise CorpusError(f"{file}: names neither arousal nor valence; say --dimension")
    return columns


def read_ratings(source: Source) -> Ratings:
    """Read a recording's raters and lay them on the 10 Hz clock.

    Raises:
        CorpusError: a file cannot be read, has no times, or is not what the others are.
    """
    names: list[str] = []
    columns: list[np.ndarray] = []
    faults: list[Fault] = []
    for rater, path in source.files:
        trace = read_labels(path)
        faults += trace.faults
        if not trace.timed:
            raise CorpusError(f"{path}: has no times, so raters cannot be laid over each other; add a column")
        values = at_10hz(trace).astype(np.float64)
        if rater is None:
            _refuse_one_rater(path, trace)
            names += trace.columns
            columns += list(values.T)
        else:
            names.append(rater)
            columns.append(values[:, _column(path, trace, source.dimension)])
    return Ratings(source.name, source.dimension, tuple(names), side_by_side(columns), tuple(faults))


def _refuse_one_rater(path: Path, trace: Trace) -> None:
    """Columns that are dimensions are no raters."""
    if set(trace.columns) & set(DIMENSIONS) or len(trace.columns) < 2:
        raise CorpusError(
            f"{path}: is one rater's trace ({', '.join(trace.columns)}), not a column a rater; put each "
            "rater's files into a folder of their own, and give those folders with --raters"
        )


def _column(path: Path, trace: Trace, dimension: str) -> int:
    if dimension in trace.columns:
        return trace.columns.index(dimension)
    if len(trace.columns) == 1:
        return 0
    raise CorpusError(f"{path}: has no column {dimension}, but {', '.join(trace.columns)}")


def delays_of(ratings: Sequence[Ratings]) -> list[np.ndarray]:
    """(R,) seconds by which each recording's raters react later than their mean.

    A rater is as late in all recordings, so recordings of the same raters and dimension share one estimate.
    """
    groups: dict[tuple[str, ...], list[np.ndarray]] = {}
    for one in ratings:
        groups.setdefault((one.dimension, *one.raters), []).append(one.values)
    found = {key: raters.rater_delays(several) for key, several in groups.items()}
    return [found[one.dimension, *one.raters] for one in ratings]


def fuse(ratings: Ratings, method: str, delays: np.ndarray, *, align: bool = False) -> Fused:
    """Fuse one recording's ratings of one dimension.

    Args:
        method: one of `affekt.corpora.gold.raters.METHODS`.
        delays: (R,) as `delays_of` gives them.
        align: move each rater by their delay first; the gold begins and ends where all of them are.
    """
    values = raters.aligned(ratings.values, delays) if align else ratings.values
    fusion = raters.METHODS[method](values)
    if align:
        # Where a rater was moved out, the trace would jump to the level of those who are left.
        late, length = [frame_of(one) for one in delays], len(values)
        fusion.values[: max(0, -min(late))] = np.nan
        fusion.values[length - max(0, *late) :] = np.nan
    return Fused(
        ratings=Ratings(ratings.name, ratings.dimension, ratings.raters, values, ratings.faults),
        fusion=fusion,
        method=method,
        aligned=align,
        delays=delays,
        agreement=raters.rater_agreement(values),
        mean_ccc=raters.mean_ccc(values),
        alpha=raters.cronbach_alpha(values),
    )


def write_gold(path: Path, name: str, traces: dict[str, np.ndarray]) -> None:
    """Write one recording's gold as AVEC 2019 lays it out: name;timestamp;arousal;valence, a row a frame.

    Args:
        traces: dimension → (T,) with NaN where there is no gold, written as nothing. Lengths may differ.

    Raises:
        OutputError: it cannot be written.
    """
    rows = side_by_side(list(traces.values()))
    with (
        atomic(path) as temporary,
        temporary.open("w", encoding="utf-8", newline="", errors="replace") as file,
    ):
        writer = csv.writer(file, delimiter=";", lineterminator="\n")
        writer.writerow(["name", "timestamp", *traces])
        for frame, row in enumerate(rows.tolist()):
            writer.writerow([name, f"{start_of(frame):.1f}", *map(_cell, row)])


def _cell(value: float) -> str:
    return "" if math.isnan(value) else f"{round(value, DECIMALS) + 0.0:.{DECIMALS}f}"
