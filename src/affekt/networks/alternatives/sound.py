"""What the other audio networks share: the halves of who speaks, and frames read a clip at a time."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class ClipConfig:
    """What every network that looks beyond a frame is told."""

    kind: str
    window: int = 2_250
    """Samples a frame is given."""
    rate: int = 22_050
    """Hz of the sound."""
    clip: int = 100
    """Frames it sees at once, 10 s; the bundle reads recordings in clips of as many."""
    interlocutor: bool = True

    def __post_init__(self) -> None:
        if self.rate < 8_000 or self.rate % 10:
            raise ValueError(f"audio.rate is 8000 Hz or more and divides into frames of 0.1 s: {self.rate}")
        if not self.hop + 2 <= self.window <= 2 * self.hop:
            raise ValueError(
                f"audio.window is a little more than the {self.hop} samples of a frame: {self.window}"
            )
        if self.clip < 1:
            raise ValueError(f"audio.clip is a number of frames: {self.clip}")

    @property
    def context(self) -> bool:
        """Whether it looks beyond a frame."""
        return True

    @property
    def past(self) -> int:
        """Frames before a clip that its features depend on."""
        return 0

    @property
    def future(self) -> int:
        """Frames after a clip that its features depend on."""
        return 0

    @property
    def hop(self) -> int:
        """Samples a frame lasts."""
        return self.rate // 10

    @property
    def margin(self) -> int:
        """Samples of a window before its frame (readings 2.2), and as many after it that are used."""
        return (self.window - self.hop) // 2

    @property
    def frame_size(self) -> int:
        """Features of one half."""
        raise NotImplementedError

    @property
    def size(self) -> int:
        """D_a: both halves, [subject | interlocutor]."""
        return self.frame_size * (2 if self.interlocutor else 1)


class ClipNetwork(nn.Module):
    """A network that hears clips: frames are cut into clips from the first on, silence filling up the last.

    So a recording heard at once, in pieces of whole clips, or in training's sequences (which begin at whole
    clips) gives the same, and a network sees no other length than it was trained on.
    """

    def __init__(self, config: ClipConfig) -> None:
        super().__init__()
        self.config = config

    def clip_features(self, wave: Tensor) -> Tensor:
        """wave (N, margin + clip · hop + margin) → (N, clip, frame_size)."""
        raise NotImplementedError

    def wave(self, clips: Tensor) -> Tensor:
        """Windows (N, clip, window) laid end to end: (N, margin + clip · hop + margin)."""
        hop, margin = self.config.hop, self.config.margin
        frames = clips[..., margin : margin + hop].flatten(1)
        after = clips[:, -1, margin + hop : 2 * margin + hop]
        return torch.cat([clips[:, 0, :margin], frames, after], 1)

    def forward(self, windows: Tensor, speaker: Tensor) -> Tensor:
        """windows (B, T, window), zero where there is no sound, speaker (B, T) int64 → x^a (B, T, D_a)."""
        clip, frames = self.config.clip, windows.shape[1]
        silence = windows.new_zeros(windows.shape[0], clip - 1, windows.shape[2])
        whole = (frames + clip - 1) // clip * clip
        filled = torch.cat([windows, silence], 1)[:, :whole]
        features = self.clip_features(self.wave(filled.reshape(-1, clip, self.config.window)))
        features = features.reshape(windows.shape[0], -1, self.config.frame_size)[:, :frames]
        return by_speaker(features, speaker) if self.config.interlocutor else features


def by_speaker(features: Tensor, speaker: Tensor) -> Tensor:
    """features (…, D), speaker (…) in {0 subject, 1 other} → (…, 2 D), [f | 0] or [0 | f] (readings 2.4)."""
    other = (speaker == 1).to(features.dtype).unsqueeze(-1)
    return torch.cat([features * (1 - other), features * other], -1)
