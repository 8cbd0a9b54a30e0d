"""Another sample rate by a convolution with fixed weights, so that it is part of a network and its graph."""

from __future__ import annotations

from math import gcd

import torch
import torch.nn.functional as F
from torch import Tensor, nn

KAISER = 6.0
"""β of the window: about 60 dB of what does not belong is kept out."""
PASSED = 0.95
"""Middle of the filter's slope, as a share of the lower of the two highest frequencies."""


class Resample(nn.Module):
    """`old` Hz → `new` Hz by a polyphase filter (22,050 → 16,000 Hz: 320 samples for each 441).

    The filter reaches `reach` samples to both sides, which the input has more than it stands for: the margins
    of a frame's window. So a clip's sound does not depend on where the recording was cut.
    """

    phases: Tensor

    def __init__(self, old: int, new: int, reach: int) -> None:
        super().__init__()
        common = gcd(old, new)
        self.up, self.down, self.reach = new // common, old // common, reach
        # Computed, not learnt: no weights of the bundle.
        self.register_buffer("phases", polyphase(self.up, self.down, reach), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """x (N, reach + k · down + reach) → (N, k · up)."""
        return F.conv1d(x.unsqueeze(1), self.phases, stride=self.down).transpose(1, 2).flatten(1)


def polyphase(up: int, down: int, reach: int) -> Tensor:
    """Weights (up, 1, down + 2 · reach): row p gives the sample at p · down / up, each row summing to 1."""
    middle = torch.arange(up, dtype=torch.float64).unsqueeze(1) * down / up
    away = middle - (torch.arange(down + 2 * reach, dtype=torch.float64) - reach)
    slope = 1.0 if up == down else PASSED * min(1, up / down)
    inside = (1 - (away / reach) ** 2).clamp(min=0)
    window = torch.i0(KAISER * inside.sqrt()) * (away.abs() <= reach)
    weights = torch.sinc(slope * away) * window
    return (weights / weights.sum(1, keepdim=True)).unsqueeze(1).float()
