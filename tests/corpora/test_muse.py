"""MuSe: both orders of columns, gaps between segments, segments as recordings, tasks without traces."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from affekt.corpora.formats import muse
from affekt.errors import CorpusError
from corpora.miniatures import muse as miniature

NAN = np.nan


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    root = miniature.build(tmp_path_factory.mktemp("muse") / "MuSe 2021")
    assert muse.recognises(root)
    return muse.read(root)


def by_name(corpus):
    return {one.name: one for one in corpus.recordings}


def test_recordings(corpus):
    assert {name: one.partition for name, one in by_name(corpus).items()} == {
        "2": "train",
        "10": "train",
        "3": "devel",
        "4": "test",
    }
    assert by_name(corpus)["10"].media == corpus.root / "raw" / "Videos" / "10.mp4"
    assert corpus.kind == "MuSe (c1_muse_wilder)"
    assert corpus.notes == ("tasks that have no traces were not read: c2_muse_sent",)


def test_quarter_seconds_on_tenths_with_the_gap_masked(corpus):
    """Rows of 250 ms from 0.5 s: frames 5, 6 lie in the first, 7 half in it and half in the second …"""
    gold = by_name(corpus)["2"].gold
    first = [0.1, 0.1, 0.15, 0.2, 0.2, 0.3, 0.3, 0.35, 0.4, 0.4]
    expected = [NAN] * 5 + first + [NAN] * 5 + [-0.5] * 10
    assert gold.dimensions == ("arousal", "valence")
    assert np.allclose(gold.column("arousal"), expected, atol=1e-6, equal_nan=True)
    assert np.allclose(gold.column("valence"), np.negative(expected), atol=1e-6, equal_nan=True)


def test_segments_without_a_gap(corpus):
    assert np.allclose(by_name(corpus)["3"].gold.column("valence"), [0.5] * 10 + [0.75] * 10)


def test_masked_test_labels_are_no_gold_and_no_fault(corpus):
    assert by_name(corpus)["4"].gold is None
    assert not corpus.faults


def test_the_columns_of_2020_and_a_recording_for_each_segment(tmp_path):
    root = miniature.build_segments(tmp_path / "c3_muse_trust")
    assert muse.recognises(root)
    corpus = muse.read(root)
    found = by_name(corpus)
    assert {name: (one.partition, one.group) for name, one in found.items()} == {
        "7_1": ("train", "7"),
        "7_2": ("train", "7"),
        "8_1": ("test", "8"),
    }
    gold = found["7_1"].gold
    assert gold.dimensions == ("arousal", "trustworthiness")
    assert np.allclose(gold.values, [[0.1, 0.1]] * 5 + [[0.6, 0.6]] * 5)
    assert np.allclose(found["7_2"].gold.values, [[-0.2, -0.2]] * 20)
    assert found["8_1"].gold is None
    assert found["7_2"].media == root / "audio_segments" / "7" / "7_2.wav"
    assert "labels that are classes, not traces, were not read: topic" in corpus.notes


def test_physiological_arousal_is_not_called_arousal(tmp_path):
    root = miniature.build(tmp_path) / "c1_muse_wilder"
    labels = root / "label_segments"
    (labels / "arousal").rename(labels / "physio-arousal")
    gold = by_name(muse.read(root))["2"].gold
    assert gold.dimensions == ("valence", "physio-arousal")
    assert np.isnan(gold.column("arousal")).all()


def test_films_and_sounds_of_their_own(tmp_path):
    root = miniature.build(tmp_path)
    sound = root / "raw" / "audio" / "2.wav"
    sound.parent.mkdir()
    sound.write_bytes(b"RIFF")
    recording = by_name(muse.read(root))["2"]
    assert recording.media == root / "raw" / "Videos" / "2.mp4" and recording.sound == sound


def test_labels_alone(tmp_path):
    root = miniature.build(tmp_path)
    shutil.rmtree(root / "raw")
    corpus = muse.read(root)
    (fault,) = corpus.faults
    assert fault.severity == "warning" and fault.message.startswith("of 4 recordings there are labels alone")
    assert len(by_name(corpus)["2"].gold) == 30 and by_name(corpus)["2"].media is None


def test_several_tasks_with_traces(tmp_path):
    root = miniature.build(tmp_path)
    shutil.copytree(root / "c1_muse_wilder", root / "c3_muse_stress")
    with pytest.raises(CorpusError, match=r"several tasks.*c1_muse_wilder, .*c3_muse_stress"):
        muse.read(root)
    assert len(muse.read(root / "c3_muse_stress").recordings) == 4


def test_classes_alone(tmp_path):
    root = miniature.build(tmp_path) / "c2_muse_sent"
    assert muse.recognises(root)
    with pytest.raises(CorpusError, match="its labels are classes"):
        muse.read(root)


def test_faults_name_file_and_line_and_lose_nothing_else(tmp_path):
    root = miniature.build(tmp_path) / "c1_muse_wilder"
    partition = root / "metadata" / "partition.csv"
    partition.write_text("Id,partition\n2,train\n10,training\n3,devel\n4,exam\n2,devel\n,test\n")
    arousal = root / "label_segments" / "arousal"
    miniature.trace(arousal / "10.csv", [(0, 1, "0.1"), (250, 1, "0.2"), (250, 1, "0.3")], before=True)
    miniature.trace(arousal / "99.csv", miniature.segment(1, 0, [0.0] * 4), before=True)
    corpus = muse.read(root)
    lines = {(one.path.name, one.line) for one in corpus.faults if one.severity == "error"}
    assert lines == {
        ("partition.csv", 5),
        ("partition.csv", 6),
        ("partition.csv", 7),
        ("10.csv", 4),
        ("99.csv", None),
        ("4.csv", None),
    }
    found = by_name(corpus)
    assert set(found) == {"2", "10", "3"} and found["2"].partition == "train"
    assert np.isnan(found["10"].gold.column("arousal")).all()
    assert np.allclose(found["10"].gold.column("valence"), 0.25)


def test_not_this(tmp_path):
    assert not muse.recognises(tmp_path)
    with pytest.raises(CorpusError, match=r"no metadata/partition\.csv"):
        muse.read(tmp_path)
