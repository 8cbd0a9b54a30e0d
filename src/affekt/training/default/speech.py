"""Stage 1, audio: the spectrogram network on acted speech, disturbed as other recordings are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from affekt.media.sound import frames_of_array
from affekt.networks.alternatives.spectrogram import COLUMNS, SpectrogramConfig, SpectrogramNetwork
from affekt.scoring import ccc
from affekt.timeline import ClipSpec
from affekt.training.concordance import concordance_loss
from affekt.training.default.data import Speech, read_speech
from affekt.training.default.disturbed import Disturber
from affekt.training.loop import FitSettings, Scores, fit, grouped
from affekt.training.precision import quick_half

CONFIG = SpectrogramConfig()
CORPORA = ("ravdess", "emodb", "nemo")
SHARES = {"ravdess": 1.0, "emodb": 1.6, "nemo": 1.6}
"""How often an utterance of a corpus is drawn, to another one of RAVDESS, which is much the largest."""
SPEEDS = (1.0, 0.9, 1.1, 0.82, 1.2)
"""At which utterances are also heard; tempo and pitch move together."""
BATCH, LONGEST = 32, 48
"""Utterances of a step, and frames of each that are used at most."""
JOINED = 0.4
"""How many are preceded by a part of what the same speaker said, so that changes are learned."""
SETTLED = 6
"""Frames after such a join that do not count for an utterance's mean."""


@dataclass(frozen=True)
class Heard:
    """The spectra of utterances in a row."""

    spectra: Tensor
    """(9 N, bands) float16, log-power."""
    present: Tensor
    """(N,) bool, False where an utterance is silent."""
    start: list[int]
    """Frame where each utterance starts; one more at the end."""

    def cut(self, utterance: int, draw: np.random.Generator, most: int) -> tuple[Tensor, Tensor]:
        """At most so many consecutive frames of an utterance, drawn: spectra (9 n, bands), present (n,)."""
        first, stop = self.start[utterance], self.start[utterance + 1]
        if stop - first > most:
            first += int(draw.integers(stop - first - most + 1))
            stop = first + most
        return self.spectra[first * COLUMNS : stop * COLUMNS].float(), self.present[first:stop]


@torch.no_grad()
def hear(speech: Sequence[Speech], network: SpectrogramNetwork, spec: ClipSpec, speed: float = 1.0) -> Heard:
    """The spectra that the network makes of utterances as a recording of theirs would bring them."""
    spectra, present, start = [], [], [0]
    for s in speech:
        windows, has_sound = frames_of_array(s.samples, round(s.rate * speed), spec)
        wave = network.wave(torch.from_numpy(windows)[None])
        spectra.append(network.spectra(wave)[0].half())
        present.append(torch.from_numpy(has_sound))
        start.append(start[-1] + len(has_sound))
    return Heard(torch.cat(spectra), torch.cat(present), start)


class SpeechModel(nn.Module):
    """The audio network with what it is taught by: arousal and valence, and the emotion's name beside."""

    def __init__(self, network: SpectrogramNetwork, emotions: int) -> None:
        super().__init__()
        self.network = network
        self.affect = nn.Linear(network.config.frame_size, 2)
        self.emotion = nn.Linear(network.config.frame_size, emotions)

    def forward(self, spectra: Tensor, present: Tensor) -> tuple[Tensor, Tensor]:
        """spectra (B, 9 T, bands), present (B, T) → arousal and valence (B, T, 2), logits (B, T, E)."""
        with torch.autocast("cpu", torch.bfloat16, enabled=quick_half(torch.device("cpu"))):
            seen = self.network.seen(spectra)
        x = self.network.summed(seen.float(), present)
        return torch.tanh(self.affect(x)), self.emotion(x)


@dataclass(frozen=True)
class Batch:
    """Rows of one or two utterances, Q utterances in all."""

    spectra: Tensor
    """(B, 9 T, bands)."""
    present: Tensor
    """(B, T) bool."""
    gold: Tensor
    """(B, T, 2)."""
    own: Tensor
    """(Q, B, T) bool, the frames that an utterance's mean is taken over."""
    utterances: list[int]
    """Q of them."""

    def means(self, x: Tensor) -> Tensor:
        """Means of x (B, T, D) over each utterance's frames, (Q, D)."""
        own = self.own.to(x.dtype)
        return torch.einsum("qbt,btd->qd", own, x) / own.sum((1, 2)).clamp(min=1).unsqueeze(1)


