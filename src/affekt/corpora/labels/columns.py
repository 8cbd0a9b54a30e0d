"""How a label file is laid out: its rows of fields, and which column means what."""

from __future__ import annotations

import csv
import re
import statistics
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from affekt.corpora.corpus import Fault
from affekt.errors import CorpusError
from affekt.media.tables import bare

Row = tuple[int, list[str]]
"""Number of the line, counted from 1, and its fields."""

NAME = frozenset({"name", "instance_name", "file", "filename", "recording", "id", "originalname"})
TIME = frozenset({"time", "timestamp", "frametime", "videotime", "timestamp_start", "start", "onset"}) | {
    *("t", "s", "sec", "second", "seconds", "time_s", "time_ms", "timestamp_s", "timestamp_ms")
}
SEGMENT = frozenset({"segment_id", "segment"})
IGNORED = frozenset({"class_id", "present", "confidence", "frame", "button", "end", "stop"}) | {
    *("timestamp_end", "databasename", "participant", "sessionid")
}
"""Columns that stand beside the labels and are none."""
AFFECT = frozenset(
    ("arousal", "valence", "liking", "dominance", "power", "expectancy", "anticipation", "likability")
)
"""Names of dimensions; once a header has one of these, columns of other names are no labels."""
MISSING = frozenset({"", "nan", "na", "n/a", "null", "none", "-", "?"})

_BLANK_BETWEEN = re.compile(r"\d\s+[-+\d]")


@dataclass(frozen=True, slots=True)
class Layout:
    """The rows of a label file and the meaning of its columns; no number is read yet."""

    path: Path
    dialect: str
    separator: str
    rows: tuple[Row, ...]
    columns: tuple[str, ...]
    """Names of the value columns."""
    values: tuple[int, ...]
    """Where they stand in a row."""
    time: int | None = None
    """None: the file has no times."""
    name: int | None = None
    segment: int | None = None
    unit: float | None = None
    """Seconds to a unit of time; None: told by the numbers (whole steps of 20 and more are milliseconds)."""
    at_end: bool = False
    """A row's time is the end of what it stands for, if the first row does not stand at 0."""
    on_change: bool = False
    """A row only where the value changes: it holds until the next."""
    scale: tuple[float, float] = (-1.0, 1.0)
    """Lowest and highest value on the file's own scale."""
    step: float | None = None
    """Seconds between rows, where the file says so instead of giving times."""
    sentinel: float | None = None
    """A value that means "no label", for all columns of its row."""
    session: int | None = None
    """A column that tells several traces in one file apart."""


def number(field: str, comma: bool = False) -> float | None:
    """A value; NaN where the field says that there is none; None if it is not a number.

    >>> number("0,5", comma=True), number("NaN"), number("0,5")
    (0.5, nan, None)
    """
    field = bare(field)
    if field.casefold() in MISSING:
        return float("nan")
    try:
        # Python reads 1_000 as a number; no tool that writes labels means it.
        return float("_" if "_" in field else field.replace(",", ".") if comma else field)
    except ValueError:
        return None


def is_number(field: str) -> bool:
    """Is it a number, with a point or a comma?"""
    return bool(bare(field)) and (number(field) is not None or number(field, comma=True) is not None)


def split(line: str, separator: str) -> list[str]:
    """Fields of a line; a separator within double quotes parts nothing. May raise csv.Error."""
    if separator == " ":
        return line.split()
    if '"' in line:
        return next(csv.reader([line], delimiter=separator))
    return line.split(separator)


def separator_of(line: str) -> str:
    """What parts the fields of a file, by its first line: semicolons or tabs, else commas, else blanks."""
    for separator in ";\t":
        if separator in line:
            return separator
    blanks = any(_BLANK_BETWEEN.search(field) for field in line.split(","))
    return " " if blanks or ("," not in line and " " in line.strip()) else ","


def rows_of(path: Path, lines: list[tuple[int, str]], separator: str, width: int | None) -> tuple[Row, ...]:
    """Fields of every line; all have `width` of them, or as many as most lines have.

    Raises:
        CorpusError: a line has more or fewer, as when a file is cut off or decimal commas are in it.
    """
    rows = [(line, split(text, separator)) for line, text in lines]
    if width is None:
        width = statistics.mode(len(fields) for _, fields in rows) if rows else 0
    for line, fields in rows:
        while len(fields) > width and not bare(fields[-1]):
            fields.pop()
        if len(fields) != width:
            what = "is the file cut off?" if len(fields) < width else "has it decimal commas?"
            raise CorpusError(f"{path}, line {line}: has {len(fields)} fields where {width} belong; {what}")
    return tuple(rows)


