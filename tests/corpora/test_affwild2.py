"""Aff-Wild2 and Aff-Wild: rows on the films' clock, two people of a film, labels that do not fit."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from affekt.corpora.formats import affwild2
from affekt.errors import CorpusError
from corpora.miniatures import affwild2 as miniature


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    root = miniature.build(tmp_path_factory.mktemp("abaw") / "Aff-Wild2 Kopie")
    assert affwild2.recognises(root)
    return affwild2.read(root)


def by_name(corpus):
    return {one.name: one for one in corpus.recordings}


def test_recordings(corpus):
    found = {one.name: (one.partition, one.group, one.subject) for one in corpus.recordings}
    assert found == {
        "430": ("train", "430", None),
        "10-60-1280x720": ("train", "10-60-1280x720", None),
        "10-60-1280x720_right": ("train", "10-60-1280x720", "right"),
        "video59": ("devel", "video59", None),
        "Übung 7": ("test", "Übung 7", None),
    }
    media = {one.name: one.media.relative_to(corpus.root).as_posix() for one in corpus.recordings}
    assert media["10-60-1280x720_right"] == media["10-60-1280x720"] == "batch2/10-60-1280x720.avi"
    assert media["video59"] == "new_vids/video59.MP4"
    assert corpus.kind == "Aff-Wild2"


def test_two_rows_a_frame_masked_where_nobody_is_labelled(corpus):
    """At 20 pictures a second frame k is the mean of rows 2k and 2k + 1; rows 10 and 11 are frame 5; half of
    frame 15 is labelled, which is enough.
    """
    gold = by_name(corpus)["430"].gold
    expected = np.repeat([[-0.1, 0.2], [0.3, 0.4]], 10, axis=0)
    expected[5] = np.nan
    assert gold.values.shape == (20, 2)
    assert np.allclose(gold.column("valence"), expected[:, 0], equal_nan=True)
    assert np.allclose(gold.column("arousal"), expected[:, 1], equal_nan=True)


def test_a_row_a_frame(corpus):
    gold = by_name(corpus)["10-60-1280x720"].gold
    assert np.allclose(gold.column("valence"), np.arange(30) / 100)
    assert np.allclose(gold.column("arousal"), -np.arange(30) / 100)


def test_a_row_too_many_is_nothing(corpus):
    """25 pictures at 25 a second are 10 frames, whatever the 26th row says."""
    gold = by_name(corpus)["video59"].gold
    assert gold.values.shape == (10, 2)
    assert np.allclose(gold.column("valence"), 0.25) and np.allclose(gold.column("arousal"), 0.75)
    assert not [one for one in corpus.faults if one.recording == "video59"]


def test_test_has_no_gold_and_that_is_no_fault(corpus):
    assert by_name(corpus)["Übung 7"].gold is None
    assert not corpus.faults


def test_the_edition_of_2020(tmp_path):
    root = miniature.build(tmp_path)
    (root / "VA_Estimation_Challenge").rename(root / "VA_Set")
    (root / "VA_Set" / "Train_Set").rename(root / "VA_Set" / "Training_Set")
    assert affwild2.recognises(root)
    assert len(affwild2.read(root).recordings) == 5


def test_too_few_rows_leave_the_end_unlabelled(tmp_path):
    """38 rows at 20 a second are 19 frames of 20."""
    root = miniature.build(tmp_path)
    path = miniature.labels(root / "VA_Estimation_Challenge/Train_Set/430.txt", [(0.1, 0.2)] * 38)
    corpus = affwild2.read(root)
    values = by_name(corpus)["430"].gold.values
    assert values.shape == (20, 2)
    assert np.isfinite(values[:19]).all() and np.isnan(values[19]).all()
    (fault,) = [one for one in corpus.faults if one.path == path]
    assert fault.severity == "warning" and "38 rows, its film 40 pictures" in fault.message


def test_another_films_labels_are_refused(tmp_path):
    root = miniature.build(tmp_path)
    path = miniature.labels(root / "VA_Estimation_Challenge/Train_Set/430.txt", [(0.1, 0.2)] * 60)
    corpus = affwild2.read(root)
    assert by_name(corpus)["430"].gold is None and by_name(corpus)["430"].media is not None
    (fault,) = [one for one in corpus.faults if one.path == path]
    assert fault.severity == "error" and "60 rows" in fault.message
    assert by_name(corpus)["video59"].gold is not None


def test_without_films_there_is_no_clock(tmp_path):
    root = miniature.build(tmp_path)
    shutil.rmtree(root / "batch2")
    corpus = affwild2.read(root)
    lost = by_name(corpus)["10-60-1280x720_right"]
    assert lost.gold is None and lost.media is None and lost.group == "10-60-1280x720"
    faults = [one for one in corpus.faults if one.recording == lost.name]
    assert len(faults) == 1 and "put the films" in faults[0].message
    assert "10-60-1280x720.mp4" in faults[0].message


def test_a_damaged_film_is_one_fault(tmp_path):
    root = miniature.build(tmp_path)
    (root / "batch1" / "430.mp4").write_bytes(b"no film")
    corpus = affwild2.read(root)
    (fault,) = [one for one in corpus.faults if one.recording == "430"]
    assert fault.path.name == "430.mp4" and fault.severity == "error"


def test_a_damaged_number_is_named(tmp_path):
    root = miniature.build(tmp_path)
    path = root / "VA_Estimation_Challenge/Train_Set/430.txt"
    lines = path.read_text().splitlines()
    lines[7] = "0.1,o.2"
    path.write_text("\n".join(lines))
    (fault,) = [one for one in affwild2.read(root).faults if one.path == path]
    assert (fault.line, fault.severity) == (8, "error")


def test_old_affwild(tmp_path):
    root = miniature.build_old(tmp_path / "aff wild")
    assert affwild2.recognises(root)
    corpus = affwild2.read(root)
    assert corpus.kind == "Aff-Wild" and not corpus.faults
    found = by_name(corpus)
    assert {name: one.partition for name, one in found.items()} == {
        "12": "train",
        "105": "train",
        "7": "test",
    }
    assert found["105"].gold.values.shape == (20, 2)
    assert np.allclose(found["105"].gold.values, [[0.5, -0.25]] * 20)
    assert found["12"].gold.values.shape == (10, 2)  # a row short: the last frame is still half labelled
    assert np.allclose(found["12"].gold.values, [[0.5, -0.25]] * 10)
    assert found["7"].gold is None


def test_expressions_alone_are_not_this(tmp_path):
    root = miniature.build(tmp_path)
    shutil.rmtree(root / "VA_Estimation_Challenge")
    assert not affwild2.recognises(root)
    with pytest.raises(CorpusError, match="neither"):
        affwild2.read(root)
