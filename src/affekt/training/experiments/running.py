"""Cells trained: those that are finished stay, the others go on, over processes or a Ray cluster."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path
from typing import Any

from affekt.errors import AffektError, ModelError, OutputError
from affekt.training.bundling import bundle_of
from affekt.training.config import FUSION, Config
from affekt.training.experiments.cells import CELLS, Model, alone
from affekt.training.folder import ABOUT, BUNDLE, CONFIG
from affekt.training.run import judge_partition, open_run, train
from affekt.training.stage import LAST, finished
from affekt.workers import spread

TEST = "test"
"""Folder of predictions of test, a folder a cell."""


@dataclass(frozen=True)
class Job:
    """A cell to be trained, and what else is wanted of it."""

    folder: Path
    config: Config
    test: Path | None
    """Where predictions of test go; None: none are wanted."""
    bundle: bool
    """Export it."""

    @property
    def done(self) -> bool:
        """Whether all of it is there."""
        predicted = self.test is None or self.test.exists()
        exported = not self.bundle or (self.folder / BUNDLE / "config.json").exists()
        return finished(self.folder) is not None and predicted and exported


@dataclass
class Cells:
    """The folder of a set of tables, the seeds, and how its cells are trained."""

    folder: Path
    seeds: tuple[int, ...]
    workers: int = 1
    ray: str | None = None
    failed: dict[str, AffektError] = field(default_factory=dict)
    """Cell → why it could not be trained."""

    @property
    def faulty(self) -> bool:
        """Whether anything failed for another reason than weights that cannot be had."""
        return any(not isinstance(error, ModelError) for error in self.failed.values())

    @property
    def cells(self) -> Path:
        """Where the runs lie."""
        return (self.folder / CELLS).resolve()

    def runs(self, model: Model) -> list[Path]:
        """The runs of a model, one a seed; none unless all are finished."""
        found = [self.cells / model.cell(seed) for seed in self.seeds]
        return found if all(finished(one) for one in found) else []

    def results(self, model: Model) -> list[dict[str, Any]]:
        """Their result.json."""
        return [result for run in self.runs(model) if (result := finished(run))]

    def predictions(self, model: Model, partition: str) -> list[Path]:
        """Folders of its runs' predictions of devel or test; none unless all are there."""
        found = [
            run / result["final"] / "devel" if partition == "devel" else self.folder / TEST / run.name
            for run, result in zip(self.runs(model), self.results(model), strict=True)
        ]
        return found if all(one.is_dir() for one in found) else []

    def reason(self, model: Model) -> str:
        """Why a model has no figures; "" where it has some."""
        if model.reason or self.runs(model):
            return model.reason
        return next(
            (str(e) for seed in self.seeds if (e := self.failed.get(model.cell(seed)))), "not trained"
        )

    def train(self, models: Iterable[Model], *, test: bool = False, bundle: bool = False) -> None:
        """Train every model with every seed, first stages before fusions, unless it is there.

        A model that fails with its first seed is not tried with the others.

        Args:
            test: also write predictions of test.
            bundle: also export the run of the first seed.

        Raises:
            OutputError: the folder cannot be made.
            ClusterError: the Ray cluster cannot be reached, or is lost.
        """
        try:
            self.cells.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(
                f"{self.cells}: cannot be made ({error.strerror or error}); choose another --run"
            ) from error
        wanted = {model.name: model for model in models if model.config is not None}
        needs = {name: _firsts(model) for name, model in wanted.items()}
        firsts = {one.name: one for several in needs.values() for one in several}
        alones = {name: one for name, one in wanted.items() if not needs[name] and name not in firsts}
        fusions = {name: one for name, one in wanted.items() if needs[name]}
        # Fusions of one seed share features of their first stages: whoever comes later finds them.
        rounds = [*product((firsts, alones), (self.seeds[:1], self.seeds[1:])), (fusions, self.seeds)]
        for models_now, seeds in rounds:
            left = [one for one in models_now.values() if not self._hopeless(one, needs.get(one.name, ()))]
            self._spread([self._job(one, seed, wanted, test, bundle) for one in left for seed in seeds])

    def _hopeless(self, model: Model, needs: Sequence[Model]) -> bool:
        """Whether a model, or a first stage that it needs, has failed with the first seed."""
        first = self.seeds[0]
        for one in (model, *needs):
            if error := self.failed.get(one.cell(first)):
                self.failed.setdefault(model.cell(first), error)
                return True
        return False

    def _job(self, model: Model, seed: int, wanted: Mapping[str, Model], test: bool, bundle: bool) -> Job:
        asked = model.name in wanted
        config = model.seeded(seed, self.cells)
        folder = self.cells / model.cell(seed)
        predicted = self.folder.resolve() / TEST / folder.name if test and asked else None
        return Job(folder, config, predicted, bundle and asked and seed == self.seeds[0])

    def _spread(self, jobs: Sequence[Job]) -> None:
        left = [job for job in jobs if not job.done]
        if not left:
            return
        if self.workers == 1 and self.ray is None:
            for job in left:
                try:
                    work(job)
                except AffektError as error:
                    self._fail(job, error)
            return
        with closing(spread(work, left, workers=self.workers, ray=self.ray)) as outcomes:
            for job, outcome in outcomes:
                if isinstance(outcome, AffektError):
                    self._fail(job, outcome)
                elif isinstance(outcome, Exception):
                    raise outcome

    def _fail(self, job: Job, error: AffektError) -> None:
        self.failed[job.folder.name] = error
        what = "left out" if isinstance(error, ModelError) else "failed"
        print(f"{job.folder.name}: {what}: {error}", file=sys.stderr, flush=True)


def work(job: Job) -> None:
    """Train a cell, or go on where it was stopped.

    Raises:
        AffektError: as `run.train`.
    """
    print(f"── {job.folder.name}", flush=True)
    try:
        result = train(job.config, job.folder, command=["affekt", *sys.argv[1:]], export=False)
    except ModelError:
        if not any(job.folder.glob(f"*/{LAST}")):  # nothing was trained, so other weights may be tried
            for name in (CONFIG, ABOUT):
                (job.folder / name).unlink(missing_ok=True)
        raise
    setting = open_run(job.folder) if job.test or job.bundle else None
    if setting and job.test and not job.test.exists():
        part = job.test.with_name(f".{job.test.name}.part")
        judge_partition(setting, setting.parts.test, part)
        part.rename(job.test)
    if setting and job.bundle:
        try:
            bundle_of(setting, result)
        except (ValueError, ModelError) as error:  # its figures are none the worse for it
            print(f"{job.folder.name}: no bundle could be made: {error}", file=sys.stderr, flush=True)


def _firsts(model: Model) -> list[Model]:
    """The unimodal models that a fusion starts from; they see every recording as it is."""
    assert model.config is not None
    if FUSION not in model.config.names:
        return []
    config = replace(model.config, data=replace(model.config.data, shuffled=False))
    return [alone(config, modality) for modality in config.modalities]
