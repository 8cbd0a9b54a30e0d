"""`affekt tune`: search for hyper-parameters. Needs `affekt[train,tune]`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from affekt.cli.options import Factor, File
from affekt.errors import AffektError


@click.command(options_metavar="[OPTION]…")
@click.argument("config", type=File(), metavar="CONFIG")
@click.argument("changes", nargs=-1, metavar="[KEY=VALUE]…")
@click.option(
    "--run", type=File(), metavar="DIR", show_default="runs/CONFIG-tuned", help="The search's folder."
)
@click.option("--trials", type=click.IntRange(1, 999), default=32, show_default=True, help="Settings tried.")
@click.option(
    "--epochs", type=click.IntRange(1), show_default="the config's", help="Of a trial that is not pruned."
)
@click.option(
    "--scheduler",
    type=click.Choice(["asha", "hyperband"]),
    default="asha",
    show_default=True,
    help="Prune as results come in, or in Hyperband's rounds.",
)
@click.option(
    "--reduction",
    type=Factor(),
    default="4/3",
    show_default="4/3, the paper's",
    help="Of so many trials one goes on.",
)
@click.option("--space", type=File(), metavar="FILE.yaml", show_default="Table 1", help="What is searched.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of the settings drawn.")
@click.option(
    "--workers",
    type=click.IntRange(1, 256),
    show_default="one a GPU, or for two cores",
    help="Trials at a time.",
)
@click.option("--ray", metavar="ADDRESS", help="An existing Ray cluster: auto, HOST:PORT, ray://HOST:PORT.")
def tune(
    config: Path,
    changes: tuple[str, ...],
    run: Path | None,
    trials: int,
    epochs: int | None,
    scheduler: Any,
    reduction: float,
    space: Path | None,
    seed: int,
    workers: int | None,
    ray: str | None,
) -> None:
    """Search for the hyper-parameters of CONFIG's last stage (needs `pip install affekt[train,tune]`).

    Learning rate, batch, dropout of the head, sequence length, LSTM units and layers, as in the paper's
    Table 1; trials that do badly on devel are pruned. A config of several modalities says unimodal=RUN, a run
    whose networks are trained. A search that was stopped goes on with the same command; docs/tuning.md says
    more.
    """
    try:
        from affekt.training.config import read_config
        from affekt.training.experiments.paper import HYPER_PARAMETERS
        from affekt.training.tuning.folder import BEST, PAGE, Search
        from affekt.training.tuning.search import tune as work
        from affekt.training.tuning.space import read_space
    except ImportError as error:  # Ray Tune raises it where one of its own company is missing
        raise AffektError(
            f"this needs {error.name or 'ray[tune]'}; pip install 'affekt[train,tune]'"
        ) from error
    from affekt.report.tuning import render_tuning, show_tuning
    from affekt.timeline.files import write_text

    told = read_config(config, changes)
    stage = told.names[-1]
    search = Search(
        config=told,
        space=read_space(space, stage),
        trials=trials,
        epochs=epochs or told.fitting(stage).epochs,
        scheduler=scheduler,
        reduction=reduction,
        seed=seed,
    )
    folder = run or Path("runs") / f"{config.stem}-tuned"
    found = work(search, folder, workers=workers, ray=ray)
    # The paper's table is of the multimodal model.
    printed = HYPER_PARAMETERS if len(told.modalities) > 1 else None
    write_text(folder / PAGE, render_tuning(str(folder), found.trials, found.best, found.effects, printed))
    show_tuning(found.trials, found.best, found.effects, printed)
    click.echo(f"\nwrote {folder / PAGE}; affekt train {folder / BEST} --run RUN trains the best setting")
