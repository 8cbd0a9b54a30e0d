"""The five fusions against their equations, and what absence may never do (readings 4)."""

from __future__ import annotations

from itertools import product
from math import log, sqrt

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from affekt.networks import FUSIONS, Fused, FusionConfig, build_fusion
from affekt.networks.attention import Attention, masked_softmax
from affekt.networks.fusion import (
    HIERARCHY,
    PARTNERS,
    CrossModal,
    Hierarchical,
    Projection,
    ResidualSelfAttention,
    SelfAttention,
)

SIZES = (5, 7, 3)
PAPER = (1_024, 4_500, 256)
WEIGHTED = [name for name in FUSIONS if name != "concatenation"]
ALL = [torch.tensor(p) for p in product((False, True), repeat=3)]
VARIANTS = [(name, "softmax") for name in FUSIONS] + [("self_attention", "linear"), ("residual", "linear")]
Features = tuple[Tensor, Tensor, Tensor]


def build(kind: str, alpha: str = "softmax", seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    fusion = build_fusion(SIZES, FusionConfig(kind, size=8, heads=2, alpha=alpha))
    for p in fusion.parameters():
        nn.init.normal_(p, std=0.5)
    return fusion


def draw(b: int = 2, t: int = 3) -> Features:
    one, two, three = (torch.randn(b, t, s) for s in SIZES)
    return one, two, three


def every_presence() -> tuple[Features, Tensor]:
    """One sequence of eight frames: each combination of presences once."""
    return draw(1, 8), torch.stack(ALL).unsqueeze(0)


@pytest.mark.parametrize(
    ("kind", "output", "parameters"),
    [
        ("concatenation", 5_780, 0),
        ("hierarchical", 256, 1_482_752),
        ("self_attention", 256, 1_677_312),
        ("residual", 3_072, 1_693_696),
        ("cross_modal", 256, 1_482_752),
    ],
)
def test_paper_sizes(kind: str, output: int, parameters: int) -> None:
    with torch.device("meta"):
        fusion = build_fusion(PAPER, FusionConfig(kind))
    assert fusion.size == output
    assert sum(p.numel() for p in fusion.parameters()) == parameters


def test_projections_alone() -> None:
    with torch.device("meta"):
        assert sum(p.numel() for p in Projection(PAPER, 256).parameters()) == 1_480_448


def test_masked_softmax_by_hand() -> None:
    logits = torch.tensor([[0.0, log(3), 50.0], [1.0, float("nan"), float("inf")], [1.0, 2.0, 3.0]])
    mask = torch.tensor([[True, True, False], [True, False, False], [False, False, False]])
    weights = masked_softmax(logits, mask)
    torch.testing.assert_close(weights, torch.tensor([[0.25, 0.75, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 0.0]]))
    assert torch.all(weights[~mask] == 0)


def test_equation_3() -> None:
    project = Projection((1, 2, 1), 2)
    with torch.no_grad():
        project.linears[1].weight.copy_(torch.tensor([[1.0, 2.0], [0.0, -1.0]]))
        project.linears[1].bias.copy_(torch.tensor([0.5, 0.25]))
    x = project(
        (torch.ones(1, 1), torch.tensor([[3.0, 4.0]]), torch.ones(1, 1)), torch.tensor([[False, True, False]])
    )
    assert x.tolist() == [[[0.0, 0.0], [11.5, -3.75], [0.0, 0.0]]]


def test_equation_4() -> None:
    attend = Attention(2, 4)
    with torch.no_grad():
        attend.queries.zero_()
        attend.queries[0, 0] = log(3)
    x = torch.tensor([[2.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0]])
    # Logits 2 ln 3 / √4 and 0: weights 3/4 and 1/4. The second slot has its own query.
    out, weights = attend(x, torch.tensor([True, True]))
    torch.testing.assert_close(weights, torch.tensor([0.75, 0.25]))
    torch.testing.assert_close(out, torch.tensor([1.5, 0.25, 0.0, 0.0]))
    _, swapped = attend(x.flip(0), torch.tensor([True, True]))
    torch.testing.assert_close(swapped, torch.tensor([0.5, 0.5]))
    out, weights = attend(x, torch.tensor([False, True]))
    assert weights.tolist() == [0.0, 1.0]
    assert torch.equal(out, x[1])


def scalars(fusion: Hierarchical | SelfAttention) -> None:
    """Make the projections of one-wide features the identity."""
    for linear in fusion.project.linears:
        nn.init.ones_(linear.weight)
        nn.init.zeros_(linear.bias)


def frame(*values: float) -> Features:
    one, two, three = (torch.tensor([[[float(v)]]]) for v in values)
    return one, two, three


def here(*present: bool) -> Tensor:
    return torch.tensor([[present]])


def test_concatenation_by_hand() -> None:
    fused = build_fusion((1, 1, 1), FusionConfig("concatenation"))(frame(1, 2, 3), here(True, False, True))
    assert fused.x.tolist() == [[[1.0, 0.0, 3.0]]]
    assert fused.modality is None
    assert fused.pairs is None


def test_equation_5_by_hand() -> None:
    fusion = Hierarchical((1, 1, 1), FusionConfig("hierarchical", size=1, heads=1))
    scalars(fusion)
    with torch.no_grad():
        for attend in (*fusion.within, fusion.over):
            attend.queries.zero_()
        fusion.within[0].queries[1] = log(3)
        fusion.over.queries[2] = log(2) / 1.5
    fused = fusion(frame(1, 2, 4), here(True, True, True))
    # vt: 4/4 + 3/4; va: 3; ta: 1.5; the pairs weigh 1/4, 1/4, 1/2.
    torch.testing.assert_close(fused.pairs, torch.tensor([[[[0.25, 0.75], [0.5, 0.5], [0.5, 0.5]]]]))
    torch.testing.assert_close(fused.shares, torch.tensor([[[0.25, 0.25, 0.5]]]))
    torch.testing.assert_close(fused.x, torch.tensor([[[1.75 / 4 + 3 / 4 + 1.5 / 2]]]))
    torch.testing.assert_close(fused.modality, torch.tensor([[[0.4375, 0.375, 0.1875]]]))


def self_attention(cls: type[SelfAttention], alpha: str, q: float) -> SelfAttention:
    fusion = cls((1, 1, 1), FusionConfig("self_attention", size=1, heads=1, alpha=alpha))
    scalars(fusion)
    with torch.no_grad():
        for z, w in zip(fusion.z, (log(2), 1.0, 1.0), strict=True):
            z.weight.fill_(w)
        fusion.q.fill_(q)
    return fusion


def test_equation_6_by_hand() -> None:
    # Text 1 and audio 2, no face. Row t: logits ln 2·(1, 2), weights (1, 2)/3, A = 5/3.
    # Row a: weights (1, 4)/5, A = 9/5.
    # q·(9/5 − 5/3) = ln 3 makes α = (1, 3)/4.
    fused = self_attention(SelfAttention, "softmax", 7.5 * log(3))(frame(1, 2, 99), here(True, True, False))
    torch.testing.assert_close(fused.x, torch.tensor([[[5 / 12 + 27 / 20]]]))
    torch.testing.assert_close(fused.modality, torch.tensor([[[1 / 12 + 3 / 20, 2 / 12 + 12 / 20, 0.0]]]))


def test_equation_6_as_printed_by_hand() -> None:
    # Without the softmax α = q A, so v = q (A_t² + A_a²).
    fused = self_attention(SelfAttention, "linear", 2.0)(frame(1, 2, 99), here(True, True, False))
    torch.testing.assert_close(fused.x, torch.tensor([[[2 * (25 / 9 + 81 / 25)]]]))


def test_equation_7_by_hand() -> None:
    fusion = self_attention(ResidualSelfAttention, "softmax", 7.5 * log(3))
    nn.init.constant_(fusion.w_z.weight, 2.0)
    v = 5 / 12 + 27 / 20
    fused = fusion(frame(1, 2, 99), here(True, True, False))
    torch.testing.assert_close(fused.x, torch.tensor([[[2 * v + 1, 2 * v + 2, 0.0]]]))


def softmax(x: np.ndarray, axis: int) -> np.ndarray:
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


@pytest.mark.parametrize("alpha", ["softmax", "linear"])
def test_equations_6_and_7_head_by_head(alpha: str) -> None:
    fusion = build("residual", alpha)
    features, every = draw(1, 1), torch.ones(1, 1, 3, dtype=torch.bool)
    xc = fusion.project(features, every)[0, 0].detach().numpy()
    w = [z.weight.detach().numpy() for z in fusion.z]
    blocks, heads = [], []
    for i in range(2):
        z1, z2, z3 = (xc @ wj[4 * i : 4 * i + 4].T for wj in w)
        a = softmax(z1 @ z2.T / sqrt(4), 1) @ z3
        scores = a @ fusion.q[i].detach().numpy()
        weights = softmax(scores / sqrt(4), 0) if alpha == "softmax" else scores
        v = sum(weights[k] * a[k] for k in range(3))
        heads.append(v)
        blocks.append(fusion.w_z.weight.detach().numpy() @ v + xc)
    v_all, _ = fusion.heads(torch.from_numpy(xc)[None, None], every)
    torch.testing.assert_close(v_all[0, 0].detach().numpy(), np.stack(heads), rtol=1e-4, atol=1e-4)
    got = fusion(features, every).x[0, 0].detach().numpy()
    torch.testing.assert_close(got, np.stack(blocks).reshape(-1), rtol=1e-4, atol=1e-4)


def answers(fusion: CrossModal, features: Features, presence: Tensor) -> list[Tensor]:
    """Every a^{m,c}: for each m the (B, T, 2, D_u) that its first attention is given."""
    seen: list[Tensor] = []
    hooks = [
        attend.register_forward_pre_hook(lambda _, args: seen.append(args[0])) for attend in fusion.first
    ]
    fusion(features, presence)
    for hook in hooks:
        hook.remove()
    return seen


def test_equation_8_by_hand() -> None:
    fusion = CrossModal((2, 2, 2), FusionConfig(size=2, heads=2))
    for linear in fusion.project.linears:
        nn.init.eye_(linear.weight)
        nn.init.zeros_(linear.bias)
    text, audio, visual = torch.tensor([1.0, 2.0]), torch.tensor([0.0, log(2)]), torch.tensor([0.0, 0.0])
    frames = (text.view(1, 1, 2), audio.view(1, 1, 2), visual.view(1, 1, 2))
    # Audio asks text: its row 0 weighs text's rows alike, its row 1 as 1 : 2. The face weighs them alike.
    got = answers(fusion, frames, here(True, True, True))[0]
    torch.testing.assert_close(got, torch.tensor([[[[1.5, 5 / 3], [1.5, 1.5]]]]))


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 999))
def test_equation_8_as_printed(seed: int) -> None:
    fusion = build("cross_modal", seed=seed)
    features, every = draw(1, 1), torch.ones(1, 1, 3, dtype=torch.bool)
    x = fusion.project(features, every)[0, 0].detach().numpy().reshape(3, 2, 4)
    for m, got in enumerate(answers(fusion, features, every)):
        for slot, c in enumerate(PARTNERS[m]):
            # (X̃^m)ᵀ softmax(X̃^m X̃^cᵀ / √D_s), normalised over m's index: one column for each row of c.
            columns = x[m].T @ softmax(x[m] @ x[c].T / sqrt(4), 0)
            torch.testing.assert_close(
                got[0, 0, slot].detach().numpy(), columns.T.reshape(-1), rtol=1e-3, atol=1e-4
            )


