"""Whole recordings: rows, masks, transcripts, turns, warnings."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest

from affekt.errors import MediaError, TranscriptError
from affekt.media.clips import Reading, read_clips
from affekt.media.container import probe
from affekt.media.rows import certain_frames, final_frames, read_rows
from affekt.timeline import Clip, ClipSpec, Recording
from media.films import WholePicture, make_film, tone

SPEC = ClipSpec(image_size=16)

ROWS = {
    "edtalk_pose_source2.mp4": 600,
    "grid_lrwp9a.mpg": 30,
    "latentsync_demo1.mp4": 100,
    "latentsync_demo2_lowq.webm": 201,
    "openface_default.wmv": 192,
    "openface_multi_face.avi": 234,
    "pyfeat_face_noface.mov": 64,
    "sppas_demo_fr.mp4": 106,
    "visualvoice_interview.mp4": 175,
}


def read(recording: Recording, **options: object) -> tuple[list[Clip], Reading]:
    reading = read_clips(recording, SPEC, follower=WholePicture(16), **options)
    return list(reading), reading


def write_srt(path: Path, *lines: tuple[float, float, str]) -> Path:
    def stamp(seconds: float) -> str:
        milliseconds = round(seconds * 1000)
        minutes, rest = divmod(milliseconds, 60_000)
        return f"00:{minutes:02d}:{rest // 1000:02d},{rest % 1000:03d}"

    cues = [f"{k}\n{stamp(a)} --> {stamp(b)}\n{text}\n" for k, (a, b, text) in enumerate(lines, 1)]
    path.write_text("\n".join(cues), encoding="utf-8")
    return path


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """3 s of pictures and sound."""
    return make_film(tmp_path / "film.mp4", np.arange(75) / 25, [(0.0, tone(3.0))])


@pytest.mark.parametrize("name", ROWS)
def test_shared_clips(name: str, shared: Path) -> None:
    clips, reading = read(Recording(shared / "clips" / name))
    assert sum(len(clip) for clip in clips) == ROWS[name] == reading.expected_frames
    presence = np.concatenate([clip.presence for clip in clips])
    assert presence[:, 2].all() and not reading.warnings
    assert presence[:, 1].any() == (name != "openface_multi_face.avi")


def test_clips_are_a_chain(film: Path) -> None:
    whole, _ = read(Recording(film), stills=True)
    parts, reading = read(Recording(film), length=7, stills=True)
    assert [len(clip) for clip in parts] == [7, 7, 7, 7, 2]
    assert [clip.first for clip in parts] == [0, 7, 14, 21, 28]
    assert len(whole) == 1 and reading.expected_frames == 30 and reading.name == "film.mp4"
    for name in ("sound", "has_sound", "speaker", "faces", "boxes", "frame_sentence"):
        joined = np.concatenate([getattr(clip, name) for clip in parts])
        np.testing.assert_array_equal(joined, getattr(whole[0], name))
    assert whole[0].sound.dtype == whole[0].boxes.dtype == np.float32 and whole[0].faces.dtype == np.uint8
    assert whole[0].frame_face.tolist() == list(range(30)) and parts[2].frame_face.tolist() == list(range(7))


def test_stills_are_one_a_second_and_small(tmp_path: Path) -> None:
    film = make_film(tmp_path / "film.mkv", np.arange(50) / 25, size=(640, 400))
    stills = [still for clip in read(Recording(film), stills=True, length=8)[0] for still in clip.stills]
    assert [still.frame for still in stills] == [0, 10] and stills[0].box == (0.0, 0.0, 1.0, 1.0)
    frame = av.CodecContext.create("mjpeg", "r").decode(av.Packet(stills[1].jpeg))[0]
    assert (frame.width, frame.height) == (320, 200)
    assert not read(Recording(film))[0][0].stills


def test_transcript_beside_the_film(film: Path) -> None:
    write_srt(film.with_suffix(".srt"), (0.5, 1.0, "One"), (2.0, 2.5, "Two"))
    (clip,), reading = read(Recording(film))
    assert clip.frame_sentence.tolist() == [-1] * 5 + [0] * 6 + [-1] * 9 + [1] * 6 + [-1] * 4
    assert [one.text for one in reading.sentences] == ["One", "Two"]
    causal, _ = read(Recording(film, alignment="causal"), length=9)
    rows = np.concatenate([clip.frame_sentence for clip in causal])
    assert rows.tolist() == [-1] * 10 + [0] * 15 + [1] * 5


def test_transcript_that_overruns_is_clipped_with_a_warning(film: Path, tmp_path: Path) -> None:
    transcript = write_srt(tmp_path / "other.srt", (2.0, 9.0, "Too long"))
    (clip,), reading = read(Recording(film, transcript=transcript))
    assert len(clip) == 30 and (clip.frame_sentence[20:] == 0).all()
    assert reading.sentences[0].end == pytest.approx(3.0, abs=0.1)
    assert any("transcript runs past" in warning for warning in reading.warnings)


@pytest.mark.parametrize("name", ["film.mp4", "film.ts"])
def test_transcript_that_begins_after_the_end(name: str, tmp_path: Path) -> None:
    """Also where the container only guesses its duration, so that it shows at the end."""
    film = make_film(tmp_path / name, np.arange(50) / 25, video="mpeg2video", ticks=25)
    transcript = write_srt(tmp_path / "other.srt", (20.0, 21.0, "Whose words are these?"))
    with pytest.raises(TranscriptError, match=r"other\.srt"):
        read(Recording(film, transcript=transcript))


def test_transcript_alone(tmp_path: Path) -> None:
    words = write_srt(tmp_path / "words.srt", (0.2, 0.5, "Yes"), (0.8, 1.24, "No"))
    (clip,), reading = read(Recording(words))
    assert len(clip) == 12 == reading.expected_frames
    assert clip.presence[:, 0].tolist() == [False] * 2 + [True] * 4 + [False] * 2 + [True] * 4
    assert not clip.presence[:, 1:].any() and clip.faces.shape == (0, 16, 16, 3)


def test_empty_transcript_alone(tmp_path: Path) -> None:
    (tmp_path / "words.vtt").write_text("WEBVTT\n")
    with pytest.raises(TranscriptError, match=r"words\.vtt"):
        read(Recording(tmp_path / "words.vtt"))


def test_turns(film: Path, tmp_path: Path) -> None:
    turns = tmp_path / "turns.csv"
    turns.write_text("start,end,speaker\n0.0,0.9,subject\n1.0,2.9,other\n")
    clips, _ = read(Recording(film, turns=turns), length=8)
    assert np.concatenate([clip.speaker for clip in clips]).tolist() == [0] * 10 + [1] * 20
    assert not read(Recording(film))[0][0].speaker.any()


@pytest.mark.parametrize(
    "name", ["face.png", "face.jpg", "face.bmp", "face.webp", "face%03d.png", "face.tiff"]
)
def test_picture_is_one_row(name: str, tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    image.fromarray(np.full((40, 60, 3), 90, np.uint8)).save(tmp_path / name)
    write_srt((tmp_path / name).with_suffix(".srt"), (5.0, 6.0, "Of another recording"))
    (clip,), reading = read(Recording(tmp_path / name), stills=True)
    assert len(clip) == 1 and clip.presence.tolist() == [[False, False, True]] and len(clip.stills) == 1
    assert not reading.warnings


def test_phone_photo_is_set_upright(tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    exif = image.Exif()
    exif[0x0112] = 6  # taken upright, stored on its side
    image.fromarray(np.full((40, 60, 3), 90, np.uint8)).save(tmp_path / "a.jpg", exif=exif)
    follower = WholePicture(16)
    list(read_clips(Recording(tmp_path / "a.jpg"), SPEC, follower=follower))
    assert follower.sizes == [(40, 60)]


def test_cover_picture_is_no_video(tmp_path: Path) -> None:
    path = tmp_path / "song.mp3"
    with av.open(str(path), "w") as container:
        track = container.add_stream("libmp3lame", rate=44_100, layout="mono")
        cover = container.add_stream("mjpeg", rate=1)
        cover.width, cover.height, cover.pix_fmt = 64, 64, "yuvj420p"
        cover.disposition = av.stream.Disposition.attached_pic
        picture = av.VideoFrame.from_ndarray(np.full((64, 64, 3), 90, np.uint8), format="rgb24")
        container.mux(cover.encode(picture.reformat(format="yuvj420p")) + cover.encode(None))
        frame = av.AudioFrame.from_ndarray(tone(0.5)[None], format="fltp", layout="mono")
        frame.sample_rate = 44_100
        container.mux(track.encode(frame) + track.encode(None))
    (clip,), reading = read(Recording(path))
    assert reading.contents is not None and reading.contents.video is None
    assert len(clip) == 5 and clip.presence.tolist() == [[False, True, False]] * 5


def test_silent_sound_track_is_absent(tmp_path: Path) -> None:
    path = make_film(tmp_path / "a.wav", sounds=[(0.0, np.zeros(22_050, np.float32))], sound="pcm_s16le")
    (clip,), _ = read(Recording(path))
    assert len(clip) == 5 and not clip.presence.any() and not clip.sound.any()


@pytest.mark.parametrize(("seconds", "frames"), [(0.3, 3), (0.06, 1)])
def test_short_recordings(seconds: float, frames: int, tmp_path: Path) -> None:
    path = make_film(tmp_path / "a.wav", sounds=[(0.0, tone(seconds))], sound="pcm_s16le")
    assert sum(len(clip) for clip in read(Recording(path))[0]) == frames


def test_too_short(tmp_path: Path) -> None:
    path = make_film(tmp_path / "a.wav", sounds=[(0.0, tone(0.03))], sound="pcm_s16le")
    with pytest.raises(MediaError, match=r"a\.wav.*0\.03 s"):
        read(Recording(path))


@pytest.mark.parametrize("kind", ["missing", "folder", "text"])
def test_what_is_no_recording_is_refused_in_one_line(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "talk.mp4"
    if kind == "folder":
        path.mkdir()
    if kind == "text":
        path.write_text("Dear diary,\n" * 200)
    with pytest.raises(MediaError) as caught:
        read(Recording(path))
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


def test_names_with_odd_characters(tmp_path: Path) -> None:
    path = make_film(tmp_path / "-ä b%02d,[1]#'x.wav", sounds=[(0.0, tone(0.5))], sound="pcm_s16le")
    assert sum(len(clip) for clip in read(Recording(path))[0]) == 5


@pytest.mark.parametrize(
    ("stated", "end", "frames"),
    [(10.0, 10.0, 100), (10.0, 9.6, 100), (10.0, 10.4, 100), (10.0, 9.4, 94), (10.0, 10.6, 106)],
)
def test_which_duration_counts(stated: float, end: float, frames: int) -> None:
    assert final_frames(stated, end) == frames and final_frames(None, end) == round(10 * end)
    reached = np.arange(0, end, 0.01)
    assert max(certain_frames(stated, at) for at in reached) <= frames  # no row is given too early


@pytest.mark.parametrize("fps", [10, 25])
def test_three_seconds_of_avi_are_thirty_frames(fps: int, tmp_path: Path) -> None:
    film = make_film(tmp_path / "a.avi", np.arange(3 * fps) / fps, ticks=fps)
    assert sum(len(clip) for clip in read(Recording(film))[0]) == 30


def test_a_guessed_duration_gives_way_to_what_is_there(tmp_path: Path) -> None:
    """MPEG does not say how long it lasts: FFmpeg may guess 2.56 s of 3."""
    film = make_film(tmp_path / "a.mpg", np.arange(75) / 25, video="mpeg2video", ticks=25)
    contents = replace(probe(film), stated=2.56)
    assert not contents.exact
    assert sum(1 for _ in read_rows(contents, SPEC, print)) == 30


def test_clips_come_while_the_file_is_being_read(tmp_path: Path) -> None:
    """Two minutes of sound: no clip waits for the end, so that an hour needs no more memory."""
    path = make_film(tmp_path / "long.flac", sounds=[(0.0, tone(120.0, 8_000))], rate=8_000, sound="flac")
    rows = read_rows(probe(path), SPEC, print)
    tracemalloc.start()
    try:
        assert sum(1 for _ in rows) == 1200
        assert tracemalloc.get_traced_memory()[1] < 3e6  # all of it would be 120 · 22,050 · 4 bytes = 10.6 MB
    finally:
        tracemalloc.stop()
