"""A tiny model and batches for it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from affekt.networks import (
    AudioConfig,
    FusionConfig,
    HeadConfig,
    MultimodalConfig,
    TextConfig,
    VisualConfig,
)

Batch = dict[str, Tensor]


@pytest.fixture(scope="session")
def tiny() -> MultimodalConfig:
    """Sizes small enough for a test: words 16-d, P = 2, faces 32 × 32, D_u = 8, p = 2."""
    return MultimodalConfig(
        text=TextConfig(width=16, ngram_maps=3, heads=2, projection=8, hidden=4),
        audio=AudioConfig(window=500, channels=(3, 4, 5)),
        visual=VisualConfig(width=2, stem=4, bottlenecks=1, blocks=1, stage3_modules=1, size=8),
        fusion=FusionConfig(size=8, heads=2),
        head=HeadConfig(hidden=6),
    )


@pytest.fixture(scope="session")
def make_batch(tiny: MultimodalConfig) -> Callable[..., Batch]:
    """A function that draws a batch of the tensor contract, by the argument names of `Multimodal.forward`."""

    def make(
        b: int = 2,
        t: int = 5,
        u: int = 3,
        length: int = 6,
        f: int = 4,
        seed: int = 0,
        width: int | None = None,
    ) -> Batch:
        g = torch.Generator().manual_seed(seed)
        lengths = torch.randint(1, length + 1, (u, 1), generator=g)
        return {
            "words": torch.randn(u, length, width or tiny.text.width, generator=g),
            "word_mask": torch.arange(length) < lengths,
            "frame_sentence": torch.randint(-1, u, (b, t), generator=g),
            "audio": torch.randn(b, t, tiny.audio.window, generator=g),
            "speaker": torch.randint(0, 2, (b, t), generator=g),
            "audio_present": torch.rand(b, t, generator=g) < 0.7,
            "images": torch.rand(f, 3, 32, 32, generator=g),
            "frame_image": torch.randint(-1, f, (b, t), generator=g),
        }

    return make
