"""Two systems compared, in words and numbers: what the terminal says, and JSON for machines."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TextIO

import numpy as np

from affekt.corpora.compare.both import Both
from affekt.report.scores import HEADS, named, number, short
from affekt.report.summary import counted, printable
from affekt.scoring.wilcoxon import LEAST, MEAN, Comparison, SignedRank
from affekt.timeline.gold import DIMENSIONS

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

FORMAT = "affekt-comparison-1"
"""What the JSON says it is; the number grows when old readers would misread it."""
_BETTER = {"rmse": "below 0, B is nearer to the gold"}
"""Measures of which less is better, and what the sign of B − A says then."""


@dataclass(frozen=True, slots=True, eq=False)
class Compared:
    """A comparison and what it is of."""

    called: tuple[str, str]
    """What A and B are, for people: a folder; a run and its stage."""
    gold: str
    measure: str
    both: Both
    joined: np.ndarray
    """(2, D) of A and B, over all rows laid end to end."""
    tested: tuple[Comparison, ...]
    """The first over units that are independent as far as is known; a second, if these are not the
    recordings, over the recordings."""
    draws: int
    seed: int
    confidence: float
    notes: tuple[str, ...] = ()

    @property
    def overall(self) -> tuple[tuple[str, float, float], ...]:
        """(name, A, B) of each dimension, and of the mean of arousal and valence where both are there."""
        rows = [(name, *self.joined[:, k]) for k, name in enumerate(self.both.dimensions)]
        if set(DIMENSIONS) <= set(self.both.dimensions):
            places = [self.both.dimensions.index(name) for name in DIMENSIONS]
            rows.append((MEAN, *self.joined[:, places].mean(1)))
        return tuple((name, float(a), float(b)) for name, a, b in rows)


def signed(value: float) -> str:
    """Two decimals without a leading zero, always with a sign.

    >>> signed(0.062), signed(-0.05), signed(0.0), signed(float("nan"))
    ('+.06', '-.05', '.00', '-')
    """
    text = short(value)
    return text if text in ("-", ".00") or text.startswith("-") else f"+{text}"


def probability(p: float) -> str:
    """Two digits that count, as papers print p.

    >>> probability(0.03125), probability(0.00123), probability(1.0), probability(0.00001)
    ('.031', '.0012', '1.0', '<.0001')
    """
    if not np.isfinite(p):
        return "-"
    if p < 0.0001:
        return "<.0001"
    text = f"{p:.4f}" if p < 0.00995 else f"{p:.3f}" if p < 0.0995 else f"{p:.2f}"
    return text[1:] if text.startswith("0") else "1.0"


def show_comparison(compared: Compared, file: TextIO | None = None) -> None:
    """Print tables and what is to be known of them to `file` (default: standard output)."""
    from rich.console import Console

    file = file or sys.stdout
    console = Console(file=file, highlight=False, soft_wrap=False, width=None if file.isatty() else 80)
    pairs = compared.both.first
    rows = max(int((~np.isnan(np.concatenate([one.gold for one in pairs]))).sum(0).max()), 0)
    head = HEADS[compared.measure]
    _print(console, f"{counted(len(pairs), 'recording')}, {rows:,} rows of both, {head}")
    for letter, called in zip("AB", compared.called, strict=True):
        _print(console, f"{letter}  {printable(called)}")
    _print(console, "\nOver all rows laid end to end")
    console.print(_overall(compared))
    for place, tested in enumerate(compared.tested):
        _print(console, f"\n{_title(tested, place)}")
        console.print(_tests(tested, stars=place == 0))
    _print(console, "")
    for line in notes(compared):
        _print(console, line)


def _print(console: Console, text: str) -> None:
    console.print(text, markup=False, style=None)


def _title(tested: Comparison, place: int) -> str:
    what = f"Over {counted(len(tested.names), tested.unit)}"
    if place:
        return f"{what}, which are not independent of each other: for comparison only"
    return f"{what}: Wilcoxon's signed-rank test of B − A"


def _overall(compared: Compared) -> Table:
    from rich.text import Text

    table = _table("", "A", "B", "B − A")
    for name, a, b in compared.overall:
        table.add_row(Text(printable(name), "bold"), short(a), short(b), signed(b - a))
    return table


def _tests(tested: Comparison, *, stars: bool) -> Table:
    from rich.text import Text

    table = _table("", "median B − A", "n", "W+", "W−", "p", "Holm", "r")
    for k, (name, test) in enumerate(zip(tested.questions, tested.tests, strict=True)):
        star = " *" if stars and tested.significant[k] else ""
        p, corrected = probability(test.p), probability(tested.corrected[k])
        ranks = (f"{test.plus:g}", f"{test.minus:g}")
        last = (p + star, "") if name == MEAN else (p, corrected + star)
        cells = (_median(test), str(test.n), *ranks, *last, signed(test.effect))
        table.add_row(Text(printable(name), "bold"), *map(Text, cells))
    return table


def _table(*heads: str) -> Table:
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    for head in heads:
        table.add_column(head, no_wrap=True)
    return table


def _median(test: SignedRank) -> str:
    if not np.isfinite(test.low):
        return signed(test.median)
    return f"{signed(test.median)} [{signed(test.low)}, {signed(test.high)}]"


def notes(compared: Compared) -> list[str]:
    """What is to be known of the figures: which units, how p came about, what was too few, left out."""
    tested, both = compared.tested[0], compared.both
    lines = [
        f"B − A: {_BETTER.get(compared.measure, 'above 0, B agrees better with the gold')}",
        *_units(tested),
        *_too_few(tested),
        *_how(tested),
        "r: rank-biserial correlation, 1 where B is above A in every "
        f"{tested.unit}, -1 where it is below in every one",
        _bootstrap(compared, tested),
        *named("NOT compared, one of them has no prediction that fits", [(one, 0) for one in both.left_out]),
        *_mixed(both),
        *compared.notes,
    ]
    warnings = [str(fault) for fault in both.faults if fault.severity == "warning"]
    if warnings:
        more = f", and {len(warnings) - 1} more, which --json lists" if len(warnings) > 1 else ""
        lines.append(f"warning: {warnings[0]}{more}")
    return [printable(line) for line in lines]


def _mixed(both: Both) -> Iterator[str]:
    partitions = sorted({pair.recording.partition for pair in both.first if pair.recording.partition})
    if len(partitions) > 1:
        yield f"{' and '.join(partitions)} are compared together; --partition chooses one"


def _units(tested: Comparison) -> Iterator[str]:
    if tested.unit == "recording":
        yield (
            "each recording is taken to be independent of the others; "
            "--groups FILE, if some belong together (dyads, speakers)"
        )
    else:
        yield f"a {tested.unit}'s recordings are laid end to end: they are not independent of each other"
    for k, name in enumerate(tested.questions):
        if lost := int(np.isnan(tested.values[:, :, k]).any(0).sum()):
            yield f"{counted(lost, tested.unit)} without a value of {name}, not in its test"


def _too_few(tested: Comparison) -> Iterator[str]:
    for count in sorted({test.n for test in tested.tests if test.n < LEAST}):
        about = [n for n, test in zip(tested.questions, tested.tests, strict=True) if test.n == count]
        if not count:
            yield f"{', '.join(about)}: no {tested.unit} differs, nothing to test"
            continue
        yield (
            f"{', '.join(about)}: too few to tell: of {counted(count, 'difference')} p is "
            f"{probability(2 / 2**count)} at the least; {LEAST} are the fewest that can reach .05"
        )


def _how(tested: Comparison) -> Iterator[str]:
    for exact, how in (
        (True, "exact, from all signs"),
        (False, "from the normal distribution, corrected for ties and continuity"),
    ):
        about = [n for n, t in zip(tested.questions, tested.tests, strict=True) if t.n and t.exact == exact]
        if about:
            whose = "" if len(about) == len(tested.questions) else f" of {', '.join(about)}"
            yield f"p{whose}: two-sided, {how}"
    asked = [name for name in tested.questions if name != MEAN]
    of = f"over {', '.join(asked)}" if len(asked) > 1 else "one dimension, nothing to correct"
    alone = "; the mean is one question of its own" if MEAN in tested.questions else ""
    yield f"Holm: p corrected for several questions, {of}{alone}; *: below .05"
    for name, test in zip(tested.questions, tested.tests, strict=True):
        if test.zeros:
            yield f"{name}: {counted(test.zeros, tested.unit)} without any difference, left out of the ranks"


def _bootstrap(compared: Compared, tested: Comparison) -> str:
    if not compared.draws or len(tested.names) < 2:
        return "no intervals" + ("" if compared.draws else " (--draws 0)")
    few = "; so few that they are rough" if len(tested.names) < 10 else ""
    return (
        f"[{100 * compared.confidence:.4g} % intervals] of the median: percentiles of {compared.draws:,} "
        f"bootstrap draws of {len(tested.names):,} {tested.unit}s (seed {compared.seed}){few}"
    )


def to_json(compared: Compared) -> dict[str, Any]:
    """Plain values in full precision, None where there is none; docs/evaluate.md says what each key is."""
    both = compared.both
    return {
        "format": FORMAT,
        "a": compared.called[0],
        "b": compared.called[1],
        "gold": compared.gold,
        "measure": compared.measure,
        "dimensions": list(both.dimensions),
        "recordings": [pair.recording.name for pair in both.first],
        "concatenated": {name: {"a": number(a), "b": number(b)} for name, a, b in compared.overall},
        "tests": [_tested_json(one) for one in compared.tested],
        "bootstrap": {"draws": compared.draws, "seed": compared.seed, "confidence": compared.confidence},
        "left_out": list(both.left_out),
        "faults": [
            {"severity": one.severity, "recording": one.recording, "message": str(one)} for one in both.faults
        ],
        "notes": list(compared.notes),
    }


def _tested_json(tested: Comparison) -> dict[str, Any]:
    return {
        "unit": tested.unit,
        "units": list(tested.names),
        "questions": {
            name: {
                "a": _numbers(tested.values[0, :, k]),
                "b": _numbers(tested.values[1, :, k]),
                "n": test.n,
                "zeros": test.zeros,
                "w_plus": test.plus,
                "w_minus": test.minus,
                "p": number(test.p),
                "p_corrected": number(tested.corrected[k]),
                "exact": test.exact,
                "too_few": test.n < LEAST,
                "effect": number(test.effect),
                "median": {"value": number(test.median), "low": number(test.low), "high": number(test.high)},
            }
            for k, (name, test) in enumerate(zip(tested.questions, tested.tests, strict=True))
        },
    }


def _numbers(values: Sequence[float] | np.ndarray) -> list[float | None]:
    return [number(float(one)) for one in values]
