"""The visual network (paper, section 4.1.3; readings 3): a face → one vector, and where it looked.

The trunk is HRNet (Wang et al. 2020) cut after its third stage. Modules carry the names of timm's HRNet, so
its ImageNet weights load by name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from affekt.networks.pooling import FaceNetwork, check_pool


@dataclass(frozen=True)
class VisualConfig:
    """Sizes of the visual network; the defaults are HRNet-W18 (readings 3.1).

    Raises:
        ValueError: there is no such pooling.
    """

    kind: str = "hrnet"
    width: int = 18
    stem: int = 64
    bottlenecks: int = 4
    blocks: int = 4
    stage2_modules: int = 1
    stage3_modules: int = 4
    size: int = 256
    first_stride: int = 2
    """Of the very first convolution; 1 keeps maps of small faces at 1/2, 1/4 and 1/8 of their side."""
    both_ways: bool = False
    """In use, average what is seen of a face and of its mirror image: twice the cost, and neither side counts
    for more."""
    grey: bool = False
    """See luma only, for networks trained on grey faces."""
    pool: str = "between"
    """How the branches' maps become one vector: average, attentional or between (`pooling.POOLS`)."""

    def __post_init__(self) -> None:
        check_pool(self.pool)

    @property
    def channels(self) -> tuple[int, int, int]:
        """Channels of the three branches."""
        return self.width, 2 * self.width, 4 * self.width


def conv_bn(inputs: int, outputs: int, kernel: int = 3, stride: int = 1, relu: bool = True) -> nn.Sequential:
    """Convolution without bias, batch normalisation, ReLU."""
    layers: list[nn.Module] = [
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(outputs),
    ]
    return nn.Sequential(*layers, nn.ReLU(inplace=True)) if relu else nn.Sequential(*layers)


