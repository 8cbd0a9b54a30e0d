"""The labelled faces, speech and sentences the default model learns from, as the data folder has them."""

from __future__ import annotations

import csv
import io
import zipfile
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np

from affekt.errors import CorpusError

FACE_CLASSES = ("neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt")


def read_rows(path: Path) -> list[dict[str, str]]:
    """Rows of a CSV file with a header."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


NEEDED = (
    *(f"ferplus/{name}" for name in ("train.csv", "train.zip", "devel.csv", "devel.zip", "coordinates.csv")),
    *("emobank/train.csv", "emobank/dev.csv", "speech.csv", "speech_coordinates.csv"),
)
"""Files of the labelled data, beside the utterances that speech.csv names (docs/default.md)."""


def look_over(data: Path) -> None:
    """Is all there? Asked before hours of training.

    Raises:
        CorpusError: files are missing.
    """
    missing = [name for name in NEEDED if not (data / name).is_file()]
    if not missing:
        missing = [r["path"] for r in read_rows(data / "speech.csv") if not (data / r["path"]).is_file()]
    if missing:
        named = ", ".join(missing[:3]) + (f" and {len(missing) - 3} more" if len(missing) > 3 else "")
        raise CorpusError(f"{data}: lacks {named}; docs/default.md says what it has to hold")


@dataclass(frozen=True)
class Faces:
    """FER+: images (N, 48, 48) uint8 grey, votes (N, 8) summing to 1, gold (N, 2) arousal and valence."""

    images: np.ndarray
    votes: np.ndarray
    gold: np.ndarray


def read_faces(data: Path, split: str) -> Faces:
    """The faces of `train` or `devel`; gold = vote-weighted mean of the emotions' coordinates."""
    from PIL import Image

    rows = read_rows(data / "ferplus" / f"{split}.csv")
    place = {
        r["category"]: (r["arousal"], r["valence"]) for r in read_rows(data / "ferplus" / "coordinates.csv")
    }
    coordinates = np.array([place[name] for name in FACE_CLASSES], np.float64)
    votes = np.array([[float(r[name]) for name in FACE_CLASSES] for r in rows])
    votes /= votes.sum(1, keepdims=True)
    with zipfile.ZipFile(data / "ferplus" / f"{split}.zip") as archive:
        images = [np.asarray(Image.open(io.BytesIO(archive.read(r["name"]))).convert("L")) for r in rows]
    return Faces(np.stack(images), votes.astype(np.float32), (votes @ coordinates).astype(np.float32))


@dataclass(frozen=True)
class Sentences:
    """EmoBank sentences; gold (N, 2) arousal and valence in [−1, 1]."""

    texts: list[str]
    gold: np.ndarray


def read_sentences(data: Path, split: str) -> Sentences:
    """The sentences of `train` or `devel`; ratings of 1–5 become (x − 3) / 2."""
    rows = read_rows(data / "emobank" / f"{'dev' if split == 'devel' else split}.csv")
    gold = np.array([[(float(r["A"]) - 3) / 2, (float(r["V"]) - 3) / 2] for r in rows], np.float32)
    return Sentences([r["text"] for r in rows], gold)


@dataclass(frozen=True)
class Speech:
    """One acted or natural utterance."""

    path: str
    corpus: str
    speaker: str
    emotion: str
    samples: np.ndarray
    """(N,) float32 at `rate`."""
    rate: int
    gold: np.ndarray
    """(2,) arousal and valence of its emotion and intensity."""


def read_speech(data: Path, split: str, corpora: tuple[str, ...] | None = None) -> list[Speech]:
    """The utterances of `train` or `devel`, of all corpora or of those named."""
    place = {
        (r["emotion"], r["intensity"]): np.array([r["arousal"], r["valence"]], np.float32)
        for r in read_rows(data / "speech_coordinates.csv")
    }
    rows = [r for r in read_rows(data / "speech.csv") if r["split"] == split]
    utterances = []
    for r in rows:
        if corpora is None or r["corpus"] in corpora:
            samples, rate = read_samples(data / r["path"])
            gold = place[r["emotion"], r["intensity"]]
            utterances.append(Speech(r["path"], r["corpus"], r["speaker"], r["emotion"], samples, rate, gold))
    return utterances


def read_samples(path: Path) -> tuple[np.ndarray, int]:
    """A sound file as mono float32 at its own rate."""
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        mono = av.AudioResampler(format="flt", layout="mono", rate=stream.rate)
        parts = [
            out.to_ndarray().ravel() for frame in container.decode(stream) for out in mono.resample(frame)
        ]
    return np.concatenate(parts).astype(np.float32), stream.rate
