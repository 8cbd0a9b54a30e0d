"""Whether fusion helps on real pairs: composed sequences join a voice to another person's face.

Of each RAVDESS take the bundle's audio features go in frame by frame, its action units through one linear
layer as x^v, held over the frames; text is absent. Fusion and head are the networks', trained anew on the
train actors, and so are the two that they are compared to, the head on the voice alone and on the face alone.
None of this goes into a bundle. The audio network has learned from the train actors' voices and knows them
better than those of others: noise on its features keeps the fusion from trusting them too far.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from affekt.networks import FusionConfig, Head, HeadConfig
from affekt.networks.fusion import AUDIO, FUSIONS, VISUAL, Alone, build_fusion
from affekt.scoring import ccc
from affekt.timeline.files import write_values
from affekt.training.concordance import concordance_loss
from affekt.training.default.speech import mean_over
from affekt.training.default.takes import Takes, read_takes

ALONE = {"voice": AUDIO, "face": VISUAL}
BOTH = ("voice", "face")
MODELS = (*ALONE, *FUSIONS)
SIZE, HEADS, HIDDEN = 64, 4, 64
"""Of the fusion and of the head's LSTM: 900 takes teach no more."""
BATCH, WINDOW = 48, 12
"""Takes of a step, and consecutive frames of each."""
EPOCHS = 12
"""Chosen by `cross_validated`, not on devel."""
RATE, DECAY, DROPOUT = 2e-3, 0.05, 0.5
HIDDEN_FROM = 0.2
"""How often the sound of a take is absent in training, and how often its face, never both."""
NOISE = {"sound": 0.5, "units": 0.75}
"""Standard deviation of the noise on standardised features, one draw for all frames of a take."""
DROPPED = 0.2
"""Share of the audio features that a take lacks in training."""
FAR = 4.0
"""Standardised features end here: an actor's face may be unlike all that were learned from."""
SEEDS = 3
FOLDS = 5


class PairModel(nn.Module):
    """One linear layer on the action units, a fusion or a single modality, and the head."""

    def __init__(self, name: str, takes: Takes, rows: np.ndarray) -> None:
        """For a name in `MODELS`; features are standardised by the takes of `rows` (N,)."""
        super().__init__()
        sound = takes.sound[rows][takes.heard[rows]].float()
        units = takes.units[rows]
        for kind, x in (("sound", sound), ("units", units)):
            spread = x.std(0)
            # What hardly ever moves would else become large where it does.
            self.register_buffer(f"{kind}_spread", spread.clamp(min=max(0.05 * float(spread.mean()), 1e-6)))
            self.register_buffer(f"{kind}_mean", x.mean(0))
        self.face = nn.Linear(units.shape[1], takes.width)
        sizes = 1, sound.shape[1], takes.width
        self.fusion = (
            Alone(sizes, ALONE[name])
            if name in ALONE
            else build_fusion(sizes, FusionConfig(name, SIZE, HEADS))
        )
        self.head = Head(self.fusion.size, HeadConfig(HIDDEN, dropout=DROPOUT))

    def forward(self, sound: Tensor, units: Tensor, presence: Tensor) -> Tensor:
        """sound (B, T, D_a), units (B, U), presence (B, T, 3) bool → arousal and valence (B, T, 2)."""
        frames = presence.shape[:2]
        x = self._disturbed("sound", sound)
        if self.training:
            x = x * (torch.rand(len(x), 1, x.shape[2]) >= DROPPED) / (1 - DROPPED)
        face = self.face(self._disturbed("units", units)).unsqueeze(1).expand(*frames, -1)
        fused = self.fusion((x.new_zeros(*frames, 1), x, face), presence)
        y, _ = self.head(fused.x, self.head.initial(len(x)))
        return torch.as_tensor(y)

    def _disturbed(self, kind: str, x: Tensor) -> Tensor:
        """Features at mean 0 and spread 1; in training with noise, the same in all frames of a take."""
        x = (x.float() - self.get_buffer(f"{kind}_mean")) / self.get_buffer(f"{kind}_spread")
        x = x.clamp(-FAR, FAR)
        if not self.training:
            return x
        shape = len(x), *(1 for _ in x.shape[1:-1]), x.shape[-1]
        return x + NOISE[kind] * torch.randn(shape)


def presence_of(heard: Tensor, seen: Tensor) -> Tensor:
    """heard, seen (B, T) bool → (B, T, 3) over text, audio, visual."""
    return torch.stack([torch.zeros_like(heard), heard, seen], -1)


