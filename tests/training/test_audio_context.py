"""An audio network that looks around: wherever a recording is cut, no cut shows, in training and in use."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest
import torch
import torch.nn.functional as F
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lightning_fabric import Fabric
from torch import Tensor, nn

from affekt.errors import ModelError
from affekt.media.clips import read_clips
from affekt.networks import HeadConfig, Multimodal, MultimodalConfig
from affekt.networks.alternatives.sound import by_speaker
from affekt.networks.kinds import AUDIO
from affekt.runtime.bundle import open_bundle
from affekt.runtime.engine import Engine, Past
from affekt.runtime.features import features_of
from affekt.runtime.predictor import Predictor, Said
from affekt.runtime.sources import Replay
from affekt.timeline import Recording
from affekt.training.batches import Looks, Windows
from affekt.training.devel import predictions
from affekt.training.export import (
    audio_context,
    audio_graph,
    audio_reach,
    write_bundle,
    write_graph,
    write_weights,
)
from affekt.training.features import KeptFeatures, keep_features
from affekt.training.finetune import learner_of
from affekt.training.learner import Learner
from bundles import CARD, CONFIG, SPEC, bundle_folder, change_config, make_encoder, make_model, tokenizer
from media.films import make_film
from training.made_clips import MadeClip, as_prepared

KERNEL, BEFORE, FUTURE = 3, 3, 4
PAST = KERNEL - 1 + BEFORE
"""A convolution over 3 frames, and the mean of what it says of 3 frames before one and 4 after it."""
FRAMES = 30


@dataclass(frozen=True)
class AroundConfig:
    """The smallest network that looks both ways."""

    kind: str = "around"
    window: int = SPEC.window
    context: bool = True
    past: int = PAST
    future: int = FUTURE
    size: int = 8


class AroundNetwork(nn.Module):
    """What a frame sounds like, and who speaks in it, over 3 frames, and the mean of 8 of those."""

    def __init__(self, config: AroundConfig) -> None:
        super().__init__()
        self.config = config
        self.sound = nn.Linear(config.window, 3)
        self.conv = nn.Conv1d(3, config.size // 2, KERNEL)

    def forward(self, windows: Tensor, speaker: Tensor) -> Tensor:
        """windows (B, T, window), speaker (B, T) → (B, T, 8)."""
        around = self.config.past, self.config.future
        who = F.pad(1.0 + speaker, around, value=1.0).unsqueeze(-1)
        heard = torch.tanh(self.sound(F.pad(windows, (0, 0, *around)) * who))
        over = torch.tanh(self.conv(heard.transpose(1, 2)))
        return by_speaker(F.avg_pool1d(over, BEFORE + 1 + FUTURE, 1).transpose(1, 2), speaker)


@pytest.fixture(autouse=True)
def _known() -> Iterator[None]:
    """The stand-in is a kind like the others while these tests run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(AUDIO, "around", (AroundConfig, AroundNetwork))
        yield


@pytest.fixture(scope="module")
def model() -> Multimodal:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(AUDIO, "around", (AroundConfig, AroundNetwork))
        return make_model(config=replace(CONFIG, audio=AroundConfig()))


