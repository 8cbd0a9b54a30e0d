"""What recordings are put through, one thing at a time, and how little of it the traces should show."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from steady_media import read_sound, with_pictures, with_sound
from steady_sounds import fan, louder, noisy, room, white

FAN_RATIO = WHITE_RATIO = 15.0
"""dB by which the recording's mean power is above the noise's."""


@dataclass(frozen=True)
class Recording:
    """A file, and the transcript that goes with it."""

    path: Path
    transcript: Path | None = None

    @classmethod
    def beside_transcript(cls, path: Path) -> Recording:
        """A file with the .srt beside it, if there is one."""
        words = path.with_suffix(".srt")
        return cls(path, words if words.exists() else None)


SOUNDS: dict[str, Callable[[np.ndarray, int], np.ndarray]] = {
    "sound written anew": lambda x, _: x,
    "10 dB louder": lambda x, _: louder(x, 10),
    "10 dB softer": lambda x, _: louder(x, -10),
    "MP3, 64 kb/s": lambda x, _: x,
    "fan, 15 dB": lambda x, rate: noisy(x, fan(len(x), rate, 1), FAN_RATIO),
    "white noise, 15 dB": lambda x, _: noisy(x, white(len(x), 2), WHITE_RATIO),
    "room, T60 0.4 s": lambda x, rate: room(x, rate, 3),
}
"""Mono sound as 32-bit floats, so that nothing is clipped when written; the pictures are copied."""
PICTURES: dict[str, tuple[tuple[str, str], ...]] = {
    "pictures coded anew": (),
    "mirrored": (("hflip", ""),),
    "30 fps instead of 25": (("fps", "30"),),
    "half size": (("scale", "trunc(iw/4)*2:trunc(ih/4)*2"),),
    "quarter size": (("scale", "trunc(iw/8)*2:trunc(ih/8)*2"),),
}
"""FFmpeg's filters; H.264 again, the sound as it is."""
WANTED: dict[str, tuple[float | None, float | None]] = {
    "10 dB louder": (0.05, 0.90),
    "10 dB softer": (0.05, 0.90),
    "MP3, 64 kb/s": (0.05, 0.90),
    "mirrored": (0.05, 0.90),
    "30 fps instead of 25": (0.05, 0.90),
    "fan, 15 dB": (None, 0.80),
    "half size": (None, 0.80),
}
"""The largest mean absolute difference and the least CCC that are asked for."""


def disturbed(recording: Recording, folder: Path) -> Iterator[tuple[str, Recording]]:
    """A recording with each disturbance that it can have; each file is gone when the next is asked for."""
    # Matroska takes whatever is copied into it but Windows Media.
    ending = ".wmv" if recording.path.suffix == ".wmv" else ".mkv"
    target = folder / f"disturbed-{recording.path.stem}{ending}"
    heard = read_sound(recording.path)
    for name, change in SOUNDS.items():
        if heard is not None:
            samples, rate, start = heard
            codec = "libmp3lame" if name.startswith("MP3") else "pcm_f32le"
            with_sound(recording.path, target, change(samples, rate), rate, start, codec)
            yield name, Recording(target, recording.transcript)
    for name, filters in PICTURES.items():
        if name.startswith("30 fps") and abs(_rate(recording.path) - 25) > 1:
            continue
        with_pictures(recording.path, target, filters)
        yield name, Recording(target, recording.transcript)
    target.unlink(missing_ok=True)


def _rate(path: Path) -> float:
    """Pictures a second."""
    with av.open(str(path)) as container:
        return float(container.streams.video[0].average_rate or 0)
