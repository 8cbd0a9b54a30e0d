"""The concordance loss beside the metric (readings 6)."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from affekt.scoring import ccc
from affekt.training.concordance import concordance, concordance_loss


def test_by_hand() -> None:
    # The first column's CCC is 8/13 (tests of the metric), the second's −1: J = 1 − (8/13 − 1) / 2.
    predicted = torch.tensor([[[1.0, 0.0], [2.0, 1.0], [3.0, 0.5]]])
    gold = torch.tensor([[[1.0, 1.0], [3.0, 0.0], [5.0, 0.5]]])
    torch.testing.assert_close(concordance(predicted, gold), torch.tensor([8 / 13, -1.0]))
    torch.testing.assert_close(concordance_loss(predicted, gold), torch.tensor(1 - (8 / 13 - 1) / 2))


@settings(max_examples=30, deadline=None)
@given(b=st.integers(1, 4), t=st.integers(2, 9), seed=st.integers(0, 999))
def test_loss_is_the_metric_over_all_frames_of_the_batch(b: int, t: int, seed: int) -> None:
    g = torch.Generator().manual_seed(seed)
    predicted, gold = torch.randn(b, t, 2, generator=g), torch.randn(b, t, 2, generator=g)
    mask = torch.rand(b, t, generator=g) < 0.7
    mask[0, :2] = True
    expected = ccc(predicted[mask].numpy(), gold[mask].numpy())
    np.testing.assert_allclose(concordance(predicted, gold, mask).numpy(), expected, atol=1e-5)
    np.testing.assert_allclose(float(concordance_loss(predicted, gold, mask)), 1 - expected.mean(), atol=1e-5)


def test_masked_frames_do_not_count_whatever_they_hold() -> None:
    torch.manual_seed(0)
    predicted, gold = torch.randn(2, 5, 2), torch.randn(2, 5, 2)
    mask = torch.tensor([[True] * 5, [True, True, False, False, False]])
    junk = gold.masked_fill(~mask.unsqueeze(-1), float("nan"))
    one, two = predicted.clone().requires_grad_(), predicted.clone().requires_grad_()
    concordance_loss(one, gold, mask).backward()
    concordance_loss(two, junk, mask).backward()
    assert one.grad is not None
    assert two.grad is not None
    assert torch.equal(one.grad, two.grad)
    assert torch.all(one.grad[~mask] == 0)
    assert one.grad[mask].any(-1).all()


def test_it_is_not_a_mean_over_sequences() -> None:
    gold = torch.tensor([[[0.0], [0.1]], [[0.8], [0.9]]])
    predicted = torch.tensor([[[0.1], [0.0]], [[0.9], [0.8]]])
    assert concordance(predicted, gold) > 0.9
    assert all(concordance(p, y) < -0.9 for p, y in zip(predicted, gold, strict=True))


@pytest.mark.parametrize(
    ("predicted", "gold"), [("constant", "varied"), ("varied", "constant"), ("constant", "constant")]
)
def test_constants_are_finite(predicted: str, gold: str) -> None:
    series = {"constant": torch.full((3, 7, 2), 0.1), "varied": torch.linspace(-1, 1, 42).view(3, 7, 2)}
    x = series[predicted].clone().requires_grad_()
    value = concordance(x, series[gold])
    torch.testing.assert_close(value, torch.zeros(2), atol=1e-6, rtol=0)
    concordance_loss(x, series[gold]).backward()
    assert x.grad is not None
    assert torch.isfinite(x.grad).all()


@pytest.mark.parametrize("junk", [0.3, float("nan")])
def test_nothing_to_learn_from_costs_nothing(junk: float) -> None:
    x = torch.full((2, 3, 2), junk, requires_grad=True)
    nothing = torch.zeros(2, 3, dtype=torch.bool)
    assert torch.equal(concordance(x, torch.ones(2, 3, 2), nothing), torch.zeros(2))
    loss = concordance_loss(x, torch.ones(2, 3, 2), nothing)
    loss.backward()
    assert loss == 0
    assert x.grad is not None
    assert torch.all(x.grad == 0)


def test_half_precision_is_scored_in_float32() -> None:
    torch.manual_seed(0)
    x, y = torch.randn(2, 50, 2).half(), torch.randn(2, 50, 2)
    value = concordance(x, y)
    assert value.dtype == torch.float32
    torch.testing.assert_close(value, concordance(x.float(), y))
    assert concordance(x.double(), y).dtype == torch.float64


def test_gradient_by_differences() -> None:
    torch.manual_seed(0)
    x, y = (
        torch.randn(2, 4, 2, dtype=torch.float64, requires_grad=True),
        torch.randn(2, 4, 2, dtype=torch.float64),
    )
    assert torch.autograd.gradcheck(lambda p: concordance_loss(p, y), (x,))


def test_a_dimension_that_nobody_labelled_is_left_out_of_the_mean() -> None:
    torch.manual_seed(1)
    predicted, gold = torch.randn(2, 6, 2), torch.randn(2, 6, 2)
    mask = torch.tensor([True, False]).expand(2, 6, 2)
    expected = 1 - concordance(predicted[..., :1], gold[..., :1]).mean()
    torch.testing.assert_close(concordance_loss(predicted, gold, mask), expected)
