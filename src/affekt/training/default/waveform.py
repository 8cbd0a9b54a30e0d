"""Raw waveform or spectrogram: the paper's convolutions in the place of the spectra, all else the same.

Same speech, same joins, same frames before and after, same losses and epochs. Waves are disturbed by noise
and gain, and heard at the same speeds; what is drawn on spectra (other tempi and pitches, microphones, rooms,
narrow bands, hidden stripes) has no counterpart here.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn

from affekt.networks import AudioConfig, AudioNetwork
from affekt.networks.alternatives.spectrogram import COLUMNS, SpectrogramConfig, SpectrogramNetwork
from affekt.timeline import ClipSpec
from affekt.timeline.files import write_values
from affekt.training.default import speech
from affekt.training.default.disturbed import Disturber
from affekt.training.loop import WEIGHTS, logged

FRAMES = AudioConfig(channels=(32, 64, 128), dropout=0.2)
"""The paper's network at about the spectrogram's cost."""
NAME = "audio-raw"


class Pieces(nn.Module):
    """A frame's window in as many pieces as a frame has columns of spectra."""

    def forward(self, windows: Tensor) -> Tensor:
        """(B, T, window) → (B, 9 T, window / 9)."""
        return windows.reshape(len(windows), -1, windows.shape[2] // COLUMNS)


class WaveNetwork(SpectrogramNetwork):
    """`SpectrogramNetwork` that hears each frame by the paper's convolutions."""

    def __init__(self, config: SpectrogramConfig) -> None:
        super().__init__(config)
        self.spectra = Pieces()
        self.mels, self.tones = nn.Sequential(), nn.Sequential()
        self.frames = AudioNetwork(replace(FRAMES, window=config.window))
        self.now = nn.Linear(self.frames.config.frame_size, config.embedding)

    def measure(self, log_power: Tensor) -> None:
        """Waves are taken as they are."""

    def wave(self, windows: Tensor) -> Tensor:
        """Windows stay windows."""
        return windows

    def seen(self, log_power: Tensor) -> Tensor:
        """Pieces (B, 9 T, window / 9) → (B, T, embedding)."""
        features = self.frames.frame_features(log_power.reshape(-1, self.frames.config.window))
        return torch.relu(self.now(self.dropout(features))).unflatten(0, (len(log_power), -1))


class WaveDisturber(Disturber):
    """Noise and gain, drawn on waves."""

    def __init__(self, config: SpectrogramConfig, generator: torch.Generator) -> None:
        super().__init__(config, generator)
        self.silence = 0.0

    def __call__(self, x: Tensor, mean: Tensor) -> Tensor:  # noqa: ARG002 - called as spectra's is
        """Most get white noise at 0 to 35 dB; all are up to 5 dB louder or softer."""
        n = len(x)
        loud = x.square().mean((1, 2), keepdim=True).sqrt()
        noise = loud * 10 ** (-self.between(0, 35, n, 1, 1) / 20) * self.normal(*x.shape)
        gain = 10 ** (self.between(-5, 5, n, 1, 1) / 20)
        return (x + noise * self.some(0.7, n)) * gain

    def stretched(self, x: Tensor, heard: Tensor) -> tuple[Tensor, Tensor]:
        """Waves cannot be stretched at the same pitch."""
        return x, heard


def raw() -> tuple[SpectrogramNetwork, Disturber]:
    """The network on waves, and what disturbs them."""
    return WaveNetwork(speech.CONFIG), WaveDisturber(speech.CONFIG, torch.Generator())


def compare_inputs(data: Path, run: Path, spec: ClipSpec, epochs: int = 40) -> None:
    """Train on waves as RUN/audio was on spectra, for the card: RUN/comparison.json."""
    if not (run / NAME / WEIGHTS).exists():
        speech.train_speech(data, run, spec, epochs, name=NAME, make=raw)
    spectra, waves = logged(run / "audio"), logged(run / NAME)
    rows = [
        {"a frame is heard by": name} | {key: round(value, 3) for key, value in scores.items()}
        for name, scores in (("spectra (this model's)", spectra), ("the raw waveform, the paper's", waves))
    ]
    note = (
        f"{epochs} epochs each, by the network's own linear head, mean of an utterance's trace. All after the"
        " frame's vector is the same. Noise and gain disturb both; other tempi and pitches, microphones,"
        " rooms, narrow bands and hidden stripes only the spectra, for they are drawn on them. Learning rate"
        " and dropout were chosen for spectra."
    )
    write_values(run / "comparison.json", {"rows": rows, "note": note})
