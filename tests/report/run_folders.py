"""Run folders as `affekt train` leaves them, written by hand."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

HEAD = "epoch,step,loss,arousal,valence,mean,lr,seconds"
CONFIG = """\
data:
  folder: prepared
  annotation_delay: null
modalities: [text, audio, visual]
fusion:
  kind: self_attention
training:
  lr: 0.0005
  freeze: []
seed: 1
"""
ABOUT: dict[str, Any] = {
    "affekt": "0.3.0",
    "versions": {"torch": "2.13.0"},
    "python": "3.12.1",
    "seed": 1,
    "git": {"commit": "0123456789abcdef", "dirty": True},
    "device": "cpu",
    "precision": "32-true",
    "started": "2026-03-01T09:05:59+01:00",
    "corpus": "Synthetic",
    "command": ["affekt", "train"],
}

Rows = Sequence[tuple[float, float]]
"""Arousal and valence of each epoch."""


def write_log(stage: Path, rows: Rows, more: str = "") -> None:
    """A log of epochs 1, 2 …, each of ten steps and two seconds; the loss is 1 − mean."""
    stage.mkdir(parents=True, exist_ok=True)
    lines = [HEAD]
    for epoch, (arousal, valence) in enumerate(rows, 1):
        mean = (arousal + valence) / 2
        lines.append(f"{epoch},{10 * epoch},{1 - mean:.6f},{arousal},{valence},{mean:.6f},0.0005,2.0")
    (stage / "log.csv").write_text("\n".join(lines) + "\n" + more, encoding="utf-8")


def result_of(stage: str, rows: Rows) -> dict[str, Any]:
    """A stage's result.json."""
    best = max(range(len(rows)), key=lambda place: sum(rows[place]))
    arousal, valence = rows[best]
    return {
        "stage": stage,
        "epoch": best + 1,
        "epochs": len(rows),
        "arousal": arousal,
        "valence": valence,
        "mean": (arousal + valence) / 2,
        "parameters": 1_234_567,
        "frames_per_second": 8_765.4,
        "peak_memory_mb": 912.3,
        "seconds": 75.0,
        "stopped": "patience",
    }


def write_run(
    folder: Path,
    stages: Mapping[str, Rows],
    *,
    over: Sequence[str] | None = None,
    finished: bool = True,
    config: str = CONFIG,
    about: Mapping[str, Any] = ABOUT,
) -> Path:
    """A run folder; `over` are the stages that are over (None: all)."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.yaml").write_text(config, encoding="utf-8")
    (folder / "about.json").write_text(json.dumps(about), encoding="utf-8")
    results = {}
    for name, rows in stages.items():
        write_log(folder / name, rows)
        if over is None or name in over:
            results[name] = result_of(name, rows)
            (folder / name / "result.json").write_text(json.dumps(results[name]), encoding="utf-8")
    if finished:
        final = list(stages)[-1]
        scores = {key: results[final][key] for key in ("arousal", "valence", "mean")}
        content = {"stages": results, "final": final, **scores}
        (folder / "result.json").write_text(json.dumps(content), encoding="utf-8")
    return folder
