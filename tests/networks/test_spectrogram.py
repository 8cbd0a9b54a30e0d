"""The spectrogram network: what its spectra show, how far it looks, whom it listens to."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from affekt.networks.alternatives.spectrogram import (
    COLUMNS,
    TINY,
    Spectra,
    SpectrogramConfig,
    SpectrogramNetwork,
    mel_bank,
    moments_around,
)

SMALL = SpectrogramConfig(
    mel_channels=(4, 4, 6, 8), tone_channels=(3, 3, 4, 4), embedding=16, outputs=12, around=(2, 5)
)


def recording(frames: int, seed: int = 0) -> Tensor:
    """Windows (1, frames, 2250) of consecutive frames of noise."""
    wave = torch.randn(1, frames * 2205 + 45, generator=torch.Generator().manual_seed(seed)) * 0.1
    return wave.unfold(1, 2250, 2205).clone()


@pytest.fixture(scope="module")
def network() -> SpectrogramNetwork:
    torch.manual_seed(0)
    network = SpectrogramNetwork(SMALL).eval()
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    return network


def tone(hz: float, frames: int = 12) -> Tensor:
    wave = torch.sin(2 * math.pi * hz * torch.arange(2205 * (frames + 1) + 22) / 22_050)
    return wave.unsqueeze(0)


@pytest.mark.parametrize("semitone", [12, 24, 40])
def test_a_pure_tone_stands_out_in_its_semitone(semitone: int) -> None:
    spectra = Spectra(SpectrogramConfig())(tone(60 * 2 ** (semitone / 12)))
    assert spectra.shape == (1, 12 * COLUMNS, 124)
    tones = spectra[0, COLUMNS:, 64:]
    assert (tones.argmax(-1) == semitone).all()
    # A sine of amplitude 1 has power ¼ behind a filter of gain ½ on each side, a thousand times for scale.
    assert tones.max() == pytest.approx(math.log(250), abs=0.1)


def test_a_pure_tone_stands_out_in_its_mel_band() -> None:
    spectra = Spectra(SpectrogramConfig())(tone(1000.0))
    bank = mel_bank(SpectrogramConfig())
    hz = (bank * torch.arange(257).unsqueeze(1)).sum(0) / bank.sum(0) * 22_050 / 512
    assert (spectra[0, COLUMNS:, :64].argmax(-1) == (hz - 1000).abs().argmin()).all()


def test_silence_is_the_floor() -> None:
    spectra = Spectra(SpectrogramConfig())(torch.zeros(2, 2205 * 4 + 22))
    assert torch.allclose(spectra, torch.tensor(math.log(TINY)), atol=1e-6)


def test_each_column_ends_where_its_samples_end() -> None:
    """Sound that begins after a column's end does not show in it."""
    wave = torch.zeros(1, 2205 * 4 + 22)
    end = 2205 + 245 * 10 + 22  # of the tenth column: the first of the second frame
    wave[0, end:] = torch.randn(wave.shape[1] - end, generator=torch.Generator().manual_seed(1))
    spectra = Spectra(SpectrogramConfig())(wave)
    silent = torch.isclose(spectra[0], torch.tensor(math.log(TINY)), atol=1e-5).all(-1)
    assert silent[:10].all()
    assert not silent[10:].any()


def test_it_looks_as_far_as_it_says(network: SpectrogramNetwork) -> None:
    """Another sound `past` + 1 before or `future` + 1 after a frame changes nothing; one nearer does."""
    c, frames = network.config, 60
    k, speaker = 30, torch.zeros(1, frames, dtype=torch.int64)
    whole = recording(frames)
    with torch.no_grad():
        x = network(whole, speaker)[0, k]
        for other, same in (
            (k - c.past - 1, True),
            (k - c.past + 1, False),
            (k + c.future - 1, False),
            (k + c.future + 1, True),
        ):
            changed = whole.clone()
            # A frame's own samples and those of its neighbours' windows that are the same sound.
            changed[0, other, 22:2227] = torch.randn(2205, generator=torch.Generator().manual_seed(9))
            assert torch.equal(network(changed, speaker)[0, k], x) == same, other


@settings(deadline=None, max_examples=15)
@given(st.data())
def test_pieces_are_as_the_whole(data: st.DataObject) -> None:
    torch.manual_seed(0)
    network = SpectrogramNetwork(SMALL).eval()
    frames = data.draw(st.integers(2, 50))
    speaker = torch.tensor([data.draw(st.lists(st.integers(0, 1), min_size=frames, max_size=frames))])
    absent = torch.tensor(data.draw(st.lists(st.booleans(), min_size=frames, max_size=frames)))
    windows = recording(frames)
    windows[0, absent] = 0
    first = data.draw(st.integers(0, frames - 1))
    stop = data.draw(st.integers(first + 1, frames))
    before, after = max(0, first - network.config.past), min(frames, stop + network.config.future)
    with torch.no_grad():
        whole = network(windows, speaker)[:, first:stop]
        piece = network(windows[:, before:after], speaker[:, before:after])[:, first - before : stop - before]
    assert torch.allclose(piece, whole, atol=1e-5)


def test_each_person_is_summed_up_apart(network: SpectrogramNetwork) -> None:
    """What the other one says, away from where the convolutions reach, changes nothing of the subject's."""
    frames = 40
    speaker = torch.zeros(1, frames, dtype=torch.int64)
    speaker[0, 22:30] = 1
    a, b = recording(frames), recording(frames, seed=1)
    b[0, :22], b[0, 30:] = a[0, :22], a[0, 30:]
    with torch.no_grad():
        one, two = network(a, speaker), network(b, speaker)
    half = network.config.frame_size
    assert torch.equal(one[:, :22], two[:, :22])
    assert not torch.allclose(one[:, 22:30, half:], two[:, 22:30, half:])
    assert (one[:, :22, half:] == 0).all()
    assert (one[:, 22:30, :half] == 0).all()


def test_moments_by_hand() -> None:
    x = torch.tensor([[[1.0], [3.0], [8.0], [100.0]]])
    weights = torch.tensor([[[1.0], [1.0], [2.0], [0.0]]])
    mean, spread = moments_around(x, weights, 1)
    assert torch.allclose(mean[0, :, 0], torch.tensor([2.0, 5.0, 19 / 3, 8.0]), rtol=1e-3)
    # Of 1, 3 and twice 8: mean 5, mean square (1 + 9 + 128) / 4.
    assert spread[0, 1, 0] == pytest.approx(math.sqrt(138 / 4 - 25), rel=1e-2)


def test_measured_spectra_arrive_at_one_size() -> None:
    network = SpectrogramNetwork(SMALL)
    seen = torch.randn(500, 124, generator=torch.Generator().manual_seed(0)) * 3 - 5
    network.measure(seen)
    assert torch.allclose(network.mean, seen.mean(0))
    assert torch.allclose(network.std, seen.std(0))
