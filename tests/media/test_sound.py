"""Sound: resampling, windows, level, and placement by timestamps."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from av import AudioFrame, AudioResampler
from hypothesis import given, settings
from hypothesis import strategies as st

from affekt.media.clips import read_clips
from affekt.media.sound import LevelFollower, Resampler, frames_of_array, margins, resample
from affekt.media.soundtrack import mono, planes
from affekt.timeline import ClipSpec, Recording
from media.films import make_film, tone

SPEC = ClipSpec()


def rms(samples: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64))))


def sound_of(path: Path, spec: ClipSpec = SPEC, length: int = 7) -> tuple[np.ndarray, np.ndarray, list[str]]:
    reading = read_clips(Recording(path), spec, length=length)
    clips = list(reading)
    return (
        np.concatenate([clip.sound for clip in clips]),
        np.concatenate([clip.has_sound for clip in clips]),
        reading.warnings,
    )


def own(windows: np.ndarray) -> np.ndarray:
    """The frames' own samples, joined again."""
    return windows[:, 22 : 22 + 2205].ravel()


def test_windows_hold_their_neighbours_samples() -> None:
    """Readings 2.2: frame k has samples 2205 k − 22 … 2205 k + 2227, zeros only beyond the ends."""
    ramp = (np.arange(3 * 2205) / 10_000).astype(np.float32)
    windows, has_sound = frames_of_array(ramp, 22_050, SPEC)
    assert margins(SPEC) == (22, 23) and windows.shape == (3, 2250) and has_sound.all()
    padded = np.concatenate([np.zeros(22, np.float32), ramp, np.zeros(23, np.float32)])
    for k in range(3):
        np.testing.assert_array_equal(windows[k], padded[2205 * k : 2205 * k + 2250])


def test_resampling_keeps_tones_below_the_cutoff_and_drops_those_above() -> None:
    spec = ClipSpec(cutoff=8000)
    low, high = (resample(tone(1.0, 48_000, hertz), 48_000, spec) for hertz in (1000, 9500))
    assert len(low) == 22_050
    assert rms(low[2000:-2000]) == pytest.approx(0.5 / np.sqrt(2), rel=0.01)
    assert rms(high[2000:-2000]) < 0.001
    assert rms(resample(tone(1.0, 48_000, 9500), 48_000, SPEC)[2000:-2000]) > 0.3


def test_resampling_does_not_shift() -> None:
    resampled = resample(tone(1.0, 48_000), 48_000, SPEC)
    np.testing.assert_allclose(resampled[500:-500], tone(1.0, 22_050)[500:-500], atol=2e-3)


def test_same_rate_is_left_alone() -> None:
    samples = tone(0.5, 22_050)
    np.testing.assert_array_equal(resample(samples, 22_050, SPEC), samples)


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100, 48_000])
def test_resampling_in_pieces_is_the_same(rate: int) -> None:
    spec = ClipSpec(cutoff=8000)
    noise = np.random.default_rng(0).uniform(-1, 1, rate).astype(np.float32)
    resampler = Resampler(rate, spec)
    pieces = [resampler.push(piece) for piece in np.array_split(noise, 13)]
    np.testing.assert_array_equal(np.concatenate([*pieces, resampler.flush()]), resample(noise, rate, spec))


@given(st.lists(st.floats(0, 1), min_size=1, max_size=60), st.integers(0, 60))
@settings(max_examples=50, deadline=None)
def test_level_is_the_recursion_and_chunked_is_unchunked(levels: list[float], cut: int) -> None:
    values = np.array(levels)
    expected, level = [], 10 ** (-50 / 20)
    for value in values:
        level = max(value, level * 10 ** (-0.05 / 20), 10 ** (-50 / 20))
        expected.append(10 ** (-20 / 20) / level)
    whole = LevelFollower(-20.0).gains(values)
    np.testing.assert_allclose(whole, expected, rtol=1e-5)
    parts = LevelFollower(-20.0)
    np.testing.assert_array_equal(
        np.concatenate([parts.gains(values[:cut]), parts.gains(values[cut:])]), whole
    )


def test_level_brings_loud_and_soft_recordings_together() -> None:
    spec = ClipSpec(level=-20.0)
    soft, loud = (frames_of_array(tone(1.0, 22_050, amplitude=a), 22_050, spec)[0] for a in (0.01, 0.9))
    np.testing.assert_allclose(soft, loud, atol=1e-3)
    assert rms(own(loud)) == pytest.approx(0.1, rel=0.01)


