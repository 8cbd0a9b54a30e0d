"""The committed demo recording, and the drawing it was made with."""

from __future__ import annotations

from dataclasses import astuple
from pathlib import Path

import av
import numpy as np
import pytest

from affekt.corpora.synthetic.drawn_face import MOODS, Mood, draw_face
from make_demo import LINES, SAMPLE_RATE, Cue, lay_out, mood_at, read_back, write_srt

EXAMPLES = Path(__file__).parent.parent / "examples"


def test_demo_says_synthetic_and_is_small() -> None:
    with av.open(str(EXAMPLES / "demo.mp4")) as container:
        assert "synthetic" in container.metadata["title"]
    assert "synthetic" in (EXAMPLES / "README.md").read_text(encoding="utf-8")
    assert sum((EXAMPLES / f"demo.{ending}").stat().st_size for ending in ("mp4", "srt")) < 500_000


def test_demo_is_as_long_as_its_transcript() -> None:
    spoken = read_back(EXAMPLES / "demo.mp4", EXAMPLES / "demo.srt")
    cues, sound = lay_out(spoken, None, seed=1)
    with av.open(str(EXAMPLES / "demo.mp4")) as container:
        video, audio = container.streams.video[0], container.streams.audio[0]
        assert (video.width, video.height, video.average_rate) == (640, 480, 25)
        assert (video.codec_context.name, audio.codec_context.name) == ("h264", "aac")
        pictures = sum(1 for _ in container.decode(video=0))
    assert pictures / 25 == pytest.approx(len(sound) / SAMPLE_RATE)
    assert cues[-1].end < pictures / 25 < cues[-1].end + 0.5


def test_transcript_lies_on_the_speech() -> None:
    for line, sound in read_back(EXAMPLES / "demo.mp4", EXAMPLES / "demo.srt"):
        edges = np.abs(np.concatenate([sound[: SAMPLE_RATE // 10], sound[-SAMPLE_RATE // 10 :]]))
        assert np.sqrt(np.mean(sound**2)) > 0.02, line.text
        assert edges.max() > 0.004, line.text


def test_lines_repeat_while_they_fit(tmp_path: Path) -> None:
    tone = np.full(SAMPLE_RATE, 0.5, np.float32)
    cues, sound = lay_out([(LINES[0], tone), (LINES[1], tone)], 5.0, seed=0)
    # .4 s, then sentences of 1 s with pauses of .35 s; a fourth one would end at 5.45 s.
    assert [(round(c.start, 2), round(c.end, 2)) for c in cues] == [(0.4, 1.4), (1.75, 2.75), (3.1, 4.1)]
    assert [c.line for c in cues] == [LINES[0], LINES[1], LINES[0]]
    assert len(sound) == 5 * SAMPLE_RATE
    assert np.abs(sound[: int(0.39 * SAMPLE_RATE)]).max() < 0.01
    write_srt(tmp_path / "a.srt", cues[:1])
    assert (tmp_path / "a.srt").read_text() == f"1\n00:00:00,400 --> 00:00:01,400\n{LINES[0].text}\n"


def test_moods_blend_and_follow_the_cues() -> None:
    assert Mood(smile=1.0, yaw=-0.2).mix(Mood(smile=0.0, yaw=0.2), 0.25) == Mood(smile=0.75, yaw=-0.1)
    cues = [Cue(LINES[1], 1.0, 2.0), Cue(LINES[2], 3.0, 4.0)]
    for time, mood in ((0.7, "neutral"), (2.0, "happy"), (3.5, "sad")):
        assert astuple(mood_at(cues, time)) == pytest.approx(astuple(MOODS[mood])), time


@pytest.mark.parametrize("size", [(160, 120), (96, 160)])
def test_drawing_moves_where_it_should(size: tuple[int, int]) -> None:
    plain = draw_face(MOODS["neutral"], 0.0, 0.0, size)
    assert plain.shape == (size[1], size[0], 3) and plain.dtype == np.uint8
    assert np.array_equal(plain, draw_face(MOODS["neutral"], 0.0, 0.0, size))
    rows = np.arange(size[1]) / size[1]
    changed = np.abs(draw_face(MOODS["neutral"], 0.0, 1.0, size).astype(int) - plain).max(axis=(1, 2)) > 8
    assert changed.any() and np.all((rows[changed] > 0.36) & (rows[changed] < 0.54)), "a blink moves the eyes"
    changed = np.abs(draw_face(MOODS["neutral"], 1.0, 0.0, size).astype(int) - plain).max(axis=(1, 2)) > 8
    assert changed.any() and np.all(rows[changed] > 0.5), "speech moves the lower face"
    for name in ("happy", "sad", "angry", "calm"):
        assert not np.array_equal(draw_face(MOODS[name], 0.0, 0.0, size), plain), name