def test_equation_9_joins_the_answers() -> None:
    fusion = build("cross_modal")
    features, every = draw(1, 1), torch.ones(1, 1, 3, dtype=torch.bool)
    both = torch.ones(1, 1, 2, dtype=torch.bool)
    parts = [
        attend(a, both)[0] for attend, a in zip(fusion.first, answers(fusion, features, every), strict=True)
    ]
    expected, weights = fusion.second(torch.stack(parts, -2), every)
    fused = fusion(features, every)
    torch.testing.assert_close(fused.x, expected)
    torch.testing.assert_close(fused.modality, weights)


def test_who_asks_changes_the_answer() -> None:
    fusion = build("cross_modal")
    text, audio, visual = draw()
    every = torch.ones(2, 3, 3, dtype=torch.bool)
    before = answers(fusion, (text, audio, visual), every)[0]
    after = answers(fusion, (text, audio + 1, visual), every)[0]
    assert not torch.allclose(before[..., 0, :], after[..., 0, :])
    assert torch.equal(before[..., 1, :], after[..., 1, :])


@pytest.mark.parametrize("kind", WEIGHTED)
def test_absent_weights_are_exactly_zero(kind: str) -> None:
    features, presence = every_presence()
    fused: Fused = build(kind)(features, presence)
    assert fused.modality is not None
    assert torch.all(fused.modality[~presence] == 0)
    assert torch.all(fused.modality >= 0)
    torch.testing.assert_close(fused.modality.sum(-1), presence.any(-1).float())


