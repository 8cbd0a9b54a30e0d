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
from affekt.training.loop import FitSettings, Scores, fit, grouped
from affekt.training.precision import quick_half

CONFIG = VisualConfig(
    width=24,
    stem=32,
    bottlenecks=2,
    blocks=2,
    stage3_modules=1,
    first_stride=1,
    both_ways=True,
    grey=True,
)
"""HRNet of three stages, thinner than W18's stem and shallower, but at twice the resolution."""
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
        with torch.autocast("cpu", torch.bfloat16, enabled=quick_half(torch.device("cpu"))):
            x = self.network(images)[0]
        x = self.dropout(x.float())
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
    """Warp, blur, light, spoil and blot (N, 1, 48, 48) in [0, 1]; returned at `size`."""
    n = len(images)
    x = blurred(warp(images, size, generator), generator).clamp(1e-3, 1)

    def draw(low: float, high: float) -> Tensor:
        return drawn(n, low, high, generator).view(-1, 1, 1, 1)

    x = x ** torch.exp(draw(-0.5, 0.5))
    x = (x - 0.5) * draw(0.6, 1.4) + 0.5 + draw(-0.2, 0.2)
    x = (x + torch.randn(x.shape, generator=generator) * draw(0, 0.05)).clamp(0, 1)
    place = torch.arange(size) / size
    tall = (place.view(-1, 1) - draw(0, 1)).abs() < draw(0, 0.4) / 2
    wide = (place.view(1, -1) - draw(0, 1)).abs() < draw(0, 0.4) / 2
    return torch.where(tall & wide, draw(0, 1), x)


def blurred(images: Tensor, generator: torch.Generator) -> Tensor:
    """A third of all batches as if the faces had been smaller in the picture."""
    size = images.shape[-1]
    if float(drawn(1, 0, 1, generator)) > 0.35:
        return images
    side = int(drawn(1, 0.38 * size, 0.92 * size, generator))
    small = F.interpolate(images, size=(side, side), mode="bilinear", antialias=True)
    return F.interpolate(small, size=(size, size), mode="bilinear")


def to_tensor(images: np.ndarray) -> Tensor:
    """(N, 48, 48) uint8 → (N, 1, 48, 48) in [0, 1]."""
    return torch.from_numpy(images).unsqueeze(1).float() / 255


def resized(images: Tensor, size: int) -> Tensor:
    """(N, 1, s, s) → (N, 3, size, size) as three equal channels."""
    if images.shape[-1] != size:
        images = F.interpolate(images, size=(size, size), mode="bilinear", align_corners=False)
    return images.expand(-1, 3, -1, -1)


def train_faces(data: Path, run: Path, epochs: int = 30) -> Scores:
    """Train on FER+; returns the devel CCCs. Leaves run/faces/weights.safetensors."""
    torch.manual_seed(0)
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

    settings = FitSettings(epochs, 2e-3, warmup=300, average=0.998)
    return fit(run / "faces", model, grouped(model, 0.05), batches, loss, score, settings)
