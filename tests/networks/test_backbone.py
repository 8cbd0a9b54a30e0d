"""Backbones of timm as the visual network's trunk: sizes, pooling, export, what is refused."""

from __future__ import annotations

import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from affekt.networks.alternatives.backbone import BackboneConfig, BackboneNetwork
from affekt.networks.kinds import VISUAL, config_of
from timm_process import facts


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return facts(Path(__file__).with_name("backbone_facts.py"), tmp_path_factory.mktemp("backbones"))


def test_networks_of_table_2_have_their_sizes(found: dict[str, Any]) -> None:
    # VGG-16's 13 convolutions: 9 Σ (c_in · c_out) + Σ c_out over the layers that the paper (18) lists.
    channels = [3, 64, 64, 128, 128, 256, 256, 256, 512, 512, 512, 512, 512, 512]
    vgg = sum(9 * a * b + b for a, b in pairwise(channels))
    # The others: what their papers' networks have, less the classifier over ImageNet's 1,000 classes.
    assert found["counts"] == {
        "vgg-16": vgg,
        "resnet-50": 25_557_032 - 2_049_000,
        "densenet": 7_978_856 - 1_025_000,
        "mobilenet": 4_231_976 - 1_025_000,
    }


def test_maps_are_pooled_at_the_side_of_the_finest(found: dict[str, Any]) -> None:
    # Of 64 pixels, timm's maps 1, 2, 3 have 16, 8, 4.
    assert found["shapes"] == [[2, 256], [2, 16, 16]]


def test_average_of_the_last_map_and_pictures_normalised(found: dict[str, Any]) -> None:
    assert found["pooled"]["x"] < 1e-5
    assert found["pooled"]["map"] == 0


def test_faces_are_resized(found: dict[str, Any]) -> None:
    # A stride of 32 on 128 pixels; patches of 16 on the 160 that test_vit wants; 32 on Swin's 224.
    assert found["resized"] == [[2, 256], [2, 4, 4]]
    assert found["one side only"] == [[2, 256], [2, 10, 10]]
    assert found["channels last"] == [[2, 256], [2, 7, 7]]


def test_normalised_as_the_backbone_is_used_to(found: dict[str, Any]) -> None:
    assert found["own statistics"] == [[0.5] * 3, [0.5] * 3]


def test_a_trunk_takes_the_weights_of_the_whole(found: dict[str, Any]) -> None:
    assert len(found["cut"]) == 2
    assert max(found["cut"].values()) < 1e-5


def test_onnx_runtime_says_the_same(found: dict[str, Any]) -> None:
    assert len(found["onnx"]) == 2
    assert max(found["onnx"].values()) < 1e-4


def test_what_is_refused(found: dict[str, Any]) -> None:
    assert found["unknown"].startswith("timm has no backbone 'nonesuch': ")
    assert found["no such weights"].startswith("timm has no backbone 'test_resnet.nope': ")
    assert found["too deep"].startswith("timm gives no maps (9,) of test_resnet (")
    assert found["no such side"] == "test_vit knows faces of 160 pixels only: leave `side` out"
    assert found["no such pool"].startswith("no pooling is called 'most': choose one of average, ")


def test_without_timm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(ImportError, match=r"^backbones need timm: pip install 'affekt\[backbones\]'$"):
        BackboneNetwork(BackboneConfig())


def test_with_a_torchvision_that_does_not_fit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "timm.py").write_text("raise RuntimeError('operator torchvision::nms does\\n not exist')\n")
    monkeypatch.delitem(sys.modules, "timm", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    said = "^timm: operator torchvision::nms does not exist; install the torchvision that fits this PyTorch$"
    with pytest.raises(ImportError, match=said):
        BackboneNetwork(BackboneConfig())


@pytest.mark.parametrize("indices", [(), (2, 1), (1, 1), (-2, 1)])
def test_maps_go_from_fine_to_coarse(indices: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="out_indices rise, all from one end"):
        BackboneConfig(out_indices=indices)


def test_colours_are_three() -> None:
    with pytest.raises(ValueError, match="a number for each of three colours"):
        BackboneConfig(mean=(0.5,))


def test_a_config_chooses_it() -> None:
    config = config_of(VISUAL, {"kind": "timm", "name": "vgg-16", "out_indices": [2, 3], "mean": [0.5] * 3})
    assert config == BackboneConfig(name="vgg-16", out_indices=(2, 3), mean=(0.5, 0.5, 0.5))
    assert (config.timm_name, BackboneConfig(name="convnext_tiny").timm_name) == ("vgg16", "convnext_tiny")
