"""The whole path on real recordings: every clip in the shared folder, judged once for all tests."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

import affekt
from affekt.timeline import frame_count

NAMES = (
    "edtalk_pose_source2.mp4",
    "grid_lrwp9a.mpg",
    "latentsync_demo1.mp4",
    "latentsync_demo2_lowq.webm",
    "openface_default.wmv",
    "openface_multi_face.avi",
    "pyfeat_face_noface.mov",
    "sppas_demo_fr.mp4",
    "visualvoice_interview.mp4",
)
FACE_UNTIL = {"pyfeat_face_noface.mov": 2.4}
"""Seconds up to which a face can be seen, where it is not to the end."""


@pytest.fixture(scope="session")
def clips(shared: Path) -> dict[str, dict[str, str]]:
    with (shared / "clips" / "clips.csv").open(encoding="utf-8", newline="") as file:
        return {row["name"]: row for row in csv.DictReader(file)}


@pytest.fixture(scope="session")
def predictions(shared: Path, model: affekt.Model) -> dict[str, affekt.Prediction]:
    return {name: model.predict(shared / "clips" / name) for name in NAMES}


def test_no_clip_is_forgotten(clips: dict[str, dict[str, str]]) -> None:
    assert sorted(clips) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_trace(
    name: str, predictions: dict[str, affekt.Prediction], clips: dict[str, dict[str, str]]
) -> None:
    trace = predictions[name].trace
    assert len(trace) == frame_count(float(clips[name]["seconds"]))
    values = trace[["arousal", "valence"]].to_numpy()
    assert np.isfinite(values).all() and (np.abs(values) <= 1).all()
    np.testing.assert_array_equal(trace["time"], np.arange(len(trace)) / 10)


@pytest.mark.parametrize("name", NAMES)
def test_faces_are_found_where_they_are_and_nowhere_else(
    name: str, predictions: dict[str, affekt.Prediction]
) -> None:
    found = predictions[name].presence[:, 2]
    until = round(10 * FACE_UNTIL[name]) if name in FACE_UNTIL else len(found)
    assert found[:until].mean() >= 0.95
    assert found[until:].sum() <= 0.05 * len(found[until:])


@pytest.mark.parametrize("name", NAMES)
def test_sound_and_words_are_there_as_listed(
    name: str, predictions: dict[str, affekt.Prediction], clips: dict[str, dict[str, str]]
) -> None:
    text, audio, _ = predictions[name].presence.mean(axis=0)
    if not clips[name]["audio_codec"]:
        assert audio == 0
    elif name == "pyfeat_face_noface.mov":  # its sound starts after 2.43 s
        assert 0.5 < audio < 0.7
    else:
        assert audio > 0.95
    warned = any("left out" in warning for warning in predictions[name].info["warnings"])
    assert (text > 0 or warned) == bool(clips[name]["srt"])


@pytest.mark.parametrize("name", NAMES)
def test_report(name: str, predictions: dict[str, affekt.Prediction], tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    predictions[name].save_report(page)
    text = page.read_text(encoding="utf-8")
    assert text.lower().startswith("<!doctype html>") and text.rstrip().endswith("</html>")
    assert len(text) > 50_000 and name in text and "{{" not in text
