"""Tiny bundles: the whole model in some thousand weights drawn at random, words, sound, faces and all."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from string import ascii_lowercase
from tempfile import TemporaryDirectory
from typing import Literal

import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from torch import nn
from transformers import BertConfig, BertModel

from affekt.networks import (
    AudioConfig,
    FusionConfig,
    HeadConfig,
    Multimodal,
    MultimodalConfig,
    QuantisedEmbedding,
    TextConfig,
    TransformerEncoder,
    VisualConfig,
    WordTable,
)
from affekt.runtime.words import Vocabulary
from affekt.timeline import ClipSpec
from affekt.training.export import write_bundle

SPEC = ClipSpec(sample_rate=8_000, window=1_000, image_size=32, languages=("en",))
CONFIG = MultimodalConfig(
    text=TextConfig(width=16, ngram_maps=3, projection=8, hidden=4),
    audio=AudioConfig(window=SPEC.window, channels=(3, 4, 5)),
    visual=VisualConfig(width=2, stem=4, bottlenecks=1, blocks=1, stage3_modules=1, size=8),
    fusion=FusionConfig(size=8, heads=2),
    head=HeadConfig(hidden=6),
)
MARKS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")
PIECES = (*MARKS, *ascii_lowercase, *(f"##{one}" for one in ascii_lowercase), ".", "!", "the", "good")
VOCABULARY = Vocabulary(("the", "good", "bad", "day", "night"))
KEPT = TemporaryDirectory(prefix="affekt-bundles-")
CARD = "# A card\n\nTests only.\n"

Words = Literal["wordpieces", "vocabulary"]


def tokenizer() -> bytes:
    """A word-piece tokenizer that spells its words."""
    made = Tokenizer(models.WordPiece({piece: i for i, piece in enumerate(PIECES)}, unk_token="[UNK]"))
    made.normalizer = normalizers.Lowercase()
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    marks = [("[CLS]", PIECES.index("[CLS]")), ("[SEP]", PIECES.index("[SEP]"))]
    made.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=marks)
    return made.to_str().encode()


def scatter(module: nn.Module) -> None:
    """Leave no weight at what training starts with, so that none could be lost unseen; as halves, exactly."""
    with torch.no_grad():
        for name, value in module.state_dict().items():
            if not value.is_floating_point():
                continue
            if name.endswith("running_var"):
                value.uniform_(0.5, 2)
            elif value.ndim < 2:
                value.add_(torch.randn_like(value) * 0.1)
            value.copy_(value.half())


def make_encoder(words: Words = "wordpieces") -> nn.Module:
    """BERT of two layers with its word embeddings in 8 bits, or a word table."""
    torch.manual_seed(1)
    if words == "vocabulary":
        encoder: nn.Module = WordTable(len(VOCABULARY), CONFIG.text.width)
    else:
        config = BertConfig(
            vocab_size=len(PIECES),
            hidden_size=CONFIG.text.width,
            num_hidden_layers=2,
            num_attention_heads=2,
            intermediate_size=32,
            max_position_embeddings=256,
            attn_implementation="eager",
        )
        bert = BertModel(config, add_pooling_layer=False)
        bert.embeddings.word_embeddings = QuantisedEmbedding.of(
            bert.embeddings.word_embeddings.weight.detach()
        )
        encoder = TransformerEncoder(bert)
    scatter(encoder)
    return encoder.eval()


def make_model(kind: str = "cross_modal", config: MultimodalConfig = CONFIG) -> Multimodal:
    """The whole model, tiny, with one of the five fusions."""
    torch.manual_seed(2)
    model = Multimodal(replace(config, fusion=replace(config.fusion, kind=kind)))
    scatter(model)
    return model.eval()


@cache
def bundle_folder(kind: str = "cross_modal", words: Words = "wordpieces") -> Path:
    """The folder of a tiny bundle, made once; a test that changes it takes a copy."""
    folder = Path(KEPT.name, f"{kind}-{words}")
    pieces = tokenizer() if words == "wordpieces" else VOCABULARY.to_json().encode()
    write_bundle(folder, "tiny", make_encoder(words), make_model(kind), SPEC, pieces, words, CARD)
    return folder


@cache
def banded_folder() -> Path:
    """As `bundle_folder`, its head also saying how far off it may be, with a band of 90 %."""
    folder = Path(KEPT.name, "banded")
    model = make_model(config=replace(CONFIG, head=replace(CONFIG.head, spread=True)))
    band = {"share": 0.9, "scale": [1.5, 0.5]}
    write_bundle(folder, "banded", make_encoder(), model, SPEC, tokenizer(), "wordpieces", CARD, band=band)
    return folder


def change_config(folder: Path, **values: object) -> None:
    """Write other values into a bundle's config.json."""
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | values))
