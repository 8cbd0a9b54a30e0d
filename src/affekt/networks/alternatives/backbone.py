"""Any backbone of timm as the trunk of the visual network: Table 2's alternatives, and what came later."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch.nn.functional as F
from torch import Tensor, nn

from affekt.networks.pooling import FaceNetwork, check_pool

if TYPE_CHECKING:
    from types import ModuleType

BACKBONES = {
    "vgg-16": "vgg16",
    "resnet-50": "resnet50",
    "densenet": "densenet121",
    "mobilenet": "mobilenetv1_100",
}
"""Table 2's names → timm's. The paper gives DenseNet no depth and MobileNet no width: 121 and 1 are ours."""


@dataclass(frozen=True)
class BackboneConfig:
    """Which backbone and what is made of its maps; as the paper implies, the average of the last one.

    Raises:
        ValueError: `out_indices` do not rise, `mean` or `std` is not three numbers, there is no such pooling.
    """

    kind: str = "timm"
    name: str = "resnet-50"
    """Any name of timm's, or one of `BACKBONES`."""
    out_indices: tuple[int, ...] = (-1,)
    """Which of timm's maps are pooled, from fine to coarse; −1 is the last."""
    pool: str = "average"
    """How they become one vector: average, attentional or between (`pooling.POOLS`)."""
    size: int = 256
    grey: bool = False
    """See luma only, for networks trained on grey faces."""
    side: int = 0
    """Pixels that faces are resized to; 0: as they come, or the only side that the backbone knows."""
    mean: tuple[float, ...] = ()
    """Of the pictures that it knows, a number a colour; left out, as `std`: what timm says of its weights."""
    std: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        check_pool(self.pool)
        rising = tuple(sorted(set(self.out_indices))) == self.out_indices != ()
        if not rising or self.out_indices[0] < 0 <= self.out_indices[-1]:
            raise ValueError(f"out_indices rise, all from one end, like 2, 3 or -2, -1: {self.out_indices}")
        if {len(self.mean), len(self.std)} - {0, 3}:
            raise ValueError(f"mean and std have a number for each of three colours: {self.mean}, {self.std}")

    @property
    def timm_name(self) -> str:
        """What timm calls it."""
        return BACKBONES.get(self.name, self.name)


def import_timm() -> ModuleType:
    """Timm, which the backbones need and nothing else.

    Raises:
        ImportError: it is not installed, or the torchvision that it imports does not fit PyTorch.
    """
    try:
        import timm
    except ModuleNotFoundError as error:
        raise ImportError(f"backbones need {error.name}: pip install 'affekt[backbones]'") from error
    except (ImportError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:120]
        raise ImportError(f"timm: {reason}; install the torchvision that fits this PyTorch") from error
    return timm


class TimmTrunk(nn.Module):
    """A backbone of timm without its classifier: a picture → the chosen maps.

    Raises:
        ImportError: timm cannot be imported.
        ValueError: it has no such backbone, or not those maps, or not for faces of that side.
    """

    def __init__(self, config: BackboneConfig) -> None:
        super().__init__()
        timm, name = import_timm(), config.timm_name
        try:
            known = timm.get_pretrained_cfg(name, allow_unregistered=False)
        except RuntimeError as error:
            raise ValueError(f"timm has no backbone {name!r}: timm.list_models() has their names") from error
        try:
            self.net = timm.create_model(name, features_only=True, out_indices=config.out_indices)
        except (RuntimeError, AssertionError, IndexError, AttributeError) as error:
            reason = " ".join(str(error).split())[:120]
            raise ValueError(f"timm gives no maps {config.out_indices} of {name} ({reason})") from error
        self.channels: list[int] = self.net.feature_info.channels()
        only = known.input_size[-1] if known.fixed_input_size else 0
        if only and config.side not in (0, only):
            raise ValueError(f"{name} knows faces of {only} pixels only: leave `side` out")
        self.side = config.side or only
        self.mean: tuple[float, ...] = config.mean or tuple(known.mean)
        self.std: tuple[float, ...] = config.std or tuple(known.std)

    def forward(self, images: Tensor) -> list[Tensor]:
        """(F, 3, S, S), normalised → a map (F, c, h, w) for each of `out_indices`."""
        if self.side:
            images = F.interpolate(images, size=(self.side, self.side), mode="bilinear", align_corners=False)
        maps: list[Tensor] = self.net(images)
        # Some transformers keep their channels last.
        last = getattr(self.net, "output_fmt", "NCHW") == "NHWC"
        return [x.permute(0, 3, 1, 2) for x in maps] if last else list(maps)


class BackboneNetwork(FaceNetwork):
    """A backbone of timm → pooling of its maps: images (F, 3, S, S) in [0, 1] → x^v (F, D_v), map (F, h, w).

    Starts from random weights; `training.visual_weights` loads others.

    Raises:
        ImportError: timm cannot be imported.
        ValueError: there is no such backbone, map or side.
    """

    trunk: TimmTrunk

    def __init__(self, config: BackboneConfig) -> None:
        trunk = TimmTrunk(config)
        super().__init__(trunk, trunk.channels, config.size, config.pool, config.grey, trunk.mean, trunk.std)
        self.config = config


def cut_out(net: nn.Module, whole: dict[str, Any]) -> dict[str, Tensor]:
    """The weights of a backbone without its classifier from those of the whole: timm renames what it cuts.

    Args:
        net: `TimmTrunk.net`, or a trunk whose parts have timm's names, as `HRNetTrunk`.
        whole: a state dict of timm's model; what `net` does not have is dropped.

    Raises:
        ValueError: a weight is missing or has another shape.
    """
    found = {_flat(name): value for name, value in whole.items()}
    state = {}
    for name, value in net.state_dict().items():
        weight = found.get(_flat(name))
        if weight is None and name.endswith("num_batches_tracked"):
            weight = value
        if not isinstance(weight, Tensor):
            raise ValueError(f"there is no {name}")
        if weight.shape != value.shape:
            raise ValueError(f"{name} is {tuple(weight.shape)}, not {tuple(value.shape)}")
        state[name] = weight
    return state


def _flat(name: str) -> str:
    """`features.0.weight` is `features_0.weight` in a cut VGG; a cut ViT's names begin with `model.`."""
    return name.removeprefix("model.").replace(".", "_")
