"""RECOLA in small, as AVEC 2016 handed it out and as its own release; 2 s of each, labels every 40 ms."""

from __future__ import annotations

from pathlib import Path

from corpora.miniatures.avec2017 import write_wav
from media.films import make_film

ROWS = 51
"""From 0 to 2.00 s, both included: one more than there are 40 ms in 2 s."""
NAMES = ("train_1", "train_2", "train_10", "dev_1", "test_1")
LABELLED = NAMES[:-1]
PEOPLE = ("P16", "P23")
ARFF = """\
@relation GOLDSTANDARD

@attribute Instance_name string
@attribute frameTime numeric
@attribute GoldStandard numeric

@data
"""
RATERS = "time;FM1 ;FM2 ;FM3 ;FF1 ;FF2 ;FF3\n"
OFFSETS = (0.1, -0.1, 0.0, 0.0, 0.05, -0.05)
"""By which the raters differ all along: about nothing, so that the raters as one rate what no. 3 rates."""


def value(dimension: str, row: int) -> float:
    """Arousal rises from 0 by 0.01 a row, valence falls from −0.25 by 0.005."""
    return row / 100 if dimension == "arousal" else -0.25 - row / 200


def build(root: Path) -> Path:
    """Write AVEC 2016's folder: ARFF with CRLF, whole numbers bare."""
    for dimension in ("arousal", "valence"):
        folder = root / "ratings_gold_standard" / dimension
        folder.mkdir(parents=True, exist_ok=True)
        for name in LABELLED:
            rows = (f"{name},{0.04 * row:.6g},{value(dimension, row):.6g}\n" for row in range(ROWS))
            (folder / f"{name}.arff").write_bytes((ARFF + "".join(rows)).replace("\n", "\r\n").encode())
    (root / "recordings_video").mkdir(exist_ok=True)
    for name in NAMES:
        write_wav(root / "recordings_audio" / f"{name}.wav", 2.0)
        make_film(root / "recordings_video" / f"{name}.mp4", [k / 25 for k in range(50)])
    return root


def build_full(root: Path) -> Path:
    """Write the folder of the release: six raters and no gold standard."""
    for dimension in ("arousal", "valence"):
        folder = root / "RECOLA-Annotation" / "emotional_behaviour" / dimension
        folder.mkdir(parents=True, exist_ok=True)
        for name in PEOPLE:
            rows = []
            for row in range(ROWS):
                values = (value(dimension, row) + offset for offset in OFFSETS)
                rows.append(f"{0.04 * row:.2f};" + ";".join(f"{one:.3f}" for one in values))
            (folder / f"{name}.csv").write_text(RATERS + "\n".join(rows) + "\n", encoding="ascii")
    social = root / "RECOLA-Annotation" / "social_behaviour" / "rapport"
    social.mkdir(parents=True, exist_ok=True)
    (social / "P16.csv").write_text("FM1;FM2;FM3;FF1;FF2;FF3\n 5; 4; 6; 5; 5; 3\n", encoding="ascii")
    for name in PEOPLE:
        write_wav(root / "RECOLA-Audio-recordings" / f"{name}.wav", 2.0)
    return root
