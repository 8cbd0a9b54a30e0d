"""The page of training runs: what they reached, how they learned, in what they differ, what they cost."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

import numpy as np

from affekt.report import svg
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
    said,
    shared_line,
    standing,
    three,
    trained,
    whole,
)
from affekt.report.sheet import section, sheet, table

_CHARTS = {
    "mean": "Devel CCC over the epochs, mean of arousal and valence.",
    "loss": "Loss on train over the epochs.",
}
"""Column of a log → what its chart shows."""
_ALONE = {"arousal": "arousal", "valence": "valence"}
"""Colours where there is one run; anything else is drawn in that of text."""
_NAMED = 7
"""Runs, the best ones, with a colour and a name of their own; grey, the eighth, is for all others."""


def render_runs(runs: Sequence[Run], title: str) -> str:
    """Runs, best first, as one self-contained HTML page; names and messages are untrusted and escaped."""
    note = f"{MEANING} A fusion without modalities joins all three. {shared_line(runs)}"
    parts = [section("Runs", _runs(runs), note)]
    if len(runs) > 1:
        parts.append(section("In what their configs differ", _configs(runs)))
    colours = {run.name: f"c{place}" for place, run in enumerate(runs[:_NAMED])}
    parts += [_stage(name, pairs, colours) for name, pairs in trained(runs)]
    parts.append(section("Made with", _made_with(runs)))
    return sheet(title, "".join(parts), headline=headline(runs), warnings=faults(runs))


def _runs(runs: Sequence[Run]) -> str:
    shared = alike(runs)
    rows = []
    for run in runs:
        epoch = whole(run.final.epoch) if run.final else "–"
        started = run.started.replace(" ", "\N{NO-BREAK SPACE}") or "–"
        rows.append((run.name, *map(three, run.scores), epoch, model(run, shared), standing(run), started))
    return table(("", *SCORES, "epoch", "model", "state", "started"), rows)


def _configs(runs: Sequence[Run]) -> str:
    """Words rather than figures, so that they stand to the left."""
    head, rows = config_rows(runs)
    if not rows:
        return '<p class="note">In nothing.</p>'
    top = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in head)
    lines = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
    whole_table = f'<table class="text"><thead><tr>{top}</tr></thead><tbody>{lines}</tbody></table>'
    return f'<div class="scroll">{whole_table}</div>'


def _stage(name: str, pairs: Sequence[tuple[Run, Stage]], colours: dict[str, str]) -> str:
    """Curves of all runs over each other, and what the stage reached and cost in each."""
    rows = [(run.name, *map(three, stage.scores), *results(stage)) for run, stage in pairs]
    charts = [
        svg.line_chart(_series(pairs, column, colours), caption=caption, height=240, x_tick=_epoch)
        for column, caption in _CHARTS.items()
        if any(np.isfinite(stage.log[column]).any() for _, stage in pairs if stage.log)
    ]
    drawn = f'<div class="panels">{"".join(charts)}</div>'
    return section(f"Stage {name}", drawn + table(("", *SCORES, *RESULTS), rows))


def _series(pairs: Sequence[tuple[Run, Stage]], column: str, colours: dict[str, str]) -> list[svg.Series]:
    """A line a run, the best one last, that is on top; those without a colour are one series, beneath."""
    logs = [(run.name, stage.log) for run, stage in reversed(pairs) if stage.log]
    if len(logs) == 1:  # room for what the mean is the mean of
        (_, log), names = logs[0], SCORES if column == "mean" else (column,)
        return [svg.Series(one, log[one], log["epoch"], _ALONE.get(one, "main")) for one in names]
    named = [
        svg.Series(name, log[column], log["epoch"], colours[name]) for name, log in logs if name in colours
    ]
    others = [(log["epoch"], log[column]) for name, log in logs if name not in colours]
    if not others:
        return named
    # A gap between two runs; at it, x begins anew.
    x, y = (np.concatenate([np.append(one[axis], np.nan) for one in others]) for axis in (0, 1))
    return [svg.Series(f"{len(others)} more", y, np.nan_to_num(x, nan=others[0][0][0]), "c7"), *named]


def _epoch(value: float) -> str:
    return svg.plain(value) if value == int(value) else ""


def _made_with(runs: Sequence[Run]) -> str:
    rows = [(run.name, *map(said, _machine(run))) for run in runs]
    return table(("", "affekt", "Python", "PyTorch", "device", "precision", "commit"), rows)


def _machine(run: Run) -> Iterable[object]:
    about, versions, git = run.about, run.about.get("versions"), run.about.get("git")
    yield about.get("affekt")
    yield about.get("python")
    yield versions.get("torch") if isinstance(versions, dict) else None
    yield about.get("device")
    yield about.get("precision")
    commit = str(git.get("commit") or "–")[:10] if isinstance(git, dict) else "–"
    yield f"{commit} and changes" if isinstance(git, dict) and git.get("dirty") is True else commit