@pytest.fixture(scope="module")
def bundle(model: Multimodal, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a bundle; a test that changes it takes a copy."""
    folder = tmp_path_factory.mktemp("looks-around") / "bundle"
    write_bundle(folder, "tiny", make_encoder(), model, SPEC, tokenizer(), "wordpieces", CARD)
    return folder


def changed(bundle: Path, folder: Path, **values: object) -> Path:
    shutil.copytree(bundle, folder)
    change_config(folder, **values)
    return folder


@pytest.fixture(scope="module")
def engines(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[int, Engine]:
    """The same networks, given 4 and 100 frames at once."""
    four = changed(bundle, tmp_path_factory.mktemp("four") / "bundle", audio_context=4)
    return {4: Engine(open_bundle(four), 1), 100: Engine(open_bundle(bundle), 1)}


Sound = tuple[np.ndarray, np.ndarray, np.ndarray]


def sound(seed: int = 0) -> Sound:
    """30 windows of noise, who speaks, and where anything is heard."""
    g = np.random.default_rng(seed)
    windows = (0.1 * g.standard_normal((FRAMES, SPEC.window))).astype(np.float32)
    return windows, g.integers(0, 2, FRAMES), g.random(FRAMES) < 0.8


def part(whole: Sound, first: int, last: int) -> Sound:
    """Some of its frames."""
    windows, speaker, heard = whole
    return windows[first:last], speaker[first:last], heard[first:last]


def at_once(model: Multimodal, windows: np.ndarray, speaker: np.ndarray, heard: np.ndarray) -> np.ndarray:
    """What PyTorch makes of a whole recording, 0 where nothing is heard."""
    with torch.no_grad():
        one = (torch.from_numpy(value)[None] for value in (windows, speaker, heard))
        return np.where(heard[:, None], model.embed_sound(*one)[0].numpy(), 0)


# In use


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts=st.sets(st.integers(1, FRAMES - 1)), seed=st.integers(0, 99), context=st.sampled_from([4, 100]))
def test_pieces_sound_like_the_whole(
    model: Multimodal, engines: dict[int, Engine], cuts: set[int], seed: int, context: int
) -> None:
    whole = sound(seed)
    pieces: list[np.ndarray] = []
    past: Past | None = None
    for first, last in zip([0, *sorted(cuts)], [*sorted(cuts), FRAMES], strict=True):
        ahead = min(FUTURE, FRAMES - last)
        x, past = engines[context].listen(*part(whole, first, last + ahead), past, ahead)
        assert past is not None and len(past.windows) == len(past.speaker) == min(last, PAST)
        pieces.append(x)
    wanted = at_once(model, *whole)
    assert wanted.std() > 0.01
    np.testing.assert_allclose(np.concatenate(pieces), wanted, rtol=0, atol=1e-5)


@pytest.mark.parametrize(("context", "step"), [(100, 1), (4, 1), (100, 7), (4, 7)])
def test_live_each_piece_is_the_end_of_what_there_is(
    model: Multimodal, engines: dict[int, Engine], context: int, step: int
) -> None:
    """Nobody knows what follows: what is said is what would be said if the recording ended there."""
    whole = sound(5)
    past: Past | None = None
    for first in range(0, FRAMES, step):
        last = min(first + step, FRAMES)
        x, past = engines[context].listen(*part(whole, first, last), past)
        wanted = at_once(model, *part(whole, 0, last))[first:]
        np.testing.assert_allclose(x, wanted, rtol=0, atol=1e-5)


def test_a_piece_without_what_is_around_it_sounds_otherwise(
    model: Multimodal, engines: dict[int, Engine]
) -> None:
    windows, speaker, heard = sound()
    heard[:] = True
    wanted = at_once(model, windows, speaker, heard)
    alone, _ = engines[100].listen(windows[10:20], speaker[10:20], heard[10:20])
    differs = np.abs(alone - wanted[10:20]).max(1) > 1e-4
    assert differs.tolist() == [True] * PAST + [False] + [True] * FUTURE


def test_a_step_changes_nothing_and_depends_on_nothing_older(engines: dict[int, Engine]) -> None:
    engine, (windows, speaker, heard) = engines[100], sound(1)
    heard[:] = True
    _, past = engine.listen(windows[:24], speaker[:24], heard[:24], ahead=4)
    assert past is not None
    np.testing.assert_array_equal(past.windows, windows[15:20])
    np.testing.assert_array_equal(past.speaker, speaker[15:20])
    assert past.windows.base is None  # else it would keep the whole piece in memory
    before = past.windows.copy(), past.speaker.copy()
    first, _ = engine.listen(windows[20:], speaker[20:], heard[20:], past)
    again, _ = engine.listen(windows[20:], speaker[20:], heard[20:], past)
    np.testing.assert_array_equal(first, again)
    np.testing.assert_array_equal(past.windows, before[0])
    np.testing.assert_array_equal(past.speaker, before[1])
    loud = windows.copy()
    loud[:15] *= 30
    _, other = engine.listen(loud[:20], speaker[:20], heard[:20])
    np.testing.assert_array_equal(engine.listen(windows[20:], speaker[20:], heard[20:], other)[0], first)


def test_no_more_of_what_follows_counts_than_it_looks_ahead(engines: dict[int, Engine]) -> None:
    engine, (windows, speaker, heard) = engines[100], sound(6)
    heard[:] = True
    loud = windows.copy()
    loud[10 + FUTURE :] *= 30
    first, past = engine.listen(windows[: 10 + FUTURE], speaker[: 10 + FUTURE], heard[: 10 + FUTURE], None, 4)
    more, same = engine.listen(loud, speaker, heard, None, FRAMES - 10)
    assert past is not None and same is not None and len(first) == 10
    np.testing.assert_array_equal(more, first)
    np.testing.assert_array_equal(same.windows, past.windows)
    loud[9 + FUTURE] *= 30
    assert np.abs(engine.listen(loud, speaker, heard, None, FRAMES - 10)[0][9] - first[9]).max() > 1e-4


def test_frames_of_which_the_first_are_silent_are_not_heard_for_what_follows(
    engines: dict[int, Engine],
) -> None:
    windows, speaker, heard = sound(7)
    heard[:] = np.arange(FRAMES) >= 10
    x, past = engines[100].listen(windows[:14], speaker[:14], heard[:14], ahead=4)
    assert x.shape == (10, 8) and not x.any() and past is not None and not past.windows.any()


def test_what_is_not_heard_is_silence_to_what_comes_after(engines: dict[int, Engine]) -> None:
    engine, (windows, speaker, heard) = engines[100], sound(2)
    heard[:] = True
    heard[3:9] = False
    nothing, past = engine.listen(windows[3:9], speaker[3:9], heard[3:9])
    assert past is not None and not nothing.any() and not past.windows.any() and windows[3:9].any()
    assert len(past.windows) == PAST


def test_networks_that_look_at_one_frame_have_no_past() -> None:
    windows, speaker, heard = sound()
    engine = Engine(open_bundle(bundle_folder()), 1)
    assert (engine.bundle.audio_past, engine.bundle.audio_future) == (0, 0)
    x, past = engine.listen(windows, speaker, heard)
    assert past is None
    np.testing.assert_array_equal(x[heard], engine.hear(windows[heard], speaker[heard]))


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """12 s of noise with three tenths of silence in it: more than 100 frames."""
    noise = (0.1 * np.random.default_rng(4).standard_normal(12 * 44_100)).astype(np.float32)
    noise[44_100:57_330] = 0
    path = tmp_path_factory.mktemp("film") / "film.mkv"
    return make_film(path, [k / 2 for k in range(24)], [(0.0, noise)], sound="flac")


@pytest.fixture(scope="module")
def truth(model: Multimodal, film: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of the film, by PyTorch at once: presence, x^a, arousal and valence."""
    (clip,) = read_clips(Recording(film), SPEC, length=1_000)
    presence, speaker = torch.from_numpy(clip.presence)[None], torch.from_numpy(clip.speaker)[None]
    x = at_once(model, clip.sound, clip.speaker, clip.has_sound)
    with torch.no_grad():
        text, visual = model.nothing(0, speaker.shape), model.nothing(2, speaker.shape)
        audio, state = torch.from_numpy(x)[None], model.fused_head.head.initial(1)
        y = model.fused_head(text, audio, visual, presence, state).y[0].numpy()
    assert 110 < clip.has_sound.sum() < len(clip) == 120 and y.std() > 1e-4
    return clip.presence, x, y


@pytest.mark.parametrize("length", [1, 7, 100, 1_000])
def test_cuts_leave_no_trace(
    bundle: Path, film: Path, truth: tuple[np.ndarray, ...], length: int, tmp_path: Path
) -> None:
    predictor = Predictor(open_bundle(changed(bundle, tmp_path / "bundle", audio_context=length)), 1)
    assert predictor.length == length
    told: list[tuple[int, int | None]] = []
    said = predictor.predict(Recording(film), progress=lambda done, of: told.append((done, of)))
    assert told == [(min(done + length, 120), 120) for done in range(0, 120, length)]
    presence, _, y = truth
    np.testing.assert_array_equal(said.presence, presence)
    np.testing.assert_allclose(np.stack([said.arousal, said.valence], 1), y, rtol=0, atol=1e-5)


def test_features_are_those_that_it_predicts_with(
    bundle: Path, film: Path, truth: tuple[np.ndarray, ...], tmp_path: Path
) -> None:
    predictor = Predictor(open_bundle(changed(bundle, tmp_path / "bundle", audio_context=7)), 1)
    made, (presence, x, y) = features_of(predictor, predictor.read(Recording(film)), tmp_path), truth
    np.testing.assert_array_equal(made.presence, presence)
    np.testing.assert_allclose(made.features["audio"], x, rtol=0, atol=1e-5)
    np.testing.assert_allclose(made.y, y, rtol=0, atol=1e-5)


def test_steps_are_the_clips_in_their_order(bundle: Path, film: Path, tmp_path: Path) -> None:
    predictor = Predictor(open_bundle(changed(bundle, tmp_path / "bundle", audio_context=7)), 1)
    read = list(predictor.read(Recording(film)))
    steps = list(predictor.steps(Replay(Recording(film), (), read, 120), Said(False, np.zeros((0, 1)), [])))
    assert len(steps) == 18 and all(step.clip is clip for step, clip in zip(steps, read, strict=True))


def test_sounds(bundle: Path, tmp_path: Path) -> None:
    """Each sound begins anew, however it is cut."""
    few = changed(bundle, tmp_path / "bundle", audio_context=3)
    loud = (0.1 * np.random.default_rng(3).standard_normal(2 * SPEC.sample_rate)).astype(np.float32)
    both = Predictor(open_bundle(bundle), 1).sounds([loud, loud[:9_000]], SPEC.sample_rate)
    each = [Predictor(open_bundle(few), 1).sounds([one], SPEC.sample_rate)[0] for one in (loud, loud[:9_000])]
    np.testing.assert_allclose(each, both, rtol=0, atol=1e-5)
    assert np.abs(both[0] - both[1]).max() > 1e-6


# The bundle


def test_config(bundle: Path, model: Multimodal, tmp_path: Path) -> None:
    there = json.loads((bundle / "config.json").read_text())
    assert [there[f"audio_{one}"] for one in ("context", "past", "future")] == [100, PAST, FUTURE]
    opened = open_bundle(bundle)
    assert (opened.audio_context, opened.audio_past, opened.audio_future) == (100, PAST, FUTURE)
    assert audio_reach(model.config) == (PAST, FUTURE)
    assert audio_reach(replace(model.config, modalities=("text", "visual"))) == (0, 0)
    ahead = replace(model.config, audio=AroundConfig(past=0))
    assert audio_reach(ahead) == (0, FUTURE) and audio_context(ahead) == 100
    assert audio_context(replace(model.config, modalities=("text", "visual"))) is None
    older = shutil.copytree(bundle_folder(), tmp_path / "older")
    config = json.loads((older / "config.json").read_text())
    assert config.pop("audio_past") == config.pop("audio_future") == 0
    (older / "config.json").write_text(json.dumps(config))
    assert (open_bundle(older).audio_past, open_bundle(older).audio_future) == (0, 0)


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        *(({"audio_past": value}, "frames before a frame") for value in (-1, 601, True, None, "5", 5.0)),
        *(({"audio_future": value}, "frames after a frame") for value in (-1, 601, True, None, "5", 5.0)),
        ({"audio_context": None}, "hears each frame alone, and 5 before it"),
        ({"audio_context": None, "audio_past": 0}, "hears each frame alone, and 4 after it"),
    ],
)
def test_a_bundle_that_hears_what_cannot_be(
    bundle: Path, values: dict[str, object], reason: str, tmp_path: Path
) -> None:
    folder = changed(bundle, tmp_path / "bundle", **values)
    with pytest.raises(ModelError, match=f"bundle: not a model bundle of affekt's, or damaged .*{reason}"):
        open_bundle(folder)


