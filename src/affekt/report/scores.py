"""An evaluation in words and numbers: what the terminal says, and JSON for machines."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TextIO

import numpy as np

from affekt.corpora.compare.chained import Chained
from affekt.corpora.compare.pairs import Pair, Pairing
from affekt.corpora.compare.sides import Side
from affekt.report import postprocessing
from affekt.report.summary import counted, printable
from affekt.scoring import MEASURES, Evaluation, Score

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

FORMAT = "affekt-evaluation-1"
"""What the JSON says it is; the number grows when old readers would misread it."""
HEADS = {"ccc": "CCC", "pearson": "Pearson", "rmse": "RMSE", "sign_agreement": "sign"}
_SHORT = {"ccc": "CCC", "pearson": "r", "rmse": "RMSE", "sign_agreement": "sign"}
_NAMED = 5


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """An evaluation and what it is of."""

    predictions: Side
    gold: Side
    pairing: Pairing
    units: Sequence[Pair]
    """What was scored one by one: recordings, or the films that single values belong to."""
    clusters: Sequence[str]
    """Of each unit, what it was drawn with."""
    called: str
    """What a cluster is: dyad, speaker, group, recording."""
    evaluation: Evaluation
    draws: int
    seed: int
    confidence: float
    chained: Chained | None = None
    """The post-processing of what was scored."""

    @property
    def rows(self) -> np.ndarray:
        """(D,) rows that count, all together."""
        return np.asarray(self.evaluation.recordings.n.sum(0))


def short(value: float) -> str:
    """Two decimals without a leading zero, a dash for no value.

    >>> short(0.617), short(-0.05), short(1.0), short(-0.001), short(float("nan"))
    ('.62', '-.05', '1.00', '.00', '-')
    """
    if not math.isfinite(value):
        return "-"
    text = f"{round(value, 2) + 0.0:.2f}"
    return text.replace("0.", ".", 1) if abs(value) < 0.995 else text


def with_interval(score: Score, place: int) -> str:
    """A score of one dimension: `.62 [.55, .68]`, without brackets where there is no interval."""
    value, low, high = (short(float(part[place])) for part in (score.value, score.low, score.high))
    return value if "-" in (low, high) else f"{value} [{low}, {high}]"


def show_scores(scores: Scores, *, each: bool, file: TextIO | None = None) -> None:
    """Print tables and what is to be known of them to `file` (default: standard output).

    Args:
        each: list every recording.
    """
    from rich.console import Console

    file = file or sys.stdout
    console = Console(file=file, highlight=False, soft_wrap=False, width=None if file.isatty() else 80)
    _print(console, _heading(scores))
    if scores.chained:
        _print(console, f"\n{postprocessing.heading(scores.chained)}")
        console.print(postprocessing.table(scores.chained))
    count = len(scores.units)
    parts = [
        ("Over all rows laid end to end (as the paper, AVEC's SEWA tasks, MuSe)", scores.evaluation.joined)
    ]
    if count > 1:
        parts.append(
            (
                f"Mean over the {count:,} {_units(scores)} (as AVEC 2018's RECOLA task, OMG)",
                scores.evaluation.mean,
            )
        )
    for title, measures in parts:
        _print(console, f"\n{title}")
        console.print(_table(scores.pairing.dimensions, measures))
    if each and count > 1:
        _print(console, "")
        for table in _per_recording(scores):
            console.print(table)
    _print(console, "")
    for line in notes(scores):
        _print(console, line)


def _print(console: Console, text: str) -> None:
    console.print(text, markup=False, style=None)


def _units(scores: Scores) -> str:
    return "recordings" if len(scores.units) == len(scores.pairing.pairs) else "films or groups"


def _heading(scores: Scores) -> str:
    pairs, words = scores.pairing.pairs, {"recordings": "one a recording", "pictures": "one a picture"}
    clocks = [words.get(one, f"{one} each") for one in sorted({one.rows for one in pairs})]
    return f"{counted(len(pairs), 'recording')}, {int(scores.rows.max()):,} rows ({', '.join(clocks)})"


def _table(dimensions: Sequence[str], measures: dict[str, Score]) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    for head in ("", *HEADS.values()):
        table.add_column(head, no_wrap=True)
    for place, name in enumerate(dimensions):
        cells = [with_interval(measures[measure], place) for measure in MEASURES]
        table.add_row(Text(printable(name), "bold"), *map(Text, cells))
    return table


def _per_recording(scores: Scores) -> Iterator[Table]:
    """A table of all measures of two dimensions at a time, which is what 80 columns hold."""
    from rich.table import Table
    from rich.text import Text

    sums, dimensions = scores.evaluation.recordings, scores.pairing.dimensions
    for start in range(0, len(dimensions), 2):
        some = range(start, min(start + 2, len(dimensions)))
        table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="dim")
        table.add_column("", no_wrap=True, max_width=24)
        for place in some:
            head = printable(dimensions[place])
            table.add_column("\nrows", justify="right", no_wrap=True)
            for measure in MEASURES:
                above = f"{head}\n" if measure == "ccc" else "\n"
                table.add_column(above + _SHORT[measure], justify="right", no_wrap=True)
        for row, unit in enumerate(scores.units):
            cells = [Text(printable(unit.recording.name))]
            for place in some:
                cells.append(Text(f"{int(sums.n[row, place]):,}"))
                cells += [Text(short(float(getattr(sums, measure)[row, place]))) for measure in MEASURES]
            table.add_row(*cells)
        yield table


def notes(scores: Scores) -> list[str]:
    """What is to be known of the figures: what was drawn, cropped, masked, left out, not trusted."""
    lines = [_bootstrap(scores)]
    pairs, pairing = scores.pairing.pairs, scores.pairing
    for what, field in (
        ("longer than the gold, cropped (rows)", "cropped"),
        ("without a value for labelled rows, which do not count (rows)", "masked"),
        ("without a value for labelled rows, which hold the value before (rows)", "held"),
    ):
        lines += named(
            what, [(one.recording.name, getattr(one, field)) for one in pairs if getattr(one, field)]
        )
    errors = {fault.recording or str(fault.path): 0 for fault in pairing.faults if fault.severity == "error"}
    scored = {one.recording.name for one in pairs}
    for what, names in (
        ("NOT scored, see the errors", [name for name in errors if name not in scored]),
        ("scored in part, see the errors", [name for name in errors if name in scored]),
        ("NOT scored, gold without a prediction", pairing.without_prediction),
        ("not scored, predictions without gold", pairing.without_gold),
        ("not scored, gold without labels", pairing.unlabelled),
    ):
        lines += named(what, [(name, 0) for name in names])
    lines += _degenerate(scores)
    partitions = sorted({one.recording.partition for one in pairs if one.recording.partition})
    if len(partitions) > 1:
        lines.append(f"{' and '.join(partitions)} are scored together; --partition chooses one")
    lines += [note for side in (scores.predictions, scores.gold) for note in side.notes]
    warnings = [str(fault) for fault in pairing.faults if fault.severity == "warning"]
    lines += [f"warning: {one}" for one in warnings[:_NAMED]]
    if len(warnings) > _NAMED:
        lines.append(f"and {len(warnings) - _NAMED} more warnings, which --json lists")
    return [printable(line) for line in lines]


def _bootstrap(scores: Scores) -> str:
    clusters, called = scores.evaluation.clusters, scores.called
    if not scores.draws:
        return "no intervals (--draws 0)"
    if clusters == 1:
        return f"no intervals: there is one {called} only, and nothing to draw from"
    few = "; so few that they are rough" if clusters < 10 else ""
    alone = "; --groups FILE, if some belong together" if called == "recording" else ""
    return (
        f"[{100 * scores.confidence:.4g} % intervals]: percentiles of {scores.draws:,} bootstrap draws of "
        f"{clusters:,} {called}s (seed {scores.seed}){few}{alone}"
    )


def _degenerate(scores: Scores) -> Iterator[str]:
    sums, names = scores.evaluation.recordings, [one.recording.name for one in scores.units]
    for place, dimension in enumerate(scores.pairing.dimensions):
        n, rest = sums.n[:, place], sums.constant[:, place]
        for what, mask in (
            (f"with constant predictions or gold of {dimension} (CCC 0, no Pearson)", rest & (n > 1)),
            (f"with a single row of {dimension} (neither CCC nor Pearson, nor in their mean)", n == 1),
            (f"without a row of {dimension} (not in its mean)", n == 0),
        ):
            yield from named(what, [(names[k], 0) for k in np.flatnonzero(mask)])


def named(what: str, items: Iterable[tuple[str, int]]) -> list[str]:
    """One line: how many, what about them, and the first few by name."""
    named = [f"{name} ({count:,})" if count else name for name, count in items]
    if not named:
        return []
    more = f" and {len(named) - _NAMED:,} more" if len(named) > _NAMED else ""
    return [f"{len(named):,} {what}: {', '.join(named[:_NAMED])}{more}"]


def to_json(scores: Scores) -> dict[str, Any]:
    """Plain values in full precision, None where there is none; docs/evaluate.md says what each key is."""
    pairing, result = scores.pairing, scores.evaluation
    drawn = {"clusters": result.clusters, "of": scores.called, "draws": scores.draws, "seed": scores.seed}
    dimensions = pairing.dimensions
    averaged = {m: [{"recordings": int(n)} for n in result.averaged[m]] for m in MEASURES}
    return {
        "format": FORMAT,
        "predictions": str(scores.predictions.root),
        "gold": str(scores.gold.root),
        "dimensions": list(dimensions),
        "bootstrap": {**drawn, "confidence": scores.confidence},
        "postprocessing": postprocessing.to_json(scores.chained) if scores.chained else None,
        "concatenated": {
            name: {"rows": int(scores.rows[k]), **{m: _plain(result.joined[m], k) for m in MEASURES}}
            for k, name in enumerate(dimensions)
        },
        "mean_over_recordings": {
            name: {m: {**_plain(result.mean[m], k), **averaged[m][k]} for m in MEASURES}
            for k, name in enumerate(dimensions)
        },
        "recordings": [_unit(scores, row) for row in range(len(scores.units))],
        "without_prediction": list(pairing.without_prediction),
        "without_gold": list(pairing.without_gold),
        "without_labels": list(pairing.unlabelled),
        "faults": [
            {"severity": one.severity, "recording": one.recording, "message": str(one)}
            for one in pairing.faults
        ],
        "notes": [*scores.predictions.notes, *scores.gold.notes],
    }


def _unit(scores: Scores, row: int) -> dict[str, Any]:
    unit, sums = scores.units[row], scores.evaluation.recordings
    return {
        "name": unit.recording.name,
        "partition": unit.recording.partition,
        "cluster": scores.clusters[row],
        "cropped": unit.cropped,
        "masked": unit.masked,
        "held": unit.held,
        "row": unit.rows,
        "dimensions": {
            name: {
                "rows": int(sums.n[row, k]),
                **{m: number(getattr(sums, m)[row, k]) for m in MEASURES},
                "constant": bool(sums.constant[row, k]),
            }
            for k, name in enumerate(scores.pairing.dimensions)
        },
    }


def _plain(score: Score, place: int) -> dict[str, float | None]:
    return {key: number(getattr(score, key)[place]) for key in ("value", "low", "high")}


def number(value: float) -> float | None:
    """A number as JSON has it, in full precision; None if there is none."""
    return float(value) if math.isfinite(value) else None