class Batches:
    """Cuts batches out of what was heard of the training speech at several speeds."""

    def __init__(self, speech: Sequence[Speech], versions: Sequence[Heard], disturb: Disturber) -> None:
        self.versions, self.disturb = versions, disturb
        self.gold = torch.from_numpy(np.stack([u.gold for u in speech]))
        self.emotions = sorted({u.emotion for u in speech})
        self.emotion = torch.tensor([self.emotions.index(u.emotion) for u in speech])
        self.fellows = {
            u.speaker: [i for i, v in enumerate(speech) if v.speaker == u.speaker] for u in speech
        }
        self.speakers = [u.speaker for u in speech]
        share = np.array([SHARES[u.corpus] for u in speech])
        self.share = share / share.sum()

    def epoch(self, number: int) -> Iterator[np.random.Generator]:
        """What draws each step of an epoch."""
        self.disturb.generator.manual_seed(number)
        for step in range(len(self.speakers) // BATCH):
            yield np.random.default_rng([number, step])

    def batch(self, draw: np.random.Generator, mean: Tensor) -> Batch:
        """A batch; `mean` (bands,) stands for what is hidden of a spectrum."""
        rows = [self.row(int(i), draw) for i in draw.choice(len(self.share), BATCH, p=self.share)]
        longest = max(sum(len(present) for _, _, present in row) for row in rows)
        bands = self.versions[0].spectra.shape[1]
        spectra = torch.full((BATCH, longest * COLUMNS, bands), self.disturb.silence)
        present = torch.zeros(BATCH, longest, dtype=torch.bool)
        for r, row in enumerate(rows):
            x, there = torch.cat([s for _, s, _ in row]), torch.cat([p for _, _, p in row])
            spectra[r, : len(x)], present[r, : len(there)] = x, there
        spectra, present = self.disturb.stretched(spectra, present)
        return self.labelled(rows, self.disturb(spectra, mean), present, present.shape[1] / longest)

    def row(self, utterance: int, draw: np.random.Generator) -> list[tuple[int, Tensor, Tensor]]:
        """An utterance, or a part of one of the same speaker and then it."""
        version = self.versions[int(draw.integers(len(self.versions)))]
        before: list[tuple[int, Tensor, Tensor]] = []
        if draw.random() < JOINED:
            other = int(draw.choice(self.fellows[self.speakers[utterance]]))
            before = [(other, *version.cut(other, draw, int(draw.integers(8, 28))))]
        most = LONGEST - sum(len(present) for _, _, present in before)
        return [*before, (utterance, *version.cut(utterance, draw, most))]

    def labelled(
        self, rows: list[list[tuple[int, Tensor, Tensor]]], spectra: Tensor, present: Tensor, stretch: float
    ) -> Batch:
        """Lay the gold on frames that were stretched by a factor."""
        gold, own, utterances = torch.zeros(*present.shape, 2), [], []
        for r, row in enumerate(rows):
            at = 0
            for utterance, _, there in row:
                first, stop = round(at * stretch), round((at + len(there)) * stretch)
                gold[r, first:stop] = self.gold[utterance]
                mask = torch.zeros_like(present)
                mask[r, first + (SETTLED if at else 0) : stop] = True
                own.append(mask & present)
                utterances.append(utterance)
                at += len(there)
        return Batch(spectra, present, gold, torch.stack(own), utterances)


def loss_of(model: SpeechModel, batches: Batches, batch: Batch) -> Tensor:
    """1 − CCC of the frames and of the utterances, their squared error, and the emotion's cross-entropy."""
    y, logits = model(batch.spectra, batch.present)
    said, gold = batch.means(y), batches.gold[batch.utterances]
    per_frame = concordance_loss(y, batch.gold, batch.present)
    told = F.cross_entropy(batch.means(logits), batches.emotion[batch.utterances], label_smoothing=0.1)
    return per_frame + concordance_loss(said, gold) + 2 * F.mse_loss(said, gold) + 0.5 * told


@torch.no_grad()
def judged(model: SpeechModel, heard: Heard) -> np.ndarray:
    """Mean arousal and valence of each utterance, (U, 2)."""
    means = []
    for first, stop in zip(heard.start, heard.start[1:], strict=False):
        present = heard.present[None, first:stop]
        y, _ = model(heard.spectra[None, first * COLUMNS : stop * COLUMNS].float(), present)
        means.append(mean_over(y, present)[0])
    return torch.stack(means).numpy()


def mean_over(x: Tensor, mask: Tensor) -> Tensor:
    """Mean of x (B, T, D) over the frames of mask (B, T)."""
    real = mask.unsqueeze(-1).to(x.dtype)
    return (x * real).sum(1) / real.sum(1).clamp(min=1)


def spectral() -> tuple[SpectrogramNetwork, Disturber]:
    """The default model's audio network, and what disturbs its spectra."""
    return SpectrogramNetwork(CONFIG), Disturber(CONFIG, torch.Generator())


def train_speech(
    data: Path,
    run: Path,
    spec: ClipSpec,
    epochs: int = 40,
    corpora: tuple[str, ...] = CORPORA,
    name: str = "audio",
    make: Callable[[], tuple[SpectrogramNetwork, Disturber]] = spectral,
) -> Scores:
    """Train on affect; returns devel CCCs. Leaves run/NAME/weights.safetensors.

    Args:
        corpora: that are learned from; devel of all `CORPORA` is scored.
        name: of the stage's folder.
        make: the network, not yet trained, and what disturbs what it hears.
    """
    train, devel = read_speech(data, "train", corpora), read_speech(data, "devel", CORPORA)
    torch.manual_seed(0)
    network, disturb = make()
    model = SpeechModel(network, len({s.emotion for s in train}))
    model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # pooling is far quicker so
    versions = [hear(train, model.network, spec, speed) for speed in SPEEDS]
    shown = {c: [s for s in devel if s.corpus == c] for c in CORPORA}
    heard = {c: hear(speech, model.network, spec) for c, speech in shown.items()}
    model.network.measure(versions[0].spectra[::37].float())
    batches = Batches(train, versions, disturb)

    def score() -> Scores:
        scores: Scores = {}
        for corpus, speech in shown.items():
            arousal, valence = ccc(judged(model, heard[corpus]), np.stack([u.gold for u in speech]))
            scores |= {f"{corpus} arousal": float(arousal), f"{corpus} valence": float(valence)}
        return scores

    settings = FitSettings(epochs, 2e-3, warmup=100, average=0.99)
    return fit(
        run / name,
        model,
        grouped(model, 0.05),
        batches.epoch,
        lambda draw: loss_of(model, batches, batches.batch(draw, model.network.mean)),
        score,
        settings,
    )
