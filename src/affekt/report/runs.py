"""Training runs in words and numbers, which the terminal and the page share, and the JSON for machines."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any

from affekt.report.runfolder import SCORES, STAGES, Run, Stage, differences, number
from affekt.report.summary import counted, length, printable
from affekt.timeline import FRAME_RATE, MODALITIES

FORMAT = "affekt-runs-1"
"""What the JSON says it is; the number grows when old readers would misread it."""
BESIDE = 3
"""Runs whose configs stand in columns side by side; more are gathered by value."""
_WHO = 4
"""Runs that are named of those that have a value."""
MEANING = (
    "CCC on the development partition, over whole recordings, of the best epoch; "
    "of a run that is not finished, of the stage that it is at."
)


def three(value: float) -> str:
    """A CCC as the paper's tables have it: three decimals, no leading zero, a dash for none.

    >>> three(0.6174), three(-0.05), three(0.9996), three(-0.0001), three(float("nan"))
    ('.617', '−.050', '1.000', '.000', '–')
    """
    if not math.isfinite(value):
        return "–"
    text = f"{round(value, 3) + 0.0:.3f}".replace("-", "−")
    return text.replace("0.", ".", 1) if abs(value) < 0.9995 else text


def whole(value: float) -> str:
    """A count.

    >>> whole(1234567.0), whole(float("nan"))
    ('1,234,567', '–')
    """
    return f"{value:,.0f}" if math.isfinite(value) else "–"


def said(value: object) -> str:
    """A value of a JSON file for people; "–" for nothing.

    >>> said("SEWA"), said(3), said(None), said([1])
    ('SEWA', '3', '–', '–')
    """
    return printable(str(value)) if isinstance(value, str | int | float) and value != "" else "–"


def standing(run: Run) -> str:
    """How far a run has come: "finished", "epoch 12 of audio", "stopped at epoch 12 of audio"."""
    if run.state == "finished":
        return "finished"
    stage = run.final
    if stage is None:
        return "stopped before it began" if run.state == "stopped" else "beginning"
    if stage.result:
        return f"stopped after {stage.name}" if run.state == "stopped" else f"after {stage.name}"
    there = f"epoch {whole(stage.epochs)} of {stage.name}" if stage.log else f"first epoch of {stage.name}"
    return f"stopped at {there}" if run.state == "stopped" else there


WHAT: dict[str, Callable[[Run], str]] = {
    "corpus": lambda run: said(run.about.get("corpus")),
    "modalities": lambda run: ", ".join(run.modalities) or "–",
    "fusion": lambda run: said(run.fusion),
    "seed": lambda run: said(run.about.get("seed")),
}
"""What a run is, in words; "–" where that is not known."""


def alike(runs: Sequence[Run]) -> dict[str, str]:
    """What all runs, as far as it is known of them, share of `WHAT` and need not each say."""
    if len(runs) < 2:
        return {}
    cells = {name: {of(run) for run in runs} - {"–"} for name, of in WHAT.items()}
    return {name: next(iter(texts), "–") for name, texts in cells.items() if len(texts) < 2}


def shared_line(runs: Sequence[Run]) -> str:
    """`alike` in words: "All have corpus SEWA; seed 1."; "" where there is nothing."""
    words = [f"{name} {text}" for name, text in alike(runs).items() if text != "–"]
    return f"All have {'; '.join(words)}." if words else ""


def model(run: Run, shared: Collection[str]) -> str:
    """What a run is beyond what all share, such as "text + audio, residual, seed 2".

    A fusion without modalities before it joins all three.
    """
    words = [WHAT["corpus"](run)] if "corpus" not in shared else []
    if "modalities" not in shared or "fusion" not in shared:
        if len(run.modalities) < len(MODALITIES) or not run.fusion:
            words.append(" + ".join(run.modalities))
        words.append(printable(run.fusion))
    if "seed" not in shared:
        words += [f"seed {seed}"] if (seed := WHAT["seed"](run)) != "–" else []
    return ", ".join(word for word in words if word.strip("–")) or "–"


def headline(runs: Sequence[Run]) -> str:
    """How many runs and which is best, or how one stands; without a full stop."""
    finished = [run for run in runs if run.state == "finished" and math.isfinite(run.scores[-1])]
    if len(runs) == 1:
        (run,) = runs
        return f"1 run, {standing(run)}" + (f" with {three(run.scores[-1])}" if finished else "")
    text = counted(len(runs), "run")
    if len(finished) < len(runs):
        text += f", {len(finished) or 'none'} finished"
    if finished:
        text += f", best: {finished[0].name} with {three(finished[0].scores[-1])}"
    return text


def trained(runs: Sequence[Run]) -> Iterator[tuple[str, list[tuple[Run, Stage]]]]:
    """Each stage that any of the runs has begun, and those runs with it, in their order."""
    for name in STAGES:
        if pairs := [(run, stage) for run in runs for stage in run.stages if stage.name == name]:
            yield name, pairs


RESULTS = ("epoch", "epochs", "parameters", "frames/s", "peak MB", "took", "ended by")
"""Heads of `results`."""


def results(stage: Stage) -> tuple[str, ...]:
    """Best epoch, epochs trained, and what they cost; "–" for what is not known before a stage is over."""
    cost = (whole(number(stage.result.get(key))) for key in ("parameters", "frames_per_second"))
    peak = whole(number(stage.result.get("peak_memory_mb")))
    seconds = number(stage.result.get("seconds"))
    took = length(round(seconds * FRAME_RATE)) if 0 <= seconds < 1e9 else "–"
    return whole(stage.epoch), whole(stage.epochs), *cost, peak, took, said(stage.result.get("stopped"))


def config_rows(runs: Sequence[Run]) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Head and rows of what tells configs apart: a column a run, or, of many runs, a row a value."""
    apart = differences(runs)
    if len(runs) <= BESIDE:
        return ("", *(run.name for run in runs)), [(name, *row) for name, row in apart.items()]
    rows: list[tuple[str, ...]] = []
    for name, row in apart.items():
        first = name
        for value in dict.fromkeys(row):
            who = [run.name for run, one in zip(runs, row, strict=True) if one == value]
            more = [f"{len(who) - _WHO} more"] if len(who) > _WHO else []
            rows.append((first, value, ", ".join(who[:_WHO] + more)))
            first = ""
    return ("", "value", "runs"), rows


