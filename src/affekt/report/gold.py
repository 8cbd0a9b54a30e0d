"""Raters and their fusion in front of people: a table on the terminal, a page of plots."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TextIO

import numpy as np

from affekt.corpora.gold.raters import LONGEST
from affekt.corpora.gold.ratings import Fused, agreement, mean_of_finite
from affekt.report import svg
from affekt.report.sheet import section, sheet, table
from affekt.report.summary import counted, decimals, length, printable

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
    "A delay at the limit of what is looked for is not to be trusted. "
    "Mean CCC is a rater's concordance with each of the others."
)


def show_gold(results: Sequence[Fused], file: TextIO | None = None) -> None:
    """Print weights and agreement of each recording, rater and dimension to `file` (or stdout)."""
    from rich.console import Console

    console = Console(file=file, highlight=False, markup=False, emoji=False)
    console.print(_recordings(results))
    console.print()
    console.print(_raters(results))
    console.print()
    console.print(_agreement(results))
    console.print()
    console.print(headline(results) + ".")


def _grid(left: Sequence[str], right: Sequence[str]) -> Table:
    from rich.table import Table

    grid = Table(box=None, pad_edge=False, header_style="dim")
    for name in left:
        grid.add_column(name, overflow="fold")
    for name in right:
        grid.add_column(name, justify="right", no_wrap=True)
    return grid


def _recordings(results: Sequence[Fused]) -> Table:
    grid = _grid(("recording", "dimension", "weights"), ("mean CCC", "Cronbach's α"))
    for one in results:
        weights = " ".join(decimals(weight) for weight in one.fusion.weights)
        cells = (weights, decimals(one.mean_ccc), decimals(one.alpha))
        grid.add_row(printable(one.ratings.name), one.ratings.dimension, *cells)
    return grid


def _raters(results: Sequence[Fused]) -> Table:
    grid = _grid(("rater", "dimension"), ("recordings", "mean weight", "delay", "mean CCC"))
    for rater, dimension, *cells in raters(results):
        grid.add_row(printable(rater), dimension, *cells)
    return grid


_TOTALS = ("Dimension", "Recordings", "Mean pairwise CCC", "Cronbach's α")


def _agreement(results: Sequence[Fused]) -> Table:
    grid = _grid(("dimension",), ("recordings", "mean pairwise CCC", "Cronbach's α"))
    for row in totals(results):
        grid.add_row(*row)
    return grid


def totals(results: Sequence[Fused]) -> list[tuple[str, ...]]:
    """Dimension, recordings, and the means over them of the pairwise CCC and of Cronbach's alpha."""
    return [
        (name, str(one.recordings), decimals(one.mean_ccc), decimals(one.alpha))
        for name, one in agreement(results).items()
    ]


def raters(results: Sequence[Fused]) -> list[tuple[str, ...]]:
    """Rater, dimension, and over all recordings: how many, mean weight, delay, mean CCC with the others.

    A rater who rated with different others has a delay relative to each of these groups: the range is given.
    """
    found: dict[tuple[str, str], list[tuple[float, float, float]]] = {}
    for one in results:
        columns = (one.fusion.weights.tolist(), one.delays.tolist(), one.agreement.tolist())
        for rater, *values in zip(one.ratings.raters, *columns, strict=True):
            found.setdefault((one.ratings.dimension, rater), []).append(tuple(values))
    rows: list[tuple[str, ...]] = []
    for (dimension, rater), values in sorted(found.items(), key=lambda item: item[0][0]):
        weights, delays, agreed = zip(*values, strict=True)
        span = sorted({min(delays), max(delays)})
        late = " to ".join(map(_delay, span))
        rows.append(
            (
                rater,
                dimension,
                str(len(values)),
                decimals(mean_of_finite(weights)),
                late,
                decimals(mean_of_finite(agreed)),
            )
        )
    return rows


def headline(results: Sequence[Fused]) -> str:
    """How many and how fused, without a full stop."""
    recordings = len({one.ratings.name for one in results})
    how = NAMES[results[0].method] + (", raters aligned" if results[0].aligned else "")
    return f"{counted(recordings, 'recording')}, {how}"


def page(results: Sequence[Fused]) -> str:
    """The self-contained page: for each recording and dimension its raters, their fusion and the figures."""
    warnings = [text for one in results for text in one.warnings]
    heads = ("Rater", "Dimension", "Recordings", "Mean weight", "Delay", "Mean CCC")
    body = section("Agreement", table(_TOTALS, totals(results)))
    body += section("Raters", table(heads, raters(results)), _NOTE) + "".join(map(_section, results))
    return sheet("Gold standard", body, headline=headline(results), warnings=warnings)


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
        svg.bar_chart(bars, caption="Weights.", tick=decimals),
        f'<figure class="sheet">{table(("Rater", "Weight", "Delay", "Mean CCC"), _rows(one))}</figure>',
        "</div>",
    ]
    note = (
        f"{length(len(time))}, {len(ratings.raters)} raters. "
        f"Mean pairwise CCC {decimals(one.mean_ccc)}, Cronbach's α {decimals(one.alpha)}."
    )
    return section(f"{ratings.name}: {ratings.dimension}", "".join(parts), note)


def _rows(one: Fused) -> list[tuple[str, str, str, str]]:
    columns = (one.fusion.weights.tolist(), one.delays.tolist(), one.agreement.tolist())
    return [
        (rater, decimals(weight), _delay(delay), decimals(agreement))
        for rater, weight, delay, agreement in zip(one.ratings.raters, *columns, strict=True)
    ]


def _delay(seconds: float) -> str:
    limit = " (limit)" if abs(seconds) >= LONGEST else ""
    return (f"{seconds:+.1f} s".replace("-", "−") if seconds else "0.0 s") + limit
