"""Cutting a square out of a picture at any place and size, and the frame that faces are given."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from affekt.timeline import ClipSpec


def cut_square(picture: np.ndarray, left: float, top: float, side: float, size: int) -> np.ndarray:
    """The square of `side` px whose corner is at (left, top), brought to (size, size, 3) uint8.

    Whole blocks of pixels are averaged first where the square shrinks to half or less, the rest is bilinear.
    Beyond the picture its edge goes on. `picture` is (H, W, 3) uint8; places are px from its left and top
    edge and need not be whole. Integers throughout: the same bits on every machine.
    """
    height, width = picture.shape[:2]
    block = min(max(1, math.floor(side / size)), height, width)
    rows, above, below, down = _axis(top, side, height, block, size)
    columns, before, after, right = _axis(left, side, width, block, size, 3)
    region = _block_means(picture[rows, columns], block)
    flat = region.reshape(len(region), -1)
    flat = _mix(flat.take(above, axis=0), flat.take(below, axis=0), down[:, None])
    return _mix(flat.take(before, axis=1), flat.take(after, axis=1), right).reshape(size, size, 3)


@lru_cache(maxsize=32)  # a face that is held is cut at the same place, frame after frame
def _axis(
    start: float, side: float, limit: int, block: int, size: int, channels: int = 1
) -> tuple[slice, np.ndarray, np.ndarray, np.ndarray]:
    """Along one axis: the pixels that matter, and for each sample what `_neighbours` says of their blocks.

    With several channels side by side, each sample is one of a channel.
    """
    pixels, first = _span(start, side, limit, block)
    count = (pixels.stop - pixels.start) // block
    before, after, share = _neighbours((start - first) / block, side / block, size, count)
    before, after = ((channels * one[:, None] + np.arange(channels)).ravel() for one in (before, after))
    return pixels, before, after, share.repeat(channels)


def _span(start: float, side: float, limit: int, block: int) -> tuple[slice, int]:
    """The pixels that matter along one axis, whole blocks of them and at least one, and the first of them."""
    first = min(max(0, math.floor(start) - block), limit - block)
    count = math.ceil((start + side - first) / block) + 1
    return slice(first, first + block * min(max(1, count), (limit - first) // block)), first


def _block_means(region: np.ndarray, block: int) -> np.ndarray:
    """Means of blocks of block × block pixels, (H, W, 3) uint8, H and W multiples of `block`."""
    if block == 1:
        return region
    wide = np.min_scalar_type(256 * block * block)
    bands = region.reshape(-1, block, *region.shape[1:])
    total = bands[:, 0].astype(wide)
    for row in range(1, block):
        total += bands[:, row]
    blocks = total.reshape(len(total), -1, block, 3)
    total = blocks[:, :, 0].copy()
    for column in range(1, block):
        total += blocks[:, :, column]
    total += np.array(block * block // 2, wide)
    means: np.ndarray = total // np.array(block * block, wide)
    return means.astype(np.uint8)


def _neighbours(
    start: float, side: float, count: int, limit: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For `count` samples spread over [start, start + side): pixel before, pixel after, 256ths of the way."""
    places = np.floor((start + (np.arange(count) + 0.5) * (side / count) - 0.5) * 256).astype(np.int64)
    before = places >> 8
    return before.clip(0, limit - 1), (before + 1).clip(0, limit - 1), (places & 255).astype(np.uint16)


def _mix(one: np.ndarray, other: np.ndarray, share: np.ndarray) -> np.ndarray:
    """`share` 256ths of `other`, the rest of `one`, rounded; uint8 in and out, within 16 bits on the way."""
    mixed: np.ndarray = one * (256 - share)
    mixed += other * share
    mixed += np.uint16(128)
    mixed >>= np.uint16(8)
    return mixed.astype(np.uint8)


def crop_square(box: np.ndarray, spec: ClipSpec) -> tuple[float, float, float]:
    """Left, top and side of the square that `spec` frames a face's box (left, top, right, bottom) with.

    >>> spec = ClipSpec(crop_margin=0.2, crop_shift=0.1)
    >>> [float(value) for value in crop_square(np.array([10.0, 0.0, 20.0, 20.0]), spec)]
    [3.0, 0.0, 24.0]
    """
    left, top, right, bottom = (float(edge) for edge in box[:4])
    longer = max(right - left, bottom - top)
    side = longer * (1 + spec.crop_margin)
    return (left + right - side) / 2, (top + bottom - side) / 2 + spec.crop_shift * longer, side
