"""A bundle that is damaged, foreign or made with ill will is refused in one line, and no more happens."""

from __future__ import annotations

import json
import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from affekt.errors import ModelError
from affekt.runtime.bundle import CONFIG, WEIGHTS, find_bundle, installed, open_bundle, sha256
from affekt.runtime.engine import Engine
from bundles import CARD, SPEC, bundle_folder, change_config

Header = dict[str, Any]
FILES = (WEIGHTS, "tokenizer.json", *(f"graph-{part}.onnx" for part in ("text", "audio", "visual", "fusion")))
MUTANTS = 150


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A tiny bundle to damage."""
    return Path(shutil.copytree(bundle_folder(), tmp_path / "inside" / "tiny"))


def use(folder: Path) -> None:
    """Open a bundle and run every graph of it."""
    bundle = open_bundle(folder)
    engine = Engine(bundle, threads=1)
    size = bundle.spec.image_size
    vectors, _ = engine.encode(["the good day"])
    sound = engine.hear(np.zeros((1, bundle.spec.window), np.float32), np.zeros(1, np.int64))
    faces, _ = engine.see(np.zeros((1, size, size, 3), np.uint8))
    presence = np.ones((1, 1, 3), bool)
    judged = engine.judge((vectors[None], sound[None], faces[None]), presence, engine.initial(1))
    assert np.isfinite(judged.y).all()


def refused(action: Callable[[Path], object], folder: Path, reason: str) -> None:
    with pytest.raises(ModelError, match=reason) as caught:
        action(folder)
    assert "\n" not in str(caught.value) and "tiny" in str(caught.value)


def put(folder: Path, name: str, data: bytes) -> None:
    """Put other contents into a bundle's file and its checksum into the config: nothing looks damaged."""
    (folder / name).write_bytes(data)
    files = json.loads((folder / CONFIG).read_text())["files"]
    change_config(folder, files=files | {name: sha256(folder / name)})


def with_header(data: bytes, change: Callable[[Header], object]) -> bytes:
    """A safetensors file whose header has been changed."""
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    change(header)
    new = json.dumps(header).encode()
    return len(new).to_bytes(8, "little") + new + data[8 + length :]


def test_a_whole_one_opens(folder: Path) -> None:
    bundle = open_bundle(folder)
    assert (bundle.name, bundle.version, bundle.fusion, bundle.words) == (
        "tiny",
        "1",
        "cross_modal",
        "wordpieces",
    )
    assert bundle.spec == SPEC and bundle.card == CARD
    assert bundle.pairs == (("audio", "visual"), ("text", "visual"), ("text", "audio"))
    assert find_bundle(str(folder)) == folder
    use(folder)
    use(bundle_folder("residual", "vocabulary"))


@pytest.mark.parametrize(
    "name", ["no-such-tiny-model", "", "tiny\0", "x" * 5_000 + "tiny", "~tiny", "../tiny"]
)
def test_unknown_name(name: str) -> None:
    with pytest.raises(ModelError, match="no such model; give a bundle's folder or one of the installed"):
        open_bundle(name)


def test_installed_ones_are_found_by_name() -> None:
    for name, folder in installed().items():
        assert find_bundle(name) == folder


def test_foreign_folder_and_file(tmp_path: Path) -> None:
    (tmp_path / "tiny.txt").write_text("x")
    refused(open_bundle, tmp_path / "tiny.txt", "no such model")
    (tmp_path / "tiny").mkdir()
    refused(open_bundle, tmp_path / "tiny", "no such model")
    (tmp_path / "tiny" / CONFIG).write_text('{"model_type": "bert", "hidden_size": 768}')
    refused(open_bundle, tmp_path / "tiny", "not a model bundle of affekt's")


@pytest.mark.parametrize("name", FILES)
def test_files(folder: Path, name: str) -> None:
    path, data = folder / name, (folder / name).read_bytes()
    path.write_bytes(data[:-7])
    refused(open_bundle, folder, f"{name}: is damaged .its checksum differs.; copy the bundle again")
    middle = len(data) // 2
    path.write_bytes(data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :])
    refused(open_bundle, folder, f"{name}: is damaged")
    path.unlink()
    refused(open_bundle, folder, f"{name}: is missing; copy the whole bundle again")
    path.mkdir()
    refused(open_bundle, folder, f"{name}: is missing")


def test_missing_card(folder: Path) -> None:
    (folder / "card.md").unlink()
    use(folder)
    refused(lambda one: open_bundle(one).card, folder, "card.md: is missing")


