"""Predicting many files at a time: one of them, as a process here or on a cluster does it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from affekt.errors import ClusterError

if TYPE_CHECKING:
    from affekt.api import Model, Prediction


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """A file, what is made of it, and how."""

    path: Path
    outputs: tuple[Path, ...]
    columns: tuple[str, ...]
    model: str
    threads: int
    how: Mapping[str, Any]
    """Further arguments of `Model.predict`."""


def spread_jobs(
    jobs: Sequence[Job], workers: int, ray: str | None
) -> Iterator[tuple[Path, Prediction | Exception]]:
    """Do all jobs; each file with its prediction, without pictures, as it is done.

    Raises:
        ModelError: there is no such model.
        ClusterError: the cluster cannot be reached.
    """
    from affekt.workers import spread

    sent = {_placed(job) if ray else job: job.path for job in jobs}
    for job, result in spread(predict_one, list(sent), workers=workers, ray=ray):
        path = sent[job]
        if isinstance(result, ClusterError):
            result = ClusterError(f"{path}: {result}")
        yield path, result


def predict_one(job: Job) -> Prediction:
    """Predict a file and write all outputs of it.

    Raises:
        AffektError: the file is bad, or an output cannot be written.
    """
    from affekt.cli.predict import save

    prediction = _loaded(job.model, job.threads).predict(job.path, **job.how)
    for output in job.outputs:
        save(prediction, output, job.columns)
    return replace(prediction, stills=(), face_maps=())


@cache
def _loaded(model: str, threads: int) -> Model:
    from affekt.api import load_model

    return load_model(model, threads=threads)


def _placed(job: Job) -> Job:
    """The job with paths that mean the same on another machine of a shared file system."""
    from affekt.runtime.bundle import find_bundle, installed

    how = {key: value.absolute() if isinstance(value, Path) else value for key, value in job.how.items()}
    model = job.model if job.model in installed() else str(find_bundle(job.model).absolute())
    outputs = tuple(output.absolute() for output in job.outputs)
    return replace(job, path=job.path.absolute(), outputs=outputs, model=model, how=how)
