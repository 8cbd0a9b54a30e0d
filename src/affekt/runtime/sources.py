"""Where clips to judge come from: a recording being decoded, or clips that were prepared before."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from affekt.timeline import Clip, Recording, Sentence


class Source(Protocol):
    """Clips of one recording, one after the other, and its sentences; `media.Reading` is one."""

    recording: Recording
    sentences: tuple[Sentence, ...]
    """A clip's `frame_sentence` counts in them."""

    @property
    def name(self) -> str:
        """What the recording is called."""

    @property
    def transcript(self) -> Path | None:
        """The file of the sentences."""

    @property
    def warnings(self) -> Sequence[str]:
        """What was wrong with the recording; may grow while it is read."""

    @property
    def expected_frames(self) -> int | None:
        """Frames to come; None: unknown."""

    def warn(self, message: str) -> None:
        """Note once what is wrong with the recording."""

    def __iter__(self) -> Iterator[Clip]:
        """Yield the clips, each but the last as long as `Predictor.length`, once."""


@dataclass
class Replay:
    """Clips that were decoded before, as of `affekt prepare`."""

    recording: Recording
    """Its name, language and alignment; its files are not looked at."""
    sentences: tuple[Sentence, ...]
    clips: Iterable[Clip]
    frames: int
    warnings: list[str] = field(default_factory=list)
    transcript: Path | None = None

    @property
    def name(self) -> str:
        """What the recording is called."""
        return self.recording.label

    @property
    def expected_frames(self) -> int:
        """Frames of all clips."""
        return self.frames

    def warn(self, message: str) -> None:
        """Note once what is wrong with the recording."""
        if message not in self.warnings:
            self.warnings.append(message)

    def __iter__(self) -> Iterator[Clip]:
        return iter(self.clips)


def with_following(clips: Iterable[Clip], frames: int) -> Iterator[tuple[Clip, list[Clip]]]:
    """Each clip of a recording, and the clips after it that hold its next `frames` frames, or all there are.

    No more than these are in memory.
    """
    held = deque[Clip]()
    for clip in clips:
        held.append(clip)
        while held and sum(len(one) for one in held) - len(held[0]) >= frames:
            yield held.popleft(), list(held)
    while held:
        yield held.popleft(), list(held)
