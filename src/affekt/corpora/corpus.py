"""What a corpus' folder turned out to hold: recordings, and faults that name file and line."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from affekt.timeline import Recording

Severity = Literal["error", "warning"]
LabelFiles = dict[tuple[str, ...], Path]
"""Columns that a file holds → the file; (): the file says which."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong with a corpus, in one line that names the file and says what was done or is to do."""

    path: Path
    message: str
    """Without the file's name: "the time runs backwards (0.3 s after 0.4 s); …"."""
    line: int | None = None
    """Counted from 1."""
    severity: Severity = "error"
    """error: what the file was to give is left out (its recording, where that is nothing without it);
    warning: it was read, and what cannot be trusted in it is masked."""
    recording: str | None = None
    """Name of the recording it belongs to."""

    def __str__(self) -> str:
        place = "" if self.line is None else f", line {self.line}"
        return f"{self.path}{place}: {self.message}"


@dataclass(frozen=True, slots=True)
class Corpus:
    """A corpus as it lies on disk; nothing is decoded yet."""

    kind: str
    """For people: "SEWA (AVEC 2017)"."""
    root: Path
    recordings: tuple[Recording, ...]
    """In natural order of their names (Train_2 before Train_10), train before devel before test."""
    faults: tuple[Fault, ...] = ()
    notes: tuple[str, ...] = ()
    """What a user should know of how it was read: "no pairs.csv: dyads guessed from equal lengths"."""
    text_delay: int = 0
    """Frames by which this corpus' text is usually moved later (readings 1.9): 5 for SEWA."""
    expected: dict[str, dict[str, int]] = field(default_factory=dict)
    """Partition → "recordings", "frames", "sentences" as published, for the inspection to compare with."""
    labels: dict[str, LabelFiles] = field(default_factory=dict)
    """Name of a recording → its label files, where these keep a clock of their own (RECOLA's 40 ms, a row a
    picture in Aff-Wild2), for predictions that keep it too; of hidden labels none."""
    reader: str = ""
    """Name of the module of `formats` that read it: "avec"."""

    @property
    def dimensions(self) -> tuple[str, ...]:
        """All that any recording is labelled in."""
        labelled = (one.gold.dimensions for one in self.recordings if one.gold is not None)
        return tuple(dict.fromkeys(name for names in labelled for name in names))


class Reader(Protocol):
    """A module of this room that reads one corpus: `affekt.corpora.formats.recola` and its kind are such."""

    KIND: str

    def recognises(self, root: Path) -> bool:
        """Is this folder (or file) laid out as this corpus is? Looks at names, at first lines if it must."""
        ...

    def read(self, root: Path) -> Corpus:
        """Read the folder. One recording's fault never loses another's.

        Raises:
            CorpusError: there is nothing in the folder that could be read as this corpus.
        """
        ...
