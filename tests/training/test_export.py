"""ONNX Runtime makes of an exported graph what PyTorch makes of the module, and its weights lie once."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
import torch
from torch import Tensor, nn

from affekt.networks import FUSIONS, Multimodal, QuantisedEmbedding
from affekt.training.export import Graph, graphs_of, offsets, stored, write_graph, write_weights
from bundles import CONFIG, SPEC, VOCABULARY, Words, bundle_folder, make_encoder, make_model

Run = Callable[..., list[np.ndarray]]
TOLERANCE = 1e-4
PARTS = ("text", "audio", "visual", "fusion")
FRAMES = {0: "B", 1: "T"}


class Whole(nn.Module):
    """The whole model as one graph, its answer as a flat tuple."""

    def __init__(self, model: Multimodal) -> None:
        super().__init__()
        self.model = model

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        *contract, h, c = inputs
        y, fused, (h, c), _ = self.model(*contract, state=(h, c))
        return tuple(t for t in (y, h, c, fused.modality, fused.pairs, fused.shares) if t is not None)


def export(graph: Graph, folder: Path) -> Run:
    """A graph through its file and into ONNX Runtime; takes what the module takes."""
    write_weights([graph.module], folder / "weights.safetensors")
    write_graph(graph, folder / "weights.safetensors", folder / "graph.onnx")
    session = ort.InferenceSession(str(folder / "graph.onnx"), providers=["CPUExecutionProvider"])
    taken = {one.name for one in session.get_inputs()}

    def run(*inputs: Tensor) -> list[np.ndarray]:
        given = {n: t.numpy() for n, t in zip(graph.inputs, inputs, strict=True) if n in taken}
        return session.run(None, given)

    return run


def equal(module: nn.Module, run: Run, *inputs: Tensor) -> None:
    """Both engines say the same; nothing is NaN."""
    with torch.no_grad():
        wanted = module(*inputs)
    found = run(*inputs)
    wanted = wanted if isinstance(wanted, tuple) else (wanted,)
    assert len(found) == len(wanted)
    for one, other in zip(found, wanted, strict=True):
        assert np.isfinite(one).all()
        np.testing.assert_allclose(one, other.numpy(), rtol=0, atol=TOLERANCE)


def sentences(u: int, s: int, length: int, rows: int) -> tuple[Tensor, ...]:
    """U sentences of up to `length` words and S pieces; where there are several, the last has no word."""
    g = torch.Generator().manual_seed(u * s)
    words = torch.randint(1, length + 1, (u, 1), generator=g)
    pieces = torch.randint(1, s + 1, (u, 1), generator=g)
    if u > 1:
        words[-1] = 0
    piece_mask = torch.arange(s) < pieces
    owner = torch.randint(-1, length, (u, s), generator=g)
    owner = owner.where(piece_mask & (owner < words), -1)
    return torch.randint(0, rows, (u, s), generator=g), owner, piece_mask, torch.arange(length) < words


def frames(b: int, t: int, kind: str = "random") -> tuple[Tensor, ...]:
    """Features, presence and a state in mid-recording."""
    g = torch.Generator().manual_seed(b * t)
    features = [torch.randn(b, t, size, generator=g) for size in CONFIG.sizes]
    presence = torch.rand(b, t, 3, generator=g) < 0.6
    if kind != "random":
        presence[:] = torch.tensor([kind in ("all", one) for one in ("text", "audio", "visual")])
    h, c = (torch.randn(1, b, CONFIG.head.hidden, generator=g) for _ in range(2))
    return *features, presence, torch.tanh(h), c


def contract(b: int, t: int, u: int, length: int, f: int) -> tuple[Tensor, ...]:
    """The whole model's inputs (readings 0); with u or f = 0 no frame has a sentence or a face."""
    g = torch.Generator().manual_seed(b + t + u)
    side, (h, c) = SPEC.image_size, frames(b, t)[-2:]
    return (
        torch.randn(u, length, CONFIG.text.width, generator=g),
        torch.arange(length) < torch.randint(1, length + 1, (u, 1), generator=g),
        torch.randint(-1, max(u, 1), (b, t), generator=g).clamp(max=u - 1),
        torch.randn(b, t, SPEC.window, generator=g),
        torch.randint(0, 2, (b, t), generator=g),
        torch.rand(b, t, generator=g) < 0.7,
        torch.rand(f, 3, side, side, generator=g),
        torch.randint(-1, max(f, 1), (b, t), generator=g).clamp(max=f - 1),
        h,
        c,
    )


