"""Weights from a folder, the network made again from its config alone, and both engines on whole clips."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import pytest
import torch
import transformers
from torch import Tensor

from affekt.errors import ModelError
from affekt.media.clips import read_clips
from affekt.networks import Multimodal, MultimodalConfig
from affekt.networks.alternatives.pretrained_audio import PretrainedAudioConfig, PretrainedAudioNetwork
from affekt.networks.kinds import AUDIO, config_of, network_of
from affekt.runtime.bundle import open_bundle
from affekt.runtime.engine import Engine
from affekt.runtime.predictor import Predictor
from affekt.timeline import Recording
from affekt.training.audio_weights import described, load_audio_weights
from affekt.training.export import audio_graph, write_bundle, write_graph, write_weights
from bundles import CARD, CONFIG, KEPT, SPEC, change_config, make_encoder, make_model, tokenizer
from media.films import make_film

MODELS = ("wav2vec2", "hubert", "wavlm")
SIZES = {
    "hidden_size": 8,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 16,
    "conv_dim": [4] * 7,
    "num_conv_pos_embeddings": 8,
    "num_conv_pos_embedding_groups": 2,
}
CLIP = 7
HEARD_AT = {"window": SPEC.window, "rate": SPEC.sample_rate, "clip": CLIP}
KINDS: dict[str, dict[str, Any]] = {
    "li": {"kind": "li", "channels": [3, 4], "mels": 16, "pools": [4, 2], "hidden": 4, "spectrum": 256},
    **{m: {"kind": "pretrained", "model": m, "architecture": SIZES} for m in MODELS},
}


def saved(folder: Path, model: str, seed: int = 5, **options: object) -> Path:
    """A tiny model as `transformers` saves one, all its other options being the base model's."""
    torch.manual_seed(seed)
    config = transformers.AutoConfig.for_model(model, **{**SIZES, **options})
    transformers.AutoModel.from_config(config).save_pretrained(folder)
    return folder


def from_folder(folder: Path, **values: object) -> PretrainedAudioConfig:
    config = described(config_of(AUDIO, {"kind": "pretrained", "name": str(folder), "clip": 3, **values}))
    assert isinstance(config, PretrainedAudioConfig)
    return config


def whole(kind: str) -> Multimodal:
    audio = config_of(AUDIO, KINDS[kind] | HEARD_AT)
    return make_model(config=replace(CONFIG, audio=audio))


def sound(frames: int, seed: int = 0) -> Tensor:
    """Windows (1, T, window) of one wave, 200 samples shared, the third frame silent."""
    g = torch.Generator().manual_seed(seed)
    wave = torch.randn(frames * SPEC.hop + SPEC.window - SPEC.hop, generator=g) / 10
    windows = wave.unfold(0, SPEC.window, SPEC.hop).clone().unsqueeze(0)
    windows[:, 2] = 0
    return windows


@cache
def bundle(kind: str) -> Path:
    """The folder of a bundle, made once; a test that changes it takes a copy."""
    folder = Path(KEPT.name, f"hears-{kind}")
    write_bundle(folder, "tiny", make_encoder(), whole(kind), SPEC, tokenizer(), "wordpieces", CARD)
    return folder


def changed(folder: Path, **values: object) -> Path:
    shutil.copytree(bundle("li"), folder)
    change_config(folder, **values)
    return folder


@pytest.mark.parametrize("model", MODELS)
def test_weights_of_a_folder(model: str, tmp_path: Path) -> None:
    config = from_folder(saved(tmp_path / "tiny", model), freeze=False)
    assert (config.model, config.frame_size, config.normalise) == (model, 8, True)
    network = network_of(AUDIO, config)
    assert isinstance(network, PretrainedAudioNetwork)
    said = load_audio_weights(network, config, config.name)
    count = sum(p.numel() for p in network.parameters())
    assert said == f"audio: {model} of {count:,} weights from the folder {tmp_path / 'tiny'}, trained on"
    theirs = transformers.AutoModel.from_pretrained(tmp_path / "tiny", attn_implementation="eager").eval()
    ours = network.encoder.eval()
    wave = torch.randn(2, 3_200)
    with torch.no_grad():
        wanted, found = theirs(wave).last_hidden_state, ours(wave).last_hidden_state
    assert torch.equal(found, wanted) and wanted.std() > 0.1


