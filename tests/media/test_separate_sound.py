"""A sound file of its own beside a film, as corpora hand it out, and recordings without a film."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from affekt.errors import MediaError, TranscriptError
from affekt.media.clips import Reading, read_clips
from affekt.timeline import Clip, ClipSpec, Recording, Sentence, Turn
from media.films import WholePicture, make_film, tone

SPEC = ClipSpec(image_size=16)


def read(recording: Recording) -> tuple[Clip, Reading]:
    reading = read_clips(recording, SPEC, follower=WholePicture(16))
    (clip,) = reading
    return clip, reading


def film_of(path: Path, seconds: float, **how: Any) -> Path:
    return make_film(path, np.arange(round(25 * seconds)) / 25, **how)


def sound_of(path: Path, seconds: float, hertz: float = 440.0) -> Path:
    return make_film(path, sounds=[(0.0, tone(seconds, hertz=hertz))], sound="pcm_s16le")


def test_the_sound_is_the_files_own(tmp_path: Path) -> None:
    """Also where the film has sound: here silence."""
    nothing = [(0.0, np.zeros(3 * 44_100, np.float32))]
    film, sound = film_of(tmp_path / "a.mp4", 3, sounds=nothing), sound_of(tmp_path / "b.wav", 3)
    alone, _ = read(Recording(sound))
    clip, reading = read(Recording(film, sound=sound))
    np.testing.assert_array_equal(clip.sound, alone.sound)
    assert clip.has_sound.all() and (clip.frame_face >= 0).all() and len(clip) == 30
    assert not read(Recording(film))[0].has_sound.any()
    assert reading.warnings == [] and reading.expected_frames == 30 and reading.name == "a.mp4"


@pytest.mark.parametrize(
    ("film", "sound", "frames", "warned"),
    [(3.0, 3.4, 34, False), (3.4, 3.0, 34, False), (3.0, 4.0, 40, True), (4.0, 3.0, 40, True)],
)
def test_it_lasts_as_long_as_the_longer(
    film: float, sound: float, frames: int, warned: bool, tmp_path: Path
) -> None:
    one, other = film_of(tmp_path / "a.mp4", film), sound_of(tmp_path / "b.wav", sound)
    clip, reading = read(Recording(one, sound=other))
    assert len(clip) == frames == reading.expected_frames
    assert clip.has_sound.sum() == round(10 * sound)
    assert (len(reading.warnings) == 1) == warned
    if warned:
        assert f"the film ends after {film:.1f} s" in reading.warnings[0] and "b.wav" in reading.warnings[0]


def test_sound_alone(tmp_path: Path) -> None:
    sound = sound_of(tmp_path / "b.wav", 2)
    clip, reading = read(Recording(None, sound=sound, transcript=()))
    assert clip.presence.tolist() == [[False, True, False]] * 20 and reading.name == "b.wav"
    (tmp_path / "b.srt").write_text("1\n00:00:00,000 --> 00:00:00,500\nHello\n")
    clip, reading = read(Recording(None, sound=sound, name="Train_01"))
    assert reading.transcript == tmp_path / "b.srt" and reading.name == "Train_01"
    assert clip.presence[:, 0].tolist() == [True] * 6 + [False] * 14


def test_of_a_film_as_the_sound_file_the_pictures_are_left_out(tmp_path: Path) -> None:
    film = film_of(tmp_path / "a.mp4", 2, sounds=[(0.0, tone(2.0))])
    clip, _ = read(Recording(None, sound=film))
    assert clip.has_sound.all() and (clip.frame_face == -1).all()


def test_a_transcript_and_sound(tmp_path: Path) -> None:
    (tmp_path / "a.srt").write_text("1\n00:00:00,000 --> 00:00:00,500\nHello\n")
    clip, _ = read(Recording(tmp_path / "a.srt", sound=sound_of(tmp_path / "b.wav", 2)))
    assert len(clip) == 20 and clip.has_sound.all() and (clip.frame_sentence[:6] == 0).all()


def test_sentences_and_turns_come_without_files(tmp_path: Path) -> None:
    film = film_of(tmp_path / "a.mp4", 3)
    (tmp_path / "a.srt").write_text("1\n00:00:00,000 --> 00:00:00,500\nNot this\n")
    lines = (Sentence(0.5, 1.0, "ja"), Sentence(2.5, 3.4, "nein"))
    clip, reading = read(Recording(film, lines, (Turn(1.0, 1.9, True),)))
    assert clip.frame_sentence.tolist() == [-1] * 5 + [0] * 6 + [-1] * 14 + [1] * 5
    assert clip.speaker.tolist() == [1] * 10 + [0] * 10 + [1] * 10
    assert reading.transcript is None and any("transcript runs past" in one for one in reading.warnings)


def test_no_transcript_and_no_turns_are_not_searched_for(tmp_path: Path) -> None:
    film = film_of(tmp_path / "a.mp4", 3)
    (tmp_path / "a.srt").write_text("1\n00:00:00,000 --> 00:00:00,500\nNot this\n")
    clip, reading = read(Recording(film, (), ()))
    assert not clip.presence[:, 0].any() and reading.sentences == ()
    assert (clip.speaker == 1).all()  # a subject that never speaks


def test_words_without_a_file_that_begin_after_the_end(tmp_path: Path) -> None:
    film = film_of(tmp_path / "a.mp4", 2)
    with pytest.raises(TranscriptError, match=r"Devel_03: a line begins at 9\.0 s"):
        read(Recording(film, (Sentence(9.0, 9.5, "spät"),), name="Devel_03"))


def test_sentences_alone() -> None:
    clip, reading = read(Recording(None, (Sentence(0.0, 0.5, "ja"),), name="Test_01"))
    assert len(clip) == 5 and (clip.frame_sentence == 0).all() and reading.name == "Test_01"


def test_what_cannot_be_joined(tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    image.fromarray(np.full((40, 60, 3), 90, np.uint8)).save(tmp_path / "face.png")
    sound = sound_of(tmp_path / "b.wav", 1)
    faults = {
        "picture": (Recording(tmp_path / "face.png", sound=sound), r"face\.png: is a picture"),
        "missing": (Recording(tmp_path / "c.mp4", sound=tmp_path / "c.wav"), r"c\.wav: no such file"),
        "nothing": (Recording(None, name="Test_09"), r"Test_09: has neither film nor sound"),
    }
    for recording, said in faults.values():
        with pytest.raises(MediaError, match=said) as caught:
            read(recording)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("broken", "presence", "said"),
    [
        ("b.wav", [False, False, True], "b.wav: the file is empty; the film was read without it"),
        ("a.mp4", [False, True, False], "a.mp4: the file is empty; its sound alone was read"),
    ],
)
def test_one_of_the_two_cannot_be_opened(
    broken: str, presence: list[bool], said: str, tmp_path: Path
) -> None:
    """The other is used, what is lost is masked, and it is said."""
    film, sound = film_of(tmp_path / "a.mp4", 2), sound_of(tmp_path / "b.wav", 2)
    (tmp_path / broken).write_bytes(b"")
    clip, reading = read(Recording(film, sound=sound))
    assert clip.presence.tolist() == [presence] * 20
    assert reading.warnings == [said] and reading.lost == said


def test_a_damaged_film_keeps_its_sound(tmp_path: Path) -> None:
    """The pictures end early, the sound goes on; it is said."""
    film, sound = film_of(tmp_path / "a.mkv", 4), sound_of(tmp_path / "b.wav", 4)
    whole = film.read_bytes()
    film.write_bytes(whole[: len(whole) // 2])
    clip, reading = read(Recording(film, sound=sound))
    assert len(clip) == 40 and clip.has_sound.all() and 0 < (clip.frame_face >= 0).sum() < 40
    assert any("the film ends after" in one for one in reading.warnings)
