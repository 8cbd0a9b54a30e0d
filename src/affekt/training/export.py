"""From PyTorch to a bundle: each weight once, as safetensors, and ONNX graphs that point into them.

The graphs' initialisers are the state dict under its own names: exported without folding constants and
without training's or evaluation's rewrites, then turned to half precision, moved out, and cast back where
they are used. ONNX Runtime folds those casts when it loads.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import onnx
import torch
from onnx import TensorProto, helper
from safetensors.torch import save_file
from torch import Tensor, nn

from affekt.networks import (
    FUSIONS,
    FusedHead,
    Multimodal,
    MultimodalConfig,
    TextNetwork,
)
from affekt.runtime.bundle import CARD, CONFIG, FORMAT, WEIGHTS, checked_band, sha256
from affekt.runtime.words import FILES, Kind
from affekt.timeline import MODALITIES, ClipSpec
from affekt.training.quantise import Calibration, int8_graphs

OPSET = 17
CLIP = 100
"""Frames that a bundle gives an audio network which may hear any number at once: 10 s."""
Axes = dict[str, dict[int, str]]


class TextGraph(nn.Module):
    """Pieces of words → x^t and the selector's weights."""

    def __init__(self, encoder: nn.Module, text: TextNetwork) -> None:
        super().__init__()
        self.encoder = encoder
        self.text = text

    def forward(
        self, pieces: Tensor, piece_word: Tensor, piece_mask: Tensor, word_mask: Tensor
    ) -> tuple[Tensor, Tensor]:
        """pieces, piece_word, piece_mask (U, S), word_mask (U, L) → x^t (U, D_t), α (U, P, L)."""
        x, alpha = self.text(self.encoder(pieces, piece_word, piece_mask, word_mask), word_mask)
        return x, alpha


class AudioGraph(nn.Module):
    """Sound windows → x^a."""

    def __init__(self, audio: nn.Module) -> None:
        super().__init__()
        self.audio = audio

    def forward(self, windows: Tensor, speaker: Tensor) -> Tensor:
        """windows (N, window), speaker (N,) → x^a (N, D_a); in context (B, T, ·), (B, T) → (B, T, D_a)."""
        return torch.as_tensor(self.audio(windows, speaker))


class VisualGraph(nn.Module):
    """Face crops as they come from the decoder, (F, S, S, 3) uint8 → x^v and where it looked."""

    def __init__(self, visual: nn.Module) -> None:
        super().__init__()
        self.visual = visual

    def forward(self, faces: Tensor) -> tuple[Tensor, Tensor]:
        """(F, S, S, 3) uint8 → x^v (F, D_v), map (F, S/4, S/4)."""
        x, heat = self.visual(faces.to(torch.float32).permute(0, 3, 1, 2) / 255)
        return x, heat


class FusionGraph(nn.Module):
    """Features and presence → arousal and valence, the weights, the spread, and the state to go on from."""

    def __init__(self, fused_head: FusedHead) -> None:
        super().__init__()
        self.fused_head = fused_head

    def forward(
        self, text: Tensor, audio: Tensor, visual: Tensor, presence: Tensor, h: Tensor, c: Tensor
    ) -> tuple[Tensor, ...]:
        """x^t, x^a, x^v (B, T, ·), presence (B, T, 3), state → y (B, T, 2), state, weights, spread."""
        y, fused, state, spread = self.fused_head(text, audio, visual, presence, (h, c))
        found = (y, *state, fused.modality, fused.pairs, fused.shares, spread)
        return tuple(t for t in found if t is not None)


