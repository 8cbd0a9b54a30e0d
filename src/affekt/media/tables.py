"""Small text files as people hand them out: any encoding, any separator, with or without a header."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from affekt.errors import AffektError

MAX_BYTES = 64 << 20
"""A text file beyond this is something else: the words of ten hours take a third of it."""
MAX_SECONDS = 360_000.0
"""100 hours; a later time is a mistake, most often milliseconds taken for seconds."""
SEPARATORS = "\t;, "

_CLOCK = re.compile(r"(?:(\d{1,3}):)?(\d{1,2}):(\d{1,2})(?:[.,](\d{1,9}))?")
_NUMBER = re.compile(r"[+-]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:[eE][+-]?\d+)?")


def read_text(path: Path, fault: type[AffektError]) -> str:
    """The text of a file: by its byte order mark, else UTF-8, else UTF-16 by its zeros, else Windows-1252.

    Raises:
        fault: the file cannot be read, is not text, or is larger than 64 MiB.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise fault(f"{path}: cannot be read ({error.strerror or error})") from error
    if len(data) > MAX_BYTES:
        raise fault(f"{path}: is larger than 64 MiB; is it really a text file?")
    try:
        text = data.decode(_encoding(data))
    except UnicodeDecodeError as error:
        raise fault(f"{path}: is not a text file (byte {error.start}); save it as UTF-8") from error
    if "\0" in text:
        raise fault(f"{path}: is not a text file (it holds zero bytes)")
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def _encoding(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    head = data[:1000]
    if len(head) >= 4 and head[1::2].count(0) > 0.8 * len(head[1::2]):
        return "utf-16-le"
    if len(head) >= 4 and head[0::2].count(0) > 0.8 * len(head[0::2]):
        return "utf-16-be"
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        # Windows-1252 leaves five bytes open that Latin-1 has as control characters.
        return "latin-1" if any(byte in data for byte in b"\x81\x8d\x8f\x90\x9d") else "cp1252"
    return "utf-8"


def bare(field: str) -> str:
    """A field without blanks and quotes around it.

    >>> bare(" 'Train_01' ")
    'Train_01'
    """
    return field.strip().strip("'\"").strip()


def read_time(field: str) -> float | None:
    """Seconds of `12.5`, `12,5`, `01:02.5` or `1:01:02,500`; None if it is none of these.

    >>> read_time("1,5"), read_time("1:01:02.500"), read_time("nan")
    (1.5, 3662.5, None)
    """
    field = bare(field)
    if clock := _CLOCK.fullmatch(field):
        hours, minutes, seconds, fraction = clock.groups()
        if int(minutes) > 59 or int(seconds) > 59:
            return None
        return int(hours or 0) * 3600 + int(minutes) * 60 + float(f"{seconds}.{fraction or 0}")
    return float(field.replace(",", ".")) if _NUMBER.fullmatch(field) else None


def need_time(field: str, where: str, fault: type[AffektError]) -> float:
    """Seconds of a field that must be a time; `where` names the file and the line.

    Raises:
        fault: it is none.
    """
    seconds = read_time(field)
    if seconds is None:
        raise fault(f"{where}: cannot read the time {field[:40]!r}; write seconds or hh:mm:ss.fff")
    return seconds


def span_fault(start: float, end: float) -> str | None:
    """What is wrong with a stretch of time in seconds, in words; None if nothing is."""
    if not (math.isfinite(start) and math.isfinite(end)):
        return "a time is not a number"
    if start < 0:
        return f"it starts before the recording does ({start:g} s)"
    if end < start:
        return f"it ends ({end:g} s) before it starts ({start:g} s)"
    if end > MAX_SECONDS:
        return f"it ends after {end:g} s, more than 100 hours; times are in seconds or hh:mm:ss"
    return None


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of fields with the numbers of their lines; the first two columns, or those so named, are times."""

    separator: str
    header: tuple[str, ...] | None
    """Names in lower case without what stands in brackets, or None."""
    rows: tuple[tuple[int, list[str]], ...]

    def column(self, names: Collection[str]) -> int | None:
        """Index of the first column with one of these names; None without header or such a column."""
        found = (index for index, name in enumerate(self.header or ()) if name in names)
        return next(found, None)


START = ("start", "begin", "onset", "from", "start_time", "starttime", "tmin", "xmin")
END = ("end", "stop", "offset", "to", "end_time", "endtime", "tmax", "xmax")


def read_table(text: str) -> Table | None:
    """Rows of a text whose lines start with two times, or whose header names them; None if it has neither.

    A quote that is not closed ends with its line, so that one stray quotation mark cannot swallow a file.
    """
    lines = [(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
    if not lines:
        return None
    for separator in SEPARATORS:
        top = _split(lines[0][1], separator)
        if len(top) >= 2 and read_time(top[0]) is not None and read_time(top[1]) is not None:
            return Table(separator, None, tuple(_rows(lines, separator)))
        names = tuple(re.sub(r"[(\[].*", "", name).strip(" '\"").lower() for name in top)
        if set(names) & set(START) and set(names) & set(END):
            return Table(separator, names, tuple(_rows(lines[1:], separator)))
    return None


def _rows(lines: list[tuple[int, str]], separator: str) -> Iterator[tuple[int, list[str]]]:
    for number, line in lines:
        yield number, _split(line, separator)


def _split(line: str, separator: str) -> list[str]:
    if separator == " ":
        return line.split()
    try:
        return next(csv.reader([line], delimiter=separator))
    except csv.Error:  # a field beyond csv's limit of 128 KiB
        return line.split(separator)
