"""Stage 1, audio: the raw-waveform network on acted speech, after learning to hear a log-mel spectrum."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from affekt.media.sound import frames_of_array
from affekt.networks import AudioConfig, AudioNetwork, Head, HeadConfig
from affekt.scoring import ccc
from affekt.timeline import ClipSpec
from affekt.training.concordance import concordance_loss
from affekt.training.default.data import Speech, read_speech
from affekt.training.loop import FitSettings, Scores, fit

CONFIG = AudioConfig(channels=(32, 64, 128), dropout=0.2)
HEAD = HeadConfig(hidden=192)
CORPORA = ("ravdess", "emodb", "nemo")
SPEEDS = (1.0, 0.9, 1.1)
MELS = 40
BATCH = 24


@dataclass(frozen=True)
class Utterance:
    """The frames of one utterance as the network gets them."""

    windows: np.ndarray
    """(T, window) float16."""
    has_sound: np.ndarray
    """(T,) bool."""
    corpus: str
    gold: np.ndarray
    emotion: int


def frames(speech: list[Speech], spec: ClipSpec, emotions: list[str], speed: float = 1.0) -> list[Utterance]:
    """Cut utterances into frames; a speed other than 1 moves tempo and pitch together."""
    made = []
    for s in speech:
        windows, has_sound = frames_of_array(s.samples, round(s.rate * speed), spec)
        emotion = emotions.index(s.emotion)
        made.append(Utterance(windows.astype(np.float16), has_sound, s.corpus, s.gold, emotion))
    return made


def noisy(windows: Tensor, generator: torch.Generator) -> Tensor:
    """Another level, another tilt of the spectrum, and noise, per utterance: windows (B, T, window)."""
    b = len(windows)

    def draw(low: float, high: float) -> Tensor:
        return (torch.rand(b, generator=generator) * (high - low) + low).view(b, 1, 1)

    tilt = draw(-0.6, 0.6)
    x = windows + tilt * F.pad(windows, (1, 0))[..., :-1]
    level = x.pow(2).mean((1, 2), keepdim=True).sqrt()
    noise = torch.randn(x.shape, generator=generator) * level * 10 ** (draw(-60, -15) / 20)
    return (x + noise) * 10 ** (draw(-4, 4) / 20)


def mel_bank(rate: int, fft: int, mels: int = MELS) -> Tensor:
    """Triangular mel filters up to 8 kHz, (fft // 2 + 1, mels)."""

    def mel(hz: np.ndarray | float) -> np.ndarray:
        return 2595 * np.log10(1 + np.asarray(hz) / 700)

    edges = 700 * (10 ** (np.linspace(mel(50), mel(8000), mels + 2) / 2595) - 1)
    hz = np.arange(fft // 2 + 1)[:, None] * rate / fft
    up = (hz - edges[:-2]) / (edges[1:-1] - edges[:-2])
    down = (edges[2:] - hz) / (edges[2:] - edges[1:-1])
    return torch.from_numpy(np.maximum(0, np.minimum(up, down))).float()


def log_mel(windows: Tensor, bank: Tensor) -> Tensor:
    """windows (N, 2250) → (N, 9, mels), one spectrum around each 250 samples the network pools together."""
    n = windows.shape[-1] // 250
    padded = F.pad(windows, (131, 131))
    pieces = padded.unfold(-1, 512, 250)[:, :n]
    power = torch.fft.rfft(pieces * torch.hann_window(512)).abs() ** 2
    return torch.log(power @ bank + 1e-4)


class SpeechModel(nn.Module):
    """The audio network with its LSTM head, and two teachers that are dropped later: spectrum and emotion."""

    def __init__(self, config: AudioConfig, emotions: int) -> None:
        super().__init__()
        self.network = AudioNetwork(config)
        self.spectrum = nn.Linear(config.channels[-1], MELS)
        self.head = Head(config.frame_size, HEAD)
        self.emotion = nn.Linear(HEAD.hidden, emotions)

    def heard(self, windows: Tensor) -> Tensor:
        """windows (N, window) → the spectrum the network hears, (N, 9, mels)."""
        f = self.network.frame_features(windows)
        return self.spectrum(f.unflatten(-1, (-1, self.network.config.channels[-1])))

    def forward(self, windows: Tensor) -> tuple[Tensor, Tensor]:
        """windows (B, T, window) → arousal and valence (B, T, 2), emotion logits per frame (B, T, E)."""
        f = self.network.frame_features(windows.flatten(0, 1)).unflatten(0, windows.shape[:2])
        h, _ = self.head.lstm(f, self.head.initial(len(f)))
        h = self.head.dropout(h)
        return torch.tanh(self.head.out(h)), self.emotion(h)


def padded(items: list[Utterance]) -> tuple[Tensor, Tensor]:
    """Windows (B, T, window) float32 and mask (B, T)."""
    longest = max(len(u.windows) for u in items)
    windows = torch.zeros(len(items), longest, items[0].windows.shape[1])
    mask = torch.zeros(len(items), longest, dtype=torch.bool)
    for row, u in enumerate(items):
        windows[row, : len(u.windows)] = torch.from_numpy(u.windows).float()
        mask[row, : len(u.windows)] = True
    return windows, mask


def mean_over(x: Tensor, mask: Tensor) -> Tensor:
    """Mean of x (B, T, D) over the frames of mask (B, T)."""
    real = mask.unsqueeze(-1).to(x.dtype)
    return (x * real).sum(1) / real.sum(1)


def by_length(items: list[Utterance], epoch: int) -> Iterator[list[Utterance]]:
    """Batches of utterances of like length, in an order drawn from the epoch's number."""
    draw = np.random.default_rng(epoch)
    length = np.array([len(u.windows) for u in items]) * draw.uniform(0.9, 1.1, len(items))
    order = np.argsort(length, kind="stable")
    parts = [order[i : i + BATCH] for i in range(0, len(order) - BATCH // 2, BATCH)]
    return ([items[j] for j in parts[i]] for i in draw.permutation(len(parts)))


def train_speech(
    data: Path,
    run: Path,
    spec: ClipSpec,
    epochs: int = 10,
    hearing: int = 3,
    corpora: tuple[str, ...] = CORPORA,
) -> Scores:
    """Pre-train on the spectrum, then on affect; returns devel CCCs. Leaves run/audio/weights.safetensors."""
    train, devel = read_speech(data, "train", corpora), read_speech(data, "devel", corpora)
    emotions = sorted({s.emotion for s in train})
    shown = {c: frames([s for s in devel if s.corpus == c], spec, emotions) for c in corpora}
    versions = [frames(train, spec, emotions, speed) for speed in SPEEDS]
    model = SpeechModel(CONFIG, len(emotions))
    generator, bank = torch.Generator(), mel_bank(spec.sample_rate, 512)

    def batches(epoch: int) -> Iterator[list[Utterance]]:
        generator.manual_seed(epoch)
        draw = np.random.default_rng(epoch + 1000)
        items = [versions[draw.integers(len(versions))][i] for i in range(len(train))]
        return by_length(items, epoch)

    def hearing_loss(items: list[Utterance]) -> Tensor:
        windows, mask = padded(items)
        rows = noisy(windows, generator)[mask]
        rows = rows[torch.randperm(len(rows), generator=generator)[:300]]
        return F.mse_loss(model.heard(rows), log_mel(rows, bank))

    def heard_score() -> Scores:
        losses = [F.mse_loss(model.heard(w), log_mel(w, bank)) for w in probe]
        return {"minus spectrum error": -float(torch.stack(losses).mean())}

    probe = [torch.from_numpy(u.windows).float() for c in corpora for u in shown[c][::8]]
    if hearing:
        fit(
            run / "hearing",
            model,
            model.parameters(),
            batches,
            hearing_loss,
            heard_score,
            FitSettings(hearing, 2e-3),
        )

    def loss(items: list[Utterance]) -> Tensor:
        windows, mask = padded(items)
        y, logits = model(noisy(windows, generator))
        gold = torch.from_numpy(np.stack([u.gold for u in items]))
        emotion = torch.tensor([u.emotion for u in items])
        per_frame = concordance_loss(y, gold.unsqueeze(1).expand_as(y), mask)
        per_item = concordance_loss(mean_over(y, mask), gold)
        told = F.cross_entropy(mean_over(logits, mask), emotion, label_smoothing=0.1)
        return per_frame + per_item + 0.5 * told

    def score() -> Scores:
        scores: Scores = {}
        for corpus, items in shown.items():
            means = []
            for i in range(0, len(items), 32):
                windows, mask = padded(items[i : i + 32])
                means.append(mean_over(model(windows)[0], mask))
            arousal, valence = ccc(torch.cat(means).numpy(), np.stack([u.gold for u in items]))
            scores |= {f"{corpus} arousal": float(arousal), f"{corpus} valence": float(valence)}
        return scores

    settings = FitSettings(epochs, 1e-3, 0.01, warmup=100)
    return fit(run / "audio", model, model.parameters(), batches, loss, score, settings)
