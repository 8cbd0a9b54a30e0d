"""The visual network: HRNet's sizes and names, pooling and attention between the branches (readings 3)."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from affekt.networks import MultimodalConfig, VisualConfig, VisualNetwork, load_imagenet_trunk
from affekt.networks.pooling import AttentionalPooling
from affekt.networks.visual import HighResolutionModule, HRNetTrunk


def count(*modules: nn.Module) -> int:
    return sum(p.numel() for module in modules for p in module.parameters())


def test_paper_sizes() -> None:
    with torch.device("meta"):
        network = VisualNetwork()
    t = network.trunk
    assert count(t.conv1, t.bn1, t.conv2, t.bn2) == 38_848
    parts = [t.layer1, t.transition1, t.stage2, t.transition2, t.stage3]
    assert [count(p) for p in parts] == [286_208, 124_524, 124_092, 23_472, 2_162_880]
    assert count(t) == 2_760_024
    assert count(network.pools) == 33_153
    assert count(network.between) == 768
    assert count(network) == 2_793_945


@pytest.mark.parametrize("side", [96, 48])
def test_maps_of_three_resolutions(side: int) -> None:
    with torch.no_grad():
        maps = HRNetTrunk(VisualConfig()).eval()(torch.randn(1, 3, side, side))
    n = side // 4
    assert [tuple(m.shape) for m in maps] == [(1, 18, n, n), (1, 36, n // 2, n // 2), (1, 72, n // 4, n // 4)]


# Where timm's hrnet_w18 keeps what we need; one tensor of each kind.
TIMM = {
    "conv1.weight": (64, 3, 3, 3),
    "bn2.running_var": (64,),
    "layer1.0.downsample.0.weight": (256, 64, 1, 1),
    "layer1.0.downsample.1.bias": (256,),
    "layer1.3.conv2.weight": (64, 64, 3, 3),
    "layer1.3.bn3.weight": (256,),
    "transition1.0.0.weight": (18, 256, 3, 3),
    "transition1.0.1.running_mean": (18,),
    "transition1.1.0.0.weight": (36, 256, 3, 3),
    "transition1.1.0.1.num_batches_tracked": (),
    "stage2.0.branches.0.3.conv2.weight": (18, 18, 3, 3),
    "stage2.0.branches.1.0.bn1.weight": (36,),
    "stage2.0.fuse_layers.0.1.0.weight": (18, 36, 1, 1),
    "stage2.0.fuse_layers.0.1.1.weight": (18,),
    "stage2.0.fuse_layers.1.0.0.0.weight": (36, 18, 3, 3),
    "stage2.0.fuse_layers.1.0.0.1.bias": (36,),
    "transition2.2.0.0.weight": (72, 36, 3, 3),
    "transition2.2.0.1.weight": (72,),
    "stage3.3.branches.2.3.bn2.running_mean": (72,),
    "stage3.0.fuse_layers.0.2.0.weight": (18, 72, 1, 1),
    "stage3.1.fuse_layers.1.2.0.weight": (36, 72, 1, 1),
    "stage3.2.fuse_layers.2.0.0.0.weight": (18, 18, 3, 3),
    "stage3.2.fuse_layers.2.0.1.0.weight": (72, 18, 3, 3),
    "stage3.3.fuse_layers.2.1.0.0.weight": (72, 36, 3, 3),
    "stage3.3.fuse_layers.2.1.0.1.running_var": (72,),
}


def test_names_are_those_of_timm() -> None:
    with torch.device("meta"):
        state = HRNetTrunk(VisualConfig()).state_dict()
    assert {name: tuple(state[name].shape) for name in TIMM} == TIMM
    assert len(state) == 960
    kept = {"conv1", "bn1", "conv2", "bn2", "layer1", "transition1", "stage2", "transition2", "stage3"}
    assert {name.split(".")[0] for name in state} == kept


def checkpoint(config: VisualConfig) -> dict[str, Tensor]:
    """A made-up checkpoint in timm's names: the trunk, and what comes after it there."""
    state = {name: torch.rand_like(value.float()) for name, value in HRNetTrunk(config).state_dict().items()}
    rest = (
        "transition3.3.0.0.weight",
        "stage4.0.branches.0.0.conv1.weight",
        "incre_modules.0.0.conv1.weight",
    )
    extra = (
        *rest,
        "downsamp_modules.0.0.weight",
        "final_layer.0.weight",
        "classifier.weight",
        "classifier.bias",
    )
    return state | {name: torch.rand(2, 2) for name in extra}


