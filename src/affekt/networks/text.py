"""The text network (paper, section 4.1.1; readings 1): words of a sentence → one vector."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from affekt.networks.attention import masked_softmax

GROUPS = 3
"""Of sentences of about one length; more of them are not quicker (`benchmarks/training.py`)."""


@dataclass(frozen=True)
class TextConfig:
    """Sizes of the text network; the defaults are the paper's and its code's (readings 8)."""

    width: int = 768
    ngram_widths: tuple[int, ...] = (2, 3, 4)
    ngram_maps: int = 100
    heads: int = 2
    projection: int = 512
    hidden: int = 256
    highway_layers: int = 2
    highway_act: str = "tanh"
    word_dropout: float = 0.1
    ngram_dropout: float = 0.0
    projection_dropout: float = 0.2
    recurrent_dropout: float = 0.3

    @property
    def size(self) -> int:
        """D_t: what a sentence's vector measures."""
        return self.heads * 2 * self.hidden


class NGrams(nn.Module):
    """Eq. 1: f_k[l] = tanh(⟨H_k, S[:, l−left : l+right]⟩ + b_k) for every width; C = [S; f]."""

    def __init__(self, width: int, ngram_widths: tuple[int, ...], maps: int) -> None:
        super().__init__()
        self.widths = ngram_widths
        self.convs = nn.ModuleList(nn.Conv1d(width, maps, n) for n in ngram_widths)

    def forward(self, words: Tensor, mask: Tensor) -> Tensor:
        """words (U, L, D), mask (U, L) → (U, L, D + N_k), zero at padded words."""
        real = mask.unsqueeze(-1).to(words.dtype)
        columns = (words * real).transpose(1, 2)
        found = [columns]
        for n, conv in zip(self.widths, self.convs, strict=True):
            left = (n - 1) // 2
            found.append(torch.tanh(conv(F.pad(columns, (left, n - 1 - left)))))
        return torch.cat(found, 1).transpose(1, 2) * real


def reverse_within(x: Tensor, lengths: Tensor) -> Tensor:
    """Turn each row's first `length` steps round and leave its padding: x (U, L, D), lengths (U,)."""
    steps = torch.arange(x.shape[1], device=x.device).unsqueeze(0)
    last = lengths.unsqueeze(1) - 1
    order = torch.where(steps <= last, last - steps, steps)
    return x.gather(1, order.unsqueeze(-1).expand(-1, -1, x.shape[2]))


class BiLSTM(nn.Module):
    """A stacked bidirectional LSTM whose backward direction starts at each sentence's last real word.

    Equal to `nn.LSTM` on packed sequences, which cannot be exported (readings 1.4).
    """

    def __init__(self, size: int, hidden: int, layers: int = 2, dropout: float = 0.3) -> None:
        super().__init__()
        sizes = [size] + [2 * hidden] * (layers - 1)
        self.forwards = nn.ModuleList(nn.LSTM(s, hidden, batch_first=True) for s in sizes)
        self.backwards = nn.ModuleList(nn.LSTM(s, hidden, batch_first=True) for s in sizes)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        """x (U, L, D), lengths (U,) int64 → (U, L, 2 hidden)."""
        for onward, back in zip(self.forwards, self.backwards, strict=True):
            ahead, _ = onward(x)
            behind, _ = back(reverse_within(x, lengths))
            x = self.dropout(torch.cat([ahead, reverse_within(behind, lengths)], -1))
        return x


class Highway(nn.Module):
    """Eq. 2: z̃ = o∘g(W z + b) + (1 − o)∘z, o = σ(W_o z + b_o); b_o starts at −2, so it starts as a carry."""

    def __init__(self, size: int, act: str) -> None:
        super().__init__()
        self.transform = nn.Linear(size, size)
        self.gate = nn.Linear(size, size)
        self.act = {"tanh": torch.tanh, "relu": torch.relu}[act]
        nn.init.constant_(self.gate.bias, -2.0)

    def forward(self, z: Tensor) -> Tensor:
        """(…, size) → (…, size)."""
        o = torch.sigmoid(self.gate(z))
        return o * self.act(self.transform(z)) + (1 - o) * z


class TextNetwork(nn.Module):
    """N-grams → P projections → P BiLSTMs → P selectors → concatenation → highway."""

    def __init__(self, config: TextConfig | None = None) -> None:
        super().__init__()
        self.config = c = config or TextConfig()
        embedded = c.width + len(c.ngram_widths) * c.ngram_maps
        self.word_dropout = nn.Dropout(c.word_dropout)
        self.ngrams = NGrams(c.width, c.ngram_widths, c.ngram_maps)
        self.ngram_dropout = nn.Dropout(c.ngram_dropout)
        self.projections = nn.ModuleList(
            nn.Linear(embedded, c.projection, bias=False) for _ in range(c.heads)
        )
        self.projection_dropout = nn.Dropout(c.projection_dropout)
        self.contexts = nn.ModuleList(
            BiLSTM(c.projection, c.hidden, dropout=c.recurrent_dropout) for _ in range(c.heads)
        )
        self.selectors = nn.ParameterList(
            nn.Parameter(torch.randn(2 * c.hidden) * (2 * c.hidden) ** -0.5) for _ in range(c.heads)
        )
        self.highways = nn.ModuleList(Highway(c.size, c.highway_act) for _ in range(c.highway_layers))

    def forward(self, words: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """words (U, L, D), mask (U, L) bool → x^t (U, D_t), selector weights α (U, P, L)."""
        if not self.training or words.device.type != "cpu":
            return self.encode(words, mask)
        # About half of a batch is padding, which costs a CPU as much as words do: short sentences go apart.
        lengths = mask.sum(1)
        order = lengths.argsort(stable=True)
        vectors, weights = [], []
        for rows in order.chunk(GROUPS):
            longest = max(1, int(lengths[rows[-1]]))
            z, alpha = self.encode(words[rows, :longest], mask[rows, :longest])
            vectors.append(z)
            weights.append(F.pad(alpha, (0, mask.shape[1] - longest)))
        back = order.argsort()
        return torch.cat(vectors).index_select(0, back), torch.cat(weights).index_select(0, back)

    def encode(self, words: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """As `forward`, all sentences together."""
        lengths = mask.sum(1)
        c = self.ngram_dropout(self.ngrams(self.word_dropout(words), mask))
        selected, weights = [], []
        for project, context, query in zip(self.projections, self.contexts, self.selectors, strict=True):
            h = context(self.projection_dropout(project(c)), lengths)
            alpha = masked_softmax((h * query).sum(-1) / query.shape[0] ** 0.5, mask)
            selected.append((alpha.unsqueeze(-1) * h).sum(1))
            weights.append(alpha)
        z = torch.cat(selected, -1)
        for highway in self.highways:
            z = highway(z)
        return z, torch.stack(weights, 1)
