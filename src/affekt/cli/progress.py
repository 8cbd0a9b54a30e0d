"""A bar on the terminal for what takes a while."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from affekt.runtime.predictor import Progress


@contextmanager
def progress_bar(name: str) -> Iterator[Progress | None]:
    """Show how far a file is, and take the bar away at the end; nothing where no terminal looks on."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
    from rich.table import Column

    from affekt.report.summary import printable

    # The name gives way on a narrow terminal, not the figures.
    named = TextColumn("{task.description}", table_column=Column(no_wrap=True, overflow="ellipsis", ratio=1))
    shown = named, BarColumn(30), TextColumn("{task.percentage:>3.0f} %"), TimeRemainingColumn()
    with Progress(*shown, console=Console(stderr=True), transient=True, expand=True) as bar:
        task = bar.add_task(escape(printable(name)), total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
