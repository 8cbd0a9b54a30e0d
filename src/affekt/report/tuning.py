"""A search for hyper-parameters on the terminal and as a page: the best trial, Table 8, what mattered."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from typing import Protocol, TextIO

import numpy as np

from affekt.report import svg
from affekt.report.runs import three, whole
from affekt.report.sheet import section, sheet, table
from affekt.report.summary import counted, printable
from affekt.scoring.effects import Effect

LABELS = {
    "lr": "Learning rate",
    "batch": "Batch size",
    "dropout": "Dropout",
    "frames": "Sequence length",
    "hidden": "Hidden units (LSTM)",
    "layers": "Num layers (LSTM)",
}
"""As the paper's Table 8 calls them."""
DEFINITION = (
    "Devel CCC of the trials that ran to the full budget, grouped by the value of one hyper-parameter while "
    "the others vary as they were drawn: the mean of each group, then mean ± sample standard deviation over "
    "these means. What was drawn from a range is grouped into bins of equal width: the learning rate's "
    "logarithm into 3, dropout into 5."
)
"""What the numbers of `rows` are; the paper does not say what its own are."""
_DASH = 0.012
"""Half the width of a trial's mark, as a share of the axis."""

Printed = Mapping[str, tuple[str, tuple[float, float], tuple[float, float]]]
"""Hyper-parameter → the paper's name of it, mean and standard deviation of arousal's and valence's CCC."""


class Tried(Protocol):
    """A trial, as `affekt.training.tuning` has it."""

    @property
    def number(self) -> int: ...  # noqa: D102
    @property
    def values(self) -> Mapping[str, float]: ...  # noqa: D102
    @property
    def state(self) -> str: ...  # noqa: D102
    @property
    def epochs(self) -> int: ...  # noqa: D102
    @property
    def arousal(self) -> float: ...  # noqa: D102
    @property
    def valence(self) -> float: ...  # noqa: D102
    @property
    def mean(self) -> float: ...  # noqa: D102
    @property
    def reason(self) -> str: ...  # noqa: D102


def show_tuning(
    trials: Sequence[Tried],
    best: Tried,
    effects: Mapping[str, Effect],
    printed: Printed | None = None,
    file: TextIO | None = None,
) -> None:
    """Print a search that is over to `file` (default: standard output).

    Args:
        trials: all of them.
        best: of those that ran to the full budget, the best.
        effects: hyper-parameter → its effect on arousal, valence and their mean.
        printed: the paper's Table 8, to stand beside it.
    """
    from rich.console import Console
    from rich.table import Table

    file = file or sys.stdout
    width = None if file.isatty() else 100
    console = Console(file=file, highlight=False, markup=False, emoji=False, width=width)
    console.print(f"\n{headline(trials, best)}.")
    console.print(f"{ends(trials, best)}\nBest: {values_said(best)}.\n")
    grid = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    head, lines = rows(effects, printed)
    for place, name in enumerate(head):
        grid.add_column(name, justify="right" if place else "left", no_wrap=True)
    for line in lines:
        grid.add_row(*line)
    console.print(grid)
    for failure in failures(trials):
        console.print(f"\n{failure}", style="yellow", soft_wrap=True)
    console.print(f"\n{DEFINITION}", style="dim")


def headline(trials: Sequence[Tried], best: Tried) -> str:
    """Which trial is best; without a full stop."""
    scores = f"{three(best.mean)} (arousal {three(best.arousal)}, valence {three(best.valence)})"
    return f"{counted(len(trials), 'trial')}, best: {best.number} with devel CCC {scores}"


def ends(trials: Sequence[Tried], best: Tried) -> str:
    """How the trials ended, and what that spared."""
    count = {state: sum(one.state == state for one in trials) for state in ("finished", "pruned", "failed")}
    how = [
        f"{count['finished']} ran to the full {whole(best.epochs)} epochs",
        f"{count['pruned']} pruned",
    ]
    how += [f"{count['failed']} failed"] if count["failed"] else []
    spent = sum(one.epochs for one in trials) / (len(trials) * best.epochs)
    return f"{', '.join(how)}: {spent:.0%} of the epochs of all to the end."


def failures(trials: Sequence[Tried]) -> list[str]:
    """Which trials failed, and why, a line each."""
    return [printable(f"trial {one.number} failed: {one.reason}") for one in trials if one.state == "failed"]


def values_said(trial: Tried) -> str:
    """A trial's values in words, such as "lr 0.0002, batch 3"."""
    return ", ".join(f"{name} {value:g}" for name, value in trial.values.items())


