"""What a network may see of a recording: frames, and masks that say what is missing."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

MODALITIES = ("text", "audio", "visual")
"""Order of every axis over modalities in affekt (t, a, v)."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """One line of a transcript; `start` and `end` in seconds from the recording's start."""

    start: float
    end: float
    text: str


@dataclass(frozen=True, slots=True)
class Turn:
    """A stretch in which one person speaks; seconds. `subject` is False for the interlocutor."""

    start: float
    end: float
    subject: bool


@dataclass(frozen=True, slots=True)
class Still:
    """A small picture kept for the report."""

    frame: int
    jpeg: bytes
    box: tuple[float, float, float, float] | None = None
    """The face as left, top, right, bottom, each as a share of the picture's width or height."""


@dataclass(frozen=True, slots=True)
class ClipSpec:
    """What a model asks of a clip; stored in its bundle, applied alike in training and in use."""

    sample_rate: int = 22_050
    """Hz (paper, section 4.1.2)."""
    window: int = 2_250
    """Samples a frame is given: nine times the pooling of 250, centred on its 2,205 (readings 2.2)."""
    image_size: int = 96
    """Side of a face crop in pixels, a multiple of 16 (readings 3.4)."""
    crop_margin: float = 0.0
    """How much wider than the detector's box the square crop is, as a share of the box's longer side."""
    crop_shift: float = 0.0
    """How far below the box's centre the crop's centre lies, as a share of the box's longer side."""
    cutoff: int | None = None
    """Low-pass in Hz applied to all sound, or None."""
    level: float | None = None
    """Causal level normalisation: the level in dBFS that the loudest recent speech is brought to, or None."""
    level_floor: float = -50.0
    """Level in dBFS that nothing softer is raised from; recordings whose speech is below it stay soft."""
    languages: tuple[str, ...] = ()
    """Languages whose words the text network knows (ISO 639-1); empty: any."""

    @property
    def hop(self) -> int:
        """Samples a frame lasts: 2,205 at 22,050 Hz."""
        return self.sample_rate // 10

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> ClipSpec:
        """Read back what `to_dict` wrote."""
        return cls(**{**values, "languages": tuple(values.get("languages", ()))})

    def to_dict(self) -> dict[str, Any]:
        """Plain values for a config file."""
        return {**asdict(self), "languages": list(self.languages)}


@dataclass(frozen=True, slots=True)
class Clip:
    """T consecutive frames of one recording, starting at frame `first`.

    A recording is read as a chain of clips so that an hour of it never lies in memory.
    """

    first: int
    sound: np.ndarray
    """(T, window) float32, each frame's samples, the level evened out if the spec says so; 0 where absent."""
    has_sound: np.ndarray
    """(T,) bool; False also where the sound track is digitally silent."""
    speaker: np.ndarray
    """(T,) int64: 0 where the subject speaks (or no turns are known), 1 elsewhere (readings 2.4)."""
    faces: np.ndarray
    """(F, image_size, image_size, 3) uint8 RGB crops of the frames in which the subject's face was found."""
    frame_face: np.ndarray
    """(T,) int64: row of `faces`, −1 = no face."""
    boxes: np.ndarray
    """(T, 4) float32: left, top, right, bottom of the face as shares of the picture; NaN = no face."""
    frame_sentence: np.ndarray
    """(T,) int64: row of the recording's sentences, −1 = none (readings 1.9)."""
    stills: tuple[Still, ...] = field(default=())

    def __len__(self) -> int:
        return len(self.has_sound)

    @property
    def presence(self) -> np.ndarray:
        """(T, 3) bool in the order text, audio, visual."""
        return np.stack([self.frame_sentence >= 0, self.has_sound, self.frame_face >= 0], axis=1)
