"""Stage 1, text: MiniLM and the text network on EmoBank, fine-tuned together."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from affekt.networks import TextConfig, TextNetwork
from affekt.runtime.words import WordPieces
from affekt.scoring import ccc
from affekt.training.concordance import concordance_loss
from affekt.training.default.data import read_sentences
from affekt.training.encoders import load_minilm, minilm_folder
from affekt.training.loop import FitSettings, Scores, fit, grouped
from affekt.training.precision import quick_half

CONFIG = TextConfig(width=384, ngram_maps=50, projection=192, hidden=96)
BATCH = 32


class TextModel(nn.Module):
    """Encoder and text network with what they are taught by."""

    def __init__(self, config: TextConfig) -> None:
        super().__init__()
        self.encoder = load_minilm()
        self.network = TextNetwork(config)
        self.dropout = nn.Dropout(0.3)
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


def layered(model: TextModel, peak: float, decay: float) -> list[dict[str, Any]]:
    """The encoder, a layer a group: the deeper it lies, the less it learns (Howard & Ruder 2018)."""
    layers = model.encoder.transformer.encoder.layer
    groups: list[dict[str, Any]] = []
    for depth, layer in enumerate(reversed(layers)):
        groups += grouped(layer, 0.01, lr=peak * decay**depth)
    return groups + grouped(model.encoder.transformer.embeddings, 0.01, lr=peak * decay ** len(layers))


def train_sentences(data: Path, run: Path, epochs: int = 4) -> Scores:
    """Fine-tune on EmoBank; returns the dev CCCs. Leaves run/text/weights.safetensors."""
    torch.manual_seed(0)
    model, words = TextModel(CONFIG), tokenizer()
    train, devel = read_sentences(data, "train"), read_sentences(data, "devel")
    lengths = np.array([len(t) for t in train.texts])

    def batches(epoch: int) -> Iterator[np.ndarray]:
        draw = np.random.default_rng(epoch)
        # Sentences of like length share a batch, so little is spent on padding.
        order = np.argsort(lengths * draw.uniform(0.7, 1.4, len(lengths)), kind="stable")
        parts = [order[i : i + BATCH] for i in range(0, len(order), BATCH)]
        return (parts[i] for i in draw.permutation(len(parts)))

    def loss(rows: np.ndarray) -> Tensor:
        y = model(*encoded(words, [train.texts[i] for i in rows]))
        gold = torch.from_numpy(train.gold[rows])
        # Batches are small for a concordance: the squared error steadies it.
        return concordance_loss(y, gold) + 10 * F.mse_loss(y, gold)

    def score() -> Scores:
        parts = [devel.texts[i : i + 100] for i in range(0, len(devel.texts), 100)]
        y = torch.cat([model(*encoded(words, part)) for part in parts])
        arousal, valence = ccc(y.numpy(), devel.gold)
        return {"arousal": float(arousal), "valence": float(valence)}

    groups = layered(model, 1e-4, 0.95)
    groups += [g for part in (model.network, model.affect) for g in grouped(part, 0.01, lr=6e-4)]
    settings = FitSettings(epochs, warmup=80, average=0.995)
    return fit(run / "text", model, groups, batches, loss, score, settings)
