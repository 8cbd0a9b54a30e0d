"""A quick reader of prepared clips, good for one question: how late were the annotators?

It looks at simple cues (energy of the sound in six bands, who speaks, whether there are words, where the face
is and a picture of it of 8 × 8 points) and reads gold from them by ridge regression, anew for each delay. It
knows no words and is no model of emotion; its CCC says nothing of what can be reached. It is judged by
cross-validation, as a few recordings tell little. The delay at which it reads people best whom it has not
learnt from is an estimate from what it can see: mostly arousal, and as sure as its curve has a peak.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from affekt.corpora.folds import components, fold_of
from affekt.corpora.gold.delay import Found
from affekt.corpora.prepared.dataset import PreparedClip
from affekt.errors import CorpusError
from affekt.scoring import Moments
from affekt.timeline import Recording, frame_of

BANDS = (50.0, 250.0, 500.0, 1_000.0, 2_000.0, 4_000.0, 8_000.0)
"""Edges in Hz of the bands whose energy is looked at."""
GRID = 8
"""Points along a side of the small picture of the face."""
CONTEXT = 11
"""Frames that a cue's mean is taken over beside the cue itself, centred, so that it favours no delay."""
RIDGE = 0.01
"""Penalty, as a share of each cue's own variance."""
FOLDS = 8
"""At most; each reading of all recordings costs as much as one of them."""
_FLOOR = 1e-8
"""Energy of −80 dB, below which all is silence."""
_PIECE = 500
"""Frames that are read at a time."""

Example = tuple[np.ndarray, np.ndarray]
"""Cues (T, C) and gold (T, D) of one recording; the longer of the two is cropped."""


def read_cues(clip: PreparedClip, sample_rate: int) -> np.ndarray:
    """Cues of one recording: (T, 78) float64; NaN where a modality is absent.

    Columns: 6 bands of sound in log10, sound there, subject speaks, words there, face there, the face's
    centre and size (4), 8 × 8 points of the face.
    """
    pieces = [clip.window(first, _PIECE)[0] for first in range(0, len(clip), _PIECE)]
    return np.concatenate(
        [
            np.concatenate(
                [
                    _sound(one.sound, one.has_sound, sample_rate),
                    one.presence[:, 1:2],
                    (one.has_sound & (one.speaker == 0))[:, None],
                    one.presence[:, [0, 2]],
                    _place(one.boxes),
                    _picture(one.faces, one.frame_face),
                ],
                axis=1,
            )
            for one in pieces
        ]
    )


def _sound(sound: np.ndarray, there: np.ndarray, sample_rate: int) -> np.ndarray:
    """(T, 6) log10 of the energy in each band."""
    power = np.abs(np.fft.rfft(sound.astype(np.float64) * np.hanning(sound.shape[1]), axis=1)) ** 2
    hertz = np.fft.rfftfreq(sound.shape[1], 1 / sample_rate)
    bands = [power[:, (hertz >= low) & (hertz < high)].sum(1) for low, high in pairwise(BANDS)]
    energy = np.log10(np.stack(bands, axis=1) / sound.shape[1] ** 2 + _FLOOR)
    return np.where(there[:, None], energy, np.nan)


def _place(boxes: np.ndarray) -> np.ndarray:
    """(T, 4): centre, width and height of the face as shares of the picture."""
    left, top, right, bottom = boxes.T.astype(np.float64)
    return np.stack([(left + right) / 2, (top + bottom) / 2, right - left, bottom - top], axis=1)


def _picture(faces: np.ndarray, frame_face: np.ndarray) -> np.ndarray:
    """(T, 64) grey of a small picture of the face, its mean taken off."""
    grid = np.full((len(frame_face), GRID * GRID), np.nan)
    seen = frame_face >= 0
    if seen.any():
        side = faces.shape[1] // GRID
        blocks = faces.reshape(len(faces), GRID, side, GRID, side, 3).mean(axis=(2, 4, 5), dtype=np.float64)
        small = blocks.reshape(len(faces), -1) / 255
        grid[seen] = (small - small.mean(axis=1, keepdims=True))[frame_face[seen]]
    return grid


def deal(clips: Sequence[PreparedClip], folder: Path) -> list[list[PreparedClip]]:
    """Folds of about equal length that share nobody; without speaker and group, a partition is one.

    Raises:
        CorpusError: all belong together; `folder` is where.
    """
    people = [
        Recording(
            None,
            speaker=one.speaker,
            group=one.group or (None if one.speaker else one.partition or "unassigned"),
        )
        for one in (clip.entry for clip in clips)
    ]
    count = len(set(components(people)))
    if count < 2:
        raise CorpusError(
            f"{folder}: all recordings belong together (speaker, group or partition), so none can be read "
            "by what was learnt from others; there must be two groups at least"
        )
    places = fold_of(people, min(FOLDS, count), frames=[len(clip) for clip in clips])
    folds: list[list[PreparedClip]] = [[] for _ in range(max(places) + 1)]
    for place, clip in zip(places, clips, strict=True):
        folds[place].append(clip)
    return folds


