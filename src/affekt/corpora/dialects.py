"""What a label file turns out to be: where its rows begin, which column is what, which clock it keeps.

The tables of SEWA, RECOLA, Aff-Wild2, MuSe, the MuSe-Toolbox, CASE, CARMA, DARMA, PAGAN, affekt's own and
anybody's with a header; ARFF; SSI's and NOVA's annotations. A header decides by its names; where there is
none, the number of columns and what is in them do.
"""

from __future__ import annotations

import csv
import re
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from affekt.errors import CorpusError
from affekt.media.tables import read_text

Row = tuple[int, list[str]]
"""Number of the line, counted from 1, and its fields."""

NAME = frozenset({"name", "instance_name", "file", "filename", "recording", "id", "originalname"})
TIME = frozenset(
    "time timestamp timestamp_start frametime t second seconds sec start onset videotime "
    "timestamp_ms time_ms timestamp_s time_s time_seconds".split()
)
SEGMENT = frozenset({"segment_id", "segment"})
IGNORED = frozenset(
    "class_id present confidence frame button end stop timestamp_end databasename participant sessionid "
    "text audio visual weight_text weight_audio weight_visual".split()
)
"""Columns that stand beside the labels and are none."""
DIMENSIONS = frozenset("arousal valence liking dominance power expectancy anticipation likability".split())
"""Once a header has one of these, columns of other names are no labels."""
MISSING = frozenset({"", "nan", "na", "n/a", "null", "none", "-", "?"})

CASE_SCALE = 26_225.0
"""What the joystick of CASE's annotators reads when it is pushed to the end."""

_MARK = "%%%%%%"
_BLANK_BETWEEN = re.compile(r"\d\s+[-+\d]")


@dataclass(frozen=True, slots=True)
class Sheet:
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