def test_onnx_equals_eager(model: Multimodal, tmp_path: Path) -> None:
    graph = audio_graph(model, SPEC)
    write_weights([graph.module], tmp_path / "weights.safetensors")
    write_graph(graph, tmp_path / "weights.safetensors", tmp_path / "graph.onnx")
    session = ort.InferenceSession(str(tmp_path / "graph.onnx"), providers=["CPUExecutionProvider"])
    for batch, frames in ((1, 1), (1, PAST), (2, 7), (3, 130)):
        windows, speaker = torch.randn(batch, frames, SPEC.window) / 10, torch.arange(batch * frames) % 2
        speaker = speaker.reshape(batch, frames)
        with torch.no_grad():
            wanted = graph.module(windows, speaker).numpy()
        (found,) = session.run(None, {"windows": windows.numpy(), "speaker": speaker.numpy()})
        assert wanted.std() > 0.01
        np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-5)


def test_it_is_trained_on_as_it_is(bundle: Path, model: Multimodal) -> None:
    """Fine-tuning makes the network again from the config and the weights alone."""
    again = learner_of(open_bundle(bundle)).eval().model
    assert again.config.audio == AroundConfig()
    np.testing.assert_array_equal(at_once(again, *sound()), at_once(model, *sound()))


# In training


CLIPS = [MadeClip(3, 11, turns=[0, 0, 1] * 3 + [1, 0], unheard=[4]), MadeClip(1, 4)]
LOOKS = Looks(None, audio=True)


