"""Stage 1, text: MiniLM and the text network on EmoBank, fine-tuned together."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

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


def train_sentences(data: Path, run: Path, epochs: int = 3) -> Scores:
    """Fine-tune on EmoBank; returns the dev CCCs. Leaves run/text/weights.safetensors.

    All of MiniLM learns, its word embeddings too, which then are brought to 8 bits.
    """
    torch.manual_seed(0)
    model, words = TextModel(CONFIG), tokenizer()
    model.encoder = load_encoder(minilm_folder())
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
        return concordance_loss(y, torch.from_numpy(train.gold[rows]))

    def score() -> Scores:
        parts = [devel.texts[i : i + 100] for i in range(0, len(devel.texts), 100)]
        y = torch.cat([model(*encoded(words, part)) for part in parts])
        arousal, valence = ccc(y.numpy(), devel.gold)
        return {"arousal": float(arousal), "valence": float(valence)}

    groups = grouped(model.encoder, 0.01, lr=1e-4)
    groups += [g for part in (model.network, model.affect) for g in grouped(part, 0.01, lr=1e-3)]
    settings = FitSettings(epochs, warmup=80, average=0.995)
    scores = fit(run / "text" / "learning", model, groups, batches, loss, score, settings)
    embeddings = model.encoder.transformer.embeddings
    embeddings.word_embeddings = QuantisedEmbedding.of(embeddings.word_embeddings.weight.detach())
    save_weights(model, run / "text" / WEIGHTS)
    return scores