def test_made_again_without_the_folder(tmp_path: Path) -> None:
    """Described, built, trained a step, saved; then from the plain values of a bundle's `sizes` alone."""
    folder = saved(tmp_path / "tiny", "wavlm", num_buckets=6, max_bucket_distance=10, conv_bias=True)
    config = MultimodalConfig(audio=from_folder(folder, freeze=False))
    network = network_of(AUDIO, config.audio)
    load_audio_weights(network, config.audio, str(folder))
    optimiser = torch.optim.SGD(network.parameters(), 0.1)
    windows, speaker = torch.randn(1, 3, 2_250), torch.tensor([[0, 1, 0]])
    network(windows, speaker).sum().backward()
    optimiser.step()
    for file in folder.iterdir():
        file.unlink()
    again = MultimodalConfig.from_dict(json.loads(json.dumps(config.to_dict()))).audio
    assert again == config.audio
    copy = network_of(AUDIO, again)
    copy.load_state_dict(network.state_dict())
    with torch.no_grad():
        assert torch.equal(copy.eval()(windows, speaker), network.eval()(windows, speaker))


@pytest.mark.parametrize("asked", [True, False])
def test_the_models_own_normalisation(asked: bool, tmp_path: Path) -> None:
    folder = saved(tmp_path / "tiny", "hubert")
    (folder / "preprocessor_config.json").write_text(json.dumps({"do_normalize": asked}))
    assert from_folder(folder).normalise is asked


def test_chance_is_said_to_be_chance() -> None:
    config = config_of(AUDIO, {"kind": "li"})
    network = network_of(AUDIO, config)
    before = {k: v.clone() for k, v in network.state_dict().items()}
    assert load_audio_weights(network, config, "none") == "audio: li starts from random weights"
    assert all(torch.equal(before[k], v) for k, v in network.state_dict().items())


def test_only_what_is_named_is_described() -> None:
    for values in (
        {"kind": "tzirakis"},
        {"kind": "pretrained"},
        {"kind": "pretrained", "architecture": SIZES},
    ):
        config = config_of(AUDIO, values)
        assert described(config) is config


def unreachable(*_: object, **__: object) -> None:
    raise OSError("We couldn't connect to 'https://example.org'\nCheck your internet connection.")


def test_a_hub_that_is_out_of_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    named = config_of(AUDIO, {"kind": "pretrained", "name": "some/model"})
    line = (
        r"^some/model: no audio model could be read; name a folder, or reach the hub \(We couldn't .* Check"
    )
    monkeypatch.setattr(transformers.AutoConfig, "from_pretrained", unreachable)
    with pytest.raises(ModelError, match=line):
        described(named)
    tiny = config_of(AUDIO, KINDS["wav2vec2"])
    monkeypatch.setattr(transformers.Wav2Vec2Model, "from_pretrained", unreachable)
    with pytest.raises(ModelError, match=line):
        load_audio_weights(network_of(AUDIO, tiny), tiny, "some/model")


