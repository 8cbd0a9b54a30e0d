"""Anyone's own data: what a manifest says, and every fault by file and line."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from affekt.corpora.formats import manifest
from affekt.corpora.readers import read_corpus
from affekt.errors import CorpusError
from corpora.miniatures import manifest as miniature
from media.films import make_film, tone


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    root = miniature.build(tmp_path_factory.mktemp("own") / "eigene Daten")
    assert manifest.recognises(root) and manifest.recognises(root / "manifest.csv")
    return manifest.read(root)


def by_name(corpus):
    return {one.name: one for one in corpus.recordings}


def test_recordings(corpus):
    assert {one.name: (one.partition, one.speaker, one.group) for one in corpus.recordings} == {
        "Anna & Ben_left": ("train", "Anna", "1"),
        "Anna & Ben_right": ("train", "Ben", "1"),
        "tones_a": ("devel", "Cläre", "2"),
        "zweiter": ("test", "Dörte", "3"),
        "tones_more_a": ("test", "Dörte", "3"),
    }
    assert corpus.notes == ("columns that were not read: remark",)
    assert not corpus.faults


def test_files(corpus):
    anna, ben = by_name(corpus)["Anna & Ben_left"], by_name(corpus)["Anna & Ben_right"]
    assert anna.media == ben.media == corpus.root / "films" / "Anna & Ben.mp4"
    assert (anna.subject, ben.subject, anna.language) == ("left", "right", "de")
    assert anna.transcript == corpus.root / "words" / "Anna.csv"
    assert anna.turns == corpus.root / "turns" / "Anna.csv"
    assert by_name(corpus)["tones_a"].transcript == ()  # "none": none beside it either


def test_gold(corpus):
    found = by_name(corpus)
    trace = found["Anna & Ben_left"].gold
    assert not trace.whole and len(trace) == 30
    assert np.allclose(trace.column("valence"), np.arange(30) / 100)
    assert np.allclose(trace.column("arousal"), -np.arange(30) / 100)
    assert found["Anna & Ben_right"].gold is None
    assert found["tones_a"].gold.whole
    assert np.allclose(found["tones_a"].gold.values, [[0.5, -0.25]])
    assert np.allclose(found["zweiter"].gold.values, [[1.0, np.nan]], equal_nan=True)


def test_given_as_a_file_of_another_name(tmp_path):
    root = miniature.build(tmp_path)
    path = root / "Liste.csv"
    (root / "manifest.csv").rename(path)
    assert not manifest.recognises(root)
    assert len(read_corpus(path).recordings) == 5


@pytest.fixture
def own(tmp_path):
    """Writes a manifest beside two sound files and reads it."""
    for name in ("a", "b", "c"):
        make_film(tmp_path / f"{name}.wav", sounds=[(0.0, tone(0.5, 16_000))], rate=16_000, sound="pcm_s16le")

    def read(text):
        (tmp_path / "manifest.csv").write_text(text, encoding="utf-8")
        return manifest.read(tmp_path)

    return read


@pytest.mark.parametrize(
    ("text", "line", "says", "names"),
    [
        ("file,arousal\na.wav,0\nd.wav,0", 3, "no file 'd.wav'", ["a"]),
        ("file,arousal\na.wav,0\n,0", 3, "names no file", ["a"]),
        ("file,arousal\na.wav,5\nb.wav,0", 2, "the arousal '5'", ["a", "b"]),
        ("file,arousal\na.wav,hoch\nb.wav,0", 2, "the arousal 'hoch'", ["a", "b"]),
        ("file,arousal\na.wav,inf\nb.wav,0", 2, "the arousal 'inf'", ["a", "b"]),
        ("file,arousal\na.wav,0,1\nb.wav,0", 2, "has 3 fields, the first line 2", ["b"]),
        ("file,split\na.wav,train\nb.wav,exam", 3, "'exam' is none of", ["a"]),
        ("file,name\na.wav,x\nb.wav,x", 3, "is called x, as line 2 is", ["x"]),
        ("file\na.wav\nb.wav\n./a.wav", 4, "a.wav is in line 2 already", ["a", "b"]),
        ("file,turns\na.wav,t.csv\nb.wav,", 2, "no file 't.csv'", ["a", "b"]),
        ("file,transcript\na.wav,t.srt\nb.wav,", 2, "no file 't.srt'", ["a", "b"]),
        ("file,gold\na.wav,manifest.csv\nb.wav,", 2, "'a.wav'", ["a", "b"]),
        ("file,group,split\na.wav,1,dev\nb.wav,1,test\nc.wav,2,dev", 3, "in devel in line 2", ["c"]),
    ],
)
def test_faults(own, text, line, says, names):
    corpus = own(text)
    (fault,) = [one for one in corpus.faults if one.severity == "error"]
    assert says in fault.message or line != fault.line
    assert [one.name for one in corpus.recordings] == names


def test_partners_in_two_partitions_name_both_lines(own):
    corpus = own("file,dyad,partition\nb.wav,7,train\nc.wav,8,train\na.wav,7,devel\n")
    (fault,) = corpus.faults
    assert fault.line == 4 and "group 7" in fault.message and "line 2" in fault.message
    assert [one.name for one in corpus.recordings] == ["c"]


def test_a_missing_transcript_is_not_replaced_by_one_beside_the_film(own):
    assert own("file,transcript\na.wav,t.srt\n").recordings[0].transcript == ()


def test_damaged_words_and_turns_are_left_out(own, tmp_path):
    (tmp_path / "empty.csv").write_text(" \n")
    (tmp_path / "bad.csv").write_text("2.0;3.0;'b'\n1.0;0.5;'a'\n")
    (tmp_path / "b.srt").write_text("noise")  # beside the recording, and named by nobody
    own("file,transcript,turns\na.wav,empty.csv,empty.csv\nb.wav,,bad.csv\nc.wav,bad.csv,\n")
    corpus = read_corpus(tmp_path)
    assert [(one.transcript, one.turns) for one in corpus.recordings] == [((), ()), ((), None), ((), None)]
    told = [(fault.recording, fault.path.name, fault.line, fault.severity) for fault in corpus.faults]
    assert told == [
        ("a", "empty.csv", None, "warning"),
        ("a", "empty.csv", None, "warning"),
        ("b", "b.srt", None, "error"),
        ("b", "bad.csv", 2, "error"),
        ("c", "bad.csv", 2, "error"),
    ]


def test_trace_of_raters_is_refused(own, tmp_path):
    (tmp_path / "raters.csv").write_text("time,1,2\n0.0,0.1,0.2\n0.1,0.1,0.2\n0.2,0.1,0.2\n")
    corpus = own("file,gold\na.wav,raters.csv\n")
    (fault,) = corpus.faults
    assert fault.path.name == "raters.csv" and "no column is called arousal or valence" in fault.message
    assert corpus.recordings[0].gold is None


def test_a_trace_of_another_recording_is_refused(own, tmp_path):
    """Half a second of sound, three seconds of labels."""
    rows = "".join(f"{k / 10:.1f},0.1,0.2\n" for k in range(30))
    (tmp_path / "long.csv").write_text(f"time,arousal,valence\n{rows}")
    corpus = own("file,gold\na.wav,long.csv\n")
    (fault,) = corpus.faults
    assert fault.severity == "error" and "is longer: 3 s where the recording has 0.5 s" in fault.message
    assert corpus.recordings[0].gold is None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is empty"),
        ("speaker,arousal\nA,0\n", "names no column called file"),
        ("file,arousal\n", "lists no recording"),
        ("file,file\na.wav,a.wav\n", "names the column file twice"),
        ("file\nx.wav\n", "line 2: there is no file 'x.wav'"),
    ],
)
def test_nothing_that_can_be_used(own, text, says):
    with pytest.raises(CorpusError, match=says):
        own(text)


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    content=st.one_of(
        st.binary(max_size=300), st.text("file,;sound\nav.0-'\"\t ", max_size=120).map(str.encode)
    )
)
def test_whatever_stands_there_no_traceback(tmp_path, content):
    (tmp_path / "manifest.csv").write_bytes(content)
    try:
        manifest.read(tmp_path)
    except CorpusError as error:
        assert "manifest.csv" in str(error) and "\n" not in str(error)
