"""Label files: every dialect, their faults, and the 10 Hz clock."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from affekt.corpora.labels.traces import Trace, at_10hz, read_labels
from affekt.errors import CorpusError

NAN = float("nan")


@pytest.fixture
def write(tmp_path):
    def write_(content, name="Spalte ü.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write_


def rows(count, line, first=0):
    """`count` lines of a template of the row's number and its time at 10 Hz."""
    return "".join(line.format(k=k, t=k / 10) + "\n" for k in range(first, first + count))


# Dialects: content, columns, first starts, step, first values

DIALECTS = {
    "SEWA, AVEC 2017": (
        "'Train_01';0.000000;0.000000;0.100000;0.2\n'Train_01';0.100000;0.013107;-0.004512;0.3\n",
        ("arousal", "valence", "liking"), [0, 0.1], 0.1, [[0, 0.1, 0.2], [0.013107, -0.004512, 0.3]],
    ),
    "SEWA without liking, names unquoted": (
        "Train_01;0.0;0.5;0.1\nTrain_01;0.1;0.25;0.2\n",
        ("arousal", "valence"), [0, 0.1], 0.1, [[0.5, 0.1], [0.25, 0.2]],
    ),
    "SEWA, AVEC 2019": (
        "name;timestamp;arousal;valence;liking\n'Devel_DE_99';0.0;0.1;0.2;0.3\n'Devel_DE_99';0.1;0.1;0.2;0.3\n",
        ("arousal", "valence", "liking"), [0, 0.1], 0.1, [[0.1, 0.2, 0.3], [0.1, 0.2, 0.3]],
    ),
    "a submission to AVEC 2018": (
        "'Test_HU_01';0.0;0.5\n'Test_HU_01';0.1;0.25\n", ("value",), [0, 0.1], 0.1, [[0.5], [0.25]],
    ),
    "RECOLA, raters": (
        "time;FM1 ;FM2 ;FF1 \n0.00;0.00;0.10;0.2\n0.04;0.01;0.10;-0.2\n",
        ("FM1", "FM2", "FF1"), [0, 0.04], 0.04, [[0, 0.1, 0.2], [0.01, 0.1, -0.2]],
    ),
    "RECOLA, gold": (
        "% a comment\r\n@relation GOLDSTANDARD\r\n\r\n@attribute Instance_name string\r\n"
        "@attribute frameTime numeric\r\n@attribute 'GoldStandard' numeric\r\n\r\n@data\r\n"
        "dev_9,0,-0.5\r\ndev_9,0.04,?\r\ndev_9,0.08,1\r\n",
        ("value",), [0, 0.04, 0.08], 0.04, [[-0.5], [NAN], [1]],
    ),
    "MuSe 2020": (
        "timestamp,value,segment_id\n5000,-0.1234,1\n5250,-0.1,1\n9000,0.5,2\n",
        ("value",), [5, 5.25, 9], 0.25, [[-0.1234], [-0.1], [0.5]],
    ),
    "MuSe 2021": (
        "timestamp,segment_id,value\n5000,1,-0.1234\n5250,1,-0.1\n9000,2,0.5\n",
        ("value",), [5, 5.25, 9], 0.25, [[-0.1234], [-0.1], [0.5]],
    ),
    "MuSe 2020, no header": (
        "5000,-0.1234,1\n5250,-0.1,1\n9000,0.5,2\n",
        ("value",), [5, 5.25, 9], 0.25, [[-0.1234], [-0.1], [0.5]],
    ),
    "MuSe 2021, no header": (
        "5000,1,-0.1234\n5250,1,-0.1\n9000,2,0.5\n",
        ("value",), [5, 5.25, 9], 0.25, [[-0.1234], [-0.1], [0.5]],
    ),
    "MuSe-Toolbox, one rater": (
        "timestamp,7\n0.50,0.1\n1.00,0.4\n", ("7",), [0, 0.5], 0.5, [[0.1], [0.4]],
    ),
    "MuSe-Toolbox, raters": (  # a row's time is its end
        "timestamp,1,2,12\n0.50,0.1,0.2,0.3\n1.00,0.4,0.5,0.6\n",
        ("1", "2", "12"), [0, 0.5], 0.5, [[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]],
    ),
    "MuSe-Toolbox, fused": ("Time,value\n0,0.5\n500,0.25\n", ("value",), [0, 0.5], 0.5, [[0.5], [0.25]]),
    "affekt": (
        'name,time,arousal,valence\n"Bär, Anna.mp4",0.0,0.5,-0.5\n"Bär, Anna.mp4",0.1,,\n',
        ("arousal", "valence"), [0, 0.1], 0.1, [[0.5, -0.5], [NAN, NAN]],
    ),
    "affekt, all columns": (
        "name,time,arousal,valence,has_text,has_audio,text,audio\na,0.0,0.5,-0.5,True,False,1,0\n"
        "a,0.1,0.5,-0.5,True,False,1,0\n",
        ("arousal", "valence"), [0, 0.1], 0.1, [[0.5, -0.5], [0.5, -0.5]],
    ),
    "CARMA": (  # means of bins, at their ends; the preamble says the scale
        '"Time of Rating","3 May"\n"Multimedia File","a,b.mp4"\n"Minimum Value",-100\n"Maximum Value",100\n'
        '"Second","Rating"\n"%%%%%%","%%%%%%"\n1,12.5\n2,NaN\n3,-100\n',
        ("value",), [0, 1, 2], 1.0, [[0.125], [NAN], [-1]],
    ),
    "DARMA": (
        '"Magnitude",1000\n"Second","Valence","Arousal","Button"\n'
        '"%%%%%%","%%%%%%","%%%%%%","%%%%%%"\n0.5,500,-250,0\n1,,,\n1.5,1000,0,1\n',
        ("valence", "arousal"), [0, 0.5, 1], 0.5, [[0.5, -0.25], [NAN, NAN], [1, 0]],
    ),
    "DARMA, its preamble filled up with commas": (
        "Multimedia File,x.mp4,12.5,\nMagnitude,1000,,\nSecond,Valence,Arousal,Button\n"
        "%%%%%%,%%%%%%,%%%%%%,%%%%%%\n0.5,500,-250,0\n1,,,\n",
        ("valence", "arousal"), [0, 0.5], 0.5, [[0.5, -0.25], [NAN, NAN]],
    ),
    "CASE": (
        "0.00\t26225\t0\n0.05\t0\t-26225\n0.10\t-13112.5\t0\n",
        ("valence", "arousal"), [0, 0.05, 0.1], 0.05, [[1, 0], [0, -1], [-0.5, 0]],
    ),
    "FeelTrace": ("0.00 0.25\n0.02 -0.0031\n", ("value",), [0, 0.02], 0.02, [[0.25], [-0.0031]]),
    "decimal commas": (
        "Zeit;x\n".replace("Zeit", "time") + "0,0;0,5\n0,1;-0,25\n", ("x",), [0, 0.1], 0.1, [[0.5], [-0.25]],
    ),
    "units in the header": (
        "Time [ms];Valence\n0;0.5\n10;0.25\n", ("valence",), [0, 0.01], 0.01, [[0.5], [0.25]],
    ),
    "Excel's empty columns": (
        "time;arousal;;\n0.0;0.5;;\n0.1;0.25;;\n", ("arousal",), [0, 0.1], 0.1, [[0.5], [0.25]],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", DIALECTS)
def test_dialects(write, name):
    content, columns, starts, step, values = DIALECTS[name]
    trace = read_labels(write(content))
    assert trace.columns == columns and trace.timed
    np.testing.assert_allclose(trace.starts, starts, atol=1e-9)
    assert trace.step == pytest.approx(step)
    np.testing.assert_allclose(trace.values, values, atol=1e-12)


@pytest.mark.parametrize("name", DIALECTS)
@pytest.mark.parametrize("encode", [
    lambda text: b"\xef\xbb\xbf" + text.encode(),
    lambda text: text.replace("\n", "\r\n").encode(),
    lambda text: text.encode("utf-16"),
    lambda text: text.rstrip("\n").encode(),
], ids=["BOM", "CRLF", "UTF-16", "no last line end"])  # fmt: skip
def test_dialects_in_any_encoding(write, name, encode):
    content, columns, starts, _, values = DIALECTS[name]
    trace = read_labels(write(encode(content)))
    assert trace.columns == columns
    np.testing.assert_allclose(trace.starts, starts, atol=1e-9)
    np.testing.assert_allclose(trace.values, values, atol=1e-12)


def test_names_and_segments(write):
    trace = read_labels(write(DIALECTS["SEWA, AVEC 2017"][0]))
    assert trace.name == "Train_01" and trace.segments is None and trace.dialect == "SEWA, no header"
    assert read_labels(write(DIALECTS["RECOLA, gold"][0])).name == "dev_9"
    assert read_labels(write(DIALECTS["MuSe 2021"][0])).segments.tolist() == [1, 1, 2]
    assert read_labels(write(DIALECTS["MuSe 2021, no header"][0])).segments.tolist() == [1, 1, 2]


def test_affwild2_has_no_times(write):
    path = write("valence,arousal\n0.104,0.231\n-5,0.5\n0.110,0.228\n", "video59.txt")
    trace = read_labels(path)
    assert not trace.timed and trace.columns == ("valence", "arousal") and not trace.faults
    np.testing.assert_array_equal(trace.values, [[0.104, 0.231], [NAN, NAN], [0.110, 0.228]])
    with pytest.raises(ValueError, match="without times"):
        at_10hz(trace)
    timed = read_labels(path, times=np.arange(3) / 30)
    assert timed.timed and timed.step == pytest.approx(1 / 30)
    longer = read_labels(path, times=np.arange(4) / 30)
    assert len(longer.values) == 3
    shorter = read_labels(path, times=np.arange(2) / 30)
    assert len(shorter.values) == 2 and not shorter.faults
    with pytest.raises(CorpusError, match="has 3 rows, its film 30 pictures"):
        read_labels(path, times=np.arange(30) / 30)


def test_pictures_shown_for_unequal_times(write):
    path = write("0.2\n0.4\n0.6\n", "105.txt")
    trace = read_labels(path, columns=("arousal",), times=np.array([0.0, 0.1, 0.25]))
    # The second picture is shown for 150 ms, the third for the usual 125.
    np.testing.assert_allclose(at_10hz(trace)[:, 0], [0.2, 0.4, 0.5, 0.6], atol=1e-6)


def test_columns_by_the_caller(write):
    assert read_labels(write(DIALECTS["MuSe 2020"][0]), columns=["arousal"]).columns == ("arousal",)
    assert read_labels(write("0.1\n0.2\n"), columns=["valence"]).columns == ("valence",)
    picked = read_labels(write(DIALECTS["SEWA, AVEC 2017"][0]), columns=["valence"])
    assert picked.values[:, 0].tolist() == [0.1, -0.004512]
    assert read_labels(write("0.0,0.1,0.2\n0.1,0.3,0.4\n"), columns=["a", "b"]).columns == ("a", "b")
    with pytest.raises(CorpusError, match="holds arousal, where valence should be"):
        read_labels(write("time,arousal\n0,0.1\n0.1,0.2\n"), columns=["valence"])


def test_nova(write):
    about = (
        '<?xml version="1.0" ?><annotation ssi-v="3"><info ftype="{}" size="3" /><scheme name="Arousal" {}/>'
    )
    about += "</annotation>"
    write("0.5;1\n1;1\nNaN;0\n", "rater.annotation~")
    path = write(about.format("ASCII", 'type="CONTINUOUS" sr="25" min="0" max="1"'), "rater.annotation")
    trace = read_labels(path)
    assert trace.columns == ("arousal",) and trace.starts.tolist() == [0, 0.04, 0.08]
    np.testing.assert_array_equal(trace.values[:, 0], [0, 1, NAN])
    for ftype, scheme, what in (
        ("BINARY", 'type="CONTINUOUS" sr="25" min="0" max="1"', "as ASCII"),
        ("ASCII", 'type="DISCRETE"', "CONTINUOUS"),
        ("ASCII", 'type="CONTINUOUS" sr="25"', "scale"),
    ):
        with pytest.raises(CorpusError, match=what):
            read_labels(write(about.format(ftype, scheme), "rater.annotation"))
    with pytest.raises(CorpusError, match="no annotation"):
        read_labels(write("<!DOCTYPE x [<!ENTITY a 'b'>]><annotation/>", "rater.annotation"))


PAGAN = "OriginalName,DatabaseName,Participant,SessionID,Timestamp,VideoTime,Value\n"


def test_pagan_holds_until_the_next_change(write):
    path = write(PAGAN + "Film, Teil 1.mp4,p,u1,s1,1604,350,-4\nFilm, Teil 1.mp4,p,u1,s1,1600,0,0\n"
                 "Film, Teil 1.mp4,p,u1,s1,1602,120,2\n")  # fmt: skip
    trace = read_labels(path)
    assert [fault.severity for fault in trace.faults] == ["warning"] and "4" in trace.faults[0].message
    # Divided by 4: 0 until 0.12 s, 0.5 until 0.35 s, then -1. Frame 1: 0.02·0 + 0.08·0.5; frame 3: 0.5, -1.
    np.testing.assert_allclose(at_10hz(trace)[:, 0], [0, 0.4, 0.5, -0.25, -1], atol=1e-6)
    with pytest.raises(CorpusError, match="2 sessions"):
        read_labels(write(PAGAN + "f,p,u1,s1,1600,0,0\nf,p,u1,s2,1600,0,0\n"))


# Faults

GOOD = "name;time;arousal\n" + rows(20, "X;{t};0.25")


@pytest.mark.parametrize(
    ("content", "what"),
    [
        ("", "is empty"),
        (" \n\n", "is empty"),
        ("name;timestamp;arousal;valence;liking\n", "a header and no row"),
        ("hello", "line 1: 'hello' is no number"),
        (b"\x00\x01\x02", "is not a text file"),
        (GOOD.replace("X;0.7;0.25", "X;0.7;laut"), "line 9: 'laut' is no number"),
        (GOOD.replace("X;0.7;0.25", "X;bald;0.25"), "line 9: 'bald' is no time"),
        (GOOD.replace("X;0.7;0.25", "X;0.7"), "line 9: has 2 fields where 3 belong"),
        (GOOD.replace("X;0.7;0.25", "X;0.7;0.25;0.5"), "line 9: has 4 fields where 3 belong"),
        (GOOD.replace("X;0.7;", "Y;0.7;"), "line 9: belongs to 'Y'"),
        (GOOD.replace("X;0.7;0.25", "X;0.5;0.25"), "line 9: the time runs backwards (0.5 s after 0.6 s)"),
        (GOOD.replace("X;0.7;0.25", "X;0.6;0.25"), "line 9: the time 0.6 s stands there twice"),
        (GOOD.replace("X;0.7;0.25", "X;-0.7;0.25"), "line 9: -0.7 s is no time"),
        (GOOD.replace("X;0.7;0.25", "X;nan;0.25"), "line 9: nan s is no time"),
        (GOOD.replace("X;0.7;0.25", "X;0.7;0,25"), "line 9: has a decimal ','"),
        (GOOD.replace(";0.25", ";25"), "line 2: 25, where labels lie within [-1, 1]"),
        (GOOD.replace(";0.25", ";25"), "if they lie within ±100, divide them by 100"),
        (GOOD.replace(";0.25", ";-251"), "±1000"),
        (GOOD.replace("X;0.1;", "X;20;").replace("X;0.2;", "X;1e9;"), "line 4: 1e+09 s is no time"),
        ("time,arousal\n0,0.5\n100,0.5\n200.5,0.5\n", "line 3: comes 100 s after the row before"),
        ("time,arousal\n0,0,5\n0,1,0,5\n", "fields where 2 belong"),
        ("time,arousal\n0.0,0.5\n", "only row"),
        ("time,speaker\n0.0,A\n0.1,B\n", "line 2: 'A' is no number"),
        ("time,arousal,Arousal\n0.0,0,0\n", "names a column twice"),
        ("name,time\nA,0.0\n", "names no column of labels"),
        ("0.0,0.1,0.2\n0.1,0.2,0.3\n", "3 columns without names"),
        ("'A';0;1;1;1;1\n'A';0.1;1;1;1;1\n", "6 columns without names"),
        ("FM1;FM2\n 5; 4\n", "line 2: 5, where"),
        ("timestamp,segment_id,value\n0,1,0.5\n250,1.5,0.5\n", "line 3: 1.5 is no segment"),
        ("@relation x\n@attribute time numeric\n", "without @data"),
        ("@relation x\n@data\n0,1\n", "no @attribute"),
        ("a,b\n%%%%%%,%%%%%%\n1,2\n", "preamble"),
        (GOOD + GOOD, "line 22: belongs to 'name'"),
    ],
)  # fmt: skip
def test_what_is_refused(write, content, what):
    path = write(content)
    with pytest.raises(CorpusError) as raised:
        read_labels(path)
    message = str(raised.value)
    assert str(path) in message and what in message and "\n" not in message


def told(trace):
    return [(fault.line, fault.message) for fault in trace.faults]


@pytest.mark.parametrize("missing", ["", "NaN", "NA", " ", "null"])
def test_missing_values_are_masked(write, missing):
    text = GOOD.replace("X;0.7;0.25", f"X;0.7;{missing}").replace("X;0.9;0.25", f"X;0.9;{missing}")
    trace = read_labels(write(text))
    assert told(trace) == [(9, "no label, and in 1 more lines: masked")]
    assert np.flatnonzero(np.isnan(trace.values[:, 0])).tolist() == [7, 9]
    assert np.flatnonzero(np.isnan(at_10hz(trace)[:, 0])).tolist() == [7, 9]


def test_one_value_out_of_range_is_masked(write):
    trace = read_labels(write(GOOD.replace("X;0.7;0.25", "X;0.7;7.3")))
    assert told(trace) == [(9, "a value beyond [-1, 1]: masked")]
    assert np.isnan(trace.values[7, 0]) and np.nanmax(trace.values) == 0.25


def test_roundings_are_cut(write):
    trace = read_labels(
        write(GOOD.replace("X;0.7;0.25", "X;0.7;1.000001").replace("X;0.8;0.25", "X;0.8;-1.04"))
    )
    assert trace.values[7, 0] == 1.0 and trace.values[8, 0] == -1.0
    assert told(trace) == [(10, "a value just beyond ±1: cut to ±1")]


def test_a_number_cut_short_at_the_end_is_masked(write):
    text = "time,value\n0.0,0.123456\n0.1,0.123457\n0.2,0.123458\n"
    trace = read_labels(write(text[:-4]))
    assert np.isnan(trace.values[-1, 0]) and told(trace)[0][0] == 4 and "cut short" in told(trace)[0][1]
    assert not read_labels(write(text)).faults
    assert not read_labels(write(text[:-1])).faults
    # Whole lines are whole numbers: some programs write no zeros at the end.
    assert not read_labels(write(text[:-4] + "\n")).faults


def test_rows_that_are_missing_leave_a_gap(write):
    text = GOOD.replace("X;0.7;0.25\n", "").replace("X;0.8;0.25\n", "")
    trace = read_labels(write(text))
    assert told(trace) == [(9, "comes 0.3 s after the row before, rows are missing: masked")]
    assert np.flatnonzero(np.isnan(at_10hz(trace)[:, 0])).tolist() == [7, 8]
    late = read_labels(write("time,value\n" + rows(5, "{t},0.5", first=3)))
    assert told(late)[0][0] == 2 and np.isnan(at_10hz(late)[:3]).all() and len(at_10hz(late)) == 8


def test_a_clock_that_jitters_is_resampled_by_its_times(write):
    trace = read_labels(
        write("time,value\n0.00,0.0\n0.10,0.1\n0.25,0.5\n0.30,0.3\n" + rows(10, "{t},0.5", first=4))
    )
    assert told(trace)[0][0] == 4 and "resampled by the times" in told(trace)[0][1]
    # Frame 2 is half of the row at 0.10 and half of the one at 0.25.
    np.testing.assert_allclose(at_10hz(trace)[:, 0], [0, 0.1, 0.3, 0.3] + 10 * [0.5], atol=1e-6)


def test_thirtieths_of_a_second_with_two_digits_are_an_even_clock(write):
    trace = read_labels(write("time,value\n" + "".join(f"{k / 30:.2f},0.5\n" for k in range(90))))
    assert not trace.faults and trace.step == pytest.approx(1 / 30, rel=2e-3)
    np.testing.assert_array_equal(at_10hz(trace)[:, 0], np.float32(0.5))


def test_windows_encoding_is_told(write):
    trace = read_labels(write("name;time;arousal\nMüller;0.0;0.5\nMüller;0.1;0.5\n".encode("cp1252")))
    assert trace.name == "Müller" and "Windows-1252" in trace.faults[0].message
    assert not read_labels(write("name;time;arousal\nMüller;0.0;0.5\nMüller;0.1;0.5\n")).faults


@given(st.text(alphabet="0123456789.;,\t \n'\"-%@NaeXtimvlu", max_size=80))
def test_any_text_is_read_or_refused(tmp_path_factory, text):
    path = tmp_path_factory.getbasetemp() / "anything.csv"
    path.write_text(text)
    try:
        trace = read_labels(path)
    except CorpusError as error:
        assert str(path) in str(error) and "\n" not in str(error)
        return
    assert trace.values.shape == (len(trace.starts), len(trace.columns))
    assert not (np.abs(trace.values) > 1).any() and (np.diff(trace.starts) > 0).all()


# The 10 Hz clock


def trace_of(values, step, start=0.0):
    values = np.asarray(values, float).reshape(len(values), -1)
    starts = start + np.arange(len(values)) * step
    return Trace(tuple(map(str, range(values.shape[1]))), values, starts, step, "made up")


def test_labels_at_10_hz_are_taken_as_they_are():
    values = np.random.default_rng(1).uniform(-1, 1, (500, 3)).astype(np.float32)
    np.testing.assert_array_equal(at_10hz(trace_of(values, 0.1)), values)


def test_slow_labels_are_held():
    # 250 ms: frame 2 is half of either row.
    np.testing.assert_allclose(
        at_10hz(trace_of([0.2, 0.6], 0.25))[:, 0], [0.2, 0.2, 0.4, 0.6, 0.6], atol=1e-6
    )


def test_half_a_frame_of_labels_is_enough():
    assert np.isnan(at_10hz(trace_of([NAN, 0.5, NAN], 0.05))[:, 0]).tolist() == [False, True]
    values = at_10hz(trace_of([0.5, NAN, NAN, 0.5, NAN], 0.04))[:, 0]
    # Frame 0: 40 ms of 100 are labelled. Frame 1: 40 of 100.
    assert np.isnan(values).all()


def test_gaps_between_segments(write):
    trace = read_labels(write("timestamp,segment_id,value\n100,1,0.5\n350,1,0.25\n900,2,0.75\n"))
    assert trace.step == 0.25
    expected = [NAN, 0.5, 0.5, 0.375, 0.25, 0.25, NAN, NAN, NAN, 0.75, 0.75, 0.75]
    # Frame 11 is labelled for half of it: up to 1.15 s.
    np.testing.assert_allclose(at_10hz(trace)[:, 0], expected, atol=1e-6)


def test_frames_wanted():
    assert np.isnan(at_10hz(trace_of([0.5] * 4, 0.1), 6)[4:]).all()
    assert at_10hz(trace_of([0.5] * 4, 0.1), 2).shape == (2, 1)
    assert at_10hz(trace_of([0.5] * 7501, 0.04)).shape == (3000, 1)


steps = st.sampled_from([0.02, 1 / 30, 0.04, 0.05, 0.1, 0.25, 0.5, 1.0])
labels = st.lists(st.floats(-1, 1, width=32), min_size=2, max_size=60)


@given(st.floats(-1, 1, width=32), steps, st.integers(2, 60))
def test_a_constant_stays_what_it_is(value, step, count):
    frames = at_10hz(trace_of([value] * count, step))
    np.testing.assert_array_equal(frames[np.isfinite(frames)], np.float32(value))


@given(labels, steps)
def test_the_mean_is_preserved(values, step):
    # Ten times the labels end with a whole frame.
    values = np.repeat(values, 10) if step != 1 / 30 else np.repeat(values, 30)
    frames = at_10hz(trace_of(values, step))
    assert frames.mean(dtype=float) == pytest.approx(np.mean(values), abs=1e-6)


@given(labels, steps, st.integers(1, 50))
def test_a_shift_by_whole_frames_shifts_the_frames(values, step, shift):
    frames = at_10hz(trace_of(values, step))
    shifted = at_10hz(trace_of(values, step, start=shift / 10))
    assert np.isnan(shifted[:shift]).all()
    np.testing.assert_allclose(
        shifted[shift : shift + len(frames)], frames[: len(shifted) - shift], atol=1e-6
    )


def test_predictions_are_taken_as_they_are(tmp_path):
    path = tmp_path / "talk.csv"
    path.write_text("name,time,arousal,valence\ntalk,0.0,1.05,-3.5\ntalk,0.1,2.5,0.25\n", encoding="utf-8")
    trace = read_labels(path, bounded=False)
    assert trace.values.tolist() == [[1.05, -3.5], [2.5, 0.25]]
    assert not trace.faults
