"""The concordance loss (paper, section 5.2; readings 6), over the frames of one process or of several."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

Total = Callable[[Tensor], Tensor]
"""Adds up a tensor over all processes; no gradient passes through it."""


def _only_here(sums: Tensor) -> Tensor:
    return sums


def concordance(
    predicted: Tensor, gold: Tensor, mask: Tensor | None = None, total: Total = _only_here
) -> Tensor:
    """CCC per dimension over all frames of a batch, population moments, in float32 at least.

    CCC is not additive: the mean of two processes' CCCs is not the CCC of their frames. So the moments are
    what is added up, and each process' gradient is that of the joined CCC by its own frames: the sum of all
    processes' gradients is the one that a single process would get from the joined batch.

    Args:
        predicted, gold: (…, D).
        mask: (…) or (…, D) bool, True = counts; None = all.
        total: adds up moments over processes.

    Returns:
        (D,); 0 with a finite gradient where nothing counts or everything is constant.
    """
    dims = predicted.dim()
    predicted = predicted.to(torch.promote_types(predicted.dtype, torch.float32)).flatten(0, -2)
    gold = gold.to(predicted.dtype).flatten(0, -2)
    if mask is None:
        known = torch.ones_like(gold, dtype=torch.bool)
    else:
        known = (mask if mask.dim() == dims else mask.unsqueeze(-1)).flatten(0, -2).expand_as(gold)
    zero = torch.zeros((), dtype=gold.dtype, device=gold.device)
    x, y = torch.where(known, predicted, zero), torch.where(known, gold, zero)
    with torch.no_grad():
        count, sum_x, sum_y = total(torch.stack([known.sum(0).to(x.dtype), x.sum(0), y.sum(0)]))
        n = count.clamp(min=1)
        mean_x, mean_y = sum_x / n, sum_y / n
    x, y = torch.where(known, x - mean_x, zero), torch.where(known, y - mean_y, zero)
    here = torch.stack([x.sum(0), y.sum(0), (x**2).sum(0), (y**2).sum(0), (x * y).sum(0)])
    # All processes' sums by value, this one's by gradient. The joined means may count as constants: what
    # depends on them, the first two sums, is there with its gradient.
    sums = (here + (total(here.detach()) - here.detach())) / n
    off_x, off_y, square_x, square_y, product = sums
    spread = square_x - off_x**2 + square_y - off_y**2 + (mean_x - mean_y + off_x - off_y) ** 2
    return 2 * (product - off_x * off_y) / (spread + 1e-8)


def concordance_loss(
    predicted: Tensor, gold: Tensor, mask: Tensor | None = None, total: Total = _only_here
) -> Tensor:
    """J = 1 − mean over the dimensions of their CCC (Eq. 10); 0 with a zero gradient where nothing counts.

    A dimension without a label in the whole batch is left out of the mean.

    Args:
        predicted, gold, mask, total: as `concordance`.
    """
    if mask is None:
        return 1 - concordance(predicted, gold, mask, total).mean()
    whole = (mask if mask.dim() == predicted.dim() else mask.unsqueeze(-1)).expand_as(predicted)
    labelled = total(whole.flatten(0, -2).any(0).to(torch.float32)) > 0
    if not bool(labelled.any()):
        return 0 * torch.where(whole, predicted, torch.zeros_like(predicted)).sum()
    return 1 - concordance(predicted, gold, mask, total)[labelled].mean()
