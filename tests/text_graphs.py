"""The exported text graph of an encoder, held to its module."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime as ort
import torch

from affekt.networks import TextConfig, TextNetwork
from affekt.training.encoders import TextEncoder
from affekt.training.export import Graph, TextGraph, write_graph, write_weights


def same_graph(encoder: TextEncoder, folder: Path, texts: list[str]) -> None:
    """ONNX Runtime makes of the exported text graph what PyTorch makes of the module."""
    folder.mkdir(exist_ok=True)
    torch.manual_seed(1)
    config = TextConfig(width=encoder.about.width, ngram_maps=3, projection=8, hidden=4)
    long, three = torch.ones(2, 5, dtype=torch.int64), torch.ones(2, 3, dtype=torch.bool)
    pieces, words = {0: "U", 1: "S"}, {0: "U", 1: "L"}
    module = TextGraph(encoder.module, TextNetwork(config)).eval()
    with torch.no_grad():
        for value in module.state_dict().values():
            if value.is_floating_point():
                value.copy_(value.half())  # as a bundle keeps them
    graph = Graph(
        module,
        (long, long - 1, long > 0, three),
        ("pieces", "piece_word", "piece_mask", "word_mask"),
        ("x", "alpha"),
        {"pieces": pieces, "piece_word": pieces, "piece_mask": pieces, "word_mask": words}
        | {"x": {0: "U"}, "alpha": {0: "U", 2: "L"}},
    )
    write_weights([module], folder / "weights.safetensors")
    write_graph(graph, folder / "weights.safetensors", folder / "graph.onnx")
    assert (folder / "graph.onnx").stat().st_size < 200_000  # the weights lie beside it
    session = ort.InferenceSession(str(folder / "graph.onnx"), providers=["CPUExecutionProvider"])
    taken = {one.name for one in session.get_inputs()}
    for said in (texts, texts[:1], [" ".join(texts) * 4, ""]):
        e = encoder.words.encode(said)
        arrays = dict(zip(graph.inputs, (e.pieces, e.piece_word, e.piece_mask, e.word_mask), strict=True))
        with torch.no_grad():
            expected = graph.module(*(torch.from_numpy(a) for a in arrays.values()))
        found = session.run(None, {name: a for name, a in arrays.items() if name in taken})
        for one, other in zip(found, expected, strict=True):
            assert np.isfinite(one).all()
            np.testing.assert_allclose(one, other.numpy(), rtol=0, atol=1e-5)