def unit_of(header: str) -> tuple[str, float | None]:
    """A column's name in lower case, and seconds to its unit if it names one: "Time [ms]", "time_ms"."""
    name, _, unit = bare(header).casefold().replace("[", "(").partition("(")
    name, unit = name.strip(), unit.rstrip(" )]") or header.strip().casefold().rpartition("_")[2]
    return name, {"ms": 0.001, "milliseconds": 0.001, "s": 1.0, "sec": 1.0, "seconds": 1.0}.get(unit)


def by_name(path: Path, header: list[str], rows: tuple[Row, ...], separator: str) -> Layout:
    """A table whose header says what its columns are; it may have been an ARFF's attributes."""
    names = [unit_of(field)[0] for field in header]
    find = {kind: _first(names, known) for kind, known in (("name", NAME), ("segment", SEGMENT))}
    pagan = "videotime" in names
    time = names.index("videotime") if pagan else _first(names, TIME)
    others = [k for k in range(len(names)) if k != time and k not in find.values() and names[k]]
    labels = [k for k in others if names[k] not in IGNORED and names[k] not in TIME]
    labels = [k for k in labels if names[k] in AFFECT] or labels
    columns = tuple(names[k] if names[k] in AFFECT else bare(header[k]) for k in labels)
    if not labels:
        raise CorpusError(f"{path}, line 1: names no column of labels, such as arousal, valence or value")
    if len(set(columns)) < len(columns):
        raise CorpusError(f"{path}, line 1: names a column twice ({', '.join(columns)})")
    if len(columns) == 1 and columns[0].casefold() in {"value", "goldstandard", "label"}:
        columns = ("value",)
    raters = time is not None and all(name.isdigit() for name in columns)
    affwild = time is None and set(columns) == {"arousal", "valence"}
    return Layout(
        path=path,
        dialect=_dialect(names, columns, separator, time),
        separator=separator,
        rows=rows,
        columns=columns,
        values=tuple(labels),
        time=time,
        unit=0.001 if pagan else None if time is None else unit_of(header[time])[1],
        at_end=raters,
        on_change=pagan,
        sentinel=-5.0 if affwild else None,
        session=_first(names, {"sessionid"}) if pagan else None,
        name=find["name"],
        segment=find["segment"],
    )


def _first(names: list[str], known: frozenset[str] | set[str]) -> int | None:
    return next((index for index, name in enumerate(names) if name in known), None)


def _dialect(names: list[str], columns: tuple[str, ...], separator: str, time: int | None) -> str:
    if "videotime" in names:
        return "PAGAN, a row where the value changes"
    if segment := _first(names, SEGMENT):
        before = len(names) - 1 > segment
        return f"MuSe, segment {'before' if before else 'after'} the value"
    if time is None:
        return "Aff-Wild2, a row a picture" if columns == ("valence", "arousal") else "a row a picture"
    if columns == ("value",):
        return "time and value"
    if set(columns) <= AFFECT:
        return "SEWA, header" if separator == ";" else "table with header"
    return "raters"


def column_of(layout: Layout, index: int, comma: bool, what: str = "number") -> np.ndarray:
    """(N,) float64 of a column.

    Raises:
        CorpusError: text stands where a number belongs.
    """
    column = np.empty(len(layout.rows))
    for row, (line, fields) in enumerate(layout.rows):
        value = number(fields[index], comma)
        if value is None:
            raise failure(layout, line, f"{bare(fields[index])[:40]!r} is no {what}")
        column[row] = value
    return column


def failure(layout: Layout, line: int, message: str) -> CorpusError:
    """An error that names a line of the file."""
    return CorpusError(f"{layout.path}, line {line}: {message}")


def warning(layout: Layout, rows: Any, what: str, done: str = "masked") -> list[Fault]:
    """Tell of rows, an (N,) mask, in one line that names the first of them; [] if there are none."""
    count = int(rows.sum())
    if not count:
        return []
    more = f", and in {count - 1} more lines" if count > 1 else ""
    line = layout.rows[int(np.argmax(rows))][0]
    return [Fault(layout.path, f"{what}{more}: {done}", line, "warning")]
