"""The default model's recipe runs through on a miniature of its data, from files to a working bundle."""

from __future__ import annotations

import csv
import io
import json
import wave
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import affekt
from affekt.networks import FUSIONS
from affekt.training.default import faces, fusion, recipe, sentences, speech, transfer
from affekt.training.default.data import FACE_CLASSES
from affekt.training.loop import FitSettings

WORDS = ("good", "bad", "happy", "sad", "calm", "storm", "friend", "letter", "house", "rain", "never")
PLACES = {"angry": (0.6, -0.5), "calm": (-0.2, 0.4), "happy": (0.4, 0.6)}


def write_rows(path: Path, rows: list[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


def write_faces(data: Path, draw: np.random.Generator) -> None:
    places = [
        {"category": name, "arousal": draw.uniform(-1, 1), "valence": draw.uniform(-1, 1)}
        for name in FACE_CLASSES
    ]
    write_rows(data / "ferplus" / "coordinates.csv", places)
    for split, count in (("train", 80), ("devel", 30)):
        rows = [
            {"name": f"{i}.png"} | {c: int(draw.integers(1, 9)) for c in FACE_CLASSES} for i in range(count)
        ]
        write_rows(data / "ferplus" / f"{split}.csv", rows)
        with zipfile.ZipFile(data / "ferplus" / f"{split}.zip", "w") as archive:
            for row in rows:
                buffer = io.BytesIO()
                Image.fromarray(draw.integers(0, 256, (48, 48), np.uint8)).save(buffer, "png")
                archive.writestr(row["name"], buffer.getvalue())


def write_sentences(data: Path, draw: np.random.Generator) -> None:
    for split, count in (("train", 40), ("dev", 30)):
        rows = [
            {"A": draw.uniform(2, 4), "V": draw.uniform(2, 4), "text": " ".join(draw.choice(WORDS, 5)) + "."}
            for _ in range(count)
        ]
        write_rows(data / "emobank" / f"{split}.csv", rows)


def write_speech(data: Path, draw: np.random.Generator) -> None:
    places = [
        {"emotion": e, "intensity": "normal", "arousal": a, "valence": v} for e, (a, v) in PLACES.items()
    ]
    write_rows(data / "speech_coordinates.csv", places)
    rows = []
    for split, who in (("train", (1, 2)), ("devel", (3, 4))):
        for corpus in speech.CORPORA:
            for speaker in who:
                for emotion in PLACES:
                    path = f"{corpus}/{speaker}_{emotion}.wav"
                    (data / corpus).mkdir(exist_ok=True)
                    sound = (draw.standard_normal(int(16_000 * draw.uniform(1, 2))) * 3_000).astype("<i2")
                    with wave.open(str(data / path), "wb") as file:
                        file.setparams((1, 2, 16_000, 0, "NONE", ""))
                        file.writeframes(sound.tobytes())
                    rows.append(
                        {"path": path, "corpus": corpus, "speaker": f"{corpus}_{speaker}"}
                        | {"emotion": emotion, "intensity": "normal", "split": split}
                    )
    write_rows(data / "speech.csv", rows)


def shortened(settings: type[FitSettings]) -> Callable[..., FitSettings]:
    return lambda _epochs, *values, **named: settings(1, *values, **named)


def test_from_labelled_files_to_a_bundle_that_predicts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data, run, draw = tmp_path / "data", tmp_path / "run", np.random.default_rng(0)
    write_faces(data, draw)
    write_sentences(data, draw)
    write_speech(data, draw)
    for module in (faces, sentences, speech, fusion, transfer):
        monkeypatch.setattr(module, "FitSettings", shortened(FitSettings))
    monkeypatch.setattr(faces, "BATCH", 32)
    monkeypatch.setattr(sentences, "RUNS", 2)
    monkeypatch.setattr(speech, "BATCH", 6)
    monkeypatch.setattr(fusion, "TRAIN_SEQUENCES", 2)
    monkeypatch.setattr(fusion, "DEVEL_SEQUENCES", 1)
    monkeypatch.setattr(fusion, "STEPS", 1)
    monkeypatch.setattr(transfer, "STEPS", 1)

    for stage in ("faces", "text", "audio", "fusion", "bundle"):
        recipe.run_stages(data, run, stage)
    told = capsys.readouterr().out
    assert told.count("epoch 0") == 6  # faces, MiniLM twice, the text network, audio, fusion

    model = affekt.load_model(run / "bundle")
    assert np.isfinite(model.predict_texts(["a good friend"]).to_numpy()).all()
    sound = draw.standard_normal(16_000).astype(np.float32) / 10
    assert np.isfinite(model.predict_sounds([sound], 16_000).to_numpy()).all()
    assert np.isfinite(model.predict_images([np.full((48, 48), 90, np.uint8)]).to_numpy()).all()
    assert "Not measured." in model.card and "{{" not in model.card

    recipe.run_stages(data, run, "fusion")
    assert "epoch" not in capsys.readouterr().out  # it was done

    # What the checks measure needs real pairs; the rest is there.
    monkeypatch.setattr(recipe.pairs, "check_pairs", lambda *_: None)
    recipe.run_stages(data, run, "checks")
    recipe.run_stages(data, run, "card")
    assert (
        capsys.readouterr().out.count("epoch 0") == len(FUSIONS) - 1 + 3
    )  # and a corpus left out, and waves
    card = " ".join(affekt.load_model(run / "bundle").card.split())
    assert "| residual |" in card and "| emodb | no |" in card
    assert "the raw waveform, the paper's" in card
    assert [r["stage"] for r in json.loads((run / "times.json").read_text())["rows"]] == [*recipe.STAGES]
    assert len(json.loads((run / "transfer.json").read_text())) == 3
    corpora = [row["corpus"] for row in json.loads((run / "coverage.json").read_text())]
    assert corpora[:4] == [*speech.CORPORA, "all"]
