"""`affekt gold`: several raters' traces → one gold standard."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from affekt.cli.batch import each
from affekt.cli.options import File
from affekt.cli.outputs import output_folder, spare_inputs
from affekt.errors import OutputError

if TYPE_CHECKING:
    from affekt.corpora.gold.ratings import Fused, Ratings, Source

METHODS = ("ewe", "avec", "avec-centred", "mean")
PAGE = "gold.html"


@click.command(options_metavar="[OPTION]…")
@click.argument("paths", nargs=-1, required=True, type=File(), metavar="FILE|FOLDER…")
@click.option(
    "--raters",
    "folder_each",
    is_flag=True,
    help="Each FOLDER is one rater's, with a file of the same name for each recording.",
)
@click.option(
    "--dimension",
    type=click.Choice(["arousal", "valence"]),
    show_default="what folders or columns are called",
    help="What is rated.",
)
@click.option(
    "--method",
    type=click.Choice(METHODS),
    default="ewe",
    show_default=True,
    help="Weight by Pearson with the mean of the others, by CCC with each of them, or not at all.",
)
@click.option("--align", is_flag=True, help="Move each rater by their estimated delay first.")
@click.option("--out", type=File(), metavar="DIR", required=True, help="Where the gold and its page go.")
@click.option("--json", "report", type=File(), metavar="FILE", help="Weights, delays and agreement.")
def gold(
    paths: tuple[Path, ...],
    folder_each: bool,
    dimension: str | None,
    method: str,
    align: bool,
    out: Path,
    report: Path | None,
) -> None:
    """Fuse the traces of several raters into a gold standard at 10 Hz.

    FILE is one recording's, with a column a rater; a FOLDER holds such files, or folders arousal and valence
    of them. Writes a NAME.csv for each recording (name;timestamp;arousal;valence) and a page, gold.html.
    """
    from affekt.corpora.gold.ratings import delays_of, find_sources, fuse, read_ratings, write_gold
    from affekt.report.gold import show_gold
    from affekt.report.summary import printable

    sources = find_sources(list(dict.fromkeys(paths)), dimension, folder_each=folder_each)
    recordings: dict[str, list[Source]] = {}
    for source in sources:
        recordings.setdefault(source.name, []).append(source)
    inputs = [*paths, *(file for source in sources for _, file in source.files)]
    outputs = [*(out / f"{name}.csv" for name in recordings), out / PAGE]
    spare_inputs(inputs, [*outputs, report] if report else outputs)
    _spare_others(outputs, out / PAGE)
    read: list[Ratings] = []

    def work(_: int, path: Path) -> None:
        read.extend([read_ratings(source) for source in recordings[path.name]])

    def finish() -> None:
        results = [
            fuse(one, method, delays, align=align) for one, delays in zip(read, delays_of(read), strict=True)
        ]
        for name in recordings:
            traces = {one.ratings.dimension: one.fusion.values for one in results if one.ratings.name == name}
            if traces:
                write_gold(out / f"{name}.csv", name, traces)
        for text in (text for one in results for text in one.warnings):
            click.echo(f"affekt: warning: {printable(text)}", err=True)
        show_gold(results)
        _write(results, out / PAGE, report)

    with output_folder(out):
        try:
            each([Path(name) for name in recordings], work)
        finally:
            if read:
                finish()


def _spare_others(outputs: list[Path], page: Path) -> None:
    """See that no label file is replaced but what this command wrote: beside its own there is its page."""
    for output in outputs:
        if output.exists() and not page.exists():
            raise OutputError(
                f"{output}: was not written by affekt gold (there is no {page.name} beside it); "
                "choose another folder with --out"
            )


def _write(results: list[Fused], page: Path, report: Path | None) -> None:
    from affekt.corpora.gold.ratings import to_json
    from affekt.report.gold import page as page_of
    from affekt.timeline.files import write_text, write_values

    write_text(page, page_of(results))
    click.echo(f"wrote {page}")
    if report:
        write_values(report, to_json(results))
