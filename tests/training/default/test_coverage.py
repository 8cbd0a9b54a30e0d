"""The band's scale and coverage come from devel people's frames, each person left out once."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from affekt.timeline import ClipSpec
from affekt.training.default import coverage
from affekt.training.default.coverage import Errors


def errors(draw: np.random.Generator) -> Errors:
    """Three speakers of two corpora whose errors are four times the spread at most, evenly spread."""
    n = 900
    spread = draw.uniform(0.05, 0.4, (n, 2))
    error = spread * draw.uniform(-4, 4, (n, 2))
    speaker = np.arange(n) % 3
    return Errors(error, spread, speaker, (speaker == 2).astype(int), np.where(np.arange(n) < 450, 2, 6))


def test_scale_and_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = errors(np.random.default_rng(0))
    monkeypatch.setattr(coverage, "cached_features", lambda *_: None)
    monkeypatch.setattr(coverage, "Batches", lambda _: None)
    monkeypatch.setattr(coverage, "devel_errors", lambda *_: made)
    model: Any = SimpleNamespace()
    band = coverage.measure_band(tmp_path, tmp_path, ClipSpec(), model)
    # Ratios are uniform up to 4: nine tenths of them lie below 3.6.
    assert band["share"] == 0.9
    assert band["scale"] == pytest.approx([3.6, 3.6], abs=0.12)
    rows = json.loads((tmp_path / "coverage.json").read_text())
    assert [(r["corpus"], r["speakers"]) for r in rows] == [
        ("ravdess", 2),
        ("emodb", 1),
        ("all", 3),
        ("all, by audio", None),
        ("all, by audio visual", None),
    ]
    assert set(band["scales"]) == {"audio", "audio visual"}
    assert band["scales"]["audio"] == pytest.approx([3.6, 3.6], abs=0.2)
    assert rows[0]["arousal within"] == pytest.approx(0.9, abs=0.04)
    assert rows[2]["arousal ± (median)"] == pytest.approx(3.6 * np.median(made.spread[:, 0]), abs=0.05)