def listener() -> Learner:
    torch.manual_seed(0)
    sizes = MultimodalConfig(audio=AroundConfig(), head=HeadConfig(hidden=3), modalities=("audio",))
    learner = Learner(sizes)
    with torch.no_grad():  # made clips are loud
        network = learner.model.audio
        assert isinstance(network, AroundNetwork)
        network.sound.weight.mul_(0.05)
    return learner.eval()


@pytest.mark.parametrize("chunk", [1, 3, 4])
def test_kept_features_are_those_of_whole_recordings(tmp_path: Path, chunk: int) -> None:
    learner = listener()
    kept = KeptFeatures(tmp_path, [clip.entry.name for clip in CLIPS])
    keep_features(learner, "audio", as_prepared(CLIPS), kept, LOOKS, torch.device("cpu"), chunk)
    windows = Windows(as_prepared(CLIPS), 11, LOOKS)
    with torch.no_grad():
        x = learner.features(windows.read([(0, 0), (1, 0)], 11), "audio").numpy()
        cut = learner.features(windows.read([(0, 4)], 7), "audio")[0].numpy()
    first, second = as_prepared(CLIPS)
    np.testing.assert_allclose(kept(first, 0, 11), x[0], rtol=1e-3, atol=1e-5)  # in half precision
    np.testing.assert_allclose(kept(second, 0, 4), x[1, :4], rtol=1e-3, atol=1e-5)
    assert np.abs(cut - x[0, 4:]).max() > 0.01  # without what came before


