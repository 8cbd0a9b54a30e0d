"""A reproduced table of the paper: on the terminal, as Markdown, as a page.

What is shown is the JSON of `affekt reproduce` (`training.experiments.document`), so any of it can be made
again from the file.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any, TextIO

from affekt.report.comparison import probability
from affekt.report.runs import three
from affekt.report.sheet import section, sheet, table
from affekt.report.summary import counted, printable
from affekt.scoring.wilcoxon import LEAST

Document = Mapping[str, Any]
Rows = list[tuple[str, ...]]
PARTITIONS = ("devel", "test")
PRINTED = " (printed)"
"""After the name of another team's system."""
DIFFERENCES = ("median difference", "arousal", "p", "valence", "p")


def show_table(document: Document, file: TextIO | None = None) -> None:
    """Print a table to `file` (default: standard output), a part of it for each partition."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    file = file or sys.stdout
    width = None if file.isatty() else 80
    console = Console(file=file, highlight=False, markup=False, emoji=False, width=width)

    def put(head: Sequence[str], rows: Rows) -> None:
        shown = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
        for place, one in enumerate(head):
            shown.add_column(one, no_wrap=place > 0, justify="right" if place else "left")
        for row in rows:
            shown.add_row(*(Text(printable(cell), "" if any(row[1:]) else "bold") for cell in row))
        console.print(shown)

    console.print(heading(document), style="bold")
    for line in warnings(document):
        console.print(line, style="bold red")
    for chosen in _parts(document["columns"]):
        console.print()
        put(*grid(document, chosen, intervals=False))
    if rows := differences(document):
        console.print()
        put(DIFFERENCES, rows)
    console.print()
    for line in (*reasons(document), *document["notes"], *meaning(document), foot(document)):
        console.print(printable(line), style="dim")


def _parts(columns: Sequence[str]) -> list[list[str]]:
    """Columns that a terminal has room for: those of devel, those of test, those that are no CCC."""
    parts = [[name for name in columns if name.startswith(part)] for part in PARTITIONS]
    parts.append([name for name in columns if not name.startswith(PARTITIONS)])
    return [one for one in parts if one]


def markdown(document: Document) -> str:
    """A table as Markdown."""
    parts = [f"# {heading(document)}", *(f"**{_cell(line)}**" for line in warnings(document))]
    parts.append(_markdown_table(*grid(document, document["columns"])))
    if rows := differences(document):
        parts.append(_markdown_table(DIFFERENCES, rows))
    notes = (*reasons(document), *document["notes"], *meaning(document))
    parts += ["\n".join(f"- {_cell(line)}" for line in notes), f"_{_cell(foot(document))}_"]
    return "\n\n".join(parts) + "\n"


def render(document: Document) -> str:
    """A table as one self-contained HTML page; names and reasons are untrusted and escaped."""
    body = section("CCC", table(*grid(document, document["columns"])))
    if rows := differences(document):
        body += section("Wilcoxon's signed-rank test", table(DIFFERENCES, rows))
    notes = (*reasons(document), *document["notes"], *meaning(document))
    body += section("Notes", "".join(f'<p class="note">{escape(line)}</p>' for line in notes))
    title, headline = heading(document).split(". ", 1)
    return sheet(title, body, headline=headline, warnings=warnings(document), footer=foot(document))


def heading(document: Document) -> str:
    """What it is: "Table 6. Five ways to fuse"."""
    where = document["where"]
    return f"{where[:1].upper()}{where[1:]}. {document['title']}"


def warnings(document: Document) -> list[str]:
    """What must not be overlooked: of which corpus the figures are."""
    if document["synthetic"]:
        return [
            "SYNTHETIC corpus: nobody was filmed, recorded or rated. Ours and the paper's figures are of "
            "different data; compare rows, not columns."
        ]
    return []


def grid(document: Document, columns: Sequence[str], *, intervals: bool = True) -> tuple[list[str], Rows]:
    """Head and rows: each figure of ours, and beside it the paper's where it prints any in that column."""
    lines = document["lines"]
    printed = {name for name in columns if any(name in line["paper"] for line in lines)}
    head = [""]
    for name in columns:
        head += [name, "paper"] if name in printed else [name]
    rows: Rows = []
    group = ""
    for line in lines:
        if line["group"] != group:
            group = line["group"]
            rows.append((group, *[""] * (len(head) - 1)))
        cells = [line["name"] + (PRINTED if line["kind"] == "printed" else "")]
        for name in columns:
            cells.append(figure(line["ours"].get(name), name, intervals=intervals))
            if name in printed:
                value = figure(line["paper"].get(name), name)
                best = name.partition(" ")[0] in line["best"] and value != "–"
                cells.append(f"{value} ▲" if best else value)
        rows.append(tuple(cells))
    return head, rows


