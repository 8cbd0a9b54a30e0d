"""What learns best from an hour of speech (beyond the paper): spectra, and how the voice is around a moment.

From the windows of a recording, laid end to end, come two pictures of each frame: a mel spectrum, nine
columns a frame, and below 1.9 kHz a constant-Q one in semitones, fine enough to show the pitch. Convolutions
make one vector a frame of them. A frame's features then say what is heard now, and the mean and spread of
what this speaker sounds like within half a second and within a few seconds of it, weighed by attention (Okabe
et al. 2018), as the functionals of feature sets such as eGeMAPS do for a whole file (Eyben et al. 2016).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from affekt.networks.alternatives.sound import ClipConfig, by_speaker

COLUMNS = 9
"""Of the spectra, a frame."""
SHORT, LONG = 512, 2048
"""Samples under a column of the mel spectrum and, at most, of the constant-Q one; both end with it."""
CYCLES = 20
"""Of a tone, that its filter sees."""
TINY = 1e-6
"""Power of silence, so that it has a logarithm."""
SEEN_BEFORE = 5
"""Frames before a frame that the spectra and their convolutions reach into; they never look ahead."""
DILATIONS = (1, 2, 4)
"""Of the convolutions over frames, each three frames wide."""


@dataclass(frozen=True)
class SpectrogramConfig(ClipConfig):
    """Sizes of the spectrogram network."""

    kind: str = "spectrogram"
    mels: int = 64
    top: int = 8_000
    """Hz up to which the mel spectrum goes."""
    tones: int = 60
    """Semitones of the constant-Q spectrum."""
    lowest: float = 60.0
    """Hz of its first one."""
    floor: float = -11.0
    """Log-power that silence is raised to; what is much softer is not heard."""
    mel_channels: tuple[int, ...] = (32, 64, 96, 128)
    tone_channels: tuple[int, ...] = (16, 32, 48, 64)
    embedding: int = 160
    around: tuple[int, ...] = (6, 35)
    """Frames before and after a frame within which the voice is summed up."""
    heads: int = 8
    """Ways of weighing these frames."""
    outputs: int = 160
    dropout: float = 0.3

    @property
    def frame_size(self) -> int:
        """Features of one half."""
        return self.outputs

    @property
    def past(self) -> int:
        """Frames before a frame that its features depend on."""
        return SEEN_BEFORE + self.future

    @property
    def future(self) -> int:
        """Frames after a frame that its features depend on, if they are there."""
        return sum(DILATIONS) + max(self.around)


def mel_bank(config: SpectrogramConfig) -> Tensor:
    """Triangular mel filters from 50 Hz on, (SHORT // 2 + 1, mels)."""

    def mel(hz: Tensor) -> Tensor:
        return 2595 * torch.log10(1 + hz / 700)

    low, high = mel(torch.tensor([50.0, float(config.top)]))
    steps = torch.linspace(0, 1, config.mels + 2)
    edges = 700 * (10 ** ((low + steps * (high - low)) / 2595) - 1)
    hz = torch.arange(SHORT // 2 + 1).unsqueeze(1) * config.rate / SHORT
    up = (hz - edges[:-2]) / (edges[1:-1] - edges[:-2])
    down = (edges[2:] - hz) / (edges[2:] - edges[1:-1])
    return torch.minimum(up, down).clamp(min=0)


def tone_filters(config: SpectrogramConfig) -> Tensor:
    """Windowed cosines, then sines, of each tone, centred: (2 · tones, LONG); a tone of 1 gives about ½."""
    hz = config.lowest * 2 ** (torch.arange(config.tones) / 12)
    filters = torch.zeros(2, config.tones, LONG)
    for i, f in enumerate(hz.tolist()):
        n = min(LONG, round(CYCLES * config.rate / f))
        window = torch.hann_window(n, periodic=False)
        phase = 2 * math.pi * f * torch.arange(n) / config.rate
        start = (LONG - n) // 2
        wave = torch.stack([phase.cos(), phase.sin()]) * window / window.sum()
        filters[:, i, start : start + n] = wave
    return filters.flatten(0, 1)


class Spectra(nn.Module):
    """A wave → log-power of its mel spectrum and its tones, column by column, nothing ahead of a column."""

    bank: Tensor
    fourier: Tensor
    tones: Tensor

    def __init__(self, config: SpectrogramConfig) -> None:
        super().__init__()
        self.config = config
        bank = mel_bank(config)
        used = int(bank.any(1).nonzero().max()) + 1
        turns = torch.outer(torch.arange(used), torch.arange(SHORT)) % SHORT * (2 * math.pi / SHORT)
        fourier = torch.cat([turns.cos(), turns.sin()]) * torch.hann_window(SHORT)
        # A bundle keeps them in half precision, so that is what training hears through.
        for name, value in (("bank", bank[:used]), ("fourier", fourier), ("tones", tone_filters(config))):
            self.register_buffer(name, value.half().float())

    def forward(self, wave: Tensor) -> Tensor:
        """wave (B, hop + T · hop + margin), the frame before the first one first → (B, 9 T, mels + tones)."""
        hop = self.config.hop // COLUMNS
        # The last column ends with the wave; so each ends `margin` samples into what comes after it.
        mels = self.power(wave, self.fourier, hop) @ self.bank
        tones = self.power(wave, self.tones, hop) * 1e3
        columns = (wave.shape[1] - self.config.margin) // self.config.hop * COLUMNS - COLUMNS
        return torch.cat([torch.log(p[:, -columns:] + TINY) for p in (mels, tones)], -1)

    def power(self, wave: Tensor, filters: Tensor, hop: int) -> Tensor:
        """Power at each column of filters (2 N, L), real parts first: (B, columns, N)."""
        first = (wave.shape[1] - filters.shape[1]) % hop
        found = F.conv1d(wave[:, first:].unsqueeze(1), filters.unsqueeze(1), stride=hop)
        real, imaginary = found.transpose(1, 2).chunk(2, -1)
        return real**2 + imaginary**2


class CausalBlock(nn.Module):
    """3×3 convolutions over columns and bands that never look at a later column; then maximum pooling."""

    def __init__(self, inputs: int, outputs: int, pool: tuple[int, int], convs: int = 1) -> None:
        super().__init__()
        sizes = [inputs] + [outputs] * (convs - 1)
        self.convs = nn.ModuleList(nn.Conv2d(i, outputs, 3, bias=False) for i in sizes)
        self.norms = nn.ModuleList(nn.BatchNorm2d(outputs) for _ in sizes)
        self.pool = pool

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, columns, bands) → (B, outputs, columns / pool, bands / pool)."""
        for conv, norm in zip(self.convs, self.norms, strict=True):
            x = torch.relu(norm(conv(F.pad(x, (1, 1, 2, 0)))))
        return F.max_pool2d(x, self.pool)


class SpectrogramNetwork(nn.Module):
    """Spectra → convolutions → what is heard now, and its mean and spread over the frames around."""

    mean: Tensor
    std: Tensor

    def __init__(self, config: SpectrogramConfig | None = None) -> None:
        super().__init__()
        self.config = c = config or SpectrogramConfig()
        self.spectra: nn.Module = Spectra(c)
        bands = c.mels + c.tones
        self.register_buffer("mean", torch.zeros(bands))
        self.register_buffer("std", torch.ones(bands))
        m, t = c.mel_channels, c.tone_channels
        self.mels = nn.Sequential(
            CausalBlock(1, m[0], (1, 2)),
            CausalBlock(m[0], m[0], (3, 2)),
            CausalBlock(m[0], m[1], (1, 2)),
            CausalBlock(m[1], m[2], (3, 2)),
            nn.Dropout2d(0.1),
            CausalBlock(m[2], m[3], (1, 1)),
        )
        self.tones = nn.Sequential(
            CausalBlock(1, t[0], (3, 1)),
            CausalBlock(t[0], t[1], (1, 2)),
            CausalBlock(t[1], t[2], (3, 2)),
            CausalBlock(t[2], t[3], (1, 3)),
        )
        width = m[3] * (c.mels // 16) + t[3] * (c.tones // 12)
        self.now = nn.Linear(width, c.embedding)
        self.beside = nn.ModuleList(nn.Conv1d(c.embedding, c.embedding, 3, dilation=d) for d in DILATIONS)
        self.weigh = nn.Linear(c.embedding, c.heads)
        self.told = nn.Linear(c.embedding * 2 * (1 + len(c.around)), c.frame_size)
        self.dropout = nn.Dropout(c.dropout)

    @torch.no_grad()
    def measure(self, log_power: Tensor) -> None:
        """Take mean and spread of the spectra from training's, (N, mels + tones)."""
        self.mean.copy_(log_power.mean(0))
        self.std.copy_(log_power.std(0))

    def wave(self, windows: Tensor) -> Tensor:
        """windows (B, T, window) laid end to end, a frame of silence before: (B, hop + T · hop + margin)."""
        c = self.config
        frames = windows[..., c.margin : c.margin + c.hop].flatten(1)
        after = windows[:, -1, c.margin + c.hop : 2 * c.margin + c.hop]
        return torch.cat([frames.new_zeros(frames.shape[0], c.hop), frames, after], 1)

    def forward(self, windows: Tensor, speaker: Tensor) -> Tensor:
        """windows (B, T, window), zero where nothing is heard, speaker (B, T) int64 → x^a (B, T, D_a)."""
        heard = windows.abs().amax(-1) > 0
        features = self.features(self.seen(self.spectra(self.wave(windows))), heard, speaker)
        return by_speaker(features, speaker) if self.config.interlocutor else features

    def features(self, seen: Tensor, heard: Tensor, speaker: Tensor) -> Tensor:
        """Frames (B, T, embedding) of `seen`, heard (B, T) bool, speaker (B, T) → (B, T, frame_size)."""
        # Each person is heard as if the other one were silent.
        other = speaker == 1
        both = torch.cat([heard & ~other, heard & other])
        mine, theirs = self.summed(torch.cat([seen, seen]), both).chunk(2)
        return torch.where(other.unsqueeze(-1), theirs, mine)

    def seen(self, log_power: Tensor) -> Tensor:
        """What the convolutions make of each frame of spectra (B, 9 T, mels + tones): (B, T, embedding)."""
        c, before = self.config, SEEN_BEFORE - 1
        # Silence goes before the first frame, so that the convolutions do not see their padding there.
        silence = log_power.new_full((1, 1, 1), math.log(TINY))
        silence = silence.expand(log_power.shape[0], COLUMNS * before, c.mels + c.tones)
        x = torch.log(torch.exp(torch.cat([silence, log_power], 1)) + math.exp(c.floor))
        x = (x - self.mean) / self.std
        maps = (self.mels, x[..., : c.mels]), (self.tones, x[..., c.mels :])
        rows = [layers(part.unsqueeze(1)).transpose(1, 2).flatten(2) for layers, part in maps]
        return torch.relu(self.now(self.dropout(torch.cat(rows, -1)[:, before:])))

    def summed(self, seen: Tensor, heard: Tensor) -> Tensor:
        """Each frame beside those around it that are heard: seen (B, T, embedding) → (B, T, frame_size)."""
        e, there = self.dropout(seen), heard.unsqueeze(-1).to(seen.dtype)
        x = e * there
        for conv, d in zip(self.beside, DILATIONS, strict=True):
            x = x + self.dropout(torch.relu(conv(F.pad(x.transpose(1, 2), (d, d))).transpose(1, 2))) * there
        weights = torch.exp(self.weigh(x).clamp(-6, 6)) * there
        found = [e, x]
        for frames in self.config.around:
            found += moments_around(x, weights, frames)
        return self.dropout(torch.relu(self.told(torch.cat(found, -1))))


def moments_around(x: Tensor, weights: Tensor, frames: int) -> list[Tensor]:
    """Weighted mean and standard deviation of x (B, T, D) within some frames of each frame.

    Args:
        weights: (B, T, H), each for a share of x's features; 0 where a frame does not count.
        frames: how many before and how many after.
    """
    w = weights.unsqueeze(-1).expand(-1, -1, -1, x.shape[2] // weights.shape[2]).flatten(2)
    each = torch.cat([w, x * w, x**2 * w], -1).transpose(1, 2)
    # Each window is added up by itself: differences of running totals would lose digits with time.
    means = F.avg_pool1d(F.pad(each, (frames, frames)), 2 * frames + 1, 1).transpose(1, 2)
    total, first, second = means.chunk(3, -1)
    mean = first / (total + 1e-4)
    spread = (second / (total + 1e-4) - mean**2).clamp(min=0)
    return [mean, torch.sqrt(spread + 1e-4)]
