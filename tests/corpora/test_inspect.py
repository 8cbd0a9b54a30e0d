"""What an inspection counts and finds, on corpora put together by hand."""

from __future__ import annotations

import json
import wave
from pathlib import Path

import numpy as np
import pytest

from affekt.corpora.corpus import Corpus, Fault
from affekt.corpora.inspection.count import inspect
from affekt.timeline import Gold, Recording, Sentence, Turn
from media.films import make_film, tone


def sound(path: Path, seconds: float) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(bytes(2 * round(8000 * seconds)))
    return path


def gold(*rows: tuple[float, float]) -> Gold:
    return Gold(np.array(rows, np.float32))


def two_seconds(level: float) -> Gold:
    return Gold(np.full((20, 2), level, np.float32))


def test_counts_by_hand(tmp_path: Path) -> None:
    labels = np.full((20, 2), np.nan, np.float32)
    labels[:10, 0] = np.repeat([0.1, 0.5], 5)
    said = (Sentence(0.0, 1.0, "ja"), Sentence(1.0, 1.5, "nein"))
    half = two_seconds(0.5)
    film = make_film(tmp_path / "b.avi", np.arange(50) / 25, [(0.0, tone(2.0))], sound="mp2")
    recordings = (
        Recording(None, said, (), sound=sound(tmp_path / "ä b.wav", 2.0), name="Train_01", partition="train",
                  speaker="s1", group="g", gold=Gold(labels)),
        Recording(film, (), name="Train_02", partition="train", speaker="s2", group="g", gold=half),
        Recording(film, (), (Turn(0, 1, True),), name="Test_01", partition="test", speaker="s3", group="h"),
    )  # fmt: skip
    expected = {"train": {"recordings": 34, "frames": 38}, "devel": {"recordings": 14}}
    seen = inspect(Corpus("Made up", tmp_path, recordings, expected=expected))
    train, devel, test = seen.parts
    (fault,) = seen.faults
    assert fault.recording == "Train_01" and "no labels of valence, other" in fault.message
    assert (train.recordings, train.frames, train.sentences, train.speakers, train.groups) == (2, 40, 2, 2, 1)
    assert train.hours == pytest.approx(4 / 3600, rel=0.02)
    assert train.presence == {"text": 1, "audio": 2, "visual": 1}
    assert train.missing == {"visual": ("Train_01",), "text": ("Train_02",), "turns": ("Train_02",)}
    arousal, valence = train.gold["arousal"], train.gold["valence"]
    # arousal: 5 × .1 and 25 × .5, 10 without; valence: 20 × .5
    assert arousal.labelled == 30 / 40 and valence.labelled == 20 / 40
    assert arousal.mean == pytest.approx(13 / 30) and (arousal.low, arousal.high) == pytest.approx((0.1, 0.5))
    assert arousal.sd == pytest.approx(0.4 * np.sqrt(5 / 30 * 25 / 30))
    assert valence.sd == 0 and sum(valence.histogram) == 20 and valence.histogram[15] == 20
    assert (devel.recordings, devel.expected) == (0, {"recordings": 14})
    assert (
        test.frames == 20
        and test.gold == {}
        and test.missing == {"labels": ("Test_01",), "text": ("Test_01",)}
    )
    data = json.loads(json.dumps(seen.to_json(), allow_nan=False))
    assert data["partitions"]["train"]["difference"] == {"recordings": -32, "frames": 2}
    assert data["recordings"][0]["visual"] is False and data["recordings"][2]["seconds"] == pytest.approx(
        2, abs=0.1
    )


def test_what_no_recording_has_is_said_once(tmp_path: Path) -> None:
    recordings = tuple(Recording(None, name=f"a{i}", gold=gold((0.1, 0.2))) for i in range(3))
    seen = inspect(Corpus("Labels alone", tmp_path, recordings))
    assert seen.absent == ("text", "audio", "visual", "turns")
    (part,) = seen.parts
    assert part.name == "unassigned" and part.missing == {} and part.hours == pytest.approx(0.3 / 3600)


