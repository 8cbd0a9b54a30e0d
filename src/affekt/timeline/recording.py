"""A recording: the files that belong together, before anything is decoded."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Alignment = Literal["sentence", "causal"]
"""sentence: a sentence counts from its start to its end; causal: from its end until the next one ends,
5 s at most, as a live session would know it (readings 1.9)."""


@dataclass(frozen=True, slots=True)
class Recording:
    """One person's recording. `media` may be a film, a sound file, a picture, or a transcript alone."""

    media: Path
    transcript: Path | None = None
    """None: a transcript of the same name beside `media` is taken if there is one."""
    turns: Path | None = None
    language: str | None = None
    """ISO 639-1 code of the transcript; None: guessed by stop words."""
    alignment: Alignment = "sentence"
    subject: int | None = None
    """Which face to follow, counted by size in the first frame that has one, 1 = largest; None = largest."""
