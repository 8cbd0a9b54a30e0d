"""Praat's TextGrids as transcripts and turns."""

from __future__ import annotations

from pathlib import Path

import pympi
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from affekt.errors import TranscriptError, TurnsError
from affekt.media.transcripts import find_transcript, read_transcript
from affekt.media.turns import read_turns
from affekt.timeline import Turn

LONG = """File type = "ooTextFile"
Object class = "TextGrid"

xmin = 0
xmax = 4.87
tiers? <exists>
size = 2
item []:
    item [1]:
        class = "IntervalTier"
        name = "subject"
        xmin = 0
        xmax = 4.87
        intervals: size = 3
        intervals [1]:
            xmin = 0
            xmax = 1.24
            text = ""
        intervals [2]:
            xmin = 1.24
            xmax = 3.5
            text = "Zoé sagte ""hör auf!"",
nicht 3 = 4"
        intervals [3]:
            xmin = 3.5
            xmax = 4.87
            text = "sil"
    item [2]:
        class = "TextTier"
        name = "clicks"
        xmin = 0
        xmax = 4.87
        points: size = 1
        points [1]:
            number = 2.5
            mark = "knack"
"""
SHORT = """File type = "ooTextFile"
Object class = "TextGrid"

0
4.87
<exists>
2
"IntervalTier"
"subject"
0
4.87
3
0
1.24
""
1.24
3.5
"Zoé sagte ""hör auf!"", nicht 3 = 4"
3.5
4.87
"sil"
"TextTier"
"clicks"
0
4.87
1
2.5
"knack"
"""


@pytest.mark.parametrize("text", [LONG, SHORT, SHORT.replace('"ooTextFile"', '"ooTextFile short"')])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_long_and_short_in_any_encoding(text: str, encoding: str, newline: str, tmp_path: Path) -> None:
    path = tmp_path / "größe.TextGrid"
    path.write_bytes(text.replace("\n", newline).encode(encoding))
    (sentence,) = read_transcript(path)
    assert (sentence.start, sentence.end) == (1.24, 3.5)
    assert sentence.text == 'Zoé sagte "hör auf!", nicht 3 = 4'
    assert read_turns(path) == (Turn(1.24, 3.5, True),)


@pytest.mark.parametrize("mode", ["normal", "short", "binary"])
def test_what_pympi_writes(mode: str, tmp_path: Path) -> None:
    grid = pympi.TextGrid(xmin=2.0, xmax=9.0)
    ada, bo = grid.add_tier("Ada"), grid.add_tier("Bö", "IntervalTier")
    ada.add_interval(2.5, 3.0, "Grüß Gott, 50 %")
    bo.add_interval(4.0, 8.0, "hm")
    grid.add_tier("p", "TextTier").add_point(5.0, "ü")
    path = tmp_path / "a.TextGrid"
    grid.to_file(str(path), mode=mode)
    (sentence,) = read_transcript(path)
    assert (sentence.start, sentence.end, sentence.text) == (2.5, 3.0, "Grüß Gott, 50 %")
    assert read_turns(path) == (Turn(2.5, 3.0, False), Turn(4.0, 8.0, True))  # who speaks most


def test_words_of_an_aligner_are_joined_and_its_phones_left_out(tmp_path: Path) -> None:
    grid = pympi.TextGrid(xmax=5)
    words, phones = grid.add_tier("words"), grid.add_tier("phones")
    for start, end, text in ((0, 1, "tea"), (1, 1.5, "sp"), (1.5, 2, "please"), (4, 5, "now")):
        words.add_interval(start, end, text)
        phones.add_interval(start, (start + end) / 2, text[0])
        phones.add_interval((start + end) / 2, end, text[-1])
    grid.to_file(str(tmp_path / "a.TextGrid"))
    notes: list[str] = []
    found = read_transcript(tmp_path / "a.TextGrid", notes.append)
    assert [(one.start, one.end, one.text) for one in found] == [(0, 2, "tea please"), (4, 5, "now")]
    assert notes == ["the words are those of the tier words, not of phones"]


def test_beside_a_film(tmp_path: Path) -> None:
    film, grid = tmp_path / "a.mp4", tmp_path / "a.TextGrid"
    grid.write_text(LONG.replace("Zoé sagte", "").replace("hör auf!", "").replace("nicht 3 = 4", ""))
    assert find_transcript(film) is None  # no word in it
    grid.write_text(LONG)
    assert find_transcript(film) == grid
    (tmp_path / "a.srt").write_text("1\n00:00:01,000 --> 00:00:02,000\nfirst\n")
    assert find_transcript(film) == tmp_path / "a.srt"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (LONG[: len(LONG) // 2], "ends in the middle"),
        (LONG.replace("intervals: size = 3", "intervals: size = 300"), "is not a TextGrid"),
        (LONG.replace("xmax = 1.24", "xmax = soon"), "is not a TextGrid"),
        (LONG.replace("IntervalTier", "Tier"), "a tier of kind 'Tier'"),
        (LONG.replace('"TextGrid"', '"PitchTier"'), "but a 'PitchTier'"),
        (LONG.replace("xmin = 1.24", "xmin = 3.9"), "before it starts"),
        ("", "ends in the middle"),
    ],
)
def test_damage_is_told_in_one_line(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "a.TextGrid"
    path.write_text(text)
    with pytest.raises(TranscriptError, match=said) as caught:
        read_transcript(path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


@settings(deadline=None, max_examples=150)
@given(data=st.data(), mode=st.sampled_from(["normal", "short", "binary"]))
def test_any_change_is_read_or_refused(
    data: st.DataObject, mode: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("grid") / "a.TextGrid"
    grid = pympi.TextGrid(xmax=9.0)
    grid.add_tier("Bö").add_interval(4.0, 8.0, 'hm "ß"')
    grid.to_file(str(path), mode=mode)
    whole = path.read_bytes()
    start = data.draw(st.integers(0, len(whole)))
    stop = data.draw(st.integers(start, min(len(whole), start + 40)))
    path.write_bytes(whole[:start] + data.draw(st.binary(max_size=20)) + whole[stop:])
    for read, fault in ((read_transcript, TranscriptError), (read_turns, TurnsError)):
        try:
            read(path)
        except fault as error:
            assert "\n" not in str(error)
