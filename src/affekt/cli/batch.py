"""One piece of work for each of many files: a bad one does not keep the others from theirs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

import click

from affekt.errors import AffektError

Item = TypeVar("Item")


def complain(error: Exception) -> None:
    """Print what is wrong as one line on standard error, whatever characters a file's name is made of."""
    click.echo(f"affekt: {one_line(error)}", err=True)


def one_line(error: Exception) -> str:
    """What is wrong, without line breaks and other control characters."""
    from affekt.report.summary import printable

    return printable(str(error))


def each(items: Sequence[Item], work: Callable[[int, Item], None]) -> None:
    """Do the work for each recording, given its place from 0 on; of several, go on past the bad ones.

    Raises:
        AffektError: the only file is bad.
        SystemExit: some of several were bad: they are named again at the end, exit code 1.
    """
    settle(outcomes(items, work), len(items))


def outcomes(items: Sequence[Item], work: Callable[[int, Item], None]) -> Iterator[Exception | None]:
    """Do the work for each recording as it is asked for; yields what was wrong with it."""
    for place, item in enumerate(items):
        try:
            work(place, item)
        except AffektError as error:
            yield error
        else:
            yield None


def settle(results: Iterable[Exception | None], count: int) -> None:
    """See what became of some files, an exception for each bad one.

    Raises:
        AffektError, SystemExit: as `each`.
    """
    failed: list[str] = []
    for error in results:
        if error is not None and count == 1:
            raise error
        if error is not None:
            complain(error)
            failed.append(one_line(error))
    if failed:
        click.echo(f"\n{len(failed)} of {count} files failed:", err=True)
        for line in failed:
            click.echo(f"  {line}", err=True)
        sys.exit(1)
