"""A bundle that says how far off it may be: its band, from the head's spread to the prediction."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from affekt.errors import ModelError
from affekt.runtime.bundle import Band, open_bundle
from affekt.runtime.engine import Engine
from affekt.runtime.predictor import Predictor
from affekt.timeline import Recording
from affekt.training.export import write_bundle
from bundles import (
    CARD,
    CONFIG,
    SPEC,
    banded_folder,
    bundle_folder,
    change_config,
    make_encoder,
    make_model,
    tokenizer,
)
from cli.conftest import write_sound

SPREAD = replace(CONFIG, head=replace(CONFIG.head, spread=True))
PRESENT = np.array([[[1, 1, 1], [0, 1, 0], [0, 0, 0], [0, 0, 1]]] * 2, bool)


def features() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    draw = np.random.default_rng(0)
    text, audio, visual = (draw.standard_normal((2, 4, w)).astype(np.float32) for w in CONFIG.sizes)
    return text, audio, visual


def test_the_engine_says_pytorchs_spread() -> None:
    engine = Engine(open_bundle(banded_folder()), threads=1)
    found = engine.judge(features(), PRESENT, engine.initial(2))
    model = make_model(config=SPREAD).fused_head
    with torch.no_grad():
        wanted = model(*map(torch.tensor, features()), torch.tensor(PRESENT), model.head.initial(2))
    assert found.spread is not None and wanted.spread is not None
    np.testing.assert_allclose(found.spread, wanted.spread.numpy(), rtol=1e-4)
    np.testing.assert_allclose(found.y, wanted.y.numpy(), rtol=0, atol=1e-4)
    assert found.spread.shape == (2, 4, 2) and found.spread.std() > 1e-3


def test_a_recordings_band_is_scale_times_spread_and_nan_where_nothing_is_present(tmp_path: Path) -> None:
    sound = write_sound(tmp_path / "a.wav", 3.0)
    data = bytearray(sound.read_bytes())
    data[44 + 2 * 16_000 :] = bytes(len(data) - 44 - 2 * 16_000)  # silent from its second second on
    sound.write_bytes(data)
    folder = Path(shutil.copytree(banded_folder(), tmp_path / "wider"))
    change_config(folder, band={"share": 0.9, "scale": [3.0, 2.0]})
    one, wider = (Predictor(open_bundle(f), 1) for f in (banded_folder(), folder))
    assert one.bundle.band == Band(0.9, (1.5, 0.5))
    said = one.predict(Recording(sound))
    assert said.band is not None and said.band.shape == (30, 2) and said.band.dtype == np.float32
    here = said.presence.any(1)
    assert here[:10].all() and not here[15:].any() and said.info["band"] == 0.9
    assert np.isnan(said.band[~here]).all() and (said.band[here] > 0).all()
    again = wider.predict(Recording(sound))
    np.testing.assert_array_equal(again.arousal, said.arousal)
    assert again.band is not None
    np.testing.assert_allclose(again.band[here] / said.band[here], [[2, 4]] * here.sum(), rtol=1e-5)


def test_an_older_bundle_has_none(tmp_path: Path) -> None:
    said = Predictor(open_bundle(bundle_folder()), 1).predict(Recording(write_sound(tmp_path / "a.wav", 0.5)))
    assert said.band is None and "band" not in said.info


def test_a_spread_nobody_has_scaled_is_no_band(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(banded_folder(), tmp_path / "tiny"))
    change_config(folder, band=None)
    said = Predictor(open_bundle(folder), 1).predict(Recording(write_sound(tmp_path / "a.wav", 0.5)))
    assert said.band is None


def test_a_band_without_a_spread_is_refused(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(bundle_folder(), tmp_path / "tiny"))
    change_config(folder, band={"share": 0.9, "scale": [1, 1.0]})
    with pytest.raises(ModelError, match=r"graph-fusion.onnx: does not fit its bundle .*gives y"):
        Engine(open_bundle(folder), 1).initial(1)
    parts = make_encoder(), make_model(), SPEC, tokenizer(), "wordpieces", CARD
    with pytest.raises(ValueError, match="this model's head has none"):
        write_bundle(tmp_path / "new", "tiny", *parts, band={"share": 0.9, "scale": [1.0, 1.0]})
    with pytest.raises(ValueError, match="makes a band of"):
        write_bundle(tmp_path / "new", "tiny", *parts, band={"share": 0.0, "scale": [1.0, 1.0]})
    assert not (tmp_path / "new").exists()


def test_what_was_measured_for_some_modalities_counts_where_they_are_alone() -> None:
    band = Band(0.9, (3.0, 2.0), {"audio": (5.0, 6.0), "text visual": (1.0, 0.5)})
    presence = np.array([[0, 1, 0], [0, 1, 1], [1, 0, 1], [0, 0, 0]], bool)
    assert band.at(presence).tolist() == [[5, 6], [3, 2], [1, 0.5], [3, 2]]
