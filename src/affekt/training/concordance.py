"""The concordance loss (paper, section 5.2; readings 6)."""

from __future__ import annotations

import torch
from torch import Tensor


def concordance(predicted: Tensor, gold: Tensor, mask: Tensor | None = None) -> Tensor:
    """CCC per dimension over all frames of a batch, population moments, in float32 at least.

    Args:
        predicted, gold: (…, D).
        mask: (…) bool, True = counts; None = all.

    Returns:
        (D,); 0 with a finite gradient where nothing counts or everything is constant.
    """
    predicted = predicted.to(torch.promote_types(predicted.dtype, torch.float32)).flatten(0, -2)
    gold = gold.to(predicted.dtype).flatten(0, -2)
    if mask is not None:
        predicted, gold = predicted[mask.flatten()], gold[mask.flatten()]
    if len(predicted) == 0:
        return 0 * predicted.sum(0)
    mean_x, mean_y = predicted.mean(0), gold.mean(0)
    x, y = predicted - mean_x, gold - mean_y
    spread = (x**2).mean(0) + (y**2).mean(0) + (mean_x - mean_y) ** 2
    return 2 * (x * y).mean(0) / (spread + 1e-8)


def concordance_loss(predicted: Tensor, gold: Tensor, mask: Tensor | None = None) -> Tensor:
    """J = 1 − mean over the dimensions of their CCC (Eq. 10); 0 with a zero gradient where nothing counts."""
    if mask is not None and not bool(mask.any()):
        return 0 * torch.where(mask.unsqueeze(-1), predicted, torch.zeros_like(predicted)).sum()
    return 1 - concordance(predicted, gold, mask).mean()
