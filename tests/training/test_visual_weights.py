"""What the visual network starts from, what is said of it, and what is refused in one line."""

from __future__ import annotations

import hashlib
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from affekt.errors import ModelError
from affekt.networks import VisualConfig, VisualNetwork
from affekt.networks.kinds import VISUAL, config_of
from affekt.runtime.bundle import open_bundle
from affekt.training.config import read_config
from affekt.training.visual_weights import load_visual_weights
from timm_process import facts

TINY = VisualConfig(width=2, stem=4, bottlenecks=1, blocks=1, stage3_modules=1, size=8)


def refused(source: str | Path, config: VisualConfig = TINY) -> str:
    """The one line that is said, after which the network is as it was."""
    network = VisualNetwork(config)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    with pytest.raises(ModelError) as caught:
        load_visual_weights(network, config, str(source))
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_none_leaves_chance() -> None:
    network = VisualNetwork(TINY)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    assert load_visual_weights(network, TINY, "none") == "The visual network starts from random weights."
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())


def test_default_gives_the_shipped_weights() -> None:
    bundle = open_bundle("default")
    config = config_of(VISUAL, bundle.sizes["visual"])
    network = VisualNetwork(config)
    said = load_visual_weights(network, config, "default")
    shipped = load_file(bundle.folder / "weights.safetensors")
    own = [name for name in network.state_dict() if not name.endswith("num_batches_tracked")]
    assert sorted(name for name in shipped if name.startswith("visual.")) == sorted(
        f"visual.{n}" for n in own
    )
    state = network.state_dict()
    assert all(torch.equal(state[name], shipped[f"visual.{name}"].float()) for name in own)
    assert said == (
        f"The visual network starts from the model default, version {bundle.version}: "
        f"{len(own)} of its {len(own)} tensors fit, 0 are random."
    )


def test_default_gives_what_fits() -> None:
    sizes = open_bundle("default").sizes["visual"]
    config = config_of(VISUAL, {**sizes, "pool": "average", "size": 3})
    network = VisualNetwork(config)
    said = load_visual_weights(network, config, "default")
    # All of the trunk; of the pools nothing, as they are 3 wide.
    tensors = sum(not name.endswith("num_batches_tracked") for name in network.state_dict())
    assert said.endswith(f": {tensors - 6} of its {tensors} tensors fit, 6 are random.")


def test_default_fits_nothing() -> None:
    sizes = open_bundle("default").sizes["visual"]
    assert sizes["width"] != TINY.width
    said = refused("default")
    assert said.startswith("visual.weights: default's trunk has other sizes; say visual: {width: 24, ")
    # What it says makes it fit.
    told = dict(part.split(": ") for part in said.partition("{")[2].rstrip("}").split(", "))
    config = replace(TINY, **{name: int(n) for name, n in told.items()})
    assert "tensors fit" in load_visual_weights(VisualNetwork(config), config, "default")


def test_a_trunk_that_fits_in_part_is_refused() -> None:
    sizes = open_bundle("default").sizes["visual"]
    config = config_of(VISUAL, {**sizes, "bottlenecks": sizes["bottlenecks"] + 1})
    with pytest.raises(ModelError, match=rf"say visual: \{{bottlenecks: {sizes['bottlenecks']}\}}$"):
        load_visual_weights(VisualNetwork(config), config, "default")


@pytest.mark.parametrize("path", sorted((Path(__file__).parents[2] / "examples").glob("*.yaml")))
def test_the_examples_start_from_networks_that_fit(path: Path) -> None:
    visual = dict(read_config(path).visual)
    if visual.pop("weights", "none") == "default":
        sizes = config_of(VISUAL, visual)
        assert "tensors fit" in load_visual_weights(VisualNetwork(sizes), sizes, "default")


def test_imagenet_without_timm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "timm", None)
    assert refused("imagenet") == "visual.weights: backbones need timm: pip install 'affekt[backbones]'"


def test_no_such_file(tmp_path: Path) -> None:
    for name in ("none.pth", "none.safetensors"):
        path = tmp_path / name
        assert refused(path) == f"{path}: no such weights; give none, default, imagenet or a file"


