"""The default model's card, with the figures that were measured on devel."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file

from affekt.media.sound import frames_of_array
from affekt.networks import FusedHead, Multimodal
from affekt.scoring import ccc
from affekt.timeline import ClipSpec
from affekt.training.default import fusion
from affekt.training.default.data import read_speech
from affekt.training.export import stored

TEMPLATE = Path(__file__).with_name("card.md")
SETS = {
    "text EmoBank dev": "text alone, EmoBank dev",
    "face FER+ devel": "face alone, FER+ devel",
    "audio ravdess devel": "voice alone, RAVDESS devel (actors 17–20)",
    "audio emodb devel": "voice alone, EmoDB devel (speakers 13, 14)",
    "audio nemo devel": "voice alone, nEMO devel (2 speakers)",
    "audio urdu devel": "voice alone, URDU devel (7 speakers; not trained on)",
}
KEPT = {
    "fused": (1, 1, 1),
    "text alone": (1, 0, 0),
    "voice alone": (0, 1, 0),
    "face alone": (0, 0, 1),
    "text and voice": (1, 1, 0),
    "text and face": (1, 0, 1),
    "voice and face": (0, 1, 1),
}


def write(data: Path, run: Path, spec: ClipSpec, model: Multimodal) -> str:
    """The card as Markdown. Single modalities come from run/devel.json, which the scorer of devel writes."""
    text = TEMPLATE.read_text(encoding="utf-8")
    fields = {
        "singles": _singles(run / "devel.json"),
        "composed": _composed(data, run, spec, model),
        "level": _level(data, run, spec),
        "parameters": _parameters(model),
        "cost": _cost(run / "cost.json"),
    }
    for name, value in fields.items():
        text = text.replace("{{" + name + "}}", value)
    return text


def _table(header: str, rows: list[tuple[str, float, float]]) -> str:
    lines = [f"| {header} | arousal | valence |", "|---|---|---|"]
    return "\n".join(
        [*lines, *(f"| {name} | {arousal:.3f} | {valence:.3f} |" for name, arousal, valence in rows)]
    )


def _singles(path: Path) -> str:
    if not path.exists():
        return "Not scored yet."
    scores = json.loads(path.read_text(encoding="utf-8"))
    rows = [(SETS[name], s["arousal"], s["valence"]) for name, s in scores.items() if name in SETS]
    return _table("CCC of items", rows)


@torch.no_grad()
def _composed(data: Path, run: Path, spec: ClipSpec, model: Multimodal) -> str:
    """Frame-wise CCC on the composed devel sequences, and what half precision changes."""
    batches = fusion.Batches(fusion.cached_features(data, run, "devel", spec))
    scores = {name: fusion.score_composed(model.fused_head, batches, keep) for name, keep in KEPT.items()}
    full = FusedHead(model.config)
    full.load_state_dict(load_file(run / "fusion" / "weights.safetensors"))
    half = FusedHead(model.config).eval()
    half.load_state_dict({name: stored(value).float() for name, value in full.state_dict().items()})
    rows = [(name, float(a), float(v)) for name, (a, v) in scores.items()]
    a, v = fusion.score_composed(half, batches)
    return _table(
        "CCC of frames", [*rows, ("fused, weights of fusion and head in half precision", float(a), float(v))]
    )


def _cost(path: Path) -> str:
    """What the smaller text network costs, if benchmarks/text_sizes.py has measured it (run/cost.json)."""
    if not path.exists():
        return "What the smaller sizes cost was not measured."
    rows = [(r["name"], r["arousal"], r["valence"]) for r in json.loads(path.read_text(encoding="utf-8"))]
    table = _table("what the size costs: EmoBank dev, on MiniLM's frozen word vectors, two epochs", rows)
    return (
        f"{table}\n\nWhat the smaller audio and visual networks cost was not measured: at full size they take"
        " several times\nas long to train."
    )


@torch.no_grad()
def _level(data: Path, run: Path, spec: ClipSpec) -> str:
    """RAVDESS devel with causal level normalisation and with one fixed gain, by the audio network alone."""
    model = fusion.speech_model(run)
    devel = read_speech(data, "devel", ("ravdess",))
    gold = np.stack([u.gold for u in devel])
    raw = [frames_of_array(u.samples, u.rate, replace(spec, level=None))[0] for u in devel]
    loudest = np.median([np.sqrt((w**2).mean(1).max()) for w in raw])
    fixed = [w * (10 ** ((spec.level or 0.0) / 20) / loudest) for w in raw]
    evened = [frames_of_array(u.samples, u.rate, spec)[0] for u in devel]
    rows = []
    for name, sounds in (
        ("with causal level normalisation", evened),
        ("without: one fixed gain for all", fixed),
    ):
        y = [model(torch.from_numpy(w.astype(np.float32))[None])[0][0].mean(0).numpy() for w in sounds]
        arousal, valence = ccc(np.stack(y), gold)
        rows.append((name, float(arousal), float(valence)))
    return _table("RAVDESS devel, audio network with its own head", rows)


def _parameters(model: Multimodal) -> str:
    def count(module: torch.nn.Module) -> str:
        return f"{sum(p.numel() for p in module.parameters()):,}"

    full = Multimodal()
    parts = ("text", "audio", "visual", "fused_head")
    lines = ["| network | here | the paper's sizes |", "|---|---|---|"]
    lines += [
        f"| {p.replace('_', ' ')} | {count(getattr(model, p))} | {count(getattr(full, p))} |" for p in parts
    ]
    return "\n".join(lines)
