"""`affekt predict`: recordings in, traces and reports out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from affekt.cli.batch import outcomes, settle
from affekt.cli.jobs import Job, spread_jobs
from affekt.cli.options import File, Several, Subject
from affekt.cli.outputs import output_folder, spare_inputs
from affekt.cli.progress import progress_bar
from affekt.cli.recordings import files_of, of_corpus, of_files
from affekt.errors import AffektError, ModelError, OutputError

if TYPE_CHECKING:
    from affekt.api import Prediction
    from affekt.corpora.corpus import Corpus
    from affekt.corpora.handing_in.forms import Form
    from affekt.runtime.engine import Precision
    from affekt.timeline import Partition

FORMATS = ("csv", "parquet", "json", "html", "eaf", "labels")
LABELS = "labels"
"""Format, and folder in --out, of files laid out as the corpus' own labels are."""
COLUMNS = ("presence", "weights", "band")


@click.command(options_metavar="[OPTION]…")
@click.argument("files", nargs=-1, type=File(), metavar="FILE… | --corpus DIR")
@click.option(
    "--corpus",
    type=File(),
    metavar="DIR",
    help="Instead of FILE: the recordings of a corpus, or a manifest, as affekt corpus inspect reads it.",
)
@click.option("--partition", type=click.Choice(["train", "devel", "test"]), help="Of the corpus.")
@click.option(
    "--select",
    multiple=True,
    metavar="PATTERN",
    help="Recordings of the corpus by name, such as 'Devel_DE_*'; may be said again.",
)
@click.option(
    "--transcript",
    type=File(),
    metavar="FILE",
    help="What is said: .srt, .vtt, start;end;text CSV, words as JSON, .eaf, .TextGrid.  "
    "[default: NAME.srt beside FILE]",
)
@click.option(
    "--language", metavar="CODE", show_default="guessed", help="Of the transcript, such as en or de."
)
@click.option(
    "--alignment",
    type=click.Choice(["sentence", "causal"]),
    default="sentence",
    show_default=True,
    help="A sentence counts while it is spoken, or from its end on, when a live session would know it.",
)
@click.option(
    "--turns",
    type=File(),
    metavar="FILE",
    show_default="all are the subject's",
    help="Who speaks when: CSV, RTTM, .eaf or .TextGrid.",
)
@click.option(
    "--model",
    default="default",
    show_default=True,
    metavar="NAME",
    help="A bundle (affekt models), or its folder.",
)
@click.option(
    "--subject",
    type=Subject(),
    metavar="largest|left|right|N",
    default="largest",
    show_default=True,
    help="Which face: the largest, the one furthest to a side, or the N-th largest.",
)
@click.option(
    "--threads",
    type=click.IntRange(1, 256),
    metavar="N",
    show_default="one a core, at most 4",
    help="How many work at once.",
)
@click.option(
    "--precision",
    type=click.Choice(["auto", "float32", "int8"]),
    default="auto",
    show_default=True,
    help="What networks multiply in; auto: int8 where the model has it and it is quicker.",
)
@click.option(
    "--workers",
    type=click.IntRange(1, 1024),
    metavar="N",
    default=1,
    show_default=True,
    help="How many files at once, a process each, with one thread unless --threads says more.",
)
@click.option(
    "--ray",
    metavar="ADDRESS",
    help="Work on a Ray cluster that runs already (auto, HOST:PORT). All of its machines must see the files "
    "and DIR under the same paths.",
)
@click.option(
    "--out", type=File(), metavar="DIR", default="affekt-out", show_default=True, help="Where the results go."
)
@click.option(
    "--format",
    "formats",
    type=Several(FORMATS, least=1),
    metavar="LIST",
    default="csv,html",
    show_default=True,
    help=f"Any of {','.join(FORMATS)}; labels: as the corpus' own label files, to be handed in.",
)
@click.option(
    "--columns",
    type=Several(COLUMNS),
    metavar="LIST",
    default="",
    help=f"More columns of the table, any of {','.join(COLUMNS)}; band: from where to where arousal and "
    "valence may be, of a model that says so.",
)
@click.option(
    "--annotation-delay",
    "late",
    metavar="LIST",
    help="Of --format labels: move predictions later, arousal=2.3,valence=0.8 (seconds): they were learnt "
    "from gold moved earlier by as much.",
)
def predict(
    files: tuple[Path, ...],
    corpus: Path | None,
    partition: Partition | None,
    select: tuple[str, ...],
    out: Path,
    formats: tuple[str, ...],
    columns: tuple[str, ...],
    model: str,
    threads: int | None,
    precision: Precision,
    workers: int,
    ray: str | None,
    late: str | None,
    **how: Any,
) -> None:
    """Recognise arousal and valence ten times a second in recordings.

    FILE is a film, a sound file, a picture, a transcript alone (.srt, .vtt), or a folder of these. A corpus
    says itself which film, sound, transcript and turns belong together, and whose face is meant; its
    recordings keep their names.
    """
    if bool(files) == bool(corpus):
        raise click.UsageError("give either FILE… or --corpus DIR")
    if (partition or select) and not corpus:
        raise click.UsageError("--partition and --select choose among the recordings of a --corpus")
    if LABELS in formats and not corpus:
        raise click.UsageError("--format labels is the label format of a --corpus")
    if late and LABELS not in formats:
        raise click.UsageError("--annotation-delay is for --format labels")
    if "parquet" in formats and find_spec("pyarrow") is None:
        raise OutputError(f"{out}: Parquet needs pyarrow; pip install 'affekt[parquet]'")
    if "band" in columns:
        check_band(model)
    form = None
    if corpus:
        if any(how[key] for key in ("transcript", "turns", "language", "subject")):
            raise click.UsageError("--transcript, --turns, --language and --subject are the corpus' to say")
        from affekt.corpora.readers import read_corpus

        there = read_corpus(corpus)
        recordings, names = of_corpus(there, partition, select, how["alignment"])
        form = _form(there, out / LABELS, late) if LABELS in formats else None
    else:
        recordings, names = of_files(files, **how)
    outputs = [[out / f"{name}.{kind}" for kind in formats if kind != LABELS] for name in names]
    spare_inputs(
        [*([corpus] if corpus else []), *(path for one in recordings for path in files_of(one))],
        [*([out / LABELS] if form else []), *(one for several in outputs for one in written(several))],
    )

    pictures = "html" in formats or "json" in formats
    jobs = [
        Job(one, tuple(several), columns, model, threads or 1, pictures, precision)
        for one, several in zip(recordings, outputs, strict=True)
    ]
    with output_folder(out):
        many = ray or workers > 1
        results = spread_out(jobs, workers, ray, form) if many else one_by_one(jobs, threads, form)
        settle(handed_in(results, form), len(jobs))


