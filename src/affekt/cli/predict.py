"""`affekt predict`: recordings in, traces and reports out."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from affekt.errors import AffektError

if TYPE_CHECKING:
    from affekt.api import Model, Prediction
    from affekt.runtime.predictor import Progress

FORMATS = ("csv", "parquet", "json", "html")
COLUMNS = ("presence", "weights")


class Several(click.ParamType):
    """A comma-separated choice of several words."""

    name = "list"

    def __init__(self, choices: tuple[str, ...]) -> None:
        self.choices = choices

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        """Split and check."""
        words = tuple(word.strip() for word in value.split(",") if word.strip())
        for word in words:
            if word not in self.choices:
                self.fail(f"{word!r} is not one of {', '.join(self.choices)}", param, ctx)
        return words


class Subject(click.ParamType):
    """`largest`, or which face."""

    name = "largest|N"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int | None:
        """None = largest."""
        if value == "largest":
            return None
        if value.isdecimal() and 1 <= int(value) <= 100:
            return int(value)
        self.fail("say largest, or a number from 1 (the largest face)", param, ctx)
        return None


A_FILE = click.Path(path_type=Path)


@click.command()
@click.argument("files", nargs=-1, required=True, type=A_FILE, metavar="FILE…")
@click.option("--transcript", type=A_FILE, help=".srt, .vtt, start;end;text CSV or words JSON. [NAME.srt beside FILE]")
@click.option("--language", help="Of the transcript, such as en or de. [guessed]")
@click.option(
    "--alignment",
    type=click.Choice(["sentence", "causal"]),
    default="sentence",
    show_default=True,
    help="A sentence counts while it is spoken, or only after its end, as a live session would know it.",
)
@click.option("--turns", type=A_FILE, help="Who speaks when: CSV or RTTM. [all is the subject's]")
@click.option("--model", default="default", show_default=True, help="An installed bundle or a bundle's folder.")
@click.option("--subject", type=Subject(), default="largest", show_default=True, help="Which face.")
@click.option("--threads", type=click.IntRange(1, 256), help="[the machine's cores, at most 4]")
@click.option("--out", type=click.Path(path_type=Path), default=Path("affekt-out"), show_default=True, help="Folder.")
@click.option("--format", "formats", type=Several(FORMATS), default="csv,html", show_default=True, help=", ".join(FORMATS))
@click.option("--columns", type=Several(COLUMNS), default="", help="More columns: presence, weights.")
def predict(files: tuple[Path, ...], out: Path, formats: tuple[str, ...], model: str, threads: int | None, **how: Any) -> None:
    """Recognise arousal and valence ten times a second in recordings.

    FILE may be a film, a sound file, a picture, a transcript alone (.srt, .vtt), or a folder of such files.
    """
    from affekt.api import load_model
    from affekt.cli.outputs import find_inputs, make_folder, name_outputs

    columns = how.pop("columns")
    inputs = find_inputs(files)
    if len(inputs) > 1 and (how["transcript"] or how["turns"]):
        raise click.UsageError("--transcript and --turns belong to one FILE; name a transcript like its recording instead")
    names = name_outputs(inputs)
    loaded = load_model(model, threads=threads)
    folder = make_folder(out)
    failed: list[str] = []
    for path in inputs:
        try:
            outputs = [folder / f"{names[path]}.{kind}" for kind in formats]
            prediction = judge(loaded, path, pictures="html" in formats or "json" in formats, **how)
            for output in outputs:
                save(prediction, output, columns)
            summarise(prediction, outputs)
        except AffektError as error:
            if len(inputs) == 1:
                raise
            failed.append(str(error))
            click.echo(f"affekt: {error}", err=True)
    if failed:
        click.echo(f"\n{len(inputs) - len(failed)} of {len(inputs)} recordings judged; not judged:", err=True)
        for line in failed:
            click.echo(f"  {line}", err=True)
        sys.exit(1)


def judge(model: Model, path: Path, **how: Any) -> Prediction:
    """Predict one file under a progress bar."""
    with progress_bar(path.name) as progress:
        return model.predict(path, progress=progress, **how)


def save(prediction: Prediction, output: Path, columns: tuple[str, ...]) -> None:
    """Write one output in the format of its ending."""
    if output.suffix == ".csv":
        prediction.save_csv(output, columns)
    elif output.suffix == ".parquet":
        prediction.save_parquet(output, columns)
    elif output.suffix == ".json":
        prediction.save_json(output)
    else:
        prediction.save_report(output)


def summarise(prediction: Prediction, outputs: list[Path]) -> None:
    """Say on the terminal what was found."""
    from affekt.report.summary import show

    show(prediction, outputs)


@contextmanager
def progress_bar(name: str) -> Iterator[Progress | None]:
    """A bar on the terminal for what takes over a second; nothing where the output goes elsewhere."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    parts = TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"), TimeRemainingColumn()
    with Progress(*parts, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(escape(name), total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
