"""SEWA: AVEC 2017, 2018 and 2019, dyads, and what is missing or does not fit."""

from __future__ import annotations

import numpy as np
import pytest

from affekt.corpora.dyads import Partner, read_pairs
from affekt.corpora.formats import avec
from affekt.corpora.readers import read_corpus
from affekt.errors import CorpusError
from affekt.media import read_transcript, read_turns
from affekt.timeline import Sentence, Turn
from corpora.miniatures import avec2017, avec2019


@pytest.fixture(scope="module")
def root17(tmp_path_factory):
    return avec2017.build(tmp_path_factory.mktemp("sewa") / "Für Müller")


@pytest.fixture
def sewa(tmp_path):
    return avec2017.build(tmp_path / "AVEC2017_SEWA")


@pytest.fixture(scope="module")
def root19(tmp_path_factory):
    return avec2019.build(tmp_path_factory.mktemp("sewa") / "AVEC2019")


def by_name(corpus):
    return {one.name: one for one in corpus.recordings}


def told(corpus):
    return [(fault.path.name, fault.line, fault.severity) for fault in corpus.faults]


def test_avec_2017(root17):
    assert avec.recognises(root17)
    corpus = read_corpus(root17)
    assert corpus.kind == "SEWA (AVEC 2017)" and corpus.text_delay == 5
    assert [one.name for one in corpus.recordings] == [
        "Train_01", "Train_02", "Train_03", "Train_04", "Devel_01", "Devel_02", "Test_01", "Test_02",
    ]  # fmt: skip
    assert [one.partition for one in corpus.recordings] == 4 * ["train"] + 2 * ["devel"] + 2 * ["test"]
    assert {one.language for one in corpus.recordings} == {"de"}
    assert corpus.expected["devel"] == {"recordings": 14, "frames": 22_556, "sentences": 604}
    one = corpus.recordings[1]
    assert one.media == root17 / "video/Train_02.avi" and one.sound == root17 / "audio/Train_02.wav"
    assert one.turns == root17 / "turns/Train_02.csv"
    assert any("2 recordings of test have no labels" in note for note in corpus.notes)


def test_gold_of_2017(root17):
    found = by_name(avec.read(root17))
    for name, frames in {"Train_01": 40, "Train_02": 50, "Train_03": 39, "Train_04": 50}.items():
        gold = found[name].gold
        assert gold.dimensions == ("arousal", "valence", "liking") and gold.values.dtype == np.float32
        steps = np.arange(frames)
        expected = np.stack([steps / 100, -steps / 200, np.full(frames, 0.5)], axis=1).astype(np.float32)
        np.testing.assert_array_equal(gold.values, expected)
    assert found["Test_01"].gold is None


def test_words_and_turns_of_2017(root17):
    corpus = read_corpus(root17)
    found = by_name(corpus)
    assert read_transcript(found["Train_01"].transcript) == (
        Sentence(0.24, 1.87, 'ja also ich fand den "Spot" gut; wirklich'),
    )
    assert read_transcript(found["Train_02"].transcript) == (
        Sentence(0.5, 1.5, "schöne Grüße aus Köln"),
        Sentence(2.0, 2.9, "Müller's Büro"),
    )
    assert read_turns(found["Train_01"].turns) == (Turn(0.24, 1.87, True), Turn(2.1, 3.33, True))
    assert found["Devel_02"].turns == ()
    assert told(corpus) == [("Devel_02.csv", None, "warning")]


def test_dyads_are_guessed_from_equal_lengths(root17):
    corpus = avec.read(root17)
    assert {one.name: one.group for one in corpus.recordings} == {
        "Train_01": "Train_01+Train_03",
        "Train_03": "Train_01+Train_03",
        "Train_02": "Train_02+Train_04",
        "Train_04": "Train_02+Train_04",
        "Devel_01": "Devel_01+Devel_02",
        "Devel_02": "Devel_01+Devel_02",
        "Test_01": None,  # 35 and 32 frames
        "Test_02": None,
    }
    assert any("no pairs.csv" in note for note in corpus.notes)


