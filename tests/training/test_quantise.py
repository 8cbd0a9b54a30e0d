"""int8 graphs say nearly what float32 graphs say, where asked for, and never with old weights."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from shutil import copytree

import numpy as np
import onnx
import onnxruntime as ort
import pytest
import torch
from onnx import numpy_helper
from safetensors.torch import load_file

import affekt
from affekt.errors import ModelError
from affekt.networks import QuantisedLinear, quantise_linears
from affekt.runtime import engine as engines
from affekt.runtime.bundle import open_bundle
from affekt.runtime.engine import Engine, Precision
from affekt.runtime.words import load_words
from affekt.training.adapted import write_adapted
from affekt.training.export import Graph, graphs_of, traced, write_bundle
from affekt.training.quantise import Feed, int8_graphs, int8_linears
from bundles import CARD, KEPT, SPEC, bundle_folder, change_config, make_encoder, make_model, tokenizer

TEXTS = ["the good day", "No!", "I don't know why it went on for so long, honestly.", "bad night"]
INPUTS = ("pieces", "piece_word", "piece_mask", "word_mask")


def faces(count: int, seed: int = 0) -> np.ndarray:
    size = SPEC.image_size
    return np.random.default_rng(seed).integers(0, 256, (count, size, size, 3), dtype=np.uint8)


def sentences() -> list[Feed]:
    words = load_words(bundle_folder(), "wordpieces")
    return [{name: getattr(words.encode([text]), name) for name in INPUTS} for text in TEXTS]


def rounded_encoder() -> torch.nn.Module:
    encoder = make_encoder()
    quantise_linears(encoder)
    return encoder


@cache
def quick_folder() -> Path:
    """A tiny bundle with int8 graphs of text and faces."""
    folder = Path(KEPT.name, "quick")
    calibration = (sentences(), faces(40))
    write_bundle(
        folder,
        "quick",
        rounded_encoder(),
        make_model(),
        SPEC,
        tokenizer(),
        "wordpieces",
        CARD,
        calibration=calibration,
    )
    return folder


def engine(precision: Precision) -> Engine:
    return Engine(open_bundle(quick_folder()), 1, precision)


def test_linear_by_hand() -> None:
    layer = torch.nn.Linear(2, 2)
    layer.weight.data = torch.tensor([[0.64, -0.32], [0.0, 128.0]])
    layer.bias.data = torch.tensor([1.0, -1.0])
    quantised = QuantisedLinear.of(layer)
    assert quantised.weight.tolist() == [[64, -32], [0, 64]]
    torch.testing.assert_close(quantised.scale, torch.tensor([0.01, 2.0]), rtol=1e-3, atol=0)
    # 0.64 · 1 − 0.32 · 2 + 1 = 1, 128 · 2 − 1 = 255
    torch.testing.assert_close(quantised(torch.tensor([1.0, 2.0])), torch.tensor([1.0, 255.0]))


def test_linear_error_is_half_a_step() -> None:
    layer = torch.nn.Linear(50, 20, bias=False)
    quantised = QuantisedLinear.of(layer)
    error = (quantised(torch.eye(50)).T - layer.weight).abs().amax(1)
    assert torch.all(error <= 0.0088 * layer.weight.abs().amax(1)) and error.max() > 0
    assert quantised.bias.abs().max() == 0


def test_all_linears_inside_are_taken() -> None:
    encoder, kinds = rounded_encoder(), (torch.nn.Linear, QuantisedLinear)
    found = [type(m) for m in encoder.modules() if isinstance(m, kinds)]
    assert found == [QuantisedLinear] * 12  # two layers: query, key, value, output, and the two behind


def test_int8_by_hand() -> None:
    layer = torch.nn.Linear(3, 1)
    layer.weight.data, layer.bias.data = torch.tensor([[0.5, -0.25, 1.0]]), torch.tensor([0.125])
    shape = {"x": {1: "S"}, "y": {1: "S"}}
    model = traced(Graph(QuantisedLinear.of(layer), (torch.zeros(1, 2, 3),), ("x",), ("y",), shape))
    seen = np.array([[[-1, 0, 2]]], np.float32)
    assert int8_linears(model, [{"x": seen}])
    assert {node.op_type for node in model.graph.node} >= {"QuantizeLinear", "MatMulIntegerToFloat"}
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    # 255 steps of 3 / 255 from −1 to 2: whole ones are exact, less than half a one is none, beyond 2 is 2.
    x = np.array([[[-1, 1, 2], [0.005, 0, 0], [5, 0, 0]]], np.float32)
    wanted = np.array([-0.5 - 0.25 + 2 + 0.125, 0.125, 1 + 0.125])[None, :, None]
    np.testing.assert_allclose(session.run(None, {"x": x})[0], wanted, rtol=0, atol=1e-5)


def test_int8_is_near_float32() -> None:
    plain, quick = engine("float32"), engine("int8")
    assert (plain.int8, quick.int8) == ((), ("text", "visual"))
    said = ((one.encode(TEXTS)[0], *one.see(faces(9, 1))) for one in (plain, quick))
    for a, b in zip(*said, strict=True):
        apart = np.abs(a - b)
        assert apart.max() > 0  # they are not the same graph
        # Weights drawn at random: trained ones differ by less (`benchmarks/precision.py`).
        assert apart.mean() < 0.15 * a.std()


def test_a_sentence_does_not_depend_on_those_beside_it() -> None:
    quick = engine("int8")
    alone = np.concatenate([quick.encode([text])[0] for text in TEXTS])
    np.testing.assert_allclose(quick.encode(TEXTS)[0], alone, rtol=0, atol=1e-5)


def test_float32_is_what_pytorch_says() -> None:
    feed = sentences()[2]
    with torch.no_grad():
        module = graphs_of(rounded_encoder(), make_model(), SPEC)["text"].module
        wanted = module(*(torch.from_numpy(feed[name]) for name in INPUTS))[0].numpy()
    np.testing.assert_allclose(engine("float32").encode([TEXTS[2]])[0], wanted, rtol=0, atol=1e-4)


def test_weights_are_kept_once_and_7_bits_wide() -> None:
    weights = load_file(quick_folder() / "weights.safetensors")
    tables = {name for name in weights if name.startswith("int8.visual.")}
    assert tables and not any(name.startswith("int8.text") for name in weights)
    whole = [name for name in weights if weights[name].dtype == torch.int8 and "embedding" not in name]
    assert len(whole) > 12
    assert all(weights[name].abs().max() <= 64 for name in whole)
    for part in ("text", "visual"):
        graph = onnx.load(str(quick_folder() / f"graph-{part}-int8.onnx"), load_external_data=False).graph
        inside = [t for t in graph.initializer if t.data_location != onnx.TensorProto.EXTERNAL]
        assert max(numpy_helper.to_array(t).size for t in inside) < 300


@pytest.mark.parametrize(("quick", "parts"), [(True, ("text", "visual")), (False, ())])
def test_auto_takes_int8_where_it_is_quicker(
    quick: bool, parts: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "quick_int8", lambda: quick)
    assert engine("auto").int8 == parts


@pytest.mark.parametrize(("machine", "quick"), [("x86_64", True), ("AMD64", True), ("arm64", False)])
def test_int8_is_quick_where_that_was_measured(
    machine: str, quick: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platform.machine", lambda: machine)
    assert engines.quick_int8() is quick


def test_a_bundle_without_int8_runs_and_says_so_when_asked() -> None:
    assert Engine(open_bundle(bundle_folder()), 1).int8 == ()
    with pytest.raises(ModelError, match=r"has nothing in int8; leave --precision at auto, or float32"):
        affekt.load_model(bundle_folder(), precision="int8")


def test_no_such_precision() -> None:
    with pytest.raises(ValueError, match="precision is 'half'; it may be auto, float32, int8"):
        affekt.load_model(bundle_folder(), precision="half")  # type: ignore[arg-type]


def test_load_model_hands_precision_on() -> None:
    texts = TEXTS[:2]
    plain, quick = (affekt.load_model(quick_folder(), precision=p) for p in ("float32", "int8"))
    a, b = plain.predict_texts(texts).to_numpy(), quick.predict_texts(texts).to_numpy()
    assert 0 < np.abs(a - b).max() < 0.05


@pytest.mark.parametrize(
    "int8", [["text"], ["visual", "text"], ["audio"], ["text", "visual", "fusion"], "text"]
)
def test_config_must_name_the_graphs_there_are(int8: object, tmp_path: Path) -> None:
    copytree(quick_folder(), tmp_path / "b")
    change_config(tmp_path / "b", int8=int8)
    with pytest.raises(ModelError, match="not a model bundle"):
        open_bundle(tmp_path / "b")


def test_damaged_int8_graph_is_told(tmp_path: Path) -> None:
    copytree(quick_folder(), tmp_path / "b")
    path = tmp_path / "b" / "graph-visual-int8.onnx"
    path.write_bytes(path.read_bytes()[:-1] + b"\0")
    with pytest.raises(ModelError, match=r"graph-visual-int8\.onnx: is damaged"):
        open_bundle(tmp_path / "b")


@pytest.mark.parametrize(("sees_anew", "left"), [(False, ("text", "visual")), (True, ("text",))])
def test_adapted_faces_leave_their_old_table(sees_anew: bool, left: tuple[str, ...], tmp_path: Path) -> None:
    model = make_model()
    with torch.no_grad():
        model.fused_head.head.out.bias.add_(0.1)
        if sees_anew:
            next(model.visual.parameters()).add_(0.1)
    write_adapted(open_bundle(quick_folder()), tmp_path / "b", "new", model, CARD)
    assert open_bundle(tmp_path / "b").int8 == left
    assert json.loads((tmp_path / "b" / "config.json").read_text())["int8"] == list(left)


def test_plain_linears_are_left_in_float32() -> None:
    model = traced(graphs_of(make_encoder(), make_model(), SPEC)["text"])
    before = model.SerializeToString()
    assert int8_linears(model, sentences()) is False
    assert model.SerializeToString() == before
    assert int8_graphs({"text": model}, sentences(), None) == ({}, {})
