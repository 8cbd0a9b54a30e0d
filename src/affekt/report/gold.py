"""Raters and their fusion in front of people: a table on the terminal, a page of plots."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TextIO

import numpy as np

from affekt.corpora.ratings import Fused
from affekt.report import svg
from affekt.report.sheet import section, sheet, table
from affekt.report.summary import length, printable

if TYPE_CHECKING:
    from rich.table import Table

NAMES = {
    "ewe": "evaluator-weighted estimator",
    "avec": "weighted by pairwise CCC",
    "avec-centred": "mean of raters brought to one level",
    "mean": "plain mean",
}
"""Of the methods."""

_NOTE = (
    "Delays are relative: how much later than the raters' mean each reacted. By how much all of them lag "
    "behind what they saw cannot be told from ratings; affekt delay searches for that. "
    "Mean CCC is a rater's concordance with each of the others."
)


def show_gold(results: Sequence[Fused], file: TextIO | None = None) -> None:
    """Print weights, delays and agreement of every rater to `file` (default: standard output)."""
    from rich.console import Console

    console = Console(file=file, highlight=False, markup=False, emoji=False)
    console.print(_table(results))
    console.print(headline(results) + ".")


def _table(results: Sequence[Fused]) -> Table:
    from rich.table import Table

    grid = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("recording", "dimension", "rater"):
        grid.add_column(name, overflow="fold")
    for name in ("weight", "delay", "mean CCC"):
        grid.add_column(name, justify="right", no_wrap=True)
    for one in results:
        for place, cells in enumerate(_rows(one)):
            title = (printable(one.ratings.name), one.ratings.dimension) if place == 0 else ("", "")
            grid.add_row(*title, *map(printable, cells))
        grid.add_row("", "", "all", "", f"α {figure(one.alpha)}", figure(one.mean_ccc), style="bold")
    return grid


def headline(results: Sequence[Fused]) -> str:
    """How many, how fused, how well the raters agree, without a full stop."""
    recordings = len({one.ratings.name for one in results})
    how = NAMES[results[0].method] + (", raters aligned" if results[0].aligned else "")
    agree = _mean([one.mean_ccc for one in results])
    alpha = _mean([one.alpha for one in results])
    many = f"{recordings} recording{'' if recordings == 1 else 's'}"
    return f"{many}, {how}: mean pairwise CCC {figure(agree)}, Cronbach's α {figure(alpha)}"


def page(results: Sequence[Fused]) -> str:
    """The self-contained page: for each recording and dimension its raters, their fusion and the figures."""
    warnings = [text for one in results for text in one.warnings]
    body = "".join(_section(one) for one in results)
    return sheet("Gold standard", body, headline=headline(results), note=_NOTE, warnings=warnings)


def _section(one: Fused) -> str:
    ratings, fusion = one.ratings, one.fusion
    time = np.arange(len(ratings.values)) / 10
    lines = [
        svg.Series(rater, column, time)
        for rater, column in zip(ratings.raters, ratings.values.T, strict=True)
    ]
    moved = ", each moved by their delay" if one.aligned else ""
    bars = [
        svg.Bar(rater, weight, f"c{place % 8}")
        for place, (rater, weight) in enumerate(zip(ratings.raters, fusion.weights.tolist(), strict=True))
    ]
    parts = [
        svg.line_chart(
            [*lines, svg.Series("fused", fusion.values, time, "main")],
            caption=f"{ratings.dimension.capitalize()} over time: the raters{moved}, and their fusion.",
            height=260,
        ),
        '<div class="panels">',
        svg.bar_chart(bars, caption="Weights.", tick=figure),
        f'<figure class="sheet">{table(("Rater", "Weight", "Delay", "Mean CCC"), _rows(one))}</figure>',
        "</div>",
    ]
    note = (
        f"{length(len(time))}, {len(ratings.raters)} raters. "
        f"Mean pairwise CCC {figure(one.mean_ccc)}, Cronbach's α {figure(one.alpha)}."
    )
    return section(f"{ratings.name}: {ratings.dimension}", "".join(parts), note)


def _rows(one: Fused) -> list[tuple[str, str, str, str]]:
    columns = (one.fusion.weights.tolist(), one.delays.tolist(), one.agreement.tolist())
    return [
        (rater, figure(weight), _delay(delay), figure(agreement))
        for rater, weight, delay, agreement in zip(one.ratings.raters, *columns, strict=True)
    ]


def figure(value: float) -> str:
    """Two decimals with the true minus sign, a dash for what there is none of."""
    return f"{round(value, 2) + 0.0:.2f}".replace("-", "−") if np.isfinite(value) else "–"


def _delay(seconds: float) -> str:
    return f"{seconds:+.1f} s".replace("-", "−") if seconds else "0.0 s"


def _mean(values: Sequence[float]) -> float:
    finite = [value for value in values if np.isfinite(value)]
    return sum(finite) / len(finite) if finite else float("nan")
