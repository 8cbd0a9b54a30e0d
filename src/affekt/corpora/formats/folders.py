"""What all readers of corpora's folders do alike: names in order, partitions' spellings, files by stem."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator
from pathlib import Path

from affekt.corpora.corpus import Fault, Severity
from affekt.errors import AffektError, CorpusError
from affekt.media.tables import bare, read_text
from affekt.timeline import Partition

FILMS = frozenset((".mp4", ".avi", ".mov", ".mkv", ".webm", ".mpg", ".mpeg", ".m4v", ".wmv", ".flv"))
SOUNDS = frozenset((".wav", ".flac", ".mp3", ".m4a", ".ogg", ".aac"))
LABELS = frozenset((".csv", ".txt", ".arff", ".tsv", ".dat"))
"""How label files end."""
DEEPEST = 6
"""Folders below the corpus' root that are looked into: a link in a circle must end somewhere."""
UNREAD = ("cropped", "feature", "face", ".", "__macosx")
"""Folders of such names hold pictures or features by the million, and nothing that a recording is."""

_PARTITIONS: dict[str, Partition] = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("devel", "dev", "development", "val", "valid", "validation"), "devel"),
    **dict.fromkeys(("test", "testing", "eval", "evaluation"), "test"),
}
ORDER: dict[Partition | None, int] = {"train": 0, "devel": 1, "test": 2, None: 3}
"""Of partitions in lists and tables."""


def natural(name: str) -> tuple[tuple[int, str], ...]:
    """A key that sorts numbers within names by their value.

    >>> sorted(["Train_10", "Train_2", "Train_02"], key=natural)
    ['Train_02', 'Train_2', 'Train_10']
    """
    parts = re.split(r"([0-9]+)", name)
    numbers = tuple((int(part), "") if k % 2 else (-1, part.casefold()) for k, part in enumerate(parts))
    return (*numbers, (-2, name))


def partition_of(word: str) -> Partition | None:
    """The partition that a word means, whatever the corpus' spelling; None if it means none.

    >>> partition_of("Validation_Set"), partition_of("dev"), partition_of("Training_Set"), partition_of("x")
    ('devel', 'devel', 'train', None)
    """
    return _PARTITIONS.get(re.sub(r"[\s_-]*set$", "", bare(word).casefold()))


def walk(root: Path, skip: Collection[str] = ()) -> Iterator[tuple[Path, list[str]]]:
    """Folders from the root down, in natural order, with their files' names; features are not looked into.

    Args:
        skip: names of further folders to leave out, in lower case.
    """
    top = len(root.parts)
    for folder, folders, files in os.walk(root, followlinks=True):
        here = Path(folder)
        deep = len(here.parts) - top >= DEEPEST
        folders[:] = sorted(
            (one for one in folders if not (deep or one.lower().startswith(UNREAD) or one.lower() in skip)),
            key=natural,
        )
        yield here, sorted((one for one in files if not one.startswith(".")), key=natural)


def here_and_below(root: Path) -> list[Path]:
    """A folder and those in it that are not hidden: a corpus often lies one deeper than the folder given."""
    return [root, *sorted(path for path in root.iterdir() if path.is_dir() and not path.name.startswith("."))]


def by_stem(root: Path, suffixes: Collection[str], skip: Collection[str] = ()) -> dict[str, list[Path]]:
    """Files beneath a folder with one of some suffixes (lower case, with the dot), by stem."""
    found: dict[str, list[Path]] = {}
    for folder, files in walk(root, skip):
        for name in files:
            path = folder / name
            if path.suffix.lower() in suffixes:
                found.setdefault(path.stem, []).append(path)
    return found


def text_of(path: Path) -> str:
    """The text of a corpus' file, in whatever encoding.

    Raises:
        CorpusError: it cannot be read, is not text, or is a pipe: who opens one waits until somebody writes.
    """
    if path.is_fifo():
        raise CorpusError(f"{path}: is a pipe, not a file")
    return read_text(path, CorpusError)


def fault_of(
    error: AffektError, path: Path, recording: str | None = None, severity: Severity = "error"
) -> Fault:
    """An error that names its file and line, as a fault of that file.

    >>> fault_of(AffektError("a.csv, line 3: is empty"), Path("a.csv"))
    Fault(path=PosixPath('a.csv'), message='is empty', line=3, severity='error', recording=None)
    """
    message, line = str(error).removeprefix(str(path)), None
    if match := re.match(r", line (\d+)", message):
        line, message = int(match[1]), message[match.end() :]
    return Fault(path, message.removeprefix(": "), line, severity, recording)
