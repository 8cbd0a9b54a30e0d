"""`affekt crossvalidate`: train and judge by folds of speakers. Needs `affekt[train]`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click
import numpy as np

from affekt.cli.options import File
from affekt.cli.train import needing_torch

if TYPE_CHECKING:
    from affekt.training.crossvalidation import Fold, Pooled

NAMED = 3
"""Speakers of a fold that are named."""


class Folds(click.ParamType[int]):
    """A number of folds, or `speaker`: one for each."""

    name = "folds"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """−1 = one for each speaker."""
        if value == "speaker":
            return -1
        if not (str(value).isdecimal() and 3 <= int(str(value)) <= 1_000):
            self.fail(f"{value!r} is neither speaker nor a number from 3 to 1000", param, ctx)
        return int(str(value))


@click.command(options_metavar="[OPTION]…")
@click.argument("config", type=File(), metavar="CONFIG")
@click.argument("changes", nargs=-1, metavar="[KEY=VALUE]…")
@click.option(
    "--folds",
    type=Folds(),
    default="5",
    show_default=True,
    metavar="K|speaker",
    help="So many folds of about equal length, or one for each speaker or dyad.",
)
@click.option(
    "--run", type=File(), metavar="DIR", show_default="runs/CONFIG-folds", help="Where the runs go."
)
@click.option(
    "--workers",
    type=click.IntRange(1, 1024),
    default=1,
    show_default=True,
    metavar="N",
    help="Folds trained at once; if several, each with one thread.",
)
@click.option(
    "--ray",
    metavar="ADDRESS",
    help="Work on a Ray cluster that runs already (auto, HOST:PORT). All of its machines must see the "
    "prepared corpus and DIR under the same paths.",
)
def crossvalidate(
    config: Path, changes: tuple[str, ...], folds: int, run: Path | None, workers: int, ray: str | None
) -> None:
    """Train a model once for each fold of the speakers, and score it on those it never met.

    Recordings that share a speaker, a dyad or a film are in one fold. Each fold is test once; the next one
    decides when to stop, the others are learned from; the corpus' own test stays out of it. Predictions of
    all folds are scored together. What was stopped goes on with the same command.
    """
    with needing_torch():
        from affekt.training.config import read_config
        from affekt.training.crossvalidation import crossvalidate as work
    folder = run or Path("runs") / f"{config.stem}-folds"
    read = read_config(config, changes)
    read = replace(read, data=replace(read.data, folds=folds, fold=0))
    _show(work(read, folder, workers=workers, ray=ray))
    click.echo(f"{folder / 'result.json'} has all of it")


def _show(pooled: Pooled) -> None:
    """CCC of each fold, over folds, and of all recordings together."""
    from affekt.report.scores import short, with_interval
    from affekt.report.summary import counted, printable

    rows = []
    each = np.array([one.joined["ccc"].value for one in pooled.each])
    for fold, values in zip(pooled.folds, each.tolist(), strict=True):
        rows.append((f"fold {fold.number:02}", *map(short, values), printable(_who(fold))))
    means = [
        f"{short(float(np.mean(known)))} ± {short(float(np.std(known)))}" if len(known) else "-"
        for known in (column[np.isfinite(column)] for column in each.T)
    ]
    rows.append(("mean ± std", *means, "over folds"))
    ccc, count = pooled.joined.joined["ccc"], sum(len(fold.test) for fold in pooled.folds)
    drawn = f"drawn by {pooled.called}, of which there are {pooled.joined.clusters}"
    pools = (with_interval(ccc, 0), with_interval(ccc, 1))
    rows.append(("pooled", *pools, f"frames of {counted(count, 'recording')}, {drawn}"))
    _print([("CCC on test", "arousal", "valence", ""), *rows])


def _who(fold: Fold) -> str:
    from affekt.report.summary import counted

    people = dict.fromkeys(one.entry.speaker or one.entry.group or one.entry.name for one in fold.test)
    names = ", ".join(list(people)[:NAMED])
    more = f" and {len(people) - NAMED} more" if len(people) > NAMED else ""
    return f"{counted(len(fold.test), 'recording')} of {names}{more}"


def _print(rows: Sequence[tuple[str, ...]]) -> None:
    widths = [max(len(row[place]) for row in rows) for place in range(3)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        click.echo("  ".join([*cells, row[3]]).rstrip())
