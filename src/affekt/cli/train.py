"""`affekt train`: train a model. Needs `affekt[train]`."""

from __future__ import annotations

from pathlib import Path

import click

from affekt.errors import AffektError


@click.group()
def train() -> None:
    """Train a model (needs `pip install affekt[train]`)."""


@train.command()
@click.option(
    "--data",
    required=True,
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Labelled data.",
)
@click.option(
    "--run",
    default=Path("runs/default"),
    show_default=True,
    type=click.Path(path_type=Path),
    help="Run folder.",
)
@click.option(
    "--stage",
    type=click.Choice(["faces", "text", "audio", "fusion", "bundle"]),
    help="[all that is not done]",
)
@click.option("--threads", type=click.IntRange(1, 256), default=None, help="[all cores]")
def default(data: Path, run: Path, stage: str | None, threads: int | None) -> None:
    """Train the default model from scratch, in stages that go on where they were stopped."""
    try:
        from affekt.training.default.recipe import run_stages
    except ModuleNotFoundError as error:
        raise AffektError(f"training needs {error.name}: pip install affekt[train]") from error
    run_stages(data, run, stage, threads)