@pytest.mark.parametrize(
    "change",
    [
        lambda h: h["audio.convs.0.weight"].update(shape=[3, 1, 800]),
        lambda h: h["audio.convs.0.weight"].update(shape=[-3, -1, 8]),
        lambda h: h["audio.convs.0.weight"].update(dtype="F64"),
        lambda h: h["audio.convs.0.weight"].update(dtype="pickle"),
        lambda h: h["audio.convs.0.weight"].update(data_offsets=[0, 10**12]),
        lambda h: h["audio.convs.0.weight"].update(data_offsets=[-16, 32]),
        lambda h: h["audio.convs.0.weight"].update(data_offsets=[0, 2**70]),
        lambda h: h.update({"audio.convs.0.weight": h["audio.convs.1.weight"]}),
        lambda h: h.update({"more": {"dtype": "F16", "shape": [9], "data_offsets": [0, 18]}}),
        lambda h: h.pop("audio.convs.0.weight"),
        lambda h: h.update({"audio.convs.0.weight": None}),
        lambda h: h.clear(),
    ],
)
def test_a_header_that_lies(folder: Path, change: Callable[[Header], object]) -> None:
    put(folder, WEIGHTS, with_header((folder / WEIGHTS).read_bytes(), change))
    refused(open_bundle, folder, "weights.safetensors: is damaged .*copy the bundle again")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x08",
        b"\x80\x04\x95pickle",
        b"\xff" * 64,
        (10**9).to_bytes(8, "little") + b"{}" * 50,
        (2**63).to_bytes(8, "little") + b"{}" * 50,
        (4).to_bytes(8, "little") + b"nope",
        (2).to_bytes(8, "little") + b"[]",
    ],
)
def test_no_safetensors_at_all(folder: Path, data: bytes) -> None:
    put(folder, WEIGHTS, data)
    refused(open_bundle, folder, "weights.safetensors: is damaged")


def test_graphs_that_reach_further_than_the_weights(folder: Path) -> None:
    data = (folder / WEIGHTS).read_bytes()
    length = int.from_bytes(data[:8], "little")
    put(folder, WEIGHTS, (2).to_bytes(8, "little") + b"{}")
    refused(use, folder, "graph-.*: cannot be loaded")
    assert length > 2


def test_graphs_that_reach_out_of_the_folder(folder: Path) -> None:
    """ONNX Runtime itself refuses: the file is there, and would fit."""
    path, outside = folder / "graph-audio.onnx", folder.parent / "x"
    shutil.copy(folder / WEIGHTS, outside)
    for location in ("../x", str(outside), "../tiny/../x", f"../../{outside.parent.name}/x"):
        model = onnx.load(str(path), load_external_data=False)
        for tensor in model.graph.initializer:
            for entry in tensor.external_data:
                if entry.key == "location":
                    entry.value = location
        put(folder, path.name, model.SerializeToString())
        refused(use, folder, "graph-audio.onnx: cannot be loaded")


@pytest.mark.parametrize(
    ("part", "data"),
    [("text", b""), ("fusion", b"nonsense"), ("visual", b"\x80\x04\x95"), ("audio", b"\0" * 999)],
)
def test_no_graph_at_all(folder: Path, part: str, data: bytes) -> None:
    put(folder, f"graph-{part}.onnx", data)
    refused(use, folder, f"graph-{part}.onnx: (cannot be loaded|does not fit)")


@pytest.mark.parametrize(
    ("part", "other"), [("text", "audio"), ("audio", "visual"), ("visual", "fusion"), ("fusion", "text")]
)
def test_another_graph(folder: Path, part: str, other: str) -> None:
    put(folder, f"graph-{part}.onnx", (folder / f"graph-{other}.onnx").read_bytes())
    refused(use, folder, f"graph-{part}.onnx: does not fit its bundle .*copy the whole bundle again")


