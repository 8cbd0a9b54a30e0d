"""`affekt report`: the page of a prediction again."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import click

from affekt.cli.batch import each
from affekt.cli.options import File
from affekt.cli.outputs import name_outputs, output_folder


@click.command(options_metavar="[OPTION]…")
@click.argument("predictions", nargs=-1, required=True, type=File(), metavar="NAME.json…")
@click.option("--out", type=File(), metavar="DIR", show_default="beside the JSON", help="Where the pages go.")
def report(predictions: tuple[Path, ...], out: Path | None) -> None:
    """Make the report page of a saved prediction again.

    NAME.json is what `affekt predict --format json` wrote.
    """
    from affekt.api import Prediction
    from affekt.report.summary import printable

    paths = list(dict.fromkeys(predictions))
    names = name_outputs(paths) if out else {path: path.stem for path in paths}

    def work(_: int, path: Path) -> None:
        page = (out or path.parent) / f"{names[path]}.html"
        Prediction.load(path).save_report(page)
        click.echo(f"wrote {printable(str(page))}")

    with output_folder(out) if out else nullcontext():
        each(paths, work)
