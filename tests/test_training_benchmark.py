"""What `benchmarks/training.py` compares does the same job: equal predictions, losses and gradients."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest
import torch
from torch import Tensor, nn

from affekt.networks import AudioConfig, HeadConfig, MultimodalConfig, TextConfig, VisualConfig
from affekt.training.batches import Batch
from affekt.training.concordance import concordance_loss

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
NETWORKS = ("text", "audio", "visual")
# Without dropout, which draws for other numbers in each; batch statistics stay.
TINY = MultimodalConfig(
    text=TextConfig(
        width=16,
        ngram_maps=3,
        projection=8,
        hidden=4,
        word_dropout=0,
        projection_dropout=0,
        recurrent_dropout=0,
    ),
    audio=AudioConfig(window=500, channels=(3, 4, 5), dropout=0),
    visual=VisualConfig(width=2, stem=4, bottlenecks=1, blocks=1, stage3_modules=1, size=8),
    head=HeadConfig(hidden=6, dropout=0),
)
B, T, SENTENCES = 2, 12, 5


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return import_module("training_steps")


def batch_of(steps: ModuleType, network: str, faces: float) -> Batch:
    return steps.made_up(TINY.alone(network), B, T, SENTENCES, side=32, faces=faces)


def learned(steps: ModuleType, who: str, network: str) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
    """Predictions, loss and gradients in float32, with a face in every frame."""
    batch = batch_of(steps, network, faces=1.0)
    model, run = steps.rendering(who, TINY.alone(network), "32", torch.device("cpu"))
    model.train()
    if network == "audio":
        # Of a silent half the plain rendering makes what its biases make of zeros; without them nothing.
        for conv in model.model.audio.convs:
            nn.init.zeros_(conv.bias)
    y = run(batch)
    loss = concordance_loss(y, batch.gold, batch.mask)
    loss.backward()
    return y.detach(), loss.detach(), {name: one.grad for name, one in model.named_parameters()}


@pytest.mark.parametrize("network", NETWORKS)
def test_both_predict_and_learn_the_same(steps: ModuleType, network: str) -> None:
    y, loss, gradients = learned(steps, "affekt", network)
    plain_y, plain_loss, plain_gradients = learned(steps, "plain", network)
    assert y.shape == (B, T, 2) and y.std() > 1e-3 and y.abs().max() < 0.99
    torch.testing.assert_close(y, plain_y, atol=1e-5, rtol=0)
    torch.testing.assert_close(loss, plain_loss, atol=1e-5, rtol=0)
    assert any(one.abs().max() > 1e-3 for one in gradients.values())
    torch.testing.assert_close(gradients, plain_gradients, atol=1e-5, rtol=1e-3)


@pytest.mark.parametrize(
    ("network", "part", "ours", "plain"),
    [
        ("text", "word_dropout", SENTENCES + 1, B * T),  # a row more, for frames without a sentence
        ("audio", "dropout", 3 * B * T, 3 * 2 * B * T),  # once a block
        ("visual", "trunk", None, B * T),
    ],
)
def test_what_each_computes(steps: ModuleType, network: str, part: str, ours: int | None, plain: int) -> None:
    batch = batch_of(steps, network, faces=0.5)
    ours = len(batch.images) if ours is None and batch.images is not None else ours
    assert ours is not None and 0 < ours < plain
    for who, rows in (("affekt", ours), ("plain", plain)):
        model, run = steps.rendering(who, TINY.alone(network), "32", torch.device("cpu"))
        seen: list[int] = []
        watched = getattr(getattr(model.model, network), part)
        watched.register_forward_pre_hook(lambda _, inputs, seen=seen: seen.append(len(inputs[0])))
        run(batch)
        assert sum(seen) == rows
