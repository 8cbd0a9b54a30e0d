"""A recording: the files that belong together, before anything is decoded."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from affekt.timeline.clip import Sentence, Turn
from affekt.timeline.gold import Gold

Alignment = Literal["sentence", "causal"]
"""sentence: a sentence counts from its start to its end; causal: from its end until the next one ends,
5 s at most, as a live session would know it (readings 1.9)."""

Partition = Literal["train", "devel", "test"]
"""One spelling for all corpora, whatever theirs is (`Devel`, `dev`, `Validation_Set`)."""

Side = Literal["left", "right"]


@dataclass(frozen=True, slots=True)
class Recording:
    """One person's recording. `media` may be a film, a sound file, a picture, or a transcript alone."""

    media: Path | None
    """None: labels alone, or `sound` alone."""
    transcript: Path | tuple[Sentence, ...] | None = None
    """None: a transcript of the same name beside `media` is taken if there is one; () is no transcript."""
    turns: Path | tuple[Turn, ...] | None = None
    """None: nobody knows who speaks, all of it is the subject's; () is a subject that never speaks."""
    language: str | None = None
    """ISO 639-1 code of the transcript; None: guessed by stop words."""
    alignment: Alignment = "sentence"
    subject: int | Side | None = None
    """Which face to follow in the first frame that has one: counted by size, 1 = largest, or the one that
    is furthest to a side of the picture; None = largest."""
    sound: Path | None = None
    """A sound file of its own, as corpora hand it out beside a silent film; None: the sound of `media`."""
    name: str = ""
    """What the corpus calls it, such as Train_01; "": the name of its file."""
    partition: Partition | None = None
    speaker: str | None = None
    """Who is judged, where the corpus says so."""
    group: str | None = None
    """Recordings of one group (a dyad, a film of two people) are never split between partitions or folds."""
    gold: Gold | None = field(default=None, compare=False)

    @property
    def label(self) -> str:
        """What to call it: its name, else the name of its file."""
        path = self.media or self.sound
        return self.name or (path.name if path else "recording")

    def absolute(self) -> Recording:
        """The same with paths that mean the same on another machine of a shared file system."""
        found: dict[str, Any] = {
            name: Path(os.path.abspath(path))
            for name in ("media", "sound", "transcript", "turns")
            if isinstance(path := getattr(self, name), Path)
        }
        return replace(self, **found)
