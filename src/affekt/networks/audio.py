"""The audio network (paper, section 4.1.2; readings 2): the raw waveform of a frame → one vector."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn


@dataclass(frozen=True)
class AudioConfig:
    """Sizes of the audio network; the defaults are the paper's."""

    window: int = 2_250
    channels: tuple[int, ...] = (50, 125, 250)
    kernels: tuple[int, ...] = (8, 6, 6)
    pools: tuple[int, ...] = (10, 5, 5)
    interlocutor: bool = True
    dropout: float = 0.5
    kind: str = "tzirakis"

    @property
    def context(self) -> bool:
        """Whether it looks beyond a frame."""
        return False

    @property
    def frame_size(self) -> int:
        """Features of one half: positions left after pooling × channels (9 × 250 = 2,250)."""
        positions = self.window
        for pool in self.pools:
            if positions % pool:
                raise ValueError(
                    f"a window of {self.window} samples is not a multiple of the pools {self.pools}"
                )
            positions //= pool
        return positions * self.channels[-1]

    @property
    def size(self) -> int:
        """D_a: both halves, [subject | interlocutor] (4,500)."""
        return self.frame_size * (2 if self.interlocutor else 1)


def products(conv: nn.Conv1d, x: Tensor) -> Tensor:
    """The convolution of x (N, C, T) without its bias → (N, C', T'), laid out as (N, T', C').

    PyTorch's convolutions are several times slower over one channel than a matrix product, and give up that
    layout in one dimension. ONNX Runtime's have neither weakness.
    """
    if torch.onnx.is_in_onnx_export():
        return F.conv1d(x, conv.weight)
    if conv.in_channels == 1:
        steps = x.squeeze(1).unfold(1, conv.kernel_size[0], 1)
        return F.linear(steps, conv.weight.squeeze(1)).transpose(1, 2)
    return F.conv2d(x.unsqueeze(2), conv.weight.unsqueeze(2)).squeeze(2)


class AudioNetwork(nn.Module):
    """Three blocks of convolution → ReLU → max pooling → dropout, flattened, in the half of who speaks."""

    def __init__(self, config: AudioConfig | None = None) -> None:
        super().__init__()
        self.config = c = config or AudioConfig()
        self.convs = nn.ModuleList(
            nn.Conv1d(i, o, k) for i, o, k in zip((1, *c.channels[:-1]), c.channels, c.kernels, strict=True)
        )
        self.dropout = nn.Dropout(c.dropout)

    def frame_features(self, windows: Tensor) -> Tensor:
        """windows (N, window) → (N, frame_size), time-major (readings 2.3)."""
        # (N, T, C) throughout: the layout that convolutions and pooling are quickest in.
        x = windows.unsqueeze(2)
        for block, k, pool in zip(self.convs, self.config.kernels, self.config.pools, strict=True):
            conv = cast(nn.Conv1d, block)
            left = (k - 1) // 2
            y = products(conv, F.pad(x, (0, 0, left, k - 1 - left)).transpose(1, 2))
            # Bias and ReLU keep the order, so they may come after the maximum, for a tenth of the numbers.
            y = torch.relu(F.max_pool1d(y, pool) + cast(Tensor, conv.bias).unsqueeze(1))
            x = self.dropout(y).transpose(1, 2)
        return x.reshape(windows.shape[0], self.config.frame_size)

    def forward(self, windows: Tensor, speaker: Tensor) -> Tensor:
        """windows (N, window), speaker (N,) int64 in {0 subject, 1 other} → x^a (N, D_a)."""
        f = self.frame_features(windows)
        if not self.config.interlocutor:
            return f
        other = (speaker == 1).to(f.dtype).unsqueeze(-1)
        return torch.cat([f * (1 - other), f * other], -1)