def faults(runs: Sequence[Run]) -> list[str]:
    """What is wrong with which run, a line each."""
    return [printable(f"{run.folder}/{fault}") for run in runs for fault in run.faults]


def to_json(runs: Sequence[Run]) -> dict[str, Any]:
    """Plain values in full precision, None where there is none; docs/runs.md says what each key is."""
    apart = differences(runs)
    return {
        "format": FORMAT,
        "runs": [_run_json(run) for run in runs],
        "differences": {
            name: {run.name: value for run, value in zip(runs, row, strict=True)}
            for name, row in apart.items()
        },
    }


def _run_json(run: Run) -> dict[str, Any]:
    return {
        "name": run.name,
        "folder": str(run.folder),
        "state": run.state,
        "final": run.final.name if run.final else None,
        **_scores(run.scores),
        "modalities": list(run.modalities),
        "fusion": run.fusion or None,
        "about": _plain(run.about),
        "config": dict(run.config),
        "stages": {
            stage.name: {
                **_scores(stage.scores),
                "result": _plain(stage.result),
                "log": {name: _plain(column.tolist()) for name, column in stage.log.items()},
            }
            for stage in run.stages
        },
        "faults": list(run.faults),
    }


def _scores(scores: Sequence[float]) -> dict[str, float | None]:
    return {key: value if math.isfinite(value) else None for key, value in zip(SCORES, scores, strict=True)}


def _plain(value: Any) -> Any:
    """What JSON can hold: Python reads NaN from it, but nobody else would."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list) else value
