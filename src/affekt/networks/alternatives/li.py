"""Table 2's "Li et al.": a spectrogram, convolutions, a bidirectional LSTM, and self-attention.

As we read reference 14 of the paper, it is Li, Zhao, Kawahara 2019, "Improved end-to-end speech emotion
recognition using self attention mechanism and multitask learning" (Interspeech). Its abstract says: features
from spectrograms, self-attention for the salient periods of an utterance, the speaker's gender as a second
task. We had no copy of more, so the sizes are ours.

What differs: it gives a vector a frame instead of one an utterance (the pools over time leave one position a
frame, the LSTM and the attention run over the frames of a clip, and what a frame attends to is added to it);
and there is no second task, since corpora do not tell the gender.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from affekt.networks.alternatives.sound import ClipConfig, ClipNetwork

LOUDNESS = 1e6
"""log10(1 + LOUDNESS · power) is 0 in silence and 6 for a tone of full scale."""


@dataclass(frozen=True)
class LiConfig(ClipConfig):
    """Sizes of the network: 662,464 parameters."""

    kind: str = "li"
    spectrum: int = 512
    """Samples a spectrum is of, 23 ms, Hamming-windowed."""
    mels: int = 40
    """Bands from 60 Hz to 8 kHz, or to the highest frequency there is."""
    channels: tuple[int, int] = (16, 32)
    kernels: tuple[int, int] = (5, 3)
    mel_pool: int = 2
    """Bands pooled after each convolution."""
    pools: tuple[int, int] = (3, 3)
    """Spectra pooled after each convolution; their product is the spectra a frame, 9 of 11 ms."""
    hidden: int = 128
    dropout: float = 0.5

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.hop % self.steps:
            raise ValueError(f"audio.pools {self.pools} do not divide the {self.hop} samples of a frame")
        if self.mels % self.mel_pool**2:
            raise ValueError(f"audio.mel_pool {self.mel_pool} does not divide {self.mels} bands twice")

    @property
    def steps(self) -> int:
        """Spectra a frame."""
        return prod(self.pools)

    @property
    def frame_size(self) -> int:
        """Features of one half: both directions of the LSTM (256)."""
        return 2 * self.hidden


class LiNetwork(ClipNetwork):
    """Spectrogram, two convolutions, bidirectional LSTM, self-attention, in the half of who speaks."""

    config: LiConfig
    waves: Tensor
    bands: Tensor

    def __init__(self, config: LiConfig | None = None) -> None:
        c = config or LiConfig()
        super().__init__(c)
        # Nothing to learn, and the same whenever they are made: no weights of the bundle.
        self.register_buffer("waves", fourier(c.spectrum), persistent=False)
        self.register_buffer("bands", mel_bands(c.mels, c.spectrum, c.rate), persistent=False)
        self.convs = nn.ModuleList(
            nn.Conv2d(i, o, k, padding=k // 2)
            for i, o, k in zip((1, c.channels[0]), c.channels, c.kernels, strict=True)
        )
        self.dropout = nn.Dropout(c.dropout)
        inputs = c.channels[1] * c.mels // c.mel_pool**2
        self.lstm = nn.LSTM(inputs, c.hidden, batch_first=True, bidirectional=True)
        self.query, self.key, self.value = (
            nn.Linear(c.frame_size, c.frame_size, bias=False) for _ in range(3)
        )

    def spectrogram(self, wave: Tensor) -> Tensor:
        """wave (N, margin + clip · hop + margin) → log power of the bands (N, mels, clip · steps)."""
        c, step = self.config, self.config.hop // self.config.steps
        # Spectrum k is centred on its own step of sound.
        missing = c.spectrum - step - 2 * c.margin
        padded = F.pad(wave, (missing // 2, missing - missing // 2)).unsqueeze(1)
        parts = F.conv1d(padded, self.waves, stride=step)
        real, imaginary = parts.chunk(2, 1)
        return torch.log10(1 + LOUDNESS * (self.bands @ (real * real + imaginary * imaginary)))

    def attend(self, x: Tensor) -> Tensor:
        """Every frame looks at all frames of its clip: x (N, clip, D) → (N, clip, D)."""
        logits = self.query(x) @ self.key(x).transpose(1, 2) / x.shape[-1] ** 0.5
        return x + torch.softmax(logits, -1) @ self.value(x)

    def clip_features(self, wave: Tensor) -> Tensor:
        """wave (N, margin + clip · hop + margin) → (N, clip, frame_size)."""
        x = self.spectrogram(wave).unsqueeze(1)
        for conv, pool in zip(self.convs, self.config.pools, strict=True):
            x = self.dropout(F.max_pool2d(torch.relu(conv(x)), (self.config.mel_pool, pool)))
        x, _ = self.lstm(x.flatten(1, 2).transpose(1, 2))
        return self.attend(self.dropout(x))


def fourier(size: int) -> Tensor:
    """Convolution weights (2 · (size / 2 + 1), 1, size): cosines, then sines, each Hamming-windowed.

    Scaled so that a sine of amplitude 1 in the middle of a band of frequencies has power 1.
    """
    time = torch.arange(size, dtype=torch.float64)
    angle = 2 * torch.pi * torch.arange(size // 2 + 1, dtype=torch.float64).unsqueeze(1) * time / size
    window = torch.hamming_window(size, dtype=torch.float64)
    waves = torch.cat([angle.cos(), angle.sin()]) * window * (2 / window.sum())
    return waves.unsqueeze(1).float()


def mel_bands(mels: int, size: int, rate: int, lowest: float = 60.0, highest: float = 8_000.0) -> Tensor:
    """Triangles (mels, size / 2 + 1), equally wide in mel = 2595 log10(1 + f / 700), each as high as 1.

    Raises:
        ValueError: a band is so narrow that no frequency of the spectrum lies in it.
    """
    ends = torch.tensor([lowest, min(highest, rate / 2)], dtype=torch.float64)
    first, last = (2595 * torch.log10(1 + ends / 700)).tolist()
    corners = 700 * (10 ** (torch.linspace(first, last, mels + 2, dtype=torch.float64) / 2595) - 1)
    frequencies = torch.arange(size // 2 + 1, dtype=torch.float64) * rate / size
    left, middle, right = (corners[i : i + mels].unsqueeze(1) for i in range(3))
    rising, falling = (frequencies - left) / (middle - left), (right - frequencies) / (right - middle)
    bands = torch.minimum(rising, falling).clamp(min=0)
    if not bands.any(1).all():
        raise ValueError(f"audio.mels: {mels} bands are too many for spectra of {size} samples")
    return bands.float()
