"""Tables with a header row that list recordings: manifests, partitions, utterances."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from affekt.corpora.corpus import Fault
from affekt.corpora.formats.folders import text_of
from affekt.corpora.labels.columns import number
from affekt.errors import CorpusError
from affekt.media.tables import bare

SEPARATORS = ";,\t|"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a sheet."""

    line: int
    """Counted from 1."""
    fields: dict[str, str]
    """By the header's names in lower case, without the blanks and quotes around them."""

    def get(self, names: Collection[str]) -> str:
        """The first field of one of these names that is not empty, or ""."""
        return next((self.fields[name] for name in names if self.fields.get(name)), "")


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table as it lies on disk."""

    path: Path
    header: tuple[str, ...]
    """In lower case."""
    rows: tuple[Row, ...]
    faults: tuple[Fault, ...]
    """Lines that were left out, as they have more or fewer fields than the header."""
    decimal_comma: bool
    """Whether 0,5 may be a number: not where commas part the fields."""

    def number(self, field: str) -> float | None:
        """A finite number, NaN for an empty field or one that says so, None if it is something else."""
        value = number(field, self.decimal_comma)
        return None if value is None or math.isinf(value) else value


def read_sheet(path: Path, *, open_end: bool = False) -> Sheet:
    """Read a table whose first line names its columns.

    Args:
        path: a file of any encoding; fields parted by semicolon, comma, tab or bar, quoted or not.
        open_end: the last column is text, and takes what separators it holds unquoted.

    Raises:
        CorpusError: the file cannot be read, is empty, or names a column twice.
    """
    text = text_of(path)
    lines = [(place, line) for place, line in enumerate(text.split("\n"), 1) if line.strip()]
    if not lines:
        raise CorpusError(f"{path}: is empty; a first line that names the columns is needed")
    separator = max(SEPARATORS, key=lambda one: len(_split(lines[0][1], one)))
    header = tuple(_bare(name).lower() for name in _split(lines[0][1], separator))
    if twice := sorted({name for name in header if name and header.count(name) > 1}):
        raise CorpusError(f"{path}, line {lines[0][0]}: names the column {twice[0]} twice; keep one of them")
    rows, faults = [], []
    for place, line in lines[1:]:
        fields = _split(line, separator)
        if open_end and len(fields) > len(header):
            last = len(header) - 1
            fields = [*fields[:last], separator.join(fields[last:])]
        while len(fields) > len(header) and not fields[-1].strip():
            fields.pop()
        if len(fields) != len(header):
            message = f"has {len(fields)} fields, the first line {len(header)}; left out"
            faults.append(Fault(path, f"{message} (quote a field that holds {separator!r})", place))
            continue
        rows.append(Row(place, {name: _bare(field) for name, field in zip(header, fields, strict=True)}))
    return Sheet(path, header, tuple(rows), tuple(faults), separator != ",")


def first_fields(path: Path) -> tuple[str, ...]:
    """Fields of a file's first line, in lower case and bare; () of what is no text: who reads it says why."""
    try:
        line = text_of(path).lstrip().partition("\n")[0]
    except CorpusError:
        return ()
    return tuple(bare(field).lower() for field in re.split(f"[{SEPARATORS}]", line))


def _bare(field: str) -> str:
    """Without the blanks around it, and without quotes that CSV does not know."""
    field = field.strip()
    return field[1:-1].strip() if len(field) > 1 and field[0] == field[-1] and field[0] in "'\"" else field


def _split(line: str, separator: str) -> list[str]:
    """Line by line, so that one stray quotation mark cannot swallow a file."""
    try:
        return next(csv.reader([line], delimiter=separator, skipinitialspace=True), [])
    except csv.Error:  # a field beyond csv's limit of 128 KiB
        return line.split(separator)
