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
_JUDGING = (
    click.option(
        "--alignment",
        type=click.Choice(["sentence", "causal"]),
        help="Of MODEL CORPUS: a sentence counts while it is spoken, or from its end on.  "
        "[default: sentence, or as prepared]",
    ),
    click.option(
        "--threads",
        type=click.IntRange(1, 256),
        metavar="N",
        show_default="one a core, at most 4",
        help="Of MODEL CORPUS: how many work at once.",
    ),
    click.option(
        "--workers",
        type=click.IntRange(1, 1024),
        metavar="N",
        default=1,
        show_default=True,
        help="Of MODEL CORPUS: recordings at once, a process each.",
    ),
    click.option(
        "--keep", type=File(), metavar="DIR", help="Of MODEL CORPUS: where to write the predictions, as CSV."
    ),
)


def rows_options(command: Command) -> Command:
    """Which rows: --dimension, --select, --partition, --pad, --annotation-delay."""
    return _with(command, _ROWS)


def draws_options(command: Command) -> Command:
    """What is drawn, and how: --groups, --draws, --seed, --confidence."""
    return _with(command, _DRAWS)


def judging_options(command: Command) -> Command:
    """How a bundle is run over a corpus: --alignment, --threads, --workers, --keep."""
    return _with(command, _JUDGING)


def _with(command: Command, options: tuple[Callable[[Command], Command], ...]) -> Command:
    for option in reversed(options):
        command = option(command)
    return command
