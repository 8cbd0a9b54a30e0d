"""Word encoders: pieces to words, the learned table, 8-bit embeddings, and what `transformers` loads."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from affekt.networks import QuantisedEmbedding, TransformerEncoder, WordTable
from affekt.networks.encoder import mean_of_pieces
from affekt.training.encoders import pretrained as encoders

SMALL = {"vocab_size": 30, "hidden_size": 8, "num_attention_heads": 2, "intermediate_size": 16}
CONFIGS = {
    "bert": SMALL | {"num_hidden_layers": 2, "pad_token_id": 0},
    "albert": SMALL | {"num_hidden_layers": 2, "embedding_size": 4, "pad_token_id": 0},
    "roberta": SMALL | {"num_hidden_layers": 2, "max_position_embeddings": 40, "pad_token_id": 1},
    "xlnet": {"vocab_size": 30, "d_model": 8, "n_layer": 2, "n_head": 2, "d_inner": 16, "pad_token_id": 5},
}


def test_mean_of_pieces_by_hand() -> None:
    hidden = torch.tensor([[[9.0, 9.0], [1.0, 2.0], [3.0, 6.0], [5.0, 5.0], [9.0, 9.0]]])
    # A special piece, two pieces of word 0, one of word 2; word 1 has none and word 3 is padding.
    words = mean_of_pieces(
        hidden, torch.tensor([[-1, 0, 0, 2, -1]]), torch.tensor([[True, True, True, False]])
    )
    assert words.tolist() == [[[2.0, 4.0], [0.0, 0.0], [5.0, 5.0], [0.0, 0.0]]]


def test_word_table_looks_words_up() -> None:
    table = WordTable(5, 3)
    pieces, mask = torch.tensor([[4, 2, 0]]), torch.tensor([[True, True, False]])
    words = table(pieces, torch.tensor([[0, 1, -1]]), mask, mask)
    assert table.width == 3
    assert torch.equal(words[0, :2], table.table.weight[[4, 2]])
    assert torch.all(words[0, 2] == 0)


def test_row_zero_of_the_table_never_learns() -> None:
    table = WordTable(5, 3)
    both = torch.ones(1, 2, dtype=torch.bool)
    table(torch.tensor([[4, 0]]), torch.tensor([[0, 1]]), both, both).sum().backward()
    assert table.table.weight.grad is not None
    assert table.table.weight.grad.any(1).tolist() == [False, False, False, False, True]


def test_quantised_by_hand() -> None:
    # Scales that half precision holds exactly: 1/64 and 1/2.
    table = torch.tensor([[127 / 64, -1.0, 0.0], [63.5, 10.2, -63.5]])
    quantised = QuantisedEmbedding.of(table)
    assert quantised.weight.dtype == torch.int8
    assert quantised.weight.tolist() == [[127, -64, 0], [127, 20, -127]]
    assert quantised(torch.tensor([[1, 0]])).tolist() == [[[63.5, 10.0, -63.5], [127 / 64, -1.0, 0.0]]]
    assert not list(quantised.parameters())


@given(st.lists(st.lists(st.floats(-1e3, 1e3, width=32), min_size=4, max_size=4), min_size=1, max_size=5))
def test_quantised_error_stays_under_its_bound(rows: list[list[float]]) -> None:
    table = torch.tensor(rows)
    quantised = QuantisedEmbedding.of(table)
    error = (quantised(torch.arange(len(rows))) - table).abs().amax(1)
    assert torch.all(error <= 0.004 * table.abs().amax(1).clamp(min=0.008))
    assert torch.equal(quantised.scale, quantised.scale.half().float())


def test_quantised_padding_row_is_zero() -> None:
    assert torch.all(QuantisedEmbedding.of(torch.zeros(2, 3))(torch.tensor([0, 1])) == 0)


def test_quantised_state_round_trip() -> None:
    quantised, other = QuantisedEmbedding.of(torch.randn(4, 3)), QuantisedEmbedding(4, 3)
    other.load_state_dict(quantised.state_dict())
    rows = torch.arange(4)
    assert torch.equal(other(rows), quantised(rows))


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Tiny encoders with random weights, saved as `transformers` saves them."""
    from transformers import AutoConfig, AutoModel

    root, made = tmp_path_factory.mktemp("encoders"), {}
    for kind, values in CONFIGS.items():
        torch.manual_seed(0)
        made[kind] = root / kind
        AutoModel.from_config(AutoConfig.for_model(kind, **values)).save_pretrained(made[kind])
    return made


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


def sentence(pad: int = 0, extra: int = 0) -> tuple[torch.Tensor, ...]:
    """Three words in four pieces between two special ones, then padding: the encoder's four arguments."""
    pieces = torch.tensor([[2, 11, 12, 13, 14, 3] + [pad] * extra])
    piece_word = torch.tensor([[-1, 0, 1, 1, 2, -1] + [-1] * extra])
    mask = torch.tensor([[True] * 3 + [False] * extra])
    return pieces, piece_word, torch.arange(6 + extra).unsqueeze(0) < 6, mask


