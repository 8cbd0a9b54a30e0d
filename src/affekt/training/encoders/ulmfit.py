"""ULMFiT's encoder (Howard, Ruder 2018): an AWD-LSTM language model that fastai has trained.

The WikiText-103 weights are in https://s3.amazonaws.com/fast-ai-modelzoo/wt103-fwd.tgz (`URLs.WT103_FWD` of
fastai): `lstm_fwd.pth`, of which PyTorch reads the weights alone, and the words, `itos_wt103.pkl`. That is a
pickle, which affekt never reads: who trusts it writes it out as JSON once.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors
from torch import Tensor

from affekt.corpora.prepared.vectors import Encoder
from affekt.errors import ModelError
from affekt.networks.alternatives.awd_lstm import AwdLstm
from affekt.runtime.words import WordPieces
from affekt.training.encoders.text import TextEncoder

START, UNKNOWN = "xxbos", "xxunk"
"""fastai's mark before every text, and what it has for a word that is not in its list."""
PARTS = r"\w+(?=n't\b)|n't\b|'(?:s|m|re|ve|ll|d)\b|\w+|\.{2,}|[^\w\s]"
"""fastai's words, which are spaCy's: "don't" is "do" and "n't", and punctuation stands alone."""
WEIGHT = re.compile(r"(?:.*\.)?(?:encoder\.weight|rnns\.(\d+)\.(?:module\.)?(\w+_[ih]h_l0)(?:_raw)?)")
"""A weight under fastai's names: of the table, or a layer's number and what it is."""
WANTED = "a .pth or .safetensors of fastai, and its words as itos.json or vocab.txt"


def from_fastai(folder: Path) -> TextEncoder:
    """An AWD-LSTM and its words from a folder.

    Left out is fastai's `xxmaj` before a capital: its words are lower case here without a mark. Sentences
    begin at `xxbos`, as its texts do.

    Args:
        folder: holds one file of weights, `*.safetensors` or `*.pth`, and the words, row by row, as a JSON
            list (`itos*.json`) or a line each (`vocab.txt`).

    Raises:
        ModelError: something is missing, damaged, of another network, or a pickle.
    """
    words = _words(folder)
    weights, source = _weights(folder)
    module = _module(source, weights)
    if len(words) != module.table.num_embeddings:
        raise ModelError(
            f"{folder}: {len(words)} words for {module.table.num_embeddings} rows of {source.name}"
        )
    tokenizer = _tokenizer(words).encode()
    digest = hashlib.sha256(tokenizer)
    for name, value in sorted(module.state_dict().items()):
        digest.update(name.encode() + value.numpy().tobytes())
    module.eval().requires_grad_(False)
    name = folder.resolve().name
    said = (
        f"AWD-LSTM of {len(module.layers)} layers, {len(words):,} words, width {module.width}, from {source}"
    )
    about = Encoder(f"ulmfit-{name}", digest.hexdigest(), module.width)
    return TextEncoder(about, WordPieces(tokenizer), "wordpieces", tokenizer, module, said)


def _words(folder: Path) -> list[str]:
    found = [*sorted(folder.glob("itos*.json")), *folder.glob("vocab.txt")]
    if not found:
        pickles = sorted(folder.glob("*.pkl"))
        if pickles:
            raise ModelError(
                f"{pickles[0]}: is a pickle, which could run anything; if you trust it, make JSON of it: "
                f"python -c \"import json, pickle; json.dump(pickle.load(open('{pickles[0].name}', 'rb')), "
                "open('itos.json', 'w'))\""
            )
        raise ModelError(f"{folder}: no list of words; put {WANTED} there")
    try:
        text = found[0].read_text(encoding="utf-8")
        words = json.loads(text) if found[0].suffix == ".json" else text.rstrip("\n").split("\n")
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"{found[0]}: is no list of words ({str(error)[:80]})") from error
    if not isinstance(words, list) or UNKNOWN not in words or not all(isinstance(one, str) for one in words):
        raise ModelError(f"{found[0]}: is no list of words with {UNKNOWN} among them")
    return words


def _weights(folder: Path) -> tuple[Mapping[str, Any], Path]:
    found = sorted([*folder.glob("*.safetensors"), *folder.glob("*.pth")])
    if len(found) != 1:
        raise ModelError(f"{folder}: {len(found)} files of weights; put {WANTED} there")
    path = found[0]
    try:
        if path.suffix == ".safetensors":
            return load_file(path), path
        saved = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, SafetensorError) as error:
        raise ModelError(f"{path}: cannot be read ({' '.join(str(error).split())[:80]})") from error
    except Exception as error:  # PyTorch names none; some are pickle's own
        raise ModelError(
            f"{path}: is damaged, or holds more than weights; save its state dict alone"
        ) from error
    # A whole learner is saved as its model beside its optimiser.
    saved = saved.get("model", saved) if isinstance(saved, Mapping) else saved
    if not isinstance(saved, Mapping):
        raise ModelError(f"{path}: holds no state dict")
    return saved, path


def _module(path: Path, saved: Mapping[str, Any]) -> AwdLstm:
    """The encoder with its weights, found under the names that fastai's versions give them."""
    state: dict[str, Tensor] = {}
    # A recurrent weight stands there twice, as it is and with some of it dropped; the first is meant.
    for key in sorted(saved, key=lambda key: key.endswith("_raw")):
        if key.endswith("_reverse"):
            raise ModelError(f"{path}: reads in both directions; an encoder that reads forwards is wanted")
        if found := WEIGHT.fullmatch(key):
            layer, name = found.groups()
            state["table.weight" if layer is None else f"layers.{layer}.{name}"] = saved[key]
    try:
        rows, width = state["table.weight"].shape
        hidden = state["layers.0.weight_hh_l0"].shape[1]
        module = AwdLstm(rows, width, hidden, len({key.split(".")[1] for key in state}) - 1)
        module.load_state_dict(state)
    except (LookupError, TypeError, AttributeError, ValueError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:120]
        raise ModelError(f"{path}: is no AWD-LSTM as fastai saves it ({reason})") from error
    return module


def _tokenizer(words: list[str]) -> str:
    """What cuts text as fastai does, as far as it goes, as a tokenizer.json."""
    rows = {word: row for row, word in reversed(list(enumerate(words)))}
    made = Tokenizer(models.WordLevel(rows, unk_token=UNKNOWN))
    made.normalizer = normalizers.Sequence([normalizers.Lowercase(), normalizers.Replace("’", "'")])
    made.pre_tokenizer = pre_tokenizers.Split(Regex(PARTS), behavior="removed", invert=True)
    if START in rows:
        made.post_processor = processors.TemplateProcessing(
            single=f"{START} $A", special_tokens=[(START, rows[START])]
        )
    return made.to_str()
