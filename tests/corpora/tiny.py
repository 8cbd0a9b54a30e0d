"""A corpus made by hand, of a few seconds, for what is done with corpora of any kind."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from affekt.corpora.corpus import Corpus
from affekt.timeline import ClipSpec, Gold, Recording, Sentence, Turn
from conftest import ROOT
from media.films import make_film, tone

DEMO = ROOT / "examples" / "demo.mp4"
SPEC = ClipSpec(sample_rate=8_000, window=1_000, image_size=32)
SAID = (Sentence(0.2, 0.9, 'Größe; "so was"'), Sentence(1.2, 1.8, "I don't know!"))


def gold(n_frames: int, seed: int = 0) -> Gold:
    return Gold(np.random.default_rng(seed).uniform(-1, 1, (n_frames, 2)).astype(np.float32))


def film(path: Path, seconds: float, hertz: float = 440.0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return make_film(path, np.arange(0, seconds, 0.1), [(0.0, tone(seconds, hertz=hertz))])


def tiny_corpus(root: Path, faces: bool = False) -> Corpus:
    """Five recordings in a folder, of which one has turns, one a label for all of it, and one no gold."""
    folder = root / "ein Körper"
    paths = [folder / f"film {k}.mp4" for k in range(5)]
    for k, path in enumerate(paths):
        if not path.exists():
            film(path, 2.0 + k / 2, 300.0 + 50 * k)
    turns = (Turn(0.0, 1.0, True), Turn(1.0, 3.0, False))
    recordings = [
        Recording(paths[0], SAID, name="Train_01", partition="train", group="a", gold=gold(20)),
        Recording(paths[1], (), turns, name="Train_02", partition="train", group="a", gold=gold(27)),
        Recording(
            paths[2], name="Train/10", partition="train", gold=Gold(np.array([[0.5]]), ("valence",), True)
        ),
        Recording(
            paths[3], SAID, name="Devel ö", partition="devel", speaker="Ä", language="de", gold=gold(30)
        ),
        Recording(paths[4], name="train_01", partition="test"),
    ]
    if faces:
        recordings.append(Recording(DEMO, name="Devel_face", partition="devel", gold=gold(158)))
    return Corpus("tiny", folder, tuple(recordings))


def tree(folder: Path) -> dict[str, bytes]:
    """All files of a folder and what is in them."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}
