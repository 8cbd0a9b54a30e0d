"""Predictions in a corpus' own label format: what stands in the files, and that it is read back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from affekt.corpora.compare.sides import Side, read_side
from affekt.corpora.corpus import Corpus
from affekt.corpora.handing_in.forms import Form, form_of
from affekt.corpora.handing_in.rows import digits, on_rows, until_next
from affekt.corpora.labels.traces import Trace, at_10hz, read_labels
from affekt.corpora.readers import read_corpus
from affekt.errors import CorpusError, OutputError
from affekt.media.times import picture_times
from corpora.miniatures import affwild2, audformat_tables, avec2017, avec2019, manifest, muse, omg, recola

TRACES = arrays(np.float64, st.tuples(st.integers(1, 40), st.just(2)), elements=st.floats(-1, 1))


# Frames to rows


def test_rows_by_hand() -> None:
    trace = np.array([[0.0], [1.0], [0.5], [0.5]])
    starts = np.array([0.0, 0.04, 0.08, 0.25, 0.4])
    # Within frame 0 twice; half 0 and half 1; the last frame and a half; held beyond the end.
    ends = np.array([0.04, 0.08, 0.12, 0.5, 0.44])
    assert on_rows(trace, starts, ends).ravel() == pytest.approx([0, 0, 0.5, 0.5, 0.5], abs=1e-12)
    # 250 ms: frames 0, 1 and half of 2, then half of 2, 3 and what is held.
    slow = on_rows(trace, np.array([0.0, 0.25]), np.array([0.25, 0.5]))
    assert slow.ravel() == pytest.approx([(0 + 1 + 0.25) / 2.5, (0.25 + 0.5 + 0.5) / 2.5], abs=1e-12)


def test_a_row_ends_where_the_next_begins_but_not_across_a_gap() -> None:
    assert until_next(np.array([0.5, 0.75, 2.0]), 0.25).tolist() == [0.75, 1.0, 2.25]


@given(TRACES)
def test_rows_of_a_frame_each_are_the_trace(values: np.ndarray) -> None:
    starts = np.arange(len(values)) / 10
    np.testing.assert_allclose(on_rows(values, starts, starts + 0.1), values, rtol=0, atol=1e-9)


@given(TRACES, st.sampled_from([0.02, 0.04, 1 / 30, 0.25, 0.5]))
def test_level_and_bounds_stay(values: np.ndarray, step: float) -> None:
    starts = step * np.arange(max(1, round(len(values) / 10 / step)))
    rows = on_rows(values, starts, starts + step)
    assert (rows >= values.min(0) - 1e-9).all() and (rows <= values.max(0) + 1e-9).all()
    if abs(len(starts) * step - len(values) / 10) < 1e-9:
        np.testing.assert_allclose(rows.mean(0), values.mean(0), rtol=0, atol=1e-9)


@given(TRACES)
def test_twenty_milliseconds_are_read_back_as_the_trace(values: np.ndarray) -> None:
    starts = 0.02 * np.arange(5 * len(values))
    rows = on_rows(values, starts, starts + 0.02)
    back = at_10hz(Trace(("arousal", "valence"), rows, starts, 0.02, ""))
    np.testing.assert_allclose(back, values, rtol=0, atol=1e-6)


# A form for each corpus

FORMS: dict[str, tuple[Callable[[Path], object], tuple[str, ...]]] = {
    "avec 2017": (avec2017.build, ("Devel_01.csv", "Test_01.csv")),
    "avec 2018": (
        lambda root: avec2019.build(root, header=False),
        ("arousal/Devel_DE_01.csv", "valence/Devel_DE_01.csv", "arousal/Test_CN_01.csv"),
    ),
    "avec 2019": (avec2019.build, ("Devel_DE_01.csv", "Test_HU_01.csv")),
    "recola": (recola.build, ("arousal/dev_1.arff", "valence/test_1.arff")),
    "recola, full": (recola.build_full, ("P16.csv", "P23.csv")),
    "aff-wild2": (affwild2.build, ("video59.txt", "Übung 7.txt", "abaw/predictions.txt")),
    "aff-wild": (affwild2.build_old, ("105.csv", "7.csv")),
    "muse": (muse.build, ("arousal/3.csv", "valence/4.csv")),
    "muse, cut": (muse.build_segments, ("7_1.csv", "8_1.csv")),
    "omg": (omg.build, ("omg_ValidationVideos_predictions.csv", "omg_TrainVideos_predictions.csv")),
    "manifest": (manifest.build, ("zweiter.csv",)),
}
"""Corpus → its miniature, and some of the files that are to be."""
OWN = {"recola, full", "aff-wild", "muse, cut"}
"""Those whose form is not known, of which affekt's own tables are written."""


