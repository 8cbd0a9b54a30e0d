"""SEWA as AVEC 2019 hands it out, in small: three cultures, labels with a header, sound without films."""

from __future__ import annotations

from pathlib import Path

from corpora.miniatures.avec2017 import label_row, write_wav

ROWS = {
    "Train_DE_01": 30,
    "Train_DE_02": 31,
    "Train_HU_01": 30,
    "Train_HU_02": 45,
    "Devel_DE_01": 25,
    "Devel_HU_01": 36,
    "Devel_HU_02": 36,
}
TESTS = {"Test_DE_01": 22, "Test_HU_01": 25, "Test_CN_01": 28, "Test_CN_02": 20}
PAIRS = "Train_DE_01;Train_DE_02\nTest_CN_01;Test_CN_02\n"
HEADER = "name;timestamp;arousal;valence;liking\n"


def build(root: Path, header: bool = True, pairs: bool = True) -> Path:
    """Write the folder: sound of all, labels of train and devel; nobody was handed turns or transcripts."""
    for name, rows in (ROWS | TESTS).items():
        write_wav(root / "audio" / f"{name}.wav", rows / 10)
    write_labels(root / "labels", header)
    if pairs:
        (root / "pairs.csv").write_text(PAIRS, encoding="utf-8")
    return root


def write_labels(folder: Path, header: bool = True) -> Path:
    """The label files alone: with a header as in 2019, or without as in 2018."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in ROWS.items():
        text = "".join(f"'{name}';{k / 10:.6f};{label_row(k)}\n" for k in range(rows))
        (folder / f"{name}.csv").write_text(HEADER * header + text, encoding="ascii")
    return folder
