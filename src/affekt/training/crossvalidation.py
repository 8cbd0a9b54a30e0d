"""Cross-validation by speaker: a run for each fold, and all that they say of people they never met, pooled.

fold-00/ … fold-NN/       runs as `affekt train` makes them, without a bundle
fold-NN/test/*.csv        what a fold's model says of its test recordings
result.json               CCC of each fold and of all of them together
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from lightning_fabric import Fabric

from affekt.corpora.compare.clusters import clusters_of
from affekt.corpora.prepared.build import file_names
from affekt.corpora.prepared.dataset import PreparedClip
from affekt.errors import AffektError, ConfigError, CorpusError
from affekt.scoring import Evaluation, evaluate
from affekt.timeline import DIMENSIONS, Recording
from affekt.timeline.files import finite
from affekt.training.config import Config
from affekt.training.experiments.running import TEST, Job, work
from affekt.training.folder import write_json
from affekt.training.parts import folds_of, parts_of
from affekt.training.run import prepared_of
from affekt.training.sentences import reader_of
from affekt.training.stage import RESULT
from affekt.workers import spread

EACH = -1
"""Folds that leave one speaker, dyad or film out at a time, as `Data.folds` says it."""


@dataclass(frozen=True)
class Fold:
    """One fold: who is judged in it, by a model that learned from others."""

    number: int
    config: Config
    folder: Path
    test: Sequence[PreparedClip]

    @property
    def job(self) -> Job:
        """Its run, with predictions of test and without a bundle."""
        return Job(self.folder, self.config, self.folder / TEST, bundle=False)


@dataclass(frozen=True, eq=False)
class Pooled:
    """What all folds together say."""

    folds: Sequence[Fold]
    each: Sequence[Evaluation]
    """Of each fold by itself, without intervals."""
    joined: Evaluation
    """Of all recordings, each judged by the fold that did not learn from it."""
    called: str
    """What the bootstrap draws: group, speaker or recording."""


def crossvalidate(config: Config, run: Path, *, workers: int = 1, ray: str | None = None) -> Pooled:
    """Train and judge every fold that is not there yet; then score all of them.

    Of K folds each is test once; the next one decides when to stop, the others are learned from
    (`parts.parts_of`). Scores are over gold as `config.data` moves it.

    Args:
        config: its `data.folds` says how many; `data.fold` does not matter.
        workers, ray: as `workers.spread`.

    Raises:
        ConfigError: it takes first stages of another run, a folder holds a run of another config, or folds
            failed; the others are finished, and the same call goes on.
        CorpusError: the corpus has too few speakers, or does not say who speaks.
        ClusterError: the Ray cluster cannot be reached, or is lost.
    """
    folds = folds_in(config, run)
    failed: dict[str, AffektError] = {}
    left = [fold.job for fold in folds if not fold.job.done]
    if left and (ray or workers > 1):
        _keep_vectors(left[0].config)
    for job, outcome in _outcomes(left, workers, ray):
        if isinstance(outcome, AffektError):
            failed[job.folder.name] = outcome
        elif isinstance(outcome, Exception):
            raise outcome
    if failed:
        name, first = next(iter(failed.items()))
        raise ConfigError(f"{run}: {len(failed)} of {len(folds)} folds failed; {name}: {first}")
    pooled = scored(folds)
    write_json(to_json(pooled), run / RESULT)
    return pooled


def folds_in(config: Config, run: Path) -> list[Fold]:
    """All folds of a corpus, in their order.

    Raises:
        ConfigError, CorpusError: as `crossvalidate`.
    """
    if config.unimodal:
        raise ConfigError("unimodal: every fold trains first stages of its own; leave it out")
    if not config.data.folds:
        raise ConfigError("data.folds: is 0, the corpus' own partitions; say how many folds")
    prepared = prepared_of(config.data)
    first = parts_of(replace(config.data, fold=0), prepared)
    several = config.data.folds
    count = max(folds_of(first.all, EACH)) + 1 if several == EACH else several
    found = []
    for number in range(count):
        data = replace(config.data, fold=number)
        folder = run / f"fold-{number:02}"
        test = parts_of(data, prepared).test
        found.append(Fold(number, replace(config, data=data), folder, test))
    return found


def _outcomes(jobs: Sequence[Job], workers: int, ray: str | None) -> Iterator[tuple[Job, Exception | None]]:
    """Do the jobs here, where what they print is seen, or spread."""
    if ray is None and (workers == 1 or len(jobs) < 2):
        for job in jobs:
            try:
                work(job)
            except AffektError as error:
                yield job, error
        return
    if not jobs:
        return
    with closing(
        spread(work, [on_cluster(job) if ray else job for job in jobs], workers=workers, ray=ray)
    ) as done:
        yield from done


def _keep_vectors(config: Config) -> None:
    """Make the corpus' word vectors before folds that run at once would each begin to."""
    if "text" in config.modalities:
        prepared = prepared_of(config.data)
        reader_of(
            config.text, prepared, parts_of(config.data, prepared), Fabric(accelerator="cpu", devices=1)
        )


