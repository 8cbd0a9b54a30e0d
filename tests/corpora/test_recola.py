"""RECOLA: 40 ms to 10 Hz, ARFF and six raters, what is missing."""

from __future__ import annotations

import numpy as np
import pytest

from affekt.corpora.formats import recola
from affekt.corpora.readers import read_corpus
from affekt.errors import CorpusError
from corpora.miniatures import recola as miniature

FIRST = [0.008, 0.032, 0.058, 0.082]
"""Arousal of frames 0 to 3: (0 + .01 + .02 / 2) / 2.5, (.02 / 2 + .03 + .04) / 2.5, and so on."""


@pytest.fixture(scope="module")
def avec(tmp_path_factory):
    return miniature.build(tmp_path_factory.mktemp("recola") / "AVEC 2016")


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    return miniature.build_full(tmp_path_factory.mktemp("recola") / "RECOLA")


def test_avec_2016(avec):
    corpus = read_corpus(avec)
    assert corpus.kind == "RECOLA (AVEC 2016)" and not corpus.faults
    assert [(one.name, one.partition) for one in corpus.recordings] == [
        ("train_1", "train"),
        ("train_2", "train"),
        ("train_10", "train"),
        ("dev_1", "devel"),
        ("test_1", "test"),
    ]
    one = corpus.recordings[0]
    assert one.media == avec / "recordings_video/train_1.mp4"
    assert one.sound == avec / "recordings_audio/train_1.wav"
    assert one.language == "fr" and one.group is None
    assert any("who talked with whom" in note for note in corpus.notes)


def test_40_ms_to_10_hz(avec):
    gold = recola.read(avec).recordings[0].gold
    assert gold.dimensions == ("arousal", "valence")
    assert gold.values.shape == (20, 2)  # the 51st row starts at the recording's end
    np.testing.assert_allclose(gold.values[:4, 0], FIRST, atol=1e-6)
    np.testing.assert_allclose(gold.values[:4, 1], [-0.254, -0.266, -0.279, -0.291], atol=1e-6)


def test_six_raters_of_the_full_release(full):
    corpus = read_corpus(full)
    assert corpus.kind == "RECOLA" and not corpus.faults
    assert [(one.name, one.partition, one.speaker) for one in corpus.recordings] == [
        ("P16", None, "P16"),
        ("P23", None, "P23"),
    ]
    for one in corpus.recordings:
        assert one.media is None and one.sound == full / f"RECOLA-Audio-recordings/{one.name}.wav"
        assert one.gold.values.shape == (20, 2)
        np.testing.assert_allclose(one.gold.values[:4, 0], FIRST, atol=1e-6)
        np.testing.assert_allclose(one.gold.values[:4, 1], [-0.254, -0.266, -0.279, -0.291], atol=1e-6)
    assert any("averaged, as AVEC 2016 did" in note for note in corpus.notes)


def test_individual_ratings_if_there_is_no_gold(tmp_path):
    miniature.build_full(tmp_path / "full")
    (tmp_path / "RECOLA-Annotation").mkdir()
    for dimension in ("arousal", "valence"):
        target = tmp_path / "avec/ratings_individual" / dimension
        target.mkdir(parents=True)
        source = tmp_path / f"full/RECOLA-Annotation/emotional_behaviour/{dimension}/P16.csv"
        source.rename(target / "train_1.csv")
    corpus = recola.read(tmp_path / "avec")
    assert [one.name for one in corpus.recordings] == ["train_1"]
    np.testing.assert_allclose(corpus.recordings[0].gold.values[:4, 0], FIRST, atol=1e-6)


def test_what_is_missing(tmp_path):
    root = miniature.build(tmp_path)
    (root / "ratings_gold_standard/valence/train_2.arff").unlink()
    (root / "recordings_audio/dev_1.wav").unlink()
    arousal = root / "ratings_gold_standard/arousal"
    (arousal / "train_10.arff").write_bytes((arousal / "train_1.arff").read_bytes())
    corpus = recola.read(root)
    assert {(fault.path.name, fault.severity, fault.recording) for fault in corpus.faults} == {
        ("train_2.arff", "error", "train_2"),
        ("dev_1.wav", "warning", "dev_1"),
        ("train_10.arff", "error", "train_10"),
    }
    found = {one.name: one for one in corpus.recordings}
    assert found["train_2"].gold.dimensions == ("arousal",)
    assert found["train_10"].gold.dimensions == ("valence",)
    assert found["dev_1"].sound is None and len(found["dev_1"].gold) == 20


def test_nothing_of_it(tmp_path):
    assert not recola.recognises(tmp_path)
    with pytest.raises(CorpusError, match="ratings_gold_standard"):
        recola.read(tmp_path)