def trace_of(name: str, frames: int = 20) -> np.ndarray:
    rng = np.random.default_rng([*name.encode()])
    return np.asarray(rng.uniform(-0.9, 0.9, (frames, 2)), np.float32)


def hand_in(root: Path, folder: Path) -> tuple[Corpus, Form, dict[str, np.ndarray]]:
    """Everything that has media, with a made-up trace."""
    corpus = read_corpus(root)
    form = form_of(corpus, folder)
    traces = {}
    for one in corpus.recordings:
        if one.media or one.sound:
            traces[one.name] = trace_of(one.name)
            assert all(path.is_file() for path in form.add(one, traces[one.name]))
    assert all(path.is_file() for path in form.finish())
    return corpus, form, traces


def values_of(side: Side) -> dict[str, Trace]:
    return {one.trace.name or one.recording.name: one.trace for one in side.labelled}


@pytest.mark.parametrize("name", FORMS)
def test_what_is_written_is_read_back(name: str, tmp_path: Path) -> None:
    build, expected = FORMS[name]
    build(tmp_path / "corpus")
    corpus, form, traces = hand_in(tmp_path / "corpus", tmp_path / "out")
    for file in expected:
        assert (tmp_path / "out" / file).is_file(), file
    assert [*form.notes] == [] or name in OWN or corpus.reader == "omg"
    assert (name in OWN) == any("these are affekt's own tables" in note for note in form.notes)
    read = values_of(read_side(tmp_path / "out"))
    assert set(read) == set(traces)
    films = {one.name: one.media for one in corpus.recordings}
    for key, trace in traces.items():
        if name == "omg":
            want = trace.mean(0, keepdims=True)
        elif name == "recola":
            starts = 0.04 * np.arange(51)
            want = on_rows(trace, starts, starts + 0.04)
        elif name == "aff-wild2":
            times = picture_times(films[key] or Path())
            want = on_rows(trace, times, until_next(times, float(np.median(np.diff(times)))))
        elif name == "muse":
            gold = corpus.labels[key][("arousal",)]
            own = read_labels(gold, columns=("arousal",))
            want = on_rows(trace, own.starts, own.starts + 0.25)
            assert read[key].starts.tolist() == own.starts.tolist()
            assert read[key].step == own.step
        else:
            want = trace
        order = [read[key].columns.index(one) for one in ("arousal", "valence")]
        np.testing.assert_allclose(read[key].values[:, order], want, rtol=0, atol=1e-6, err_msg=key)


def lines_of(name: str, file: str, root: Path) -> list[str]:
    """What is in a file of a corpus' form, with the trace .1, .2 and .3, −.1 … in all recordings."""
    FORMS[name][0](root / "corpus")
    corpus = read_corpus(root / "corpus")
    form = form_of(corpus, root / "out")
    trace = np.array([[0.1, -0.1], [0.2, -0.2], [0.3, -0.3]], np.float32)
    for one in corpus.recordings:
        if one.media or one.sound:
            form.add(one, trace)
    form.finish()
    return (root / "out" / file).read_bytes().decode().split("\n")


LINES = {
    ("avec 2017", "Test_01.csv"): [
        "'Test_01';0.000000;0.100000;-0.100000",
        "'Test_01';0.100000;0.200000;-0.200000",
        "'Test_01';0.200000;0.300000;-0.300000",
        "",
    ],
    ("avec 2018", "valence/Test_DE_01.csv"): [
        "'Test_DE_01';0.000000;-0.100000",
        "'Test_DE_01';0.100000;-0.200000",
        "'Test_DE_01';0.200000;-0.300000",
        "",
    ],
    ("avec 2019", "Test_CN_01.csv"): [
        "name;timestamp;arousal;valence",
        "'Test_CN_01';0.000000;0.100000;-0.100000",
        "'Test_CN_01';0.100000;0.200000;-0.200000",
        "'Test_CN_01';0.200000;0.300000;-0.300000",
        "",
    ],
    ("recola", "arousal/test_1.arff"): [
        "@relation GOLDSTANDARD\r",
        "\r",
        "@attribute Instance_name string\r",
        "@attribute frameTime numeric\r",
        "@attribute GoldStandard numeric\r",
        "\r",
        "@data\r",
        "test_1,0,0.100000\r",
        "test_1,0.04,0.100000\r",
        "test_1,0.08,0.150000\r",
        "test_1,0.12,0.200000\r",
        "test_1,0.16,0.200000\r",
        "test_1,0.2,0.300000\r",
        "test_1,0.24,0.300000\r",
        "test_1,0.28,0.300000\r",  # the row that begins within the recording
        "",
    ],
    ("muse", "valence/2.csv"): [
        # 2.5 frames, then held, by the masked file's times and segments.
        "timestamp,segment_id,value",
        *(f"{ms},1,-0.300000" for ms in (500, 750, 1000, 1250)),
        *(f"{ms},2,-0.300000" for ms in (2000, 2250, 2500, 2750)),
        "",
    ],
    ("muse", "arousal/4.csv"): [
        "timestamp,segment_id,value",
        "0,1,0.180000",  # (.1 + .2 + .3 / 2) / 2.5
        *(f"{250 * k},1,0.300000" for k in range(1, 8)),
        "",
    ],
    ("omg", "omg_TrainVideos_predictions.csv"): [
        "video,utterance,arousal,valence",  # in the list's order
        "abc123,utterance_2.mp4,0.200000,-0.200000",
        "abc123,utterance_10.mp4,0.200000,-0.200000",
        "über-uns,utterance_1.mp4,0.200000,-0.200000",
        "",
    ],
    ("manifest", "zweiter.csv"): [
        "name,time,arousal,valence",
        "zweiter,0.0,0.100000,-0.100000",
        "zweiter,0.1,0.200000,-0.200000",
        "zweiter,0.2,0.300000,-0.300000",
        "",
    ],
}


