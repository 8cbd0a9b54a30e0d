"""`affekt features`: what the networks make of each frame, for whoever builds on it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import click

from affekt import __version__
from affekt.cli.batch import outcomes, settle
from affekt.cli.options import File
from affekt.cli.outputs import output_folder, spare_inputs
from affekt.cli.progress import progress_bar
from affekt.cli.recordings import files_of, of_files
from affekt.cli.subjects import label, open_source, predictor_of, subjects
from affekt.errors import OutputError
from affekt.timeline import Alignment, Partition, Recording

if TYPE_CHECKING:
    from affekt.corpora.prepared.dataset import PreparedClip
    from affekt.runtime.predictor import Progress

KINDS = ("npz", "safetensors", "parquet", "csv")
ABOUT = "features.json"


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """A recording, by which bundle, and where its features go."""

    subject: Recording | PreparedClip
    model: str
    threads: int | None
    target: Path


@click.command(options_metavar="[OPTION]…")
@click.argument("files", nargs=-1, type=File(), metavar="FILE… | --corpus DIR")
@click.option(
    "--corpus",
    type=File(),
    metavar="DIR",
    help="Instead of FILE: the recordings of a corpus, a manifest, or what affekt prepare made.",
)
@click.option("--partition", type=click.Choice(["train", "devel", "test"]), help="Of the corpus.")
@click.option(
    "--select",
    multiple=True,
    metavar="PATTERN",
    help="Recordings of the corpus by name, such as 'Devel_DE_*'; may be said again.",
)
@click.option(
    "--model",
    default="default",
    show_default=True,
    metavar="NAME",
    help="A bundle (affekt models), its folder, or a run of affekt train.",
)
@click.option(
    "--alignment",
    type=click.Choice(["sentence", "causal"]),
    help="A sentence counts while it is spoken, or from its end on.  [default: sentence, or as prepared]",
)
@click.option(
    "--threads",
    type=click.IntRange(1, 256),
    metavar="N",
    show_default="one a core, at most 4",
    help="How many work at once.",
)
@click.option(
    "--workers",
    type=click.IntRange(1, 1024),
    metavar="N",
    default=1,
    show_default=True,
    help="Recordings at once, a process each.",
)
@click.option("--out", type=File(), metavar="DIR", required=True, help="Where the files go.")
@click.option("--format", "kind", type=click.Choice(KINDS), default="npz", show_default=True)
def features(
    files: tuple[Path, ...],
    corpus: Path | None,
    partition: Partition | None,
    select: tuple[str, ...],
    model: str,
    alignment: Alignment | None,
    threads: int | None,
    workers: int,
    out: Path,
    kind: str,
) -> None:
    """Write what the text, audio and visual networks make of each frame, ten times a second.

    A file for each recording, with what was judged from it, and features.json, which says what the columns
    are.
    """
    if bool(files) == bool(corpus):
        raise click.UsageError("give either FILE… or --corpus DIR")
    if (partition or select) and not corpus:
        raise click.UsageError("--partition and --select choose among the recordings of a --corpus")
    if kind == "parquet" and find_spec("pyarrow") is None:
        raise OutputError(f"{out}: Parquet needs pyarrow; pip install 'affekt[parquet]'")
    found, names = _found(files, corpus, model, alignment, partition, select)
    threads = threads or (1 if workers > 1 else None)
    tasks = [
        Task(one, model, threads, out / f"{name}.{kind}") for one, name in zip(found, names, strict=True)
    ]
    read = [path for one in found if isinstance(one, Recording) for path in files_of(one)]
    spare_inputs([*([corpus] if corpus else []), *read], [out / ABOUT, *(one.target for one in tasks)])
    predictor_of(model, threads)  # that it is damaged is said once, and is no fault of a recording
    with output_folder(out):
        settle(_results(tasks, workers, out), len(tasks))


def _found(
    files: Sequence[Path],
    corpus: Path | None,
    model: str,
    alignment: Alignment | None,
    partition: Partition | None,
    select: Sequence[str],
) -> tuple[Sequence[Recording | PreparedClip], list[str]]:
    """The recordings, and what each one's file is called."""
    if corpus is None:
        return of_files(files, None, None, None, alignment or "sentence", None)
    from affekt.corpora.prepared.build import file_names

    found = subjects(corpus, model, alignment, partitions=[partition] if partition else [], select=select)
    return found, file_names([label(one) for one in found], "")


def extract(task: Task, progress: Progress | None = None) -> tuple[int, tuple[str, ...]]:
    """Write the features of a recording; returns its frames, and what was wrong with it.

    Raises:
        AffektError: the recording is bad, or the file cannot be written.
    """
    from affekt.runtime.features import features_of, write_features

    predictor = predictor_of(task.model, task.threads)
    made = features_of(predictor, open_source(task.subject, predictor), task.target.parent, progress)
    write_features(made, task.target)
    return len(made), made.warnings


def _results(tasks: Sequence[Task], workers: int, out: Path) -> Iterator[Exception | None]:
    """Do all tasks, say what was written, and write features.json about them; yields what was wrong."""
    done: dict[int, int] = {}

    def say(task: Task, result: tuple[int, tuple[str, ...]]) -> None:
        done[id(task)], warnings = result
        click.echo(f"{label(task.subject)}: {result[0]:,} frames; wrote {task.target}")
        for warning in warnings:
            click.echo(f"  {warning}")

    def work(place: int, task: Task) -> None:
        with progress_bar(f"{place + 1}/{len(tasks)} {label(task.subject)}") as progress:
            result = extract(task, progress)
        say(task, result)

    if workers == 1:
        yield from outcomes(tasks, work)
    else:
        from affekt.workers import spread

        for task, result in spread(extract, tasks, workers=workers):
            if isinstance(result, Exception):
                yield result
            else:
                say(task, result)
                yield None
    if done:
        _write_about(tasks, done, out)


def _write_about(tasks: Sequence[Task], done: dict[int, int], out: Path) -> None:
    from affekt.runtime.features import about
    from affekt.timeline.files import write_values

    predictor = predictor_of(tasks[0].model, tasks[0].threads)
    made = [(label(one.subject), one.target.name, done[id(one)]) for one in tasks if id(one) in done]
    when = tasks[0].subject.alignment  # the same of all
    write_values(out / ABOUT, about(predictor.bundle, predictor.engine.widths, __version__, when, made))
    click.echo(f"wrote {out / ABOUT}")
