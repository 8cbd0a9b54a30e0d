"""Which corpus a folder holds: told apart, refused kindly, and what must hold of any corpus."""

from __future__ import annotations

from pathlib import Path

import pytest

from affekt.corpora.corpus import Corpus
from affekt.corpora.readers import READERS, read_corpus, reader, settled
from affekt.errors import CorpusError
from affekt.timeline import Recording
from corpora.miniatures import affwild2, audformat_tables, avec2017, avec2019, manifest, muse, omg, recola

FOLDERS = {
    "avec": [avec2017.build, avec2019.build],
    "recola": [recola.build, recola.build_full],
    "affwild2": [affwild2.build, affwild2.build_old],
    "audformat_tables": [audformat_tables.build],
    "manifest": [manifest.build],
    "muse": [muse.build, muse.build_segments],
    "omg": [omg.build],
}


@pytest.mark.parametrize(("kind", "build"), [(kind, one) for kind, all_ in FOLDERS.items() for one in all_])
def test_each_is_told_from_all_others(tmp_path, kind, build):
    root = build(tmp_path / "ein Korpus")
    assert [name for name in READERS if reader(name).recognises(root)] == [kind]
    corpus = read_corpus(root)
    assert corpus.root == root and corpus.recordings
    assert read_corpus(root, kind).recordings == corpus.recordings


@pytest.mark.parametrize("kind", READERS)
def test_an_empty_folder_and_a_file_are_refused_by_all(tmp_path, kind):
    assert not reader(kind).recognises(tmp_path)
    with pytest.raises(CorpusError):
        read_corpus(tmp_path, kind)
    path = tmp_path / "film.mp4"
    path.write_bytes(b"\0\1\2")
    with pytest.raises(CorpusError):
        read_corpus(path, kind)


def test_order_of_partitions_and_natural_order_of_names(tmp_path):
    names = [
        ("Train_10", "train"),
        ("Test_1", "test"),
        ("x", None),
        ("Train_2", "train"),
        ("Devel_1", "devel"),
    ]
    corpus = Corpus("", tmp_path, tuple(Recording(None, name=one, partition=part) for one, part in names))
    ordered = [one.name for one in settled(corpus).recordings]
    assert ordered == ["Train_2", "Train_10", "Devel_1", "Test_1", "x"]


def test_a_name_is_there_once_and_a_files_name(tmp_path):
    recordings = (Recording(None, name="a/b"), Recording(Path("x.wav"), name="a_b"), Recording(Path("c.wav")))
    corpus = settled(Corpus("", tmp_path, recordings))
    assert [one.name for one in corpus.recordings] == ["a_b", "c.wav"]
    (fault,) = corpus.faults
    assert (fault.path, fault.severity, fault.recording) == (Path("x.wav"), "error", "a_b")


def test_people_in_two_partitions_are_named(tmp_path):
    recordings = (
        Recording(None, name="a", partition="train", speaker="Ada", group="1"),
        Recording(None, name="b", partition="test", speaker="Ada", group="2"),
        Recording(None, name="c", partition="devel", speaker="Ben", group="1"),
        Recording(None, name="d", partition=None, speaker="Ben", group="3"),
    )
    said = [(one.severity, one.message) for one in settled(Corpus("", tmp_path, recordings)).faults]
    assert said == [
        ("warning", "speaker Ada is in more than one partition: train (a), test (b); scores would flatter"),
        ("warning", "group 1 is in more than one partition: train (a), devel (c); scores would flatter"),
    ]


def test_nobody_recognises_it(tmp_path):
    (tmp_path / "Ordner").mkdir()
    for name in ("film 2.mp4", "film 10.mp4"):
        (tmp_path / name).write_bytes(b"")
    with pytest.raises(CorpusError) as caught:
        read_corpus(tmp_path)
    said = str(caught.value)
    assert "it holds film 2.mp4, film 10.mp4, Ordner/" in said
    assert "manifest.csv" in said and "labels/Train_01.csv" in said and "\n" not in said


def test_a_folder_too_high(tmp_path):
    root = omg.build(tmp_path / "OMG")
    with pytest.raises(CorpusError, match=r"OMG looks like one; give that folder"):
        read_corpus(root.parent)


def test_labels_alone_are_known_from_their_own_folder_or_the_one_above(tmp_path):
    labels = avec2019.write_labels(tmp_path / "SEWA" / "labels")
    for root in (labels, labels.parent):
        assert read_corpus(root).recordings
    results = avec2019.write_labels(tmp_path / "results" / "my fused gold").parent
    for root, inner in ((tmp_path / "above", "SEWA"), (results, "my fused gold")):
        root.mkdir(exist_ok=True)
        if root != results:
            labels.parent.rename(root / inner)
        with pytest.raises(CorpusError, match=rf"{inner} looks like one; give that folder"):
            read_corpus(root)


@pytest.mark.parametrize("others", [[avec2017.build], [recola.build], [affwild2.build, avec2017.build]])
def test_several_corpora_below_are_a_choice(tmp_path, others):
    for build in (avec2019.build, *others):
        build(tmp_path / build.__module__.rpartition(".")[2])
    with pytest.raises(CorpusError) as caught:
        read_corpus(tmp_path)
    said = str(caught.value)
    assert said.startswith(f"{tmp_path}: holds several corpora; give one of them: ")
    assert all(build.__module__.rpartition(".")[2] in said for build in (avec2019.build, *others))


def test_one_file_of_a_corpus_is_no_corpus(tmp_path):
    labels = next((avec2017.build(tmp_path / "sewa") / "labels").glob("Train_*.csv"))
    utterances = omg.build(tmp_path / "omg") / "omg_TrainVideos.csv"
    for path in (labels, utterances):
        with pytest.raises(CorpusError, match=r"give the folder") as caught:
            read_corpus(path)
        assert str(caught.value).startswith(f"{path}: ")


def test_not_there_and_not_known(tmp_path):
    with pytest.raises(CorpusError, match="no such file or folder"):
        read_corpus(tmp_path / "absent")
    with pytest.raises(CorpusError, match="no such kind of corpus; there are manifest,"):
        read_corpus(tmp_path, "sewa")


def test_two_corpora_in_one_folder(tmp_path):
    root = omg.build(manifest.build(tmp_path))
    corpus = read_corpus(root)
    assert corpus.kind == "manifest"
    assert "it was read as manifest, and could also be omg" in corpus.notes


def test_a_manifest_of_something_else(tmp_path):
    root = omg.build(tmp_path)
    (root / "manifest.csv").write_text("package,version\na,1\n")
    assert read_corpus(root).kind == "OMG-Emotion"
