"""Word encoders: pieces of words → one vector a word (readings 1.1)."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def mean_of_pieces(hidden: Tensor, piece_word: Tensor, mask: Tensor) -> Tensor:
    """The vector of a word is the mean over its pieces' vectors.

    Args:
        hidden: (U, S, D) last-layer vectors of the pieces.
        piece_word: (U, S) int64, the word each piece belongs to; −1 = special piece or padding.
        mask: (U, L) bool, True = real word.

    Returns:
        (U, L, D), zero at padded words.
    """
    index = torch.arange(mask.shape[1], device=hidden.device).view(1, -1, 1)
    belongs = (piece_word.unsqueeze(1) == index).to(hidden.dtype)
    return belongs @ hidden / belongs.sum(-1, keepdim=True).clamp(min=1)


class TransformerEncoder(nn.Module):
    """Any encoder with `transformers`' interface (XLNet, BERT, ALBERT, RoBERTa, MiniLM …)."""

    def __init__(self, transformer: Any) -> None:
        super().__init__()
        self.transformer = transformer
        self.width = int(transformer.config.hidden_size)

    def forward(self, pieces: Tensor, piece_word: Tensor, piece_mask: Tensor, mask: Tensor) -> Tensor:
        """Word vectors of U sentences.

        Args:
            pieces, piece_word: (U, S) int64; piece_mask: (U, S) bool, False where padded.
            mask: (U, L) bool, True = real word.

        Returns:
            (U, L, width), zero at padded words.
        """
        attended = piece_mask.to(torch.int64)
        hidden = self.transformer(input_ids=pieces, attention_mask=attended).last_hidden_state
        return mean_of_pieces(hidden, piece_word, mask)


class WordTable(nn.Module):
    """A learned table over a corpus' own vocabulary, as the authors' code looks words up; row 0 = padding."""

    def __init__(self, vocabulary: int, width: int) -> None:
        super().__init__()
        self.width = width
        self.table = nn.Embedding(vocabulary, width, padding_idx=0)

    def forward(
        self,
        pieces: Tensor,
        piece_word: Tensor,
        piece_mask: Tensor,  # noqa: ARG002 - every encoder is called alike
        mask: Tensor,
    ) -> Tensor:
        """As `TransformerEncoder.forward`; every word is one piece."""
        return mean_of_pieces(self.table(pieces), piece_word, mask)


class QuantisedEmbedding(nn.Module):
    """A frozen embedding in 8 bits with one scale a row: a quarter of the size.

    Error below 0.4 % of a row's peak, or of 0.008 where the peak is smaller.
    """

    weight: Tensor
    scale: Tensor

    def __init__(self, rows: int, width: int) -> None:
        super().__init__()
        self.register_buffer("weight", torch.zeros(rows, width, dtype=torch.int8))
        self.register_buffer("scale", torch.ones(rows, 1))

    @classmethod
    def of(cls, table: Tensor) -> QuantisedEmbedding:
        """Quantise a (rows, width) table."""
        self = cls(*table.shape)
        # The scale is kept in the half precision it is stored in, so training sees what use will see.
        # It stays a normal half: below that (peaks under 0.008) the rounding of the scale would be the error.
        peak = table.abs().amax(1, keepdim=True)
        self.scale = (peak / 127).clamp(min=torch.finfo(torch.float16).tiny).half().float()
        self.weight = (table / self.scale).round().clamp(-127, 127).to(torch.int8)
        return self

    def forward(self, rows: Tensor) -> Tensor:
        """Rows (…) int64 → (…, width) float32."""
        return F.embedding(rows, self.weight).to(self.scale.dtype) * F.embedding(rows, self.scale)


class QuantisedLinear(nn.Module):
    """A frozen linear layer whose weights are whole numbers up to ±64, with one scale an output.

    A bundle keeps them once, in half of half precision's room: executed in float32 they are scaled first, in
    int8 they are multiplied as they are. No 8th bit, for it would run over in processors without VNNI, which
    add two products of 8 bits in 16.
    """

    PEAK = 64
    weight: Tensor
    scale: Tensor
    bias: Tensor

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.register_buffer("weight", torch.zeros(outputs, inputs, dtype=torch.int8))
        self.register_buffer("scale", torch.ones(outputs))
        self.register_buffer("bias", torch.zeros(outputs))

    @classmethod
    def of(cls, layer: nn.Linear) -> QuantisedLinear:
        """Quantise a layer; the error of a weight is below 0.9 % of its output's largest."""
        self = cls(layer.in_features, layer.out_features)
        weight = layer.weight.detach()
        # As in `QuantisedEmbedding`: the scale as it is stored, and no subnormal half.
        scale = (weight.abs().amax(1) / self.PEAK).clamp(min=torch.finfo(torch.float16).tiny)
        self.scale = scale.half().float()
        rounded = (weight / self.scale.unsqueeze(1)).round()
        self.weight = rounded.clamp(-self.PEAK, self.PEAK).to(torch.int8)
        if layer.bias is not None:
            self.bias = layer.bias.detach().clone()
        return self

    def forward(self, x: Tensor) -> Tensor:
        """(…, inputs) → (…, outputs)."""
        return F.linear(x, self.weight.to(self.scale.dtype) * self.scale.unsqueeze(1), self.bias)


def quantise_linears(module: nn.Module) -> None:
    """Put a `QuantisedLinear` in the place of every linear layer inside a module, which cannot learn then."""
    for name, child in module.named_children():
        if isinstance(child, nn.Linear):
            setattr(module, name, QuantisedLinear.of(child))
        else:
            quantise_linears(child)
