"""What the fusion learns from: features of single items and of composed sequences, made less certain."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest
import torch
from torch import Tensor

from affekt.networks import FusedHead
from affekt.training.default import fusion

AGAIN = fusion.FACE_VERSIONS


@pytest.fixture(scope="module")
def features() -> fusion.Features:
    draw = torch.Generator().manual_seed(0)
    d_t, d_a, d_v = fusion.CONFIG.sizes

    def x(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=draw).half()

    frames = 40
    return fusion.Features(
        text=x(6, d_t),
        text_gold=x(6, 2).float(),
        has_words=torch.tensor([True, True, False, True, True, True]),
        face=x(5 * AGAIN, d_v),
        face_gold=x(5, 2).float(),
        speech=x(30, d_a // 2),
        speech_start=torch.tensor([0, 10, 30]),
        speech_heard=torch.arange(30) != 4,
        speech_gold=torch.tensor([[0.0, 0.0], [0.5, -0.5]]),
        speech_corpus=torch.tensor([0, 1]),
        speech_speaker=torch.tensor([0, 1]),
        audio=x(frames, d_a // 2),
        start=torch.tensor([0, frames]),
        subject=torch.tensor([0]),
        has_sound=torch.arange(frames) != 7,
        speaker=(torch.arange(frames) >= 30).long(),
        frame_face=torch.where(torch.arange(frames) < 20, 3, -1),
        frame_sentence=torch.where(torch.arange(frames) > 10, 1, -1),
        gold=x(frames, 2).float(),
    )


def test_noise_is_one_draw_a_row(features: fusion.Features) -> None:
    """It stands for another speaker; were it another one in each frame, averaging over time would pay."""
    torch.manual_seed(1)
    plain, noisy = fusion.Batches(features), fusion.Batches(features, 0.5)
    rows = [(0, 0), (0, 5)]
    for a, b in zip(
        noisy.composed(rows, 30, None).features, plain.composed(rows, 30, None).features, strict=True
    ):
        noise = a - b
        assert torch.allclose(noise, noise[:, :1].expand_as(noise), atol=1e-5)
        assert not torch.allclose(noise[0], noise[1], atol=1e-2)
    spread = noisy.noise[1]
    assert torch.allclose(spread, 0.5 * plain.samples()[1].std(0))


class Recorder(torch.nn.Module):
    """Keeps what it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.head = SimpleNamespace(initial=lambda n: n)

    def forward(self, *given: Any) -> tuple[Tensor, ...]:
        return given[:3]


def test_what_is_dropped_is_dropped_from_all_frames(features: fusion.Features) -> None:
    torch.manual_seed(0)
    batch = fusion.Batches(features).speech(torch.tensor([0, 1]))
    batch = replace(batch, features=tuple(torch.ones_like(x) for x in batch.features))
    recorder = cast(FusedHead, Recorder())
    for x in cast(Any, fusion.said(recorder.train(), batch)):
        assert torch.equal(x, x[:, :1].expand_as(x))
        assert torch.allclose(x.unique(), torch.tensor([0.0, 1 / (1 - fusion.FEATURE_DROPOUT)]))
        assert 0.1 < float((x == 0).float().mean()) < 0.3
    for x in cast(Any, fusion.said(recorder.eval(), batch)):
        assert (x == 1).all()


def test_neutral_utterances_are_drawn_more_often(features: fusion.Features) -> None:
    share = fusion.Batches(features).share
    assert share[0] / share[1] == pytest.approx(fusion.NEUTRAL)


def test_composed_frames_lie_in_the_half_of_who_speaks(features: fusion.Features) -> None:
    batch = fusion.Batches(features).composed([(0, 0)], 50, [(1, 1, 0)])
    audio, half = batch.features[1][0], features.audio.shape[1]
    assert torch.equal(audio[:30, :half], features.audio[:30].float()) and not audio[:30, half:].any()
    assert torch.equal(audio[30:40, half:], features.audio[30:].float()) and not audio[30:40, :half].any()
    assert batch.mask[0].tolist() == [True] * 40 + [False] * 10
    assert not batch.presence[..., 2].any()  # masked
    assert batch.presence[0, :, 1].tolist() == [k != 7 for k in range(40)] + [False] * 10
    assert batch.presence[0, :, 0].tolist() == [10 < k < 40 for k in range(50)]
