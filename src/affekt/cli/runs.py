"""`affekt runs`: what training runs reached, beside each other."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import click

from affekt.cli.batch import complain
from affekt.cli.options import File
from affekt.cli.outputs import spare_inputs
from affekt.errors import ConfigError


@click.command(options_metavar="[OPTION]…")
@click.argument("folders", nargs=-1, type=File(), metavar="[FOLDER]…")
@click.option(
    "--page", type=File(), metavar="FILE.html", help="Curves, configs, cost of each stage, as a page."
)
@click.option("--json", "data", type=File(), metavar="FILE", help="All of it for machines.")
def runs(folders: tuple[Path, ...], page: Path | None, data: Path | None) -> None:
    """List training runs, best first; name run folders themselves and they are compared.

    FOLDER is a run of affekt train, or holds some, up to three folders deep.  [default: runs]

    Exit code 0: all is well; 1: something is damaged, it is named and the rest is shown; 2: there is no run.
    """
    from affekt.report.runfolder import find_runs, is_run, read_runs
    from affekt.report.runs import to_json
    from affekt.report.runs_terminal import show_runs
    from affekt.timeline.files import write_text, write_values

    named = folders or (Path("runs"),)
    found: list[Path] = []
    bad = False
    for folder in named:
        try:
            found += find_runs(folder)
        except ConfigError as error:
            if len(named) == 1:
                raise
            complain(error)
            bad = True
    if not found:
        raise ConfigError("there is no run in any of these folders; the lines above say why")
    outputs = [output for output in (page, data) if output]
    spare_inputs(found, outputs)
    read = read_runs(found, time.time())
    if data:
        write_values(data, to_json(read))
    if page:
        from affekt.report.runs_page import render_runs

        write_text(page, render_runs(read, ", ".join(map(str, named))))
    show_runs(read, compare=all(map(is_run, named)))
    for output in outputs:
        click.echo(f"wrote {output}")
    if bad or any(run.faults for run in read):
        sys.exit(1)
