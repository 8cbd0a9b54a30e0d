"""A small prepared corpus, made once a session by the real path: 3 dyads of 12 s, small sound and faces."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from affekt.corpora.prepared.build import prepare
from affekt.corpora.prepared.dataset import Dataset
from affekt.corpora.readers import read_corpus
from affekt.corpora.synthetic import Parameters, synthesize
from affekt.timeline import ClipSpec

SPEC = ClipSpec(sample_rate=8_000, window=1_000, image_size=32)

TINY: dict[str, Any] = {
    "text": {"encoder": "words:8", "ngram_maps": 2, "projection": 8, "hidden": 4},
    "audio": {"channels": [3, 4, 5]},
    "visual": {"width": 2, "stem": 4, "bottlenecks": 1, "blocks": 1, "stage3_modules": 1, "size": 8},
    "fusion": {"size": 8, "heads": 2},
    "head": {"hidden": 6},
    "training": {"frames": 25, "epochs": 2, "lr": 0.005},
    "stages": {"visual": {"batch": 3}, "fusion": {"batch": 3}},
    "machine": {"precision": "32", "threads": 1},
}
"""A config of some thousand weights; `data.folder` is still to be said."""


def make(folder: Path) -> tuple[Path, Path]:
    """Make the corpus and prepare it: their two folders."""
    corpus, out = folder / "synthetic", folder / "prepared"
    synthesize(corpus, Parameters(3, 12.0, 1))
    prepare(read_corpus(corpus), out, Dataset("", SPEC))
    return corpus, out


def write_tiny(path: Path, prepared: Path, **changes: Any) -> Path:
    """Write the tiny config as YAML, with some parts changed."""
    values = {**TINY, "data": {"folder": str(prepared)}}
    for name, value in changes.items():
        values[name] = {**values.get(name, {}), **value} if isinstance(value, dict) else value
    path.write_text(yaml.safe_dump(values), encoding="utf-8")
    return path
