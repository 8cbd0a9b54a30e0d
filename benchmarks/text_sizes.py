"""What the default model's smaller text network costs on EmoBank dev, beside the paper's sizes.

    .venv-dev/bin/python benchmarks/text_sizes.py DATA [--out RUN/cost.json]

Both learn from the same frozen word vectors of MiniLM: same batches, rates and epochs. The card of the
default model takes its table from RUN/cost.json.
"""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from affekt.networks import TextConfig, TextNetwork
from affekt.scoring import ccc
from affekt.training.concordance import concordance_loss
from affekt.training.default import sentences
from affekt.training.default.data import Sentences, read_sentences
from affekt.training.encoders import load_minilm

RATE = 5e-4


@torch.no_grad()
def word_vectors(items: Sentences) -> list[Tensor]:
    """Each sentence's words, (L, 384) in half precision."""
    encoder, words = load_minilm().eval(), sentences.tokenizer()
    order = sorted(range(len(items.texts)), key=lambda i: len(items.texts[i]))
    vectors: dict[int, Tensor] = {}
    for start in range(0, len(order), 64):
        rows = order[start : start + 64]
        inputs = sentences.encoded(words, [items.texts[i] for i in rows])
        for row, vector, mask in zip(rows, encoder(*inputs), inputs[-1], strict=True):
            vectors[row] = vector[mask].half()
    return [vectors[i] for i in range(len(order))]


def padded(items: list[Tensor]) -> tuple[Tensor, Tensor]:
    """Words (U, L, 384) and mask (U, L)."""
    longest = max(1, *(len(x) for x in items))
    words, mask = torch.zeros(len(items), longest, 384), torch.zeros(len(items), longest, dtype=torch.bool)
    for row, x in enumerate(items):
        words[row, : len(x)], mask[row, : len(x)] = x.float(), True
    return words, mask


def train(config: TextConfig, vectors: list[Tensor], gold: np.ndarray, epochs: int) -> nn.Module:
    """A text network and a linear layer, by the concordance loss."""
    torch.manual_seed(0)
    network, out = TextNetwork(config), nn.Linear(config.size, 2)
    parameters = [*network.parameters(), *out.parameters()]
    optimiser = torch.optim.AdamW(parameters, lr=RATE, betas=(0.9, 0.99), weight_decay=0.01)
    lengths = np.array([len(x) for x in vectors])
    for epoch in range(epochs):
        draw = np.random.default_rng(epoch)
        order = np.argsort(lengths * draw.uniform(0.8, 1.25, len(lengths)), kind="stable")
        parts = [order[i : i + 64] for i in range(0, len(order), 64)]
        network.train()
        for step, part in enumerate(draw.permutation(len(parts))):
            progress = (epoch + step / len(parts)) / epochs
            optimiser.param_groups[0]["lr"] = RATE * 0.5 * (1 + math.cos(math.pi * progress))
            rows = parts[part]
            y = torch.tanh(out(network(*padded([vectors[i] for i in rows]))[0]))
            loss = concordance_loss(y, torch.from_numpy(gold[rows]))
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(parameters, 5.0)
            optimiser.step()
    return nn.ModuleList([network, out]).eval()


@torch.no_grad()
def score(model: nn.Module, vectors: list[Tensor], gold: np.ndarray) -> tuple[float, float]:
    """CCC of arousal and valence."""
    network, out = model
    parts = [vectors[i : i + 100] for i in range(0, len(vectors), 100)]
    y = torch.cat([torch.tanh(out(network(*padded(part))[0])) for part in parts])
    arousal, valence = ccc(y.numpy(), gold)
    return float(arousal), float(valence)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--limit", type=int, help="train on so many sentences only, to try the script")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    learnt, devel = read_sentences(given.data, "train"), read_sentences(given.data, "devel")
    learnt = Sentences(learnt.texts[: given.limit], learnt.gold[: given.limit])
    vectors, shown = word_vectors(learnt), word_vectors(devel)
    rows = []
    for config in (sentences.CONFIG, TextConfig(width=sentences.CONFIG.width)):
        model = train(config, vectors, learnt.gold, given.epochs)
        size = sum(p.numel() for p in model[0].parameters())
        arousal, valence = score(model, shown, devel.gold)
        rows.append({"name": f"text network, {size:,} parameters", "arousal": arousal, "valence": valence})
        print(f"{rows[-1]['name']:40} arousal {arousal:.3f}  valence {valence:.3f}", flush=True)
    if given.out:
        given.out.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
