"""What `benchmarks/steadiness.py` measures with: numbers worked out by hand, and files read back."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from affekt.training.default.data import Faces, Speech

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
RATE = 16_000


@pytest.fixture(autouse=True)
def bench(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Imports one of the benchmark's modules."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return lambda name: import_module(f"steady_{name}")


def column(*values: float) -> np.ndarray:
    return np.repeat(np.array(values)[:, None], 2, axis=1)


def test_change(bench: Any) -> None:
    clean = column(0, 1, 2, 3)
    same = bench("measures").change([(clean, clean)])
    assert same.difference.tolist() == [0, 0] and same.agreement.tolist() == [1, 1]
    # One up: variances and covariance 1.25, means 1 apart: 2.5 / (1.25 + 1.25 + 1).
    up = bench("measures").change([(clean, clean + 1)])
    assert up.difference.tolist() == [1, 1] and up.agreement == pytest.approx(2.5 / 3.5)


def test_change_is_over_the_frames_of_all(bench: Any) -> None:
    pairs = [(column(0, 0, 0, 9), column(1, 1, 1)), (column(2), column(5))]
    assert bench("measures").change(pairs).difference.tolist() == [1.5, 1.5]
    with pytest.raises(ValueError, match="4 frames became 1"):
        bench("measures").change([(column(0, 0, 0, 9), column(1))])


@pytest.mark.parametrize("sign", [1, -1])
def test_answer(bench: Any, sign: int) -> None:
    # From 0 to 1: there for one frame, the fourth; for good from the seventh on.
    trace = sign * np.array([0.0] * 40 + [0, 0, 0.4, 0.6, 0.4, 0.4, 0.5] + [1.0] * 40)
    step = bench("measures").answer(trace, 40)
    assert (step.size, step.first, step.lasting) == (sign, 0.4, 0.7)
    with pytest.raises(ValueError, match="less than 30"):
        bench("measures").answer(trace, 29)


def test_answer_that_never_stays(bench: Any) -> None:
    step = bench("measures").answer(np.array([0.0] * 30 + [0, 0, 1] * 20), 30)
    assert step.size == pytest.approx(1 / 3) and step.first == 0.3 and step.lasting is None


def test_spread(bench: Any) -> None:
    trace, gold = column(0.95, -0.91, 0.5, 0.9), column(1, -1, np.nan, 0)
    of = bench("measures").spread([(trace, gold), (column(0, 0), np.array([0.5, 0.5]))])
    assert of.saturated.tolist() == [0.4, 0.4]
    assert of.mean == pytest.approx((0.95 - 0.91 + 0.9) / 5) and of.gold_mean == pytest.approx(0.2)
    assert of.gold_deviation == pytest.approx(np.std([1, -1, 0, 0.5, 0.5]))
    assert of.deviation == pytest.approx(np.std([0.95, -0.91, 0.9, 0, 0]))


@pytest.mark.parametrize("noise", ["white", "fan"])
def test_noise_has_the_ratio_asked_for(bench: Any, noise: str) -> None:
    sounds = bench("sounds")
    voice = 0.1 * sounds.white(RATE, 0)
    made = sounds.white(RATE, 1) if noise == "white" else sounds.fan(RATE, RATE, 1)
    added = sounds.noisy(voice, made, 15) - voice
    assert 10 * np.log10(np.mean(voice**2) / np.mean(added**2)) == pytest.approx(15, abs=0.01)


def test_a_fan_hums_and_is_low(bench: Any) -> None:
    powers = np.abs(np.fft.rfft(bench("sounds").fan(RATE, RATE, 1))) ** 2  # a bin a hertz
    hum = powers[[100, 200, 300]].sum() / powers.sum()
    assert 0.3 < hum < 0.4 and powers[2000:].sum() < 0.01 * powers.sum()


def test_a_room_dies_away_in_its_time(bench: Any) -> None:
    click = np.zeros(RATE)
    click[0] = 1
    heard = bench("sounds").room(click, RATE, 3).astype(float)
    assert np.mean(heard**2) == pytest.approx(np.mean(click**2), rel=1e-4)
    # 3 dB less in the tail than in the click, and 30 dB less each 0.2 s.
    tail = heard[1:]
    assert 10 * np.log10(heard[0] ** 2 / np.sum(tail**2)) == pytest.approx(3, abs=0.01)
    levels = [10 * np.log10(np.mean(heard[round(t * RATE) :][:800] ** 2)) for t in (0.1, 0.3)]
    assert levels[0] - levels[1] == pytest.approx(30, abs=1)
    assert not heard[1 : RATE // 200].astype(np.float32).round(6).any()


def test_trimmed(bench: Any) -> None:
    voice = np.concatenate([np.full(8000, 1e-4), np.ones(1600), np.full(8000, 1e-4)])
    kept = bench("sounds").trimmed(voice, RATE)
    assert len(kept) == 1600 + 2 * 800 and kept[800] == 1 and kept[799] == pytest.approx(1e-4)


def spoken(emotion: str, gold: tuple[float, float], seconds: float) -> Speech:
    samples = np.random.default_rng(0).uniform(-0.1, 0.1, round(seconds * RATE)).astype(np.float32)
    return Speech("x.flac", "ravdess", "ravdess_17", emotion, samples, RATE, np.array(gold, np.float32))


def faces() -> Faces:
    """Thirty grey faces at one place, thirty at another."""
    gold = np.repeat(np.array([[-0.2, 0.4], [0.5, -0.5]]), 30, axis=0).astype(np.float32)
    images = np.repeat(np.arange(60, dtype=np.uint8), 48 * 48).reshape(60, 48, 48)
    return Faces(images, np.zeros((60, 8), np.float32), gold)


def test_a_step_comes_after_eight_seconds(bench: Any) -> None:
    scenes = bench("scenes")
    sides = ([spoken("calm", (-0.2, 0.4), 3.0)] * 4, [spoken("angry", (0.5, -0.5), 2.0)] * 4)
    scene = scenes.step_scene("x", sides, faces(), 0)
    gold = scene.gold()
    assert scene.seconds == 16 and gold.shape == (160, 2) and scenes.STEP_FRAME == 80
    assert gold[79] == pytest.approx([-0.2, 0.4]) and gold[80] == pytest.approx([0.5, -0.5])
    # 3 s said, 0.15 s of pause; the fourth of 2 s ends after 8.6 s.
    assert np.isnan(gold[[29, 30, 32], 0]).tolist() == [False, True, False] and not np.isnan(gold[159]).any()
    (first, calm), (second, angry) = scene.faces
    assert (first, second) == (0, 8) and calm < 30 <= angry


def test_a_talk_has_a_face_and_gold_for_each_utterance(bench: Any) -> None:
    utterances = [spoken("calm", (-0.2, 0.4), 2.0), spoken("angry", (0.5, -0.5), 2.0)]
    scene = bench("scenes").talk("x", utterances, faces(), 10, seed=0)
    assert [start for start, _ in scene.faces] == [start for start, _, _ in scene.said]
    assert {face < 30 for _, face in scene.faces} == {True, False}
    assert all(
        (face < 30) == (gold[0] < 0) for (_, face), (_, _, gold) in zip(scene.faces, scene.said, strict=True)
    )
    quiet = scene.sound[round((scene.said[0][1] + 0.05) * RATE) :][:1600]
    assert 20 * np.log10(quiet.std()) == pytest.approx(bench("scenes").ROOM, abs=1)


def test_a_face_is_placed_where_it_is_told(bench: Any) -> None:
    picture = bench("scenes").place(np.full((48, 48), 200, np.uint8), np.zeros((100, 120)), 30, 20, 60)
    assert picture.shape == (100, 120) and picture[50, 60] == 200
    assert not picture[:20].any() and not picture[80:].any() and not picture[:, :30].any()
    assert picture[50, 89] > 0 and not picture[:, 90:].any()


@pytest.fixture
def film(bench: Any, tmp_path: Path) -> Path:
    """One second: dark to the left, bright to the right; a tone that fades in."""
    path = tmp_path / "film.mp4"
    picture = np.repeat(np.repeat([[40], [200]], 64, axis=0).T.astype(np.uint8), 96, axis=0)
    tone = np.sin(np.arange(RATE) / 8) * np.linspace(0, 0.5, RATE)
    bench("media").write(path, [np.repeat(picture[..., None], 3, 2)] * 25, 25, tone.astype(np.float32), RATE)
    return path


def pictures(path: Path) -> tuple[np.ndarray, np.ndarray]:
    with av.open(str(path)) as container:
        shown = list(container.decode(video=0))
        return np.array([one.time for one in shown]), shown[0].to_ndarray(format="gray")


def test_another_sound_beside_the_same_pictures(bench: Any, film: Path, tmp_path: Path) -> None:
    media, target = bench("media"), tmp_path / "other.mkv"
    sound, rate, start = media.read_sound(film)
    assert rate == RATE and start == 0 and np.abs(sound).max() == pytest.approx(0.5, abs=0.1)
    media.with_sound(film, target, 4 * sound, rate, 0.25)
    again, _, late = media.read_sound(target)
    assert late == pytest.approx(0.25) and np.abs(again).max() > 1
    np.testing.assert_array_equal(again, 4 * sound)
    np.testing.assert_array_equal(pictures(target)[1], pictures(film)[1])
    media.with_sound(film, target, None, rate, 0)
    assert media.read_sound(target) is None and len(pictures(target)[0]) == 25


def test_other_pictures_beside_the_same_sound(bench: Any, film: Path, tmp_path: Path) -> None:
    media, target, seen = bench("media"), tmp_path / "other.mkv", bench("disturbances").PICTURES
    media.with_pictures(film, target, seen["mirrored"])
    times, mirrored = pictures(target)
    assert mirrored[48, 10] > 150 > 100 > mirrored[48, 110] and times == pytest.approx(
        np.arange(25) / 25, abs=2e-3
    )
    np.testing.assert_allclose(media.read_sound(target)[0][:RATE], media.read_sound(film)[0][:RATE])
    media.with_pictures(film, target, seen["half size"])
    assert pictures(target)[1].shape == (48, 64)
    media.with_pictures(film, target, seen["30 fps instead of 25"])
    assert pictures(target)[0] == pytest.approx(np.arange(30) / 30, abs=2e-3)


def test_each_disturbance_once(bench: Any, film: Path, tmp_path: Path) -> None:
    disturbances, found = bench("disturbances"), []
    folder = tmp_path / "folder"
    folder.mkdir()
    for name, other in disturbances.disturbed(disturbances.Recording(film), folder):
        assert other.path.exists() and other.transcript is None
        found.append(name)
    assert found == [*disturbances.SOUNDS, *disturbances.PICTURES] and not list(folder.iterdir())
    assert set(disturbances.WANTED) <= set(found)
