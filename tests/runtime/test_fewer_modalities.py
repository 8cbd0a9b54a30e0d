"""`affekt predict --model RUN` says of films what PyTorch said, by one, two or three modalities."""

from __future__ import annotations

import json
import shutil
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from affekt.cli import affekt as command
from affekt.errors import ModelError
from affekt.runtime.bundle import open_bundle
from affekt.runtime.predictor import Predictor
from trained import WAYS, last_stage, run_of

TOLERANCE = 1e-3
"""Of half precision in weights; measured 2e-4 at most."""
NAME = "Devel_01"


def trace(path: Path) -> np.ndarray:
    """Arousal and valence (T, 2) of a table."""
    return np.loadtxt(path, delimiter=",", skiprows=1, usecols=(2, 3))


@cache
def predicted(way: str, corpus: Path, prepared: Path) -> dict[str, np.ndarray]:
    """Columns of what the command writes of a film of the corpus."""
    run = run_of(way, prepared)
    out = run.parent / f"{way}-predicted"
    words = ["predict", "--corpus", corpus, "--select", NAME, "--model", run, "--format", "csv"]
    options = ["--columns", "presence,weights", "--threads", 1, "--out", out]
    done = CliRunner().invoke(command, [str(word) for word in (*words, *options)])
    assert done.exit_code == 0, done.output
    table = np.genfromtxt(out / f"{NAME}.csv", delimiter=",", names=True, dtype=None, encoding="utf-8")
    return {name: table[name] for name in table.dtype.names or ()}


@pytest.mark.parametrize("way", WAYS)
def test_films_prepared_trained_bundled_and_predicted_give_pytorchs_trace(
    small_corpus: tuple[Path, Path], way: str
) -> None:
    corpus, prepared = small_corpus
    ours = predicted(way, corpus, prepared)
    said = np.stack([ours["arousal"], ours["valence"]], 1)
    torchs = trace(run_of(way, prepared) / last_stage(way) / "devel" / f"{NAME}.csv")
    assert said.shape == torchs.shape == (120, 2)
    np.testing.assert_allclose(said, torchs, rtol=0, atol=TOLERANCE)
    assert torchs.std(0).min() > 3 * TOLERANCE  # a constant would not do
    others = [
        trace(run_of(one, prepared) / last_stage(one) / "devel" / f"{NAME}.csv") for one in WAYS if one != way
    ]
    assert min(np.abs(said - other).max() for other in others) > 10 * TOLERANCE  # nor another model


@pytest.mark.parametrize(
    ("way", "names"),
    [("text", ["text"]), ("audio", ["audio"]), ("visual", ["visual"]), ("pair", ["text", "visual"])],
)
def test_what_it_does_not_judge_by_is_absent_and_weighs_nothing(
    small_corpus: tuple[Path, Path], way: str, names: list[str]
) -> None:
    columns = predicted(way, *small_corpus)
    present = {m: columns[m].astype(bool) for m in ("text", "audio", "visual")}
    weights = {m: columns[f"weight_{m}"].astype(float) for m in ("text", "audio", "visual")}
    for m, there in present.items():
        assert there.any() == (m in names)
        assert not weights[m][~there].any()
    total = sum(weights.values())
    anything = np.any(list(present.values()), axis=0)
    np.testing.assert_allclose(total, anything, atol=1e-5)
    assert anything.sum() > 20


def test_lists_of_what_it_does_not_judge_by_have_no_answer(small_prepared: Path) -> None:
    face, tone = np.zeros((32, 32, 3), np.uint8), np.sin(np.arange(8_000) / 5).astype(np.float32)
    by_sound = Predictor(open_bundle(run_of("audio", small_prepared)), threads=1)
    assert np.isnan(by_sound.texts(["good day"])).all()
    assert np.isnan(by_sound.images([face])).all()
    assert np.isfinite(by_sound.sounds([tone], 8_000)).all()
    by_words = Predictor(open_bundle(run_of("text", small_prepared)), threads=1)
    assert np.isfinite(by_words.texts(["good day"])).all()
    assert np.isnan(by_words.sounds([tone], 8_000)).all()


def test_only_what_it_judges_by_is_in_the_bundle(small_prepared: Path) -> None:
    for way, files in (
        ("audio", {"graph-audio.onnx", "graph-fusion.onnx"}),
        ("pair", {"graph-text.onnx", "graph-visual.onnx", "graph-fusion.onnx", "vocabulary.json"}),
    ):
        found = {path.name for path in (run_of(way, small_prepared) / "bundle").iterdir()}
        assert found == files | {"config.json", "weights.safetensors", "card.md"}


@pytest.mark.parametrize(
    ("modalities", "said"),
    [
        (["visual"], "files of config.json are"),
        (["audio", "visual"], "files of config.json are"),
        (["sound"], "judges by"),
        ([], "judges by"),
        ("audio", "judges by"),
        (["audio", "audio"], "judges by"),
        (None, "damaged"),
    ],
)
def test_a_config_that_claims_other_modalities(
    small_prepared: Path, tmp_path: Path, modalities: object, said: str
) -> None:
    shutil.copytree(run_of("audio", small_prepared) / "bundle", tmp_path / "bundle")
    path = tmp_path / "bundle" / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"modalities": modalities}))
    with pytest.raises(ModelError, match="bundle: not a model bundle of affekt's, or damaged") as caught:
        open_bundle(tmp_path)
    assert said in str(caught.value) and "\n" not in str(caught.value)
