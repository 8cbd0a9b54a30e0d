"""MTCNN in eager PyTorch (Zhang et al. 2016, arXiv 1604.02878), as people run it before a plain rendering.

Its weights come out of the wheel of facenet-pytorch, which is not installed:

    pip download --no-deps facenet-pytorch==2.6.0
"""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from face_detectors import squared, suppress
from torch import Tensor, nn

SMALLEST = 20
"""Side in px of the smallest face looked for, as facenet-pytorch has it; so are the other numbers here."""
PYRAMID = 0.709
"""Scale from one size of the picture to the next."""
THRESHOLDS = (0.6, 0.7, 0.7)
OVERLAPS = (0.5, 0.7, 0.7, 0.7)
"""Limits of the overlap: within one scale, over all scales, after the second and the third network."""
STRIDE, CELL = 2, 12


def block(inputs: int, outputs: int, kernel: int, number: int) -> list[tuple[str, nn.Module]]:
    """Convolution and PReLU under the names of the weights."""
    return [(f"conv{number}", nn.Conv2d(inputs, outputs, kernel)), (f"prelu{number}", nn.PReLU(outputs))]


class Proposer(nn.Module):
    """The first network: any picture → for each place whether a face of 12 px begins there."""

    def __init__(self) -> None:
        super().__init__()
        parts = [*block(3, 10, 3, 1), *block(10, 16, 3, 2), *block(16, 32, 3, 3)]
        for name, module in [*parts, ("conv4_1", nn.Conv2d(32, 2, 1)), ("conv4_2", nn.Conv2d(32, 4, 1))]:
            self.add_module(name, module)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(N, 3, H, W) → shifts of the edges (N, 4, h, w), probability of a face (N, h, w)."""
        x = F.max_pool2d(self.prelu1(self.conv1(x)), 2, 2, ceil_mode=True)
        x = self.prelu3(self.conv3(self.prelu2(self.conv2(x))))
        return self.conv4_2(x), self.conv4_1(x).softmax(1)[:, 1]


class Refiner(nn.Module):
    """The second and third network: crops of 24 or 48 px → a better box, and whether it is a face."""

    def __init__(self, channels: tuple[int, ...], pools: tuple[int, ...], inside: int, outputs: int) -> None:
        super().__init__()
        self.pools, self.layers = pools, len(channels)
        for n, (i, o) in enumerate(zip((3, *channels[:-1]), channels, strict=True), 1):
            for name, module in block(i, o, 2 if n == self.layers else 3, n):
                self.add_module(name, module)
        self.last = self.layers + 1
        self.add_module(f"dense{self.last}", nn.Linear(9 * channels[-1], inside))
        self.add_module(f"prelu{self.last}", nn.PReLU(inside))
        for n, size in enumerate(
            (2, 4, 10)[:outputs], 1
        ):  # the third network's last output, landmarks, is not used
            self.add_module(f"dense{self.last + 1}_{n}", nn.Linear(inside, size))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(N, 3, S, S) → shifts of the edges (N, 4), probability of a face (N,)."""
        part = self.get_submodule
        for n in range(1, self.layers + 1):
            x = part(f"prelu{n}")(part(f"conv{n}")(x))
            if n < self.layers:
                x = F.max_pool2d(x, self.pools[n - 1], 2, ceil_mode=True)
        x = x.permute(0, 3, 2, 1).flatten(1)
        x = part(f"prelu{self.last}")(part(f"dense{self.last}")(x))
        return part(f"dense{self.last + 1}_2")(x), part(f"dense{self.last + 1}_1")(x).softmax(1)[:, 1]


class MTCNN:
    """Three networks, each looking closer at what the one before let pass."""

    def __init__(self, wheel: Path) -> None:
        self._first = Proposer()
        self._second = Refiner((28, 48, 64), (3, 3), 128, 2)
        self._third = Refiner((32, 64, 64, 128), (3, 3, 2), 256, 3)
        with zipfile.ZipFile(wheel) as archive:
            for letter, net in zip("pro", (self._first, self._second, self._third), strict=True):
                file = io.BytesIO(archive.read(f"facenet_pytorch/data/{letter}net.pt"))
                net.load_state_dict(torch.load(file, weights_only=True))
                net.eval()

    @torch.no_grad()
    def __call__(self, picture: np.ndarray) -> np.ndarray:
        """(H, W, 3) uint8 RGB → (N, 5): left, top, right, bottom in px and score."""
        image = ((torch.from_numpy(picture).permute(2, 0, 1)[None].float()) - 127.5) / 128
        boxes = suppress(self._propose(image), OVERLAPS[1])
        for index, (net, size) in enumerate(((self._second, 24), (self._third, 48)), 1):
            boxes = self._refine(net, image, squared(boxes), size, THRESHOLDS[index], OVERLAPS[index + 1])
        return boxes

    def _propose(self, image: Tensor) -> np.ndarray:
        height, width = image.shape[2:]
        found, scale = [np.zeros((0, 5))], CELL / SMALLEST
        while min(height, width) * scale >= CELL:
            size = int(height * scale + 1), int(width * scale + 1)
            shifts, scores = self._first(F.interpolate(image, size, mode="area"))
            rows, columns = (scores[0] > THRESHOLDS[0]).nonzero(as_tuple=True)
            corners = STRIDE / scale * torch.stack([columns, rows], 1)
            boxes = (
                torch.cat([corners, corners + CELL / scale], 1) + shifts[0, :, rows, columns].T * CELL / scale
            )
            found.append(suppress(torch.cat([boxes, scores[0, rows, columns, None]], 1).numpy(), OVERLAPS[0]))
            scale *= PYRAMID
        return np.concatenate(found)

    @staticmethod
    def _refine(
        net: nn.Module, image: Tensor, boxes: np.ndarray, size: int, least: float, limit: float
    ) -> np.ndarray:
        crops = [cut(image, box, size) for box in boxes]
        if not crops:
            return boxes
        shifts, scores = (part.numpy() for part in net(torch.cat(crops)))
        side = boxes[:, 2:3] - boxes[:, 0:1]
        moved = np.column_stack([boxes[:, :4] + shifts * side, scores])
        return suppress(moved[scores > least], limit)


def cut(image: Tensor, box: np.ndarray, size: int) -> Tensor:
    """A square of (1, 3, H, W) brought to (1, 3, size, size); beyond the picture its edge goes on."""
    left, top, right, bottom = (round(float(edge)) for edge in box[:4])
    rows = torch.arange(top, max(bottom, top + 1)).clamp(0, image.shape[2] - 1)
    columns = torch.arange(left, max(right, left + 1)).clamp(0, image.shape[3] - 1)
    return F.interpolate(image[:, :, rows[:, None], columns], (size, size), mode="area")
