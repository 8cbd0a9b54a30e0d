"""Stage 1, text: MiniLM fine-tuned on EmoBank, then the text network on the word vectors that it gives.

MiniLM learns first, behind one layer over the mean of its vectors, several times in other orders; its weights
are the mean of these runs (model soups, Wortsman et al. 2022), which know more of new sentences than any one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from affekt.networks import TextConfig, TextNetwork
from affekt.networks.encoder import QuantisedEmbedding
from affekt.runtime.words import WordPieces
from affekt.scoring import ccc
from affekt.training.concordance import concordance_loss
from affekt.training.default.data import read_sentences
from affekt.training.encoders import load_encoder, load_minilm, minilm_folder
from affekt.training.loop import WEIGHTS, FitSettings, Scores, fit, grouped, save_weights
from affekt.training.precision import quick_half

CONFIG = TextConfig(width=384, ngram_maps=50, projection=192, hidden=96)
BATCH = 32
RUNS = 6
"""Of MiniLM, whose weights are averaged."""
NOISE = 0.5
"""On the word vectors that the text network learns from, in units of their spread, one draw a sentence:
MiniLM knows the sentences that it has learned from too well."""


class MeanModel(nn.Module):
    """What MiniLM is taught by: one layer over the mean of its vectors."""

    def __init__(self, width: int = CONFIG.width) -> None:
        super().__init__()
        self.encoder = load_encoder(minilm_folder())
        self.said = nn.Linear(width, width)
        self.dropout = nn.Dropout(0.1)
        self.affect = nn.Linear(width, 2)

    def forward(self, pieces: Tensor, _words: Tensor, piece_mask: Tensor, _mask: Tensor) -> Tensor:
        """As `TextModel.forward`."""
        with torch.autocast("cpu", torch.bfloat16, enabled=quick_half(torch.device("cpu"))):
            x = self.encoder.transformer(input_ids=pieces, attention_mask=piece_mask.long()).last_hidden_state
            real = piece_mask.unsqueeze(-1)
            x = torch.tanh(self.said((x * real).sum(1) / real.sum(1)))
        return torch.tanh(self.affect(self.dropout(x.float())))


class TextModel(nn.Module):
    """Encoder and text network with what they are taught by."""

    def __init__(self, config: TextConfig) -> None:
        super().__init__()
        self.encoder = load_minilm()
        self.network = TextNetwork(config)
        self.dropout = nn.Dropout(0.1)
        self.affect = nn.Linear(config.size, 2)

    def features(
        self, pieces: Tensor, piece_word: Tensor, piece_mask: Tensor, mask: Tensor
    ) -> tuple[Tensor, Tensor]:
        """pieces, piece_word, piece_mask (U, S), mask (U, L) → x^t (U, D_t), selector weights (U, P, L)."""
        return self.network(self.encoder(pieces, piece_word, piece_mask, mask), mask)

    def forward(self, pieces: Tensor, piece_word: Tensor, piece_mask: Tensor, mask: Tensor) -> Tensor:
        """→ arousal and valence (U, 2)."""
        with torch.autocast("cpu", torch.bfloat16, enabled=quick_half(torch.device("cpu"))):
            x, _ = self.features(pieces, piece_word, piece_mask, mask)
        return torch.tanh(self.affect(self.dropout(x.float())))


def tokenizer() -> WordPieces:
    """MiniLM's word pieces."""
    return WordPieces((minilm_folder() / "tokenizer.json").read_bytes())


def encoded(words: WordPieces, texts: list[str]) -> tuple[Tensor, ...]:
    """Texts as the tensors the text model takes."""
    e = words.encode(texts)
    return tuple(torch.from_numpy(a) for a in (e.pieces, e.piece_word, e.piece_mask, e.word_mask))


@dataclass
class Examples:
    """Sentences of one split as a model takes them, and their gold."""

    inputs: Callable[[np.ndarray], tuple[Tensor, ...]]
    """Rows → what a model takes."""
    lengths: np.ndarray
    """Of each, in any unit."""
    gold: Tensor
    """(N, 2)."""

    def batches(self, epoch: int, order: int = 0) -> Iterator[np.ndarray]:
        """Rows of an epoch's batches; sentences of like length share one, so little is spent on padding."""
        draw = np.random.default_rng([epoch, order])
        rows = np.argsort(self.lengths * draw.uniform(0.7, 1.4, len(self.lengths)), kind="stable")
        parts = [rows[i : i + BATCH] for i in range(0, len(rows), BATCH)]
        return (parts[i] for i in draw.permutation(len(parts)))

    def score(self, model: nn.Module) -> Scores:
        """CCC over all of them."""
        rows = np.argsort(self.lengths, kind="stable")
        y = torch.cat([model(*self.inputs(rows[i : i + 100])) for i in range(0, len(rows), 100)])
        arousal, valence = ccc(y.numpy(), self.gold[rows].numpy())
        return {"arousal": float(arousal), "valence": float(valence)}