def test_what_is_softer_than_the_floor_stays_soft() -> None:
    spec = ClipSpec(level=-20.0, level_floor=-60.0)
    for db, expected in ((-58, -20), (-70, -30)):
        amplitude = 2**0.5 * 10 ** (db / 20)
        windows, _ = frames_of_array(tone(1.0, 22_050, amplitude=amplitude), 22_050, spec)
        assert 20 * np.log10(rms(own(windows))) == pytest.approx(expected, abs=0.1)


def test_sound_beyond_full_scale_is_not_cut_before_it_is_evened_out() -> None:
    spec = ClipSpec(level=-20.0)
    whole, over = (frames_of_array(tone(1.0, 22_050, amplitude=a), 22_050, spec)[0] for a in (0.9, 2.8))
    np.testing.assert_allclose(whole, over, atol=1e-5)


def test_level_is_causal() -> None:
    spec = ClipSpec(level=-20.0)
    first, second = tone(1.0, 22_050, amplitude=0.05), tone(1.0, 22_050, amplitude=0.9)
    alone = frames_of_array(np.concatenate([first, 0 * second]), 22_050, spec)[0]
    before_loud = frames_of_array(np.concatenate([first, second]), 22_050, spec)[0]
    np.testing.assert_array_equal(alone[:9], before_loud[:9])


def test_silence_is_absent() -> None:
    """−80 dBFS is the limit: 0.0001 full scale."""
    samples = np.concatenate([tone(0.5, 22_050, amplitude=a) for a in (0.5, 0.00005, 0.0, 0.001)])
    _, has_sound = frames_of_array(samples, 22_050, SPEC)
    assert has_sound.tolist() == [True] * 5 + [False] * 10 + [True] * 5


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e30])
def test_nonsense_in_the_samples(bad: float) -> None:
    samples = tone(0.5, 22_050)
    samples[100:200] = bad
    windows, _ = frames_of_array(samples, 22_050, ClipSpec(level=-20.0, cutoff=8000))
    assert np.isfinite(windows).all() and np.abs(windows).max() < 3


@pytest.mark.parametrize("length", [0, 1, 1000, 1102, 1103, 3307])
def test_short_arrays(length: int) -> None:
    """Half a frame and more is a frame: 1,103 samples of 2,205."""
    windows, has_sound = frames_of_array(np.full(length, 0.1, np.float32), 22_050, SPEC)
    frames = {0: 0, 1: 0, 1000: 0, 1102: 0, 1103: 1, 3307: 1}[length]
    assert windows.shape == (frames, 2250) and has_sound.shape == (frames,)


@pytest.mark.parametrize(
    ("channels", "expected"),
    [
        (np.array([[-128 + 128, 64 + 128]], np.uint8), [-1.0, 0.5]),
        (np.array([[16384], [0]], np.int16), [0.25]),
        (np.array([[2**30], [-(2**30)]], np.int32), [0.0]),
        (np.array([[0.5], [1.0]], np.float64), [0.75]),
    ],
)
def test_mono_is_the_mean_of_the_channels(channels: np.ndarray, expected: list[float]) -> None:
    np.testing.assert_array_equal(mono(channels), np.array(expected, np.float32))


@pytest.mark.parametrize("spec", [SPEC, ClipSpec(cutoff=8000, level=-20.0)])
def test_file_equals_array(spec: ClipSpec, tmp_path: Path) -> None:
    """The same samples from a file, stereo, and from an array give the same windows."""
    samples = tone(2.0, 48_000, 300.0) * np.linspace(0.1, 1, 96_000, dtype=np.float32)
    stereo = np.stack([samples, samples])
    path = make_film(tmp_path / "a.wav", sounds=[(0.0, stereo)], rate=48_000, sound="pcm_f32le")
    windows, has_sound, warnings = sound_of(path, spec)
    expected, _ = frames_of_array(samples, 48_000, spec)
    np.testing.assert_array_equal(windows, expected)
    assert has_sound.all() and not warnings