def test_what_is_no_audio_model(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(ModelError, match=r"empty: no audio model could be read"):
        from_folder(empty)
    (empty / "config.json").write_text(json.dumps({"model_type": "bert"}))
    with pytest.raises(ModelError, match=r"empty: is a bert model; audio takes wav2vec2, hubert, wavlm$"):
        from_folder(empty)
    li = config_of(AUDIO, {"kind": "li"})
    with pytest.raises(ModelError, match=r"no weights of a li network are to be had; say none"):
        load_audio_weights(network_of(AUDIO, li), li, str(empty))


def test_weights_that_do_not_fit(tmp_path: Path) -> None:
    folder = saved(tmp_path / "tiny", "wav2vec2")
    larger = config_of(AUDIO, KINDS["wav2vec2"] | {"architecture": SIZES | {"num_hidden_layers": 3}})
    with pytest.raises(ModelError, match=r"tiny: lacks \d+ weights of a wav2vec2 model, as encoder.layers.2"):
        load_audio_weights(network_of(AUDIO, larger), larger, str(folder))
    wider = config_of(AUDIO, KINDS["wav2vec2"] | {"architecture": SIZES | {"intermediate_size": 12}})
    with pytest.raises(ModelError, match=r"tiny: no audio model could be read"):
        load_audio_weights(network_of(AUDIO, wider), wider, str(folder))
    (folder / "model.safetensors").write_bytes(b"not weights")
    config = from_folder(folder)
    with pytest.raises(ModelError, match=r"tiny: no audio model could be read"):
        load_audio_weights(network_of(AUDIO, config), config, str(folder))


@pytest.mark.parametrize("kind", KINDS)
def test_onnx_equals_eager(kind: str, tmp_path: Path) -> None:
    graph = audio_graph(whole(kind), SPEC)
    write_weights([graph.module], tmp_path / "weights.safetensors")
    write_graph(graph, tmp_path / "weights.safetensors", tmp_path / "graph.onnx")
    session = ort.InferenceSession(str(tmp_path / "graph.onnx"), providers=["CPUExecutionProvider"])
    for batch, frames in ((1, CLIP), (1, 1), (2, CLIP), (3, 2 * CLIP + 3)):
        windows = torch.cat([sound(max(frames, 3), seed)[:, :frames] for seed in range(batch)])
        speaker = torch.arange(batch * frames).reshape(batch, frames) % 2
        with torch.no_grad():
            wanted = graph.module(windows, speaker).numpy()
        (found,) = session.run(None, {"windows": windows.numpy(), "speaker": speaker.numpy()})
        assert wanted.std() > 0.01
        np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_a_bundle_hears_what_pytorch_hears(kind: str) -> None:
    model, opened = whole(kind), open_bundle(bundle(kind))
    assert opened.audio_context == CLIP
    engine, windows = Engine(opened, 1), sound(3 * CLIP + 4)
    heard = torch.ones(windows.shape[1], dtype=torch.bool)
    heard[2] = heard[9] = False
    speaker = torch.arange(windows.shape[1]) % 2
    with torch.no_grad():
        wanted = model.embed_sound(windows, speaker[None], heard[None])[0]
    found, past = engine.listen(windows[0].numpy(), speaker.numpy(), heard.numpy())
    assert opened.audio_past == 0 and past is not None and len(past.windows) == 0
    assert not found[~heard.numpy()].any()
    np.testing.assert_allclose(found[heard.numpy()], wanted[heard].numpy(), rtol=0, atol=1e-4)
    nothing, _ = engine.listen(windows[0].numpy(), speaker.numpy(), np.zeros(len(found), bool))
    assert nothing.shape == found.shape and not nothing.any()


@pytest.mark.parametrize("kind", ["li", "wavlm"])
def test_a_recording_in_clips_is_judged_as_by_pytorch(kind: str, tmp_path: Path) -> None:
    """2.6 s are 26 frames: three clips of 7 and 5 more. PyTorch gets them at once."""
    model = whole(kind)
    g = np.random.default_rng(2)
    noise = (0.1 * g.standard_normal(round(2.6 * 44_100))).astype(np.float32)
    noise[22_050:35_000] = 0
    film = make_film(tmp_path / "film.mkv", np.arange(65) / 25, [(0.0, noise)], sound="flac")
    said = Predictor(open_bundle(bundle(kind)), 1).predict(Recording(film))
    (clip,) = read_clips(Recording(film), SPEC, length=1_000)
    presence = torch.from_numpy(clip.presence).unsqueeze(0)
    assert len(clip) == 26 and not presence[..., ::2].any() and 15 < presence[..., 1].sum() < 26
    windows, speaker = torch.from_numpy(clip.sound)[None], torch.from_numpy(clip.speaker)[None]
    with torch.no_grad():
        audio = model.embed_sound(windows, speaker, presence[..., 1])
        text, visual = model.nothing(0, speaker.shape), model.nothing(2, speaker.shape)
        judged = model.fused_head(text, audio, visual, presence, model.fused_head.head.initial(1))
    np.testing.assert_array_equal(said.presence, clip.presence)
    np.testing.assert_allclose(said.arousal, judged.y[0, :, 0].numpy(), rtol=0, atol=1e-4)
    np.testing.assert_allclose(said.valence, judged.y[0, :, 1].numpy(), rtol=0, atol=1e-4)
    assert np.std(said.arousal) > 1e-4


def test_sounds_in_context() -> None:
    predictor = Predictor(open_bundle(bundle("li")), 1)
    g = np.random.default_rng(3)
    loud = (0.1 * g.standard_normal(2 * SPEC.sample_rate)).astype(np.float32)
    found = predictor.sounds([loud, np.zeros(4_000, np.float32)], SPEC.sample_rate)
    assert np.isfinite(found[0]).all() and np.isnan(found[1]).all()


@pytest.mark.parametrize("frames", [0, -1, 1_001, True, "100", 7.0])
def test_a_bundle_that_hears_what_cannot_be(frames: object, tmp_path: Path) -> None:
    folder = changed(tmp_path / "bundle", audio_context=frames)
    with pytest.raises(ModelError, match=r"bundle: not a model bundle of affekt's, or damaged \(hears"):
        open_bundle(folder)


def test_a_bundle_whose_graph_is_of_another_kind(tmp_path: Path) -> None:
    folder, heard = changed(tmp_path / "bundle", audio_context=None), np.ones(2, bool)
    engine = Engine(open_bundle(folder), 1)
    with pytest.raises(ModelError, match=r"graph-audio.onnx: does not fit its bundle"):
        engine.listen(np.zeros((2, SPEC.window), np.float32), np.zeros(2, np.int64), heard)