def learn(
    folder: Path,
    model: nn.Module,
    groups: list[dict[str, Any]],
    train: Examples,
    devel: Examples,
    settings: FitSettings,
) -> Scores:
    """Train on sentences by the concordance loss, in the order that the settings' seed gives."""
    return fit(
        folder,
        model,
        groups,
        lambda epoch: train.batches(epoch, settings.seed),
        lambda rows: concordance_loss(model(*train.inputs(rows)), train.gold[rows]),
        lambda: devel.score(model),
        settings,
    )


def read(data: Path, split: str) -> Examples:
    """EmoBank's `train` or `devel`, in word pieces."""
    items, words = read_sentences(data, split), tokenizer()
    return Examples(
        lambda rows: encoded(words, [items.texts[i] for i in rows]),
        np.array([len(text) for text in items.texts]),
        torch.from_numpy(items.gold),
    )


@torch.no_grad()
def in_vectors(encoder: nn.Module, sentences: Examples) -> Examples:
    """The sentences as an encoder's word vectors, and which words are real."""
    vectors: list[Tensor] = [torch.zeros(0)] * len(sentences.lengths)
    rows = np.argsort(sentences.lengths, kind="stable")
    for part in np.split(rows, range(64, len(rows), 64)):
        *pieces, mask = sentences.inputs(part)
        with torch.autocast("cpu", torch.bfloat16, enabled=quick_half(torch.device("cpu"))):
            found = encoder(*pieces, mask).float()
        for row, x, length in zip(part, found, mask.sum(1).tolist(), strict=True):
            vectors[row] = x[: max(1, length)].clone()

    def inputs(rows: np.ndarray) -> tuple[Tensor, ...]:
        there = [torch.ones(len(vectors[row]), dtype=torch.bool) for row in rows]
        return pad_sequence([vectors[row] for row in rows], True), pad_sequence(there, True)

    return Examples(inputs, np.array([len(x) for x in vectors]), sentences.gold)


class Reader(nn.Module):
    """The text network over word vectors, and what it is taught by."""

    def __init__(self, model: TextModel, noise: float) -> None:
        super().__init__()
        self.network, self.dropout, self.affect = model.network, model.dropout, model.affect
        self.noise = noise

    def forward(self, words: Tensor, mask: Tensor) -> Tensor:
        """words (U, L, D), mask (U, L) → arousal and valence (U, 2)."""
        if self.training:
            words = words + self.noise * torch.randn_like(words[:, :1])
        return torch.tanh(self.affect(self.dropout(self.network(words, mask)[0])))


def train_sentences(data: Path, run: Path, epochs: int = 3, network_epochs: int = 2) -> Scores:
    """Fine-tune on EmoBank; returns the dev CCCs. Leaves run/text/weights.safetensors.

    All of MiniLM learns, its word embeddings too, which then are brought to 8 bits.
    """
    train, devel = read(data, "train"), read(data, "devel")
    soup: dict[str, Tensor] = {}
    for order in range(RUNS):
        torch.manual_seed(0)  # All start alike: weights that began apart have no mean.
        whole = MeanModel()
        groups = grouped(whole.encoder, 0.01, lr=2e-4)
        groups += [g for part in (whole.said, whole.affect) for g in grouped(part, 0.01, lr=1e-3)]
        settings = FitSettings(epochs, warmup=80, average=0.995, seed=order)
        learn(run / "text" / f"encoder-{order}", whole, groups, train, devel, settings)
        for name, value in whole.encoder.state_dict().items():
            soup[name] = soup.get(name, 0) + value / RUNS if value.is_floating_point() else value
    torch.manual_seed(0)
    model = TextModel(CONFIG)
    model.encoder = load_encoder(minilm_folder())
    model.encoder.load_state_dict(soup)
    embeddings = model.encoder.transformer.embeddings
    embeddings.word_embeddings = QuantisedEmbedding.of(embeddings.word_embeddings.weight.detach())
    model.encoder.eval()
    seen, shown = in_vectors(model.encoder, train), in_vectors(model.encoder, devel)
    words, real = seen.inputs(np.arange(0, len(seen.lengths), 40))
    reader = Reader(model, NOISE * float(words[real].std()))
    settings = FitSettings(network_epochs, warmup=50, average=0.995)
    scores = learn(run / "text" / "network", reader, grouped(reader, 0.01, lr=1e-3), seen, shown, settings)
    save_weights(model, run / "text" / WEIGHTS)
    return scores
