"""Recordings, texts, pictures and sounds through a tiny bundle: masks, alignments, cuts, what is refused."""

from __future__ import annotations

from functools import cache, partial
from pathlib import Path

import numpy as np
import pytest

from affekt.media.clips import read_clips
from affekt.runtime import predictor as module
from affekt.runtime.bundle import open_bundle
from affekt.runtime.predictor import KEPT, Album, Predictor
from affekt.timeline import Alignment, Prediction, Recording, Still
from bundles import SPEC, bundle_folder
from media.films import WholePicture, make_film, tone

FUSIONS = ("concatenation", "hierarchical", "self_attention", "residual", "cross_modal")
LINES = ((0.5, 1.2, "The good day was over."), (1.9, 2.4, "And the night?"))
FRENCH = ((0.5, 2.5, "Je ne sais pas ce que tu as fait de la voiture, mais elle est dans la rue."),)


@cache
def predictor(kind: str = "cross_modal", threads: int = 1) -> Predictor:
    return Predictor(open_bundle(bundle_folder(kind)), threads)


def write_srt(path: Path, lines: tuple[tuple[float, float, str], ...] = LINES) -> Path:
    def stamp(seconds: float) -> str:
        return f"00:00:{seconds:06.3f}".replace(".", ",")

    cues = [f"{k}\n{stamp(a)} --> {stamp(b)}\n{text}\n" for k, (a, b, text) in enumerate(lines, 1)]
    path.write_text("\n".join(cues), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """3 s of pictures, of which the last second has no sound, with two lines of transcript."""
    folder = tmp_path_factory.mktemp("film")
    write_srt(folder / "film.srt")
    silent = np.concatenate([tone(2.0), np.zeros(44_100, np.float32)])
    return make_film(folder / "film.mkv", np.arange(75) / 25, [(0.0, silent)], sound="flac")


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> None:
    """To these tests the whole picture is the face."""
    cut_up(monkeypatch, 300)


def cut_up(monkeypatch: pytest.MonkeyPatch, length: int) -> None:
    reading = partial(read_clips, follower=WholePicture(SPEC.image_size))
    monkeypatch.setattr(module, "read_clips", reading)
    monkeypatch.setattr(module, "CLIP", length)


def close(one: Prediction, other: Prediction, tolerance: float = 1e-5) -> None:
    np.testing.assert_array_equal(one.presence, other.presence)
    for name in ("arousal", "valence", "modality_weights", "pair_weights", "pair_shares"):
        first, second = getattr(one, name), getattr(other, name)
        assert (first is None) == (second is None)
        if first is not None:
            np.testing.assert_allclose(first, second, rtol=0, atol=tolerance)


@pytest.mark.usefixtures("watched")
@pytest.mark.parametrize("kind", FUSIONS)
def test_film(kind: str, film: Path) -> None:
    said = predictor(kind).predict(Recording(film))
    text = np.zeros(30, bool)
    text[5:13] = text[19:25] = True
    np.testing.assert_array_equal(said.presence[:, 0], text)
    assert said.presence[:19, 1].all() and not said.presence[21:, 1].any() and said.presence[:, 2].all()
    assert np.isfinite(said.arousal).all() and np.isfinite(said.valence).all()
    assert np.abs([said.arousal, said.valence]).max() <= 1
    if kind == "concatenation":
        assert said.modality_weights is None and said.pair_weights is None
    else:
        assert said.modality_weights is not None
        np.testing.assert_allclose(said.modality_weights.sum(1), 1, atol=1e-5)
        assert (said.modality_weights[~said.presence] == 0).all()
    assert [one.words[:2] for one in said.word_weights] == [("The", "good"), ("And", "the")]
    assert said.info["model"] == "tiny" and said.info["fusion"] == kind and said.info["warnings"] == []
    assert [one.frame for one in said.face_maps] == [one.frame for one in said.stills] == [0, 10, 20]
    assert said.face_maps[0].face.shape == (32, 32, 3) and said.face_maps[0].map.shape == (8, 8)


@pytest.mark.parametrize("length", [1, 7, 29])
def test_cuts_leave_no_trace(film: Path, length: int, monkeypatch: pytest.MonkeyPatch) -> None:
    cut_up(monkeypatch, 300)
    whole = predictor().predict(Recording(film))
    cut_up(monkeypatch, length)
    progress: list[tuple[int, int | None]] = []
    cut = predictor().predict(Recording(film), progress=lambda done, total: progress.append((done, total)))
    close(cut, whole)
    assert progress[-1] == (30, 30) and len(progress) == -(-30 // length)
    assert [one.frame for one in cut.face_maps] == [0, 10, 20]


@pytest.mark.usefixtures("watched")
def test_again_and_on_two_threads(film: Path) -> None:
    first = predictor().predict(Recording(film))
    close(predictor().predict(Recording(film)), first, tolerance=0)
    close(predictor(threads=2).predict(Recording(film)), first, tolerance=1e-4)


@pytest.mark.usefixtures("watched")
def test_no_pictures_kept(film: Path) -> None:
    said = predictor().predict(Recording(film), pictures=False)
    assert said.stills == said.face_maps == ()


@pytest.mark.usefixtures("watched")
@pytest.mark.parametrize(
    ("alignment", "frames"), [("sentence", [*range(5, 13), *range(19, 25)]), ("causal", [*range(12, 30)])]
)
def test_alignment(film: Path, alignment: Alignment, frames: list[int]) -> None:
    said = predictor().predict(Recording(film, alignment=alignment))
    assert np.flatnonzero(said.presence[:, 0]).tolist() == frames
    assert said.info["alignment"] == alignment


@pytest.mark.usefixtures("watched")
def test_causal_does_not_look_ahead(film: Path, tmp_path: Path) -> None:
    """Before a line has ended it makes no difference; afterwards it does."""
    with_words = predictor().predict(Recording(film, alignment="causal"))
    other = write_srt(tmp_path / "other.srt", (LINES[0], (1.9, 2.4, "Bad dogs bite.")))
    without = predictor().predict(Recording(film, other, alignment="causal"))
    np.testing.assert_array_equal(with_words.arousal[:24], without.arousal[:24])
    assert (with_words.arousal[24:] != without.arousal[24:]).all()


@pytest.mark.usefixtures("watched")
def test_a_language_that_the_model_does_not_know(film: Path, tmp_path: Path) -> None:
    french, nothing = (
        write_srt(tmp_path / "fr.srt", FRENCH),
        write_srt(tmp_path / "no.srt", ((0.5, 1.0, "..."),)),
    )
    said = predictor().predict(Recording(film, french))
    assert not said.presence[:, 0].any() and said.word_weights == ()
    (warning,) = said.info["warnings"]
    assert "the transcript seems to be French, the model knows English" in warning
    close(said, predictor().predict(Recording(film, nothing)))
    told = predictor().predict(Recording(film, french, language="en"))
    assert told.presence[5:26, 0].all() and told.info["warnings"] == []
    denied = predictor().predict(Recording(film, language="de"))
    assert not denied.presence[:, 0].any() and "German" in denied.info["warnings"][0]


@pytest.mark.parametrize("kind", FUSIONS)
def test_nothing_there(kind: str, tmp_path: Path) -> None:
    """Two seconds of silence without picture or word: finite, and weighed by nothing."""
    path = make_film(tmp_path / "silence.wav", (), [(0.0, np.zeros(88_200, np.float32))], sound="pcm_s16le")
    said = predictor(kind).predict(Recording(path))
    assert len(said) == 20 and not said.presence.any()
    assert np.isfinite(said.arousal).all() and np.isfinite(said.valence).all()
    if said.modality_weights is not None:
        assert (said.modality_weights == 0).all()


def test_a_transcript_alone(tmp_path: Path) -> None:
    said = predictor().predict(Recording(write_srt(tmp_path / "talk.srt")))
    assert said.presence.sum(0).tolist() == [13, 0, 0] and len(said) == 24  # frames 5–12 and 19–23
    assert said.modality_weights is not None
    np.testing.assert_allclose(said.modality_weights[said.presence[:, 0]], [[1, 0, 0]] * 13, atol=1e-6)


def test_texts() -> None:
    texts = [
        "the good day",
        "...",
        "",
        "No!",
        "the good day",
        "   ",
        *(f"night {'x' * k}" for k in range(80)),
    ]
    said = predictor().texts(texts)
    assert said.shape == (86, 2) and said.dtype == np.float32
    assert (
        np.isnan(said[:, 0]).nonzero()[0].tolist() == np.isnan(said[:, 1]).nonzero()[0].tolist() == [1, 2, 5]
    )
    np.testing.assert_allclose(said[0], said[4], rtol=0, atol=1e-6)
    for i in (0, 3, 50):
        np.testing.assert_allclose(predictor().texts([texts[i]])[0], said[i], rtol=0, atol=1e-5)
    np.testing.assert_array_equal(predictor().texts(texts), said)


def test_images() -> None:
    draw = np.random.default_rng(0)
    grey = draw.integers(0, 256, (48, 48), np.uint8)
    colour = np.repeat(grey[..., None], 3, 2)
    images = [grey, draw.integers(0, 256, (300, 200, 3), np.uint8), colour, np.zeros((160, 320, 3), np.uint8)]
    said = predictor().images(images)
    assert said.shape == (4, 2)
    assert np.isfinite(said[[0, 2]]).all() and np.isnan(said[[1, 3]]).all()
    np.testing.assert_allclose(said[0], said[2], rtol=0, atol=1e-6)
    np.testing.assert_allclose(predictor().images([grey])[0], said[0], rtol=0, atol=1e-5)
    np.testing.assert_array_equal(predictor().images(images), said)
    many = predictor().images(np.stack([grey] * 300))  # an array of grey faces is a list of them
    np.testing.assert_allclose(many, np.tile(said[0], (300, 1)), rtol=0, atol=1e-5)


def test_sounds() -> None:
    loud, quiet = tone(1.5, rate=16_000), np.zeros(16_000, np.float32)
    half = np.concatenate([loud, quiet])
    said = predictor().sounds([loud, quiet, half, loud[:100], loud[:0]], 16_000)
    assert said.shape == (5, 2)
    assert np.isfinite(said[[0, 2]]).all() and np.isnan(said[[1, 3, 4]]).all()
    np.testing.assert_allclose(predictor().sounds([loud], 16_000)[0], said[0], rtol=0, atol=1e-5)
    whole = np.round(loud * 32_768).astype(np.int16)
    np.testing.assert_allclose(predictor().sounds([whole], 16_000)[0], said[0], rtol=0, atol=1e-3)
    broken = loud.copy()
    broken[200:300] = np.nan
    assert np.isfinite(predictor().sounds([broken, loud.astype(np.float64)], 16_000)).all()


def test_nothing_gives_nothing() -> None:
    assert predictor().texts([]).shape == predictor().images([]).shape == (0, 2)
    assert predictor().sounds([], 16_000).shape == (0, 2)


@pytest.mark.parametrize(
    ("texts", "reason"),
    [("hello", "single text"), ([1], r"texts\[0\] is int"), (["a", None], r"texts\[1\] is No")],
)
def test_texts_that_are_none(texts: list[str], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        predictor().texts(texts)


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((48, 48), np.float32),
        np.zeros((48, 48, 3), np.int64),
        np.zeros((48, 48, 4), np.uint8),
        np.zeros((48, 48, 1), np.uint8),
        np.zeros((0, 48, 3), np.uint8),
        np.zeros((3, 48, 48), np.uint8),
        np.zeros(48, np.uint8),
        np.uint8(3),
        "face.jpg",
    ],
)
def test_images_that_are_none(image: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"^images\[1\] is .* of shape .*; give .H, W, 3. RGB or .*8 × 8$"):
        predictor().images([np.zeros((48, 48, 3), np.uint8), image])


def test_one_picture_is_not_a_list() -> None:
    with pytest.raises(ValueError, match=r"images\[0\] is uint8 of shape \(48, 3\)"):
        predictor().images(np.zeros((48, 48, 3), np.uint8))


@pytest.mark.parametrize(
    "sound",
    [
        np.zeros((100, 2), np.float32),
        np.zeros((1, 100), np.float32),
        np.zeros(100, np.int64),
        np.zeros(100, np.uint8),
        np.zeros(100, complex),
        np.full(100, 20_000.0),
        np.float32(0.5),
        "talk.wav",
    ],
)
def test_sounds_that_are_none(sound: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"^sounds\[0\] (is|reaches) .*; give "):
        predictor().sounds([sound], 16_000)


@pytest.mark.parametrize("rate", [0, -16_000, 999, 10**9, 16_000.0, True, "16000", None])
def test_rates_that_are_none(rate: int) -> None:
    with pytest.raises(ValueError, match=r"^rate is .*; give a whole number of Hz"):
        predictor().sounds([tone(1.0, rate=16_000)], rate)


def test_album_stays_small_and_even() -> None:
    album = Album[Still]()
    for frame in range(100_000):
        if album.wants(frame):
            album.offer(Still(frame, b""))
    frames = [one.frame for one in album.items]
    assert KEPT <= len(frames) <= 2 * KEPT and set(np.diff(frames)) == {album.step}
