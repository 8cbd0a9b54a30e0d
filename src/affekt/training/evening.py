"""Features that arrive at one size, whatever network made them, before the first step (ours)."""

from __future__ import annotations

from typing import cast

import numpy as np
import torch
from torch import Tensor, nn

from affekt.networks import FusedHead
from affekt.networks.fusion import Alone, Concatenation
from affekt.networks.multimodal import NAMES
from affekt.training.batches import Windows
from affekt.training.learner import Learner

SAMPLE = 40
"""Windows of train that are looked at."""
SPREAD = 0.5
"""Standard deviation at which what varies in a modality arrives."""


@torch.no_grad()
def even_out(learner: Learner, windows: Windows, device: torch.device) -> None:
    """Scale what reads the features by their spread in some of train's windows (`start_evenly`)."""
    learner.to(device).eval()
    places = np.unique(np.linspace(0, len(windows) - 1, SAMPLE).round().astype(int))
    batch = windows[places.tolist()].to(device)
    seen = {
        m: learner.features(batch, name)[batch.presence[..., m]].to(learner.dtype)
        for m, name in enumerate(NAMES)
        if name in learner.model.config.modalities and bool(batch.presence[..., m].any())
    }
    start_evenly(learner.model.fused_head, learner.model.config.sizes, seen)


@torch.no_grad()
def start_evenly(fused_head: FusedHead, sizes: tuple[int, int, int], seen: dict[int, Tensor]) -> None:
    """Scale what reads the features (Eq. 3's projections, else the LSTM's input weights) by their spread.

    What a stage-1 network gives may vary by hundredths about an offset a hundred times larger, and the
    paper's initialisation then leaves the fusion next to nothing to attend to for many epochs. Starting from
    the data is the idea of Salimans and Kingma 2016 and of Mishkin and Matas 2016. Projections are centred
    as well; the LSTM's input is not, since an absent block is zero there.

    Args:
        sizes: widths of x^t, x^a, x^v.
        seen: modality (0, 1, 2) → some of its features (N, D_m).
    """
    fusion, weight = fused_head.fusion, cast(Tensor, fused_head.head.lstm.weight_ih_l0)
    for m, x in seen.items():
        first = sum(sizes[:m])
        if isinstance(fusion, Alone):
            _scale(weight, x)
        elif isinstance(fusion, Concatenation):
            _scale(weight[:, first : first + sizes[m]], x)
        else:
            linear = cast(nn.Linear, fusion.project.linears[m])
            _scale(linear.weight, x)
            linear.bias.copy_(-linear.weight @ x.mean(0))


def _scale(weight: Tensor, x: Tensor) -> None:
    """Bring what comes of features x (N, D) by weights (O, D) to the spread, in place."""
    spread = ((x - x.mean(0)) @ weight.T).std()
    if float(spread) > 0:
        weight.mul_(SPREAD / spread)
