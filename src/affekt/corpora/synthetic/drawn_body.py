"""What does not move in a drawn picture: the wall, the neck and the shoulders. Units as in `drawn_face`."""

from __future__ import annotations

import functools

import numpy as np

from affekt.corpora.synthetic.brushes import Array, Colour, dot, noise, over, rgb, smooth


def frame(size: tuple[int, int]) -> tuple[float, float, float]:
    """Pixels per half head, and the column and row of the head's centre."""
    return 0.31 * size[1], 0.5 * size[0], 0.45 * size[1]


def wall(x: Array, y: Array) -> Array:
    """The wall behind, where nobody sits before it, (h, w, 3) float32."""
    glow = 0.75 + dot(x, y, -0.9, -0.5, 1.5, 1.4, 0.55) - 0.18 * smooth(x, 0.6, 2.4)
    picture: Array = glow[..., None] * rgb((0.30, 0.31, 0.32))
    return picture


def grid(size: tuple[int, int]) -> tuple[Array, Array]:
    """x and y of each pixel's centre, (height, width) float32 each."""
    unit, left, top = frame(size)
    columns, rows = (np.arange(n, dtype=np.float32) + 0.5 for n in size)
    x, y = np.meshgrid((columns - left) / unit, (rows - top) / unit)
    return x, y


@functools.lru_cache(maxsize=4)
def backdrop(size: tuple[int, int], skin: Colour, shirt: Colour) -> Array:
    """Wall, neck and shoulders, (height, width, 3) float32: what does not move."""
    unit = frame(size)[0]
    x, y = grid(size)
    side = np.abs(x)
    picture = wall(x, y)

    wide = 0.42 + 0.5 * np.clip(y - 1.12, 0, 1) ** 1.7
    bulge = np.sqrt(np.clip(1 - (x / wide) ** 2, 0, 1))
    tone = 0.20 + 0.52 * bulge * (1 - 0.45 * smooth(x, -0.3, 0.5))
    tone *= 0.42 + 0.58 * smooth(y - 0.25 * side, 1.02, 1.36)
    cover = np.clip(0.5 - (side - wide) * unit, 0, 1) * (y > 0.5)
    over(picture, tone[..., None] * rgb(skin), cover)

    shoulder = 1.26 + 0.17 * np.clip((side - 0.4) / 0.8, 0, 2) ** 1.1
    shoulder += 0.5 * np.clip(side - 1.25, 0, 2) ** 1.6
    hem = np.maximum(shoulder, np.where(side < 0.52, 1.47 - 1.05 * np.clip(side, 0, 0.6) ** 2.2, -9))
    tone = 1.0 - 0.42 * smooth(x, -0.7, 1.3) - 0.25 * smooth(y - hem, 0.10, 0.0)
    tone += 0.1 * noise(x * 5 + y * 2, 5)
    tone += 0.28 * np.exp(-(((y - hem - 0.045) / 0.022) ** 2)) * smooth(side, 0.56, 0.48)
    over(picture, tone[..., None] * rgb(shirt), np.clip(0.5 + (y - hem) * unit / 1.5, 0, 1))
    return picture
