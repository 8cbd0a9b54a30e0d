"""The other audio networks: their sizes by hand, who speaks, what depends on what, and where they are cut."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import resample_poly
from torch import Tensor, nn

from affekt.networks import MultimodalConfig
from affekt.networks.alternatives.li import LiConfig, LiNetwork, fourier, mel_bands
from affekt.networks.alternatives.pretrained_audio import (
    PretrainedAudioConfig,
    PretrainedAudioNetwork,
    normalised,
)
from affekt.networks.alternatives.resample import Resample
from affekt.networks.alternatives.sound import by_speaker
from affekt.networks.alternatives.trigeorgis import TrigeorgisConfig, TrigeorgisNetwork
from affekt.networks.kinds import AUDIO, config_of, network_of

TINY_ENCODER = {
    "hidden_size": 8,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 16,
    "conv_dim": [4] * 7,
    "num_conv_pos_embeddings": 8,
    "num_conv_pos_embedding_groups": 2,
}
TINY: dict[str, dict[str, Any]] = {
    "trigeorgis": {"kind": "trigeorgis", "window": 900, "filters": 6, "kernels": [9, 4], "channel_pool": 3},
    "li": {"kind": "li", "channels": [3, 4], "mels": 16, "hidden": 4, "clip": 4},
    "wav2vec2": {"kind": "pretrained", "model": "wav2vec2", "architecture": TINY_ENCODER, "clip": 4},
    "hubert": {"kind": "pretrained", "model": "hubert", "architecture": TINY_ENCODER, "clip": 4},
    "wavlm": {"kind": "pretrained", "model": "wavlm", "architecture": TINY_ENCODER, "clip": 4},
}
CONTEXTUAL = ("li", "wav2vec2", "hubert", "wavlm")


def tiny(name: str, **values: object) -> nn.Module:
    torch.manual_seed(3)
    return network_of(AUDIO, config_of(AUDIO, TINY[name] | values)).eval()


def heard(frames: int, window: int = 2_250, batch: int = 1, seed: int = 0) -> Tensor:
    """Windows (B, T, window) that overlap as a recording's do: cut from one wave each, 45 samples shared."""
    hop = window * 49 // 50
    wave = torch.randn(batch, frames * hop + window - hop, generator=torch.Generator().manual_seed(seed)) / 10
    return wave.unfold(1, window, hop)


def subject(windows: Tensor) -> Tensor:
    return torch.zeros(windows.shape[:-1], dtype=torch.int64)


def test_trigeorgis_sizes() -> None:
    network = TrigeorgisNetwork()
    # 40 filters of 110 samples and a bias each; 40 of 40 maps × 40 taps and a bias each.
    assert sum(p.numel() for p in network.parameters()) == 40 * 111 + 40 * (40 * 40 + 1) == 68_480
    assert (network.config.frame_size, network.config.size, network.config.context) == (2_250, 4_500, False)
    assert network(torch.zeros(3, 2_250), torch.tensor([0, 1, 0])).shape == (3, 4_500)


def test_trigeorgis_by_hand() -> None:
    config = TrigeorgisConfig(window=4, filters=2, kernels=(1, 1), channel_pool=2, interlocutor=False)
    network = TrigeorgisNetwork(config).eval()
    with torch.no_grad():
        network.short.weight.copy_(torch.tensor([[[1.0]], [[-1.0]]]))
        network.long.weight.copy_(torch.tensor([[[1.0], [0.0]], [[0.0], [3.0]]]))
        for conv in (network.short, network.long):
            nn.init.zeros_(conv.bias)
    # Rectified: (1, 0, 5, 0) and (0, 2, 0, 4); maxima of pairs (1, 5) and (2, 4); the second map thrice;
    # the larger of both maps: max(1, 6), max(5, 12).
    assert network(torch.tensor([[1.0, -2.0, 5.0, -4.0]]), torch.zeros(1)).tolist() == [[6.0, 12.0]]


def test_trigeorgis_hears_each_frame_alone() -> None:
    network, windows = tiny("trigeorgis"), torch.randn(4, 900)
    other = windows.clone()
    other[2] += 1
    same = (network(windows, subject(windows)) == network(other, subject(other))).all(1)
    assert same.tolist() == [True, True, False, True]


def test_trigeorgis_refuses_what_does_not_divide() -> None:
    with pytest.raises(ValueError, match=r"audio.channel_pool 7 the 40 filters"):
        TrigeorgisConfig(channel_pool=7)
    with pytest.raises(ValueError, match=r"audio.pool 2 divides the window of 2205"):
        TrigeorgisConfig(window=2_205)