def test_a_list_of_pairs_decides(sewa):
    (sewa / "pairs.csv").write_text("one,other\nTrain_01,Train_02\n'Test_01','Test_02'\nTrain_03,Train_99\n")
    corpus = avec.read(sewa)
    groups = {one.name: one.group for one in corpus.recordings if one.group}
    assert groups == {
        "Train_01": "Train_01+Train_02",
        "Train_02": "Train_01+Train_02",
        "Test_01": "Test_01+Test_02",
        "Test_02": "Test_01+Test_02",
    }
    assert ("pairs.csv", 4, "warning") in told(corpus)


def test_pairs_with_a_recording_a_line(tmp_path):
    path = tmp_path / "pairs.csv"
    path.write_text("recording;pair;speaker;language\nTrain_01;P1;S1;en\nTrain_02;P1;S2\nTrain_09;P2;S3;de\n")
    faults = []
    assert read_pairs(path, ["Train_01", "Train_02"], faults) == {
        "Train_01": Partner("P1", "S1", "en"),
        "Train_02": Partner("P1", "S2"),
    }
    assert [fault.line for fault in faults] == [4]


def test_the_folder_around_it(sewa):
    assert avec.recognises(sewa.parent)
    assert len(avec.read(sewa.parent).recordings) == 8


def test_avec_2019(root19):
    corpus = read_corpus(root19)
    assert corpus.kind == "SEWA (AVEC 2019)" and not corpus.faults
    found = by_name(corpus)
    assert len(found) == 11
    assert [found[name].language for name in ("Train_DE_01", "Devel_HU_01", "Test_CN_01")] == [
        "de",
        "hu",
        "zh",
    ]
    assert [found[name].partition for name in ("Train_DE_01", "Devel_HU_01", "Test_CN_01")] == [
        "train", "devel", "test",
    ]  # fmt: skip
    assert {one.group for one in corpus.recordings} == {
        "Train_DE_01+Train_DE_02", "Test_CN_01+Test_CN_02", None,
    }  # fmt: skip
    assert found["Test_CN_01"].media is None and found["Test_CN_01"].sound == root19 / "audio/Test_CN_01.wav"
    assert found["Test_CN_01"].turns is None and found["Test_CN_01"].transcript is None
    assert found["Train_HU_02"].gold.values[:3, 0].tolist() == pytest.approx([0.0, 0.01, 0.02])
    assert sum(len(one.gold) for one in corpus.recordings if one.gold) == 30 + 31 + 30 + 45 + 25 + 36 + 36
    assert "there is no folder of video, turns, transcriptions" in corpus.notes


def test_avec_2018_has_no_header(tmp_path):
    corpus = avec.read(avec2019.build(tmp_path, header=False, pairs=False))
    assert corpus.kind == "SEWA (AVEC 2018)"
    groups = {one.name: one.group for one in corpus.recordings if one.group}
    # Of one length, and yet of two cultures or partitions, are no partners: Train_DE_01 and Train_HU_01.
    assert groups == {
        "Train_DE_01": "Train_DE_01+Train_DE_02",
        "Train_DE_02": "Train_DE_01+Train_DE_02",
        "Devel_HU_01": "Devel_HU_01+Devel_HU_02",
        "Devel_HU_02": "Devel_HU_01+Devel_HU_02",
    }
    assert by_name(corpus)["Devel_DE_01"].gold.values[4].tolist() == pytest.approx([0.04, -0.02, 0.5])


@pytest.mark.parametrize("folder", ["labels_devel", "labels", "."])
def test_labels_alone(tmp_path, folder):
    avec2019.write_labels(tmp_path / folder)
    corpus = read_corpus(tmp_path)
    assert len(corpus.recordings) == 7 and not corpus.faults
    assert all(one.media is None and one.sound is None for one in corpus.recordings)
    assert corpus.recordings[0].gold.values.shape == (30, 3)


def test_nothing_of_it(tmp_path):
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels/47.csv").write_text("timestamp,value\n0,0.1\n250,0.1\n")
    assert not avec.recognises(tmp_path)
    with pytest.raises(CorpusError, match="Train_01"):
        avec.read(tmp_path)