def test_a_tokenizer_of_more_pieces_than_the_encoder_knows(folder: Path) -> None:
    tokenizer = json.loads((folder / "tokenizer.json").read_text())
    tokenizer["model"]["vocab"] = {piece: row + 9_000 for piece, row in tokenizer["model"]["vocab"].items()}
    put(folder, "tokenizer.json", json.dumps(tokenizer).encode())
    refused(use, folder, "graph-text.onnx: fails on what it is given|tokenizer.json")


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"format": 2}, "is of bundle format 2; update affekt to read it"),
        ({"format": "1"}, "has no format"),
        ({"format": True}, "has no format"),
        ({"name": 3}, "is not a name"),
        ({"band": 0.9}, "damaged"),
        ({"band": {"share": 0.9}}, "scale"),
        ({"band": {"share": 0.9, "scale": [1.0]}}, "damaged"),
        ({"band": {"share": 0.9, "scale": "11"}}, "makes a band of"),
        ({"band": {"share": 1, "scale": [1.0, 1.0]}}, "makes a band of"),
        ({"band": {"share": 0.9, "scale": [True, 1.0]}}, "makes a band of"),
        ({"band": {"share": 0.9, "scale": [1.0, -1.0]}}, "makes a band of"),
        ({"band": {"share": 0.9, "scale": [1.0, float("nan")]}}, "makes a band of"),
        ({"band": {"share": 0.9, "scale": [1.0, float("inf")]}}, "makes a band of"),
        (
            {"band": {"share": 0.9, "scale": [1.0, 1.0], "scales": {"visual audio": [1.0, 1.0]}}},
            "makes a band of",
        ),
        ({"band": {"share": 0.9, "scale": [1.0, 1.0], "scales": {"audio": [1.0, 0.0]}}}, "makes a band of"),
        ({"band": {"share": 0.9, "scale": [1.0, 1.0], "scales": {"": [1.0, 1.0]}}}, "makes a band of"),
        ({"name": ""}, "is not a name"),
        ({"words": "bytes"}, "bytes"),
        ({"words": ["wordpieces"]}, "damaged"),
        ({"words": "vocabulary"}, "files of config.json are"),
        ({"pairs": [["text", "smell"]] * 3}, "damaged"),
        ({"pairs": [["text", "audio"]]}, "1 pairs"),
        ({"pairs": 3}, "damaged"),
        ({"clip": {}}, "languages"),
        ({"clip": SPEC.to_dict() | {"sample_rate": 0}}, "0 Hz"),
        ({"clip": SPEC.to_dict() | {"sample_rate": "8000"}}, "whole numbers"),
        ({"clip": SPEC.to_dict() | {"window": 10**9}}, "windows of 1000000000"),
        ({"clip": SPEC.to_dict() | {"image_size": 10**6}}, "1000000 pixels"),
        ({"clip": SPEC.to_dict() | {"crop_margin": float("nan")}}, "nan wider"),
        ({"clip": SPEC.to_dict() | {"cutoff": -3}}, "up to -3 Hz"),
        ({"clip": SPEC.to_dict() | {"level": 90.0}}, "90.0 dBFS"),
        ({"clip": SPEC.to_dict() | {"languages": "en"}}, "languages"),
        ({"clip": SPEC.to_dict() | {"languages": [3]}}, "3 is not a name"),
        ({"clip": SPEC.to_dict() | {"more": 1}}, "more"),
        ({"files": {}}, "files of config.json are"),
        ({"files": {"../../etc/passwd": "0"}}, "files of config.json are"),
        ({"files": dict.fromkeys(FILES, 3)}, "is damaged"),
        ({"files": dict.fromkeys((*FILES, "../x"), "0")}, "files of config.json are"),
        ({"files": None}, "damaged"),
    ],
)
def test_config_values(folder: Path, values: dict[str, object], reason: str) -> None:
    change_config(folder, **values)
    refused(open_bundle, folder, reason)


@pytest.mark.parametrize(
    "text",
    ["", "{", "null", "[]", "3", '"x"', "{}", "[" * 100_000, '{"format": 1' + "0" * 5_000 + "}", "\ufeff{}"],
)
def test_config_is_something_else(folder: Path, text: str) -> None:
    (folder / CONFIG).write_text(text, encoding="utf-8")
    refused(open_bundle, folder, "not a model bundle of affekt's, or damaged|update affekt")


def test_config_is_bytes_or_endless(folder: Path) -> None:
    (folder / CONFIG).write_bytes(b"\xff\xfe\x00{")
    refused(open_bundle, folder, "not a model bundle")
    (folder / CONFIG).write_bytes(b" " * 2_000_000)
    refused(open_bundle, folder, "too large")


@pytest.mark.parametrize(
    ("clip", "part"),
    [({"window": 1_001}, "audio"), ({"sample_rate": 9_000}, None), ({"image_size": 48}, "visual")],
)
def test_a_clip_that_the_graphs_do_not_take(folder: Path, clip: dict[str, int], part: str | None) -> None:
    change_config(folder, clip=SPEC.to_dict() | clip)
    if part:
        refused(use, folder, f"graph-{part}.onnx: does not fit its bundle")
    else:
        use(folder)


def test_pairs_that_the_fusion_does_not_give(folder: Path) -> None:
    change_config(folder, pairs=None)
    refused(use, folder, "graph-fusion.onnx: does not fit its bundle")


VALUES = (None, True, -1, 0, 1, 10**30, 0.5, float("inf"), "", "x", "../x", [], [[]], {}, {"a": 1}, ["text"])


def mutate(value: Any, draw: random.Random) -> Any:
    """Somewhere inside, another value, one thing less, or one more."""
    if isinstance(value, dict) and value and draw.random() < 0.85:
        key = draw.choice(sorted(value))
        changed = value | {key: mutate(value[key], draw)}
        if draw.random() < 0.2:
            del changed[key]
        return changed
    if isinstance(value, list) and value and draw.random() < 0.7:
        place = draw.randrange(len(value))
        return [*value[:place], mutate(value[place], draw), *value[place + draw.randrange(2) :]]
    return draw.choice(VALUES)


def test_mutants_of_the_config(folder: Path) -> None:
    draw, text, opened = random.Random(8), (folder / CONFIG).read_bytes(), 0
    for k in range(MUTANTS):
        if k % 3:
            mutant = json.dumps(mutate(json.loads(text), draw)).encode()
        else:
            place = draw.randrange(len(text))
            mutant = text[:place] + bytes([draw.randrange(256)]) * draw.randrange(3) + text[place + 1 :]
        (folder / CONFIG).write_bytes(mutant)
        try:
            bundle = open_bundle(folder)
            opened += 1
            if bundle.spec != SPEC or bundle.pairs is None:
                use(folder)
        except ModelError as error:
            assert "\n" not in str(error) and "tiny" in str(error), mutant
    assert 10 < opened < MUTANTS / 2


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(folder: Path) -> None:
    (folder / CONFIG).chmod(0)
    refused(open_bundle, folder, "not a model bundle")