@dataclass(frozen=True)
class Graph:
    """A module with the example it is traced on and the names of what goes in and out."""

    module: nn.Module
    example: tuple[Tensor, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    axes: Axes


def graphs_of(encoder: nn.Module | None, model: Multimodal, spec: ClipSpec) -> dict[str, Graph]:
    """The graphs of a bundle, in its order: one for each modality the model has, and the fusion's."""
    config = model.config
    true, long = torch.ones(2, 3, dtype=torch.bool), torch.ones(2, 5, dtype=torch.int64)
    frames = (2, 4)
    features = tuple(torch.zeros(*frames, size) for size in config.sizes)
    state = model.fused_head.head.initial(2)
    batch = {0: "B", 1: "T"}
    alone = len(config.modalities) == 1
    outputs = ["y", "h_out", "c_out"]
    if alone or config.fusion.kind != "concatenation":
        outputs.append("modality")
    if pair_names(config):
        outputs.append("pairs")
    if not alone and config.fusion.kind == "hierarchical":
        outputs.append("shares")
    if config.head.spread:
        outputs.append("spread")
    inputs = ("text", "audio", "visual", "presence", "h", "c")
    fusion_axes: Axes = {
        n: {1: "B"} if n in ("h", "c", "h_out", "c_out") else batch for n in (*inputs, *outputs)
    }
    graphs = {}
    if "text" in config.modalities:
        assert encoder is not None
        pieces, words = {0: "U", 1: "S"}, {0: "U", 1: "L"}
        graphs["text"] = Graph(
            TextGraph(encoder, model.text),
            (long, long - 1, long > 0, true),
            ("pieces", "piece_word", "piece_mask", "word_mask"),
            ("x", "alpha"),
            {"pieces": pieces, "piece_word": pieces, "piece_mask": pieces, "word_mask": words}
            | {"x": {0: "U"}, "alpha": {0: "U", 2: "L"}},
        )
    if "audio" in config.modalities:
        graphs["audio"] = audio_graph(model, spec)
    if "visual" in config.modalities:
        graphs["visual"] = Graph(
            VisualGraph(model.visual),
            (torch.zeros(2, spec.image_size, spec.image_size, 3, dtype=torch.uint8),),
            ("faces",),
            ("x", "map"),
            {"faces": {0: "F"}, "x": {0: "F"}, "map": {0: "F"}},
        )
    graphs["fusion"] = Graph(
        FusionGraph(model.fused_head),
        (*features, torch.ones(*frames, 3, dtype=torch.bool), *state),
        inputs,
        tuple(outputs),
        fusion_axes,
    )
    return graphs


def audio_graph(model: Multimodal, spec: ClipSpec) -> Graph:
    """The audio network's graph: frames alone, or consecutive frames where it looks beyond one."""
    windows, speaker = torch.zeros(2, spec.window), torch.tensor([0, 1])
    axes = {0: "N"}
    if model.config.audio.context:
        windows, speaker, axes = windows.unsqueeze(0), speaker.unsqueeze(0), {0: "B", 1: "T"}
    return Graph(
        AudioGraph(model.audio),
        (windows, speaker),
        ("windows", "speaker"),
        ("x",),
        {"windows": axes, "speaker": axes, "x": axes},
    )


def to_onnx(graph: Graph, path: Path) -> onnx.ModelProto:
    """Trace a module in evaluation mode; its initialisers are its state dict, under its own names."""
    graph.module.eval()
    with warnings.catch_warnings(), torch.no_grad():
        # The tracer warns of shapes and flags that are constant here; equality with eager is tested instead.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            graph.module,
            graph.example,
            str(path),
            input_names=list(graph.inputs),
            output_names=list(graph.outputs),
            dynamic_axes=graph.axes,
            opset_version=OPSET,
            dynamo=False,
            do_constant_folding=False,
            training=torch.onnx.TrainingMode.PRESERVE,
        )
    return onnx.load(str(path))


def stored(value: Tensor) -> Tensor:
    """A weight as the bundle keeps it: floating point in half precision, the rest as it is."""
    return value.detach().half().contiguous() if value.is_floating_point() else value.detach().contiguous()


def write_weights(modules: list[nn.Module], path: Path, tables: Mapping[str, Tensor] | None = None) -> None:
    """Write the weights of all modules once, under their own names, as safetensors; `tables` beside them.

    Raises:
        ValueError: a weight is too large for half precision.
    """
    weights = {name: stored(value) for name, value in (tables or {}).items()}
    for module in modules:
        for name, value in module.state_dict().items():
            if name.endswith("num_batches_tracked"):
                continue
            weights[name] = stored(value)
            if weights[name].is_floating_point() and not torch.isfinite(weights[name]).all():
                raise ValueError(f"{name} does not fit into half precision")
    save_file(weights, path)
    path.chmod(0o644)  # safetensors writes for the owner alone


def offsets(weights: Path) -> dict[str, tuple[int, int]]:
    """Where each tensor of a safetensors file lies: name → (offset, length) in bytes."""
    with weights.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(length))
    header.pop("__metadata__", None)
    return {
        name: (8 + length + entry["data_offsets"][0], entry["data_offsets"][1] - entry["data_offsets"][0])
        for name, entry in header.items()
    }


def point_into(model: onnx.ModelProto, weights: Path) -> None:
    """Replace each weight of a graph by a pointer into the weights file, cast back to float32 where due."""
    places = offsets(weights)
    kept, casts = [], []
    for tensor in model.graph.initializer:
        if tensor.name not in places:
            kept.append(tensor)
            continue
        offset, length = places[tensor.name]
        outside = TensorProto()
        outside.dims.extend(tensor.dims)
        outside.data_location = TensorProto.EXTERNAL
        for key, value in {"location": weights.name, "offset": str(offset), "length": str(length)}.items():
            entry = outside.external_data.add()
            entry.key, entry.value = key, value
        if tensor.data_type == TensorProto.FLOAT:
            outside.name, outside.data_type = f"{tensor.name}.half", TensorProto.FLOAT16
            casts.append(helper.make_node("Cast", [outside.name], [tensor.name], to=TensorProto.FLOAT))
        else:
            outside.name, outside.data_type = tensor.name, tensor.data_type
        kept.append(outside)
    nodes = [*casts, *model.graph.node]
    del model.graph.initializer[:]
    model.graph.initializer.extend(kept)
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def shorten(model: onnx.ModelProto) -> None:
    """Number the values between nodes and forget the nodes' names, which are most of a graph's bytes."""
    graph = model.graph
    kept = {"", *(value.name for value in (*graph.input, *graph.output, *graph.initializer))}
    numbers: dict[str, str] = {}
    for node in graph.node:
        node.name = ""
        for names in (node.input, node.output):
            for i, name in enumerate(names):
                if name not in kept:
                    names[i] = numbers.setdefault(name, f"v{len(numbers)}")


