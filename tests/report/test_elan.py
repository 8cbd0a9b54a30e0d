"""What ELAN is given: read back by pympi and by affekt itself, and as ELAN's own reader takes the table."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pympi
import pytest

import affekt
from affekt.errors import OutputError
from affekt.media.transcripts import find_transcript, read_transcript
from affekt.report.elan import elan_files, write_elan
from affekt.timeline import Prediction, Sentence, WordWeights
from report.made_up import made_up


def by_hand() -> Prediction:
    """2.5 s; nothing is there in the second of them, and the first half of the third."""
    arousal = np.repeat(np.array([0.1, -0.9, 0.5], np.float32), [10, 10, 5])
    arousal[:5] = 0.2
    presence = np.zeros((25, 3), bool)
    presence[:10, 1] = presence[22:, 2] = True
    heads = np.ones((1, 1), np.float32)
    lines = [
        Sentence(0.25, 1.5, 'Grüße <an> "dich" & \x01mich'),
        Sentence(1.0, 1.0, "so"),
        Sentence(1, 2, "ja"),
    ]
    words = tuple(WordWeights(line, ("w",), heads) for line in lines)
    return Prediction("talk.mp4", arousal, -arousal, presence, None, word_weights=words)


def test_tiers_by_hand(tmp_path: Path) -> None:
    path = tmp_path / "größer.eaf"
    write_elan(by_hand(), path)
    eaf = pympi.Eaf(str(path))
    assert list(eaf.get_tier_names()) == ["affekt_arousal", "affekt_valence", "affekt_sentences"]
    arousal, valence, sentences = (eaf.get_annotation_data_for_tier(one) for one in eaf.get_tier_names())
    assert arousal == [(0, 1000, "0.15"), (2000, 2500, "0.50")]
    assert valence == [(0, 1000, "-0.15"), (2000, 2500, "-0.50")]
    assert sentences == [(250, 1000, 'Grüße <an> "dich" & \N{REPLACEMENT CHARACTER}mich'), (1000, 2000, "ja")]
    assert eaf.get_linked_files() == []


def test_the_table_as_elan_reads_it(tmp_path: Path) -> None:
    """Lines with # are passed over; the separator is the most frequent of tab, semicolon and comma."""
    write_elan(by_hand(), tmp_path / "a.eaf")
    text = (tmp_path / "a.elan.csv").read_text("utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    assert len(lines) == 25 and text.startswith("# time;arousal;valence\n") and "," not in text
    assert lines[0] == "0.000;0.200000;-0.200000" and lines[24] == "2.400;0.500000;-0.500000"


def test_the_drawing_names_the_table_as_it_is_linked(tmp_path: Path) -> None:
    write_elan(by_hand(), tmp_path / "a b.eaf")
    root = ElementTree.parse(tmp_path / "a b_tsconf.xml").getroot()
    (source,) = root
    linked = pympi.Eaf(str(tmp_path / "a b.eaf")).get_secondary_linked_files()
    assert [one["RELATIVE_LINK_URL"] for one in linked] == ["./a b.elan.csv", "./a b_tsconf.xml"]
    assert source.get("source-url") == linked[0]["LINK_URL"] == f"file://{tmp_path.resolve()}/a b.elan.csv"
    assert source.get("time-column") == "0" and [one.get("name") for one in source.findall("track")] == [
        "arousal",
        "valence",
    ]
    places = [one.attrib for one in source.iter("pos")]
    assert places == [{"row": "0", "col": "1"}, {"row": "0", "col": "2"}]
    assert [one.attrib for one in source.iter("range")] == [{"min": "-1.0", "max": "1.0"}] * 2
    assert all(re.fullmatch(r"\d+,\d+,\d+", one.text or "") for one in source.iter("color"))


def test_the_recording_is_linked_wherever_the_file_is(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "out").mkdir()
    film = tmp_path / "in" / "mein Gespräch.mp4"
    film.write_bytes(b"film")
    prediction = replace(by_hand(), info={"source": str(film)})
    affekt.Prediction.of(prediction).save_elan(tmp_path / "out" / "a.eaf")
    (media,) = pympi.Eaf(str(tmp_path / "out" / "a.eaf")).get_linked_files()
    assert media["MEDIA_URL"] == f"file://{film.resolve()}" and media["MIME_TYPE"] == "video/mp4"
    assert media["RELATIVE_MEDIA_URL"] == "../in/mein Gespräch.mp4"


def test_affekt_does_not_take_its_own_tiers_for_words(tmp_path: Path) -> None:
    write_elan(by_hand(), tmp_path / "talk.eaf")
    assert find_transcript(tmp_path / "talk.mp4") is None
    assert read_transcript(tmp_path / "talk.eaf") == ()


def test_a_whole_prediction(tmp_path: Path) -> None:
    prediction = made_up()
    write_elan(prediction, tmp_path / "a.eaf")
    eaf = pympi.Eaf(str(tmp_path / "a.eaf"))
    for name, values in (("arousal", prediction.arousal), ("valence", prediction.valence)):
        for start, end, text in eaf.get_annotation_data_for_tier(f"affekt_{name}"):
            rows = slice(start // 100, end // 100)
            kept = values[rows][prediction.presence[rows].any(axis=1)]
            assert float(text) == pytest.approx(kept.mean(), abs=0.0051)
    table = np.loadtxt(tmp_path / "a.elan.csv", delimiter=";")
    np.testing.assert_allclose(
        table[:, 1:], np.column_stack([prediction.arousal, prediction.valence]), atol=6e-7
    )
    spoken = eaf.get_annotation_data_for_tier("affekt_sentences")
    assert [text for _, _, text in spoken] == [one.sentence.text for one in prediction.word_weights]
    assert all(one[1] <= two[0] for one, two in pairwise(spoken))


def test_written_again_it_leaves_nothing_else_behind(tmp_path: Path) -> None:
    for _ in range(2):
        write_elan(by_hand(), tmp_path / "a.eaf")
    assert sorted(tmp_path.iterdir()) == sorted(elan_files(tmp_path / "a.eaf"))


def test_nowhere_to_write(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"a\.elan\.csv: cannot be written"):
        write_elan(by_hand(), tmp_path / "missing" / "a.eaf")
    assert not list(tmp_path.iterdir())