def test_whole_recordings_are_judged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    learner, fabric = listener(), Fabric(accelerator="cpu", devices=1)
    windows, found = Windows(as_prepared(CLIPS), 4, LOOKS), {}
    kept = KeptFeatures(tmp_path, [clip.entry.name for clip in CLIPS])
    keep_features(learner, "audio", as_prepared(CLIPS), kept, LOOKS, torch.device("cpu"), 11)
    known = Windows(as_prepared(CLIPS), 4, Looks(features={"audio": kept}))
    for chunk in (400, 4, 1):
        monkeypatch.setattr("affekt.training.devel.CHUNK", chunk)
        found[chunk] = list(predictions(learner, windows, fabric, [1, 0]))
        found[-chunk] = list(predictions(learner, known, fabric, [1, 0]))
    assert [(k, said.shape) for k, said, _ in found[400]] == [(1, (4, 2)), (0, (11, 2))]
    assert found[400][1][1].std() > 1e-3
    for chunk, tolerance in ((4, 1e-6), (1, 1e-6), (-400, 1e-4), (-4, 1e-4), (-1, 1e-4)):
        for (_, whole, gold), (_, pieces, same) in zip(found[400], found[chunk], strict=True):
            np.testing.assert_allclose(pieces, whole, rtol=0, atol=tolerance)
            np.testing.assert_array_equal(gold, same)


@pytest.mark.parametrize("frames", [1, 3, 4, 11, 20])
def test_pieces_come_with_what_is_around_them(frames: int) -> None:
    """Windows of whole recordings: none outside the recording, each frame in one piece."""
    windows, got = Windows(as_prepared(CLIPS), 11, LOOKS), list[float]()
    for batch, piece in windows.pieces(0, frames, (PAST, FUTURE)):
        assert batch.audio is not None and batch.audio.shape[:2] == batch.gold.shape[:2]
        first = len(got)
        last = min(first + frames, 11)
        assert (piece.start, piece.stop - piece.start) == (min(PAST, first), last - first)
        assert batch.gold.shape[1] - piece.stop == min(FUTURE, 11 - last)
        got += batch.gold[0, piece, 0].tolist()
    np.testing.assert_allclose(got, np.arange(11) / 100, rtol=1e-6)


def test_frames_around_are_heard_and_not_judged() -> None:
    learner, windows = listener(), Windows(as_prepared(CLIPS), 11, LOOKS)
    with torch.no_grad():
        whole = learner(windows.read([(0, 0)], 11))
        begun = learner(windows.read([(0, 0)], 10), judged=slice(0, 6))
        after = learner(windows.read([(0, 1)], 10), begun.state, slice(PAST, 6))
        end = learner(windows.read([(0, 2)], 9), after.state, slice(PAST, None))
        deaf = learner(windows.read([(0, 6)], 5), begun.state)
    assert [one.y.shape[1] for one in (begun, after, end)] == [6, 1, 4]
    found = torch.cat([begun.y, after.y, end.y], 1)
    torch.testing.assert_close(found, whole.y, rtol=0, atol=1e-6)
    assert float((deaf.y - whole.y[:, 6:]).abs().max()) > 1e-4
