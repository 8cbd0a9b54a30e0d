"""Run by test_visual_weights.py beside timm; prints as JSON what was loaded, or said instead."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from affekt.errors import ModelError
from affekt.networks import VisualConfig, VisualNetwork
from affekt.networks.alternatives.backbone import BackboneConfig, BackboneNetwork
from affekt.training.visual_weights import load_visual_weights
from timm_process import make_torchvision_importable

SMALL = BackboneConfig(name="test_resnet")


def loaded(state: dict[str, Tensor], source: Path) -> list[Any]:
    """What is said, and whether all of a trunk's weights are those of the whole network."""
    network = BackboneNetwork(SMALL)
    before = network.trunk.state_dict()["net.layer1.0.conv1.weight"].clone()
    said = load_visual_weights(network, SMALL, str(source))
    now = network.trunk.net.state_dict()
    assert not torch.equal(before, now["layer1.0.conv1.weight"])
    return [said, all(torch.equal(value, state[name]) for name, value in now.items())]


def refusal(config: BackboneConfig | VisualConfig, source: str) -> str:
    network = VisualNetwork(config) if isinstance(config, VisualConfig) else BackboneNetwork(config)
    try:
        load_visual_weights(network, config, source)
    except ModelError as error:
        return str(error)
    return "nothing was refused"


class Whole(nn.Module):
    """Stands for what timm would fetch: a network with its weights and the name of what it learned from."""

    def __init__(self, name: str, state: dict[str, Tensor]) -> None:
        super().__init__()
        architecture, _, tag = name.partition(".")
        self.state = state
        self.pretrained_cfg = {"architecture": architecture, "tag": tag or "tv_in1k"}

    def state_dict(self, *args: Any, **kwargs: Any) -> dict[str, Tensor]:
        return self.state


def from_a_hub(name: str) -> list[Any]:
    """What is said when timm can fetch, and whether the weights are the fetched ones."""
    import timm

    make, config = timm.create_model, BackboneConfig(name=name)
    network = BackboneNetwork(config)
    fetched = {k: v + 1 for k, v in network.trunk.net.state_dict().items()}
    timm.create_model = lambda name, pretrained: Whole(name, fetched)
    try:
        said = load_visual_weights(network, config, "imagenet")
    finally:
        timm.create_model = make
    now = network.trunk.net.state_dict()
    return [said, all(torch.equal(now[name], value) for name, value in fetched.items())]


def hrnet() -> list[Any]:
    """Our own trunk from the weights of timm's whole hrnet_w18, as a file."""
    import timm

    state = timm.create_model("hrnet_w18").state_dict()
    network = VisualNetwork()
    path = Path(sys.argv[1]) / "hrnet.safetensors"
    save_file(state, path)
    said = load_visual_weights(network, network.config, str(path))
    now = network.trunk.state_dict()
    return [
        said,
        len(now) < len(state) and all(torch.equal(value, state[name]) for name, value in now.items()),
    ]


def main(folder: Path) -> None:
    make_torchvision_importable()
    import timm

    torch.manual_seed(0)
    state = timm.create_model("test_resnet").state_dict()
    save_file(state, folder / "small.safetensors")
    torch.save(state, folder / "small.pth")
    torch.save({"state_dict": state, "epoch": 3}, folder / "trained.pth.tar")
    name = "layer1.0.conv1.weight"
    torch.save({k: v for k, v in state.items() if k != name}, folder / "missing.pth")
    torch.save(state | {name: torch.zeros(2, 2)}, folder / "shape.pth")
    files = ("small.safetensors", "small.pth", "trained.pth.tar")
    found = {
        "files": {one: loaded(state, folder / one) for one in files},
        "missing": refusal(SMALL, str(folder / "missing.pth")),
        "shape": refusal(SMALL, str(folder / "shape.pth")),
        "default": refusal(SMALL, "default"),
        "no hub": refusal(SMALL, "imagenet"),
        "hub": {one: from_a_hub(one) for one in ("vgg-16", "mobilenet", "test_resnet.r160_in1k")},
        "hrnet": hrnet(),
    }
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
