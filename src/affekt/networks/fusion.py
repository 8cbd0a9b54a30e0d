"""Five ways to fuse text, audio and visual features (paper, section 4.2; readings 4).

Every layer takes the three features and their presence and returns the fused frames with the weights to plot:
`modality` (B, T, 3) sums to 1 over what is present (None for concatenation, which has none), `pairs`
(B, T, 3, 2) is the first level of Fig. 4 where there is one, and `PAIRS` names its six numbers. What is
absent weighs exactly 0; with everything absent the fused frame is exactly 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from affekt.networks.attention import Attention, masked_softmax

TEXT, AUDIO, VISUAL = 0, 1, 2
HIERARCHY = ((VISUAL, TEXT), (VISUAL, AUDIO), (TEXT, AUDIO))
PARTNERS = ((AUDIO, VISUAL), (TEXT, VISUAL), (TEXT, AUDIO))


@dataclass(frozen=True)
class FusionConfig:
    """Which fusion, and its sizes (readings 4: D_u = 256, p = 4, D_s = D_u / p)."""

    kind: str = "cross_modal"
    size: int = 256
    heads: int = 4
    alpha: str = "softmax"
    """`linear` leaves the α of Eq. 6 as printed, without its softmax."""

    def __post_init__(self) -> None:
        if self.kind not in FUSIONS:
            raise ValueError(f"no fusion is called {self.kind!r}: choose one of {', '.join(FUSIONS)}")
        if self.alpha not in ("softmax", "linear"):
            raise ValueError(f"fusion.alpha is softmax or linear, not {self.alpha!r}")
        if self.kind not in ("concatenation", "hierarchical") and self.size % self.heads:
            raise ValueError(f"a fusion of size {self.size} does not divide into {self.heads} heads")

    @property
    def head_size(self) -> int:
        """D_s."""
        return self.size // self.heads


class Fused(NamedTuple):
    """Fused frames and the weights that made them."""

    x: Tensor
    modality: Tensor | None
    pairs: Tensor | None
    shares: Tensor | None = None
    """(B, T, 3), the hierarchical fusion's second level: the weight of each pair."""


def absent_to_zero(x: Tensor, presence: Tensor) -> Tensor:
    """x (…, D), presence (…): exact zeros where absent, whatever x holds there."""
    return torch.where(presence.unsqueeze(-1), x, torch.zeros((), dtype=x.dtype, device=x.device))


class Projection(nn.Module):
    """Eq. 3: x̃^m = W^m x^m + b^m, zero where absent; three features of any width → (B, T, 3, D_u)."""

    def __init__(self, sizes: tuple[int, int, int], size: int) -> None:
        super().__init__()
        self.linears = nn.ModuleList(nn.Linear(s, size) for s in sizes)

    def forward(self, features: tuple[Tensor, Tensor, Tensor], presence: Tensor) -> Tensor:
        """Three features (B, T, ·), presence (B, T, 3) bool → (B, T, 3, D_u)."""
        # Zero before W as well as after: a NaN that is absent would else reach W's gradient as 0 × NaN.
        known = [absent_to_zero(f, presence[..., m]) for m, f in enumerate(features)]
        x = torch.stack([linear(f) for linear, f in zip(self.linears, known, strict=True)], -2)
        return absent_to_zero(x, presence)


class Concatenation(nn.Module):
    """[x^t, x^a, x^v] as they are; an absent block is 0. It has no weights."""

    PAIRS: tuple[tuple[int, int], ...] | None = None

    def __init__(self, sizes: tuple[int, int, int], config: FusionConfig) -> None:  # noqa: ARG002 - as the others
        super().__init__()
        self.size = sum(sizes)

    def forward(self, features: tuple[Tensor, Tensor, Tensor], presence: Tensor) -> Fused:
        """Three features (B, T, ·), presence (B, T, 3) bool → x (B, T, D_t + D_a + D_v)."""
        blocks = [absent_to_zero(f, presence[..., m]) for m, f in enumerate(features)]
        return Fused(torch.cat(blocks, -1), None, None)


