"""One training step of a tiny model in float64, alone or by several processes; each leaves its gradients."""

from __future__ import annotations

from pathlib import Path

import torch
from lightning_fabric import Fabric
from safetensors.torch import save_file

from affekt.corpora.prepared.dataset import open_prepared
from affekt.networks import AudioConfig, FusionConfig, HeadConfig, MultimodalConfig, TextConfig, VisualConfig
from affekt.training.batches import Looks, Windows
from affekt.training.config import Data, Fitting
from affekt.training.encoders import text_encoder
from affekt.training.learner import Learner
from affekt.training.parts import parts_of
from affekt.training.sentences import Reader
from affekt.training.stage import Stage


def config(window: int) -> MultimodalConfig:
    """Sizes of a tiny model without dropout."""
    return MultimodalConfig(
        text=TextConfig(
            width=8,
            ngram_maps=2,
            projection=8,
            hidden=4,
            word_dropout=0.0,
            projection_dropout=0.0,
            recurrent_dropout=0.0,
        ),
        audio=AudioConfig(window=window, channels=(3, 4, 5), dropout=0.0),
        visual=VisualConfig(width=2, stem=4, bottlenecks=1, blocks=1, stage3_modules=1, size=8),
        fusion=FusionConfig(size=8, heads=2),
        head=HeadConfig(hidden=6, dropout=0.0),
    )


def step(fabric: Fabric, prepared: str, out: str, batch: int) -> None:
    """Take the first step of an epoch, and write the gradients and the loss."""
    torch.set_num_threads(1)
    usual = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)  # Fabric brings what comes out of a module to the default
    folder = open_prepared(Path(prepared))
    parts = parts_of(Data(), folder)
    torch.manual_seed(0)
    reader = Reader(text_encoder("words:8", folder.of("train").texts()), None)
    learner = Learner(config(folder.dataset.spec.window), reader.learned)
    windows = Windows(parts.train, 25, Looks(reader.read, True, True))
    fitting = Fitting(batch=batch, clip=1e9)
    stage = Stage("fusion", Path(out), fabric, learner, windows, windows, fitting)
    learner.eval()  # batch statistics are frozen
    rows = next(iter(stage.epochs.at(0)))
    loss = stage._step(windows[rows])
    gradients = {name: one.grad for name, one in learner.named_parameters() if one.grad is not None}
    torch.set_default_dtype(usual)
    save_file(
        {**gradients, "loss": torch.tensor(loss, dtype=torch.float64)},
        Path(out) / f"rank{fabric.global_rank}.safetensors",
    )
