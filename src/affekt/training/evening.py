"""Features that arrive at one size, whatever network made them, before the first step (ours)."""

from __future__ import annotations

from typing import cast

import numpy as np
import torch
from torch import Tensor, nn

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
    """Scale what reads the features (Eq. 3's projections, else the LSTM's input weights) by their spread.

    What a stage-1 network gives may vary by hundredths about an offset a hundred times larger, and the
    paper's initialisation then leaves the fusion next to nothing to attend to for many epochs. Starting from
    the data is the idea of Salimans and Kingma 2016 and of Mishkin and Matas 2016. Projections are centred
    as well; the LSTM's input is not, since an absent block is zero there.
    """
    learner.to(device).eval()
    places = np.unique(np.linspace(0, len(windows) - 1, SAMPLE).round().astype(int))
    batch = windows[places.tolist()].to(device)
    fused_head = learner.model.fused_head
    fusion, weight, first = fused_head.fusion, cast(Tensor, fused_head.head.lstm.weight_ih_l0), 0
    for m, name in enumerate(NAMES):
        width = learner.model.config.sizes[m]
        if name in learner.model.config.modalities and bool(batch.presence[..., m].any()):
            x = learner.features(batch, name)[batch.presence[..., m]].to(learner.dtype)
            if isinstance(fusion, Alone):
                _scale(weight, x)
            elif isinstance(fusion, Concatenation):
                _scale(weight[:, first : first + width], x)
            else:
                linear = cast(nn.Linear, fusion.project.linears[m])
                _scale(linear.weight, x)
                linear.bias.copy_(-linear.weight @ x.mean(0))
        first += width


def _scale(weight: Tensor, x: Tensor) -> None:
    """Bring what comes of features x (N, D) by weights (O, D) to the spread, in place."""
    spread = ((x - x.mean(0)) @ weight.T).std()
    if float(spread) > 0:
        weight.mul_(SPREAD / spread)