@pytest.mark.parametrize("words", ["wordpieces", "vocabulary"])
def test_text(words: Words, tmp_path: Path) -> None:
    graph = graphs_of(make_encoder(words), make_model(), SPEC)["text"]
    run = export(graph, tmp_path)
    rows = len(VOCABULARY) if words == "vocabulary" else 50
    for u, s, length in ((1, 1, 1), (2, 5, 3), (3, 9, 4), (20, 40, 17)):
        equal(graph.module, run, *sentences(u, s, length, rows))


@pytest.mark.parametrize("interlocutor", [True, False])
def test_audio(interlocutor: bool, tmp_path: Path) -> None:
    model = make_model(config=replace(CONFIG, audio=replace(CONFIG.audio, interlocutor=interlocutor)))
    graph = graphs_of(make_encoder(), model, SPEC)["audio"]
    run = export(graph, tmp_path)
    for n in (1, 2, 7, 60):
        equal(graph.module, run, torch.randn(n, SPEC.window), torch.arange(n) % 2)


@pytest.mark.parametrize("grey", [True, False])
def test_visual(grey: bool, tmp_path: Path) -> None:
    model = make_model(config=replace(CONFIG, visual=replace(CONFIG.visual, grey=grey)))
    graph = graphs_of(make_encoder(), model, SPEC)["visual"]
    run = export(graph, tmp_path)
    for f in (1, 2, 5, 33):
        equal(graph.module, run, torch.randint(0, 256, (f, 32, 32, 3)).to(torch.uint8))


def test_spread(tmp_path: Path) -> None:
    config = replace(CONFIG, head=replace(CONFIG.head, spread=True))
    graph = graphs_of(make_encoder(), make_model(config=config), SPEC)["fusion"]
    assert graph.outputs[-1] == "spread"
    run = export(graph, tmp_path)
    for b, t in ((1, 1), (2, 4)):
        equal(graph.module, run, *frames(b, t))
        assert run(*frames(b, t))[-1].shape == (b, t, 2)


@pytest.mark.parametrize("kind", FUSIONS)
def test_fusion(kind: str, tmp_path: Path) -> None:
    graph = graphs_of(make_encoder(), make_model(kind), SPEC)["fusion"]
    run = export(graph, tmp_path)
    for b, t in ((1, 1), (2, 4), (3, 7), (1, 1000)):
        equal(graph.module, run, *frames(b, t))
    for present in ("none", "all", "text", "audio", "visual"):
        equal(graph.module, run, *frames(2, 5, present))


@pytest.mark.parametrize("kind", FUSIONS)
def test_fifty_steps_are_one_run(kind: str, tmp_path: Path) -> None:
    run = export(graphs_of(make_encoder(), make_model(kind), SPEC)["fusion"], tmp_path)
    *inputs, h, c = frames(2, 50)
    whole, steps = run(*inputs, h, c), []
    for k in range(50):
        y, h, c, *_ = map(torch.from_numpy, run(*(x[:, k : k + 1].contiguous() for x in inputs), h, c))
        steps.append(y.numpy())
    np.testing.assert_allclose(np.concatenate(steps, 1), whole[0], rtol=0, atol=1e-5)
    np.testing.assert_allclose(h.numpy(), whole[1], rtol=0, atol=1e-5)


@pytest.mark.parametrize("kind", ["cross_modal", "concatenation"])
def test_whole_model_as_one_graph(kind: str, tmp_path: Path) -> None:
    module = Whole(make_model(kind))
    names = ("words", "word_mask", "frame_sentence", "audio", "speaker", "audio_present")
    names = (*names, "images", "frame_image", "h", "c")
    axes = {"words": {0: "U", 1: "L"}, "word_mask": {0: "U", 1: "L"}, "images": {0: "F"}}
    axes |= {one: {1: "B"} for one in ("h", "c", "h_out", "c_out")}
    outputs = ("y", "h_out", "c_out", *(("modality", "pairs") if kind == "cross_modal" else ()))
    axes |= {one: FRAMES for one in (*names, *outputs) if one not in axes}
    graph = Graph(module.eval(), contract(2, 4, 3, 5, 2), names, outputs, axes)
    run = export(graph, tmp_path)
    for b, t, u, length, f in ((2, 4, 3, 5, 2), (1, 1, 1, 1, 1), (3, 7, 6, 9, 11), (1, 1000, 20, 3, 9)):
        equal(module, run, *contract(b, t, u, length, f))
    for u, f in ((0, 3), (3, 0), (0, 0)):
        equal(module, run, *contract(2, 5, u, 4, f))
    nothing = list(contract(2, 5, 0, 4, 0))
    nothing[5] = torch.zeros(2, 5, dtype=torch.bool)
    equal(module, run, *nothing)
    assert (tmp_path / "graph.onnx").stat().st_size < 200_000
    assert {n.removesuffix(".half") for n, *_ in weights_of(tmp_path / "graph.onnx")} == set(states([module]))