def train_pairs(name: str, takes: Takes, rows: np.ndarray, seed: int = 0, epochs: int = EPOCHS) -> PairModel:
    """Train a model of `MODELS` on the takes `rows` (N,) by Eq. 10, over frames and over the takes' means."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = PairModel(name, takes, rows).train()
        optimiser = torch.optim.AdamW(model.parameters(), lr=RATE, betas=(0.9, 0.99), weight_decay=DECAY)
        steps = epochs * -(-len(rows) // BATCH)
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimiser, RATE, steps, pct_start=0.05, cycle_momentum=False
        )
        for part in _batches(rows, epochs):
            y, gold, inside = _guess(model, takes, part)
            spread = gold.unsqueeze(1).expand_as(y)
            loss = concordance_loss(y, spread, inside) + concordance_loss(mean_over(y, inside), gold)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 5.0)
            optimiser.step()
            schedule.step()
    return model.eval()


def _batches(rows: np.ndarray, epochs: int) -> Iterator[Tensor]:
    for _ in range(epochs):
        yield from torch.from_numpy(rows)[torch.randperm(len(rows))].split(BATCH)


def _guess(model: PairModel, takes: Takes, part: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Some frames of takes, some deaf or blind: y (B, T, 2), gold (B, 2), which frames are inside (B, T)."""
    length = takes.frames[part]
    first = (torch.rand(len(part)) * (length - WINDOW + 1).clamp(min=1)).long()
    frames = first.unsqueeze(1) + torch.arange(WINDOW)
    inside = frames < length.unsqueeze(1)
    frames = frames.clamp(max=takes.sound.shape[1] - 1)
    heard, seen = takes.heard[part.unsqueeze(1), frames] & inside, inside
    if not isinstance(model.fusion, Alone):
        luck = torch.rand(len(part), 1)
        heard, seen = heard & (luck >= HIDDEN_FROM), seen & (luck < 1 - HIDDEN_FROM)
    y = model(takes.sound[part.unsqueeze(1), frames], takes.units[part], presence_of(heard, seen))
    return y, takes.gold[part], inside


@torch.no_grad()
def judged(model: PairModel, takes: Takes, rows: np.ndarray, given: tuple[str, ...] = BOTH) -> np.ndarray:
    """Mean over its frames of each take's trace, (N, 2), where the model is given some of voice and face."""
    said = []
    for part in torch.from_numpy(rows).split(100):
        longest = int(takes.frames[part].max())
        inside = torch.arange(longest) < takes.frames[part].unsqueeze(1)
        heard = takes.heard[part, :longest] & ("voice" in given)
        y = model(
            takes.sound[part, :longest], takes.units[part], presence_of(heard, inside & ("face" in given))
        )
        said.append(mean_over(y, inside))
    return torch.cat(said).numpy()


@dataclass(frozen=True)
class Outcome:
    """How one model does on the takes of the devel actors."""

    model: str
    """In `MODELS`."""
    given: tuple[str, ...]
    scores: np.ndarray
    """(seeds, 2), CCC of arousal and valence over the takes' means."""

    def line(self) -> str:
        """Mean over the seeds and their standard deviation, as text."""
        mean, spread = self.scores.mean(0), self.scores.std(0)
        figures = "   ".join(f"{m:.3f} ± {s:.3f}" for m, s in zip(mean, spread, strict=True))
        return f"{self.model:14} {' + '.join(self.given):13} {figures}"

    def values(self) -> dict[str, Any]:
        """Plain values for a file."""
        return {"model": self.model, "given": list(self.given), "ccc": self.scores.round(4).tolist()}


def compare(
    takes: Takes, models: tuple[str, ...] = MODELS, seeds: int = SEEDS, epochs: int = EPOCHS
) -> Iterator[Outcome]:
    """Train each model on the train actors, score it on the devel actors; the fused also deaf, and blind."""
    train, devel = np.flatnonzero(~takes.devel), np.flatnonzero(takes.devel)
    gold = takes.gold[devel].numpy()
    for name in models:
        trained = [train_pairs(name, takes, train, seed, epochs) for seed in range(seeds)]
        for given in [(name,)] if name in ALONE else [BOTH, ("voice",), ("face",)]:
            yield Outcome(name, given, np.array([ccc(judged(m, takes, devel, given), gold) for m in trained]))


def cross_validated(takes: Takes, name: str, epochs: int, folds: int = FOLDS) -> np.ndarray:
    """CCC (2,) over the train takes, each judged by a model that has not learned from its actor.

    Devel is not used. It flatters the voice, since the audio network has learned from all of these actors.
    """
    train = np.flatnonzero(~takes.devel)
    fold = np.unique(takes.speaker[train], return_inverse=True)[1] % folds
    said = np.zeros((len(train), 2), np.float32)
    for k in range(folds):
        model = train_pairs(name, takes, train[fold != k], epochs=epochs)
        said[fold == k] = judged(model, takes, train[fold == k])
    return np.asarray(ccc(said, takes.gold[train].numpy()))


def check_pairs(
    data: Path,
    run: Path,
    model: str | Path,
    say: Callable[[str], object] = print,
    threads: int | None = None,
) -> list[Outcome]:
    """Print the comparison for a bundle and leave run/pairs.json.

    Raises:
        ModelError, CorpusError, OutputError: as `read_takes`.
    """
    takes, outcomes = read_takes(data, model, run / "features", threads), list[Outcome]()
    say(f"{'model':14} {'given':13} arousal         valence")
    for outcome in compare(takes):
        say(outcome.line())
        outcomes.append(outcome)
    write_values(
        run / "pairs.json", {"takes": int(takes.devel.sum()), "outcomes": [o.values() for o in outcomes]}
    )
    return outcomes