def write_graph(graph: Graph, weights: Path, path: Path) -> None:
    """Export one graph beside a weights file that already holds its weights."""
    write_model(traced(graph), weights, path)


def traced(graph: Graph) -> onnx.ModelProto:
    """A graph with its weights inside, as `to_onnx` makes it."""
    with TemporaryDirectory() as folder:
        return to_onnx(graph, Path(folder) / "graph.onnx")


def write_model(model: onnx.ModelProto, weights: Path, path: Path) -> None:
    """Write a traced graph beside a weights file that holds its weights."""
    point_into(model, weights)
    shorten(model)
    path.write_bytes(model.SerializeToString())


def write_bundle(
    folder: Path,
    name: str,
    encoder: nn.Module | None,
    model: Multimodal,
    spec: ClipSpec,
    tokenizer: bytes,
    words: Kind,
    card: str,
    version: str = "1",
    text_delay: int = 0,
    band: dict[str, Any] | None = None,
    calibration: Calibration | None = None,
) -> None:
    """Write a whole bundle; `config.json` comes last, so a folder without it is not a bundle.

    Args:
        words: `wordpieces` for an encoder's pieces of words, `vocabulary` for a learned word table.
        encoder, tokenizer: of words; None and nothing where the model has no text.
        text_delay: frames by which words came later where it learned.
        band: how to make a band of the head's spread: `share`, of the errors that it is to hold, in (0, 1);
            `scale`, its half-width over the spread, of arousal and of valence. None: it has none.
        calibration: what of training int8 is fitted to; None: float32 only.

    Raises:
        ValueError: a weight is too large for half precision; a band without a spread, or out of range.
    """
    if checked_band(band) and not model.config.head.spread:
        raise ValueError("a band is made of a spread, and this model's head has none")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / CONFIG).unlink(missing_ok=True)
    graphs = graphs_of(encoder, model, spec)
    models = {part: traced(graph) for part, graph in graphs.items()}
    quick, tables = int8_graphs(models, *calibration) if calibration else ({}, {})
    write_weights([graph.module for graph in graphs.values()], folder / WEIGHTS, tables)
    written = {f"graph-{part}.onnx": one for part, one in models.items()}
    written |= {f"graph-{part}-int8.onnx": one for part, one in quick.items()}
    for file, one in written.items():
        write_model(one, folder / WEIGHTS, folder / file)
    if "text" in graphs:
        (folder / FILES[words]).write_bytes(tokenizer)
    (folder / CARD).write_text(card, encoding="utf-8")
    files = [WEIGHTS, *written]
    files += [FILES[words]] if "text" in graphs else []
    config = {
        "format": FORMAT,
        "name": name,
        "version": version,
        "clip": spec.to_dict(),
        "modalities": list(model.config.modalities),
        "fusion": model.config.fusion.kind if len(model.config.modalities) > 1 else "none",
        "pairs": pair_names(model.config),
        "words": words,
        "audio_context": audio_context(model.config),
        "audio_past": audio_reach(model.config)[0],
        "audio_future": audio_reach(model.config)[1],
        "text_delay": text_delay,
        "band": band,
        "int8": list(quick),
        "sizes": model.config.to_dict(),
        "files": {file: sha256(folder / file) for file in files},
    }
    (folder / CONFIG).write_text(json.dumps(config, indent=1) + "\n", encoding="utf-8")


def audio_context(config: MultimodalConfig) -> int | None:
    """Frames that the audio network hears at once; None: each alone."""
    if "audio" not in config.modalities or not config.audio.context:
        return None
    return CLIP if any(audio_reach(config)) else int(config.audio.clip)


def audio_reach(config: MultimodalConfig) -> tuple[int, int]:
    """Frames before and after a frame that its sound's features depend on; (0, 0): none, or its clip's."""
    if "audio" not in config.modalities or not config.audio.context:
        return 0, 0
    return int(config.audio.past), int(config.audio.future)


def pair_names(config: MultimodalConfig) -> list[list[str]] | None:
    """Which two modalities each row of the fusion's pair weights is over; None without a first level."""
    pairs = FUSIONS[config.fusion.kind].PAIRS if len(config.modalities) > 1 else None
    return None if pairs is None else [[MODALITIES[a], MODALITIES[b]] for a, b in pairs]
