"""SEWA as AVEC 2017 hands it out, in small: eight recordings of 3 to 5 s, test without labels."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np

from media.films import make_film, tone

ROWS = {
    "Train_01": 40,
    "Train_02": 50,
    "Train_03": 39,  # one short: its media last 4.0 s as those of Train_01, its partner
    "Train_04": 50,
    "Devel_01": 30,
    "Devel_02": 30,
}
"""Of the label files: row k is arousal k / 100, valence −k / 200, liking 0.5."""
SECONDS = {name: rows / 10 for name, rows in ROWS.items()} | {"Train_03": 4.0, "Test_01": 3.5, "Test_02": 3.2}
TURNS = {
    "Train_01": "0.240;1.870\n2.100;3.330\n",
    "Train_03": "1.900;2.100\n",
    "Devel_02": "",  # says nothing at all
}
TRANSCRIPTS = {
    "Train_01": "0.240;1.870;'ja also <filler> ich fand den \"Spot\" gut; wirklich'\n"
    "2.100;3.330;'<filler>'\n",
    "Train_02": "0.500;1.500;'schöne Grüße aus Köln'\n2.000;2.900;Müller's Büro\n",
}
TALK = "0.500;1.500\n"
SAID = "0.500;1.500;'mhm'\n"


def build(root: Path) -> Path:
    """Write the folder: a BOM and CRLF in Train_02, the names of Train_04 without quotes."""
    for folder in ("audio", "video", "labels", "turns", "transcriptions", "emotion_baseline_scripts"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    for name, seconds in SECONDS.items():
        write_wav(root / "audio" / f"{name}.wav", seconds)
        times = [k / 10 for k in range(round(10 * seconds))]
        make_film(root / "video" / f"{name}.avi", times, ticks=10)
        (root / "turns" / f"{name}.csv").write_text(TURNS.get(name, TALK), encoding="utf-8")
        said = TRANSCRIPTS.get(name, SAID)
        (root / "transcriptions" / f"{name}.csv").write_bytes(_dressed(name, said))
    for name, rows in ROWS.items():
        quoted = name if name == "Train_04" else f"'{name}'"
        text = "".join(f"{quoted};{k / 10:.6f};{label_row(k)}\n" for k in range(rows))
        (root / "labels" / f"{name}.csv").write_bytes(_dressed(name, text))
    return root


def label_row(k: int) -> str:
    """Arousal, valence and liking of a row."""
    return f"{k / 100:.6f};{-k / 200:.6f};0.500000"


def _dressed(name: str, text: str) -> bytes:
    if name == "Train_02":
        return b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode()
    return text.encode()


def write_wav(path: Path, seconds: float, rate: int = 8_000) -> None:
    """A tone, mono, 16 bit."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((32_767 * tone(seconds, rate)).astype(np.int16).tobytes())
