"""A database in audformat's layout in small, written by audformat itself: labels of segments and of files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from media.films import make_film, tone


def build(root: Path, kind: str = "csv") -> Path:
    """Write six sounds of 2 s, a table of segments for training, of files for devel and test, and speakers.

    Arousal is from 1 to 5, valence from −1 to 1.
    """
    import audformat
    import pandas as pd

    database = audformat.Database("müll & co", languages=["deu"])
    database.schemes["arousal"] = audformat.Scheme("float", minimum=1, maximum=5)
    database.schemes["valence"] = audformat.Scheme("float", minimum=-1, maximum=1)
    database["people"] = audformat.MiscTable(pd.Index(["A", "B", "C"], name="speaker", dtype="string"))
    database.schemes["speaker"] = audformat.Scheme("str", labels="people")
    database.splits["train"] = audformat.Split("train")
    database.splits["dev"] = audformat.Split("dev")
    names = ("a", "b", "ü c", "d", "e", "more/a")
    files = [f"wav/{name}.wav" for name in names]
    for file in files:
        path = root / file
        path.parent.mkdir(parents=True, exist_ok=True)
        make_film(path, sounds=[(0.0, tone(2.0, 16_000))], rate=16_000, sound="pcm_s16le")
    index = audformat.segmented_index(
        [files[0], files[0], files[1]], ["0s", "1s", "0.5s"], ["0.5s", "1.5s", pd.NaT]
    )
    rows = (index, [1.0, 5.0, 2.0], [-1.0, 0.5, float("nan")])
    _add(database, "gold.train", "train", *rows)
    _add(database, "gold.dev", "dev", audformat.filewise_index(files[2:4]), [3.0, 4.0], [0.0, 0.25])
    _add(database, "gold.test", None, audformat.filewise_index(files[4:]), [1.0, 2.0], [0.5, -0.5])
    _add(database, "annotator.dev", "dev", audformat.filewise_index(files[2:3]), [5.0], [1.0])
    database["files"] = audformat.Table(audformat.filewise_index(files))
    database["files"]["speaker"] = audformat.Column(scheme_id="speaker")
    database["files"]["speaker"].set(["A", "A", "B", "B", "C", "C"])
    database.save(str(root), storage_format=kind)
    return root


def _add(
    database: Any, name: str, split: str | None, index: Any, arousal: list[float], valence: list[float]
) -> None:
    """A table whose column of valence is called otherwise than its scheme."""
    import audformat

    database[name] = audformat.Table(index, split_id=split)
    for column, scheme, values in (("arousal", "arousal", arousal), ("pleasure", "valence", valence)):
        database[name][column] = audformat.Column(scheme_id=scheme)
        database[name][column].set(values)