def on_cluster(job: Job) -> Job:
    """A job whose folders mean the same on another machine of a shared file system."""
    test = None if job.test is None else job.test.absolute()
    data = replace(job.config.data, folder=str(Path(job.config.data.folder).absolute()))
    return replace(job, folder=job.folder.absolute(), test=test, config=replace(job.config, data=data))


# Scores


def scored(folds: Sequence[Fold]) -> Pooled:
    """Score the predictions of all folds, which are there.

    Raises:
        CorpusError: a file of predictions is missing or does not fit its recording.
    """
    pairs = [[_pair(clip, path) for clip, path in _files(fold)] for fold in folds]
    people = [
        Recording(None, name=clip.entry.name, speaker=clip.entry.speaker, group=clip.entry.group)
        for fold in folds
        for clip in fold.test
    ]
    clusters, called = clusters_of(people)
    joined = evaluate([one for several in pairs for one in several], clusters)
    return Pooled(folds, [evaluate(several, draws=0) for several in pairs], joined, called)


def _files(fold: Fold) -> Iterator[tuple[PreparedClip, Path]]:
    names = file_names([clip.entry.name for clip in fold.test], ".csv")
    return zip(fold.test, (fold.folder / TEST / name for name in names), strict=True)


def _pair(clip: PreparedClip, path: Path) -> tuple[np.ndarray, np.ndarray]:
    """(T, 2) predictions and gold of a recording, NaN where there is no label."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = [[float(row[name]) for name in DIMENSIONS] for row in csv.DictReader(file)]
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise CorpusError(f"{path}: cannot be read; delete {path.parent}, and it is made again") from error
    if len(rows) != len(clip):
        raise CorpusError(
            f"{path}: has {len(rows)} rows for {len(clip)} frames; delete {path.parent}, and it is made again"
        )
    gold = np.full((len(clip), len(DIMENSIONS)), np.nan, np.float32)
    for place, name in enumerate(DIMENSIONS):
        if name in clip.gold.dimensions:
            gold[:, place] = clip.gold.values[:, clip.gold.dimensions.index(name)]
    return np.array(rows).reshape(-1, len(DIMENSIONS)), gold


def to_json(pooled: Pooled) -> dict[str, Any]:
    """What result.json holds; a CCC that has no value is null."""
    ccc = pooled.joined.joined["ccc"]
    return {
        "folds": [
            {
                "fold": fold.number,
                "recordings": [clip.entry.name for clip in fold.test],
                "ccc": dict(zip(DIMENSIONS, map(finite, one.joined["ccc"].value.tolist()), strict=True)),
            }
            for fold, one in zip(pooled.folds, pooled.each, strict=True)
        ],
        "ccc": {
            name: {key: finite(float(getattr(ccc, key)[place])) for key in ("value", "low", "high")}
            for place, name in enumerate(DIMENSIONS)
        },
        "bootstrap": {"draws": pooled.called, "clusters": pooled.joined.clusters},
    }