def test_li_sizes() -> None:
    network = LiNetwork()
    counts = [sum(p.numel() for p in part.parameters()) for part in (*network.convs, network.lstm)]
    # 16 kernels of 25; 32 of 16 × 9; two directions of four gates on 320 inputs and 128 states, two biases.
    lstm = 2 * 4 * 128 * (320 + 128 + 2)
    assert counts == [16 * 26, 32 * (16 * 9 + 1), lstm]
    assert sum(p.numel() for p in network.parameters()) == sum(counts) + 3 * 256 * 256 == 662_464
    assert (network.config.steps, network.config.size, network.config.context) == (9, 512, True)
    # Fixed weights are no weights of a bundle.
    assert not {"waves", "bands"} & set(network.state_dict())


def test_li_spectrogram_of_a_tone() -> None:
    """A tone of full scale has power 1 at its frequency: log10(1 + 10⁶) = 6 in its band, less elsewhere."""
    network = LiNetwork(LiConfig(clip=4))
    bins, rate = 512, 22_050
    frequency = 24 * rate / bins  # in the middle of a frequency of the spectrum
    time = torch.arange(4 * 2_205 + 44, dtype=torch.float64) / rate
    shown = network.spectrogram(torch.sin(2 * torch.pi * frequency * time).float().unsqueeze(0))
    assert shown.shape == (1, 40, 36)
    centre = shown[0, :, 4:-4]
    band = int(mel_bands(40, bins, rate)[:, 24].argmax())
    weight = float(mel_bands(40, bins, rate)[band].max())
    assert weight <= 1 and (centre.argmax(0) == band).all()
    assert 5.5 < float(centre[band].min()) < 6.3
    assert float(centre[band + 6 :].max()) < 4
    assert torch.equal(network.spectrogram(torch.zeros_like(time[None]).float()), torch.zeros(1, 40, 36))


def test_fourier_is_the_discrete_one() -> None:
    x = torch.randn(16, dtype=torch.float64)
    window = torch.hamming_window(16, dtype=torch.float64)
    wanted = torch.fft.rfft(x * window) * 2 / window.sum()
    real, imaginary = (fourier(16).double().squeeze(1) @ x).chunk(2)
    torch.testing.assert_close(torch.complex(real, -imaginary), wanted, rtol=0, atol=1e-6)


def test_mel_bands_cover_without_gaps() -> None:
    bands = mel_bands(40, 512, 22_050)
    frequencies = torch.arange(257) * 22_050 / 512
    inside = (frequencies > 130) & (frequencies < 7_400)
    assert (bands.sum(0)[inside] > 0.9).all() and (bands.sum(0) < 1.0001).all()
    assert not bands[:, (frequencies < 60) | (frequencies > 8_000)].any()
    with pytest.raises(ValueError, match=r"audio.mels: 128 bands are too many for spectra of 512"):
        mel_bands(128, 512, 22_050)


def test_li_attention_by_hand() -> None:
    """No query: every frame gets the mean of the values of all frames, added to itself."""
    network = tiny("li")
    assert isinstance(network, LiNetwork)
    with torch.no_grad():
        network.query.weight.zero_()
        network.value.weight.copy_(2 * torch.eye(8))
    x = torch.randn(2, 4, 8)
    torch.testing.assert_close(network.attend(x), x + 2 * x.mean(1, keepdim=True))


def test_li_refuses_what_does_not_divide() -> None:
    with pytest.raises(ValueError, match=r"audio.pools \(2, 3\) do not divide the 2205 samples"):
        LiConfig(pools=(2, 3))
    with pytest.raises(ValueError, match=r"audio.mel_pool 3 does not divide 40"):
        LiConfig(mel_pool=3)
    with pytest.raises(ValueError, match=r"audio.window is a little more than the 2205"):
        LiConfig(window=2_205)


@pytest.mark.parametrize("name", CONTEXTUAL)
def test_a_frame_depends_on_its_clip_and_no_other(name: str) -> None:
    network, windows = tiny(name), heard(8)
    other = windows.clone()
    other[0, 5] = heard(1, seed=9)[0, 0]
    with torch.no_grad():
        moved = (network(windows, subject(windows)) - network(other, subject(other))).abs().amax(-1)[0]
    assert (moved[4:] > 1e-7).all() and (moved[:4] == 0).all()


