"""Options that commands share which lay predictions beside gold."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from affekt.cli.options import File

Command = TypeVar("Command", bound=Callable[..., Any])


def words(text: str) -> tuple[str, ...]:
    """A comma-separated list, each once.

    >>> words("arousal, valence,arousal")
    ('arousal', 'valence')
    """
    return tuple(dict.fromkeys(word.strip() for word in text.split(",") if word.strip()))


_ROWS = (
    click.option(
        "--dimension",
        "dimensions",
        callback=lambda _ctx, _param, text: words(text or ""),
        metavar="LIST",
        show_default="all that both have",
        help="Such as arousal,valence.",
    ),
    click.option(
        "--select",
        multiple=True,
        metavar="PATTERN",
        help="Recordings by name, such as 'Devel_DE_*'; may be said again.",
    ),
    click.option(
        "--partition",
        type=click.Choice(["train", "devel", "test"]),
        help="Of the gold, where the corpus says.  [default: all]",
    ),
    click.option(
        "--pad",
        type=click.Choice(["last", "mask"]),
        help="Where a prediction is too short or has gaps: hold the value before, or do not count.",
    ),
    click.option(
        "--annotation-delay",
        metavar="LIST",
        help="Move predictions later first, arousal=2.3,valence=0.8 (seconds): they were learnt from gold "
        "moved earlier by as much.",
    ),
)
_DRAWS = (
    click.option(
        "--groups",
        type=File(),
        metavar="FILE",
        help="What belongs together: a CSV of two columns, name and dyad (or speaker …), or a pairs.csv.",
    ),
    click.option(
        "--draws",
        type=click.IntRange(0, 1_000_000),
        default=1_000,
        show_default=True,
        metavar="N",
        help="Of the bootstrap; 0: no intervals.",
    ),
    click.option(
        "--seed", type=click.IntRange(0), default=0, show_default=True, metavar="N", help="Of the bootstrap."
    ),
    click.option(
        "--confidence",
        type=click.FloatRange(0, 1, min_open=True, max_open=True),
        default=0.95,
        show_default=True,
        metavar="SHARE",
        help="Of the intervals.",
    ),
)


def rows_options(command: Command) -> Command:
    """Which rows: --dimension, --select, --partition, --pad, --annotation-delay."""
    return _with(command, _ROWS)


def draws_options(command: Command) -> Command:
    """What is drawn, and how: --groups, --draws, --seed, --confidence."""
    return _with(command, _DRAWS)


def _with(command: Command, options: tuple[Callable[[Command], Command], ...]) -> Command:
    for option in reversed(options):
        command = option(command)
    return command
