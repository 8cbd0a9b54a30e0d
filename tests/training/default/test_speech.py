"""Utterances as the audio network learns from them: alone, and after something else was heard."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from affekt.media.sound import frames_of_array
from affekt.networks.alternatives.spectrogram import COLUMNS, SpectrogramConfig, SpectrogramNetwork
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


@pytest.mark.parametrize("raw", [False, True])
def test_soft_after_loud_is_as_soft_as_in_one_recording(raw: bool) -> None:
    torch.manual_seed(0)
    network, disturb = waveform.raw() if raw else speech.spectral()
    loud, soft = said(-20.0, 2.0), said(-40.0, 2.0, seed=1)
    one = replace(loud, samples=np.concatenate([loud.samples, soft.samples]))
    apart, whole = (speech.hear(part, network, SPEC) for part in ([loud, soft], [one]))
    piece = speech.Piece(
        1,
        apart.spectra[20 * COLUMNS :].float(),
        apart.present[20:],
        apart.level[20:],
    ).after(float(apart.level[19]), disturb.softened)
    # But for the first two frames, whose columns still hear what went before.
    got, wanted = piece.spectra[2 * COLUMNS :], whole.spectra[22 * COLUMNS :].float()
    assert float((got - wanted).abs().mean()) < 0.05 * float(wanted.std())
    alone = apart.spectra[22 * COLUMNS :].float()
    assert float((alone - wanted).abs().mean()) > 0.2 * float(wanted.std())
    assert torch.allclose(piece.level[2:], whole.level[22:], atol=0.3)


def test_loud_after_soft_is_as_if_alone() -> None:
    network, disturb = speech.spectral()
    heard = speech.hear([said(-20.0, 1.0)], network, SPEC)
    piece = speech.Piece(0, heard.spectra.float(), heard.present, heard.level)
    assert torch.allclose(piece.after(-45.0, disturb.softened).spectra, piece.spectra, atol=1e-4)


def test_the_level_is_what_the_follower_remembers() -> None:
    heard = speech.hear([said(-30.0, 1.0, quiet=1.0)], SpectrogramNetwork(CONFIG), SPEC)
    assert heard.level[:9].max() <= -59.0  # its floor: faint noise is not raised from below it
    assert heard.level[11:].mean() == pytest.approx(-30.0, abs=0.7)


def test_quiet_before_words_can_be_trimmed() -> None:
    heard = speech.hear([said(-30.0, 1.0, quiet=1.0)], SpectrogramNetwork(CONFIG), SPEC)
    (first, stop), frames = heard.spoken[0], heard.start[1]
    assert (frames, stop) == (20, 20) and first in (9, 10)
    lengths = {len(heard.cut(0, np.random.default_rng(i), 48).present) for i in range(40)}
    assert {20, 20 - first} <= lengths and min(lengths) >= 10
    assert max(len(heard.cut(0, np.random.default_rng(i), 7).present) for i in range(9)) == 7


def test_silence_has_no_words_and_no_level_of_its_own() -> None:
    silent = replace(said(-30.0, 1.0), samples=np.zeros(RATE, np.float32))
    heard = speech.hear([silent], SpectrogramNetwork(CONFIG), SPEC)
    assert not heard.present.any() and heard.spoken == [(0, 10)]
    assert heard.level.tolist() == [-60.0] * 10


def test_waves_come_to_the_network_as_they_are() -> None:
    network, _ = waveform.raw()
    one = said(-20.0, 1.0)
    heard = speech.hear([one], network, SPEC)
    windows, _ = frames_of_array(one.samples, RATE, SPEC)
    np.testing.assert_allclose(heard.spectra.reshape(windows.shape).numpy(), windows, atol=2e-3)
    seen = network.eval().seen(heard.spectra[None].float())
    assert seen.shape == (1, 10, 2 * CONFIG.embedding)


def test_a_row_is_at_most_as_long_as_a_step_takes() -> None:
    people = [said(-30.0, 5.0, seed=i) for i in range(3)]
    network = SpectrogramNetwork(CONFIG)
    heard = speech.hear(people, network, SPEC)
    batches = speech.Batches(people, [heard], Disturber(CONFIG, torch.Generator()))
    rows = [batches.row(0, np.random.default_rng(i)) for i in range(60)]
    lengths = [sum(len(piece.present) for piece in row) for row in rows]
    assert max(lengths) <= speech.LONGEST and {len(row) for row in rows} == {1, 2}
    assert all(row[-1].utterance == 0 for row in rows)
