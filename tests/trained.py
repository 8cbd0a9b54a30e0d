"""Tiny finished runs of `affekt train`, made when first asked for and kept as long as the tests run."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from affekt.training.config import read_config
from affekt.training.run import train
from prepared import write_tiny

KEPT = TemporaryDirectory(prefix="affekt-runs-")
WAYS: dict[str, dict[str, Any]] = {
    "cross_modal": {},
    "residual": {
        "fusion": {"kind": "residual"},
        "stages": {"fusion": {"batch": 3, "freeze": ["text", "audio", "visual"]}},
    },
    "pair": {"modalities": ["text", "visual"], "fusion": {"kind": "hierarchical"}},
    "text": {"modalities": ["text"]},
    "audio": {"modalities": ["audio"]},
    "visual": {"modalities": ["visual"]},
}
"""What differs from the tiny config of `prepared`. The first trains every stage, the others take the first
stages of it."""


@cache
def run_of(way: str, prepared: Path) -> Path:
    """The folder of a finished run, with its bundle; nobody writes into it."""
    changes = dict(WAYS[way])
    if way != "cross_modal":
        changes["unimodal"] = str(run_of("cross_modal", prepared))
    folder = Path(KEPT.name) / way
    config = write_tiny(Path(KEPT.name) / f"{way}.yaml", prepared, **changes)
    train(read_config(config), folder, command=["affekt", "train", "tiny.yaml"])
    return folder


def last_stage(way: str) -> str:
    """The stage that a run ends with."""
    return way if way in ("text", "audio", "visual") else "fusion"