@pytest.mark.parametrize(("name", "file"), LINES)
def test_by_hand(name: str, file: str, tmp_path: Path) -> None:
    assert lines_of(name, file, tmp_path) == LINES[name, file]


def test_a_row_for_each_picture_at_the_films_own_rate(tmp_path: Path) -> None:
    """`video59` shows 25 pictures a second: two and a half a frame."""
    lines = lines_of("aff-wild2", "video59.txt", tmp_path)
    assert lines[0] == "valence,arousal" and len(lines) == 1 + 25 + 1 and lines[-1] == ""
    assert [line.split(",")[1] for line in lines[1:8]] == [
        *("0.100000", "0.100000", "0.150000", "0.200000", "0.200000"),
        *("0.300000", "0.300000"),
    ]
    listed = (tmp_path / "out" / "abaw" / "predictions.txt").read_text(encoding="utf-8").splitlines()
    assert listed[0] == "image_location,valence,arousal" and len(listed) == 1 + 40 + 30 + 30 + 25 + 20
    assert "video59/00003.jpg,-0.150000,0.150000" in listed
    side = read_side(tmp_path / "out" / "abaw")
    assert {one.recording.name for one in side.labelled} >= {"video59", "10-60-1280x720_right"}


def test_omg_says_whose_videos_cannot_be_scored(tmp_path: Path) -> None:
    omg.build(tmp_path / "corpus")
    form = hand_in(tmp_path / "corpus", tmp_path / "out")[1]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "omg_TrainVideos_predictions.csv",
        "omg_ValidationVideos_predictions.csv",
    ]
    assert form.notes[0].startswith("omg_TrainVideos.csv: no prediction of abc123_1_utterance_1; ")


def test_audformat_of_whole_files_is_one_table(tmp_path: Path) -> None:
    pytest.importorskip("audformat")
    audformat_tables.build(tmp_path / "corpus")
    corpus, form, traces = hand_in(tmp_path / "corpus", tmp_path / "out")
    assert corpus.reader == "audformat_tables" and "affekt's own tables" in form.notes[0]
    assert set(values_of(read_side(tmp_path / "out"))) == set(traces)


def test_whole_values_are_one_table(tmp_path: Path) -> None:
    manifest.build(tmp_path)
    text = "file;partition;arousal;valence\ntones/a.wav;dev;0.5;-0.25\ntones/b.wav;test;;\n"
    (tmp_path / "manifest.csv").write_text(text, encoding="utf-8")
    hand_in(tmp_path, tmp_path / "out")
    lines = (tmp_path / "out" / "predictions.csv").read_text(encoding="utf-8").splitlines()
    means = {name: digits(trace_of(name).mean(0, dtype=np.float64)[None])[0] for name in "ab"}
    assert lines == ["name,arousal,valence", *(",".join([name, *means[name]]) for name in "ab")]


def test_faults_are_one_line(tmp_path: Path) -> None:
    muse.build(tmp_path / "corpus")
    for dimension in ("arousal", "valence"):
        (tmp_path / "corpus" / "c1_muse_wilder" / "label_segments" / dimension / "4.csv").unlink()
    corpus = read_corpus(tmp_path / "corpus")
    test = next(one for one in corpus.recordings if one.partition == "test")
    with pytest.raises(CorpusError, match="has no label file of 4, masked or not"):
        form_of(corpus, tmp_path / "out").add(test, trace_of("4"))
    (tmp_path / "taken").write_text("")
    with pytest.raises(OutputError, match="taken"):
        form_of(corpus, tmp_path / "taken").add(corpus.recordings[0], trace_of("2"))