@pytest.mark.parametrize("name", CONTEXTUAL)
def test_what_a_clip_lacks_is_silence(name: str) -> None:
    """Frames at once, clip by clip, or the last clip filled up with zeros: the same."""
    network, windows = tiny(name), heard(10, batch=2)
    with torch.no_grad():
        whole = network(windows, subject(windows))
        parts = [network(windows[:, k : k + 4], subject(windows[:, k : k + 4])) for k in (0, 4, 8)]
        filled = torch.cat([windows, torch.zeros(2, 5, 2_250)], 1)
        longer = network(filled, subject(filled))
    assert whole.shape[:2] == (2, 10)
    torch.testing.assert_close(torch.cat(parts, 1), whole, rtol=0, atol=1e-6)
    torch.testing.assert_close(longer[:, :10], whole, rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", TINY)
def test_halves(name: str) -> None:
    network, alone = tiny(name), tiny(name, interlocutor=False)
    alone.load_state_dict(network.state_dict())
    windows = heard(4, TINY[name].get("window", 2_250))
    speaker = torch.tensor([[0, 1, 1, 0]])
    if not network.config.context:
        windows, speaker = windows[0], speaker[0]
    with torch.no_grad():
        both, one = network(windows, speaker), alone(windows, speaker)
    assert both.shape[-1] == network.config.size == 2 * alone.config.size
    halves = both.reshape(4, 2, -1)
    for frame, side in enumerate(speaker.flatten().tolist()):
        assert torch.equal(halves[frame, side], one.reshape(4, -1)[frame])
        assert halves[frame, side].any() and not halves[frame, 1 - side].any()


def test_by_speaker() -> None:
    assert by_speaker(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.tensor([1, 0])).tolist() == [
        [0, 0, 1, 2],
        [3, 4, 0, 0],
    ]


@pytest.mark.parametrize("name", TINY)
def test_gradient_reaches_every_weight(name: str) -> None:
    network = tiny(name, **({"freeze": False} if name not in ("li", "trigeorgis") else {})).train()
    windows = heard(4, TINY[name].get("window", 2_250))
    speaker = subject(windows)
    if not network.config.context:
        windows, speaker = windows[0], speaker[0]
    network(windows, speaker).square().sum().backward()
    without = [n for n, p in network.named_parameters() if p.grad is None or not p.grad.isfinite().all()]
    assert without == []
    assert sum(bool(p.grad.any()) for p in network.parameters()) > 0.8 * len(list(network.parameters()))


def test_frozen_stays_as_it_is() -> None:
    network = tiny("wav2vec2").train()
    assert isinstance(network, PretrainedAudioNetwork)
    assert network.training and not network.encoder.training
    assert not any(p.requires_grad for p in network.parameters())
    windows = heard(4)
    assert torch.equal(network(windows, subject(windows)), network(windows, subject(windows)))
    assert tiny("wav2vec2", freeze=False).train().encoder.training


def test_training_masks_nothing() -> None:
    """No dropout, no mask, no layer left out: training gives what use gives."""
    quiet = {
        "hidden_dropout": 0.0,
        "activation_dropout": 0.0,
        "attention_dropout": 0.0,
        "feat_proj_dropout": 0.0,
    }
    network = tiny("wavlm", freeze=False, architecture=TINY_ENCODER | quiet)
    windows = heard(4)
    with torch.no_grad():
        wanted = network(windows, subject(windows))
        for _ in range(5):
            assert torch.equal(network.train()(windows, subject(windows)), wanted)


@pytest.mark.parametrize(("old", "ratio"), [(22_050, (320, 441)), (8_000, (2, 1)), (48_000, (1, 3))])
def test_resampling_is_scipys(old: int, ratio: tuple[int, int]) -> None:
    """Sound below 5 kHz at another rate, as `resample_poly` has it; a longer filter makes the difference."""
    reach, frames, hop = 22, 4, old // 10
    resample = Resample(old, 16_000, reach)
    assert (resample.up, resample.down) == ratio
    time = np.arange(-reach, frames * hop + reach) / old
    g = np.random.default_rng(1)
    highest = min(5_000, 0.4 * old)
    x = sum(
        np.sin(2 * np.pi * (f * time + p))
        for f, p in zip(g.uniform(50, highest, 20), g.random(20), strict=True)
    )
    found = resample(torch.from_numpy(x / 20).float().unsqueeze(0))[0].numpy()
    assert len(found) == frames * 1_600
    wanted = resample_poly(x[reach:-reach] / 20, *ratio, window=("kaiser", 9.0))
    np.testing.assert_allclose(found[200:-200], wanted[200:-200], rtol=0, atol=6e-3)


def test_resampling_keeps_a_tone_and_no_alias() -> None:
    resample = Resample(22_050, 16_000, 22)
    time = (torch.arange(4_410 + 44, dtype=torch.float64) - 22) / 22_050
    for frequency, atol in ((0.0, 1e-6), (440.0, 1e-3), (4_000.0, 3e-3)):
        tone = torch.cos(2 * torch.pi * frequency * time).float().unsqueeze(0)
        wanted = torch.cos(2 * torch.pi * frequency * torch.arange(3_200, dtype=torch.float64) / 16_000)
        torch.testing.assert_close(resample(tone)[0], wanted.float(), rtol=0, atol=atol)
    above = torch.cos(2 * torch.pi * 10_000 * time).float().unsqueeze(0)
    assert resample(above).abs().max() < 3e-3


def test_the_same_rate_is_left_alone() -> None:
    x = torch.randn(2, 3_200 + 20)
    torch.testing.assert_close(Resample(16_000, 16_000, 10)(x), x[:, 10:-10], rtol=0, atol=1e-6)


@settings(max_examples=15, deadline=None)
@given(cut=st.integers(1, 7))
def test_resampling_does_not_depend_on_the_cut(cut: int) -> None:
    resample, x = Resample(22_050, 16_000, 22), torch.randn(1, 8 * 2_205 + 44)
    whole = resample(x)
    parts = [resample(x[:, : cut * 2_205 + 44]), resample(x[:, cut * 2_205 :])]
    torch.testing.assert_close(torch.cat(parts, 1), whole, rtol=0, atol=1e-6)


def test_the_wave_is_laid_end_to_end() -> None:
    network, windows = tiny("li"), heard(4)
    assert isinstance(network, LiNetwork)
    # 22 samples, four frames, 22 more of the 23 that the last window has.
    wave = torch.cat([windows[0, 0], *(w[45:] for w in windows[0, 1:])])
    assert torch.equal(network.wave(windows)[0], wave[:-1])


def test_normalised_leaves_silence_out() -> None:
    wave = torch.tensor([[0.0, 3.0, 5.0, 0.0], [0.0, 0.0, 0.0, 0.0]])
    # Of 3 and 5 the mean is 4, the variance 1.
    torch.testing.assert_close(normalised(wave), torch.tensor([[0.0, -1, 1, 0], [0, 0, 0, 0]]))


def test_five_vectors_a_frame_each_centred_on_its_part() -> None:
    """Vector v is made of the 400 samples around the 320 that it stands for, by their gradient."""
    local = TINY_ENCODER | {"feat_extract_norm": "layer"}
    network = tiny("wav2vec2", architecture=local)
    assert isinstance(network, PretrainedAudioNetwork)
    samples = torch.randn(1, 2 * 1_600, requires_grad=True)
    vectors = network.encoder.feature_extractor(nn.functional.pad(samples, network.around))
    assert vectors.shape == (1, 4, 10)
    vectors[0, :, 7].sum().backward()
    assert samples.grad is not None
    reached = samples.grad[0].nonzero().flatten()
    assert (int(reached[0]), int(reached[-1]) + 1) == (7 * 320 - 40, 8 * 320 + 40)


def test_pretrained_is_known_by_its_config() -> None:
    config = MultimodalConfig.from_dict({"audio": {"kind": "pretrained"}}).audio
    assert (config.size, config.context, config.model) == (1_536, True, "wav2vec2")
    for audio in TINY.values():
        whole = MultimodalConfig.from_dict({"audio": audio})
        assert whole.audio.kind == audio["kind"]
        assert MultimodalConfig.from_dict(whole.to_dict()) == whole


def test_pretrained_refuses() -> None:
    with pytest.raises(ValueError, match=r"audio.model is one of wav2vec2, hubert, wavlm, not 'xlnet'"):
        PretrainedAudioConfig(model="xlnet")
    with pytest.raises(ValueError, match=r"audio.architecture has no option add_adapter"):
        PretrainedAudioConfig(architecture={"add_adapter": True})
    strides = TINY_ENCODER | {"conv_stride": [5, 2, 2, 2, 2, 2, 1]}
    with pytest.raises(ValueError, match=r"gives no vector each 320 samples"):
        PretrainedAudioNetwork(PretrainedAudioConfig(architecture=strides))
