"""Tables of the card: Markdown that is read in a terminal too, so narrow and with its columns in line."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import zip_longest

MISSING = "–"
Cell = str | int | float | None


def number(value: float, digits: int = 3) -> str:
    """A figure with the true minus sign, a dash if there is none.

    >>> number(-0.1234), number(0.5, 2), number(float("nan")), number(-0.0001, 2)
    ('−0.123', '0.50', '–', '0.00')
    """
    if not math.isfinite(value):
        return MISSING
    return f"{round(value, digits) + 0.0:.{digits}f}".replace("-", "−")


def table(head: Sequence[str], rows: Sequence[Sequence[Cell]]) -> str:
    """Markdown, every column as wide as its widest cell; all but the first are set to the right.

    A float gets three decimals; None and NaN become a dash; a row that is too short is filled with dashes.
    """
    shown = [[_shown(cell) for cell in row] for row in (head, *rows)]
    columns = list(zip_longest(*shown, fillvalue=MISSING))
    widths = [max(3, *map(len, column)) for column in columns]
    lines = [
        [cell.ljust(width) if k == 0 else cell.rjust(width) for cell in column]
        for k, (column, width) in enumerate(zip(columns, widths, strict=True))
    ]
    first, *rest = (f"| {' | '.join(row)} |" for row in zip(*lines, strict=True))
    rule = [f"{'-' * (width - 1)}{'-' if k == 0 else ':'}" for k, width in enumerate(widths)]
    return "\n".join([first, f"| {' | '.join(rule)} |", *rest])


def _shown(cell: Cell) -> str:
    if cell is None:
        return MISSING
    return number(cell) if isinstance(cell, float) else str(cell).replace("|", "\\|")
