"""The default model's 90 % band: its scale, and whether it holds for people it was not made with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from affekt.networks import FusedHead
from affekt.timeline import MODALITIES, ClipSpec
from affekt.timeline.files import write_values
from affekt.training.default import speech
from affekt.training.default.band import conformal_scale, leave_one_out, scale_of_kind
from affekt.training.default.fusion import Batch, Batches, cached_features, said

SHARE = 0.9
KEPT = ((1, 1, 1), (1, 1, 0), (1, 0, 1), (0, 1, 1), (1, 0, 0), (0, 1, 0), (0, 0, 1))
"""Which of text, voice and face each composed sequence is judged by in turn."""


KINDS = tuple(
    " ".join(name for m, name in enumerate(MODALITIES) if kind >> m & 1)
    for kind in range(2 ** len(MODALITIES))
)
"""What may be there in a frame: a bit a modality. Errors differ by it most, so each has its own scale."""


@dataclass(frozen=True)
class Errors:
    """How far off frames of devel people were, and how far they were expected to be."""

    error: np.ndarray
    """(N, 2) gold less prediction."""
    spread: np.ndarray
    """(N, 2)."""
    speaker: np.ndarray
    """(N,) row of the speakers."""
    corpus: np.ndarray
    """(N,) row of `speech.CORPORA`."""
    kind: np.ndarray
    """(N,) what it was judged by, as `KINDS` counts."""


@torch.no_grad()
def devel_errors(model: FusedHead, batches: Batches) -> Errors:
    """Frames of devel's utterances alone, and of its composed sequences by every subset of modalities."""
    found = [_of(model, *part) for part in _parts(batches)]
    return Errors(*(np.concatenate(column) for column in zip(*found, strict=True)))


def _parts(batches: Batches) -> Iterator[tuple[Batch, int, int]]:
    """Batches of one row with their speaker and corpus."""
    f = batches.f
    corpus = dict(zip(f.speech_speaker.tolist(), f.speech_corpus.tolist(), strict=True))
    for row, speaker in enumerate(f.speech_speaker.tolist()):
        yield batches.speech(torch.tensor([row])), speaker, corpus[speaker]
    for row, speaker in enumerate(f.subject.tolist()):
        length = int(f.start[row + 1] - f.start[row])
        keep = KEPT[row % len(KEPT)]
        yield batches.composed([(row, 0)], length, [keep]), speaker, corpus[speaker]


def _of(model: FusedHead, batch: Batch, speaker: int, corpus: int) -> tuple[np.ndarray, ...]:
    judged = said(model, batch)
    assert judged.spread is not None
    # Where nothing is there to judge by, nothing is claimed.
    there = batch.presence[0].any(-1)
    error, spread = (batch.gold - judged.y)[0][there].numpy(), judged.spread[0][there].numpy()
    kind = (batch.presence[0][there].numpy() << np.arange(3)).sum(1)
    return error, spread, np.full(len(error), speaker), np.full(len(error), corpus), kind


def measure_band(data: Path, run: Path, spec: ClipSpec, model: FusedHead) -> dict[str, Any]:
    """The band for a bundle's config; writes RUN/coverage.json, a row a corpus, for the card."""
    devel = devel_errors(model, Batches(cached_features(data, run, "devel", spec)))
    scale = conformal_scale(devel.error, devel.spread, SHARE)
    held = leave_one_out(devel.error, devel.spread, devel.speaker, SHARE, devel.kind)
    scales = {
        KINDS[kind]: scale_of_kind(devel.error, devel.spread, devel.kind, kind, SHARE)
        for kind in np.unique(devel.kind)
    }
    width = devel.spread * np.stack([scales[KINDS[kind]] for kind in devel.kind])
    rows = []
    for i, name in enumerate(speech.CORPORA):
        here = devel.corpus == i
        if not here.any():
            continue
        counts = {str(s): (devel.speaker[here] == s).sum() for s in np.unique(devel.speaker[here])}
        share = sum(held.groups[s] * n for s, n in counts.items()) / here.sum()
        rows.append(_row(name, len(counts), share, width[here]))
    rows.append(_row("all", len(held.groups), held.pooled, width))
    rows += [_row(f"all, by {KINDS[k]}", None, None, width[devel.kind == k]) for k in np.unique(devel.kind)]
    write_values(run / "coverage.json", rows)
    return {
        "share": SHARE,
        "scale": _rounded(scale),
        "scales": {kind: _rounded(one) for kind, one in scales.items()},
    }


def _rounded(scale: np.ndarray) -> list[float]:
    return [round(float(one), 4) for one in scale]


def _row(corpus: str, speakers: int | None, share: np.ndarray | None, width: np.ndarray) -> dict[str, Any]:
    half = np.median(width, axis=0)
    return {
        "corpus": corpus,
        "speakers": speakers,
        "arousal within": None if share is None else round(float(share[0]), 3),
        "valence within": None if share is None else round(float(share[1]), 3),
        "arousal ± (median)": round(float(half[0]), 2),
        "valence ± (median)": round(float(half[1]), 2),
    }