def test_half_precision_costs_little(tmp_path: Path) -> None:
    """Weights as training left them, not rounded to halves before: off by the rounding only."""
    torch.manual_seed(5)
    model = Multimodal(CONFIG).eval()
    inputs = frames(2, 50)
    sound = torch.randn(40, SPEC.window), torch.arange(40) % 2
    for part, given in (("fusion", inputs), ("audio", sound)):
        graph = graphs_of(make_encoder(), model, SPEC)[part]
        with torch.no_grad():
            wanted = graph.module(*given)
        wanted = wanted[0] if isinstance(wanted, tuple) else wanted
        found = export(graph, tmp_path)(*given)[0]
        assert np.abs(found - wanted.numpy()).max() < 2e-3 * wanted.abs().max()


def states(modules: list[nn.Module]) -> dict[str, Tensor]:
    """What a bundle keeps of modules: their state but for BatchNorm's count of batches."""
    named = ((name, value) for module in modules for name, value in module.state_dict().items())
    return {name: value for name, value in named if not name.endswith("num_batches_tracked")}


def weights_of(path: Path) -> Iterator[tuple[str, list[int], dict[str, str]]]:
    """Name, shape and place of each weight of a graph; inline constants must be too small to be weights."""
    graph = onnx.load(str(path), load_external_data=False).graph
    for node in graph.node:
        for attribute in node.attribute:
            # The positions that BERT counts are whole numbers, no weights.
            assert attribute.t.data_type == onnx.TensorProto.INT64 or len(attribute.t.raw_data) <= 256
            assert not attribute.HasField("g")
    for tensor in graph.initializer:
        if tensor.data_location == onnx.TensorProto.EXTERNAL:
            yield tensor.name, list(tensor.dims), {entry.key: entry.value for entry in tensor.external_data}
        else:
            assert tensor.ByteSize() <= 256


@pytest.mark.parametrize("words", ["wordpieces", "vocabulary"])
def test_initialisers_are_the_state_dict(words: Words) -> None:
    folder = bundle_folder("cross_modal", words)
    state = states([g.module for g in graphs_of(make_encoder(words), make_model(), SPEC).values()])
    places, data = offsets(folder / "weights.safetensors"), (folder / "weights.safetensors").read_bytes()
    assert set(places) == set(state)
    used: list[str] = []
    for part in PARTS:
        path = folder / f"graph-{part}.onnx"
        assert path.stat().st_size < 200_000
        for half, shape, place in weights_of(path):
            name = half.removesuffix(".half")
            offset, length = int(place["offset"]), int(place["length"])
            assert place["location"] == "weights.safetensors" and (offset, length) == places[name]
            assert list(state[name].shape) == shape
            assert data[offset : offset + length] == stored(state[name]).numpy().tobytes()
            used.append(name)
    # QuantisedEmbedding's rows, BatchNorm's statistics, all: each in one graph, once.
    assert sorted(used) == sorted(state)
    assert 8 + int.from_bytes(data[:8], "little") + sum(size for _, size in places.values()) == len(data)


def test_eight_bits_stay_eight_bits() -> None:
    (table,) = (m for m in make_encoder().modules() if isinstance(m, QuantisedEmbedding))
    places = offsets(bundle_folder() / "weights.safetensors")
    name = "encoder.transformer.embeddings.word_embeddings.weight"
    assert places[name][1] == table.weight.numel()


def test_a_weight_too_large_for_half_precision_is_refused(tmp_path: Path) -> None:
    layer = nn.Linear(2, 2)
    with torch.no_grad():
        layer.weight.fill_(1e6)
    with pytest.raises(ValueError, match="weight does not fit into half precision"):
        write_weights([layer], tmp_path / "weights.safetensors")


def test_config_says_what_the_model_is() -> None:
    config = json.loads((bundle_folder() / "config.json").read_text())
    assert config["fusion"] == "cross_modal" and config["words"] == "wordpieces"
    assert config["pairs"] == [["audio", "visual"], ["text", "visual"], ["text", "audio"]]
    assert type(CONFIG).from_dict(config["sizes"]) == CONFIG