def test_missing_files(sewa):
    for gone in ("labels/Train_01", "audio/Train_02", "turns/Devel_01", "transcriptions/Train_03"):
        next(sewa.glob(f"{gone}.*")).unlink()
    (sewa / "video/Train_04.avi").unlink()
    (sewa / "audio/Train_04.wav").unlink()
    corpus = read_corpus(sewa)
    assert set(told(corpus)) == {
        ("Train_01.csv", None, "error"),
        ("Train_02.wav", None, "warning"),
        ("Devel_01.csv", None, "warning"),
        ("Train_03.csv", None, "warning"),
        ("Train_04.avi", None, "warning"),
        ("Train_04.wav", None, "warning"),
        ("Devel_02.csv", None, "warning"),
    }
    found = by_name(corpus)
    assert found["Train_01"].gold is None and found["Train_01"].media is not None
    assert found["Train_02"].sound is None and found["Train_02"].gold is not None
    assert found["Devel_01"].turns is None and found["Train_03"].transcript is None
    assert found["Train_04"].media is None and len(found["Train_04"].gold) == 50


def test_files_of_no_recording(sewa):
    (sewa / "labels/Train_01 (Kopie).csv").write_text("'Train_01';0;0;0;0\n")
    (sewa / "turns/Train_77.csv").write_text("0;1\n")
    corpus = avec.read(sewa)
    assert ("Train_01 (Kopie).csv", None, "warning") in told(corpus)
    assert ("Train_77.csv", None, "error") in told(corpus)
    assert len(corpus.recordings) == 8


def test_swapped_label_files(sewa):
    one, other = sewa / "labels/Train_01.csv", sewa / "labels/Train_02.csv"
    text = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(text)
    corpus = avec.read(sewa)
    assert [str(fault) for fault in corpus.faults if fault.severity == "error"] == [
        f"{one}: its rows are of Train_02, not of Train_01; were two files swapped?",
        f"{other}: its rows are of Train_01, not of Train_02; were two files swapped?",
    ]
    assert by_name(corpus)["Train_01"].gold is None and len(by_name(corpus)["Train_03"].gold) == 39


def test_sound_shorter_than_its_labels(sewa):
    (sewa / "video/Train_02.avi").unlink()
    avec2017.write_wav(sewa / "audio/Train_02.wav", 4.6)  # 46 frames, labels have 50: 9 % more
    (sewa / "video/Train_04.avi").unlink()
    avec2017.write_wav(sewa / "audio/Train_04.wav", 2.0)
    corpus = avec.read(sewa)
    found = by_name(corpus)
    assert len(found["Train_02"].gold) == 46 and found["Train_04"].gold is None
    messages = {fault.recording: fault for fault in corpus.faults if "longer" in fault.message}
    assert messages["Train_02"].severity == "warning" and messages["Train_04"].severity == "error"
    assert "5 s where the recording has 4.6 s" in messages["Train_02"].message
    # They are partners still: their label files are of one length.
    assert found["Train_02"].group == "Train_02+Train_04"


def test_labels_cut_at_the_end_of_a_line(sewa):
    path = sewa / "labels/Train_02.csv"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:44]))
    corpus = avec.read(sewa)
    fault = next(fault for fault in corpus.faults if fault.path == path)
    assert fault.severity == "warning" and "is shorter: 4.4 s where the recording has 5 s" in fault.message
    assert len(by_name(corpus)["Train_02"].gold) == 44


def test_damaged_turns_and_words(sewa):
    (sewa / "turns/Train_02.csv").write_text("0.5;1.5\n3.0;2.0\n")
    (sewa / "transcriptions/Train_03.csv").write_text("2.0;3.0;'b'\n1.0;1.5;'a'\n")
    (sewa / "transcriptions/Train_04.csv").write_text("")
    corpus = read_corpus(sewa)
    faults, found = {fault.recording: fault for fault in corpus.faults}, by_name(corpus)
    assert (found["Train_02"].turns, found["Train_03"].transcript) == (None, ())
    assert faults["Train_02"].line == 2 and "ends (2 s) before" in faults["Train_02"].message
    assert faults["Train_03"].line == 2 and "out of order" in faults["Train_03"].message
    assert faults["Train_04"].severity == "warning" and found["Train_04"].transcript == ()
