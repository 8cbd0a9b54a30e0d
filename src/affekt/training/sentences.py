"""Sentences as a stage reads them: kept vectors of a frozen encoder, or pieces for one that learns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from affekt.corpora.prepared.build import file_names
from affekt.corpora.prepared.dataset import VECTORS, Prepared
from affekt.corpora.prepared.vectors import WordVectors, open_vectors
from affekt.training.batches import Sentences
from affekt.training.encoders import TextEncoder, text_encoder
from affekt.training.parts import Parts

if TYPE_CHECKING:
    from lightning_fabric import Fabric

ENCODER = "minilm"
"""The encoder of a config that names none."""


@dataclass(frozen=True)
class Reader:
    """How the sentences of a corpus become numbers."""

    encoder: TextEncoder
    vectors: WordVectors | None
    """None: the encoder learns."""

    @property
    def name(self) -> str:
        """The encoder's name and the sum over its weights."""
        return f"{self.encoder.about.name} {self.encoder.about.fingerprint}"

    @property
    def width(self) -> int:
        """D of a word's vector."""
        return self.encoder.about.width

    @property
    def said(self) -> str:
        """Which weights these are."""
        return self.encoder.said

    @property
    def learned(self) -> nn.Module | None:
        """The encoder, if it learns with the model."""
        return self.encoder.module if self.encoder.learned else None

    def read(self, texts: Sequence[str]) -> Sentences:
        """Distinct sentences → their words."""
        if self.vectors is None:
            e = self.encoder.words.encode(texts)
            pieces, owners, there = (torch.from_numpy(a) for a in (e.pieces, e.piece_word, e.piece_mask))
            return Sentences(torch.from_numpy(e.word_mask), pieces=(pieces, owners, there))
        rows = [self.vectors[text] for text in texts]
        longest = max([1, *map(len, rows)])
        words = np.zeros((len(rows), longest, self.width), np.float32)
        mask = np.zeros((len(rows), longest), bool)
        for k, row in enumerate(rows):
            words[k, : len(row)], mask[k, : len(row)] = row, True
        return Sentences(torch.from_numpy(mask), torch.from_numpy(words))


def reader_of(text: Mapping[str, Any], prepared: Prepared, parts: Parts, fabric: Fabric) -> Reader:
    """The reader that a config's `text` names; vectors that are not kept yet are made now.

    A table that is learned has a row for the words of train alone; published vectors are taken for all words.

    Raises:
        ModelError: there is no such encoder.
    """
    name = str(text.get("encoder", ENCODER))
    learned_from = Prepared(prepared.folder, prepared.dataset, parts.train)
    encoder = text_encoder(name, (learned_from if name.startswith("words") else prepared).texts())
    if encoder.learned:
        return Reader(encoder, None)
    folder = prepared.folder / VECTORS / file_names([encoder.about.name], "")[0]
    if fabric.is_global_zero:
        open_vectors(folder, encoder.about).fill(prepared.texts(), encoder.encode)
    fabric.barrier()
    return Reader(encoder, open_vectors(folder, encoder.about))
