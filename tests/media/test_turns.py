"""Turn files: dialects, who the subject is, faults."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from affekt.errors import TurnsError
from affekt.media.turns import read_turns
from affekt.timeline import Turn


@pytest.fixture
def write(tmp_path):
    def write_(content, name="turns.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write_


SUBJECT_ONLY = (Turn(1.24, 4.87, True), Turn(7.1, 9.33, True))
BOTH = (Turn(0.0, 2.0, True), Turn(1.5, 9.0, False), Turn(9.0, 9.5, True))


@pytest.mark.parametrize(
    "content",
    [
        "1.240;4.870\n7.100;9.330\n",  # SEWA, AVEC 2017
        "1,240;4,870\n7,100;9,330\n",
        "start;end\n1.24;4.87\n7.1;9.33",
        "start,end\n1.24,4.87\n7.1,9.33",
        "7.1\t9.33\n1.24\t4.87\n",
        "1.24 4.87\r\n7.1 9.33\r\n",
        "start;stop;duration\n1.24;4.87;3.63\n7.1;9.33;2.23",
        "1.24;4.87;3.63\n7.1;9.33;2.23",  # a number with a fraction is nobody's name
    ],
)
def test_two_columns_are_the_subjects_turns(write, content):
    assert read_turns(write(content)) == SUBJECT_ONLY


@pytest.mark.parametrize(
    "content",
    [
        "0;2;subject\n1.5;9;interlocutor\n9;9.5;subject",
        "start,end,speaker\n0,2,Subject\n1.5,9,B\n9,9.5,'Subject'",
        "speaker,start,end\n0,0,2\n1,1.5,9\n0,9,9.5",
        "0;2;0\n1.5;9;1\n9;9.5;0",
        "0;2;Ada\n1.5;9;partner\n9;9.5;Ada",
        "SPEAKER talk 1 0.0 2.0 <NA> <NA> subject <NA> <NA>\n"
        "SPKR-INFO talk 1 <NA> <NA> <NA> unknown subject <NA>\n"
        "SPEAKER talk 1 9.0 0.5 <NA> <NA> subject <NA>\n"
        "SPEAKER talk 1 1.5 7.5 <NA> <NA> other <NA> <NA>\n",
    ],
)
def test_the_subject_by_name(write, content):
    assert read_turns(write(content)) == BOTH


def test_the_subject_is_who_speaks_most(write):
    assert [turn.subject for turn in read_turns(write("0;2;A\n1.5;9;B\n9;9.5;A"))] == [False, True, False]
    rttm = "SPEAKER x 1 0 2 <NA> <NA> SPEAKER_00 <NA> <NA>\nSPEAKER x 1 2 3 <NA> <NA> SPEAKER_01 <NA> <NA>"
    assert [turn.subject for turn in read_turns(write(rttm, "turns.rttm"))] == [False, True]


@pytest.mark.parametrize("end", ["", "\n", "\r\n", "\n\n"])
def test_a_single_turn(write, end):
    assert read_turns(write(f"1.240;4.870{end}")) == (Turn(1.24, 4.87, True),)


@pytest.mark.parametrize("content", ["", "\n", "\ufeff\r\n"])
def test_an_empty_file_is_a_fault_of_its_own(write, content):
    """What it means, the reader of the corpus knows."""
    with pytest.raises(TurnsError, match="holds no turn"):
        read_turns(write(content, "Train_07.csv"))


def test_only_the_partner_speaks(write):
    assert read_turns(write("0;2;partner")) == (Turn(0.0, 2.0, False),)


def test_rttm_of_several_recordings(write):
    rttm = "SPEAKER {} 1 0 2 <NA> <NA> A <NA> <NA>\nSPEAKER {} 1 5 3 <NA> <NA> B <NA> <NA>\n"
    assert read_turns(write(rttm.format("one", "two"), "two.rttm")) == (Turn(5.0, 8.0, True),)
    with pytest.raises(TurnsError, match="2 recordings, none called three"):
        read_turns(write(rttm.format("one", "two"), "three.rttm"))


@pytest.mark.parametrize(
    ("content", "what"),
    [
        ("", "holds no turn"),
        ("start;end\n", "holds no turn"),
        ("SPKR-INFO x 1 <NA> <NA> <NA> unknown A <NA>", "line 1"),
        ("hello", "line 1"),
        ("0;1\n3;2", "line 2: it ends (2 s) before it starts (3 s)"),
        ("0;1\nnan;2", "line 2: cannot read the time 'nan'"),
        ("0;1\n5", "line 2: a start and an end"),
        ("-1;1", "line 1: it starts before"),
        ("0;1e7", "100 hours"),
        ("SPEAKER x 1 0 -2 <NA> <NA> A <NA> <NA>", "line 1: it"),
        ("SPEAKER x 1 0", "line 1: has 4 fields"),
    ],
)
def test_faults_are_one_line_that_names_the_file(write, content, what):
    path = write(content)
    with pytest.raises(TurnsError) as raised:
        read_turns(path)
    assert str(path) in str(raised.value) and what in str(raised.value) and "\n" not in str(raised.value)


def test_no_such_file(tmp_path):
    with pytest.raises(TurnsError, match="cannot be read"):
        read_turns(tmp_path / "nothing.csv")


@given(st.text(alphabet="0123456789.;,\t \nSPEAKR<>-e", max_size=80))
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_is_read_or_refused(write, text):
    try:
        turns = read_turns(write(text))
    except TurnsError:
        return
    assert all(0 <= turn.start <= turn.end for turn in turns) and turns


def test_who_was_taken_is_said_where_nobody_is_called_subject(write):
    said = []
    path = write("0;2;Anna\n2;9;Ben\n9;9.5;partner")
    assert [turn.subject for turn in read_turns(path, said.append)] == [False, True, False]
    (line,) = said
    assert "those of ben, who speaks most, not of anna;" in line and '"subject"' in line
    for clear in ("0;2;subject\n2;9;Ben", "0;2;Anna\n2;9;partner", "0;2\n2;9"):
        read_turns(write(clear), said.append)
    assert said == [line]
