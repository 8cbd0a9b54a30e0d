"""Praat's TextGrid files as tiers of annotations: long, short and binary."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

from affekt.errors import AffektError
from affekt.media.tables import MAX_BYTES, read_text
from affekt.media.tiers import Span, Tier, is_silence

BINARY = b"ooBinaryFile"
TEXT = '"ooTextFile'
"""What follows `File type =` at the beginning of a file that Praat wrote as text."""

_TOKEN = re.compile(
    r'"((?:[^"]|"")*)"'  # a text, its quotes doubled
    r"|(?<!\S)([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)(?!\S)"  # a number that stands alone
    r"|(<exists>)"
    r"|![^\n]*"  # a comment
)

Token = str | float


def read_textgrid(path: Path, fault: type[AffektError]) -> list[Tier]:
    """The tiers of intervals of a TextGrid, in the order they stand in; tiers of points are left out.

    Its intervals cover all of the time: those of silence, with no text or one such as "sil", are left out.
    As Praat does, a text file is read as the texts in quotes and the numbers that stand alone in it, whatever
    is between them, so that long and short files are one. Times are seconds of the recording, also where the
    grid begins later than 0.

    Raises:
        fault: not a TextGrid, or it ends too early, or the sizes in it do not fit.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1) if file.read(len(BINARY)) == BINARY else None
    except OSError as error:
        raise fault(f"{path}: cannot be read ({error.strerror or error})") from error
    if data is None:
        tokens = _tokens(read_text(path, fault))
    elif len(data) > MAX_BYTES:
        raise fault(f"{path}: is larger than 64 MiB; is it really a TextGrid?")
    else:
        tokens = _Binary(data).tokens()
    try:
        return _tiers(tokens)
    except (StopIteration, struct.error, IndexError) as error:
        raise fault(f"{path}: the TextGrid ends in the middle; save it from Praat again") from error
    except (ValueError, OverflowError) as error:
        raise fault(f"{path}: is not a TextGrid ({error}); save it from Praat again") from error


def _tiers(tokens: Iterator[Token]) -> list[Tier]:
    """Class, xmin, xmax, whether there are tiers, how many; of each: class, name, xmin, xmax, and its items.

    Raises:
        StopIteration: the tokens end too early.
        ValueError: one is of another kind than expected.
    """
    text, number = _expecting(tokens)
    if (kind := text()) != "TextGrid":
        raise ValueError(f"but a {kind[:40]!r}")
    number(), number()
    if text() != "<exists>":
        return []
    tiers = []
    for _ in range(int(number())):
        kind, name = text(), " ".join(text().split())
        if kind not in ("IntervalTier", "TextTier"):
            raise ValueError(f"it has a tier of kind {kind[:40]!r}")
        number(), number()
        spans: list[Span] = []
        for _ in range(int(number())):
            if kind == "IntervalTier":
                spans.append((number(), number(), text()))
            else:
                number(), text()
        if kind == "IntervalTier":
            spoken = (span for span in spans if not is_silence(span[2]))
            tiers.append(Tier(name, tuple(sorted(spoken, key=lambda span: span[:2]))))
    return tiers


def _expecting(tokens: Iterator[Token]) -> tuple[Callable[[], str], Callable[[], float]]:
    def text() -> str:
        token = next(tokens)
        if isinstance(token, float):
            raise ValueError(f"a text is missing before {token:g}")
        return token

    def number() -> float:
        token = next(tokens)
        if isinstance(token, str):
            raise ValueError(f"a number is missing before {token[:40]!r}")
        return token

    return text, number


def _tokens(text: str) -> Iterator[Token]:
    for k, match in enumerate(match for match in _TOKEN.finditer(text) if match.lastindex):
        quoted, number, flag = match.groups()
        if k == 0 and (quoted or "").startswith("ooTextFile"):
            continue
        yield float(number) if number else flag or quoted.replace('""', '"')


class _Binary:
    """The same tokens of a binary file: big-endian, texts in ASCII or, where they need it, UTF-16."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def tokens(self) -> Iterator[Token]:
        """The order is the text files', but for sizes and flags, which are bytes here."""
        yield self._short_text()
        yield from (self._take(">d"), self._take(">d"))
        if not self._take("B"):
            yield ""
            return
        yield "<exists>"
        tiers = self._take(">i")
        yield tiers
        for _ in range(int(tiers)):
            kind = self._short_text()
            yield from (kind, self._text(), self._take(">d"), self._take(">d"))
            count = self._take(">i")
            yield count
            for _ in range(int(count)):
                yield from (self._take(">d") for _ in range(2 if kind == "IntervalTier" else 1))
                yield self._text()

    def _take(self, kind: str) -> float:
        (value,) = struct.unpack_from(kind, self._data, self._at)
        self._at += struct.calcsize(kind)
        return float(value)

    def _bytes(self, count: int) -> bytes:
        if count < 0 or self._at + count > len(self._data):
            raise IndexError(count)
        self._at += count
        return self._data[self._at - count : self._at]

    def _short_text(self) -> str:
        return self._bytes(int(self._take("B"))).decode("latin-1")

    def _text(self) -> str:
        length = int(self._take(">h"))
        if length >= 0:
            return self._bytes(length).decode("latin-1")
        return self._bytes(2 * int(self._take(">h"))).decode("utf-16-be", "replace")
