"""What was found in a corpus: figures per partition and per recording, and as JSON."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from affekt.corpora.corpus import Fault
from affekt.timeline import MODALITIES, Recording
from affekt.timeline.files import finite

BINS = 20
"""Bins of a histogram of gold from −1 to 1."""


@dataclass(frozen=True, slots=True)
class Spread:
    """Gold of one dimension over all frames of a partition; a label for a whole recording counts once."""

    labelled: float
    """Share of the frames that have a label."""
    mean: float
    """NaN, as the next three, where nothing is labelled."""
    sd: float
    """Over N, not N − 1."""
    low: float
    high: float
    histogram: tuple[int, ...]
    """Labelled frames in each of `BINS` bins from −1 to 1."""


@dataclass(frozen=True, slots=True, eq=False)
class Item:
    """One recording, looked at."""

    recording: Recording
    seconds: float | None
    """What its files last by their own account, else its gold; None: neither says."""
    frames: int | None
    """Of its gold, else of its files."""
    sentences: int | None
    """None: there is no transcript, or none that could be read."""
    turns: int | None
    presence: tuple[bool, bool, bool]
    """Is there text (a sentence at least), audio, visual?"""
    lacks: tuple[str, ...]
    """Of labels, text, audio, visual, turns: what it has not."""


@dataclass(frozen=True, slots=True)
class Part:
    """A partition of a corpus, counted."""

    name: str
    """train, devel, test; "unassigned" of recordings that belong to none."""
    recordings: int
    frames: int
    sentences: int
    hours: float
    speakers: int
    """Known ones."""
    groups: int
    """Dyads, films of several people: what is never split."""
    presence: dict[str, int]
    """Modality → recordings that have it."""
    gold: dict[str, Spread]
    """Dimension → its values; empty without labels."""
    expected: dict[str, int]
    """What was published: "recordings", "frames", "sentences", as far as known."""
    missing: dict[str, tuple[str, ...]]
    """What is missing → names of the recordings without it. What no recording of the corpus has, is not
    listed here but in `Inspection.absent`."""


@dataclass(frozen=True, slots=True)
class Inspection:
    """What `affekt corpus inspect` found."""

    kind: str
    root: Path
    parts: tuple[Part, ...]
    items: tuple[Item, ...]
    """In the corpus' order."""
    faults: tuple[Fault, ...]
    """Errors first."""
    notes: tuple[str, ...]
    absent: tuple[str, ...]
    """Of labels, text, audio, visual, turns: what not one recording has."""

    @property
    def errors(self) -> int:
        """How many of the faults are errors."""
        return sum(fault.severity == "error" for fault in self.faults)

    def to_json(self) -> dict[str, Any]:
        """Plain values for JSON; what is not a number is None."""
        return {
            "kind": self.kind,
            "root": str(self.root),
            "partitions": {part.name: _part_json(part) for part in self.parts},
            "recordings": [_item_json(item) for item in self.items],
            "faults": [
                {
                    "severity": fault.severity,
                    "path": str(fault.path),
                    "line": fault.line,
                    "recording": fault.recording,
                    "message": fault.message,
                }
                for fault in self.faults
            ],
            "notes": list(self.notes),
            "absent": list(self.absent),
        }


def _part_json(part: Part) -> dict[str, Any]:
    return {
        "recordings": part.recordings,
        "frames": part.frames,
        "sentences": part.sentences,
        "hours": round(part.hours, 4),
        "speakers": part.speakers,
        "groups": part.groups,
        "presence": part.presence,
        "gold": {
            name: {
                "labelled": round(one.labelled, 6),
                **{key: finite(getattr(one, key)) for key in ("mean", "sd", "low", "high")},
                "histogram": list(one.histogram),
            }
            for name, one in part.gold.items()
        },
        "expected": part.expected,
        "difference": {key: getattr(part, key) - value for key, value in part.expected.items()},
        "missing": {kind: list(names) for kind, names in part.missing.items()},
    }


def _item_json(item: Item) -> dict[str, Any]:
    one = item.recording
    return {
        "name": one.label,
        "partition": one.partition,
        "speaker": one.speaker,
        "group": one.group,
        "seconds": None if item.seconds is None else round(item.seconds, 3),
        "frames": item.frames,
        "sentences": item.sentences,
        "turns": item.turns,
        **dict(zip(MODALITIES, item.presence, strict=True)),
        "lacks": list(item.lacks),
    }
