"""ELAN's files as transcripts and turns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pympi
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from affekt.errors import TranscriptError, TurnsError
from affekt.media.clips import read_clips
from affekt.media.transcripts import find_transcript, read_transcript
from affekt.media.turns import read_turns
from affekt.timeline import ClipSpec, Recording, Turn
from media.films import make_film, tone

Spans = Sequence[tuple[int, int, str]]


def write_eaf(path: Path, **tiers: Spans) -> Path:
    """An .eaf as pympi writes it; times in milliseconds."""
    eaf = pympi.Eaf(author="")
    eaf.remove_tier("default")
    for name, spans in tiers.items():
        eaf.add_tier(name)
        for span in spans:
            eaf.add_annotation(name, *span)
    eaf.to_file(str(path))
    return path


def by_hand(path: Path, slots: str, tiers: str, header: str = "") -> Path:
    text = (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<ANNOTATION_DOCUMENT>{header}'
        f"<TIME_ORDER>{slots}</TIME_ORDER>{tiers}</ANNOTATION_DOCUMENT>"
    )
    path.write_text(text, encoding="utf-8")
    return path


def slot(name: str, time: int | None = None) -> str:
    value = "" if time is None else f' TIME_VALUE="{time}"'
    return f'<TIME_SLOT TIME_SLOT_ID="{name}"{value}/>'


def annotation(name: str, start: str, end: str, text: str) -> str:
    return (
        f'<ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="{name}" TIME_SLOT_REF1="{start}" '
        f'TIME_SLOT_REF2="{end}"><ANNOTATION_VALUE>{text}</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>'
    )


def test_a_tier_is_read_as_sentences(tmp_path: Path) -> None:
    path = write_eaf(
        tmp_path / "Gespräch eins.eaf",
        text=[(1800, 2600, "Grüße & <b>Küsse</b>"), (300, 900, 'er sagte "ja; nein"'), (3000, 3100, "")],
    )
    found = [(one.start, one.end, one.text) for one in read_transcript(path)]
    assert found == [(0.3, 0.9, 'er sagte "ja; nein"'), (1.8, 2.6, "Grüße & Küsse")]


@pytest.mark.parametrize(
    ("tiers", "taken"),
    [
        ({"A": [(0, 900, "one two three")], "B": [(0, 900, "four")]}, "one two three"),
        ({"A": [(0, 900, "one two three")], "B subject": [(0, 900, "four")]}, "four"),
        ({"notes": [(0, 900, "the dog barks here")], "text": [(0, 900, "hello you")]}, "hello you"),
        ({"gloss": [(0, 900, "DET dog barks here")], "mb": [(0, 900, "der hund")]}, "der hund"),
        ({"words": [(0, 300, "hello"), (300, 900, "you")], "text": [(0, 900, "hello you")]}, "hello you"),
        ({"affekt_arousal": [(0, 900, "0.31 0.32")], "x": [(0, 900, "yes")]}, "yes"),
    ],
)
def test_which_tier_is_taken(tiers: dict[str, Spans], taken: str, tmp_path: Path) -> None:
    notes: list[str] = []
    sentences = read_transcript(write_eaf(tmp_path / "a.eaf", **tiers), notes.append)
    assert [one.text for one in sentences] == [taken]
    assert len(notes) == (not any(name.startswith("affekt_") for name in tiers))


def test_single_words_are_joined_at_full_stops_and_pauses(tmp_path: Path) -> None:
    words = [(0, 400, "Well,"), (400, 800, "yes."), (900, 1000, "But"), (2500, 2900, "no")]
    found = read_transcript(write_eaf(tmp_path / "a.eaf", words=words))
    assert [(one.start, one.end, one.text) for one in found] == [
        (0.0, 0.8, "Well, yes."),
        (0.9, 1.0, "But"),
        (2.5, 2.9, "no"),
    ]


def test_missing_times_lie_between_their_neighbours(tmp_path: Path) -> None:
    """As ELAN leaves them: two words without a time of their own between 1.0 and 4.0 s, one after the end."""
    slots = slot("a", 1000) + slot("b") + slot("c") + slot("d", 4000) + slot("e")
    rows = [("a", "b", "one"), ("b", "c", "two"), ("c", "d", "three.")]
    tier = "".join(annotation(f"w{k}", *row) for k, row in enumerate(rows))
    path = by_hand(tmp_path / "a.eaf", slots, f'<TIER TIER_ID="words">{tier}</TIER>')
    (sentence,) = read_transcript(path)
    assert (sentence.start, sentence.end, sentence.text) == (1.0, 4.0, "one two three.")
    (turns,) = {tuple(read_turns(path))}
    assert turns == (Turn(1.0, 2.0, True), Turn(2.0, 3.0, True), Turn(3.0, 4.0, True))


def test_an_annotation_without_times_has_its_parents(tmp_path: Path) -> None:
    chain = "".join(
        f'<ANNOTATION><REF_ANNOTATION ANNOTATION_ID="{name}" ANNOTATION_REF="{parent}">'
        f"<ANNOTATION_VALUE>{text}</ANNOTATION_VALUE></REF_ANNOTATION></ANNOTATION>"
        for name, parent, text in [("r1", "a1", "bonjour à vous"), ("r2", "r1", "et merci bien")]
    )
    tiers = f'<TIER TIER_ID="id">{annotation("a1", "t1", "t2", "1")}</TIER>'
    tiers += f'<TIER TIER_ID="text" PARENT_REF="id" PARTICIPANT="Zoé">{chain}</TIER>'
    path = by_hand(tmp_path / "a.eaf", slot("t1", 500) + slot("t2", 1500), tiers)
    assert [(one.start, one.end) for one in read_transcript(path)] == [(0.5, 1.5)] * 2
    assert read_turns(path) == (Turn(0.5, 1.5, True),)  # the tier that hangs on the other is no speaker


def test_what_elan_skips_of_the_film_is_added(tmp_path: Path) -> None:
    header = '<HEADER TIME_UNITS="milliseconds"><MEDIA_DESCRIPTOR MEDIA_URL="x" TIME_ORIGIN="2500"/></HEADER>'
    tier = f'<TIER TIER_ID="text">{annotation("a", "t1", "t2", "hi")}</TIER>'
    path = by_hand(tmp_path / "a.eaf", slot("t1", 500) + slot("t2", 1500), tier, header)
    (sentence,) = read_transcript(path)
    assert (sentence.start, sentence.end) == (3.0, 4.0)


def test_participants_take_turns(tmp_path: Path) -> None:
    eaf = pympi.Eaf()
    eaf.remove_tier("default")
    for name, part in (("speech 1", "Ada"), ("laughter 1", "Ada"), ("speech 2", "Bo")):
        eaf.add_tier(name, part=part)
    eaf.add_annotation("speech 1", 0, 1000, "")
    eaf.add_annotation("laughter 1", 3000, 3500, "")
    eaf.add_annotation("speech 2", 1000, 2200, "")
    eaf.to_file(str(tmp_path / "a.eaf"))
    assert read_turns(tmp_path / "a.eaf") == (
        Turn(0.0, 1.0, True),
        Turn(1.0, 2.2, False),
        Turn(3.0, 3.5, True),
    )


@pytest.mark.parametrize("name", ["subject", "speech_Subject", "Subject 07"])
def test_the_tier_of_the_subject(name: str, tmp_path: Path) -> None:
    path = write_eaf(tmp_path / "a.eaf", **{name: [(0, 100, "")], "somebody else": [(200, 900, "")]})
    assert read_turns(path) == (Turn(0.0, 0.1, True), Turn(0.2, 0.9, False))


def test_one_tier_whose_annotations_name_the_speakers(tmp_path: Path) -> None:
    path = write_eaf(tmp_path / "a.eaf", turns=[(0, 100, "Subject"), (200, 900, "partner"), (900, 990, "")])
    assert read_turns(path) == (Turn(0.0, 0.1, True), Turn(0.2, 0.9, False))


def test_a_silent_recording_has_no_words_and_no_turns(tmp_path: Path) -> None:
    path = write_eaf(tmp_path / "a.eaf", text=[])
    assert read_transcript(path) == ()
    with pytest.raises(TurnsError, match="holds no turn"):
        read_turns(path)


def test_it_is_found_beside_the_film_and_named_in_a_warning(tmp_path: Path) -> None:
    film = make_film(tmp_path / "talk.wav", sounds=[(0.0, tone(1.0))], sound="pcm_s16le")
    path = write_eaf(tmp_path / "talk.eaf", affekt_arousal=[(0, 900, "0.1")])
    assert find_transcript(film) is None  # affekt's own
    path.unlink()
    write_eaf(path, text=[(0, 400, "hello there")], other=[(500, 900, "hm")])
    reading = read_clips(Recording(film), ClipSpec(image_size=16))
    assert reading.transcript == path and [one.text for one in reading.sentences] == ["hello there"]
    assert reading.warnings == ["the words are those of the tier text, not of other"]


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda text: text[: len(text) // 2], "damaged XML"),
        (lambda text: text.replace("?>", '?><!DOCTYPE a [<!ENTITY b "cc">]>', 1), "document type"),
        (lambda text: text.replace("ANNOTATION_DOCUMENT", "document"), "not ELAN's"),
        (lambda text: text.replace('TIME_VALUE="400"', 'TIME_VALUE="soon"'), "no whole number"),
        (lambda text: text.replace('TIME_SLOT_REF2="', 'TIME_SLOT_REF2="x'), "has no time slot"),
        (lambda text: text.replace("<HEADER", '<HEADER TIME_UNITS="PAL-frames"'), "PAL-frames"),
        (lambda text: text.replace('TIME_VALUE="0"', 'TIME_VALUE="-900"'), "before the recording"),
        (lambda text: text.replace("TIME_VALUE", "TIME"), "none of its time slots"),
        (lambda text: "", "damaged XML"),
    ],
)
def test_damage_is_told_in_one_line(damage: Callable[[str], str], said: str, tmp_path: Path) -> None:
    path = write_eaf(tmp_path / "a.eaf", text=[(0, 400, "hello")])
    path.write_text(damage(path.read_text("utf-8")), "utf-8")
    for read, fault in ((read_transcript, TranscriptError), (read_turns, TurnsError)):
        with pytest.raises(fault, match=said) as caught:
            read(path)
        assert str(path) in str(caught.value) and "\n" not in str(caught.value)


def test_annotations_that_refer_in_a_circle(tmp_path: Path) -> None:
    ring = "".join(
        f'<ANNOTATION><REF_ANNOTATION ANNOTATION_ID="{a}" ANNOTATION_REF="{b}"/></ANNOTATION>'
        for a, b in ("xy", "yx")
    )
    path = by_hand(tmp_path / "a.eaf", slot("t1", 0), f'<TIER TIER_ID="text">{ring}</TIER>')
    with pytest.raises(TranscriptError, match="refers to none"):
        read_transcript(path)


@settings(deadline=None, max_examples=150)
@given(data=st.data())
def test_any_change_is_read_or_refused(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("eaf") / "a.eaf"
    write_eaf(path, text=[(0, 400, "hello"), (500, 900, "you")], B=[(400, 500, "so")])
    text = path.read_bytes()
    start = data.draw(st.integers(0, len(text)))
    stop = data.draw(st.integers(start, min(len(text), start + 40)))
    path.write_bytes(text[:start] + data.draw(st.binary(max_size=20)) + text[stop:])
    for read, fault in ((read_transcript, TranscriptError), (read_turns, TurnsError)):
        try:
            read(path)
        except fault as error:
            assert "\n" not in str(error)