def test_chunk_length_changes_nothing(tmp_path: Path) -> None:
    path = make_film(tmp_path / "a.wav", sounds=[(0.0, tone(2.03))], sound="pcm_s16le")
    spec = ClipSpec(cutoff=8000, level=-20.0)
    for length in (1, 19, 300):
        np.testing.assert_array_equal(sound_of(path, spec, length)[0], sound_of(path, spec, 7)[0])


@pytest.mark.parametrize(
    ("name", "sound", "rate", "channels"),
    [
        ("a.wav", "pcm_u8", 8_000, 1),
        ("a.wav", "pcm_s32le", 96_000, 2),
        ("a.mp3", "libmp3lame", 44_100, 2),
        ("a.flac", "flac", 16_000, 1),
        ("a.ogg", "libopus", 48_000, 2),
        ("a.m4a", "aac", 48_000, 6),
    ],
)
def test_sound_files(name: str, sound: str, rate: int, channels: int, tmp_path: Path) -> None:
    samples = np.tile(tone(1.0, rate), (channels, 1))
    path = make_film(tmp_path / name, sounds=[(0.0, samples)], rate=rate, sound=sound)
    windows, has_sound, warnings = sound_of(path)
    assert len(windows) == 10 and has_sound.all() and not warnings
    heard = 5 / 6 if channels == 6 else 1.0  # of 5.1, the low-frequency channel does not carry 440 Hz
    assert rms(own(windows)[3000:-3000]) == pytest.approx(heard * 0.5 / np.sqrt(2), rel=0.06)


def test_gap_is_silent_and_absent_and_later_sound_in_its_place(tmp_path: Path) -> None:
    path = make_film(tmp_path / "a.mkv", sounds=[(0.0, tone(0.5)), (1.24, tone(0.56))], sound="pcm_s16le")
    windows, has_sound, _ = sound_of(path)
    assert has_sound.tolist() == [k < 5 or k >= 12 for k in range(18)]
    loud = np.flatnonzero(np.abs(own(windows)) > 0.05) / 22_050
    assert loud[loud < 0.9].max() == pytest.approx(0.5, abs=0.002)
    assert loud[loud > 0.9].min() == pytest.approx(1.24, abs=0.002)


def test_jitter_of_the_timestamps_leaves_no_holes(tmp_path: Path) -> None:
    whole, at = tone(1.0), [0.0, 0.25, 0.5, 0.75]
    jittered = [(time + 0.01 * (k % 2), whole[round(time * 44_100) :][:11_025]) for k, time in enumerate(at)]
    path = make_film(tmp_path / "a.mkv", sounds=jittered, sound="pcm_s16le")
    expected, _ = frames_of_array(whole, 44_100, SPEC)
    np.testing.assert_allclose(sound_of(path)[0], expected, atol=1e-3)


def test_overlapping_sound_is_dropped(tmp_path: Path) -> None:
    path = make_film(tmp_path / "a.mkv", sounds=[(0.0, tone(1.0)), (0.5, tone(1.0))], sound="pcm_s16le")
    windows, has_sound, _ = sound_of(path)
    assert len(windows) == 15 and has_sound.all()


def test_sound_that_starts_late(shared: Path) -> None:
    """Its sound begins at 2.43 s: 24 frames and a bit without any."""
    reading = read_clips(Recording(shared / "clips" / "pyfeat_face_noface.mov"), SPEC, follower=_Nobody())
    has_sound = np.concatenate([clip.has_sound for clip in reading])
    assert len(has_sound) == 64 and np.flatnonzero(has_sound)[0] == 24


class _Nobody:
    def follow(self, picture: object) -> None:
        return None

    def miss(self) -> None:
        return None


@pytest.mark.parametrize(("layout", "count"), [("stereo", 2), ("5.1", 6), ("7.1", 8), ("hexadecagonal", 16)])
def test_planes_of_many_channels(layout: str, count: int) -> None:
    """With eight planes and more, PyAV's own way to read them runs past the end of FFmpeg's table."""
    samples = np.random.default_rng(0).integers(-30_000, 30_000, (1, 1_000 * count)).astype(np.int16)
    packed = AudioFrame.from_ndarray(samples, format="s16", layout=layout)
    packed.sample_rate = 48_000
    (planar,) = AudioResampler("s16p", layout, 48_000).resample(packed)
    assert np.array_equal(planes(planar), samples.reshape(-1, count).T)
    assert np.array_equal(planes(packed), planes(planar))
