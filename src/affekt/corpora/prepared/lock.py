"""One run at a time in a folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from affekt.errors import CorpusError, OutputError

LOCK = ".affekt-lock"


@contextmanager
def only_run(folder: Path) -> Iterator[None]:
    """Make a folder and keep others out of it; what a killed run left half-written is swept first.

    The lock goes with the process, however that ends.

    Raises:
        CorpusError: another run is at work in the folder.
        OutputError: the folder cannot be made or written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(folder / LOCK, os.O_CREAT | os.O_RDWR, 0o666)
    except OSError as error:
        raise OutputError(f"{folder}: cannot be written to ({error.strerror or error})") from error
    try:
        _take(lock, folder)
        sweep(folder)
        yield
    finally:
        os.close(lock)


def sweep(folder: Path) -> None:
    """Delete half-written files of a run that was killed."""
    for left in folder.glob(".affekt-*.part"):
        with suppress(OSError):
            left.unlink()


def _take(lock: int, folder: Path) -> None:
    try:
        import fcntl
    except ImportError:  # Windows: nobody is kept out
        return
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise CorpusError(f"{folder}: another run of affekt is at work there; wait for it") from error