def probe(
    folds: Sequence[Sequence[Example]], candidates: np.ndarray, dimensions: Sequence[str]
) -> tuple[Found, ...]:
    """For each delay, learn from all folds but one, the gold moved earlier by it, and read that one; in turn.

    Every candidate is judged on the same gold frames: those that the longest one leaves in each recording.

    Args:
        folds: recordings, with their gold unmoved; nobody is in two folds.
        candidates: (K,) seconds, increasing, from 0 on.
        dimensions: names of the D columns of gold.

    Raises:
        CorpusError: a dimension has labels after the longest candidate in fewer than two folds.
    """
    frames = np.array([frame_of(one) for one in candidates])
    ready = [pairs for fold in folds if (pairs := _ready(fold, frames[-1]))]
    labelled = [
        np.any([np.isfinite(y[frames[-1] :]).any(axis=0) for _, y in pairs], axis=0) for pairs in ready
    ]
    for column, name in enumerate(dimensions):
        if sum(bool(one[column]) for one in labelled) < 2:
            raise CorpusError(
                f"fewer than two groups of recordings that share nobody have a label of {name} after their "
                f"first {candidates[-1]:g} s, so no delay can be read; try shorter ones with --longest"
            )
    moments = [Moments.of(np.zeros((0, len(frames))), np.zeros((0, len(frames)))) for _ in dimensions]
    counts = np.zeros(len(dimensions), int)
    for place, pairs in enumerate(ready):
        reader = _fit([pair for other in (*ready[:place], *ready[place + 1 :]) for pair in other], frames)
        for cues, gold in pairs:
            said, target = _moved(reader, cues, frames), gold[frames[-1] :]
            counts += np.isfinite(target).any(axis=0)
            for column in range(len(dimensions)):
                truth = np.broadcast_to(target[:, column, None], said.shape[:2])
                moments[column] += Moments.of(said[..., column], truth, np.isfinite(truth[:, 0]))
    seconds = np.asarray(candidates, np.float64)
    return tuple(
        Found(name, seconds, one.ccc, one.n, int(count))
        for name, one, count in zip(dimensions, moments, counts, strict=True)
    )


def _ready(examples: Sequence[Example], reach: int) -> list[Example]:
    """Cues with their context and gold of the recordings that are long enough, of equal length each."""
    lengths = [min(len(x), len(y)) for x, y in examples]
    return [
        (_with_context(x[:n]), np.asarray(y[:n], np.float64))
        for (x, y), n in zip(examples, lengths, strict=True)
        if n > reach
    ]


def _with_context(cues: np.ndarray) -> np.ndarray:
    """(T, 2 C): cues less the recording's mean, 0 where absent, and their mean over a second around."""
    there = np.isfinite(cues)
    mean = np.where(there, cues, 0.0).sum(axis=0) / np.maximum(there.sum(axis=0), 1)
    centred = np.where(there, cues - mean, 0.0)
    half = CONTEXT // 2
    padded = np.concatenate([np.zeros((half + 1, cues.shape[1])), centred, np.zeros((half, cues.shape[1]))])
    summed = padded.cumsum(axis=0)
    return np.concatenate([centred, (summed[CONTEXT:] - summed[:-CONTEXT]) / CONTEXT], axis=1)


@dataclass(frozen=True, slots=True, eq=False)
class _Reader:
    """A linear reader for each of K delays and D dimensions."""

    weights: np.ndarray
    """(C, K, D)."""
    intercept: np.ndarray
    """(K, D)."""


def _fit(pairs: Sequence[Example], frames: np.ndarray) -> _Reader:
    """Ridge regression of gold on the cues so many frames before it, for all numbers at once.

    The cues' covariance is taken over all frames and is the same for every delay; their covariance with the
    gold over the labelled frames from the longest delay on, the same for every delay too.
    """
    size, shape = pairs[0][0].shape[1], (len(frames), pairs[0][1].shape[1])
    gram, total = np.zeros((size, size)), np.zeros(size)
    products, sums = np.zeros((size, *shape)), np.zeros((size, *shape))
    labels, counts = np.zeros(shape[1]), np.zeros(shape[1])
    for x, gold in pairs:
        y = gold[frames[-1] :]
        known = np.isfinite(y).astype(np.float64)
        y = np.where(known > 0, y, 0.0)
        gram, total = gram + x.T @ x, total + x.sum(axis=0)
        labels, counts = labels + y.sum(axis=0), counts + known.sum(axis=0)
        for place, late in enumerate(frames.tolist()):
            seen = x[frames[-1] - late : len(x) - late]
            products[:, place] += seen.T @ y
            sums[:, place] += seen.T @ known
    rows = sum(len(x) for x, _ in pairs)
    level, height = total / rows, labels / counts
    covariance = gram / rows - np.outer(level, level)
    variance = np.diag(covariance).clip(0)
    # A cue that never moves gets a weight of 0.
    penalty = RIDGE * variance + np.where(variance > 1e-12 * max(variance.max(), 1e-12), 0.0, 1.0)
    shared = (products - height * sums) / counts
    weights = np.linalg.solve(covariance + np.diag(penalty), shared.reshape(size, -1)).reshape(size, *shape)
    return _Reader(weights, height - np.tensordot(level, weights, (0, 0)))


def _moved(reader: _Reader, cues: np.ndarray, frames: np.ndarray) -> np.ndarray:
    """(T − reach, K, D): what each delay's reader says, moved later by that delay, of the last frames."""
    said = np.tensordot(cues, reader.weights, (1, 0)) + reader.intercept
    rows = np.arange(frames[-1], len(cues))[:, None] - frames
    return said[rows, np.arange(len(frames))]
