"""Real pairs of voice and face: which file belongs to which, what is heard, and what is kept."""

from __future__ import annotations

import csv
import shutil
import sys
import wave
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from affekt.errors import AffektError, CorpusError, ModelError
from affekt.runtime.bundle import open_bundle
from affekt.runtime.predictor import Predictor
from affekt.training.default import takes as module
from affekt.training.default.data import Speech, read_speech
from affekt.training.default.takes import UNITS, read_takes, read_units, take_of
from bundles import bundle_folder, change_config

SPOKEN = (
    ("05-01-01-01-02", "train", 0.5),
    ("03-02-01-01-02", "train", 0.9),
    ("03-01-01-01-17", "devel", 0.7),
)


@pytest.fixture(autouse=True)
def pyarrow() -> None:
    pytest.importorskip("pyarrow")


def write_units(path: Path, columns: dict[str, list[Any]]) -> None:
    import pyarrow
    import pyarrow.parquet

    path.parent.mkdir(parents=True, exist_ok=True)
    pyarrow.parquet.write_table(pyarrow.table(columns), path)


def write_csv(path: Path, rows: list[dict[str, Any]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Two takes to learn from and one of devel; the units of a fourth and not those of the second."""
    folder, draw, rows = tmp_path / "data", np.random.default_rng(0), list[dict[str, Any]]()
    (folder / "ravdess").mkdir(parents=True)
    for take, split, seconds in SPOKEN:
        path = f"ravdess/03-01-{take}.wav"
        emotion = "angry" if take.startswith("05") else "happy"
        rows.append(
            {"path": path, "corpus": "ravdess", "speaker": take[-2:], "emotion": emotion, "split": split}
        )
        rows[-1]["intensity"] = "normal"
        with wave.open(str(folder / path), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(16_000)
            file.writeframes(draw.integers(-9000, 9000, int(16_000 * seconds), np.int16).tobytes())
    write_csv(folder / "speech.csv", rows)
    places = [("angry", 0.4, -0.3), ("happy", 0.3, 0.6)]
    named = [{"emotion": e, "intensity": "normal", "arousal": a, "valence": v} for e, a, v in places]
    write_csv(folder / "speech_coordinates.csv", named)
    names = ["01-01-03-01-01-01-17", "01-01-05-01-01-01-02", "01-01-08-01-01-01-02"]
    write_units(
        folder / UNITS, {"name": names, "AU01_r": [0.1, 0.2, 0.3], "actor": [17, 2, 2], "AU45_c": [4, 5, 6]}
    )
    return folder


def test_what_the_files_of_a_take_share() -> None:
    assert take_of("ravdess/Actor_02/03-01-05-01-02-01-02.flac") == take_of("01-01-05-01-02-01-02")
    assert take_of("01-01-05-01-02-01-02") != take_of("01-01-05-01-02-02-02")


def test_units_in_the_order_of_their_columns(data: Path) -> None:
    units = read_units(data / UNITS)
    assert list(units) == ["03-01-01-01-17", "05-01-01-01-02", "08-01-01-01-02"]
    assert units["05-01-01-01-02"].dtype == np.float32
    np.testing.assert_allclose(units["05-01-01-01-02"], [0.2, 5])


def test_takes_with_both_sides(data: Path, tmp_path: Path) -> None:
    takes = read_takes(data, bundle_folder(), tmp_path / "cache", threads=1)
    assert takes.speaker.tolist() == ["02", "17"] and takes.devel.tolist() == [False, True]
    assert takes.frames.tolist() == [5, 7] and takes.sound.shape[:2] == (2, 7)
    np.testing.assert_allclose(takes.units, [[0.2, 5], [0.1, 4]])
    np.testing.assert_allclose(takes.gold, [[0.4, -0.3], [0.3, 0.6]])
    assert takes.heard.tolist() == [[True] * 5 + [False] * 2, [True] * 7]
    assert not takes.sound[0, 5:].any() and takes.sound[0, :5].any()
    predictor = Predictor(open_bundle(bundle_folder()), 1)
    assert (takes.sound.shape[2], takes.width) == predictor.engine.widths[1:]
    (devel,) = read_speech(data, "devel")
    assert torch.equal(takes.sound[1], module.hear(predictor, [devel])[0])


def test_what_was_heard_is_kept(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = read_takes(data, bundle_folder(), tmp_path / "cache", threads=1)
    (kept,) = (tmp_path / "cache").iterdir()
    heard, hear = list[int](), module.hear

    def noted(
        predictor: Predictor, spoken: Sequence[Speech]
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        heard.append(len(spoken))
        return hear(predictor, spoken)

    monkeypatch.setattr(module, "hear", noted)
    again = read_takes(data, bundle_folder(), tmp_path / "cache", threads=1)
    assert not heard and torch.equal(again.sound, first.sound) and torch.equal(again.heard, first.heard)
    kept.write_bytes(kept.read_bytes()[:50])
    again = read_takes(data, bundle_folder(), tmp_path / "cache", threads=1)
    assert heard == [2] and torch.equal(again.sound, first.sound)
    # Another bundle hears for itself.
    other = tmp_path / "other"
    shutil.copytree(bundle_folder(), other)
    change_config(other, name="other")
    read_takes(data, other, tmp_path / "cache", threads=1)
    assert heard == [2, 2] and len(list((tmp_path / "cache").iterdir())) == 2


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"AU01_r": [0.1]}, "holds no action units"),
        ({"name": ["01-01-05-01-01-01-02"]}, "holds no action units"),
        ({"name": ["01-01-05-01-01-01-02"], "AU01_r": ["much"]}, "holds no action units"),
        ({"name": [None], "AU01_r": [0.1]}, "holds no action units"),
        ({"name": ["01-01-05-01-01-01-02"], "AU01_r": [float("nan")]}, "is no number"),
        ({"name": ["01-01-05-09-01-01-02"], "AU01_r": [0.1]}, "none of its takes"),
    ],
)
def test_units_that_do_not_fit(data: Path, tmp_path: Path, columns: dict[str, list[Any]], said: str) -> None:
    write_units(data / UNITS, columns)
    with pytest.raises(CorpusError, match=said) as caught:
        read_takes(data, bundle_folder(), tmp_path)
    assert UNITS.name in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [None, b"", b"PAR1 and nothing else"])
def test_damaged_units(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "units.parquet").write_bytes(content)
    with pytest.raises(CorpusError, match=r"units\.parquet: holds no action units") as caught:
        read_units(tmp_path / "units.parquet")
    assert "\n" not in str(caught.value)


def test_without_pyarrow(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(AffektError, match=r"pip install 'affekt\[parquet\]'"):
        read_units(data / UNITS)


def test_no_such_bundle(data: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no such model"):
        read_takes(data, tmp_path / "nowhere", tmp_path)
