"""Transcripts in all the forms people have them in, and the faults they come with."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from affekt.errors import TranscriptError
from affekt.media.subtitles import plain
from affekt.media.tables import MAX_BYTES, read_time
from affekt.media.transcripts import find_transcript, read_transcript
from affekt.timeline import Sentence

EXPECTED = (Sentence(0.5, 1.25, "Good morning."), Sentence(61.0, 62.5, "Tea & toast; please"))

SRT = """1
00:00:00,500 --> 00:00:01,250
Good <i>morning</i>.

2
00:01:01,000 --> 00:01:02,500
{\\an8}Tea &amp; toast;
please
"""
VTT = """WEBVTT - a talk
Kind: captions

STYLE
::cue { color: red }

NOTE a remark

greeting
00:00.500 --> 00:01.250 align:start position:10%
<v Ada Lovelace>Good <00:00:00.900>morning.

00:01:01,000 --> 00:01:02.500
<v.loud Ada>Tea &amp; toast;</v>
please
"""


@pytest.fixture
def write(tmp_path):
    def write_(content, name="talk.txt"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write_


@pytest.mark.parametrize(
    "content",
    [
        SRT,
        VTT,
        SRT.replace("\n\n", "\n"),  # no blank line between cues
        SRT.replace("toast;\n", "toast;\n\n"),  # a blank line inside a cue
        SRT.replace("1\n00", "00").replace("2\n00", "00"),  # no numbers
        SRT.replace("Good", "[SPEAKER_00]: Good"),
        "0.5;1.25;Good morning.\n61;62.5;Tea & toast; please\n",
        "0,5;1,25;Good morning.\n61;62,5;Tea & toast; please",
        "0.5;1.25;'Good morning.'\n61;62.5;'Tea &amp; <filler> toast; please'",
        'start;end;text\n0.5;1.25;Good morning.\n61;62.5;"Tea & toast; please"\n',
        'start,end,text\n0.5,1.25,Good morning.\n\n61,62.5,"Tea & toast; please"\n',
        "0.5\t1.25\tGood morning.\n1:01\t1:02.5\tTea & toast; please\n",
        "start\tend\ttext\n500\t1250\tGood morning.\n61000\t62500\tTea & toast; please\n",  # whisper's .tsv
        'id,text,speaker,"Start (s)",Stop\n1,Good morning.,A,0.5,1.25\n2,Tea & toast; please,A,61,62.5\n',
        "00:00:00.5;00:00:01.25;Good morning.\n00:01:01;00:01:02,5;Tea & toast; please",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_all_dialects_read_alike(write, content, encoding, newline):
    assert read_transcript(write(content.replace("\n", newline).encode(encoding))) == EXPECTED


def test_windows_1252(write):
    (sentence,) = read_transcript(write("0;1;schöne Grüße – für 5 €".encode("cp1252")))
    assert sentence.text == "schöne Grüße – für 5 €"
    (sentence,) = read_transcript(write(b"0;1;gr\xfcn\x81"))
    assert sentence.text.startswith("grün")


def test_sewas_dialect(write):
    """Semicolons and quotes within the text, fillers alone and inside it."""
    lines = [
        "1.240;4.870;'ja also <filler> ich fand den spot; naja, \"gut\"'",
        "5.000;5.400;'<filler>'",
        "7.100;9.330;'<laughter> das ist's; nicht?'",
        "9.500;9.900;<filler>",
        "10.000;11.000;Grüße; ohne Hochkommas",
        '12.000;13.000;"in Gänsefüßchen; auch"',
        "14.000;14.500;''",
    ]
    for newline in ("\n", "\r\n"):
        found = read_transcript(write(newline.join(lines), "Train_01.csv"))
        assert [(one.start, one.end, one.text) for one in found] == [
            (1.24, 4.87, 'ja also ich fand den spot; naja, "gut"'),
            (7.1, 9.33, "das ist's; nicht?"),
            (10.0, 11.0, "Grüße; ohne Hochkommas"),
            (12.0, 13.0, "in Gänsefüßchen; auch"),
        ]
    assert read_transcript(write("1.0;2.0;'<filler>'", "Train_02.csv")) == ()


def test_a_stray_quote_does_not_swallow_the_rest(write):
    path = write('0;1;"Open\n1;2;she said "no" twice\n2;3;end')
    assert [one.text for one in read_transcript(path)] == ["Open", 'she said "no" twice', "end"]


def test_whole_seconds_are_no_milliseconds(write):
    path = write("start\tend\ttext\n0\t3\tone\n3\t9\ttwo\n")
    assert [one.end for one in read_transcript(path)] == [3.0, 9.0]


def test_lines_without_words_are_left_out(write):
    assert read_transcript(write("0;1;...\n1;2;♪\n2;3;<filler>\n3;4;\n4;5;ok")) == (Sentence(4.0, 5.0, "ok"),)


SEGMENTS = [
    {"id": 0, "start": 0.5, "end": 1.25, "text": " Good morning.", "words": None},
    {
        "start": 61.0,
        "end": 62.5,
        "text": " Tea &amp; toast; please",
        "words": [{"word": "Tea", "start": 61.0, "end": 61.4, "score": 0.9}, {"word": "&"}],
    },
]
WORDS = [
    {"word": "Good", "start": 0.5, "end": 0.8},
    {"word": " morning.", "start": 0.9, "end": 1.25, "score": 0.5},
    {"word": "Tea", "start": 61.0, "end": 61.2},
    {"word": "&"},
    {"word": "toast;", "start": float("nan"), "end": float("nan")},
    {"word": "please", "start": 62.0, "end": 62.5},
]


@pytest.mark.parametrize(
    "data",
    [
        {"segments": SEGMENTS, "word_segments": WORDS, "language": "en"},
        SEGMENTS,
        {"word_segments": WORDS},
        {"words": WORDS},
        WORDS,
        {"segments": [{"words": WORDS[:2]}, {"start": None, "end": float("nan"), "words": WORDS[2:]}]},
    ],
)
def test_words_json(write, data):
    assert read_transcript(write(json.dumps(data), "talk.json")) == EXPECTED


def test_bare_words_part_at_a_pause(write):
    words = [{"word": w, "start": s, "end": s + 0.2} for w, s in [("a", 0.0), ("b", 0.9), ("c", 2.2)]]
    assert [one.text for one in read_transcript(write(json.dumps(words)))] == ["a b", "c"]


@pytest.mark.parametrize("content", ["WEBVTT\n", '{"segments": []}', "WEBVTT\n\nNOTE silence\n"])
def test_a_silent_recording_has_an_empty_transcript(write, content):
    assert read_transcript(write(content)) == ()


@pytest.mark.parametrize(
    ("content", "where", "what"),
    [
        (b"", "", "is empty"),
        (b" \n \n", "", "is empty"),
        ("just some prose\nand more", "", "is no transcript"),
        (SRT.replace("01,250", "00,250"), "line 2", "before it starts (0.5 s)"),
        (SRT.replace("00:01:01,000", "00:00:00,100"), "line 6", "out of order"),
        (SRT.replace("00:00:01,250", "00:00:xx,250"), "line 2", "cannot read the time"),
        (SRT.replace("00:00:01,250", "00:75:01,250"), "line 2", "cannot read the time"),
        (SRT.replace("00:01:02,500", "999:00:02,500"), "line 6", "100 hours"),
        ("0;1;a\n2;1;b", "line 2", "it ends (1 s) before it starts (2 s)"),
        ("1;2;a\n0;2;b", "line 2", "out of order"),
        ("0;1;a\n\nnan;2;b", "line 3", "cannot read the time 'nan'"),
        ("0;1;a\ninf;2;b", "line 2", "cannot read the time"),
        ("0;1;a\n1;1e9;b", "line 2", "100 hours"),
        ("-1;1;a", "line 1", "starts before the recording"),
        ("0;1;a\n7", "line 2", "a start, an end and a text"),
        ("start;end;who\n0;1;a", "line 1", "called text"),
        ("[1, 2]", "", "JSON"),
        ("{}", "", "JSON"),
        ('{"segments": [{"text": "a"}]}', "segment 1", "no start or end"),
        ('{"segments": [{"text": "a", "start": 2, "end": 1}]}', "segment 1", "before it starts"),
        ('{"segments": [\n{"text": }]}', "line 2", "JSON"),
        ("[" * 100_000, "", "JSON"),
        (f'[{{"text": "a", "start": 0, "end": 1{"0" * 400}}}]', "segment 1", "no start or end"),
        (bytes(range(256)) * 4, "", "not a text file"),
    ],
)
def test_faults_are_one_line_that_names_the_file_and_the_place(write, content, where, what):
    path = write(content)
    with pytest.raises(TranscriptError) as raised:
        read_transcript(path)
    message = str(raised.value)
    assert str(path) in message and where in message and what in message
    assert "\n" not in message


def test_an_empty_srt_is_a_fault(write):
    with pytest.raises(TranscriptError, match="holds no cue"):
        read_transcript(write("", "talk.srt"))


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(TranscriptError, match="cannot be read"):
        read_transcript(tmp_path / "nothing.srt")
    with pytest.raises(TranscriptError, match="cannot be read"):
        read_transcript(tmp_path)
    big = tmp_path / "big.srt"
    with big.open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    with pytest.raises(TranscriptError, match="larger than"):
        read_transcript(big)


@given(st.binary(max_size=300) | st.text(max_size=300).map(lambda text: text.encode("utf-8", "replace")))
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_are_read_or_refused(write, data):
    try:
        read_transcript(write(data))
    except TranscriptError as error:
        assert "\n" not in str(error)


@given(st.data(), st.sampled_from([SRT, VTT, json.dumps({"segments": SEGMENTS}), "0.5;1;a\n1;2;'b; c'\n"]))
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_damaged_files_are_read_or_refused(write, data, content):
    damaged = bytearray(content.encode())
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    try:
        sentences = read_transcript(write(bytes(damaged)))
    except TranscriptError:
        return
    assert all(0 <= one.start <= one.end for one in sentences)
    assert list(sentences) == sorted(sentences, key=lambda one: one.start)


@given(st.text(max_size=40))
@settings(deadline=None)
def test_plain_text_can_be_written_and_is_tidy(text):
    tidy = plain(text)
    assert tidy == " ".join(tidy.split())
    tidy.encode()


def test_plain_keeps_what_is_no_markup():
    assert plain("3 < 4 and 5 > 2") == "3 < 4 and 5 > 2"
    assert plain("fan<b>tas</b>tic<br>day\ud800") == "fantastic day?"


@given(st.floats(0, 3e5))
@settings(deadline=None)
def test_a_clock_time_is_read_as_it_is_written(seconds):
    milliseconds = round(seconds * 1000)
    hours, rest = divmod(milliseconds, 3_600_000)
    minutes, rest = divmod(rest, 60_000)
    written = f"{hours:02d}:{minutes:02d}:{rest // 1000:02d},{rest % 1000:03d}"
    assert read_time(written) == pytest.approx(milliseconds / 1000, abs=1e-6)


def test_find_takes_srt_before_vtt_before_json(write, tmp_path):
    media = tmp_path / "talk.v2.mp4"
    assert find_transcript(media) is None
    write(json.dumps({"format": "affekt-prediction-1", "arousal": []}), "talk.v2.json")
    assert find_transcript(media) is None
    ours = write(json.dumps({"segments": SEGMENTS}), "talk.v2.json")
    assert find_transcript(media) == ours
    vtt = write(VTT, "talk.v2.vtt")
    assert find_transcript(media) == vtt
    srt = write(SRT, "talk.v2.srt")
    assert find_transcript(media) == srt
    assert find_transcript(srt) == vtt


def test_the_clips_transcripts(shared):
    (line,) = read_transcript(shared / "clips" / "grid_lrwp9a.srt")
    assert line == Sentence(0.0, 2.96, "lay red with p nine again")
    french = read_transcript(shared / "clips" / "sppas_demo_fr.srt")
    assert len(french) == 5 and french[0] == Sentence(0.521, 1.542, "cette vidéo")
    assert find_transcript(shared / "clips" / "sppas_demo_fr.mp4") is not None