class Alone(nn.Module):
    """No fusion: the features of the one modality there is, zero where absent; it weighs 1 (section 5.3)."""

    PAIRS: tuple[tuple[int, int], ...] | None = None

    def __init__(self, sizes: tuple[int, int, int], modality: int) -> None:
        super().__init__()
        self.size = sizes[modality]
        self.modality = modality

    def forward(self, features: tuple[Tensor, Tensor, Tensor], presence: Tensor) -> Fused:
        """Three features (B, T, ·), presence (B, T, 3) bool → x (B, T, D_m)."""
        present = presence[..., self.modality]
        nothing = torch.zeros_like(present)
        weights = torch.stack([present if m == self.modality else nothing for m in range(3)], -1)
        x = absent_to_zero(features[self.modality], present)
        return Fused(x, weights.to(x.dtype), None)


class Hierarchical(nn.Module):
    """Eq. 5: attention within each pair of modalities, then attention over the three pairs.

    A modality weighs, summed over the pairs it is in, the pair's weight × its weight in the pair.
    """

    PAIRS = HIERARCHY

    def __init__(self, sizes: tuple[int, int, int], config: FusionConfig) -> None:
        super().__init__()
        self.size = config.size
        self.project = Projection(sizes, config.size)
        self.within = nn.ModuleList(Attention(2, config.size) for _ in HIERARCHY)
        self.over = Attention(3, config.size)

    def forward(self, features: tuple[Tensor, Tensor, Tensor], presence: Tensor) -> Fused:
        """Three features (B, T, ·), presence (B, T, 3) bool → x (B, T, D_u) and the weights."""
        x = self.project(features, presence)
        results, pairs, there = [], [], []
        for attend, (one, other) in zip(self.within, HIERARCHY, strict=True):
            here = torch.stack([presence[..., one], presence[..., other]], -1)
            result, weights = attend(torch.stack([x[..., one, :], x[..., other, :]], -2), here)
            results.append(result)
            pairs.append(weights)
            there.append(presence[..., one] | presence[..., other])
        fused, over = self.over(torch.stack(results, -2), torch.stack(there, -1))
        pair = torch.stack(pairs, -2)
        share = over.unsqueeze(-1) * pair
        modality = torch.stack([sum_of(share, m) for m in (TEXT, AUDIO, VISUAL)], -1)
        return Fused(fused, modality, pair, over)


def sum_of(share: Tensor, modality: int) -> Tensor:
    """The modality's part of (…, 3 pairs, 2) shares, summed over the pairs it is in."""
    parts = [share[..., p, pair.index(modality)] for p, pair in enumerate(HIERARCHY) if modality in pair]
    return parts[0] + parts[1]


class SelfAttention(nn.Module):
    """Eq. 6: p heads of self-attention over the three modalities, each head's rows then weighed by α.

    A modality weighs, averaged over the heads, Σ_k α[k] × how far row k attends to it. With `alpha: linear`
    these numbers are signed and sum to nothing in particular.
    """

    PAIRS: tuple[tuple[int, int], ...] | None = None

    def __init__(self, sizes: tuple[int, int, int], config: FusionConfig) -> None:
        super().__init__()
        self.config = config
        self.size = config.size
        self.project = Projection(sizes, config.size)
        self.z = nn.ModuleList(nn.Linear(config.size, config.size, bias=False) for _ in range(3))
        self.q = nn.Parameter(torch.randn(config.heads, config.head_size) * config.head_size**-0.5)

    def heads(self, x: Tensor, presence: Tensor) -> tuple[Tensor, Tensor]:
        """x (B, T, 3, D_u) → v (B, T, p, D_s), modality weights (B, T, 3)."""
        c = self.config
        z1, z2, z3 = (linear(x).unflatten(-1, (c.heads, c.head_size)).transpose(-2, -3) for linear in self.z)
        keys = presence[..., None, None, :]
        attends = masked_softmax(z1 @ z2.transpose(-1, -2) / c.head_size**0.5, keys)
        a = attends @ z3
        alpha = (a * self.q.unsqueeze(1)).sum(-1)
        rows = presence.unsqueeze(-2)
        if c.alpha == "softmax":
            alpha = masked_softmax(alpha / c.head_size**0.5, rows)
        else:
            alpha = alpha * rows.to(alpha.dtype)
        v = (alpha.unsqueeze(-1) * a).sum(-2)
        return v, (alpha.unsqueeze(-1) * attends).sum(-2).mean(-2)

    def forward(self, features: tuple[Tensor, Tensor, Tensor], presence: Tensor) -> Fused:
        """Three features (B, T, ·), presence (B, T, 3) bool → x (B, T, p · D_s) and the weights."""
        v, modality = self.heads(self.project(features, presence), presence)
        return Fused(v.flatten(-2), modality, None)


