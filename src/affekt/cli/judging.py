"""Both sides of `affekt evaluate MODEL CORPUS`: what a bundle says of a corpus, and the corpus' gold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click
import numpy as np

from affekt.cli.batch import complain, one_line
from affekt.cli.outputs import output_folder, spare_inputs
from affekt.cli.progress import progress_bar
from affekt.cli.subjects import is_prepared, label, open_source, predictor_of, subjects
from affekt.errors import AffektError
from affekt.timeline import DIMENSIONS, FRAME_RATE, Alignment, Partition, Recording

if TYPE_CHECKING:
    from affekt.corpora.compare.sides import Side
    from affekt.corpora.prepared.dataset import PreparedClip
    from affekt.runtime.predictor import Progress


@dataclass(frozen=True, slots=True)
class How:
    """How a corpus is judged."""

    alignment: Alignment | None = None
    """None: a prepared folder's own, else `sentence`."""
    threads: int | None = None
    workers: int = 1
    keep: Path | None = None
    """Folder for the predictions, as tables; None: they are not kept."""


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """A recording to be judged, by which bundle, and where its table goes."""

    subject: Recording | PreparedClip
    model: str
    threads: int | None
    table: Path | None


@dataclass(frozen=True, slots=True)
class Sides:
    """What is compared."""

    predictions: Side
    gold: Side
    failed: tuple[str, ...] = ()
    """Of recordings that could not be judged, why: one line each, which names them."""
    count: int = 0
    """Recordings that were to be judged."""


def judged_sides(
    model: str, corpus: Path, how: How, *, partitions: Sequence[Partition] = (), select: Sequence[str] = ()
) -> Sides:
    """Run a bundle over all recordings of a corpus that have gold; bad ones do not keep the others from it.

    Args:
        model: a bundle's name, its folder, or a run's.
        corpus: a corpus' folder or manifest, whose films are decoded, or a folder of `affekt prepare`, whose
            clips are taken as they are; its gold is taken where the annotators put it.
        partitions: (): all.
        select: patterns of names; (): all.

    Raises:
        ModelError: there is no such bundle.
        CorpusError: as `subjects`, or the corpus has no labels.
        AffektError: none of its recordings can be judged.
    """
    from affekt.corpora.compare.prepared import gold_of_clips
    from affekt.corpora.compare.sides import Side, read_side
    from affekt.corpora.formats.folders import natural
    from affekt.corpora.prepared.build import file_names
    from affekt.runtime.bundle import find_bundle

    find_bundle(model)  # said before a long look at the corpus
    chosen = subjects(corpus, model, how.alignment, partitions=partitions, select=select, labelled=True)
    gold = None if is_prepared(corpus) else read_side(corpus, gold=True)
    names = file_names([label(one) for one in chosen], ".csv")
    tables = [None if how.keep is None else how.keep / name for name in names]
    spare_inputs([corpus], [one for one in tables if one])
    threads = how.threads or (1 if how.workers > 1 else None)
    tasks = [Task(one, model, threads, table) for one, table in zip(chosen, tables, strict=True)]
    traces: dict[str, np.ndarray] = {}
    clips: list[PreparedClip] = []
    failed: list[str] = []
    with nullcontext() if how.keep is None else output_folder(how.keep):
        for task, result in _results(tasks, how.workers):
            if isinstance(result, Exception):
                complain(result)
                failed.append(one_line(result))
            else:
                traces[label(task.subject)] = result
                clips += [] if isinstance(task.subject, Recording) else [task.subject]
        if not traces:
            raise AffektError(f"{corpus}: none of its {len(tasks)} recordings could be judged; see above")
    if gold is None:
        clips.sort(key=lambda clip: natural(label(clip)))  # they came as they were done
        gold = Side(corpus, gold_of_clips(corpus, clips), notes=tuple(_moved(corpus)))
    return Sides(_side(Path(model), traces), gold, tuple(failed), len(tasks))


def tell_failed(sides: Sides) -> None:
    """Name at the end, on standard error, what could not be judged."""
    click.echo(f"\n{len(sides.failed)} of {sides.count} recordings failed:", err=True)
    for line in sides.failed:
        click.echo(f"  {line}", err=True)


def judge(task: Task, progress: Progress | None = None) -> np.ndarray:
    """(T, 2) float64 that a bundle says of a recording, in the digits that its table has.

    Raises:
        AffektError: the recording is bad, or its table cannot be written.
    """
    from affekt.timeline.files import DECIMALS, write_csv

    predictor = predictor_of(task.model, task.threads)
    prediction = predictor.judge(open_source(task.subject, predictor), progress=progress)
    if task.table is not None:
        write_csv(prediction, task.table)
    y = np.stack([prediction.arousal, prediction.valence], axis=1).astype(np.float64)
    # So that a score is the same whether it is of the model or of its tables.
    return np.round(y, DECIMALS)


def _results(tasks: Sequence[Task], workers: int) -> Iterator[tuple[Task, np.ndarray | Exception]]:
    """Each task with what came of it, with a bar for each recording, or for all where many are at work."""
    if workers == 1:
        predictor_of(tasks[0].model, tasks[0].threads)  # a damaged bundle is no fault of a recording
        for place, task in enumerate(tasks, 1):
            with progress_bar(f"{place}/{len(tasks)} {label(task.subject)}") as progress:
                try:
                    result: np.ndarray | Exception = judge(task, progress)
                except AffektError as error:
                    result = error
            yield task, result
        return
    from affekt.workers import spread

    with progress_bar(tasks[0].model) as progress:
        for place, outcome in enumerate(spread(judge, tasks, workers=workers), 1):
            if progress:
                progress(place, len(tasks))
            yield outcome


def _side(root: Path, traces: dict[str, np.ndarray]) -> Side:
    """Predictions as one side of a comparison."""
    from affekt.corpora.compare.sides import Labelled, Side
    from affekt.corpora.formats.folders import natural
    from affekt.corpora.labels.traces import Trace

    labelled = []
    for name, values in sorted(traces.items(), key=lambda one: natural(one[0])):
        starts = np.arange(len(values)) / FRAME_RATE
        trace = Trace(DIMENSIONS, values, starts, 1 / FRAME_RATE, "judged here")
        labelled.append(Labelled(Recording(None, name=name), root, trace))
    return Side(root, tuple(labelled))


def _moved(corpus: Path) -> Iterator[str]:
    """What a prepared folder moves for training, and what of it counts here."""
    from affekt.corpora.prepared.dataset import read_dataset

    delays = read_dataset(corpus).delays
    if late := [f"{name} {seconds:g} s" for name, seconds in delays.annotation.items() if seconds]:
        yield (
            "the gold is where annotators put it; the folder moves it earlier for training, by "
            f"{', '.join(late)}, for which --annotation-delay moves predictions back"
        )
    if delays.text:
        yield f"words are {delays.text / FRAME_RATE:g} s later than spoken, as they were prepared"
