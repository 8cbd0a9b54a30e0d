"""How long the stages of a run have taken, for its card: RUN/times.json."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from affekt.timeline.files import write_values

STAGE, WALL, CPU = "stage", "minutes", "of processor time"
NOTE = "Minutes of wall time and of all cores' processor time; what a killed process had done is not counted."


@contextmanager
def clocked(run: Path, stage: str) -> Iterator[None]:
    """Add what passes to a stage's row of RUN/times.json, also where it ends in an error or by Ctrl-C."""
    wall, cpu = time.perf_counter(), time.process_time()
    try:
        yield
    finally:
        wall, cpu = (time.perf_counter() - wall) / 60, (time.process_time() - cpu) / 60
        path = run / "times.json"
        rows = json.loads(path.read_text(encoding="utf-8"))["rows"] if path.exists() else []
        row = next((r for r in rows if r[STAGE] == stage), None)
        if row is None:
            rows.append(row := {STAGE: stage, WALL: 0.0, CPU: 0.0})
        row[WALL], row[CPU] = round(row[WALL] + wall, 1), round(row[CPU] + cpu, 1)
        write_values(path, {"rows": rows, "note": NOTE})
