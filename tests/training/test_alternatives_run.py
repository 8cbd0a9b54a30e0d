"""Networks of other people by a line of config, from their folder to a bundle of our own (section 5.5)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from affekt.runtime.bundle import open_bundle
from affekt.training.config import read_config
from affekt.training.run import train
from prepared import write_tiny
from training.test_audio_weights import KINDS, saved
from training.test_encoders import save_family


def trained(prepared: Path, folder: Path, modality: str, part: dict[str, Any]) -> tuple[Path, dict[str, Any]]:
    """A run of one modality, and its about.json."""
    config = write_tiny(folder / "config.yaml", prepared, modalities=[modality], training={"epochs": 1})
    values = yaml.safe_load(config.read_text())
    config.write_text(yaml.safe_dump({**values, modality: part}))
    train(read_config(config), folder / "run")
    return folder / "run", json.loads((folder / "run" / "about.json").read_text())


def test_an_encoder_of_words_from_a_folder(small_prepared: Path, tmp_path: Path) -> None:
    encoder = save_family("bert", tmp_path / "tiny-bert")
    part = {"encoder": str(encoder), "ngram_maps": 2, "projection": 8, "hidden": 4}
    run, about = trained(small_prepared, tmp_path, "text", part)
    assert "tiny-bert" in about["weights"]["text"]
    bundle = open_bundle(run)
    assert bundle.modalities == ("text",) and bundle.words == "wordpieces"


@pytest.mark.parametrize("kind", ["wav2vec2", "li", "trigeorgis"])
def test_another_network_for_sound(small_prepared: Path, tmp_path: Path, kind: str) -> None:
    if kind == "wav2vec2":
        part = {"kind": "pretrained", "name": str(saved(tmp_path / "tiny-wav2vec2", kind)), "clip": 25}
    else:
        part = {**KINDS.get(kind, {"kind": kind})}
    if kind == "li":
        part |= {"clip": 25, "pools": [5, 1]}
    run, about = trained(small_prepared, tmp_path, "audio", part)
    bundle = open_bundle(run)
    assert bundle.audio_context == (None if kind == "trigeorgis" else 25)
    if kind == "wav2vec2":
        assert "tiny-wav2vec2" in about["weights"]["audio"]
        # What the folder said of itself stands in the run's config, which is built again without the folder.
        assert yaml.safe_load((run / "config.yaml").read_text())["audio"]["architecture"]["hidden_size"] == 8
