"""The whole model: sizes, encoding once, absence, state, and its config."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from affekt.networks import (
    FUSIONS,
    AudioConfig,
    FusionConfig,
    HeadConfig,
    Judged,
    Multimodal,
    MultimodalConfig,
    TextConfig,
    VisualConfig,
)
from affekt.networks.multimodal import spread

Batch = dict[str, Tensor]
MakeBatch = Callable[..., Batch]
FRAMES = ("frame_sentence", "audio", "speaker", "audio_present", "frame_image")


def build(config: MultimodalConfig, kind: str = "cross_modal", seed: int = 0) -> Multimodal:
    torch.manual_seed(seed)
    return Multimodal(replace(config, fusion=replace(config.fusion, kind=kind))).eval()


def judge(model: Multimodal, batch: Batch) -> Judged:
    return model(**batch, state=model.fused_head.head.initial(len(batch["speaker"])))


def without(batch: Batch, text: bool = False, audio: bool = False, visual: bool = False) -> Batch:
    """The batch with a modality taken out: no sentence, no sound, no face at all."""
    batch = dict(batch)
    if text:
        batch["words"], batch["word_mask"] = batch["words"][:0], batch["word_mask"][:0]
        batch["frame_sentence"] = torch.full_like(batch["frame_sentence"], -1)
    if audio:
        batch["audio_present"] = torch.zeros_like(batch["audio_present"])
    if visual:
        batch["images"] = batch["images"][:0]
        batch["frame_image"] = torch.full_like(batch["frame_image"], -1)
    return batch


@pytest.mark.parametrize(
    ("kind", "parameters"),
    [
        ("concatenation", 21_495_592),
        ("hierarchical", 17_321_768),
        ("self_attention", 17_516_328),
        ("residual", 20_416_296),
        ("cross_modal", 17_321_768),
    ],
)
def test_paper_sizes(kind: str, parameters: int) -> None:
    with torch.device("meta"):
        model = Multimodal(MultimodalConfig(fusion=FusionConfig(kind)))
    assert model.config.sizes == (1_024, 4_500, 256)
    assert sum(p.numel() for p in model.parameters()) == parameters


def test_spread_by_hand() -> None:
    vectors = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    assert spread(vectors, torch.tensor([[1, -1, 0]])).tolist() == [[[3, 4], [0, 0], [1, 2]]]
    assert spread(vectors[:0], torch.tensor([[-1, -1]])).tolist() == [[[0, 0], [0, 0]]]


@pytest.mark.parametrize("kind", FUSIONS)
def test_encoding_once_is_encoding_every_frame(
    tiny: MultimodalConfig, make_batch: MakeBatch, kind: str
) -> None:
    model, batch = build(tiny, kind), make_batch()
    b, t = batch["frame_sentence"].shape
    copies = batch["frame_sentence"].flatten().clamp(min=0)
    faces = batch["frame_image"].flatten().clamp(min=0)
    own = torch.arange(b * t).view(b, t)
    every = batch | {
        "words": batch["words"][copies],
        "word_mask": batch["word_mask"][copies],
        "frame_sentence": own.where(batch["frame_sentence"] >= 0, -1),
        "images": batch["images"][faces],
        "frame_image": own.where(batch["frame_image"] >= 0, -1),
    }
    torch.testing.assert_close(judge(model, every).y, judge(model, batch).y)


def test_gradients_come_from_covered_frames_only(tiny: MultimodalConfig, make_batch: MakeBatch) -> None:
    model, batch = build(tiny), make_batch(b=1, t=4, u=3, f=2)
    batch["frame_sentence"] = torch.tensor([[-1, 0, -1, 1]])
    batch["frame_image"] = torch.tensor([[-1, -1, 1, -1]])
    batch["words"].requires_grad_()
    batch["images"].requires_grad_()

    def reached(frames: slice) -> tuple[list[bool], list[bool]]:
        words, images = torch.autograd.grad(
            judge(model, batch).y[:, frames].sum(), (batch["words"], batch["images"]), allow_unused=True
        )
        return words.flatten(1).any(1).tolist(), images.flatten(1).any(1).tolist()

    assert reached(slice(0, 1)) == ([False, False, False], [False, False])
    assert reached(slice(0, 2)) == ([True, False, False], [False, False])
    assert reached(slice(0, 4)) == ([True, True, False], [False, True])


@pytest.mark.parametrize("kind", FUSIONS)
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(
    "gone", [("text",), ("audio",), ("visual",), ("text", "visual"), ("text", "audio", "visual")]
)
def test_what_is_missing_is_no_obstacle(
    tiny: MultimodalConfig, make_batch: MakeBatch, kind: str, training: bool, gone: tuple[str, ...]
) -> None:
    model = build(tiny, kind).train(training)
    judged = judge(model, without(make_batch(), **dict.fromkeys(gone, True)))
    assert judged.y.shape == (2, 5, 2)
    assert judged.y.abs().max() <= 1
    if len(gone) == 3:
        assert torch.all(judged.fused.x == 0)
    judged.y.sum().backward()
    grads = {name: p.grad for name, p in model.named_parameters() if p.grad is not None}
    assert all(torch.isfinite(g).all() for g in grads.values())
    for part in gone:
        assert not any(g.any() for name, g in grads.items() if name.startswith(f"{part}."))


def test_no_face_leaves_the_batch_statistics_alone(tiny: MultimodalConfig, make_batch: MakeBatch) -> None:
    model = build(tiny).train()
    before = {name: value.clone() for name, value in model.visual.named_buffers()}
    judge(model, without(make_batch(), visual=True))
    for name, value in model.visual.named_buffers():
        assert torch.equal(value, before[name])


def test_faces_alone_make_the_batch_statistics(tiny: MultimodalConfig, make_batch: MakeBatch) -> None:
    batch, model, alone = make_batch(), build(tiny).train(), build(tiny).train()
    judge(model, batch)
    alone.visual(batch["images"])
    for (name, value), other in zip(model.visual.named_buffers(), alone.visual.buffers(), strict=True):
        torch.testing.assert_close(value, other, msg=name)


@pytest.mark.parametrize("junk", [float("nan"), 1e3])
@pytest.mark.parametrize("kind", FUSIONS)
def test_what_is_absent_changes_nothing(
    tiny: MultimodalConfig, make_batch: MakeBatch, kind: str, junk: float
) -> None:
    model, batch = build(tiny, kind), make_batch(b=1, t=6)
    batch["audio_present"] = torch.tensor([[True, False, True, False, False, True]])
    batch["audio"] = torch.where(batch["audio_present"].unsqueeze(-1), batch["audio"], 0.0)
    # The last sentence and the last face cover no frame.
    batch["frame_sentence"] = batch["frame_sentence"].clamp(max=1)
    batch["frame_image"] = batch["frame_image"].clamp(max=2)
    other = {name: value.clone() for name, value in batch.items()}
    other["audio"][~batch["audio_present"]] = junk
    other["words"][-1] = junk
    other["images"][-1] = junk
    assert torch.equal(judge(model, other).y, judge(model, batch).y)


def test_absent_sound_does_not_reach_the_gradient(tiny: MultimodalConfig, make_batch: MakeBatch) -> None:
    model, batch = build(tiny).train(), make_batch()
    batch["audio"][~batch["audio_present"]] = float("nan")
    judge(model, batch).y.sum().backward()
    for name, p in model.named_parameters():
        assert p.grad is None or torch.isfinite(p.grad).all(), name


@settings(max_examples=12, deadline=None)
@given(
    cuts=st.lists(st.integers(1, 4), min_size=1, max_size=4),
    kind=st.sampled_from(sorted(FUSIONS)),
    seed=st.integers(0, 99),
)
def test_chunks_leave_no_trace(
    tiny: MultimodalConfig, make_batch: MakeBatch, cuts: list[int], kind: str, seed: int
) -> None:
    model, batch = build(tiny, kind, seed), make_batch(b=2, t=sum(cuts), seed=seed)
    whole = judge(model, batch)
    state, parts, at = model.fused_head.head.initial(2), [], 0
    for n in cuts:
        judged = model(**{k: v[:, at : at + n] if k in FRAMES else v for k, v in batch.items()}, state=state)
        state, at = judged.state, at + n
        parts.append(judged.y)
    torch.testing.assert_close(torch.cat(parts, 1), whole.y)
    torch.testing.assert_close(state, whole.state)


def test_the_future_is_not_seen(tiny: MultimodalConfig, make_batch: MakeBatch) -> None:
    model, batch = build(tiny), make_batch(t=6)
    later = batch | {"audio": batch["audio"].clone(), "frame_image": batch["frame_image"].clone()}
    later["audio"][:, 4:] += 1
    later["frame_image"][:, 4:] = -1
    assert torch.equal(judge(model, later).y[:, :4], judge(model, batch).y[:, :4])


CONFIGS = st.builds(
    MultimodalConfig,
    text=st.builds(
        TextConfig, width=st.integers(1, 900), ngram_widths=st.lists(st.integers(1, 5)).map(tuple)
    ),
    audio=st.builds(AudioConfig, interlocutor=st.booleans(), channels=st.just((8, 16, 32))),
    visual=st.builds(VisualConfig, width=st.integers(1, 40), grey=st.booleans()),
    fusion=st.builds(
        FusionConfig, kind=st.sampled_from(sorted(FUSIONS)), alpha=st.sampled_from(["softmax", "linear"])
    ),
    head=st.builds(HeadConfig, layers=st.integers(1, 3), dropout=st.floats(0, 0.6), tanh=st.booleans()),
)


@given(config=CONFIGS)
def test_config_survives_json(config: MultimodalConfig) -> None:
    assert MultimodalConfig.from_dict(config.to_dict()) == config
    assert MultimodalConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


def test_config_defaults_and_faults() -> None:
    assert MultimodalConfig.from_dict({}) == MultimodalConfig()
    assert MultimodalConfig.from_dict({"head": {"hidden": 9}}).head == HeadConfig(hidden=9)
    assert asdict(MultimodalConfig()) == MultimodalConfig().to_dict()
    with pytest.raises(ValueError, match="the model has no part heads: its parts are text, fusion"):
        MultimodalConfig.from_dict({"heads": {}})
    with pytest.raises(ValueError, match="no option hiden"):
        MultimodalConfig.from_dict({"head": {"hiden": 9}})
