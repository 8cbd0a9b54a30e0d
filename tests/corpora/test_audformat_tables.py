"""audformat's tables: steps and whole files, scales, speakers by a table, and no code run from the folder."""

from __future__ import annotations

import os
import sys

import numpy as np
import pytest

from affekt.corpora.formats import audformat_tables
from affekt.errors import CorpusError
from corpora.miniatures import audformat_tables as miniature

NAN = np.nan


@pytest.fixture(scope="module", params=["csv", "parquet"])
def corpus(tmp_path_factory, request):
    root = miniature.build(tmp_path_factory.mktemp("audformat") / "eine Datenbank", request.param)
    assert audformat_tables.recognises(root)
    return audformat_tables.read(root)


def by_name(corpus):
    return {one.name: one for one in corpus.recordings}


def test_recordings(corpus):
    assert {one.name: (one.partition, one.speaker) for one in corpus.recordings} == {
        "wav_a": ("train", "A"),
        "b": ("train", "A"),
        "ü c": ("devel", "B"),
        "d": ("devel", "B"),
        "e": ("test", "C"),
        "wav_more_a": ("test", "C"),
    }
    assert {one.language for one in corpus.recordings} == {"de"}
    assert by_name(corpus)["wav_more_a"].media == corpus.root / "wav" / "more" / "a.wav"
    assert corpus.kind == "audformat (müll & co)" and not corpus.faults


def test_segments_are_steps(corpus):
    """Arousal 1 and 5 of 1 to 5 are −1 and 1; 0.5 to 1 s is in no segment."""
    gold = by_name(corpus)["wav_a"].gold
    assert gold.dimensions == ("arousal", "valence") and not gold.whole
    assert np.allclose(gold.column("arousal"), [-1] * 5 + [NAN] * 5 + [1] * 5, equal_nan=True)
    assert np.allclose(gold.column("valence"), [-1] * 5 + [NAN] * 5 + [0.5] * 5, equal_nan=True)


def test_a_segment_without_end_goes_to_the_files_end(corpus):
    gold = by_name(corpus)["b"].gold
    assert gold.dimensions == ("arousal",)  # its valence is not labelled
    assert np.allclose(gold.column("arousal"), [NAN] * 5 + [-0.5] * 15, equal_nan=True)


def test_files_are_whole(corpus):
    gold = by_name(corpus)["ü c"].gold
    assert gold.whole and np.allclose(gold.values, [[0.0, 0.0]])  # not the single annotator's 5 and 1
    assert np.allclose(by_name(corpus)["d"].gold.values, [[0.5, 0.25]])
    assert np.allclose(by_name(corpus)["wav_more_a"].gold.values, [[-0.5, -0.5]])


def test_what_was_done_is_said(corpus):
    assert set(corpus.notes) == {
        "arousal brought from 1 … 5 to −1 … 1",
        "arousal was read from table gold.dev rather than annotator.dev",
        "valence was read from table gold.dev rather than annotator.dev",
    }


def test_pickled_copies_are_not_opened(tmp_path):
    root = miniature.build(tmp_path)
    for path in list(root.glob("*.csv")):
        copy = path.with_suffix(".pkl")
        copy.write_bytes(b"cos\nabort\n(tR.")  # ends the process if it is unpickled
        os.utime(copy, (2e9, 2e9))
    assert len(audformat_tables.read(root).recordings) == 6
    (root / "db.gold.dev.csv").unlink()
    corpus = audformat_tables.read(root)
    (fault,) = [one for one in corpus.faults if one.severity == "error"]
    assert "table gold.dev; pickled ones are not read" in fault.message


def test_a_header_runs_no_code(tmp_path):
    root = miniature.build(tmp_path)
    header = root / "db.yaml"
    header.write_text(
        header.read_text() + f"\nmeta: !!python/object/apply:os.mkdir ['{tmp_path / 'made'}']\n"
    )
    with pytest.raises(CorpusError, match=r"db\.yaml: is no header"):
        audformat_tables.read(root)
    assert not (tmp_path / "made").exists()


def test_values_beyond_the_scale_are_masked_and_named(tmp_path):
    root = miniature.build(tmp_path)
    path = root / "db.gold.dev.csv"
    path.write_text(path.read_text().replace("4.0", "7.0"))
    corpus = audformat_tables.read(root)
    (fault,) = corpus.faults
    assert (fault.path, fault.line, fault.severity) == (path, 3, "warning")
    assert "1 values of arousal are not from 1 to 5, the first 7" in fault.message
    assert by_name(corpus)["d"].gold.dimensions == ("valence",)


@pytest.mark.parametrize(
    "damage", ["", "file,arousal\nx", "\0\1\2", "file,arousal,pleasure\nwav/d.wav,hoch,0\n"]
)
def test_a_damaged_table_loses_nothing_else(tmp_path, damage):
    root = miniature.build(tmp_path)
    (root / "db.gold.dev.csv").write_text(damage)
    corpus = audformat_tables.read(root)
    assert any(one.path.name == "db.gold.dev.csv" for one in corpus.faults)
    assert by_name(corpus)["wav_a"].gold is not None


@pytest.mark.parametrize(
    "damage", ["tables:\n", "tables: [1, 2]\n", "name: x\ntables:\n  a: {", "tables:\n- - -\n"]
)
def test_a_damaged_header(tmp_path, damage):
    (tmp_path / "db.yaml").write_text(damage)
    with pytest.raises(CorpusError, match=r"db\.yaml"):
        audformat_tables.read(tmp_path)


def test_missing_files_are_one_warning(tmp_path):
    root = miniature.build(tmp_path)
    (root / "wav" / "d.wav").unlink()
    (root / "wav" / "e.wav").unlink()
    corpus = audformat_tables.read(root)
    (fault,) = corpus.faults
    assert fault.severity == "warning" and fault.message.startswith("2 of 6 files are not there")
    assert by_name(corpus)["d"].media is None and by_name(corpus)["d"].gold.whole


def test_without_the_extra(tmp_path, monkeypatch):
    root = miniature.build(tmp_path)
    monkeypatch.setitem(sys.modules, "audformat", None)
    with pytest.raises(CorpusError, match=r"pip install 'affekt\[corpora\]'"):
        audformat_tables.read(root)
