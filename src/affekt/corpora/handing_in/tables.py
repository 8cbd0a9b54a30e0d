"""Tables of text, written whole or not at all."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

from affekt.errors import OutputError
from affekt.timeline.files import write_text


def write_table(path: Path, rows: Iterable[Sequence[str]], separator: str = ",") -> Path:
    """Write rows of fields, quoted where they hold the separator; the folder is made. Returns the path.

    Raises:
        OutputError: it cannot be written.
    """
    text = io.StringIO()
    csv.writer(text, delimiter=separator, lineterminator="\n").writerows(rows)
    return write_lines(path, text.getvalue())


def write_lines(path: Path, text: str) -> Path:
    """Write a text as it is; the folder is made. Returns the path.

    Raises:
        OutputError: it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{path.parent}: cannot be made ({error.strerror or error})") from error
    write_text(path, text)
    return path