def figure(value: Mapping[str, Any] | None, column: str, *, intervals: bool = True) -> str:
    """A figure as text: `.612 ± .011 [.550, .671]`; one that is no CCC with one decimal; a dash for none."""
    if value is None:
        return "–"
    say = three if column.startswith(PARTITIONS) else _one_decimal
    text = say(value["mean"])
    if value["std"] is not None:
        text += f" ± {say(value['std'])}"
    if intervals and value["low"] is not None:
        text += f" [{say(value['low'])}, {say(value['high'])}]"
    return text


def differences(document: Document) -> Rows:
    """The tests, a row for each two models; a star where the difference is significant."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for test in document["tests"]:
        found.setdefault((test["best"], test["other"]), {})[test["dimension"]] = test
    rows: Rows = []
    before = ""
    for (best, other), by_dimension in found.items():
        if best != before:
            before = best
            rows.append((f"{best} minus", *[""] * (len(DIFFERENCES) - 1)))
        rows.append(
            (other, *(cell for one in ("arousal", "valence") for cell in _test(by_dimension.get(one))))
        )
    return rows


def _test(test: Mapping[str, Any] | None) -> tuple[str, str]:
    """Median difference and p."""
    if test is None or test["corrected"] is None:
        return "–", "–"
    return three(test["median"]), probability(test["corrected"]) + (" *" if test["significant"] else "")


def reasons(document: Document) -> Iterator[str]:
    """Of each row why it has no figures, or what is to be known of them."""
    names: dict[str, list[str]] = {}
    for line in document["lines"]:
        if said := line["reason"] or line["note"]:
            names.setdefault(said, []).append(line["name"])
    for said, several in names.items():
        yield f"{', '.join(several)}: {said}"


def meaning(document: Document) -> Iterator[str]:
    """How to read the figures."""
    lines, seeds = document["lines"], len(document["seeds"])
    if any(line["kind"] == "printed" for line in lines):
        yield f"{PRINTED.strip()}: another team's system, as the paper prints it; it is not trained here"
    if any(line["paper"] for line in lines):
        yield "paper: what it prints, CCC on SEWA as AVEC 2017 handed it out"
    if any(line["best"] and line["paper"] for line in lines):
        yield "▲: the best of its kind, as the paper claims"
    figures = [one for line in lines for one in line["ours"].values()]
    if any(one["std"] is not None for one in figures) and document["table"] != "8":
        yield f"±: standard deviation over {counted(seeds, 'seed')}"
    if any(one["low"] is not None for one in figures):
        yield "[…]: 95 % interval of the mean over the seeds, over bootstrap draws of what belongs together"
    if document["tests"]:
        yield _asked(document)


def _asked(document: Document) -> str:
    unit = document["tests"][0]["unit"]
    most = max(test["n"] for test in document["tests"])
    few = f"; {counted(most, unit)} cannot reach it, {LEAST} are the fewest that can" if most < LEAST else ""
    return (
        f"Wilcoxon's signed-rank test on devel over the CCC of {counted(most, unit)}, averaged over the "
        f"seeds, two-sided, corrected by Holm over all differences of the table; *: below .05{few}"
    )


def foot(document: Document) -> str:
    """Corpus, seeds, date, commit."""
    counts = ", ".join(f"{count} {part}" for part, count in document["recordings"].items() if count)
    seeds = ", ".join(map(str, document["seeds"]))
    commit = f", commit {document['commit']}" if document["commit"] else ""
    made = f"{document['date'].replace('T', ' ')[:16]} UTC"
    return f"{document['corpus']} ({counts}); seed {seeds}; {made}; affekt {document['affekt']}{commit}"


def _one_decimal(value: float) -> str:
    return f"{value:.1f}" if math.isfinite(value) else "–"


def _markdown_table(head: Sequence[str], rows: Rows) -> str:
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(_cell(cell) for cell in line)} |" for line in lines)


def _cell(text: str) -> str:
    """Text that Markdown leaves as it is: names and reasons are untrusted."""
    return " ".join("".join(f"\\{char}" if char in "\\|*_`<>[]" else char for char in text).split())
