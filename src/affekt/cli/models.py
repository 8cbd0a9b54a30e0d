"""`affekt models`: the installed bundles."""

from __future__ import annotations

import click

from affekt.runtime.bundle import installed, open_bundle


@click.command()
@click.option("--card", is_flag=True, help="Print the model card of each.")
def models(card: bool) -> None:
    """List the installed model bundles."""
    for name, folder in installed().items():
        bundle = open_bundle(folder)
        size = sum(f.stat().st_size for f in folder.iterdir()) / 1e6
        languages = ", ".join(bundle.spec.languages) or "any"
        click.echo(f"{name}  version {bundle.version}  {bundle.fusion} fusion  {size:.0f} MB  words: {languages}")
        if card:
            click.echo(f"\n{bundle.card}")