class ResidualSelfAttention(SelfAttention):
    """Eq. 7: each head's vector is added back to every present modality, z_i[k] = W_z v_i + x̃^k.

    Its modality weights are those of its self-attention; the residual passes every modality on besides.
    """

    def __init__(self, sizes: tuple[int, int, int], config: FusionConfig) -> None:
        super().__init__(sizes, config)
        self.size = config.heads * 3 * config.size
        self.w_z = nn.Linear(config.head_size, config.size, bias=False)

    def forward(self, features: tuple[Tensor, Tensor, Tensor], presence: Tensor) -> Fused:
        """Three features (B, T, ·), presence (B, T, 3) bool → x (B, T, p · 3 · D_u) and the weights."""
        x = self.project(features, presence)
        v, modality = self.heads(x, presence)
        z = self.w_z(v).unsqueeze(-2) + x.unsqueeze(-3)
        z = absent_to_zero(z, presence.unsqueeze(-2))
        return Fused(z.flatten(-3), modality, None)


class CrossModal(nn.Module):
    """Eq. 8 and 9: each modality answers what the other two ask; attention over who asked, then who answered.

    A modality weighs as much as its answers do at the second level.
    """

    PAIRS = PARTNERS

    def __init__(self, sizes: tuple[int, int, int], config: FusionConfig) -> None:
        super().__init__()
        self.config = config
        self.size = config.size
        self.project = Projection(sizes, config.size)
        self.first = nn.ModuleList(Attention(2, config.size) for _ in range(3))
        self.second = Attention(3, config.size)

    def forward(self, features: tuple[Tensor, Tensor, Tensor], presence: Tensor) -> Fused:
        """Three features (B, T, ·), presence (B, T, 3) bool → x (B, T, D_u) and the weights."""
        c = self.config
        x = self.project(features, presence)
        rows = x.unflatten(-1, (c.heads, c.head_size))
        answers, pairs = [], []
        for m, attend in enumerate(self.first):
            mine = rows[..., m, :, :]
            asked = []
            for c_ in PARTNERS[m]:
                asks = torch.softmax(rows[..., c_, :, :] @ mine.transpose(-1, -2) / c.head_size**0.5, -1)
                asked.append((asks @ mine).flatten(-2))
            there = torch.stack([presence[..., other] for other in PARTNERS[m]], -1)
            answer, weights = attend(torch.stack(asked, -2), there)
            alone = ~there.any(-1, keepdim=True)
            answers.append(torch.where(alone, x[..., m, :], answer))
            pairs.append(weights)
        fused, modality = self.second(torch.stack(answers, -2), presence)
        pair = torch.stack(pairs, -2) * presence.unsqueeze(-1).to(fused.dtype)
        return Fused(fused, modality, pair)


Fusion = Concatenation | Hierarchical | SelfAttention | CrossModal
FUSIONS: dict[str, type[Fusion]] = {
    "concatenation": Concatenation,
    "hierarchical": Hierarchical,
    "self_attention": SelfAttention,
    "residual": ResidualSelfAttention,
    "cross_modal": CrossModal,
}


def build_fusion(sizes: tuple[int, int, int], config: FusionConfig) -> Fusion:
    """The fusion that `config.kind` names, for features of the given widths (text, audio, visual)."""
    return FUSIONS[config.kind](sizes, config)
