"""`affekt corpus`: what lies in a corpus' folder."""

from __future__ import annotations

from pathlib import Path

import click

from affekt.cli.options import File


@click.group(options_metavar="", subcommand_metavar="COMMAND …")
def corpus() -> None:
    """Look at a corpus of labelled recordings: SEWA, RECOLA, Aff-Wild2, MuSe, OMG-Emotion, or your own."""


@corpus.command(options_metavar="[OPTION]…")
@click.argument("folder", type=File(), metavar="DIR")
@click.option(
    "--kind", metavar="NAME", show_default="recognised", help="Which corpus it is (affekt corpus kinds)."
)
@click.option("--page", type=File(), metavar="FILE.html", help="Write all that was found as a page, too.")
@click.option("--json", "data", type=File(), metavar="FILE", help="Write all that was found for machines.")
@click.option("--strict", is_flag=True, help="Exit with 1 on warnings as well.")
@click.pass_context
def inspect(
    ctx: click.Context, folder: Path, kind: str | None, page: Path | None, data: Path | None, strict: bool
) -> None:
    """Say what is in a corpus' folder, what is missing, and what is wrong with which file.

    DIR is the folder as its owners hand it out, or a manifest of your own files. Exit code 0: it can be
    read; 1: some files of it cannot; 2: nothing can.
    """
    from affekt.cli.outputs import spare_inputs
    from affekt.cli.progress import progress_bar
    from affekt.corpora.inspection.count import inspect as look
    from affekt.corpora.readers import read_corpus
    from affekt.report.inspection import show_inspection
    from affekt.timeline.files import write_text, write_values

    found = read_corpus(folder, kind)
    read = [p for one in found.recordings for p in (one.media, one.sound, one.transcript, one.turns)]
    outputs = [output for output in (page, data) if output]
    spare_inputs([folder, *(path for path in read if isinstance(path, Path))], outputs)
    with progress_bar(folder.name) as progress:
        inspection = look(found, progress)
    show_inspection(inspection)
    if data:
        write_values(data, inspection.to_json())
    if page:
        from affekt.report.corpus import render_inspection

        write_text(page, render_inspection(inspection))
    for output in outputs:
        click.echo(f"wrote {output}")
    ctx.exit(1 if inspection.errors or (strict and inspection.faults) else 0)


@corpus.command(options_metavar="")
def kinds() -> None:
    """List the corpora that are recognised, and by what."""
    from affekt.corpora.readers import READERS

    width = max(map(len, READERS)) + 2
    for name, sign in READERS.items():
        click.echo(click.wrap_text(sign, 80, name.ljust(width), " " * width))
