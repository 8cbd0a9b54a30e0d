"""What the visual network starts from: chance, the default model, timm's pre-trained weights, or a file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file
from torch import Tensor, nn

from affekt.errors import ModelError
from affekt.networks import VisualConfig
from affekt.networks.alternatives.backbone import BACKBONES, BackboneConfig, TimmTrunk, cut_out, import_timm
from affekt.runtime.bundle import WEIGHTS, open_bundle, sha256

HRNET = "hrnet_w18"
"""What timm calls the network that our own trunk is cut from."""
TRUNK_SIZES = ("width", "stem", "bottlenecks", "blocks", "stage2_modules", "stage3_modules")
"""Of `VisualConfig`: by these, one trunk's weights fit another."""
# What torch.load says of a file that holds more than tensors. Nothing unpickles, so nothing imports pickle.
MORE_THAN_TENSORS: type[Exception] = vars(torch.serialization)["pickle"].UnpicklingError


def load_visual_weights(network: nn.Module, config: VisualConfig | BackboneConfig, source: str) -> str:
    """Give a visual network the weights that training starts from; all of them go on learning.

    | source | what is loaded |
    |---|---|
    | `none` | nothing: random weights, as the paper, which does not speak of pre-training (readings 3.4) |
    | `default` | the default model's trunk, and its pools if sizes fit; kind `hrnet` only |
    | `imagenet` | the trunk, as timm has it on the Hugging Face hub |
    | a file | the trunk, from timm's weights as .safetensors, or .pth with nothing but tensors |

    Args:
        network: of a kind in `networks.kinds.VISUAL`.
        config: what it was made of.
        source: as in the table.

    Returns:
        One sentence on what was loaded and from where, for the run's about.json and the model card.

    Raises:
        ModelError: the weights cannot be had or read, or are another network's.
    """
    if source == "none":
        return "The visual network starts from random weights."
    if source == "default":
        return _from_default(network, config)
    name = config.timm_name if isinstance(config, BackboneConfig) else HRNET
    if source == "imagenet":
        state, tag = _from_hub(name)
        _into(network.get_submodule("trunk"), state, tag)
        return f"The visual network's trunk starts from timm's {tag}{_unlike_the_paper(name)}."
    path = Path(source)
    _into(network.get_submodule("trunk"), _read(path), source)
    note = "; whether it is VGG-Face, as in the paper, it does not say" if _plain(name) == "vgg16" else ""
    return f"The visual network's trunk starts from the file {path.name} (SHA-256 {sha256(path)}){note}."


def _unlike_the_paper(name: str) -> str:
    if _plain(name) == "vgg16":
        return " (ImageNet, not VGG-Face as in the paper)"
    of_the_paper = _plain(name) in (HRNET, *BACKBONES.values())
    return " (ImageNet; the paper does not say what its own was pre-trained on)" if of_the_paper else ""


def _plain(name: str) -> str:
    """A network's name without timm's tag for one set of its weights."""
    return name.partition(".")[0]


def _from_default(network: nn.Module, config: VisualConfig | BackboneConfig) -> str:
    if isinstance(config, BackboneConfig):
        raise ModelError("visual.weights: default is of kind hrnet; give a backbone imagenet or a file")
    bundle = open_bundle("default")
    own = {k: v for k, v in network.state_dict().items() if not k.endswith("num_batches_tracked")}
    found: dict[str, Tensor] = {}
    with safe_open(bundle.folder / WEIGHTS, "pt") as file:
        there = {name.removeprefix("visual.") for name in file.keys() if name.startswith("visual.")}  # noqa: SIM118
        for name in sorted(there & set(own)):
            value = file.get_tensor(f"visual.{name}")
            if value.shape == own[name].shape:
                found[name] = value
    if any(name.startswith("trunk.") for name in own.keys() - found):
        sizes = {name: bundle.sizes["visual"][name] for name in TRUNK_SIZES}
        other = ", ".join(f"{name}: {n}" for name, n in sizes.items() if n != getattr(config, name))
        raise ModelError(f"visual.weights: default's trunk has other sizes; say visual: {{{other}}}")
    network.load_state_dict(found, strict=False)
    return (
        f"The visual network starts from the model {bundle.name}, version {bundle.version}: "
        f"{len(found)} of its {len(own)} tensors fit, {len(own) - len(found)} are random."
    )


def _from_hub(name: str) -> tuple[dict[str, Tensor], str]:
    """Weights of the whole network and their name with timm's tag, which says what they learned from."""
    try:
        timm = import_timm()
        whole: nn.Module = timm.create_model(name, pretrained=True)
    except ImportError as error:
        raise ModelError(f"visual.weights: {error}") from error
    except (OSError, ValueError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:120]
        raise ModelError(
            f"visual.weights: timm has none of {name} here ({reason}); give a file of them"
        ) from error
    known: Any = whole.pretrained_cfg
    return whole.state_dict(), f"{known['architecture']}.{known['tag']}"


def _into(trunk: nn.Module, whole: Mapping[str, Any], source: str) -> None:
    """Load a trunk from the weights of the whole network that it is cut from."""
    net = trunk.net if isinstance(trunk, TimmTrunk) else trunk
    try:
        net.load_state_dict(cut_out(net, dict(whole)))
    except ValueError as error:
        raise ModelError(f"{source}: {error}; it is another network's, or of other sizes") from error


def _read(path: Path) -> Mapping[str, Any]:
    """A state dict from a file; timm's own training puts it under `state_dict`."""
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        state = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise ModelError(f"{path}: no such weights; give none, default, imagenet or a file") from error
    except (OSError, EOFError, RuntimeError, ValueError, SafetensorError, MORE_THAN_TENSORS) as error:
        reason = " ".join(str(error).split())[:120]
        raise ModelError(f"{path}: no weights that can be read ({reason}); safetensors is safest") from error
    if isinstance(state, Mapping):
        state = state.get("state_dict", state)
    if not isinstance(state, Mapping):
        raise ModelError(f"{path}: holds no state dict; save a network's state_dict()")
    return state
