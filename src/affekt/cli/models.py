"""`affekt models`: the installed bundles."""

from __future__ import annotations

import sys

import click

from affekt.errors import ModelError


@click.command(options_metavar="[OPTION]…")
@click.option("--card", is_flag=True, help="Print the model card of each.")
def models(card: bool) -> None:
    """List the installed model bundles."""
    from affekt.runtime.bundle import installed, open_bundle

    found = installed()
    if not found:
        raise ModelError("no model is installed; install affekt anew, or give a bundle's folder to --model")
    for name, folder in found.items():
        bundle = open_bundle(folder)
        size = sum(file.stat().st_size for file in folder.iterdir()) / 1e6
        languages = ", ".join(bundle.spec.languages) or "any"
        click.echo(
            f"{name}  version {bundle.version}  {bundle.fusion} fusion  {size:.0f} MB  words: {languages}"
        )
        if card:
            click.echo()
            _show(bundle.card)


def _show(card: str) -> None:
    """Markdown as it is, for pipes and files; at a terminal, set for its width."""
    if not sys.stdout.isatty():
        click.echo(card)
        return
    from rich.console import Console
    from rich.markdown import Markdown

    Console(highlight=False).print(Markdown(card))
