"""Disturbed spectra: each disturbance does what it is called, and the generator decides all of it."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from affekt.networks.alternatives.spectrogram import COLUMNS, TINY, SpectrogramConfig
from affekt.training.default.disturbed import Disturber, read_at

BANDS = 124


@pytest.fixture
def disturb() -> Disturber:
    return Disturber(SpectrogramConfig(), torch.Generator().manual_seed(3))


def spectra(rows: int = 6, frames: int = 8) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.randn(rows, frames * COLUMNS, BANDS, generator=generator) - 4


def test_reading_between_bands_by_hand() -> None:
    x = torch.tensor([[[0.0, 10.0, 30.0]]])
    assert read_at(x, torch.tensor([[-1.0, 0.25, 1.5, 7.0]])).tolist() == [[[0.0, 2.5, 20.0, 30.0]]]


def test_one_generator_one_result() -> None:
    x, mean = spectra(), torch.zeros(BANDS)
    made = [Disturber(SpectrogramConfig(), torch.Generator().manual_seed(5))(x, mean) for _ in range(2)]
    assert torch.equal(*made)
    assert made[0].isfinite().all()
    other = Disturber(SpectrogramConfig(), torch.Generator().manual_seed(6))(x, mean)
    assert not torch.equal(made[0], other)


def test_a_higher_voice_moves_up_by_as_many_semitones(
    disturb: Disturber, monkeypatch: pytest.MonkeyPatch
) -> None:
    x = torch.full((1, 3, BANDS), -10.0)
    x[..., 64 + 30] = 0.0
    x[..., 20] = 0.0
    monkeypatch.setattr(disturb, "between", lambda low, high, *shape: torch.full(shape, -1.0))
    mel, tone = disturb.pitched(x)
    # Read one semitone lower: what was at 30 is seen at 31.
    assert tone[0, 0].argmax() == 31
    assert mel[0, 0].argmax() in (20, 21)


def test_noise_adds_power_and_never_takes_any(disturb: Disturber) -> None:
    x = spectra()
    mel, tone = disturb.in_noise(x[..., :64], x[..., 64:])
    assert (mel >= x[..., :64]).all()
    assert (tone >= x[..., 64:]).all()
    assert (mel > x[..., :64]).any(-1).any(-1).float().mean() > 0


def test_a_room_rings_on_and_leaves_the_beginning_alone(disturb: Disturber) -> None:
    x = torch.full((40, 60, BANDS), math.log(TINY))
    x[:, 10] = 0.0
    mel, tone = disturb.in_a_room(x[..., :64], x[..., 64:])
    wet = (mel[:, 11, 0] > -6).nonzero().flatten()
    assert 0 < len(wet) < 40
    room = mel[wet[0], :, 0]
    assert torch.allclose(room[:10], torch.tensor(math.log(2 * TINY)), atol=0.8)
    assert (room[11:40].diff() < 0).all()
    assert torch.equal(mel[wet[0], :, 0], tone[wet[0], :, 0])


def test_narrowing_takes_the_ends_of_the_spectrum(disturb: Disturber) -> None:
    narrow = disturb.narrowed(torch.zeros(200, 2, 64))
    lost = (narrow[:, 0] < 0).float()
    assert 0.1 < lost.any(1).float().mean() < 0.4
    assert lost[:, 8:37].sum() == 0


def test_what_is_hidden_is_the_mean(disturb: Disturber) -> None:
    mean = torch.full((BANDS,), 77.0)
    x = disturb.hidden(torch.zeros(20, 90, BANDS), mean)
    assert set(x.unique().tolist()) == {0.0, 77.0}
    # Stripes of bands leave the tones alone; stripes of time do not.
    whole = (x[:, :, 64:] == 77).all(-1) | (x[:, :, 64:] == 0).all(-1)
    assert whole.all()


def test_slower_speech_is_longer(disturb: Disturber) -> None:
    x, heard = spectra(2, 20), torch.ones(2, 20, dtype=torch.bool)
    heard[0, 10:] = False
    longer, kept = disturb.stretched(x, heard)
    assert longer.shape == (2, kept.shape[1] * COLUMNS, BANDS)
    assert 17 <= kept.shape[1] <= 24
    assert kept[0].float().mean() == pytest.approx(0.5, abs=0.05)
    assert kept[1].all()
