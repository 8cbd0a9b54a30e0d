"""What a bundle's int8 graphs save beside its float32 ones, and what they cost in CCC.

    .venv-dev/bin/python benchmarks/precision.py DATA [--model NAME] [--runs 40] [--json FILE]

DATA is the labelled folder: sentences of EmoBank dev, faces of FER+ devel. The two graphs take turns on one
thread; a time is the median CPU time, of a sentence of 18 pieces alone and in a batch, and of a face alone
and in a batch. Its int8 graphs were fitted to sentences and faces of training, never to these.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from affekt.runtime.bundle import open_bundle
from affekt.runtime.engine import Precision
from affekt.runtime.predictor import Predictor
from affekt.scoring import ccc
from affekt.timeline import DIMENSIONS
from affekt.training.default.data import read_faces, read_sentences

PIECES = 18
KINDS: tuple[Precision, ...] = ("float32", "int8")


def milliseconds(works: list[Callable[[], object]], items: int, runs: int) -> list[float]:
    """Median CPU time an item of each piece of work, taking turns."""
    spent: list[list[float]] = [[] for _ in works]
    for _ in range(runs + 1):
        for work, times in zip(works, spent, strict=True):
            start = time.process_time()
            work()
            times.append(1e3 * (time.process_time() - start) / items)
    return [statistics.median(times[1:]) for times in spent]  # the first also loads the graph


def compared(got: list[np.ndarray], gold: np.ndarray) -> dict[str, Any]:
    """CCC of both on (N, 2) gold, and how far they lie apart."""
    known = np.isfinite(got[0]).all(1)
    scores = {
        kind: [float(ccc(y[known, d], gold[known, d])) for d in range(len(DIMENSIONS))]
        for kind, y in zip(KINDS, got, strict=True)
    }
    apart = float(np.abs(got[0][known] - got[1][known]).mean())
    return {"items": int(known.sum()), "ccc": scores, "apart": apart}


def measure(predictors: list[Predictor], data: Path, runs: int) -> dict[str, Any]:
    """What the card needs, of each part that has int8."""
    engines, parts = [one.engine for one in predictors], {}
    if "text" in engines[1].int8:
        dev = read_sentences(data, "dev")
        counts = engines[0].words.encode(dev.texts).piece_mask.sum(1)
        few = [dev.texts[i] for i in np.flatnonzero(counts == PIECES)[:16]]
        times = {
            f"{len(some)} sentences": milliseconds(
                [lambda e=e, t=some: e.encode(t) for e in engines],  # type: ignore[misc]
                len(some),
                runs,
            )
            for some in (few[:1], few)
        }
        parts["text"] = compared([one.texts(dev.texts) for one in predictors], dev.gold) | {"ms": times}
    if "visual" in engines[1].int8:
        devel = read_faces(data, "devel")
        faces = np.repeat(devel.images.reshape(*devel.images.shape[:3], -1)[..., :1], 3, 3)
        times = {
            f"{n} faces": milliseconds([lambda e=e, n=n: e.see(faces[:n]) for e in engines], n, runs)  # type: ignore[misc]
            for n in (1, 32)
        }
        parts["visual"] = compared([one.images(list(faces)) for one in predictors], devel.gold) | {
            "ms": times
        }
    return parts


def rows_of(parts: dict[str, Any]) -> list[dict[str, Any]]:
    """What the model card shows: a row a part and batch, float32 beside int8."""
    rows = []
    for part, found in parts.items():
        for what, (plain, quick) in found["ms"].items():
            row = {"network": part, "at once": what, "ms each": plain, "in int8": f"× {quick / plain:.2f}"}
            for d, name in enumerate(DIMENSIONS):
                row[f"CCC {name}"] = found["ccc"]["float32"][d]
                row[f"{name} in int8"] = found["ccc"]["int8"][d]
            rows.append(row)
    return rows


def main() -> None:
    """Print a few lines for each part."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--model", default="default")
    parser.add_argument("--runs", type=int, default=40)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    bundle = open_bundle(arguments.model)
    parts = measure([Predictor(bundle, 1, kind) for kind in KINDS], arguments.data, arguments.runs)
    for part, found in parts.items():
        for what, (plain, quick) in found["ms"].items():
            print(
                f"{part:7} {what:12} {plain:6.2f} ms in float32, {quick:6.2f} in int8: × {quick / plain:.2f}"
            )
        plain, quick = (found["ccc"][kind] for kind in KINDS)
        changes = ", ".join(
            f"{d} {a:.4f} → {b:.4f}" for d, a, b in zip(DIMENSIONS, plain, quick, strict=True)
        )
        print(f"{part:7} CCC of {found['items']}: {changes}; apart by {found['apart']:.4f} on average")
    if arguments.json:
        told = json.dumps(parts | {"rows": rows_of(parts)}, indent=1)
        arguments.json.write_text(told + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
