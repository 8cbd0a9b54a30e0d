"""Table 2's Trigeorgis et al.: short filters on the raw sound, long ones on what they leave, frame by frame.

Trigeorgis et al. 2016, "Adieu features? End-to-end speech emotion recognition using a deep convolutional
recurrent network" (ICASSP; reference 58 of the paper). As we know that network: sound at 16 kHz → 40 filters
of 5 ms → rectified → max pooling over 2 samples → 40 filters of 500 ms → max pooling over 20 *channels* →
what falls into an annotated frame of 40 ms, side by side → two bidirectional LSTMs. We had no copy to check
these numbers against; end2you, by the first author of our paper, has 40 taps in the second layer and pools 10
channels (its `Emo16`).

What is chosen to fit frames of 0.1 s at 22,050 Hz: 5 ms are 110 samples; 500 ms are longer than a frame, so
the second layer has end2you's 40 taps; the convolutions see a frame and its margins; dropout follows each of
them (section 5.4); the recurrence is the head that all unimodal networks share (section 5.3).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from affekt.networks.alternatives.sound import by_speaker


@dataclass(frozen=True)
class TrigeorgisConfig:
    """Sizes of the network: 68,480 parameters and as many features as the paper's own."""

    kind: str = "trigeorgis"
    window: int = 2_250
    filters: int = 40
    kernels: tuple[int, int] = (110, 40)
    pool: int = 2
    channel_pool: int = 20
    interlocutor: bool = True
    dropout: float = 0.5

    def __post_init__(self) -> None:
        if self.window % self.pool or self.filters % self.channel_pool:
            raise ValueError(
                f"audio.pool {self.pool} divides the window of {self.window} samples, "
                f"and audio.channel_pool {self.channel_pool} the {self.filters} filters"
            )

    @property
    def context(self) -> bool:
        """Whether it looks beyond a frame."""
        return False

    @property
    def frame_size(self) -> int:
        """Features of one half: positions left after pooling × channels left after theirs (1,125 × 2)."""
        return self.window // self.pool * (self.filters // self.channel_pool)

    @property
    def size(self) -> int:
        """D_a: both halves, [subject | interlocutor] (4,500)."""
        return self.frame_size * (2 if self.interlocutor else 1)


class TrigeorgisNetwork(nn.Module):
    """Short filters, pooled over time; long filters, pooled over channels; in the half of who speaks."""

    def __init__(self, config: TrigeorgisConfig | None = None) -> None:
        super().__init__()
        self.config = c = config or TrigeorgisConfig()
        short, long = c.kernels
        self.short = nn.Conv1d(1, c.filters, short)
        self.long = nn.Conv1d(c.filters, c.filters, long)
        self.dropout = nn.Dropout(c.dropout)

    def frame_features(self, windows: Tensor) -> Tensor:
        """windows (N, window) → (N, frame_size), time-major."""
        c = self.config
        x = torch.relu(self.short(same(windows.unsqueeze(1), c.kernels[0])))
        x = self.dropout(F.max_pool1d(x, c.pool))
        x = torch.relu(self.long(same(x, c.kernels[1])))
        x = self.dropout(x.unflatten(1, (c.filters // c.channel_pool, c.channel_pool)).amax(2))
        return x.transpose(1, 2).reshape(windows.shape[0], c.frame_size)

    def forward(self, windows: Tensor, speaker: Tensor) -> Tensor:
        """windows (N, window), speaker (N,) int64 in {0 subject, 1 other} → x^a (N, D_a)."""
        features = self.frame_features(windows)
        return by_speaker(features, speaker) if self.config.interlocutor else features


def same(x: Tensor, kernel: int) -> Tensor:
    """Zeros around x (…, L), so that a convolution of this width gives L positions."""
    left = (kernel - 1) // 2
    return F.pad(x, (left, kernel - 1 - left))
