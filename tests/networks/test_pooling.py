"""From maps to one vector in three ways (section 4.1.3's claim): by hand, and where they must agree."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from affekt.networks import VisualConfig, VisualNetwork
from affekt.networks.pooling import POOLS, AttentionalPooling, AveragePooling, FaceNetwork

TINY = VisualConfig(width=2, stem=4, bottlenecks=1, blocks=1, stage3_modules=1, size=8)


class Known(nn.Module):
    """A trunk that sees these maps in every picture."""

    def __init__(self, *maps: Tensor) -> None:
        super().__init__()
        self.maps = maps

    def forward(self, x: Tensor) -> list[Tensor]:
        return [m.expand(len(x), -1, -1, -1) for m in self.maps]


def known(pool: str, queries: Tensor | None = None) -> FaceNetwork:
    """Two maps of one channel, 2 × 2 and 1 × 1; y = 3 x, and where it looks, h = x − 1."""
    trunk = Known(torch.tensor([[[[1.0, 2.0], [3.0, 6.0]]]]), torch.tensor([[[[5.0]]]]))
    network = FaceNetwork(trunk, [1, 1], 1, pool)
    with torch.no_grad():
        for one in network.pools:
            one.what.weight.fill_(3.0)
            if pool != "average":
                one.where.fill_(1.0)
                one.offset.fill_(-1.0)
        if queries is not None:
            network.between.queries.copy_(queries)
    return network


def test_average_by_hand() -> None:
    x, heat = known("average")(torch.zeros(2, 3, 8, 8))
    # Means 3 and 5, threefold 9 and 15, and their mean.
    torch.testing.assert_close(x, torch.full((2, 1), 12.0))
    assert torch.equal(heat, torch.ones(2, 2, 2))


def test_attentional_by_hand() -> None:
    x, heat = known("attentional")(torch.zeros(2, 3, 8, 8))
    # Fine: h = 0, 1, 2, 5 and y = (3·0 + 6·1 + 9·2 + 18·5) / 4 = 28.5. Coarse: h = 4, y = 15·4 = 60.
    torch.testing.assert_close(x, torch.full((2, 1), (28.5 + 60) / 2))
    torch.testing.assert_close(heat[0], torch.tensor([[2.0, 2.5], [3.0, 4.5]]))


def test_between_by_hand() -> None:
    network = known("between", torch.tensor([[0.0], [torch.log(torch.tensor(3.0)) / 60]]))
    x, heat = network(torch.zeros(2, 3, 8, 8))
    # y·q = 0 and ln 3: the coarse map weighs 3/4.
    torch.testing.assert_close(x, torch.full((2, 1), 28.5 / 4 + 60 * 3 / 4))
    torch.testing.assert_close(heat[0], torch.tensor([[3.0, 3.25], [3.5, 4.25]]))


@given(st.integers(1, 5), st.integers(1, 5), st.integers(1, 4), st.integers(1, 4), st.integers(0, 99))
def test_looking_everywhere_alike_is_the_average(channels: int, size: int, h: int, w: int, seed: int) -> None:
    torch.manual_seed(seed)
    average, attentional = AveragePooling(channels, size), AttentionalPooling(channels, size)
    nn.init.zeros_(attentional.where)
    nn.init.normal_(average.what.bias)
    attentional.load_state_dict(average.state_dict(), strict=False)
    maps = torch.randn(3, channels, h, w)
    torch.testing.assert_close(attentional(maps), average(maps))


def test_a_whole_network_that_looks_everywhere_alike_averages() -> None:
    torch.manual_seed(0)
    average = VisualNetwork(replace(TINY, pool="average")).eval()
    attentional = VisualNetwork(replace(TINY, pool="attentional")).eval()
    missing = attentional.load_state_dict(average.state_dict(), strict=False).missing_keys
    assert missing == [f"pools.{r}.{name}" for r in range(3) for name in ("where", "offset")]
    images = torch.rand(2, 3, 32, 32)
    with torch.no_grad():
        for pool in attentional.pools:
            pool.where.zero_()
        torch.testing.assert_close(attentional(images), average(images))
        attentional.pools[1].offset.fill_(2.0)
        assert not torch.allclose(attentional(images)[0], average(images)[0])


def test_one_map_needs_no_attention_between() -> None:
    torch.manual_seed(0)
    trunk = Known(torch.randn(1, 4, 3, 3))
    between, attentional = FaceNetwork(trunk, [4], 6, "between"), FaceNetwork(trunk, [4], 6, "attentional")
    attentional.load_state_dict(between.state_dict(), strict=False)
    images = torch.rand(2, 3, 9, 9)
    torch.testing.assert_close(between(images), attentional(images))


def test_coarse_maps_grow_by_any_factor() -> None:
    trunk = Known(torch.zeros(1, 1, 5, 3), torch.tensor([[[[0.0, 8.0], [2.0, 4.0]]]]))
    network = FaceNetwork(trunk, [1, 1], 1, "attentional")
    with torch.no_grad():
        for pool in network.pools:
            pool.where.fill_(1.0)
            pool.offset.fill_(0.0)
        heat = network(torch.zeros(1, 3, 9, 9))[1]
    # Row i of five is row ⌊2 i / 5⌋ of two, column j of three is ⌊2 j / 3⌋; half of it, as the fine map is 0.
    top, bottom = [0.0, 0.0, 4.0], [1.0, 1.0, 2.0]
    assert heat[0].tolist() == [top, top, top, bottom, bottom]


def test_sizes_of_the_three() -> None:
    counts = {}
    for pool in POOLS:
        with torch.device("meta"):
            network = VisualNetwork(VisualConfig(pool=pool))
        counts[pool] = sum(p.numel() for p in network.parameters()) - 2_760_024
    # A: (18 + 36 + 72) · 256 and three biases; b and β: 126 + 3; three queries.
    assert counts == {"average": 33_024, "attentional": 33_024 + 129, "between": 33_024 + 129 + 768}


def test_the_papers_is_the_default_and_has_the_names_it_had() -> None:
    assert VisualConfig().pool == "between"
    own = {name for name in VisualNetwork(TINY).state_dict() if not name.startswith("trunk.")}
    parts = ("where", "offset", "what.weight", "what.bias")
    assert own == {"between.queries", *(f"pools.{r}.{part}" for r in range(3) for part in parts)}


def test_every_part_learns() -> None:
    for pool in POOLS:
        torch.manual_seed(0)
        network = VisualNetwork(replace(TINY, pool=pool))
        network(torch.rand(2, 3, 32, 32))[0].square().sum().backward()
        kept = [*network.pools.parameters(), *(network.between.parameters() if network.between else ())]
        assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in kept)


def test_no_such_pooling() -> None:
    with pytest.raises(
        ValueError, match=r"^no pooling is called 'max': choose one of average, attentional, "
    ):
        replace(TINY, pool="max")