def test_imagenet_weights_load_by_name(tiny: MultimodalConfig) -> None:
    network, state = VisualNetwork(tiny.visual), checkpoint(tiny.visual)
    what = network.pools[0].what.weight.clone()
    load_imagenet_trunk(network, state)
    for name, value in network.trunk.state_dict().items():
        torch.testing.assert_close(value, state[name].to(value.dtype))
    assert torch.equal(network.pools[0].what.weight, what)
    assert all(p.requires_grad for p in network.parameters())


def test_checkpoints_that_do_not_fit_are_refused(tiny: MultimodalConfig) -> None:
    state, network = checkpoint(tiny.visual), VisualNetwork(tiny.visual)
    without = {name: value for name, value in state.items() if name != "layer1.0.conv1.weight"}
    with pytest.raises(RuntimeError, match=r"layer1\.0\.conv1\.weight"):
        load_imagenet_trunk(network, without)
    with pytest.raises(RuntimeError, match=r"size mismatch for conv1\.weight"):
        load_imagenet_trunk(network, state | {"conv1.weight": torch.rand(2, 3, 3, 3)})


def test_branches_exchange_by_hand() -> None:
    module = HighResolutionModule((1, 1), blocks=0).eval()
    with torch.no_grad():
        module.fuse_layers[0][1][0].weight.fill_(2.0)
        module.fuse_layers[1][0][0][0].weight.fill_(1.0)
    fine, coarse = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]]), torch.tensor([[[[-1.5]]]])
    up, down = module([fine, coarse])
    # Up: x − 3 at every pixel, then ReLU. Down: a 3×3 of ones over the padded corner sums all four: 10 − 1.5.
    torch.testing.assert_close(up, torch.tensor([[[[0.0, 0.0], [0.0, 1.0]]]]), atol=1e-4, rtol=0)
    torch.testing.assert_close(down, torch.tensor([[[[8.5]]]]), atol=1e-4, rtol=0)


def test_downward_chain_has_relu_between_only() -> None:
    path = HighResolutionModule((1, 1, 1), 0).fuse_layers[2][0]
    kinds = [[type(layer).__name__ for layer in step] for step in path]
    assert kinds == [["Conv2d", "BatchNorm2d", "ReLU"], ["Conv2d", "BatchNorm2d"]]


def test_pooling_by_hand() -> None:
    pool = AttentionalPooling(2, 1)
    with torch.no_grad():
        pool.where.copy_(torch.tensor([1.0, -1.0]))
        pool.offset.fill_(0.5)
        pool.what.weight.copy_(torch.tensor([[2.0, 3.0]]))
        pool.what.bias.fill_(1.0)
    # Two positions (1, 2) and (4, 0): h = (−.5, 4.5), Y = (9, 9), y = (−4.5 + 40.5) / 2.
    y, h = pool(torch.tensor([[[[1.0, 4.0]], [[2.0, 0.0]]]]))
    torch.testing.assert_close(h, torch.tensor([[[-0.5, 4.5]]]))
    torch.testing.assert_close(y, torch.tensor([[18.0]]))


def test_pooling_starts_as_the_mean() -> None:
    torch.manual_seed(0)
    pool = AttentionalPooling(5, 3)
    assert pool.offset == 1
    assert pool.where.abs().max() < 1e-2
    nn.init.zeros_(pool.where)
    x = torch.randn(2, 5, 4, 4)
    y, h = pool(x)
    assert torch.equal(h, torch.ones(2, 4, 4))
    torch.testing.assert_close(y, pool.what(x.mean((2, 3))))


class Known(nn.Module):
    """A trunk that saw these maps, and remembers what it was given."""

    def __init__(self, maps: list[Tensor]) -> None:
        super().__init__()
        self.maps = maps

    def forward(self, x: Tensor) -> list[Tensor]:
        self.seen = x
        return self.maps


