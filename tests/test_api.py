"""What `import affekt` hands out."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest

import affekt

EXAMPLES = Path(__file__).parents[1] / "examples"


@pytest.fixture(scope="module")
def demo(model: affekt.Model) -> affekt.Prediction:
    return model.predict(EXAMPLES / "demo.mp4")


def test_names() -> None:
    public = {
        name
        for name, value in vars(affekt).items()
        if not name.startswith("_") and not isinstance(value, ModuleType)
    }
    assert affekt.__all__ == sorted(public) and len(public) <= 12
    faults = [
        value for value in vars(affekt).values() if isinstance(value, type) and issubclass(value, Exception)
    ]
    assert len(faults) == 7 and all(issubclass(fault, affekt.AffektError) for fault in faults)


def test_trace(demo: affekt.Prediction) -> None:
    trace = demo.trace
    assert list(trace.columns) == ["name", "time", "arousal", "valence", "present"]
    assert len(trace) == len(demo) == 158 and set(trace["name"]) == {"demo.mp4"}
    np.testing.assert_allclose(trace["time"], 0.1 * np.arange(158), atol=1e-12)
    assert trace[["arousal", "valence"]].abs().max().max() <= 1
    assert trace["present"].all()


def test_modality_weights_sum_to_one_over_what_is_present(demo: affekt.Prediction) -> None:
    weights = demo.modality_weights
    if weights is None:
        assert demo.info["fusion"] == "concatenation"
        return
    present = demo.presence.any(axis=1)
    np.testing.assert_allclose(weights[present].sum(axis=1), 1, atol=1e-5)
    assert (weights >= 0).all() and (weights[~demo.presence] == 0).all()


def test_words_faces_and_stills(demo: affekt.Prediction) -> None:
    assert demo.word_weights and demo.face_maps and demo.stills
    for sentence in demo.word_weights:
        assert sentence.heads.shape[1] == len(sentence.words)
        np.testing.assert_allclose(sentence.heads.sum(axis=1), 1, atol=1e-4)
    for face in demo.face_maps:
        assert 0 <= face.frame < len(demo) and np.isfinite(face.map).all()


def test_a_prediction_goes_to_disk_and_back(demo: affekt.Prediction, tmp_path: Path) -> None:
    demo.save_json(tmp_path / "demo.json")
    again = affekt.Prediction.load(tmp_path / "demo.json")
    assert isinstance(again, affekt.Prediction)
    again.save_json(tmp_path / "again.json")
    assert (tmp_path / "again.json").read_bytes() == (tmp_path / "demo.json").read_bytes()
    for prediction, name in ((demo, "one"), (again, "two")):
        prediction.save_csv(str(tmp_path / f"{name}.csv"), ["presence", "weights"])
        prediction.save_report(str(tmp_path / f"{name}.html"))
        assert '<source src="./' in (tmp_path / f"{name}.html").read_text(encoding="utf-8")
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "two.csv").read_bytes()
    np.testing.assert_allclose(pd.read_csv(tmp_path / "one.csv")["arousal"], demo.arousal, atol=1e-6)


def test_parquet_holds_the_trace(demo: affekt.Prediction, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    demo.save_parquet(tmp_path / "demo.parquet", ["presence"])
    table = pd.read_parquet(tmp_path / "demo.parquet")
    np.testing.assert_array_equal(table["valence"], demo.valence)
    assert table["visual"].dtype == bool


def test_what_is_wrong_in_a_program_is_a_value_error(
    model: affekt.Model, model_folder: Path, demo: affekt.Prediction, tmp_path: Path
) -> None:
    film = EXAMPLES / "demo.mp4"
    with pytest.raises(ValueError, match="sentence or causal"):
        model.predict(film, alignment="word")
    with pytest.raises(ValueError, match="the first face is 1"):
        model.predict(film, subject=0)
    with pytest.raises(ValueError, match="at least 1"):
        affekt.load_model(model_folder, threads=0)
    with pytest.raises(ValueError, match="no such columns: faces"):
        demo.save_csv(tmp_path / "demo.csv", ["faces"])
    assert list(tmp_path.iterdir()) == []


def test_a_prediction_can_be_changed_and_saved(demo: affekt.Prediction, tmp_path: Path) -> None:
    calm = dataclasses.replace(demo, arousal=-np.abs(demo.arousal), info={})
    calm.save_json(tmp_path / "calm.json")
    assert affekt.Prediction.load(tmp_path / "calm.json").info == {}


def test_progress_ends_at_the_last_frame(model: affekt.Model) -> None:
    seen: list[tuple[int, int | None]] = []
    model.predict(EXAMPLES / "demo.srt", progress=lambda done, total: seen.append((done, total)))
    assert seen and seen[-1][0] == seen[-1][1]


def test_batches(model: affekt.Model, demo: affekt.Prediction) -> None:
    texts = model.predict_texts(["What a lovely day!", "...", "I hate this."])
    noise = np.random.default_rng(0).normal(0, 0.1, 16_000).astype(np.float32)
    sounds = model.predict_sounds([noise, np.zeros(16_000, np.float32)], 16_000)
    images = model.predict_images([demo.face_maps[0].face, np.zeros((200, 300, 3), np.uint8)])
    for table, missing in ((texts, [1]), (sounds, [1]), (images, [1])):
        assert list(table.columns) == ["arousal", "valence"]
        assert np.flatnonzero(table.isna().any(axis=1)).tolist() == missing
        assert table.abs().max().max() <= 1
    assert model.predict_texts([]).shape == (0, 2)


def test_name_and_card(model: affekt.Model) -> None:
    assert model.name and model.card


def test_an_unknown_model() -> None:
    with pytest.raises(affekt.ModelError, match="no-such: no such model"):
        affekt.load_model("no-such")
