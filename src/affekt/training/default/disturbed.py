"""Speech as other rooms, microphones, codecs and voices would have it, drawn on its spectra.

Everything works on the log-power of `networks.alternatives.spectrogram.Spectra`, (B, L, mels + tones): there,
another pitch is a shift, another microphone a sum, and noise and rooms are sums of powers, all far cheaper
than on the waveform. What is drawn follows from the generator.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from affekt.networks.alternatives.spectrogram import COLUMNS, TINY, SpectrogramConfig

DB = math.log(10) / 10
"""Of log-power."""


class Disturber:
    """Draws disturbances for batches of spectra."""

    def __init__(self, config: SpectrogramConfig, generator: torch.Generator) -> None:
        self.silence = math.log(TINY)
        self.mels, self.tones = config.mels, config.tones
        self.generator = generator
        low, high = (2595 * math.log10(1 + hz / 700) for hz in (50.0, float(config.top)))
        self.step = (high - low) / (config.mels + 1)
        self.centres = low + self.step * torch.arange(1, config.mels + 1)
        """Of the mel bands, in mel."""

    def __call__(self, x: Tensor, mean: Tensor) -> Tensor:
        """Disturb (B, L, mels + tones) in every way; `mean` (mels + tones,) stands for what is hidden."""
        mel, tone = self.pitched(x)
        mel = mel + self.curve(len(x), 6, 0.8) + self.curve(len(x), 3, 0.6)
        mel, tone = self.in_noise(mel, tone)
        mel, tone = self.in_a_room(mel, tone)
        mel = self.narrowed(mel)
        louder = self.between(-1.2, 1.2, len(x), 1, 1)
        return self.hidden(torch.cat([mel, tone], -1) + louder, mean)

    def between(self, low: float, high: float, *shape: int) -> Tensor:
        """Numbers between two bounds."""
        return torch.rand(shape, generator=self.generator) * (high - low) + low

    def normal(self, *shape: int) -> Tensor:
        """Numbers of the normal distribution."""
        return torch.randn(shape, generator=self.generator)

    def some(self, share: float, n: int) -> Tensor:
        """(n, 1, 1) bool, True with this probability."""
        return self.between(0, 1, n, 1, 1) < share

    def curve(self, n: int, knots: int, size: float) -> Tensor:
        """(n, 1, mels): smooth curves over the bands, as microphones and equalisers have them."""
        return F.interpolate(
            self.normal(n, 1, knots) * size, size=self.mels, mode="linear", align_corners=True
        )

    def stretched(self, x: Tensor, heard: Tensor) -> tuple[Tensor, Tensor]:
        """Speak all of a batch (B, 9 T, ·), heard (B, T), slower or faster, at the same pitch."""
        frames = max(4, round(heard.shape[1] * float(self.between(0.85, 1.18, 1))))
        longer = F.interpolate(x.transpose(1, 2), size=COLUMNS * frames, mode="linear").transpose(1, 2)
        kept = F.interpolate(heard.unsqueeze(1).float(), size=frames, mode="nearest").squeeze(1)
        return longer, kept > 0.5

    def pitched(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Raise or lower the voice by up to 1.5 semitones, formants and all: mels and tones, (B, L, ·)."""
        shift = self.between(-1.5, 1.5, len(x), 1)
        hz = 700 * (10 ** (self.centres / 2595) - 1) * 2 ** (shift / 12)
        bands = (2595 * torch.log10(1 + hz / 700) - self.centres[0]) / self.step
        steps = torch.arange(self.tones) + shift
        return read_at(x[..., : self.mels], bands), read_at(x[..., self.mels :], steps)

    def in_noise(self, mel: Tensor, tone: Tensor) -> tuple[Tensor, Tensor]:
        """Most get a noise of some colour at 0 to 35 dB, that swells and fades."""
        n, length = mel.shape[:2]
        softer = self.between(0, 35, n, 1, 1) * DB - 2
        colour = self.curve(n, 5, 1.5) + self.between(-1, 1, n, 1, 1) * torch.linspace(-2, 2, self.mels)
        swell = F.interpolate(self.normal(n, 1, length // COLUMNS + 2), size=length, mode="linear")
        swell = swell.transpose(1, 2) * self.between(0, 1, n, 1, 1)
        loud = torch.logsumexp(mel.mean(-1), 1).view(-1, 1, 1) - math.log(length)
        noise = loud + colour - softer + swell + 0.25 * self.normal(*mel.shape)
        slope = self.between(-1, 1, n, 1, 1) * torch.linspace(2, -2, self.tones)
        hum = tone.mean((1, 2), keepdim=True) + slope - softer + swell + 0.5 * self.normal(*tone.shape)
        noisy = self.some(0.7, n)
        return (
            torch.where(noisy, torch.logaddexp(mel, noise), mel),
            torch.where(noisy, torch.logaddexp(tone, hum), tone),
        )

    def in_a_room(self, mel: Tensor, tone: Tensor) -> tuple[Tensor, Tensor]:
        """Some sound on for 0.2 to 0.9 s (T60), as in a room."""
        n, length, last = len(mel), mel.shape[1], 45
        per_second = 10 * COLUMNS
        decay = 60 * DB / (self.between(0.2, 0.9, n, 1) * per_second)
        room = torch.exp(-decay * torch.arange(last)) * self.between(0.05, 0.4, n, 1)
        room[:, 0] = 1
        rows = self.some(0.3, n).flatten().nonzero().flatten()
        x = torch.cat([mel, tone], -1)
        if len(rows):
            dry = torch.exp(x[rows]).transpose(1, 2)
            kernel = room[rows].flip(1).repeat_interleave(dry.shape[1], 0).unsqueeze(1)
            padded = F.pad(dry.reshape(1, -1, length), (last - 1, 0))
            wet = F.conv1d(padded, kernel, groups=len(kernel)).reshape(dry.shape)
            x = x.index_copy(0, rows, torch.log(wet.transpose(1, 2) + TINY))
        return x[..., : self.mels], x[..., self.mels :]

    def narrowed(self, mel: Tensor) -> Tensor:
        """A quarter lose their highest or lowest bands, as telephones and codecs take them away."""
        n, band = len(mel), torch.arange(self.mels)
        top, bottom = self.between(0.6, 0.97, n, 1, 1), self.between(-0.1, 0.08, n, 1, 1)
        outside = (band > top * self.mels) | (band < bottom * self.mels)
        return torch.where(outside & self.some(0.25, n), math.log(TINY) + 1, mel)

    def hidden(self, x: Tensor, mean: Tensor) -> Tensor:
        """Hide two stripes of bands and two of time (SpecAugment, Park et al. 2019)."""
        n, length = x.shape[:2]
        band, column = torch.arange(x.shape[2]), torch.arange(length).unsqueeze(1)
        gone = torch.zeros(n, 1, 1, dtype=torch.bool)
        for _ in range(2):
            first, wide = self.between(0, self.mels, n, 1, 1), self.between(0, 10, n, 1, 1)
            gone = gone | ((band >= first) & (band < first + wide) & (band < self.mels))
            first, long = self.between(0, length, n, 1, 1), self.between(0, 18, n, 1, 1)
            gone = gone | ((column >= first) & (column < first + long))
        return torch.where(gone, mean, x)


def read_at(x: Tensor, places: Tensor) -> Tensor:
    """x (B, L, N) between its bands, at places (B, M) counted in bands; beyond its ends, them: (B, L, M)."""
    last = x.shape[2] - 1
    places = places.clamp(0, last)
    low = places.floor().clamp(max=last - 1).long()
    share = (places - low).unsqueeze(1)
    rows = low.unsqueeze(1).expand(-1, x.shape[1], -1)
    return x.gather(2, rows) * (1 - share) + x.gather(2, rows + 1) * share