def _form(corpus: Corpus, folder: Path, late: str | None) -> Form:
    from affekt.corpora.gold.delay import Delays, check_named, parse
    from affekt.corpora.handing_in.forms import form_of
    from affekt.timeline import DIMENSIONS

    if not late:
        return form_of(corpus, folder)
    check_named(late, DIMENSIONS)
    return form_of(corpus, folder, Delays(parse(late)).annotation)


def check_band(model: str) -> None:
    """See that a model gives a band, before the work rather than after it.

    Raises:
        ModelError: it gives none, or there is no such model.
    """
    from affekt.runtime.bundle import open_bundle

    if open_bundle(model).band is None:
        raise ModelError(f"{model}: has no band; leave band out of --columns, or give another --model")


def one_by_one(jobs: list[Job], threads: int | None, form: Form | None) -> Iterator[Exception | None]:
    """Do the jobs in this process, with a bar for each where somebody looks on."""
    from affekt.api import load_model

    loaded = load_model(jobs[0].model, threads=threads, precision=jobs[0].precision)

    def work(place: int, job: Job) -> None:
        count = f"{place + 1}/{len(jobs)} " if len(jobs) > 1 else ""
        with progress_bar(count + job.recording.label) as progress:
            prediction = loaded.predict_recording(job.recording, pictures=job.pictures, progress=progress)
        for output in job.outputs:
            save(prediction, output, job.columns)
        summarise(prediction, [*job.outputs, *laid_out(form, job, prediction)])

    yield from outcomes(jobs, work)


def spread_out(
    jobs: list[Job], workers: int, ray: str | None, form: Form | None
) -> Iterator[Exception | None]:
    """Do the jobs on many processes and say what was found; yields what was wrong with each."""
    from affekt.runtime.bundle import find_bundle

    find_bundle(jobs[0].model)  # that there is none is said once, not once a file
    for job, result in spread_jobs(jobs, workers, ray):
        if isinstance(result, Exception):
            yield result
            continue
        try:
            summarise(result, [*job.outputs, *laid_out(form, job, result)])
        except AffektError as error:
            yield error
        else:
            yield None


def laid_out(form: Form | None, job: Job, prediction: Prediction) -> list[Path]:
    """Write a prediction as the corpus' own labels are, if that was asked for; returns the files.

    Raises:
        AffektError: as `Form.add`.
    """
    import numpy as np

    y = np.stack([prediction.arousal, prediction.valence], axis=1)
    return [] if form is None else form.add(job.recording, y)


def handed_in(results: Iterable[Exception | None], form: Form | None) -> Iterator[Exception | None]:
    """The results; after the last of them, what recordings have together is written."""
    yield from results
    if form is not None:
        for path in form.finish():
            click.echo(f"wrote {path}")
        for note in form.notes:
            click.echo(note)


def written(outputs: list[Path]) -> list[Path]:
    """All files that some outputs are made of: ELAN's is three."""
    if not any(output.suffix == ".eaf" for output in outputs):
        return outputs
    from affekt.report.elan import elan_files

    return [
        one for output in outputs for one in (elan_files(output) if output.suffix == ".eaf" else [output])
    ]


def save(prediction: Prediction, output: Path, columns: tuple[str, ...]) -> None:
    """Write one output in the format of its ending."""
    if output.suffix == ".csv":
        prediction.save_csv(output, columns)
    elif output.suffix == ".parquet":
        prediction.save_parquet(output, columns)
    elif output.suffix == ".json":
        prediction.save_json(output)
    elif output.suffix == ".eaf":
        prediction.save_elan(output)
    else:
        prediction.save_report(output)


def summarise(prediction: Prediction, outputs: list[Path]) -> None:
    """Say on the terminal what was found."""
    from affekt.report.summary import show

    show(prediction, outputs)