class BasicBlock(nn.Module):
    """Two 3×3 convolutions beside a shortcut."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        """(F, c, H, W) → (F, c, H, W)."""
        y = torch.relu_(self.bn1(self.conv1(x)))
        return torch.relu_(self.bn2(self.conv2(y)).add_(x))


class Bottleneck(nn.Module):
    """1×1, 3×3, 1×1 convolutions beside a shortcut; four times as many channels come out as are inside."""

    def __init__(self, inputs: int, inside: int) -> None:
        super().__init__()
        outputs = 4 * inside
        self.conv1 = nn.Conv2d(inputs, inside, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(inside)
        self.conv2 = nn.Conv2d(inside, inside, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(inside)
        self.conv3 = nn.Conv2d(inside, outputs, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs)
        self.downsample = conv_bn(inputs, outputs, 1, relu=False) if inputs != outputs else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """(F, inputs, H, W) → (F, 4 · inside, H, W)."""
        y = torch.relu_(self.bn1(self.conv1(x)))
        y = torch.relu_(self.bn2(self.conv2(y)))
        return torch.relu_(self.bn3(self.conv3(y)).add_(self.downsample(x)))


def fuse_path(source: int, target: int, channels: tuple[int, ...]) -> nn.Module:
    """How branch `source` reaches branch `target`: up by 1×1 and nearest, down by 3×3 of stride 2."""
    if source == target:
        return nn.Identity()
    if source > target:
        up = conv_bn(channels[source], channels[target], 1, relu=False)
        return nn.Sequential(*up, nn.Upsample(scale_factor=2 ** (source - target), mode="nearest"))
    steps = target - source
    return nn.Sequential(
        *(conv_bn(channels[source], channels[source], 3, 2) for _ in range(steps - 1)),
        conv_bn(channels[source], channels[target], 3, 2, relu=False),
    )


class HighResolutionModule(nn.Module):
    """Every branch through its blocks, then every branch receives from every branch."""

    def __init__(self, channels: tuple[int, ...], blocks: int) -> None:
        super().__init__()
        n = len(channels)
        self.branches = nn.ModuleList(
            nn.Sequential(*(BasicBlock(c) for _ in range(blocks))) for c in channels
        )
        self.fuse_layers = nn.ModuleList(
            nn.ModuleList(fuse_path(source, target, channels) for source in range(n)) for target in range(n)
        )

    def forward(self, maps: list[Tensor]) -> list[Tensor]:
        """A map a branch, (F, c, H, W), each half the side of the one before → the same shapes."""
        maps = [branch(x) for branch, x in zip(self.branches, maps, strict=True)]
        fused = []
        for paths in self.fuse_layers:
            first, *others = cast(nn.ModuleList, paths)
            total = first(maps[0])
            for path, x in zip(others, maps[1:], strict=True):
                total = total + path(x)
            fused.append(torch.relu_(total))
        return fused


class HRNetTrunk(nn.Module):
    """Stem and three stages: a picture → maps at 1/4, 1/8 and 1/16 of its side, or twice as fine."""

    def __init__(self, config: VisualConfig) -> None:
        super().__init__()
        c1, c2, c3 = config.channels
        stem = config.stem
        self.conv1 = nn.Conv2d(3, stem, 3, config.first_stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(stem)
        self.conv2 = nn.Conv2d(stem, stem, 3, 2, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(stem)
        inputs = [stem] + [4 * stem] * (config.bottlenecks - 1)
        self.layer1 = nn.Sequential(*(Bottleneck(i, stem) for i in inputs))
        self.transition1 = nn.ModuleList(
            [conv_bn(4 * stem, c1), nn.Sequential(conv_bn(4 * stem, c2, stride=2))]
        )
        self.stage2 = nn.ModuleList(
            HighResolutionModule((c1, c2), config.blocks) for _ in range(config.stage2_modules)
        )
        self.transition2 = nn.ModuleList(
            [nn.Identity(), nn.Identity(), nn.Sequential(conv_bn(c2, c3, stride=2))]
        )
        self.stage3 = nn.ModuleList(
            HighResolutionModule((c1, c2, c3), config.blocks) for _ in range(config.stage3_modules)
        )
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> list[Tensor]:
        """(F, 3, S, S) → [(F, c, S/4, S/4), (F, 2c, S/8, S/8), (F, 4c, S/16, S/16)], first stride 2."""
        x = torch.relu_(self.bn1(self.conv1(x)))
        x = self.layer1(torch.relu_(self.bn2(self.conv2(x))))
        maps = [transition(x) for transition in self.transition1]
        for module in self.stage2:
            maps = module(maps)
        maps = [*maps, self.transition2[2](maps[-1])]
        for module in self.stage3:
            maps = module(maps)
        return maps


class VisualNetwork(FaceNetwork):
    """HRNet trunk → attentional pooling of every branch → selective attention between the branches.

    `VisualConfig.pool` leaves the attention out, or the attentional pooling too (the claim of section 4.1.3).
    """

    def __init__(self, config: VisualConfig | None = None) -> None:
        c = config or VisualConfig()
        super().__init__(HRNetTrunk(c), c.channels, c.size, c.pool, c.grey)
        self.config = c

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """As `FaceNetwork.forward`; in training each image is seen one way."""
        x, heat = super().forward(images)
        if self.training or not self.config.both_ways:
            return x, heat
        mirrored, mirrored_heat = super().forward(images.flip(3))
        return (x + mirrored) / 2, (heat + mirrored_heat.flip(2)) / 2


def load_imagenet_trunk(network: VisualNetwork, state: dict[str, Tensor]) -> None:
    """Start the trunk from timm's `hrnet_w18` ImageNet weights, stem to stage 3; the rest is dropped.

    Args:
        network: of the default sizes (`VisualConfig()`).
        state: the state dict of timm's model.

    Raises:
        RuntimeError: a weight of the trunk is missing or has another shape.
    """
    names = set(network.trunk.state_dict())
    network.trunk.load_state_dict({name: value for name, value in state.items() if name in names})
