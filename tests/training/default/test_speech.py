"""Utterances as the audio network learns from them, in spectra or in waves."""

import numpy as np
import torch

from affekt.media.sound import frames_of_array
from affekt.networks.alternatives.spectrogram import SpectrogramConfig, SpectrogramNetwork
from affekt.timeline import ClipSpec
from affekt.training.default import speech, waveform
from affekt.training.default.data import Speech
from affekt.training.default.disturbed import Disturber

SPEC = ClipSpec(level=-10.0, level_floor=-60.0, cutoff=8_000)
RATE = 16_000
CONFIG = SpectrogramConfig()


def said(decibels: float, seconds: float, quiet: float = 0.0, seed: int = 0) -> Speech:
    """Noise at a level in dBFS, and some seconds of faint noise before it."""
    draw = np.random.default_rng(seed)
    loud = draw.standard_normal(round(seconds * RATE)) * 10 ** (decibels / 20)
    faint = draw.standard_normal(round(quiet * RATE)) * 10 ** (-70 / 20)
    samples = np.concatenate([faint, loud]).astype(np.float32)
    return Speech("x.wav", "ravdess", "a", "calm", samples, RATE, np.zeros(2, np.float32))


def test_waves_come_to_the_network_as_they_are() -> None:
    network, _ = waveform.raw()
    one = said(-20.0, 1.0)
    heard = speech.hear([one], network, SPEC)
    windows, _ = frames_of_array(one.samples, RATE, SPEC)
    np.testing.assert_allclose(heard.spectra.reshape(windows.shape).numpy(), windows, atol=2e-3)
    seen = network.eval().seen(heard.spectra[None].float())
    assert seen.shape == (1, 10, CONFIG.embedding)


def test_a_row_is_at_most_as_long_as_a_step_takes() -> None:
    people = [said(-30.0, 5.0, seed=i) for i in range(3)]
    heard = speech.hear(people, SpectrogramNetwork(CONFIG), SPEC)
    batches = speech.Batches(people, [heard], Disturber(CONFIG, torch.Generator()))
    rows = [batches.row(0, np.random.default_rng(i)) for i in range(60)]
    lengths = [sum(len(present) for _, _, present in row) for row in rows]
    assert max(lengths) <= speech.LONGEST and {len(row) for row in rows} == {1, 2}
    assert all(row[-1][0] == 0 for row in rows)


def test_noise_on_waves_is_as_loud_as_drawn() -> None:
    """Where it is drawn, 0 to 35 dB below; and nothing is stretched, for waves cannot be."""
    _, disturb = waveform.raw()
    disturb.generator.manual_seed(0)
    x = torch.ones(300, 9, 250)
    noisy = disturb(x, torch.zeros(0))
    noise = noisy.std((1, 2)) / noisy.mean((1, 2))
    quiet = noise < 1e-6
    assert 0.2 < float(quiet.float().mean()) < 0.4
    assert float(noise[~quiet].min()) > 10 ** (-36 / 20) and float(noise.max()) < 1.2
    heard = torch.ones(300, 1, dtype=torch.bool)
    assert disturb.stretched(x, heard)[0] is x
