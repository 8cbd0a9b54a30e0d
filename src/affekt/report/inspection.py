"""An inspection on a terminal of 80 columns: tables of what is there, then what is missing and wrong."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, TextIO

from affekt.corpora.corpus import Fault
from affekt.corpora.inspection.figures import Inspection, Part
from affekt.report.summary import counted, decimals, percent, printable, signed
from affekt.timeline import MODALITIES

if TYPE_CHECKING:
    from rich.table import Table

SHOWN = 12
"""Faults that the terminal names; the page and the JSON have all."""
NAMED = 3
"""Recordings that are named of those without something."""
COUNTED = ("recordings", "frames", "sentences")
"""What is published about a corpus, and can be compared."""
WORDS = {"labels": "labels", "text": "text", "audio": "sound", "visual": "film", "turns": "turns"}
"""What files give, in front of people: whether there is a face in a film, only decoding it would tell."""
_BARS = " ▁▂▃▄▅▆▇█"


def show_inspection(found: Inspection, file: TextIO | None = None) -> None:
    """Print an inspection to `file` (default: standard output)."""
    from rich.console import Console
    from rich.text import Text

    console = Console(file=file, highlight=False, markup=False, emoji=False)
    console.print(
        Text.assemble((found.kind, "bold"), (f"  {printable(str(found.root))}", "dim")), soft_wrap=True
    )
    console.print()
    console.print(_counts(found.parts))
    if any(part.gold for part in found.parts):
        console.print()
        console.print(_gold(found.parts))
    console.print()
    wrap = console.is_terminal
    for style, label, text in _lines(found):
        console.print(Text.assemble((label, style), " ", printable(text)), soft_wrap=not wrap)


def headline(found: Inspection) -> str:
    """How much there is and how sound it is: "64 recordings, 2.78 hours, 1 error, 2 warnings"."""
    whole = sum(part.hours for part in found.parts)
    warnings = len(found.faults) - found.errors
    lasts = f"{whole:.2f} hours" if whole >= 0.1 else f"{whole * 3600:.0f} seconds"
    return ", ".join(
        (
            counted(len(found.items), "recording"),
            lasts,
            counted(found.errors, "error"),
            counted(warnings, "warning"),
        )
    )


def hours(part: Part) -> str:
    """A partition's hours, in more decimals where there is little."""
    return f"{part.hours:.2f}" if part.hours >= 0.1 or not part.hours else f"{part.hours:.3f}"


def figure(value: float) -> str:
    """A value of gold for people.

    >>> figure(-0.126), figure(float("nan"))
    ('−0.13', '–')
    """
    text = signed(value)
    return "–" if text == "-" else text.replace("-", "−")


def differences(part: Part) -> dict[str, int]:
    """What was counted less what was published, where something was."""
    return {key: getattr(part, key) - part.expected[key] for key in COUNTED if key in part.expected}


def missing(found: Inspection) -> Iterator[str]:
    """What is missing, in a line each: "no recording has turns", "16 of 16 in test have no labels"."""
    for kind in found.absent:
        yield f"no recording has {WORDS[kind]}"
    for part in found.parts:
        for kind, names in part.missing.items():
            few = ", ".join(names[:NAMED]) + (", …" if len(names) > NAMED else "")
            who = f"{len(names)} of {part.recordings} in {part.name} {'has' if len(names) == 1 else 'have'}"
            yield f"{who} no {WORDS[kind]} ({few})"


def grouped(faults: Iterable[Fault]) -> list[tuple[Fault, int]]:
    """Faults that differ in their numbers and files alone, as the first of them and how many there are."""
    groups: dict[tuple[str, str], list[Fault]] = {}
    for fault in faults:
        shape = re.sub(r"'[^']*'|[-−+]?\d[\d.,]*", "#", fault.message)
        groups.setdefault((fault.severity, shape), []).append(fault)
    return [(group[0], len(group)) for group in groups.values()]


def _lines(found: Inspection) -> Iterator[tuple[str, str, str]]:
    """Style, label and text of what stands under the tables."""
    for text in missing(found):
        yield "dim", "missing", text
    for text in found.notes:
        yield "dim", "note   ", text
    groups = grouped(found.faults)
    for fault, count in groups[:SHOWN]:
        style, label = ("red", "error  ") if fault.severity == "error" else ("yellow", "warning")
        like = f" (and {count - 1:,} more like this)" if count > 1 else ""
        yield style, label, f"{fault}{like}"
    if rest := sum(count for _, count in groups[SHOWN:]):
        yield "dim", "       ", f"and {rest} more: --json FILE or --page FILE list all"
    yield "bold", "      →" if found.errors else "      ✓", headline(found)


def _table(heads: Sequence[str], left: int = 1) -> Table:
    from rich.table import Table

    table = Table(box=None, padding=(0, 1, 0, 0), header_style="dim")
    for place, head in enumerate(heads):
        table.add_column(head, justify="left" if place < left else "right", no_wrap=True)
    return table


def _counts(parts: Sequence[Part]) -> Table:
    table = _table(("", *COUNTED, "hours", "speakers", "groups", *(WORDS[kind] for kind in MODALITIES)))
    for part in parts:
        presence = (f"{part.presence[kind]:,}" for kind in MODALITIES)
        known = (f"{count:,}" if count else "–" for count in (part.speakers, part.groups))
        sizes = (f"{getattr(part, key):,}" for key in COUNTED)
        table.add_row(part.name, *sizes, hours(part), *known, *presence)
        if part.expected:
            table.add_row(
                "  published",
                *(f"{part.expected[k]:,}" if k in part.expected else "" for k in COUNTED),
                style="dim",
            )
            apart = differences(part)
            if any(apart.values()):
                table.add_row(
                    "  difference",
                    *(f"{apart[k]:+,}".replace("-", "−") if apart.get(k) else "" for k in COUNTED),
                    style="yellow",
                )
    return table


def _gold(parts: Sequence[Part]) -> Table:
    table = _table(("gold", "", "labelled", "mean", "sd", "min", "max", "−1        0        1"), left=2)
    for part in parts:
        name = part.name
        for dimension, one in part.gold.items():
            figures = (figure(one.mean), decimals(one.sd), figure(one.low), figure(one.high))
            table.add_row(name, printable(dimension), percent(one.labelled), *figures, bars(one.histogram))
            name = ""
    return table


def bars(counts: Sequence[int]) -> str:
    """A histogram in a line of blocks; a bin that holds something shows.

    >>> bars([0, 1, 50, 100])
    ' ▁▄█'
    """
    top = max(counts, default=0)
    return "".join(_BARS[max(count * 8 // top, 1) if count else 0] for count in counts) if top else ""
