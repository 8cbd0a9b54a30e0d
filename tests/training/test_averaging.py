"""The running average of weights."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from affekt.training.averaging import Average


def model(value: float) -> nn.Linear:
    linear = nn.Linear(1, 1, bias=False)
    nn.init.constant_(linear.weight, value)
    return linear


def test_two_steps_by_hand() -> None:
    linear = model(0.0)
    average = Average(linear, 0.5)
    for value in (1.0, 2.0):
        nn.init.constant_(linear.weight, value)
        average.update()
    # The first steps keep 1/10 and 2/11, less than half.
    first = 0.9
    second = first + (2 - first) * (1 - 2 / 11)
    assert average.state["weight"].item() == pytest.approx(second)


def test_shown_for_a_while_then_kept() -> None:
    linear = model(0.0)
    average = Average(linear, 0.99)
    nn.init.constant_(linear.weight, 10.0)
    average.update()
    with average.shown():
        assert linear.weight.item() == pytest.approx(9.0)
    assert linear.weight.item() == 10.0
    average.keep()
    assert linear.weight.item() == pytest.approx(9.0)


def test_without_one_the_weights_stay() -> None:
    linear = model(3.0)
    average = Average(linear, 0.0)
    average.update()
    average.keep()
    assert average.state == {}
    assert linear.weight.item() == 3.0


def test_what_is_frozen_is_left_out() -> None:
    two = nn.Sequential(model(1.0), model(1.0))
    two[0].requires_grad_(False)
    assert set(Average(two, 0.9).state) == {"1.weight"}


def test_batch_statistics_are_averaged_too() -> None:
    norm = nn.BatchNorm1d(2)
    average = Average(norm, 0.9)
    assert {"running_mean", "running_var"} <= set(average.state)
    assert "num_batches_tracked" not in average.state
    norm.running_mean = torch.tensor([10.0, 20.0])
    average.update()
    assert average.state["running_mean"].tolist() == pytest.approx([9.0, 18.0])
