"""A made-up prediction with every part a report can show; pictures are drawn, nobody is in them."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np

from affekt.report.pictures import png
from affekt.timeline import FRAME_RATE, FaceMap, Prediction, Sentence, Still, WordWeights

HIERARCHY = [["visual", "text"], ["visual", "audio"], ["text", "audio"]]
PARTNERS = [["audio", "visual"], ["text", "visual"], ["text", "audio"]]

LINES = (
    "so I finally opened the letter this morning",
    "and I thought it would be the same answer as before",
    "but no, they said yes, can you believe it",
    "I was so happy that I called my sister at once",
    "she was asleep of course and a little angry",
    "then we talked about the garden for an hour",
    "it is quiet there now and I like that",
    "my neighbour has planted beans along the wall",
    "and somebody left the gate open again",
    "which I do not mind to be honest",
    "I mean the dog came back by itself",
    "we will see what the summer brings",
)


@cache
def face_at(side: int, smile: float, width: int | None = None) -> np.ndarray:
    """(side, width, 3) uint8: a round face on a plain ground; `smile` in [−1, 1] bends the mouth."""
    width = width or side
    y, x = np.mgrid[0:side, 0:width].astype(np.float64)
    x, y = (x - width / 2) / side * 2, (y - side / 2) / side * 2
    picture = np.empty((side, width, 3))
    picture[:] = np.array([176, 194, 201]) - 36 * (y[..., None] + 1) / 2
    shoulders = (x / 0.95) ** 2 + ((y - 1.25) / 0.62) ** 2 < 1
    hair = (x / 0.5) ** 2 + ((y + 0.16) / 0.6) ** 2 < 1
    head = (x / 0.43) ** 2 + ((y + 0.02) / 0.56) ** 2 < 1
    for mask, colour in ((shoulders, (70, 92, 112)), (hair, (74, 56, 46)), (head, (222, 178, 150))):
        picture[mask] = np.array(colour) - 16 * x[mask][:, None]
    for eye in (-0.17, 0.17):
        picture[((x - eye) / 0.055) ** 2 + ((y + 0.1) / (0.045 + 0.01 * smile)) ** 2 < 1] = (48, 40, 40)
        picture[(abs(x - eye) < 0.09) & (abs(y + 0.22 + 0.03 * smile) < 0.014)] = (84, 62, 50)
    picture[(abs(x) < 0.19) & (abs(y - 0.27 + 1.9 * smile * x**2 - 0.03 * smile) < 0.024)] = (158, 74, 74)
    picture[(abs(x) < 0.025) & (abs(y - 0.07) < 0.05)] = (200, 152, 126)
    return np.clip(picture, 0, 255).astype(np.uint8)


def _wander(rng: np.random.Generator, frames: int, scale: float, mean: float) -> np.ndarray:
    if not frames:
        return np.zeros(0, np.float32)
    walk = np.cumsum(rng.standard_normal(frames + 60))
    smooth = np.convolve(walk, np.hanning(61) / np.hanning(61).sum(), mode="valid")[:frames]
    smooth = (smooth - smooth.mean()) / (smooth.std() + 1e-9)
    return np.asarray(np.tanh(mean + scale * smooth + 0.015 * rng.standard_normal(frames)), dtype=np.float32)


def _presence(frames: int, sentences: list[Sentence]) -> np.ndarray:
    """Text in its sentences, sound but for a pause, a face with two absences, and a stretch of nothing."""
    presence = np.ones((frames, 3), dtype=bool)
    presence[:, 0] = False
    for line in sentences:
        presence[round(10 * line.start) : round(10 * line.end) + 1, 0] = True
    presence[int(0.70 * frames) : int(0.78 * frames), :2] = False
    presence[int(0.40 * frames) : int(0.47 * frames), 2] = False
    presence[int(0.72 * frames) : int(0.765 * frames), 2] = False
    return presence


def _shares(rng: np.random.Generator, there: np.ndarray) -> np.ndarray:
    """Masked softmax of slow noise over the last axis: exactly 0 where absent."""
    noise = rng.standard_normal((len(there) // 8 + 3, *there.shape[1:]))
    at = np.linspace(0, len(noise) - 1.001, max(len(there), 1))[: len(there)]
    low = at.astype(int)
    mix = (at - low).reshape(-1, *[1] * (there.ndim - 1))
    weights = np.exp(0.9 * (noise[low] * (1 - mix) + noise[low + 1] * mix)) * there
    return (weights / np.maximum(weights.sum(axis=-1, keepdims=True), 1e-9)).astype(np.float32)


def _words(rng: np.random.Generator, sentences: list[Sentence]) -> tuple[WordWeights, ...]:
    result = []
    for line in sentences:
        words = tuple(line.text.split())
        heads = np.exp(1.1 * rng.standard_normal((2, len(words))) + 0.18 * np.array([len(w) for w in words]))
        result.append(WordWeights(line, words, (heads / heads.sum(axis=1, keepdims=True)).astype(np.float32)))
    return tuple(result)


@cache
def _picture(smile: float, there: bool) -> bytes:
    return png(face_at(180, smile, 320) if there else np.full((180, 320, 3), (150, 166, 174), np.uint8))


def _pictures(frames: int, presence: np.ndarray, valence: np.ndarray) -> tuple[list[Still], list[FaceMap]]:
    stills, faces = [], []
    y, x = np.mgrid[0:24, 0:24] / 23 - 0.5
    for frame in np.unique(np.linspace(0, frames - 1, min(frames, 12)).astype(int)).tolist():
        smile = round(float(np.clip(1.6 * valence[frame], -1, 1)), 1)
        there = bool(presence[frame, 2])
        stills.append(Still(frame, _picture(smile, there), (0.34, 0.13, 0.66, 0.8) if there else None))
        if there:
            mouth = np.exp(-((x / 0.2) ** 2) - ((y - 0.14) / 0.1) ** 2)
            eyes = np.exp(-((abs(x) - 0.1) ** 2) / 0.008 - (y + 0.06) ** 2 / 0.006)
            heat = (0.6 + smile) * mouth + 0.8 * eyes
            faces.append(FaceMap(frame, face_at(96, smile), heat.astype(np.float32)))
    return stills, faces


def banded(prediction: Prediction) -> Prediction:
    """The same with a band of 90 % that widens and narrows."""
    k = np.arange(len(prediction))
    band = np.stack([0.22 + 0.12 * np.sin(k / 70) ** 2, 0.3 + 0.14 * np.cos(k / 110) ** 2], axis=1)
    band[~prediction.presence.any(axis=1)] = np.nan
    return replace(prediction, band=band.astype(np.float32), info={**prediction.info, "band": 0.9})


def made_up(frames: int = 600, fusion: str = "hierarchical", seed: int = 7, **changes: Any) -> Prediction:
    """A prediction of `frames` frames with all parts; `changes` replaces fields of it."""
    rng = np.random.default_rng(seed)
    sentences = [
        Sentence(5.0 * i + 0.4, 5.0 * i + 4.3, LINES[i % len(LINES)])
        for i in range(frames // (5 * FRAME_RATE))
    ]
    presence = _presence(frames, sentences)
    valence, arousal = _wander(rng, frames, 0.34, 0.22), _wander(rng, frames, 0.27, -0.14)
    pairs = {"hierarchical": HIERARCHY, "cross_modal": PARTNERS}.get(fusion)
    modality, pair, share = _shares(rng, presence), None, None
    if pairs:
        members = np.array([[("text", "audio", "visual").index(name) for name in two] for two in pairs])
        pair = _shares(rng, presence[:, members])
        if fusion == "hierarchical":
            share = _shares(rng, presence[:, members].any(axis=2))
            modality = np.zeros((frames, 3), np.float32)
            for k, two in enumerate(members):
                modality[:, two] += share[:, k, None] * pair[:, k]
    stills, faces = _pictures(frames, presence, valence)
    info: dict[str, Any] = {"model": "made-up", "fusion": fusion, "alignment": "sentence", "pairs": pairs}
    prediction = Prediction(
        name="garden talk.mp4",
        arousal=arousal,
        valence=valence,
        presence=presence,
        modality_weights=None if fusion == "concatenation" else modality,
        pair_weights=pair,
        pair_shares=share,
        word_weights=_words(rng, sentences),
        face_maps=tuple(faces),
        stills=tuple(stills),
        info={**info, "version": "0.1.0", "warnings": []},
    )
    return replace(prediction, **changes)