def rows(effects: Mapping[str, Effect], printed: Printed | None = None) -> tuple[list[str], list[list[str]]]:
    """Table 8: its head and its lines, the paper's own figures beside ours where they are given."""
    head = ["", "arousal", "valence", "of variance", "groups"]
    head += ["paper: arousal", "valence"] if printed else []
    lines = []
    for name, one in effects.items():
        line = [LABELS.get(name, name), *(spread(one.mean[d], one.std[d]) for d in (0, 1))]
        share = f"{one.share[2]:.0%}" if math.isfinite(one.share[2]) else "–"
        line += [share, str(len(one.groups))]
        if printed:
            pairs = printed[name][1:] if name in printed else ()
            line += [spread(*pair, decimals=2) for pair in pairs] or ["–", "–"]
        lines.append(line)
    return head, lines


def spread(mean: float, std: float, decimals: int = 3) -> str:
    """Mean ± standard deviation; "–" for one that is not known.

    >>> spread(0.7651, 0.0304), spread(0.765, 0.03, decimals=2), spread(0.5, float("nan"))
    ('.765 ± .030', '.765 ± .03', '.500 ± –')
    """
    deviation = f"{std:.{decimals}f}".removeprefix("0") if math.isfinite(std) else "–"
    return f"{three(mean)} ± {deviation}"


def render_tuning(
    title: str,
    trials: Sequence[Tried],
    best: Tried,
    effects: Mapping[str, Effect],
    printed: Printed | None = None,
) -> str:
    """A search that is over as one self-contained HTML page; arguments as of `show_tuning`."""
    full = [one for one in trials if one.state == "finished"]
    beside = (
        " “of variance”: of the variance of the mean CCC over these trials, what lies between the groups; "
    )
    note = f"{DEFINITION}{beside}with few trials much of it is chance."
    shares = [
        svg.Bar(LABELS.get(name, name), float(one.share[2]))
        for name, one in sorted(effects.items(), key=lambda item: -np.nan_to_num(item[1].share[2]))
    ]
    charts = "".join(_chart(name, one, full) for name, one in effects.items())
    bars = svg.bar_chart(
        shares,
        caption="Share of the variance of the mean devel CCC that lies between the groups.",
        tick=lambda share: f"{share:.0%}" if math.isfinite(share) else "–",
    )
    parts = [
        section("Table 8", table(*rows(effects, printed)), note),
        section("What mattered", f'{bars}<div class="panels">{charts}</div>'),
        section("Groups", table(("", "value", "trials", "arousal", "valence"), _groups(effects))),
        section("Every trial", table(*_trials(trials)), f"{ends(trials, best)} Best: {values_said(best)}."),
    ]
    return sheet(title, "".join(parts), headline=headline(trials, best), warnings=failures(trials))


def _chart(name: str, one: Effect, full: Sequence[Tried]) -> str:
    """Each trial as a dash at its value and its CCC."""
    labels = [f"{trial.values[name]:g}" for trial in full]
    if set(labels) <= set(one.groups):
        x = np.array([float(one.groups.index(label)) for label in labels])
        span = (-0.5, len(one.groups) - 0.5)
    else:
        x = np.array([_laid(name, trial.values[name]) for trial in full])
        span = (float(x.min()), float(x.max()))

    def tick(value: float) -> str:
        if set(labels) <= set(one.groups):
            return one.groups[int(value)] if value in range(len(one.groups)) else ""
        return f"{10**value:.2g}" if name == "lr" else svg.plain(value)

    # Marks are dashes with gaps between them; a gap at either end sets how far the axis goes.
    wide = _DASH * (span[1] - span[0] or 1.0)
    across = np.concatenate([span[:1], np.stack([x - wide, x + wide, x + wide], axis=1).ravel(), span[1:]])
    series = []
    for kind in ("arousal", "valence"):
        y = np.array([getattr(trial, kind) for trial in full])
        marks = np.stack([y, y, np.full(len(y), np.nan)], axis=1).ravel()
        series.append(svg.Series(kind, np.concatenate([[np.nan], marks, [np.nan]]), across, kind))
    return svg.line_chart(series, caption=f"{LABELS.get(name, name)}: devel CCC of each trial.", x_tick=tick)


def _laid(name: str, value: float) -> float:
    return math.log10(value) if name == "lr" else value


def _groups(effects: Mapping[str, Effect]) -> list[list[str]]:
    lines = []
    for name, one in effects.items():
        for row, group in enumerate(one.groups):
            first = LABELS.get(name, name) if row == 0 else ""
            means = [three(one.means[row, d]) for d in (0, 1)]
            lines.append([first, group, str(int(one.counts[row])), *means])
    return lines


def _trials(trials: Sequence[Tried]) -> tuple[list[str], list[list[str]]]:
    """Those that ran to the end first, best first."""
    names = list(trials[0].values)
    order = sorted(trials, key=lambda one: (one.state != "finished", -np.nan_to_num(one.mean, nan=-2.0)))
    lines = [
        [str(one.number), one.state, whole(one.epochs)]
        + [f"{one.values[name]:g}" for name in names]
        + [three(score) for score in (one.arousal, one.valence, one.mean)]
        for one in order
    ]
    return ["trial", "state", "epochs", *names, "arousal", "valence", "mean"], lines
