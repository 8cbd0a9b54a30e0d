"""OMG-Emotion: utterances, their labels and words, and what is wrong with the lists."""

from __future__ import annotations

import numpy as np
import pytest

from affekt.corpora.formats import omg
from affekt.errors import CorpusError
from affekt.timeline import Sentence
from corpora.miniatures import omg as miniature


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    root = miniature.build(tmp_path_factory.mktemp("omg") / "OMG Emotion")
    assert omg.recognises(root)
    return omg.read(root)


def by_name(corpus):
    return {one.name: one for one in corpus.recordings}


def test_recordings(corpus):
    assert {name: one.partition for name, one in by_name(corpus).items()} == {
        "abc123_utterance_2": "train",
        "abc123_utterance_10": "train",
        "abc123_1_utterance_1": "train",
        "über-uns_utterance_1": "train",
        "ccc_utterance_4": "devel",
        "ccc_utterance_5": "devel",
        "ddd_utterance_1": "test",
    }


def test_gold_is_one_value_an_utterance(corpus):
    found = by_name(corpus)
    gold = found["abc123_utterance_2"].gold
    assert gold.whole and gold.dimensions == ("arousal", "valence")
    assert np.allclose(gold.values, [[0.31, -0.12]])
    assert np.allclose(found["über-uns_utterance_1"].gold.values, [[0.0, 1.0]])
    assert np.allclose(found["abc123_1_utterance_1"].gold.values, [[0.75, np.nan]], equal_nan=True)
    assert found["ddd_utterance_1"].gold is None


def test_out_of_range_is_masked_and_named(corpus):
    gold = by_name(corpus)["ccc_utterance_5"].gold
    assert np.allclose(gold.values, [[np.nan, 0.1]], equal_nan=True)
    (fault,) = [one for one in corpus.faults if one.recording == "ccc_utterance_5"]
    assert (fault.path.name, fault.line, fault.severity) == ("omg_ValidationVideos.csv", 3, "warning")
    assert "'1.4'" in fault.message


def test_clips_and_words(corpus):
    found = by_name(corpus)
    clip = found["abc123_utterance_2"]
    assert clip.media == corpus.root / "clips/train/abc123/utterance_2.mp4"
    assert clip.transcript == (Sentence(0.0, 2.5, 'well, I said "no"; twice'),)
    assert found["abc123_utterance_10"].transcript == ()  # nothing recognised
    assert found["abc123_1_utterance_1"].transcript is None  # not in the table
    assert found["über-uns_utterance_1"].transcript == (Sentence(0.0, 4.5, "the naïve café"),)


def test_parts_of_one_film_are_one_group(corpus):
    found = by_name(corpus)
    assert found["abc123_1_utterance_1"].group == found["abc123_utterance_2"].group == "abc123"
    assert found["über-uns_utterance_1"].group == "über-uns"


def test_missing_clips_are_one_warning(corpus):
    (fault,) = [one for one in corpus.faults if one.recording is None]
    assert fault.severity == "warning"
    assert fault.message.startswith("3 of 7 clips are not there, such as abc123_1_utterance_1;")
    assert by_name(corpus)["ddd_utterance_1"].media is None


def test_lists_with_labels_go_before_those_without(tmp_path):
    root = miniature.build(tmp_path)
    with_labels = (root / "omg_TestVideos_WithoutLabels.csv").read_text(encoding="utf-8")
    head, row = with_labels.splitlines()
    (root / "omg_TestVideos_WithLabels.csv").write_text(
        f"{head},arousal,valence,EmotionMaxVote\n{row},0.5,0.5,3\n"
    )
    corpus = omg.read(root)
    assert np.allclose(by_name(corpus)["ddd_utterance_1"].gold.values, [[0.5, 0.5]])
    assert not [one for one in corpus.faults if "again" in one.message]


def test_damaged_lines_are_named_and_lose_nothing_else(tmp_path):
    root = miniature.build(tmp_path)
    path = root / "omg_ValidationVideos.csv"
    lines = path.read_text(encoding="utf-8").splitlines()
    lines += [lines[1], "x,1.0", f"{miniature.TUBE}E,3,2,,utterance_1.mp4,0,0,0"]
    path.write_text("\n".join(lines), encoding="utf-8")
    corpus = omg.read(root)
    said = [(one.line, one.message) for one in corpus.faults if one.path == path and one.severity == "error"]
    assert [line for line, _ in said] == [5, 4, 6]
    assert "2 fields" in said[0][1] and "line 2 again" in said[1][1] and "no video" in said[2][1]
    assert len(corpus.recordings) == 7


def test_nothing_to_read(tmp_path):
    assert not omg.recognises(tmp_path)
    with pytest.raises(CorpusError, match="no omg_TrainVideos"):
        omg.read(tmp_path)
    (tmp_path / "omg_TrainVideos.csv").write_bytes(b"")
    with pytest.raises(CorpusError, match=r"omg_TrainVideos\.csv: is empty"):
        omg.read(tmp_path)
