"""The card's times add up over restarts."""

import json
from pathlib import Path

import pytest

from affekt.training.default import times


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_stage_that_was_stopped_and_went_on_counts_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    monkeypatch.setattr(times.time, "perf_counter", clock)
    monkeypatch.setattr(times.time, "process_time", clock)
    with times.clocked(tmp_path, "faces"):
        clock.now = 90.0
    with pytest.raises(KeyboardInterrupt), times.clocked(tmp_path, "text"):
        clock.now = 120.0
        raise KeyboardInterrupt
    with times.clocked(tmp_path, "text"):
        clock.now = 180.0
    rows = json.loads((tmp_path / "times.json").read_text())["rows"]
    assert rows == [
        {"stage": "faces", "minutes": 1.5, "of processor time": 1.5},
        {"stage": "text", "minutes": 1.5, "of processor time": 1.5},
    ]
