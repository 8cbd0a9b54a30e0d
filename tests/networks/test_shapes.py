"""The tensor contract (readings 0), checked by jaxtyping and beartype at sizes that hypothesis draws."""

# ruff: noqa: F722, F821
# No postponed annotations here: beartype reads them.
from collections.abc import Callable
from dataclasses import replace

import torch
from beartype import beartype
from hypothesis import given, settings
from hypothesis import strategies as st
from jaxtyping import Bool, Float, Int, jaxtyped
from torch import Tensor

from affekt.networks import (
    FUSIONS,
    AudioNetwork,
    Head,
    Multimodal,
    MultimodalConfig,
    TextNetwork,
    VisualNetwork,
    WordTable,
    build_fusion,
)

checked = jaxtyped(typechecker=beartype)
quick = settings(max_examples=8, deadline=None)
small = st.integers(1, 3)
Features = tuple[Float[Tensor, "B T text"], Float[Tensor, "B T audio"], Float[Tensor, "B T visual"]]


@checked
def text(
    network: TextNetwork, words: Float[Tensor, "U L D"], mask: Bool[Tensor, "U L"]
) -> tuple[Float[Tensor, "U {network.config.size}"], Float[Tensor, "U {network.config.heads} L"]]:
    return network(words, mask)


@checked
def audio(
    network: AudioNetwork, windows: Float[Tensor, "N window"], speaker: Int[Tensor, "N"]
) -> Float[Tensor, "N {network.config.size}"]:
    return network(windows, speaker)


@checked
def visual(
    network: VisualNetwork, images: Float[Tensor, "F 3 S S"]
) -> tuple[Float[Tensor, "F {network.config.size}"], Float[Tensor, "F S//4 S//4"]]:
    return network(images)


@checked
def fuse(
    fusion: torch.nn.Module, features: Features, presence: Bool[Tensor, "B T 3"]
) -> tuple[
    Float[Tensor, "B T {fusion.size}"],
    Float[Tensor, "B T 3"] | None,
    Float[Tensor, "B T 3 2"] | None,
    Float[Tensor, "B T 3"] | None,
]:
    return tuple(fusion(features, presence))


@checked
def head(
    network: Head,
    x: Float[Tensor, "B T D"],
    state: tuple[Float[Tensor, "layers B hidden"], Float[Tensor, "layers B hidden"]],
) -> tuple[Float[Tensor, "B T 2"], tuple[Float[Tensor, "layers B hidden"], Float[Tensor, "layers B hidden"]]]:
    return network(x, state)


@checked
def table(
    network: WordTable,
    pieces: Int[Tensor, "U S"],
    piece_word: Int[Tensor, "U S"],
    piece_mask: Bool[Tensor, "U S"],
    mask: Bool[Tensor, "U L"],
) -> Float[Tensor, "U L {network.width}"]:
    return network(pieces, piece_word, piece_mask, mask)


@checked
def whole(
    model: Multimodal,
    words: Float[Tensor, "U L D"],
    word_mask: Bool[Tensor, "U L"],
    frame_sentence: Int[Tensor, "B T"],
    audio: Float[Tensor, "B T window"],
    speaker: Int[Tensor, "B T"],
    audio_present: Bool[Tensor, "B T"],
    images: Float[Tensor, "F 3 S S"],
    frame_image: Int[Tensor, "B T"],
) -> Float[Tensor, "B T 2"]:
    state = model.fused_head.head.initial(len(speaker))
    return model(
        words, word_mask, frame_sentence, audio, speaker, audio_present, images, frame_image, state
    ).y


@quick
@given(u=small, length=st.integers(1, 7))
def test_text(tiny: MultimodalConfig, u: int, length: int) -> None:
    text(TextNetwork(tiny.text).eval(), torch.randn(u, length, 16), torch.ones(u, length, dtype=torch.bool))


@quick
@given(n=st.integers(0, 6))
def test_audio(tiny: MultimodalConfig, n: int) -> None:
    audio(AudioNetwork(tiny.audio).eval(), torch.randn(n, 500), torch.zeros(n, dtype=torch.int64))


@quick
@given(f=small, side=st.sampled_from([16, 32, 48]))
def test_visual(tiny: MultimodalConfig, f: int, side: int) -> None:
    visual(VisualNetwork(tiny.visual).eval(), torch.rand(f, 3, side, side))


@settings(max_examples=20, deadline=None)
@given(b=small, t=small, kind=st.sampled_from(sorted(FUSIONS)))
def test_fusions(tiny: MultimodalConfig, b: int, t: int, kind: str) -> None:
    fusion = build_fusion(tiny.sizes, replace(tiny.fusion, kind=kind))
    features = tuple(torch.randn(b, t, size) for size in tiny.sizes)
    fuse(fusion, features, torch.rand(b, t, 3) < 0.5)


@quick
@given(b=small, t=small, layers=small)
def test_head(tiny: MultimodalConfig, b: int, t: int, layers: int) -> None:
    network = Head(5, replace(tiny.head, layers=layers))
    head(network, torch.randn(b, t, 5), network.initial(b))


@quick
@given(u=small, pieces=st.integers(1, 5), length=st.integers(1, 5))
def test_word_table(u: int, pieces: int, length: int) -> None:
    real = torch.ones(u, pieces, dtype=torch.bool)
    rows = torch.randint(0, 9, (u, pieces))
    words = torch.randint(-1, length, (u, pieces))
    table(WordTable(9, 4), rows, words, real, torch.ones(u, length, dtype=torch.bool))


@settings(max_examples=20, deadline=None)
@given(
    b=small,
    t=st.integers(1, 5),
    u=st.integers(0, 3),
    length=st.integers(1, 6),
    f=st.integers(0, 3),
    training=st.booleans(),
)
def test_whole_model(
    tiny: MultimodalConfig,
    make_batch: Callable[..., dict[str, Tensor]],
    b: int,
    t: int,
    u: int,
    length: int,
    f: int,
    training: bool,
) -> None:
    batch = make_batch(b, t, max(u, 1), length, max(f, 1))
    if u == 0:
        batch["words"], batch["word_mask"] = batch["words"][:0], batch["word_mask"][:0]
        batch["frame_sentence"] = torch.full_like(batch["frame_sentence"], -1)
    if f == 0:
        batch["images"] = batch["images"][:0]
        batch["frame_image"] = torch.full_like(batch["frame_image"], -1)
    assert torch.isfinite(whole(Multimodal(tiny).train(training), **batch)).all()