@pytest.mark.parametrize(("kind", "members"), [("hierarchical", HIERARCHY), ("cross_modal", PARTNERS)])
def test_pair_weights(kind: str, members: tuple[tuple[int, int], ...]) -> None:
    features, presence = every_presence()
    pairs = build(kind)(features, presence).pairs
    assert members == FUSIONS[kind].PAIRS
    there = torch.stack([presence[..., list(pair)] for pair in members], -2)
    assert torch.all(pairs[~there] == 0)
    counts = there.any(-1) if kind == "hierarchical" else there.any(-1) & presence
    torch.testing.assert_close(pairs.sum(-1), counts.float())


def test_shares_of_the_pairs() -> None:
    features, presence = every_presence()
    fused: Fused = build("hierarchical")(features, presence)
    there = torch.stack([presence[..., list(pair)].any(-1) for pair in HIERARCHY], -1)
    assert fused.shares is not None
    assert torch.all(fused.shares[~there] == 0)
    torch.testing.assert_close(fused.shares.sum(-1), there.any(-1).float())
    assert all(build(kind)(features, presence).shares is None for kind in FUSIONS if kind != "hierarchical")


@pytest.mark.parametrize("kind", ["concatenation", "self_attention", "residual"])
def test_no_first_level_no_pair_weights(kind: str) -> None:
    assert build(kind)(*every_presence()).pairs is None
    assert FUSIONS[kind].PAIRS is None


