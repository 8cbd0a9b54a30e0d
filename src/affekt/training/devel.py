"""Whole recordings judged by a learner, the state carried from cut to cut, and their CCC (readings 7)."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from affekt.corpora.prepared.build import file_names
from affekt.errors import OutputError
from affekt.scoring import Moments
from affekt.timeline import DIMENSIONS, FRAME_RATE
from affekt.timeline.files import atomic
from affekt.training.batches import Windows
from affekt.training.export import audio_context, audio_reach
from affekt.training.learner import Learner

if TYPE_CHECKING:
    from lightning_fabric import Fabric

CHUNK = 400
"""Frames judged at a time."""


@dataclass(frozen=True)
class Score:
    """CCC over the concatenated frames of all recordings."""

    arousal: float
    """NaN where no recording has a label."""
    valence: float

    @property
    def mean(self) -> float:
        """What early stopping goes by."""
        known = [one for one in (self.arousal, self.valence) if not math.isnan(one)]
        return sum(known) / len(known) if known else 0.0

    @classmethod
    def of(cls, result: Mapping[str, Any]) -> Score:
        """Read back from a result.json, where what is unknown is null."""
        arousal, valence = (math.nan if result[one] is None else result[one] for one in DIMENSIONS)
        return cls(arousal, valence)


def figure(value: float | None) -> str:
    """A CCC for people; a dash where there is none.

    >>> figure(0.5), figure(None), figure(float("nan"))
    ('0.500', '–', '–')
    """
    return "–" if value is None or math.isnan(value) else f"{value:.3f}"


def chunk_of(learner: Learner) -> int:
    """Frames that a learner is given at a time; the trace does not depend on it."""
    config = learner.model.config
    return CHUNK if any(audio_reach(config)) else audio_context(config) or CHUNK


@torch.inference_mode()
def predictions(
    learner: Learner, windows: Windows, fabric: Fabric, places: list[int]
) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    """Of some recordings: its place, (T, 2) predictions, and gold with NaN where there is none."""
    chunk = chunk_of(learner)
    reach = audio_reach(learner.model.config) if windows.looks.audio else (0, 0)
    learner.eval()
    for k in places:
        state, said, gold = None, [], []
        for batch, piece in windows.pieces(k, chunk, reach):
            judged = learner(batch.to(fabric.device), state, piece)
            state = judged.state
            said.append(judged.y[0].float().cpu().numpy())
            known = np.where(batch.mask[0].numpy(), batch.gold[0].numpy(), np.nan)
            gold.append(known[piece])
        yield k, np.concatenate(said), np.concatenate(gold)


def score(learner: Learner, windows: Windows, fabric: Fabric, folder: Path | None = None) -> Score:
    """CCC over all recordings of `windows`, shared out over the processes.

    Args:
        folder: where each recording's trace is written, as CSV; None: nowhere.

    Raises:
        OutputError: the folder cannot be written to.
    """
    names = [clip.entry.name for clip in windows.clips]
    files = file_names(names, ".csv")
    total = [Moments.of(np.zeros(0), np.zeros(0)), Moments.of(np.zeros(0), np.zeros(0))]
    mine = list(range(fabric.global_rank, len(names), fabric.world_size))
    for k, said, gold in predictions(learner, windows, fabric, mine):
        known = np.isfinite(gold)
        total = [m + Moments.of(said[known[:, d], d], gold[known[:, d], d]) for d, m in enumerate(total)]
        if folder is not None:
            write_trace(names[k], said, folder / files[k])
    if fabric.world_size > 1:
        own = torch.tensor(
            [[m.n, m.mean_x, m.mean_y, m.m2_x, m.m2_y, m.c_xy] for m in total], dtype=torch.float64
        )
        every = torch.as_tensor(fabric.all_gather(own.to(fabric.device))).cpu().numpy()
        total = [_sum([Moments(int(one[d, 0]), *one[d, 1:]) for one in every]) for d in range(2)]
    arousal, valence = (float(m.ccc) if m.n else math.nan for m in total)
    return Score(arousal, valence)


def _sum(parts: list[Moments]) -> Moments:
    total = parts[0]
    for one in parts[1:]:
        total = total + one
    return total


def write_trace(name: str, values: np.ndarray, path: Path) -> None:
    """Write a trace (T, 2) as affekt's CSV: name, time, arousal, valence, a row a frame."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{path.parent}: cannot be made ({error.strerror or error})") from error
    with atomic(path) as part, part.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["name", "time", "arousal", "valence"])
        for frame, (arousal, valence) in enumerate(values.tolist()):
            writer.writerow([name, f"{frame / FRAME_RATE:.1f}", f"{arousal:.6f}", f"{valence:.6f}"])
