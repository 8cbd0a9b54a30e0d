"""A text encoder as training takes it, wherever its weights come from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
import torch
from torch import nn

from affekt.corpora.prepared.vectors import Encoder
from affekt.runtime.words import Kind, Words


@dataclass(frozen=True)
class TextEncoder:
    """What cuts sentences, what turns the pieces into word vectors, and what a bundle keeps of both."""

    about: Encoder
    """Whose vectors they are, for the folder in which they are kept."""
    words: Words
    """Sentences → pieces of words."""
    kind: Kind
    """The file of a bundle that `tokenizer` becomes."""
    tokenizer: bytes
    """The contents of that file, as `runtime.words.load_words` reads them."""
    module: nn.Module
    """(pieces, piece_word, piece_mask, mask) → (U, L, width), as `networks.TransformerEncoder.forward`;
    frozen, as in the paper, unless `learned`."""
    said: str
    """Which weights these are and where they were found, in a sentence for people."""
    learned: bool = False
    """The module starts at random and is trained with the rest, so its vectors are not worth keeping."""

    def encode(self, texts: Sequence[str]) -> list[np.ndarray]:
        """Word vectors of sentences, all in one batch and in evaluation mode.

        Returns:
            (L, width) float32 a sentence, L its words.
        """
        if not texts:
            return []
        self.module.eval()
        device = next(chain(self.module.parameters(), self.module.buffers())).device
        e = self.words.encode(texts)
        arrays = (torch.from_numpy(a).to(device) for a in (e.pieces, e.piece_word, e.piece_mask, e.word_mask))
        with torch.inference_mode():
            vectors = self.module(*arrays).float().cpu().numpy()
        return [row[: len(found)] for row, found in zip(vectors, e.words, strict=True)]
