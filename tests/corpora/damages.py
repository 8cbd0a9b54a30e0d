"""Kinds of damage to a corpus' folder: what disks, spreadsheets, editors and people do to its files."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

Edit = Callable[[bytes], bytes]


@dataclass(frozen=True)
class Text:
    """Damage to the text of one label file."""

    name: str
    edit: Edit
    timed: bool = False
    """Of sense in files that say the time of each row, which Aff-Wild2's do not."""
    quiet: bool = False
    """So slight that it need not be told, as long as the values stay what they are."""


def lines_of(data: bytes) -> list[bytes]:
    """The lines, with their ends."""
    return data.splitlines(keepends=True)


def middle(lines: Sequence[bytes]) -> int:
    """A line in the middle of the rows."""
    return len(lines) // 2 + 1


def separator(line: bytes) -> bytes:
    return b";" if b";" in line else b","


def with_line(change: Callable[[bytes], bytes]) -> Edit:
    """Change the line in the middle, without its end."""

    def edit(data: bytes) -> bytes:
        lines = lines_of(data)
        at = middle(lines)
        bare = lines[at].rstrip(b"\r\n")
        lines[at] = change(bare) + lines[at][len(bare) :]
        return b"".join(lines)

    return edit


def with_field(column: int, value: bytes | Callable[[bytes], bytes]) -> Edit:
    """Change one field of the line in the middle."""

    def change(line: bytes) -> bytes:
        mark = separator(line)
        fields = line.split(mark)
        fields[column] = value(fields[column]) if callable(value) else value
        return mark.join(fields)

    return with_line(change)


def every_row(change: Callable[[bytes], bytes]) -> Edit:
    """Change all lines that begin with a number or a quoted name."""

    def edit(data: bytes) -> bytes:
        rows = []
        for line in lines_of(data):
            bare = line.rstrip(b"\r\n")
            rows.append((change(bare) if is_row(bare) else bare) + line[len(bare) :])
        return b"".join(rows)

    return edit


def is_row(line: bytes) -> bool:
    """A row of values: its last field is a number."""
    last = line.split(separator(line))[-1].strip()
    return bool(last) and last.lstrip(b"+-").replace(b".", b"").isdigit()


def last_times(factor: bytes) -> Callable[[bytes], bytes]:
    def change(line: bytes) -> bytes:
        head, mark, last = line.rpartition(separator(line))
        return head + mark + b"%.6f" % (float(last) * float(factor))

    return change


def time_column(line: bytes) -> int:
    first = line.split(separator(line))[0].strip().strip(b"'\"")
    return 0 if first.replace(b".", b"").lstrip(b"-").isdigit() else 1


def with_time(change: Callable[[float], float], everywhere: bool = False) -> Edit:
    """Change the time of the line in the middle, or of all."""

    def retime(line: bytes) -> bytes:
        mark = separator(line)
        fields = line.split(mark)
        at = time_column(line)
        fields[at] = b"%.6f" % change(float(fields[at]))
        return mark.join(fields)

    return every_row(retime) if everywhere else with_line(retime)


def without_lines(first: int, count: int) -> Edit:
    """Take lines out from so far behind the middle."""

    def edit(data: bytes) -> bytes:
        lines = lines_of(data)
        at = max(middle(lines) + first, 1)
        return b"".join(lines[:at] + lines[at + count :])

    return edit


def swapped_lines(data: bytes) -> bytes:
    lines = lines_of(data)
    at = middle(lines)
    lines[at], lines[at + 1] = lines[at + 1], lines[at]
    return b"".join(lines)


def doubled_line(data: bytes) -> bytes:
    lines = lines_of(data)
    return b"".join([*lines[: middle(lines)], lines[middle(lines)], *lines[middle(lines) :]])


def arabic(number: bytes) -> bytes:
    return number.decode().translate({48 + digit: 0x660 + digit for digit in range(10)}).encode()


def decimal_commas(data: bytes) -> bytes:
    return (
        data.replace(b".", b",")
        if b";" in data.splitlines()[-1]
        else data.replace(b",", b";").replace(b".", b",")
    )


def drop_last_column(line: bytes) -> bytes:
    return line.rpartition(separator(line))[0]


def header_again(data: bytes) -> bytes:
    """A second file stuck to the first."""
    return data + data


