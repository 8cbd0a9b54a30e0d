"""Single devel items: the same scores as the shared scorer's, kept in full, grouped by emotion."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import affekt
from affekt.runtime.bundle import open_bundle
from affekt.runtime.predictor import Predictor
from affekt.scoring import ccc
from affekt.training.default import data as labelled
from affekt.training.default.card.emotions import emotions, failures, lookalikes
from affekt.training.default.card.items import Item, judge_devel, read_items, write_items

EVERY = {"dev.csv": 40, "devel.csv": 150, "speech.csv": 60}
NAN = float("nan")


def made(emotion: str, gold: tuple[float, float], said: tuple[float, float], **known: str) -> Item:
    about = {"item": "1", "set": "ravdess", "speaker": "17", "sex": "M", "language": "en", "intensity": ""}
    (a, v), (y, z) = gold, said
    return Item(**(about | known), emotion=emotion, gold_arousal=a, gold_valence=v, arousal=y, valence=z)


def scorer(shared: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("score_devel", shared / "score_devel.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_same_scores_as_the_shared_scorer(
    shared: Path, model: affekt.Model, model_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = scorer(shared)
    whole = labelled.read_rows
    thinned = lambda path: whole(path)[:: EVERY.get(path.name, 1)]  # noqa: E731
    monkeypatch.setattr(labelled, "read_rows", thinned)
    monkeypatch.setattr(theirs, "rows", thinned)
    expected = [
        (theirs.ccc(got["arousal"], gold[:, 0]), theirs.ccc(got["valence"], gold[:, 1]), len(gold))
        for part in (theirs.text, theirs.face, theirs.audio)
        for _, got, gold in part(model)
    ]
    sets = list(judge_devel(Predictor(open_bundle(model_folder), 1), shared / "data"))
    assert len(sets) == len(expected) >= 5
    for items, (arousal, valence, count) in zip(sets, expected, strict=True):
        assert len(items) == count >= 2
        answers = np.array([i.predicted for i in items])
        known = np.isfinite(answers).all(1)
        score = ccc(answers[known], np.array([i.gold for i in items])[known])
        np.testing.assert_allclose(score, [arousal, valence], atol=1e-6)
    assert {i.language for items in sets[2:] for i in items} <= {"en", "de", "pl", "ur"}
    assert all(i.speaker and i.sex in "FM" and i.emotion for items in sets[2:] for i in items)
    assert {i.emotion for i in sets[1]} <= set(labelled.FACE_CLASSES)


def test_items_come_back_from_disk_to_the_bit(tmp_path: Path) -> None:
    items = [made("happy", (0.1, 1 / 3), (float(np.float32(0.7)), -0.2)), made("a,b", (0, 0), (0.5, 0.25))]
    write_items(tmp_path / "items.csv", items)
    assert read_items(tmp_path / "items.csv") == items
    write_items(tmp_path / "items.csv", [made("", (0.0, 0.0), (NAN, NAN), sex="")])
    (silent,) = read_items(tmp_path / "items.csv")
    assert np.isnan(silent.predicted).all() and silent.sex == silent.emotion == ""


def test_means_and_wrong_sides_by_hand() -> None:
    items = [
        made("happy", (0.4, 0.6), (0.2, 0.4)),
        made("happy", (0.4, 0.6), (0.6, -0.2)),
        made("neutral", (0.0, 0.05), (-0.3, -0.3)),
        made("happy", (0.4, 0.6), (NAN, NAN)),
        made("happy", (0.2, -0.2), (0.1, -0.1), set="emodb"),
        made("bored", (0.2, -0.2), (NAN, NAN), set="emodb"),
        made("", (0.1, 0.1), (0.1, 0.1), set="emobank"),
    ]
    happy, neutral, other, unheard = emotions(items)
    assert (happy.set, happy.emotion, happy.items) == ("ravdess", "happy", 3)
    np.testing.assert_allclose(happy.predicted, [0.4, 0.1])  # of the two with an answer
    np.testing.assert_allclose(happy.wrong_side, [0, 0.5])
    assert np.isnan(neutral.wrong_side).all()  # a gold of .05 is on no side
    assert (other.set, other.items) == ("emodb", 1)
    assert np.isnan(unheard.predicted).all() and unheard.items == 1


def test_failures_in_words() -> None:
    happy = [made("happy", (0.4, 0.6), (0.5, 0.1))] * 3 + [made("happy", (0.4, 0.6), (0.5, -0.1))] * 2
    angry = [made("angry", (0.4, -0.4), (0.5, -0.06))] * 5
    fearful = [made("fearful", (0.4, -0.5), (0.5, -0.4))] * 5  # .1 from angry: nobody asks to tell them apart
    rare = [made("sad", (-0.5, -0.5), (0.5, 0.5))] * 4  # too few to say anything of
    found = emotions(happy + angry + fearful + rare)
    first, second = lookalikes(found)
    assert (first.one, first.other, second.other) == ("happy", "angry", "fearful")
    assert (round(first.gold, 6), round(first.predicted, 6)) == (1.0, 0.08)
    (line,) = failures(found, {"ravdess": "RAVDESS"}, each=1)
    assert line == (
        "RAVDESS: 40 % of happy come out unpleasant; "
        "happy and angry are 1.00 apart in the gold, 0.08 as predicted."
    )
