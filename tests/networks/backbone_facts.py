"""Run by test_backbone.py beside timm: tries what can only be tried there and prints, as JSON, what came."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import torch
from torch import Tensor

from affekt.networks.alternatives.backbone import BACKBONES, BackboneConfig, BackboneNetwork, cut_out
from affekt.training.export import Graph, VisualGraph, write_graph, write_weights
from timm_process import make_torchvision_importable

SMALL = "test_resnet"


def count(name: str) -> int:
    return sum(p.numel() for p in BackboneNetwork(BackboneConfig(name=name)).trunk.parameters())


def refusal(**options: Any) -> str:
    try:
        BackboneNetwork(BackboneConfig(**options))
    except ValueError as error:
        return str(error)
    return "nothing was refused"


def shapes(pixels: int, **options: Any) -> list[list[int]]:
    network = BackboneNetwork(BackboneConfig(**options)).eval()
    with torch.no_grad():
        return [list(out.shape) for out in network(torch.rand(2, 3, pixels, pixels))]


def pooled() -> dict[str, float]:
    """Largest differences from what is said of the pools, worked out from the trunk's maps."""
    torch.manual_seed(0)
    network = BackboneNetwork(BackboneConfig(name=SMALL, size=5, mean=(0.1, 0.2, 0.3), std=(1, 2, 4))).eval()
    images = torch.rand(2, 3, 64, 64)
    with torch.no_grad():
        x, heat = network(images)
        mean, std = (torch.tensor(one).view(3, 1, 1) for one in ([0.1, 0.2, 0.3], [1, 2, 4]))
        (deepest,) = network.trunk((images - mean) / std)
        average = network.pools[0].what(deepest.mean((2, 3)))
    return {"x": float((x - average).abs().max()), "map": float((heat - 1).abs().max())}


def own_statistics() -> list[list[float]]:
    network = BackboneNetwork(BackboneConfig(name="test_vit"))
    return [network.mean.flatten().tolist(), network.std.flatten().tolist()]


def cut(name: str) -> float:
    """How far a trunk with the whole network's weights is from the whole network."""
    import timm

    torch.manual_seed(1)
    whole = timm.create_model(name).eval()
    network = BackboneNetwork(BackboneConfig(name=name)).eval()
    net = network.trunk.net
    net.load_state_dict(cut_out(net, whole.state_dict()))
    images = torch.rand(2, 3, 160, 160)
    with torch.no_grad():
        return float((network.trunk(images)[0] - whole.forward_features(images)).abs().max())


def onnx_difference(folder: Path, pixels: int, **options: Any) -> float:
    """Largest difference between ONNX Runtime and PyTorch, for other numbers of faces than the traced."""
    torch.manual_seed(2)
    network = BackboneNetwork(BackboneConfig(size=8, **options)).eval()
    network.load_state_dict({k: v.half().float() for k, v in network.state_dict().items()})
    graph = Graph(
        VisualGraph(network),
        (torch.zeros(2, pixels, pixels, 3, dtype=torch.uint8),),
        ("faces",),
        ("x", "map"),
        {"faces": {0: "F"}, "x": {0: "F"}, "map": {0: "F"}},
    )
    folder.mkdir()
    write_weights([graph.module], folder / "weights.safetensors")
    write_graph(graph, folder / "weights.safetensors", folder / "graph.onnx")
    session = ort.InferenceSession(str(folder / "graph.onnx"), providers=["CPUExecutionProvider"])

    def difference(faces: Tensor) -> float:
        with torch.no_grad():
            wanted = graph.module(faces)
        found = session.run(None, {"faces": faces.numpy()})
        assert [one.shape for one in found] == [tuple(one.shape) for one in wanted]
        return max(float(np.abs(a - b.numpy()).max()) for a, b in zip(found, wanted, strict=True))

    return max(difference(torch.randint(0, 256, (f, pixels, pixels, 3), dtype=torch.uint8)) for f in (1, 3))


def main(folder: Path) -> None:
    make_torchvision_importable()
    three = {"name": SMALL, "out_indices": (1, 2, 3), "pool": "between"}
    found = {
        "counts": {name: count(name) for name in BACKBONES},
        "unknown": refusal(name="nonesuch"),
        "no such weights": refusal(name="test_resnet.nope"),
        "too deep": refusal(name=SMALL, out_indices=(9,)),
        "no such side": refusal(name="test_vit", side=96),
        "no such pool": refusal(name=SMALL, pool="most"),
        "shapes": shapes(64, **three),
        "resized": shapes(32, name=SMALL, side=128),
        "one side only": shapes(32, name="test_vit"),
        "channels last": shapes(32, name="swin_tiny_patch4_window7_224"),
        "pooled": pooled(),
        "own statistics": own_statistics(),
        "cut": {name: cut(name) for name in (SMALL, "test_convnext")},
        "onnx": {
            "three maps": onnx_difference(folder / "three", 64, **three),
            "vit": onnx_difference(folder / "vit", 32, name="test_vit", pool="attentional", grey=True),
        },
    }
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
