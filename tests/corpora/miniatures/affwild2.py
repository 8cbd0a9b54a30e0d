"""Aff-Wild2 and Aff-Wild in small: films of different frame rates, two people in one of them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from media.films import make_film

Pair = tuple[float, float]


def film(path: Path, count: int, rate: int) -> Path:
    """A film of so many pictures at so many a second, which AVI has but one of for all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return make_film(path, [k / rate for k in range(count)], ticks=rate if path.suffix == ".avi" else 1000)


def labels(path: Path, rows: Iterable[Pair], newline: str = "\n", mark: bytes = b"") -> Path:
    """A label file: valence first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = ["valence,arousal", *(f"{valence:g},{arousal:g}" for valence, arousal in rows)]
    path.write_bytes(mark + newline.join([*lines, ""]).encode())
    return path


def build(root: Path) -> Path:
    """Write Aff-Wild2 as ABAW hands it out since its second edition.

    Train: `430` at 20 pictures a second, three rows of which are −5; `10-60-1280x720` and its `_right`, one
    film. Devel: `video59` with one row too many, in CRLF. Test: `Übung 7`, named without labels.
    """
    track = root / "VA_Estimation_Challenge"
    train, devel, test = track / "Train_Set", track / "Validation_Set", track / "Test_Set"
    film(root / "batch1" / "430.mp4", 40, 20)
    rows = [(-0.1, 0.2)] * 20 + [(0.3, 0.4)] * 20
    rows[10], rows[11] = (-5, -5), (-5, -5)
    rows[30] = (-5, 0.4)
    labels(train / "430.txt", rows)
    film(root / "batch2" / "10-60-1280x720.avi", 30, 10)
    labels(train / "10-60-1280x720.txt", [(k / 100, -k / 100) for k in range(30)], mark=b"\xef\xbb\xbf")
    labels(train / "10-60-1280x720_right.txt", [(0.5, -0.5)] * 30)
    film(root / "new_vids" / "video59.MP4", 25, 25)
    labels(devel / "video59.txt", [(0.25, 0.75)] * 26, newline="\r\n")
    film(root / "batch1" / "Übung 7.mp4", 20, 10)
    test.mkdir(parents=True)
    (test / "Übung 7.txt").write_text("valence,arousal\n")
    expressions = root / "EXPR_Classification_Challenge" / "Train_Set"
    expressions.mkdir(parents=True)
    (expressions / "430.txt").write_text("Neutral,Anger,Disgust\n0\n1\n")
    faces = root / "cropped_aligned" / "430"
    faces.mkdir(parents=True)
    (faces / "00001.jpg").write_bytes(b"")
    return root


def build_old(root: Path) -> Path:
    """Write Aff-Wild: a number a line, a folder for each dimension; no label yet for the test."""
    for partition, name, count in (("train", "105", 50), ("train", "12", 25), ("test", "7", 25)):
        film(root / "videos" / partition / f"{name}.mp4", count, 25)
        if partition == "train":
            for dimension, value in (("arousal", 0.5), ("valence", -0.25)):
                path = root / "annotations" / partition / dimension / f"{name}.txt"
                path.parent.mkdir(parents=True, exist_ok=True)
                values = np.full(count - (name == "12"), value)
                path.write_text("".join(f"{one:.3f}\n" for one in values))
    return root
