"""Attention over a few slots with masks: the one equation (Eq. 4) that most of the model is made of."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def masked_softmax(logits: Tensor, mask: Tensor, dim: int = -1) -> Tensor:
    """Softmax over what is present; absent slots weigh exactly 0, and a row of absent slots is all 0.

    The smallest finite number instead of −inf keeps the gradient of an all-absent row finite (readings 4).

    Args:
        logits: any shape.
        mask: bool, broadcastable to `logits`; True = present.
    """
    smallest = torch.finfo(logits.dtype).min
    return torch.softmax(logits.masked_fill(~mask, smallest), dim) * mask.to(logits.dtype)


class Attention(nn.Module):
    """Eq. 4: α = softmax over the M slots of x̃ⁱ·qⁱ/√D; the output is Σ αⁱ x̃ⁱ. Each slot has its own query."""

    def __init__(self, slots: int, size: int) -> None:
        super().__init__()
        self.queries = nn.Parameter(torch.randn(slots, size) * size**-0.5)

    def forward(self, x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """x (…, M, D), mask (…, M) → attended (…, D), weights (…, M)."""
        logits = (x * self.queries).sum(-1) / self.queries.shape[-1] ** 0.5
        weights = masked_softmax(logits, mask)
        return (weights.unsqueeze(-1) * x).sum(-2), weights