def read_sheet(path: Path, columns: Sequence[str] | None = None) -> Sheet:
    """Find out what a label file is.

    Args:
        columns: names of the value columns, where the caller knows them.

    Raises:
        CorpusError: it is not text, it holds no row, or there is no telling what its columns are.
    """
    if path.name.endswith(".annotation"):
        path = path.with_name(path.name + "~")
    text = read_text(path, CorpusError)
    lines = [(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
    if not lines:
        raise CorpusError(f"{path}: is empty; labels are needed, a row for each time")
    if path.name.endswith(".annotation~"):
        sheet = _nova(path, lines)
    elif text.lstrip().lower().startswith(("@relation", "%")) and "@data" in text.lower():
        sheet = _arff(path, lines)
    elif mark := next((k for k, (_, line) in enumerate(lines[:40]) if _is_mark(line)), 0):
        sheet = _carma(path, lines, mark)
    else:
        sheet = _table(path, lines, columns)
    if not sheet.rows:
        raise CorpusError(f"{path}: holds a header and no row; labels are needed, a row for each time")
    return sheet if columns is None else _named(sheet, columns)


def _named(sheet: Sheet, columns: Sequence[str]) -> Sheet:
    """Only these columns, if the file knows them by name; else its own in the same number, so called."""
    if set(columns) <= set(sheet.columns):
        indices = [sheet.columns.index(name) for name in columns]
        values = tuple(sheet.values[index] for index in indices)
    elif len(columns) == len(sheet.columns) and not DIMENSIONS & set(sheet.columns):
        values = sheet.values
    else:
        held, wanted = ", ".join(sheet.columns), ", ".join(columns)
        raise CorpusError(f"{sheet.path}: holds {held}, where {wanted} should be")
    return _with(sheet, columns=tuple(columns), values=values)


def _with(sheet: Sheet, **changes: object) -> Sheet:
    from dataclasses import replace

    return replace(sheet, **changes)  # type: ignore[arg-type]


# Fields


def bare(field: str) -> str:
    """A field without blanks and quotes around it.

    >>> bare(" 'Train_01' ")
    'Train_01'
    """
    return field.strip().strip("'\"").strip()


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


def _is_number(field: str) -> bool:
    return bool(bare(field)) and (number(field) is not None or number(field, comma=True) is not None)


def _split(line: str, separator: str) -> list[str]:
    if separator == " ":
        return line.split()
    if '"' in line:
        return next(csv.reader([line], delimiter=separator))
    return line.split(separator)


def _separator(line: str) -> str:
    for separator in ";\t":
        if separator in line:
            return separator
    blanks = any(_BLANK_BETWEEN.search(field) for field in line.split(","))
    return " " if blanks or ("," not in line and " " in line.strip()) else ","


def _rows(path: Path, lines: list[tuple[int, str]], separator: str, width: int | None) -> tuple[Row, ...]:
    """Fields of every line; all have `width` of them, or as many as most lines have.

    Raises:
        CorpusError: a line has more or fewer, as when a file is cut off or decimal commas are in it.
    """
    try:
        rows = [(number_, _split(line, separator)) for number_, line in lines]
    except csv.Error as error:
        raise CorpusError(f"{path}: is no table ({error})") from error
    if width is None:
        width = statistics.mode(len(fields) for _, fields in rows) if rows else 0
    for line, fields in rows:
        while len(fields) > width and not bare(fields[-1]):
            fields.pop()
        if len(fields) != width:
            what = "is the file cut off?" if len(fields) < width else "has it decimal commas?"
            raise CorpusError(f"{path}, line {line}: has {len(fields)} fields where {width} belong; {what}")
    return tuple(rows)


# Tables


def _table(path: Path, lines: list[tuple[int, str]], columns: Sequence[str] | None) -> Sheet:
    separator = _separator(lines[0][1])
    try:
        top = [bare(field) for field in _split(lines[0][1], separator)]
    except csv.Error as error:
        raise CorpusError(f"{path}, line 1: is no table ({error})") from error
    while len(top) > 1 and not top[-1]:
        top.pop()
    if not _is_header(top):
        return _by_position(path, _rows(path, lines, separator, None), separator, columns)
    if "videotime" in (name.casefold() for name in top):
        # PAGAN does not quote: a comma in a film's name moves all that follows.
        lines = [(line, _rightmost(text, len(top))) for line, text in lines]
    return _by_name(path, top, _rows(path, lines[1:], separator, len(top)), separator)


def _rightmost(line: str, width: int) -> str:
    fields = line.split(",")
    surplus = len(fields) - width
    return line if surplus <= 0 else ",".join([" ".join(fields[: surplus + 1]), *fields[surplus + 1 :]])


def _is_header(fields: list[str]) -> bool:
    """Is the first line one of names? Damaged values in a first line of numbers do not make it one."""
    known = NAME | TIME | SEGMENT | DIMENSIONS | {"value"}
    if len(fields) == 1:
        return fields[0].casefold() in known
    first = _unit(fields[0])[0]
    return not _is_number(fields[0]) and (first in known or not any(map(_is_number, fields[1:])))


def _unit(header: str) -> tuple[str, float | None]:
    """A column's name in lower case, and seconds to its unit if it names one: "Time [ms]", "time_ms"."""
    name, _, unit = bare(header).casefold().replace("[", "(").partition("(")
    name, unit = name.strip(), unit.rstrip(" )]") or header.strip().casefold().rpartition("_")[2]
    return name, {"ms": 0.001, "milliseconds": 0.001, "s": 1.0, "sec": 1.0, "seconds": 1.0}.get(unit)


def _by_name(path: Path, header: list[str], rows: tuple[Row, ...], separator: str) -> Sheet:
    """A table whose header says what its columns are; it may have been an ARFF's attributes."""
    names = [_unit(field)[0] for field in header]
    find = {kind: _first(names, known) for kind, known in (("name", NAME), ("segment", SEGMENT))}
    pagan = "videotime" in names
    time = names.index("videotime") if pagan else _first(names, TIME)
    others = [k for k in range(len(names)) if k != time and k not in find.values() and names[k]]
    labels = [k for k in others if names[k] not in IGNORED and names[k] not in TIME]
    labels = [k for k in labels if names[k] in DIMENSIONS] or labels
    columns = tuple(names[k] if names[k] in DIMENSIONS else bare(header[k]) for k in labels)
    if not labels:
        raise CorpusError(f"{path}, line 1: names no column of labels, such as arousal, valence or value")
    if len(set(columns)) < len(columns):
        raise CorpusError(f"{path}, line 1: names a column twice ({', '.join(columns)})")
    if len(columns) == 1 and columns[0].casefold() in {"value", "goldstandard", "label"}:
        columns = ("value",)
    raters = time is not None and len(labels) > 1 and all(name.isdigit() for name in columns)
    affwild = time is None and set(columns) == {"arousal", "valence"}
    return Sheet(
        path=path,
        dialect=_dialect(names, columns, separator, time),
        separator=separator,
        rows=rows,
        columns=columns,
        values=tuple(labels),
        time=time,
        unit=0.001 if pagan else None if time is None else _unit(header[time])[1],
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
    if set(columns) <= DIMENSIONS:
        return "SEWA, header" if separator == ";" else "table with header"
    return "raters"


def _by_position(
    path: Path, rows: tuple[Row, ...], separator: str, columns: Sequence[str] | None
) -> Sheet:
    """A table without header: what its columns are, their number and the numbers in them say."""
    width = len(rows[0][1])
    named = not _is_number(rows[0][1][0]) and bare(rows[0][1][0]).casefold() not in MISSING and width > 1
    first, n_values = int(named), width - 1 - named
    kind: dict[str, object]
    if width == 1:
        kind = {"dialect": "one number a line", "columns": ("value",), "values": (0,)}
    elif named and 1 <= n_values <= 3:
        names = ("value",) if n_values == 1 else ("arousal", "valence", "liking")[:n_values]
        places = tuple(range(2, width))
        kind = {"dialect": "SEWA, no header", "columns": names, "values": places, "time": 1, "name": 0}
    elif columns is not None and len(columns) == n_values:
        kind = {"dialect": "no header", "columns": tuple(columns), "time": first}
        kind |= {"values": tuple(range(first + 1, width)), "name": 0 if named else None}
    elif width == 2:
        kind = {"dialect": "time and value", "columns": ("value",), "values": (1,), "time": 0}
    elif width == 3 and (segment := _muse_segment(rows)) is not None:
        where = "before" if segment == 1 else "after"
        kind = {"dialect": f"MuSe, no header, segment {where} the value", "columns": ("value",)}
        kind |= {"values": (3 - segment,), "time": 0, "segment": segment}
    elif width == 3 and separator == "\t" and _is_case(rows):
        kind = {"dialect": "CASE, joystick", "columns": ("valence", "arousal"), "values": (1, 2), "time": 0}
        kind |= {"scale": (-CASE_SCALE, CASE_SCALE)}
    else:
        advice = "write them into a first line, such as time,arousal,valence"
        raise CorpusError(f"{path}, line {rows[0][0]}: {width} columns without names; {advice}")
    return Sheet(path=path, separator=separator, rows=rows, **kind)  # type: ignore[arg-type]


def _muse_segment(rows: tuple[Row, ...]) -> int | None:
    """Which of the columns 1 and 2 holds MuSe's segments, beside whole milliseconds; None if not just one."""
    if not all(bare(fields[0]).isdigit() for _, fields in rows):
        return None
    found = []
    for column in (1, 2):
        texts = [bare(fields[column]) for _, fields in rows]
        if all(text.isdigit() for text in texts):
            numbers = [int(text) for text in texts]
            if numbers[0] >= 1 and numbers == sorted(numbers):
                found.append(column)
    return found[0] if len(found) == 1 else None


def _is_case(rows: tuple[Row, ...]) -> bool:
    values = [number(field) for _, fields in rows for field in fields[1:]]
    sizes = [abs(value) for value in values if value is not None]
    return 1000 < max(sizes, default=0) <= CASE_SCALE


# Files of other shapes


def _arff(path: Path, lines: list[tuple[int, str]]) -> Sheet:
    """Weka's ARFF, as RECOLA's gold standard is handed out (AVEC 2016)."""
    names = []
    for position, (_, line) in enumerate(lines):
        stripped = line.strip()
        word = stripped.partition(" ")[0].casefold()
        if word == "@attribute":
            quoted = re.match(r"@attribute\s+('[^']*'|\"[^\"]*\"|\S+)", stripped, re.IGNORECASE)
            names.append(bare(quoted.group(1)) if quoted else "")
        elif word == "@data":
            rows = [one for one in lines[position + 1 :] if not one[1].lstrip().startswith("%")]
            if not names:
                raise CorpusError(f"{path}, line {lines[position][0]}: no @attribute stands before @data")
            sheet = _by_name(path, names, _rows(path, rows, ",", len(names)), ",")
            return _with(sheet, dialect="ARFF")
    raise CorpusError(f"{path}: is an ARFF file without @data")


def _is_mark(line: str) -> bool:
    return set(map(bare, line.split(","))) == {_MARK}


def _carma(path: Path, lines: list[tuple[int, str]], mark: int) -> Sheet:
    """CARMA (one axis) and DARMA (two): a preamble that names the scale, a marking row, means of bins."""
    preamble = {bare(one): bare(rest) for _, line in lines[:mark] for one, _, rest in [line.partition(",")]}
    header = [bare(field) for field in _split(lines[mark - 1][1], ",")]
    rows = _rows(path, lines[mark + 1 :], ",", len(header))
    magnitude = number(preamble.get("Magnitude", ""))
    low, high = (number(preamble.get(f"{one} Value", "")) for one in ("Minimum", "Maximum"))
    if magnitude is not None and magnitude > 0:
        low, high = -magnitude, magnitude
    if low is None or high is None or not low < high:
        raise CorpusError(f"{path}: its preamble does not say between which values its rater could move")
    values = [k for k, name in enumerate(header) if k and name.casefold() not in IGNORED]
    names = tuple("value" if header[k] == "Rating" else header[k].casefold() for k in values)
    return Sheet(
        path=path,
        dialect="CARMA" if magnitude is None or magnitude != magnitude else "DARMA",
        separator=",",
        rows=rows,
        columns=names,
        values=tuple(values),
        time=0,
        unit=1.0,
        at_end=True,
        scale=(low, high),
    )


def _nova(path: Path, lines: list[tuple[int, str]]) -> Sheet:
    """The trace of an SSI or NOVA annotation; what it is, the .annotation file beside it says."""
    about = path.with_name(path.name.removesuffix("~"))
    text = read_text(about, CorpusError)
    if "<!" in text.replace("<!--", ""):  # entities and the like: SSI writes none
        raise CorpusError(f"{about}: is no annotation of SSI or NOVA")
    try:
        root = ElementTree.fromstring(text.encode())
    except ElementTree.ParseError as error:
        raise CorpusError(f"{about}: is not XML ({error})") from error
    info, scheme = root.find("info"), root.find("scheme")
    if info is None or scheme is None or scheme.get("type") != "CONTINUOUS":
        raise CorpusError(f"{about}: holds no scheme of type CONTINUOUS; only traces are read")
    if info.get("ftype") != "ASCII":
        raise CorpusError(f"{about}: its data are binary; save it in NOVA as ASCII")
    rate, low, high = (number(scheme.get(key, "")) for key in ("sr", "min", "max"))
    if rate is None or low is None or high is None or not (rate > 0 and low < high):
        raise CorpusError(f"{about}: its scheme lacks a rate (sr) or a scale (min, max)")
    return Sheet(
        path=path,
        dialect="NOVA",
        separator=";",
        rows=_rows(path, lines, ";", None),
        columns=((scheme.get("name") or "value").casefold(),),
        values=(0,),
        scale=(low, high),
        step=1 / rate,
    )
