"""The head: initialisation, one step by hand, state (readings 5)."""

from __future__ import annotations

from math import exp, sqrt, tanh

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from affekt.networks import Head, HeadConfig


@pytest.mark.parametrize(
    ("size", "parameters"),
    [
        (1_024, 1_313_282),
        (4_500, 4_872_706),
        (256, 526_850),
        (5_780, 6_183_426),
        (3_072, 3_410_434),
    ],
)
def test_paper_sizes(size: int, parameters: int) -> None:
    with torch.device("meta"):
        assert sum(p.numel() for p in Head(size).parameters()) == parameters


@pytest.mark.parametrize("layers", [1, 3])
def test_initialisation(layers: int) -> None:
    torch.manual_seed(0)
    head = Head(64, HeadConfig(hidden=32, layers=layers))
    for layer in range(layers):
        # Gates lie in the order input, forget, cell, output.
        bias = getattr(head.lstm, f"bias_ih_l{layer}").view(4, 32)
        assert torch.equal(bias, torch.tensor([0.0, 1.0, 0.0, 0.0]).view(4, 1).expand(4, 32))
        assert torch.all(getattr(head.lstm, f"bias_hh_l{layer}") == 0)
        for name in ("ih", "hh"):
            weight = getattr(head.lstm, f"weight_{name}_l{layer}")
            limit = sqrt(6 / sum(weight.shape))
            assert 0.98 * limit < weight.abs().max() <= limit
            assert weight.std().item() == pytest.approx(limit / sqrt(3), rel=0.05)


def test_dropout_is_outside_the_lstm() -> None:
    head = Head(4, HeadConfig(hidden=16, layers=2))
    assert head.lstm.dropout == 0
    assert head.dropout.p == 0.5
    assert not head.lstm.bidirectional
    seen: list[torch.Tensor] = []
    head.out.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    x, state = torch.randn(2, 50, 4), head.initial(2)
    head.train()(x, state)
    head.eval()(x, state)
    assert 0.3 < (seen[0] == 0).float().mean() < 0.7
    assert not (seen[1] == 0).any()


@pytest.mark.parametrize("squash", [True, False])
def test_two_steps_by_hand(squash: bool) -> None:
    head = Head(1, HeadConfig(hidden=1, tanh=squash)).eval()
    with torch.no_grad():
        head.lstm.weight_ih_l0.copy_(torch.tensor([[0.0], [0.0], [1.0], [0.0]]))
        head.lstm.weight_hh_l0.zero_()
        head.out.weight.copy_(torch.tensor([[4.0], [-2.0]]))
        head.out.bias.copy_(torch.tensor([0.0, 1.0]))
    # Input and output gates are σ(0) = 1/2, the forget gate σ(1), the cell's input tanh(x).
    forget = 1 / (1 + exp(-1))
    c1 = 0.5 * tanh(1)
    c2 = forget * c1 + 0.5 * tanh(-2)
    expected = torch.tensor([[[4 * h, 1 - 2 * h] for h in (0.5 * tanh(c1), 0.5 * tanh(c2))]])
    y, (h, c) = head(torch.tensor([[[1.0], [-2.0]]]), head.initial(1))
    torch.testing.assert_close(y, torch.tanh(expected) if squash else expected)
    torch.testing.assert_close((h.item(), c.item()), (0.5 * tanh(c2), c2))


@settings(max_examples=15, deadline=None)
@given(
    cuts=st.lists(st.integers(1, 5), min_size=1, max_size=4),
    layers=st.integers(1, 3),
    seed=st.integers(0, 99),
)
def test_chunks_leave_no_trace(cuts: list[int], layers: int, seed: int) -> None:
    torch.manual_seed(seed)
    head = Head(3, HeadConfig(hidden=4, layers=layers)).eval()
    x = torch.randn(2, sum(cuts), 3)
    whole, last = head(x, head.initial(2))
    state, parts = head.initial(2), []
    for part in x.split(cuts, 1):
        y, state = head(part, state)
        parts.append(y)
    torch.testing.assert_close(torch.cat(parts, 1), whole)
    torch.testing.assert_close(state, last)
    assert whole.abs().max() <= 1


def test_spread_by_hand() -> None:
    head = Head(1, HeadConfig(hidden=1, spread=True))
    with torch.no_grad():
        head.lstm.weight_ih_l0.copy_(torch.tensor([[0.0], [0.0], [1.0], [0.0]]))
        head.lstm.weight_hh_l0.zero_()
        head.log_spread.weight.copy_(torch.tensor([[2.0], [1_000.0]]))
        head.log_spread.bias.copy_(torch.tensor([-1.0, 0.0]))
    h = 0.5 * tanh(0.5 * tanh(1))
    # In training too: what drops out of the trace does not drop out of the spread. e¹ is its upper bound.
    for _ in range(5):
        _, spread, _ = head.train().judge(torch.tensor([[[1.0]]]), head.initial(1))
        torch.testing.assert_close(spread, torch.tensor([[[exp(2 * h - 1), exp(1)]]]))
    _, spread, _ = head.judge(torch.tensor([[[-1.0]]]), head.initial(1))
    torch.testing.assert_close(spread, torch.tensor([[[exp(-2 * h - 1), exp(-6)]]]))


def test_spread_changes_nothing_but_its_own_linear() -> None:
    torch.manual_seed(0)
    head, x = Head(3, HeadConfig(hidden=4, spread=True)), torch.randn(2, 5, 3, requires_grad=True)
    _, spread, (h, c) = head.judge(x, head.initial(2))
    assert spread is not None and spread.shape == (2, 5, 2)
    spread.sum().backward()
    learned = {name for name, parameter in head.named_parameters() if parameter.grad is not None}
    assert learned == {"log_spread.weight", "log_spread.bias"}
    assert x.grad is None and head.log_spread.weight.grad.any()

    plain = Head(3, HeadConfig(hidden=4)).eval()
    plain.load_state_dict({k: v for k, v in head.state_dict().items() if not k.startswith("log_spread")})
    y, state = head.eval()(x, head.initial(2))
    torch.testing.assert_close((y, state), plain(x, plain.initial(2)), rtol=0, atol=0)
    torch.testing.assert_close(state, (h, c))
    assert plain.judge(x, plain.initial(2))[1] is None


def test_initial_state_is_two_zeros() -> None:
    h, c = Head(3, HeadConfig(hidden=4, layers=2)).initial(5)
    assert h.shape == c.shape == (2, 5, 4)
    assert not h.any()
    assert not c.any()
    assert h.data_ptr() != c.data_ptr()
