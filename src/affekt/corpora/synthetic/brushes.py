"""What a picture is drawn with: soft shapes, noise, layers, and light on a height field. NumPy only."""

from __future__ import annotations

import math

import numpy as np

Array = np.ndarray
Colour = tuple[float, float, float]
KEY_LIGHT, FILL_LIGHT = (-0.45, -0.55, 0.75), (0.8, -0.05, 0.5)
HALF_WAY = (-0.225, -0.275, 0.88)
"""Between the key lamp and the camera: a surface that faces this way mirrors the lamp."""


def rgb(colour: Colour) -> Array:
    """(3,) float32."""
    return np.array(colour, np.float32)


def over(below: Array, colour: Array, cover: Array) -> None:
    """Lay a colour over a picture, in place, where `cover` (h, w) says so."""
    below += (colour - below) * cover[..., None]


def dot(x: Array, y: Array, cx: float, cy: float, rx: float, ry: float, height: float = 1.0) -> Array:
    """A round bump of the given height, falling to 1/e at the radii."""
    across, down = (x - cx) / rx, (y - cy) / ry
    return height * np.exp(-across * across - down * down)


def smooth(value: Array, zero: float, one: float) -> Array:
    """0 where the value is at `zero` or beyond, 1 at `one` or beyond, smooth in between."""
    t = np.clip((value - zero) * (1 / (one - zero)), 0, 1)
    return t * t * (3 - 2 * t)


def noise(at: Array, seed: int) -> Array:
    """Smooth noise in [-1, 1] along one axis, a knot at every whole number."""
    knots = np.random.default_rng(seed).uniform(-1, 1, 512).astype(np.float32)
    cell = np.floor(at)
    t, index = at - cell, cell.astype(np.int32)
    t = t * t * (3 - 2 * t)
    drawn: Array = knots[index & 511] * (1 - t) + knots[(index + 1) & 511] * t
    return drawn


def span(marked: Array) -> slice:
    """From the first to the last True of a row of flags."""
    where = np.flatnonzero(marked)
    return slice(int(where[0]), int(where[-1]) + 1) if len(where) else slice(0, 0)


def lit(depth: Array, paint: Array, gloss: Array) -> Array:
    """A painted surface under a warm key lamp, a cool fill and light from all around, (h, w, 3).

    Args:
        depth: Height of the surface towards the camera in pixels, (h, w).
        paint: Its colour, (h, w, 3).
        gloss: How much of the key lamp it mirrors, (h, w).
    """
    dy, dx = np.gradient(depth)
    nz = 1 / np.sqrt(dx * dx + dy * dy + 1)

    def facing(lamp: tuple[float, float, float]) -> Array:
        cosine: Array = (lamp[2] - lamp[0] * dx - lamp[1] * dy) * nz / math.hypot(*lamp)
        return cosine

    key, fill = facing(KEY_LIGHT), np.maximum(facing(FILL_LIGHT), 0)
    sheen = gloss * np.maximum(facing(HALF_WAY), 0) ** 16
    out = np.empty_like(paint)
    # Red light travels farthest under the skin, so it wraps farthest into the shadow.
    for c, (wrap, warm, cool) in enumerate(((0.50, 1.02, 0.20), (0.36, 0.94, 0.22), (0.28, 0.84, 0.27))):
        bright = np.maximum(key + wrap, 0) * (warm / (1 + wrap)) + cool * fill + 0.07 * nz + 0.10
        out[..., c] = paint[..., c] * bright + sheen
    return out