TEXTS = (
    Text("empty file", lambda data: b""),
    Text("blank lines alone", lambda data: b"\n \r\n\n"),
    Text("cut within a number", lambda data: data[: len(data) * 2 // 3].rstrip(b"\r\n,;")[:-1]),
    Text("cut within a line", lambda data: b"".join(lines_of(data)[: middle(lines_of(data))]) + b"0"),
    Text("first half overwritten by zeros", lambda data: bytes(len(data) // 2) + data[len(data) // 2 :]),
    Text("a zero byte", lambda data: data[: len(data) // 2] + b"\0" + data[len(data) // 2 :]),
    Text("noise", lambda data: bytes((k * 7919 + 13 * k * k) % 256 for k in range(2000))),
    Text("a picture", lambda data: b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01" + bytes(range(256))),
    Text("a web page", lambda data: b"<!DOCTYPE html><html><body>404 Not Found</body></html>\n"),
    Text(
        "an LFS pointer", lambda data: b"version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 12\n"
    ),
    Text("UTF-16", lambda data: data.decode("utf-8-sig").encode("utf-16")),
    Text("UTF-16 without a mark", lambda data: data.decode("utf-8-sig").encode("utf-16-le")),
    Text("byte order mark twice", lambda data: b"\xef\xbb\xbf\xef\xbb\xbf" + data),
    Text("old Mac line ends", lambda data: data.replace(b"\r\n", b"\n").replace(b"\n", b"\r")),
    Text("an umlaut in Windows-1252", with_line(lambda line: line + b"\xfc")),
    Text("zero-width and right-to-left marks", with_field(-1, lambda one: "\u200b\u202e".encode() + one)),
    Text("digits of another script", with_field(-1, arabic)),
    Text("a number that is text", with_field(-1, b"high")),
    Text("a spreadsheet's fault", with_field(-1, b"#VALUE!")),
    Text("a value missing", with_field(-1, b"")),
    Text("NaN", with_field(-1, b"nan")),
    Text("infinity", with_field(-1, b"inf")),
    Text("1e308", with_field(-1, b"1e308")),
    Text("a value beyond the scale", with_field(-1, b"7.5")),
    Text("-5 in one column", with_field(-1, b"-5"), quiet=True),
    Text("all values times 100", every_row(last_times(b"100"))),
    Text("all values times 1000", every_row(last_times(b"1000"))),
    Text("two points in a number", with_field(-1, b"0.1.2")),
    Text("thousands marks", with_field(-1, b"1'000.5")),
    Text("underscores in a number", with_field(-1, b"0_1")),
    Text("a hexadecimal number", with_field(-1, b"0x1p-2")),
    Text("decimal commas", decimal_commas),
    Text("decimal commas in one line", with_field(-1, lambda one: one.replace(b".", b",") + b"1")),
    Text("a field too many in one line", with_line(lambda line: line + separator(line) + b"0.5")),
    Text("a field too few in one line", with_line(drop_last_column)),
    Text("a column too few", every_row(drop_last_column)),
    Text("a column too many", every_row(lambda line: line + separator(line) + b"0.5")),
    Text("a line of 2 MB", with_line(lambda line: line + b" " * 10 + b"9" * 2_000_000)),
    Text("an unclosed quotation mark", with_line(lambda line: b'"' + line)),
    Text("the file twice", header_again),
    Text("the header gone", lambda data: b"".join(lines_of(data)[1:]), quiet=True),
    Text("the header twice", lambda data: lines_of(data)[0] + data),
    Text("a remark in the middle", with_line(lambda line: b"# checked until here\n" + line)),
    Text("one row", lambda data: b"".join(lines_of(data)[:2])),
    Text("the last row gone", lambda data: b"".join(lines_of(data)[:-1]), quiet=True),
    Text("a row too many", lambda data: data + lines_of(data)[-1]),
    Text(
        "the second half gone", lambda data: b"".join(lines_of(data)[: len(lines_of(data)) // 2]), quiet=True
    ),
    Text("the clock runs backwards", swapped_lines, timed=True),
    Text("a time twice", doubled_line, timed=True),
    Text("five rows gone", without_lines(-3, 5), timed=True),
    Text("the first rows gone", without_lines(-99, 3), timed=True),
    Text("negative times", with_time(lambda time: time - 100, everywhere=True), timed=True),
    Text("a time far ahead", with_time(lambda time: time + 1e6), timed=True),
    Text(
        "milliseconds for seconds and back",
        with_time(lambda t: t * 1000 if t < 100 else t / 1000, True),
        timed=True,
    ),
    Text("microseconds", with_time(lambda time: time * 1e6, everywhere=True), timed=True),
    Text("all times the same", with_time(lambda time: 1.0, everywhere=True), timed=True),
    Text("times that count from 1970", with_time(lambda time: time + 1.6e9, everywhere=True), timed=True),
    Text("a clock that is late", with_time(lambda time: time + 3.0, everywhere=True), timed=True),
)
"""Damage to one label file."""


def replace_with_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def link_to_itself(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.name)


def dangling_link(path: Path) -> None:
    path.unlink()
    path.symlink_to("nowhere.csv")


def pipe(path: Path) -> None:
    """Nobody writes into it: who opens it to read waits for good."""
    path.unlink()
    os.mkfifo(path)


def lock(path: Path) -> None:
    path.chmod(0)


PLACES: dict[str, Callable[[Path], None]] = {
    "gone": Path.unlink,
    "a folder in its place": replace_with_folder,
    "a link to itself": link_to_itself,
    "a link to nowhere": dangling_link,
    "a pipe in its place": pipe,
    "no permission": lock,
}
"""Damage to what a file is, whatever it holds."""


def put(path: Path, data: bytes) -> Path:
    """Data in the place of a file, which may be linked to from elsewhere."""
    path.unlink(missing_ok=True)
    path.write_bytes(data)
    return path
