"""The text network against its equations (readings 1)."""

from __future__ import annotations

from dataclasses import replace
from math import exp, log, sqrt, tanh

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from affekt.networks import MultimodalConfig, TextConfig, TextNetwork
from affekt.networks.text import BiLSTM, Highway, NGrams, reverse_within


def count(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def test_the_parts_have_the_sizes_of_the_readings() -> None:
    with torch.device("meta"):
        network = TextNetwork()
    assert count(network.ngrams) == 691_500
    assert count(network.projections) == 1_093_632
    assert count(network.contexts) == 6_307_840
    assert count(network.selectors) == 1_024
    assert count(network.highways) == 4_198_400
    assert count(network) == 12_292_396
    assert TextConfig().size == 1_024


# Three words of two dimensions, then padding that must not matter.
WORDS = torch.tensor([[[1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [7.0, -9.0]]])
MASK = torch.tensor([[True, True, True, False]])
FILTER = [[0.1, 0.2], [0.3, -0.1], [-0.2, 0.4], [0.5, 0.1]]
"""H_n for n = 0..3, each over the two dimensions of a word."""


@pytest.mark.parametrize(
    ("n", "sums"),
    [
        # n = 2 looks at l, l+1: l=0: .1 − .1 + b; l=1: .2 + .2 + b; l=2: .3 + b.
        (2, [0.05, 0.45, 0.35]),
        # n = 3 looks at l−1..l+1: l=0: .3 + .4 + b; l=1: .1 − .1 + .2 + b; l=2: .2 + .2 + b.
        (3, [0.75, 0.25, 0.45]),
        # n = 4 looks at l−1..l+2: as n = 3, and at l=0 the third word under H_3: + .6.
        (4, [1.35, 0.25, 0.45]),
    ],
)
def test_equation_1(n: int, sums: list[float]) -> None:
    ngrams = NGrams(2, (n,), 1)
    with torch.no_grad():
        ngrams.convs[0].weight.copy_(torch.tensor(FILTER[:n]).T.unsqueeze(0))
        ngrams.convs[0].bias.fill_(0.05)
    c = ngrams(WORDS, MASK)
    assert c.shape == (1, 4, 3)
    assert torch.equal(c[0, :3, :2], WORDS[0, :3])
    torch.testing.assert_close(c[0, :3, 2], torch.tensor([tanh(s) for s in sums]))
    assert torch.equal(c[0, 3], torch.zeros(3))


def test_maps_of_all_widths_stand_beside_the_words() -> None:
    assert NGrams(6, (2, 3, 4), 5)(torch.randn(2, 7, 6), torch.ones(2, 7, dtype=torch.bool)).shape == (
        2,
        7,
        21,
    )


@pytest.mark.parametrize(("act", "g"), [("tanh", tanh), ("relu", lambda x: max(x, 0.0))])
def test_equation_2(act: str, g: object) -> None:
    highway = Highway(2, act)
    assert torch.equal(highway.gate.bias, torch.tensor([-2.0, -2.0]))
    with torch.no_grad():
        highway.transform.weight.copy_(torch.tensor([[0.5, 0.0], [-1.0, 0.25]]))
        highway.transform.bias.copy_(torch.tensor([0.1, 0.0]))
        highway.gate.weight.copy_(torch.tensor([[1.0, 0.0], [0.0, 0.0]]))
    z = [2.0, 4.0]
    # W z + b = (1.1, −1); the gates are σ(2 − 2) = 1/2 and σ(−2).
    closed = 1 / (1 + exp(2))
    expected = [0.5 * g(1.1) + 0.5 * 2, closed * g(-1.0) + (1 - closed) * 4]
    torch.testing.assert_close(highway(torch.tensor([z])), torch.tensor([expected]))


def test_selector_weighs_real_words_only() -> None:
    network = TextNetwork(
        TextConfig(width=2, ngram_maps=1, heads=1, projection=2, hidden=1, highway_layers=0)
    )

    class Known(nn.Module):
        def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
            return torch.tensor([[[1.0, 0.0], [0.0, 1.0], [9.0, 9.0]]])

    network.contexts[0] = Known()
    with torch.no_grad():
        network.selectors[0].copy_(torch.tensor([sqrt(2) * log(3), 0.0]))
    x, alpha = network.eval()(torch.randn(1, 3, 2), torch.tensor([[True, True, False]]))
    # h·q/√2 = (ln 3, 0): weights 3/4 and 1/4, and s is made of the same numbers.
    torch.testing.assert_close(alpha, torch.tensor([[[0.75, 0.25, 0.0]]]))
    torch.testing.assert_close(x, torch.tensor([[0.75, 0.25]]))
    assert alpha[0, 0, 2] == 0


def test_reverse_leaves_the_padding() -> None:
    x = torch.arange(8.0).view(2, 4, 1)
    turned = reverse_within(x, torch.tensor([3, 0]))
    assert turned[..., 0].tolist() == [[2.0, 1.0, 0.0, 3.0], [4.0, 5.0, 6.0, 7.0]]


@settings(max_examples=15, deadline=None)
@given(lengths=st.lists(st.integers(1, 6), min_size=1, max_size=4), seed=st.integers(0, 99))
def test_bilstm_is_a_packed_lstm(lengths: list[int], seed: int) -> None:
    torch.manual_seed(seed)
    ours, theirs = BiLSTM(3, 4).eval(), nn.LSTM(3, 4, 2, batch_first=True, bidirectional=True)
    for layer in range(2):
        for side, suffix in ((ours.forwards, ""), (ours.backwards, "_reverse")):
            for name, value in side[layer].named_parameters():
                getattr(theirs, name.replace("_l0", f"_l{layer}{suffix}")).data.copy_(value.data)
    n = torch.tensor(lengths)
    x = torch.randn(len(lengths), max(lengths) + 2, 3)
    packed, _ = theirs(pack_padded_sequence(x, n, batch_first=True, enforce_sorted=False))
    expected, _ = pad_packed_sequence(packed, batch_first=True)
    got = ours(x, n)
    for row, length in enumerate(lengths):
        torch.testing.assert_close(got[row, :length], expected[row, :length])


@settings(max_examples=15, deadline=None)
@given(length=st.integers(1, 6), extra=st.integers(0, 5), seed=st.integers(0, 99))
def test_padding_changes_nothing(tiny: MultimodalConfig, length: int, extra: int, seed: int) -> None:
    torch.manual_seed(seed)
    network = TextNetwork(tiny.text).eval()
    words = torch.randn(1, length, 16)
    longer = torch.cat([words, 100 * torch.randn(1, extra, 16)], 1)
    x, alpha = network(words, torch.ones(1, length, dtype=torch.bool))
    y, beta = network(longer, torch.arange(length + extra).unsqueeze(0) < length)
    torch.testing.assert_close(x, y)
    torch.testing.assert_close(alpha, beta[..., :length])
    assert torch.all(beta[..., length:] == 0)
    torch.testing.assert_close(alpha.sum(-1), torch.ones(1, 2))


def test_a_sentence_does_not_see_its_neighbours(tiny: MultimodalConfig) -> None:
    torch.manual_seed(0)
    network = TextNetwork(tiny.text).eval()
    words, mask = torch.randn(3, 5, 16), torch.arange(5) < torch.tensor([[5], [2], [3]])
    together, _ = network(words, mask)
    for u in range(3):
        torch.testing.assert_close(network(words[u : u + 1], mask[u : u + 1])[0], together[u : u + 1])


def test_no_words_no_weights(tiny: MultimodalConfig) -> None:
    x, alpha = TextNetwork(tiny.text).eval()(torch.randn(1, 4, 16), torch.zeros(1, 4, dtype=torch.bool))
    assert torch.all(alpha == 0)
    assert torch.isfinite(x).all()


def test_dropouts_are_where_the_paper_has_them(tiny: MultimodalConfig) -> None:
    network = TextNetwork(tiny.text)
    assert (network.word_dropout.p, network.ngram_dropout.p, network.projection_dropout.p) == (0.1, 0.0, 0.2)
    for context in network.contexts:
        assert context.dropout.p == 0.3
        assert all(lstm.dropout == 0 for lstm in (*context.forwards, *context.backwards))
    # Words are dropped before the n-grams: S itself and what the convolutions see.
    network.word_dropout.p = 1.0
    seen: list[Tensor] = []
    network.ngrams.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    network.train()(torch.randn(1, 3, 16), torch.ones(1, 3, dtype=torch.bool))
    assert torch.all(seen[0] == 0)


def test_bilstm_drops_after_each_layer() -> None:
    calls: list[Tensor] = []
    lstm = BiLSTM(3, 2).train()
    lstm.dropout.register_forward_hook(lambda _, args, out: calls.append(out))
    out = lstm(torch.randn(2, 4, 3), torch.tensor([4, 2]))
    assert len(calls) == 2
    assert out is calls[-1]


def test_in_training_sentences_are_grouped_by_length(tiny: MultimodalConfig) -> None:
    torch.manual_seed(0)
    network = TextNetwork(
        replace(tiny.text, word_dropout=0, projection_dropout=0, recurrent_dropout=0)
    ).double()
    lengths = torch.tensor([3, 7, 0, 1, 7, 2, 5])
    mask = torch.arange(7) < lengths.unsqueeze(1)
    words = torch.randn(7, 7, 16, dtype=torch.float64)
    seen: list[tuple[int, int]] = []
    network.ngrams.register_forward_pre_hook(lambda _, inputs: seen.append(tuple(inputs[1].shape)))
    x, alpha = network(words, mask)
    assert seen == [(3, 2), (3, 7), (1, 7)]  # lengths 0, 1, 2; 3, 5, 7; 7
    wanted, weights = network.eval()(words, mask)
    assert seen[3:] == [(7, 7)]
    torch.testing.assert_close((x, alpha), (wanted, weights))
    assert torch.all(network.train()(words[:1], mask[:1])[0].isfinite())
