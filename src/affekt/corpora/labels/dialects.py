"""What a label file turns out to be: where its rows begin, which column is what, which clock it keeps.

The tables of SEWA, RECOLA, Aff-Wild2, MuSe, the MuSe-Toolbox, CASE, CARMA, DARMA, PAGAN, affekt's own and
anybody's with a header; ARFF; SSI's and NOVA's annotations. A header decides by its names; where there is
none, the number of columns and what is in them do.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from xml.etree import ElementTree

from affekt.corpora.formats.folders import text_of
from affekt.corpora.labels.columns import (
    AFFECT,
    IGNORED,
    MISSING,
    NAME,
    SEGMENT,
    TIME,
    Layout,
    Row,
    by_name,
    is_number,
    number,
    rows_of,
    separator_of,
    split,
    unit_of,
)
from affekt.errors import CorpusError
from affekt.media.tables import bare

CASE_SCALE = 26_225.0
"""What the joystick of CASE's annotators reads when it is pushed to the end."""

_MARK = "%%%%%%"


def read_layout(path: Path, columns: Sequence[str] | None = None) -> Layout:
    """Find out what a label file is.

    Args:
        columns: names of the value columns, where the caller knows them.

    Raises:
        CorpusError: it is not text, it holds no row, or there is no telling what its columns are.
    """
    if path.name.endswith(".annotation"):
        path = path.with_name(path.name + "~")
    text = text_of(path)
    lines = [(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
    if not lines:
        raise CorpusError(f"{path}: is empty; labels are needed, a row for each time")
    try:
        layout = _recognised(path, lines, columns)
    except csv.Error as error:  # a field of more than 128 KiB
        raise CorpusError(f"{path}: is no table of labels ({error})") from error
    if not layout.rows:
        raise CorpusError(f"{path}: holds a header and no row; labels are needed, a row for each time")
    return layout if columns is None else _named(layout, columns)


def _recognised(path: Path, lines: list[tuple[int, str]], columns: Sequence[str] | None) -> Layout:
    if path.name.endswith(".annotation~"):
        return _nova(path, lines)
    if any(line.lstrip().casefold().startswith("@relation") for _, line in lines[:40]):
        return _arff(path, lines)
    if mark := next((k for k, (_, line) in enumerate(lines[:40]) if _is_mark(line)), 0):
        return _carma(path, lines, mark)
    return _table(path, lines, columns)


def _named(layout: Layout, columns: Sequence[str]) -> Layout:
    """Only these columns, if the file knows them by name; else its own in the same number, so called."""
    if set(columns) <= set(layout.columns):
        indices = [layout.columns.index(name) for name in columns]
        values = tuple(layout.values[index] for index in indices)
    elif len(columns) == len(layout.columns) and not AFFECT & set(layout.columns):
        values = layout.values
    else:
        held, wanted = ", ".join(layout.columns), ", ".join(columns)
        raise CorpusError(f"{layout.path}: holds {held}, where {wanted} should be")
    return replace(layout, columns=tuple(columns), values=values)


def _table(path: Path, lines: list[tuple[int, str]], columns: Sequence[str] | None) -> Layout:
    separator = separator_of(lines[0][1])
    top = [bare(field) for field in split(lines[0][1], separator)]
    while len(top) > 1 and not top[-1]:
        top.pop()
    if not _is_header(top):
        return _by_position(path, rows_of(path, lines, separator, None), separator, columns)
    if "videotime" in (name.casefold() for name in top):
        # PAGAN does not quote: a comma in a film's name moves all that follows.
        lines = [(line, _rightmost(text, len(top))) for line, text in lines]
    return by_name(path, top, rows_of(path, lines[1:], separator, len(top)), separator)


def _rightmost(line: str, width: int) -> str:
    fields = line.split(",")
    surplus = len(fields) - width
    return line if surplus <= 0 else ",".join([" ".join(fields[: surplus + 1]), *fields[surplus + 1 :]])


def _is_header(fields: list[str]) -> bool:
    """Is the first line one of names? Damaged values in a first line of numbers do not make it one."""
    known = NAME | TIME | SEGMENT | AFFECT | {"value"}
    if len(fields) == 1:
        return fields[0].casefold() in known
    numbers = [field for field in fields[1:] if is_number(field)]
    raters = unit_of(fields[0])[0] in known and all(field.isdigit() for field in numbers)
    return not is_number(fields[0]) and (raters or not numbers)


def _by_position(path: Path, rows: tuple[Row, ...], separator: str, columns: Sequence[str] | None) -> Layout:
    """A table without header: what its columns are, their number and the numbers in them say."""
    width = len(rows[0][1])
    named = not is_number(rows[0][1][0]) and bare(rows[0][1][0]).casefold() not in MISSING and width > 1
    first, n_values = int(named), width - 1 - named
    laid = partial(Layout, path=path, separator=separator, rows=rows)
    if width == 1:
        return laid(dialect="one number a line", columns=("value",), values=(0,))
    if named and 1 <= n_values <= 3:
        names = ("value",) if n_values == 1 else ("arousal", "valence", "liking")[:n_values]
        places = tuple(range(2, width))
        return laid(dialect="SEWA, no header", columns=names, values=places, time=1, name=0)
    if columns is not None and len(columns) == n_values:
        places, name = tuple(range(first + 1, width)), 0 if named else None
        return laid(dialect="no header", columns=tuple(columns), values=places, time=first, name=name)
    if width == 2:
        return laid(dialect="time and value", columns=("value",), values=(1,), time=0)
    if width == 3 and (segment := _muse_segment(rows)) is not None:
        dialect = f"MuSe, no header, segment {'before' if segment == 1 else 'after'} the value"
        return laid(dialect=dialect, columns=("value",), values=(3 - segment,), time=0, segment=segment)
    if width == 3 and separator == "\t" and _is_case(rows):
        names, scale = ("valence", "arousal"), (-CASE_SCALE, CASE_SCALE)
        return laid(dialect="CASE, joystick", columns=names, values=(1, 2), time=0, scale=scale)
    advice = "write them into a first line, such as time,arousal,valence"
    raise CorpusError(f"{path}, line {rows[0][0]}: {width} columns without names; {advice}")


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


def _arff(path: Path, lines: list[tuple[int, str]]) -> Layout:
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
            layout = by_name(path, names, rows_of(path, rows, ",", len(names)), ",")
            return replace(layout, dialect="ARFF")
    raise CorpusError(f"{path}: is an ARFF file without @data")


def _is_mark(line: str) -> bool:
    return set(map(bare, line.split(","))) == {_MARK}


def _carma(path: Path, lines: list[tuple[int, str]], mark: int) -> Layout:
    """CARMA (one axis) and DARMA (two): a preamble that names the scale, a marking row, means of bins."""
    # Where a table had to be a rectangle, short lines end in commas.
    parts = [line.rstrip(" ,").partition(",") for _, line in lines[:mark]]
    preamble = {bare(one): bare(rest) for one, _, rest in parts}
    header = [bare(field) for field in split(lines[mark - 1][1], ",")]
    rows = rows_of(path, lines[mark + 1 :], ",", len(header))
    magnitude = number(preamble.get("Magnitude", ""))
    low, high = (number(preamble.get(f"{one} Value", "")) for one in ("Minimum", "Maximum"))
    if magnitude is not None and magnitude > 0:
        low, high = -magnitude, magnitude
    if low is None or high is None or not low < high:
        raise CorpusError(f"{path}: its preamble does not say between which values its rater could move")
    values = [k for k, name in enumerate(header) if k and name.casefold() not in IGNORED]
    names = tuple("value" if header[k] == "Rating" else header[k].casefold() for k in values)
    return Layout(
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


def _nova(path: Path, lines: list[tuple[int, str]]) -> Layout:
    """The trace of an SSI or NOVA annotation; what it is, the .annotation file beside it says."""
    about = path.with_name(path.name.removesuffix("~"))
    text = text_of(about)
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
    return Layout(
        path=path,
        dialect="NOVA",
        separator=";",
        rows=rows_of(path, lines, ";", None),
        columns=((scheme.get("name") or "value").casefold(),),
        values=(0,),
        scale=(low, high),
        step=1 / rate,
    )