def gradients(fusion: nn.Module, features: Features, presence: Tensor) -> tuple[Tensor, list[Tensor]]:
    x = fusion(features, presence).x
    parameters = list(fusion.parameters())
    grads = torch.autograd.grad((x**2).sum(), parameters, allow_unused=True) if parameters else ()
    return x.detach(), [g for g in grads if g is not None]


@pytest.mark.parametrize(("kind", "alpha"), VARIANTS)
def test_all_absent_is_zero_with_finite_gradients(kind: str, alpha: str) -> None:
    fusion = build(kind, alpha)
    features = draw()
    for f in features:
        f.requires_grad_()
    fused = fusion(features, torch.zeros(2, 3, 3, dtype=torch.bool))
    assert torch.all(fused.x == 0)
    fused.x.sum().backward()
    grads = [p.grad for p in (*fusion.parameters(), *features) if p.grad is not None]
    assert grads
    assert all(torch.isfinite(g).all() for g in grads)


@pytest.mark.parametrize("junk", [float("nan"), float("inf"), 1e6])
@pytest.mark.parametrize(("kind", "alpha"), VARIANTS)
def test_what_is_absent_changes_nothing(kind: str, alpha: str, junk: float) -> None:
    fusion = build(kind, alpha)
    features, presence = every_presence()
    other = [torch.where(presence[..., m, None], f, torch.full_like(f, junk)) for m, f in enumerate(features)]
    x, grads = gradients(fusion, features, presence)
    y, also = gradients(fusion, (other[0], other[1], other[2]), presence)
    assert torch.equal(x, y)
    for one, two in zip(grads, also, strict=True):
        torch.testing.assert_close(one, two)


@pytest.mark.parametrize("kind", ["hierarchical", "cross_modal"])
@pytest.mark.parametrize("m", [0, 1, 2])
def test_one_modality_alone_is_its_projection(kind: str, m: int) -> None:
    fusion, features = build(kind), draw()
    presence = (torch.arange(3) == m).expand(2, 3, 3)
    fused = fusion(features, presence)
    torch.testing.assert_close(fused.x, fusion.project.linears[m](features[m]))
    torch.testing.assert_close(fused.modality, presence.float())


@pytest.mark.parametrize(("kind", "alpha"), VARIANTS)
def test_frames_do_not_see_each_other(kind: str, alpha: str) -> None:
    fusion = build(kind, alpha)
    features, presence = every_presence()
    together = fusion(features, presence).x
    alone = [
        fusion((t, a, v), p).x
        for t, a, v, p in zip(*(f.split(1, 1) for f in (*features, presence)), strict=True)
    ]
    torch.testing.assert_close(together, torch.cat(alone, 1))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "sum"}, "no fusion is called 'sum': choose one of concatenation"),
        ({"alpha": "none"}, "softmax or linear, not 'none'"),
        ({"size": 10}, "size 10 does not divide into 4 heads"),
    ],
)
def test_configs_that_mean_nothing_are_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        FusionConfig(**change)
