"""Training runs on a terminal: a line each, and compared stage by stage and config by config."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, TextIO

import numpy as np

from affekt.report.runfolder import SCORES, Run, Stage
from affekt.report.runs import (
    MEANING,
    RESULTS,
    alike,
    config_rows,
    faults,
    headline,
    model,
    results,
    shared_line,
    standing,
    three,
    trained,
    whole,
)
from affekt.report.summary import printable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

_EXTRA = ("state", "started")
"""Columns of the list that come where there is room."""
_CURVE = 20
"""Characters of a learning curve at most."""
_NAME = 36
"""Characters of a name that is not folded."""
_BLOCKS = "▁▂▃▄▅▆▇█"


def show_runs(runs: Sequence[Run], *, compare: bool, file: TextIO | None = None) -> None:
    """Print a table of runs to `file` (default: standard output).

    Args:
        compare: also print each stage's results and curves beside each other, and how the configs differ.
    """
    from rich.console import Console

    file = file or sys.stdout
    width = None if file.isatty() else 80
    console = Console(file=file, highlight=False, markup=False, emoji=False, width=width)
    console.print(f"{printable(headline(runs))}.")
    if shared := shared_line(runs):
        console.print(shared, style="dim")
    console.print()
    _print_widest(console, [_runs(runs, _EXTRA[:count]) for count in (2, 1, 0)])
    console.print(f"\n{MEANING}", style="dim")
    for line in faults(runs):
        console.print(f"damaged: {line}", style="yellow", soft_wrap=not console.is_terminal)
    if compare:
        for name, pairs in trained(runs):
            console.print()
            _print_widest(console, [_stage(name, pairs, costs=costs) for costs in (True, False)])
        if len(runs) > 1:
            console.print()
            console.print(_configs(runs))


def _print_widest(console: Console, grids: Sequence[Table]) -> None:
    """Print the first table that needs no folding here, or the last."""
    unbound = console.options.update(max_width=1_000)
    fitting = (one for one in grids if console.measure(one, options=unbound).maximum <= console.width)
    console.print(next(fitting, grids[-1]))


def _grid(*columns: str | tuple[str, int]) -> Table:
    """Columns of text, and of figures as a name and their least width; a short first one is not folded."""
    from rich.table import Table

    grid = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="dim")
    for column in columns:
        if isinstance(column, str):
            grid.add_column(column, overflow="fold")
        else:
            grid.add_column(column[0], justify="right", no_wrap=True, min_width=column[1])
    return grid


_FIGURES = tuple((name, len(name)) for name in ("mean", *SCORES[:2]))


def _keep(grid: Table, place: int, texts: Iterable[str]) -> None:
    """Do not fold names in a column that are short enough to stand on 80 columns beside the figures."""
    grid.columns[place].no_wrap = max(map(len, texts)) <= _NAME


def _figures(scores: Sequence[float]) -> Iterator[str]:
    """The mean first: it is what the order is by."""
    arousal, valence, mean = scores
    return map(three, (mean, arousal, valence))


def _runs(runs: Sequence[Run], extra: Sequence[str]) -> Table:
    """The table; `extra` are those of `_EXTRA` that have a column."""
    from rich.text import Text

    grid = _grid(*_FIGURES, ("epoch", 5), "run", "model", *extra)
    names = [printable(run.name) for run in runs]
    _keep(grid, len(_FIGURES) + 1, names)
    shared = alike(runs)
    for name, run in zip(names, runs, strict=True):
        kind = model(run, shared)
        if "state" not in extra and run.state != "finished":
            kind += f", {standing(run)}"
        cells = {"state": standing(run), "started": run.started or "–"}
        epoch = whole(run.final.epoch) if run.final else "–"
        row = [*_figures(run.scores), epoch, name, kind, *(cells[head] for head in extra)]
        grid.add_row(*map(Text, row), style="" if run.state == "finished" else "dim")
    return grid


def _stage(name: str, pairs: Sequence[tuple[Run, Stage]], *, costs: bool) -> Table:
    """A stage's results in each run, the learning curve, and, where there is room, what it cost."""
    from rich.text import Text

    stages = [stage for _, stage in pairs]
    span, curves = _curves(stages)
    heads = [(head, len(head)) for head in RESULTS[2:-1]] if costs else []
    grid = _grid(*_FIGURES, ("best epoch", 10), name, *heads, span)
    names = [printable(run.name) for run, _ in pairs]
    _keep(grid, len(_FIGURES) + 1, names)
    grid.columns[-1].no_wrap = True
    for called, stage, curve in zip(names, stages, curves, strict=True):
        best, epochs, *cost = results(stage)[:-1]
        when = f"{best} of {epochs}" if epochs != "–" else "–"
        row = (*_figures(stage.scores), when, called, *(cost if costs else ()), curve)
        grid.add_row(*map(Text, row))
    return grid


def _curves(stages: Sequence[Stage]) -> tuple[str, list[str]]:
    """The span of the mean CCC in words, and its course over the epochs as blocks within that span."""
    values = [stage.log["mean"] if stage.log else np.zeros(0) for stage in stages]
    finite = np.concatenate([one[np.isfinite(one)] for one in values])
    if not len(finite):
        return "", [""] * len(stages)
    low, high = float(finite.min()), float(finite.max())
    step = math.ceil(max(map(len, values)) / _CURVE)
    lines = []
    for one in values:
        parts = (one[first : first + step] for first in range(0, len(one), step))
        tops = [float(part[np.isfinite(part)].max(initial=-np.inf)) for part in parts]
        shares = ((top - low) / max(high - low, 1e-9) if top >= low else -1.0 for top in tops)
        lines.append("".join(_BLOCKS[int(share * 7.999)] if share >= 0 else " " for share in shares))
    return f"{three(low)} to {three(high)}", lines


def _configs(runs: Sequence[Run]) -> Table | str:
    from rich.text import Text

    head, rows = config_rows(runs)
    if not rows:
        return "The configs do not differ."
    grid = _grid("config", *map(printable, head[1:]))
    for row in rows:
        grid.add_row(*(Text(printable(cell)) for cell in row))
    return grid
