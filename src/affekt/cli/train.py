"""`affekt train`: train a model on a prepared corpus. Needs `affekt[train]`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from affekt.cli.options import File
from affekt.errors import AffektError


class Train(click.Group):
    """A group whose first word is a config, or the name of a recipe."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Take `affekt train paper.yaml` for `affekt train run paper.yaml`."""
        if args and args[0] not in (*self.commands, "--help", "-h"):
            args = ["run", *args]
        return super().parse_args(ctx, args)


@contextmanager
def needing_torch() -> Iterator[None]:
    """Say what to install where PyTorch or one of its company is missing.

    Raises:
        AffektError: it is.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        raise AffektError(f"this needs {error.name}; pip install 'affekt[train]'") from error


@click.group(cls=Train, options_metavar="", subcommand_metavar="CONFIG [KEY=VALUE]… [OPTION]… | default …")
def train() -> None:
    """Train a model on a prepared corpus (needs `pip install affekt[train]`).

    \b
    affekt train CONFIG.yaml --run DIR    see: affekt train run --help
    affekt train default --data DIR       the default model from scratch

    CONFIG is YAML; one that says `data: {folder: prepared}` trains the paper's model.
    """  # noqa: D301


@train.command("run", options_metavar="[OPTION]…")
@click.argument("config", type=File(), metavar="CONFIG")
@click.argument("changes", nargs=-1, metavar="[KEY=VALUE]…")
@click.option("--run", type=File(), metavar="DIR", show_default="runs/CONFIG", help="The run's folder.")
def run(config: Path, changes: tuple[str, ...], run: Path | None) -> None:
    """Train a model as CONFIG says, in the stages of the paper.

    First each modality's network with a head of its own, then all of them together, starting from these.
    KEY=VALUE changes the config, as in fusion.kind=residual seed=1 modalities=[audio]. A run that was stopped
    goes on with the same command, exactly where it was. docs/train.md has every option.
    """
    with needing_torch():
        from affekt.training.config import read_config
        from affekt.training.devel import figure
        from affekt.training.run import train as work
    folder = run or Path("runs") / config.stem
    result = work(read_config(config, changes), folder, command=["affekt", *sys.argv[1:]])
    click.echo(
        f"devel CCC: arousal {figure(result['arousal'])}, valence {figure(result['valence'])}; "
        f"affekt predict FILE --model {folder}"
    )


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
    type=click.Choice(["faces", "text", "audio", "fusion", "bundle", "checks", "card"]),
    help="[all that is not done]",
)
@click.option("--threads", type=click.IntRange(1, 256), default=None, help="[all cores]")
def default(data: Path, run: Path, stage: str | None, threads: int | None) -> None:
    """Train the default model from scratch, in stages that go on where they were stopped."""
    with needing_torch():
        from affekt.training.default.recipe import run_stages
    run_stages(data, run, stage, threads)
