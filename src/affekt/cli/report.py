"""`affekt report`: the page of a prediction again."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("predictions", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="NAME.json…")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Folder; default: beside the JSON.")
def report(predictions: tuple[Path, ...], out: Path | None) -> None:
    """Make the report page of a prediction that was saved with `--format json`."""
    from affekt.api import Prediction
    from affekt.cli.outputs import make_folder

    for path in predictions:
        prediction = Prediction.load(path)
        folder = path.parent if out is None else make_folder(out)
        page = folder / f"{path.stem}.html"
        prediction.save_report(page)
        click.echo(f"wrote {page}")
