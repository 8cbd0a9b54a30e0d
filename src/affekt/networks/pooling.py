"""From a trunk's maps of a face to one vector and where it looked (paper, section 4.1.3; readings 3)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from affekt.networks.attention import Attention

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
LUMA = (0.299, 0.587, 0.114)


class AveragePooling(nn.Module):
    """y = mean over positions of XA: attentional pooling that looks everywhere alike (β = 1, b = 0)."""

    def __init__(self, channels: int, size: int) -> None:
        super().__init__()
        self.what = nn.Linear(channels, size)
        nn.init.xavier_uniform_(self.what.weight)
        nn.init.zeros_(self.what.bias)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(F, c, H, W) → y (F, D_v), h = 1 (F, H, W)."""
        return self.what(x.mean((2, 3))), torch.ones_like(x[:, 0])


class AttentionalPooling(nn.Module):
    """y = (XA)ᵀ h / n, h = X b + β: second-order pooling by a learned map of where to look (readings 3.2).

    Starts as average pooling: β = 1, b ≈ 0.
    """

    def __init__(self, channels: int, size: int) -> None:
        super().__init__()
        self.where = nn.Parameter(torch.randn(channels) * 1e-3)
        self.offset = nn.Parameter(torch.ones(()))
        self.what = nn.Linear(channels, size)
        nn.init.xavier_uniform_(self.what.weight)
        nn.init.zeros_(self.what.bias)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(F, c, H, W) → y (F, D_v), h (F, H, W)."""
        positions = x.flatten(2).transpose(1, 2)
        h = (positions * self.where).sum(-1) + self.offset
        # (XA)ᵀh = (Xᵀh)ᵀA: pooling first, the product XA of every position never exists.
        looked = (positions * h.unsqueeze(-1)).mean(1)
        y = F.linear(looked, self.what.weight) + h.mean(1, keepdim=True) * self.what.bias
        return y, h.unflatten(1, x.shape[2:])


POOLS: dict[str, type[AveragePooling] | type[AttentionalPooling]] = {
    "average": AveragePooling,
    "attentional": AttentionalPooling,
    "between": AttentionalPooling,
}
"""How a map becomes a vector; those of several are averaged or, `between`, weighed by Eq. 4's attention."""


def check_pool(pool: str) -> None:
    """See that there is such a pooling, before a network is made.

    Raises:
        ValueError: there is none.
    """
    if pool not in POOLS:
        raise ValueError(f"no pooling is called {pool!r}: choose one of {', '.join(POOLS)}")


class FaceNetwork(nn.Module):
    """What every visual network does before and after its trunk: normalise the picture, pool the maps.

    Args:
        trunk: a normalised picture (F, 3, S, S) → its maps (F, c, H, W), the finest first.
        channels: of each map.
        size: D_v.
        pool: one of `POOLS`.
        grey: see luma only, for networks trained on grey faces.
        mean, std: of the pictures that the trunk knows, a number a colour.
    """

    mean: Tensor
    std: Tensor
    luma: Tensor

    def __init__(
        self,
        trunk: nn.Module,
        channels: Sequence[int],
        size: int,
        pool: str,
        grey: bool = False,
        mean: tuple[float, ...] = IMAGENET_MEAN,
        std: tuple[float, ...] = IMAGENET_STD,
    ) -> None:
        super().__init__()
        self.grey = grey
        self.trunk = trunk
        self.pools = nn.ModuleList(POOLS[pool](c, size) for c in channels)
        self.between = Attention(len(channels), size) if pool == "between" else None
        for name, values in (("mean", mean), ("std", std), ("luma", LUMA)):
            self.register_buffer(name, torch.tensor(values).view(1, 3, 1, 1), persistent=False)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """images (F, 3, S, S) in [0, 1] → x^v (F, D_v), map of where it looked (F, h, w).

        The map is the branches' h, blended by the weight of each branch, at the side of the finest.
        """
        if self.grey:
            images = (images * self.luma).sum(1, keepdim=True).expand(-1, 3, -1, -1)
        maps = self.trunk((images - self.mean) / self.std)
        pooled, looks = zip(*(pool(x) for pool, x in zip(self.pools, maps, strict=True)), strict=True)
        y = torch.stack(pooled, 1)
        if self.between is None:
            weights = torch.full_like(y[..., 0], 1 / len(pooled))
            x = y.mean(1)
        else:
            x, weights = self.between(y, torch.ones_like(y[..., 0], dtype=torch.bool))
        heat = weights[:, 0, None, None] * looks[0]
        finest = [int(side) for side in looks[0].shape[1:]]
        for r, look in enumerate(looks[1:], 1):
            # An index, as the exporter makes a branch of squeezing what it does not know the size of.
            grown = F.interpolate(look.unsqueeze(1), size=finest, mode="nearest")[:, 0]
            heat = heat + weights[:, r, None, None] * grown
        return x, heat
