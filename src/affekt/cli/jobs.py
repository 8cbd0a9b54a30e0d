"""Predicting many recordings at a time: one of them, as a process here or on a cluster does it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from affekt.errors import ClusterError
from affekt.timeline import Recording

if TYPE_CHECKING:
    from affekt.api import Model, Prediction
    from affekt.runtime.engine import Precision


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """A recording, what is made of it, and how."""

    recording: Recording
    outputs: tuple[Path, ...]
    columns: tuple[str, ...]
    model: str
    threads: int
    pictures: bool
    """Whether some are kept for the report."""
    precision: Precision = "auto"


def spread_jobs(
    jobs: Sequence[Job], workers: int, ray: str | None
) -> Iterator[tuple[Job, Prediction | Exception]]:
    """Do all jobs; each with its prediction, without pictures, as it is done.

    Raises:
        ModelError: there is no such model.
        ClusterError: the cluster cannot be reached.
    """
    from affekt.workers import spread

    sent = {_placed(job) if ray else job: job for job in jobs}
    for placed, result in spread(predict_one, list(sent), workers=workers, ray=ray):
        job = sent[placed]
        if isinstance(result, ClusterError):
            result = ClusterError(f"{job.recording.media or job.recording.label}: {result}")
        yield job, result


def predict_one(job: Job) -> Prediction:
    """Predict a recording and write all outputs of it.

    Raises:
        AffektError: the file is bad, or an output cannot be written.
    """
    from affekt.cli.predict import save

    model = _loaded(job.model, job.threads, job.precision)
    prediction = model.predict_recording(job.recording, pictures=job.pictures)
    for output in job.outputs:
        save(prediction, output, job.columns)
    return replace(prediction, stills=(), face_maps=())


@cache
def _loaded(model: str, threads: int, precision: Precision) -> Model:
    from affekt.api import load_model

    return load_model(model, threads=threads, precision=precision)


def _placed(job: Job) -> Job:
    """The job with paths that mean the same on another machine of a shared file system."""
    from affekt.runtime.bundle import find_bundle, installed

    model = job.model if job.model in installed() else str(find_bundle(job.model).absolute())
    outputs = tuple(output.absolute() for output in job.outputs)
    return replace(job, recording=job.recording.absolute(), outputs=outputs, model=model)
