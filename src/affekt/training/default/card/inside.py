"""Figures that only the PyTorch networks of a run can tell: composed sequences, level, sizes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file

from affekt.media.sound import frames_of_array
from affekt.networks import FusedHead, Multimodal
from affekt.scoring import ccc
from affekt.timeline import ClipSpec
from affekt.timeline.files import write_values
from affekt.training.default import fusion
from affekt.training.default.data import read_speech
from affekt.training.default.speech import hear, judged
from affekt.training.export import stored

KEPT = {
    "fused": (1, 1, 1),
    "text alone": (1, 0, 0),
    "voice alone": (0, 1, 0),
    "face alone": (0, 0, 1),
    "text and voice": (1, 1, 0),
    "text and face": (1, 0, 1),
    "voice and face": (0, 1, 1),
}
"""Which of text, voice and face the fusion is given."""

Rows = list[dict[str, Any]]


def measure(data: Path, run: Path, spec: ClipSpec, model: Multimodal) -> None:
    """Write RUN/composed.json, level.json and parameters.json, each a list of the card's rows."""
    write_values(run / "composed.json", composed(data, run, spec, model))
    write_values(run / "level.json", level(data, run, spec))
    write_values(run / "parameters.json", parameters(model))


@torch.no_grad()
def composed(data: Path, run: Path, spec: ClipSpec, model: Multimodal) -> Rows:
    """Frame-wise CCC on the composed devel sequences, and what half precision changes."""
    features = fusion.cached_features(data, run, "devel", spec)
    batches = fusion.Batches(features)
    scores = {name: fusion.score_composed(model.fused_head, batches, keep) for name, keep in KEPT.items()}
    misled = fusion.Batches(fusion.misled(data, features, spec))
    for name in ("voice and face", "face alone"):
        misleading = fusion.score_composed(model.fused_head, misled, KEPT[name])
        scores[f"{name}, each face of another feeling"] = misleading
    full = FusedHead(model.config)
    full.load_state_dict(load_file(run / "fusion" / "weights.safetensors"))
    half = FusedHead(model.config).eval()
    half.load_state_dict({name: stored(value).float() for name, value in full.state_dict().items()})
    scores["fused, in half precision"] = fusion.score_composed(half, batches)
    return [_row("CCC of frames", name, score) for name, score in scores.items()]


@torch.no_grad()
def level(data: Path, run: Path, spec: ClipSpec) -> Rows:
    """RAVDESS devel with causal level normalisation and with one fixed gain, by the audio network alone."""
    model = fusion.speech_model(run)
    devel = read_speech(data, "devel", ("ravdess",))
    gold = np.stack([u.gold for u in devel])
    plain = replace(spec, level=None)
    loudest = [frames_of_array(u.samples, u.rate, plain)[0].std(1).max() for u in devel]
    gain = 10 ** ((spec.level or 0.0) / 20) / float(np.median(loudest))
    fixed = [replace(u, samples=u.samples * np.float32(gain)) for u in devel]
    rows = []
    for name, said, how in (
        ("level evened out causally", devel, spec),
        ("one fixed gain for all", fixed, plain),
    ):
        y = judged(model, hear(said, model.network, how))
        rows.append(_row("RAVDESS devel, audio network's own head", name, ccc(y, gold)))
    return rows


def parameters(model: Multimodal) -> Rows:
    """How many there are, beside those of the paper's sizes."""
    full = Multimodal()
    parts = ("text", "audio", "visual", "fused_head")
    return [
        {
            "network": part.replace("_", " "),
            "here": _count(getattr(model, part)),
            "the paper's sizes": _count(getattr(full, part)),
        }
        for part in parts
    ]


def _row(head: str, name: str, score: np.ndarray | tuple[float, float]) -> dict[str, Any]:
    arousal, valence = score
    return {head: name, "arousal": float(arousal), "valence": float(valence)}


def _count(module: torch.nn.Module) -> str:
    return f"{sum(p.numel() for p in module.parameters()):,}"