def test_one_label_a_recording_counts_once(tmp_path: Path) -> None:
    recordings = tuple(
        Recording(sound(tmp_path / f"{i}.wav", 3.0), (), name=str(i), partition="train", gold=one)
        for i, one in enumerate((Gold(np.array([[0.2, -0.4]], np.float32), whole=True),
                                 Gold(np.array([[0.4, np.nan]], np.float32), whole=True), None))
    )  # fmt: skip
    (part,) = inspect(Corpus("Utterances", tmp_path, recordings)).parts
    assert part.frames == 90
    assert part.gold["arousal"].labelled == pytest.approx(2 / 3) and part.gold[
        "arousal"
    ].mean == pytest.approx(0.3)
    assert part.gold["valence"].labelled == pytest.approx(1 / 3)


def test_files_that_cannot_be_read_are_named_with_their_line(tmp_path: Path) -> None:
    empty, words, turns = tmp_path / "a.wav", tmp_path / "a.csv", tmp_path / "t.csv"
    empty.write_bytes(b"")
    words.write_text("0.0;1.0;hallo\n2.0;1.0;ja\n", encoding="utf-8")
    turns.write_text("0.0;1.0\nfoo;3\n", encoding="utf-8")
    seen = inspect(Corpus("C", tmp_path, (Recording(empty, words, turns, name="a"),)))
    told = {fault.path.name: (fault.line, fault.severity, fault.recording) for fault in seen.faults}
    assert told == {"a.wav": (None, "error", "a"), "a.csv": (2, "error", "a"), "t.csv": (2, "error", "a")}
    assert all(str(fault.path) not in fault.message for fault in seen.faults) and seen.errors == 3
    assert seen.items[0].lacks == ("labels", "text", "audio", "visual", "turns")


def test_what_the_reader_said_is_not_said_again(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(b"")
    known = Fault(path, "the file is empty", recording="a")
    seen = inspect(Corpus("C", tmp_path, (Recording(path, (), name="a"),), (known,)))
    assert seen.faults == (known,)


def test_labels_and_media_of_other_lengths(tmp_path: Path) -> None:
    path = sound(tmp_path / "a.wav", 3.0)
    recordings = tuple(
        Recording(path, (), name=f"{frames}", gold=Gold(np.zeros((frames, 2), np.float32)))
        for frames in (20, 27, 28, 32, 33)
    )
    faults = inspect(Corpus("C", tmp_path, recordings)).faults
    assert {fault.recording for fault in faults} == {"20", "27", "33"}
    assert all(fault.severity == "warning" and "3.0 s" in fault.message for fault in faults)
    known = Fault(path, "one row shorter than the film", severity="warning", recording="20")
    seen = inspect(Corpus("C", tmp_path, recordings[:1], (known,)))
    assert seen.faults == (known,)


def test_words_of_another_recording(tmp_path: Path) -> None:
    said = (Sentence(0.5, 1.0, "ja"), Sentence(130.0, 131.0, "nein"))
    turns = (Turn(1200.0, 1800.0, True),)
    recording = Recording(sound(tmp_path / "a.wav", 2.0), said, turns, name="a")
    first, second = inspect(Corpus("C", tmp_path, (recording,))).faults
    assert "1 of its 2 sentences" in first.message and "130.0 s" in first.message
    assert "1 of its 1 turns" in second.message and first.severity == second.severity == "warning"


def test_a_file_cut_short_is_named(tmp_path: Path) -> None:
    whole = sound(tmp_path / "a.wav", 2.0)
    whole.write_bytes(whole.read_bytes()[:-8000])
    (fault,) = inspect(Corpus("C", tmp_path, (Recording(whole, (), name="a", gold=None),))).faults
    assert "cut short: it holds 24,044 of 32,044 bytes" in fault.message and fault.severity == "warning"


def test_progress_is_told(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    recordings = tuple(Recording(None, name=str(i), gold=two_seconds(0)) for i in range(2))
    inspect(Corpus("C", tmp_path, recordings), lambda done, total: told.append((done, total)))
    assert told == [(1, 2), (2, 2)]
