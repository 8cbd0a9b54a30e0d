"""Stage 1, faces: the visual network on FER+, at the 48 pixels that its pictures have."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from affekt.networks import VisualConfig, VisualNetwork
from affekt.scoring import ccc
from affekt.training.concordance import concordance_loss
from affekt.training.default.data import FACE_CLASSES, read_faces
from affekt.training.loop import FitSettings, Scores, fit

CONFIG = VisualConfig(stem=32, bottlenecks=1, blocks=2, stage3_modules=1, grey=True)
SIZE = 48
BATCH = 64


class FaceModel(nn.Module):
    """The visual network with what it is taught by: arousal and valence, and the raters' votes beside."""

    def __init__(self, config: VisualConfig) -> None:
        super().__init__()
        self.network = VisualNetwork(config)
        self.dropout = nn.Dropout(0.3)
        self.affect = nn.Linear(config.size, 2)
        self.votes = nn.Linear(config.size, len(FACE_CLASSES))

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """images (N, 3, S, S) → arousal and valence (N, 2), log-votes (N, 8)."""
        x = self.dropout(self.network(images)[0])
        return torch.tanh(self.affect(x)), torch.log_softmax(self.votes(x), -1)


def drawn(n: int, low: float, high: float, generator: torch.Generator) -> Tensor:
    """(n,) numbers between two bounds."""
    return torch.rand(n, generator=generator) * (high - low) + low


def warp(images: Tensor, size: int, generator: torch.Generator, strength: float = 1.0) -> Tensor:
    """Turn, shift, scale and mirror (N, 1, 48, 48); returned at `size`."""
    n, s = len(images), strength
    angle, scale = drawn(n, -0.3 * s, 0.3 * s, generator), drawn(n, 1 - 0.2 * s, 1 + 0.2 * s, generator)
    mirror = torch.where(drawn(n, 0, 1, generator) < 0.5, -1.0, 1.0)
    right, down = drawn(n, -0.15 * s, 0.15 * s, generator), drawn(n, -0.15 * s, 0.15 * s, generator)
    cos, sin = angle.cos() * scale, angle.sin() * scale
    theta = torch.stack(
        [torch.stack([cos * mirror, -sin, right], 1), torch.stack([sin * mirror, cos, down], 1)], 1
    )
    grid = F.affine_grid(theta, [n, 1, size, size], align_corners=False)
    return F.grid_sample(images, grid, padding_mode="border", align_corners=False)


def augment(images: Tensor, size: int, generator: torch.Generator) -> Tensor:
    """Warp, light and blot (N, 1, 48, 48) in [0, 1]; returned at `size`."""
    n = len(images)
    contrast, light = drawn(n, 0.6, 1.5, generator), drawn(n, -0.2, 0.2, generator)
    x = warp(images, size, generator)
    x = ((x - 0.5) * contrast.view(-1, 1, 1, 1) + 0.5 + light.view(-1, 1, 1, 1)).clamp(0, 1)
    rows = torch.arange(size) / size
    top, left = drawn(n, 0, 1, generator), drawn(n, 0, 1, generator)
    tall, wide = drawn(n, 0, 0.35, generator), drawn(n, 0, 0.35, generator)
    blot = ((rows[None] - top[:, None]).abs() < tall[:, None] / 2)[:, :, None] & (
        (rows[None] - left[:, None]).abs() < wide[:, None] / 2
    )[:, None, :]
    return torch.where(blot.unsqueeze(1), 0.5, x)


def to_tensor(images: np.ndarray) -> Tensor:
    """(N, 48, 48) uint8 → (N, 1, 48, 48) in [0, 1]."""
    return torch.from_numpy(images).unsqueeze(1).float() / 255


def resized(images: Tensor, size: int) -> Tensor:
    """(N, 1, s, s) → (N, 3, size, size) as three equal channels."""
    if images.shape[-1] != size:
        images = F.interpolate(images, size=(size, size), mode="bilinear", align_corners=False)
    return images.expand(-1, 3, -1, -1)


def train_faces(data: Path, run: Path, epochs: int = 18) -> Scores:
    """Train on FER+; returns the devel CCCs. Leaves run/faces/weights.safetensors."""
    model = FaceModel(CONFIG).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    images, votes, gold = (torch.from_numpy(a) for a in vars(read_faces(data, "train")).values())
    devel = read_faces(data, "devel")
    images, shown, generator = to_tensor(images.numpy()), to_tensor(devel.images), torch.Generator()

    def batches(epoch: int) -> Iterator[Tensor]:
        generator.manual_seed(epoch)
        return iter(torch.randperm(len(images), generator=generator).split(BATCH)[:-1])

    def loss(rows: Tensor) -> Tensor:
        seen = augment(images[rows], SIZE, generator).expand(-1, 3, -1, -1)
        affect, log_votes = model(seen.contiguous(memory_format=torch.channels_last))
        return concordance_loss(affect, gold[rows]) - 0.5 * (votes[rows] * log_votes).sum(1).mean()

    def score() -> Scores:
        y = torch.cat([model(resized(part, SIZE))[0] for part in shown.split(256)])
        arousal, valence = ccc(y.numpy(), devel.gold)
        return {"arousal": float(arousal), "valence": float(valence)}

    settings = FitSettings(epochs, 1.5e-3, 0.02, warmup=300)
    return fit(run / "faces", model, model.parameters(), batches, loss, score, settings)