def test_attention_between_branches_by_hand() -> None:
    network = VisualNetwork(
        VisualConfig(width=1, stem=4, bottlenecks=1, blocks=1, stage3_modules=1, size=1)
    ).eval()
    network.trunk = Known([torch.ones(1, 1, 4, 4), torch.ones(1, 2, 2, 2), torch.ones(1, 4, 1, 1)])
    with torch.no_grad():
        for r, pool in enumerate(network.pools):
            pool.where.fill_(0.0)
            pool.offset.fill_(float(r + 1))
            pool.what.weight.fill_(0.0)
            pool.what.bias.fill_(1.0)
        network.between.queries.copy_(torch.log(torch.tensor([[6.0], [2.0**0.5], [1.0]])))
    # y_r = r, y_r·q_r = (ln 6, ln 2, 0): γ = (6, 2, 1) / 9, x = Σ γ_r r = 13/9; the map blends h_r = r alike.
    x, heat = network(torch.rand(1, 3, 16, 16))
    torch.testing.assert_close(x, torch.tensor([[13 / 9]]))
    torch.testing.assert_close(heat, torch.full((1, 4, 4), 13 / 9))


def test_pictures_are_normalised_as_imagenet() -> None:
    network = VisualNetwork(
        VisualConfig(width=1, stem=4, bottlenecks=1, blocks=1, stage3_modules=1, size=1)
    ).eval()
    network.trunk = Known([torch.ones(1, 1, 4, 4), torch.ones(1, 2, 2, 2), torch.ones(1, 4, 1, 1)])
    network(
        torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
        + torch.tensor([0.229, 0.0, -0.225]).view(1, 3, 1, 1)
    )
    torch.testing.assert_close(network.trunk.seen.flatten(), torch.tensor([1.0, 0.0, -1.0]))


def test_grey_networks_see_luma_only(tiny: MultimodalConfig) -> None:
    torch.manual_seed(0)
    network = VisualNetwork(
        VisualConfig(width=2, stem=4, bottlenecks=1, blocks=1, stage3_modules=1, size=8, grey=True)
    )
    images = torch.rand(2, 3, 32, 32)
    luma = (images * torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)).sum(1, keepdim=True)
    with torch.no_grad():
        network.eval()
        torch.testing.assert_close(network(images)[0], network(luma.expand(-1, 3, -1, -1))[0])


def test_faces_are_independent_in_use(tiny: MultimodalConfig) -> None:
    torch.manual_seed(0)
    network, images = VisualNetwork(tiny.visual).eval(), torch.rand(3, 3, 32, 32)
    with torch.no_grad():
        x, heat = network(images)
        alone = [network(images[i : i + 1]) for i in range(3)]
    assert (x.shape, heat.shape) == ((3, 8), (3, 8, 8))
    torch.testing.assert_close(x, torch.cat([a[0] for a in alone]))
    torch.testing.assert_close(heat, torch.cat([a[1] for a in alone]))


def test_seen_both_ways_a_face_is_as_its_mirror_image() -> None:
    config = VisualConfig(width=4, stem=8, bottlenecks=1, blocks=1, stage3_modules=1, size=16, both_ways=True)
    network = VisualNetwork(config)
    images = torch.rand(3, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    one_way, _ = network.train()(images)
    network.eval()
    with torch.no_grad():
        x, heat = network(images)
        mirrored, mirrored_heat = network(images.flip(3))
        network.config = replace(config, both_ways=False)
        left, right = network(images)[0], network(images.flip(3))[0]
    assert torch.allclose(x, mirrored, atol=1e-6)
    assert torch.allclose(heat, mirrored_heat.flip(2), atol=1e-6)
    assert torch.allclose(x, (left + right) / 2, atol=1e-6)
    assert not torch.allclose(left, right, atol=1e-4)
    assert one_way.shape == (3, 16)


def test_a_first_stride_of_1_keeps_maps_twice_as_fine() -> None:
    config = VisualConfig(width=4, stem=8, bottlenecks=1, blocks=1, stage3_modules=1, first_stride=1)
    maps = VisualNetwork(config).trunk(torch.zeros(1, 3, 48, 48))
    assert [m.shape[2:] for m in maps] == [(24, 24), (12, 12), (6, 6)]