@pytest.mark.parametrize("kind", CONFIGS)
def test_any_transformer_loads(folders: dict[str, Path], kind: str) -> None:
    encoder = encoders.load_encoder(folders[kind]).eval()
    assert isinstance(encoder, TransformerEncoder)
    assert encoder.width == 8
    assert getattr(encoder.transformer, "pooler", None) is None
    words = encoder(*sentence())
    hidden = encoder.transformer(input_ids=sentence()[0]).last_hidden_state
    expected = torch.stack([hidden[0, 1], hidden[0, 2:4].mean(0), hidden[0, 4]])
    torch.testing.assert_close(words[0], expected)


@pytest.mark.parametrize("pad", [0, 1, 5, 20])
@pytest.mark.parametrize("kind", CONFIGS)
def test_padding_changes_nothing(folders: dict[str, Path], kind: str, pad: int) -> None:
    encoder = encoders.load_encoder(folders[kind]).eval()
    with torch.no_grad():
        short = encoder(*sentence())
        long = encoder(*sentence(pad, extra=4))
        nothing = torch.zeros(1, 3, dtype=torch.bool)
        empty = encoder(torch.full((1, 3), pad), torch.full((1, 3), -1), nothing, nothing)
    torch.testing.assert_close(long[:, :3], short)
    assert torch.all(long[:, 3:] == 0)
    assert torch.all(empty == 0)


@pytest.mark.parametrize("kind", CONFIGS)
def test_weights_are_those_saved_and_all_can_learn(folders: dict[str, Path], kind: str) -> None:
    from safetensors.torch import load_file

    encoder = encoders.load_encoder(folders[kind]).train()
    saved = load_file(folders[kind] / "model.safetensors")
    state = encoder.transformer.state_dict()
    shared = set(state) & set(saved)
    assert len(shared) >= len(state) - 2
    assert all(torch.equal(state[name], saved[name]) for name in shared)
    encoder(*sentence()).square().sum().backward()
    dead = [n for n, p in encoder.transformer.named_parameters() if p.grad is None]
    # XLNet's mask vector and segment terms serve its pre-training and sentence pairs.
    assert all(n == "mask_emb" or n.endswith(("seg_embed", "r_s_bias")) for n in dead)


@pytest.fixture
def packaged(folders: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package that carries a tiny BERT and must not be imported."""
    package = tmp_path / "carries_a_bert"
    package.mkdir()
    (package / "__init__.py").write_text("raise AssertionError('imported')\n")
    (package / "model").symlink_to(folders["bert"])
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(encoders, "MINILM", package.name)
    yield package
    assert package.name not in sys.modules


def test_minilm_comes_from_its_package(packaged: Path) -> None:
    assert encoders.minilm_folder() == packaged / "model"


def test_minilm_has_its_embedding_in_8_bits(packaged: Path) -> None:
    plain = encoders.load_encoder(packaged / "model").eval()
    encoder = encoders.load_minilm().eval()
    table = encoder.transformer.embeddings.word_embeddings
    assert isinstance(table, QuantisedEmbedding)
    rows = torch.arange(30)
    weight = plain.transformer.embeddings.word_embeddings.weight
    torch.testing.assert_close(table(rows), weight, atol=1e-3, rtol=0)
    words, before = encoder(*sentence()), plain(*sentence())
    assert words.shape == (1, 3, 8)
    torch.testing.assert_close(words, before, atol=0.2, rtol=0)
    assert not any("word_embeddings" in name for name, _ in encoder.named_parameters())


def test_minilm_not_installed_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoders, "MINILM", "no_such_minilm")
    with pytest.raises(ModuleNotFoundError, match="pip install no-such-minilm"):
        encoders.minilm_folder()


@settings(max_examples=25)
@given(
    words=st.lists(st.integers(1, 3), min_size=1, max_size=5),
    extra=st.integers(0, 3),
    seed=st.integers(0, 99),
)
def test_mean_of_pieces_is_the_mean_of_each_word(words: list[int], extra: int, seed: int) -> None:
    g = torch.Generator().manual_seed(seed)
    owner = [w for w, n in enumerate(words) for _ in range(n)] + [-1] * extra
    hidden = torch.randn(1, len(owner), 3, generator=g)
    got = mean_of_pieces(hidden, torch.tensor([owner]), torch.ones(1, len(words), dtype=torch.bool))
    for w in range(len(words)):
        mine = [hidden[0, s] for s, o in enumerate(owner) if o == w]
        torch.testing.assert_close(got[0, w], torch.stack(mine).mean(0))