@pytest.mark.parametrize("name", ["broken.pth", "broken.safetensors"])
@pytest.mark.parametrize("content", [b"", b"weights", b"PK\x03\x04 and no more"])
def test_no_weights(name: str, content: bytes, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    assert refused(tmp_path / name).startswith(f"{tmp_path / name}: no weights that can be read (")


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    assert refused(tmp_path).startswith(f"{tmp_path}: no weights that can be read (")


def test_more_than_tensors_is_not_unpickled(tmp_path: Path) -> None:
    path = tmp_path / "model.pth"
    torch.save(VisualNetwork(TINY), path)
    assert refused(path).startswith(f"{path}: no weights that can be read (Weights only load failed")


def test_a_list_is_no_state_dict(tmp_path: Path) -> None:
    path = tmp_path / "list.pth"
    torch.save([torch.ones(2)], path)
    assert refused(path) == f"{path}: holds no state dict; save a network's state_dict()"


def test_another_networks_weights(tmp_path: Path) -> None:
    path, state = tmp_path / "other.safetensors", VisualNetwork(TINY).trunk.state_dict()
    save_file(state | {"bn1.weight": torch.ones(7)}, path)
    assert (
        refused(path) == f"{path}: bn1.weight is (7,), not (4,); it is another network's, or of other sizes"
    )
    save_file({"head.weight": torch.ones(7)}, path)
    assert refused(path) == f"{path}: there is no conv1.weight; it is another network's, or of other sizes"


def test_counts_of_batches_may_be_left_out(tmp_path: Path) -> None:
    torch.manual_seed(0)
    path, given, network = tmp_path / "own.safetensors", VisualNetwork(TINY), VisualNetwork(TINY)
    state = {k: v for k, v in given.trunk.state_dict().items() if not k.endswith("num_batches_tracked")}
    save_file(state, path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    said = load_visual_weights(network, TINY, str(path))
    assert said == f"The visual network's trunk starts from the file own.safetensors (SHA-256 {digest})."
    now = network.trunk.state_dict()
    assert all(torch.equal(now[name], value) for name, value in state.items())


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return facts(Path(__file__).with_name("visual_weights_facts.py"), tmp_path_factory.mktemp("weights"))


def test_files_of_timm(found: dict[str, Any]) -> None:
    assert set(found["files"]) == {"small.safetensors", "small.pth", "trained.pth.tar"}
    for name, (said, equal) in found["files"].items():
        assert equal
        assert said.startswith(f"The visual network's trunk starts from the file {name} (SHA-256 ")


def test_our_trunk_takes_the_weights_of_timms_hrnet(found: dict[str, Any]) -> None:
    said, equal = found["hrnet"]
    assert equal
    assert said.startswith("The visual network's trunk starts from the file hrnet.safetensors (")


def test_files_that_do_not_fit_a_backbone(found: dict[str, Any]) -> None:
    name, ending = "layer1.0.conv1.weight", "; it is another network's, or of other sizes"
    assert found["missing"].endswith(f"missing.pth: there is no {name}{ending}")
    assert f"shape.pth: {name} is (2, 2), not (" in found["shape"] and found["shape"].endswith(ending)


def test_default_is_no_backbone(found: dict[str, Any]) -> None:
    assert found["default"] == (
        "visual.weights: default is of kind hrnet; give a backbone imagenet or a file"
    )


def test_what_a_hub_gave_is_named(found: dict[str, Any]) -> None:
    start = "The visual network's trunk starts from timm's "
    vgg, mobilenet, small = found["hub"].values()
    assert vgg == [f"{start}vgg16.tv_in1k (ImageNet, not VGG-Face as in the paper).", True]
    assert mobilenet == [
        f"{start}mobilenetv1_100.tv_in1k (ImageNet; the paper does not say what its own was pre-trained on).",
        True,
    ]
    assert small == [f"{start}test_resnet.r160_in1k.", True]


def test_no_hub(found: dict[str, Any]) -> None:
    assert found["no hub"].startswith("visual.weights: timm has none of test_resnet here (")
    assert "; give a file of them" in found["no hub"] and "\n" not in found["no hub"]
