"""Stage 1, text: MiniLM and the text network on EmoBank, fine-tuned together."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
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
BATCH = 64


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
        return torch.tanh(self.affect(self.dropout(self.features(pieces, piece_word, piece_mask, mask)[0])))


def tokenizer() -> WordPieces:
    """MiniLM's word pieces."""
    return WordPieces((minilm_folder() / "tokenizer.json").read_bytes())


def encoded(words: WordPieces, texts: list[str]) -> tuple[Tensor, ...]:
    """Texts as the tensors the text model takes."""
    e = words.encode(texts)
    return tuple(torch.from_numpy(a) for a in (e.pieces, e.piece_word, e.piece_mask, e.word_mask))


def train_sentences(data: Path, run: Path, epochs: int = 2) -> Scores:
    """Fine-tune on EmoBank; returns the dev CCCs. Leaves run/text/weights.safetensors."""
    model, words = TextModel(CONFIG), tokenizer()
    train, devel = read_sentences(data, "train"), read_sentences(data, "devel")
    lengths = np.array([len(t) for t in train.texts])

    def batches(epoch: int) -> Iterator[np.ndarray]:
        draw = np.random.default_rng(epoch)
        # Sentences of like length share a batch, so little is spent on padding.
        order = np.argsort(lengths * draw.uniform(0.8, 1.25, len(lengths)), kind="stable")
        parts = [order[i : i + BATCH] for i in range(0, len(order), BATCH)]
        return (parts[i] for i in draw.permutation(len(parts)))

    def loss(rows: np.ndarray) -> Tensor:
        y = model(*encoded(words, [train.texts[i] for i in rows]))
        return concordance_loss(y, torch.from_numpy(train.gold[rows]))

    def score() -> Scores:
        parts = [devel.texts[i : i + 100] for i in range(0, len(devel.texts), 100)]
        y = torch.cat([model(*encoded(words, part)) for part in parts])
        arousal, valence = ccc(y.numpy(), devel.gold)
        return {"arousal": float(arousal), "valence": float(valence)}

    groups = [
        {"params": [p for p in model.encoder.parameters() if p.requires_grad], "lr": 5e-5},
        {"params": [*model.network.parameters(), *model.affect.parameters()], "lr": 5e-4},
    ]
    return fit(
        run / "text", model, groups, batches, loss, score, FitSettings(epochs, weight_decay=0.01, warmup=60)
    )
