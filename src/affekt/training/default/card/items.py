"""What a bundle says of every single item of the devel sets, with all that the card groups them by.

Items are judged as users judge theirs: by what stands behind `predict_texts`, `predict_images` and
`predict_sounds` of `affekt.load_model`, without PyTorch.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from affekt.runtime.predictor import Predictor
from affekt.timeline.files import atomic
from affekt.training.default import data as labelled

TEXT, FACE = "emobank", "ferplus"
"""Names of the sets that are no speech corpora; a set of speech has its corpus' name."""
_UNKNOWN = dict.fromkeys(("speaker", "sex", "language", "emotion", "intensity"), "")


@dataclass(frozen=True, slots=True)
class Item:
    """One devel item: a sentence, a face or an utterance. What is not known of it is an empty string."""

    item: str
    """The name it has in its corpus."""
    set: str
    speaker: str
    sex: str
    """F or M."""
    language: str
    """ISO 639-1."""
    emotion: str
    """What was acted; of a face, what most raters saw (the first of equals)."""
    intensity: str
    gold_arousal: float
    gold_valence: float
    arousal: float
    """Predicted; NaN where the bundle had nothing to judge, as is `valence`."""
    valence: float

    @property
    def gold(self) -> tuple[float, float]:
        """Arousal and valence, in [−1, 1]."""
        return self.gold_arousal, self.gold_valence

    @property
    def predicted(self) -> tuple[float, float]:
        """Arousal and valence, in [−1, 1]; NaN without an answer."""
        return self.arousal, self.valence


def judge_devel(predictor: Predictor, data: Path) -> Iterator[list[Item]]:
    """Judge the devel sets, one list a set: sentences, faces, then each corpus of speech.

    Args:
        predictor: a bundle, ready to run.
        data: the labelled data folder, as the recipe takes it.
    """
    yield _sentences(predictor, data)
    yield _faces(predictor, data)
    yield from _speech(predictor, data)


def _items(about: Iterable[dict[str, str]], gold: np.ndarray, answers: np.ndarray) -> list[Item]:
    """Items of what is known of each, its gold and its answer, both (N, 2)."""
    numbers = zip(gold.astype(float).tolist(), answers.astype(float).tolist(), strict=True)
    return [
        Item(**(_UNKNOWN | known), gold_arousal=g[0], gold_valence=g[1], arousal=y[0], valence=y[1])
        for known, (g, y) in zip(about, numbers, strict=True)
    ]


def _sentences(predictor: Predictor, data: Path) -> list[Item]:
    rows = labelled.read_rows(data / "emobank" / "dev.csv")
    read = labelled.read_sentences(data, "devel")
    about = ({"item": r.get("id", str(k)), "set": TEXT, "language": "en"} for k, r in enumerate(rows))
    return _items(about, read.gold, predictor.texts(read.texts))


def _faces(predictor: Predictor, data: Path) -> list[Item]:
    rows = labelled.read_rows(data / "ferplus" / "devel.csv")
    read = labelled.read_faces(data, "devel")
    most = (labelled.FACE_CLASSES[k] for k in read.votes.argmax(1))
    about = ({"item": r["name"], "set": FACE, "emotion": e} for r, e in zip(rows, most, strict=True))
    return _items(about, read.gold, predictor.images(list(read.images)))


def _speech(predictor: Predictor, data: Path) -> Iterator[list[Item]]:
    place = {
        (r["emotion"], r["intensity"]): (float(r["arousal"]), float(r["valence"]))
        for r in labelled.read_rows(data / "speech_coordinates.csv")
    }
    devel = [r for r in labelled.read_rows(data / "speech.csv") if r["split"] == "devel"]
    for corpus in dict.fromkeys(r["corpus"] for r in devel):
        part = [r for r in devel if r["corpus"] == corpus]
        gold = np.array([place[r["emotion"], r["intensity"]] for r in part])
        # One at a time: all that a corpus says does not lie in memory at once.
        sounds = (labelled.read_samples(data / r["path"]) for r in part)
        answers = np.stack([predictor.sounds([sound], rate)[0] for sound, rate in sounds])
        about = ({"item": r["path"], "set": corpus} | {k: r.get(k, "") for k in _UNKNOWN} for r in part)
        yield _items(about, gold, answers)


def write_items(path: Path, items: Sequence[Item]) -> None:
    """Write items as CSV, a row each, numbers in full.

    Raises:
        OutputError: the file cannot be written.
    """
    with atomic(path) as part, part.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(Item)])
        writer.writeheader()
        writer.writerows(asdict(item) for item in items)


def read_items(path: Path) -> list[Item]:
    """Read what `write_items` wrote."""
    return [Item(**_typed(row)) for row in labelled.read_rows(path)]


def _typed(row: dict[str, str]) -> dict[str, Any]:
    return {f.name: float(row[f.name]) if f.type == "float" else row[f.name] for f in fields(Item)}
