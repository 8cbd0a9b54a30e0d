"""Draws a talking face of nobody: a height field with painted skin, lit by two lamps. NumPy only.

Lengths are in half heads: the head's centre, midway between the eyes, is (0, 0), its crown y = -1, its chin
y = +1; x grows to the picture's right, y downwards, z towards the viewer. Every part of the face is a
function of (x, y), evaluated where the turned head lies under each pixel; the light falls on the slope of
the turned height. Colours are linear light in [0, 1].
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import numpy as np

from affekt.corpora.synthetic.brushes import Array, Colour, dot, lit, noise, over, rgb, smooth, span
from affekt.corpora.synthetic.drawn_body import backdrop, frame

EYE_X, BROW_Y, MOUTH_Y = 0.285, -0.2, 0.62


@dataclass(frozen=True, slots=True)
class Mood:
    """What a face shows; 0 everywhere is a neutral face."""

    smile: float = 0.0
    """Mouth corners, from -1 (pulled down) to 1 (a broad smile that lifts the cheeks)."""
    inner_brow: float = 0.0
    """Inner ends of the brows, from -1 (a frown) to 1 (raised in sorrow)."""
    outer_brow: float = 0.0
    """Outer ends of the brows, from -1 (low) to 1 (raised)."""
    lids: float = 0.0
    """From -1 (nearly closed) to 1 (wide open)."""
    press: float = 0.0
    """How hard the lips and lower lids are tightened, 0 to 1."""
    yaw: float = 0.0
    """Turn of the head in radians, positive to the picture's right; up to about 0.3."""
    pitch: float = 0.0
    """Nod in radians, positive downwards; up to about 0.3."""
    roll: float = 0.0
    """Tilt in radians, positive clockwise in the picture."""

    def mix(self, other: Mood, share: float) -> Mood:
        """The mood that lies `share` (0 to 1) of the way to `other`."""
        pairs = ((getattr(self, f.name), getattr(other, f.name)) for f in fields(self))
        return Mood(*(a + share * (b - a) for a, b in pairs))


@dataclass(frozen=True, slots=True)
class Person:
    """Whose face: colours in linear light."""

    skin: Colour = (0.60, 0.37, 0.265)
    lips: Colour = (0.46, 0.17, 0.145)
    hair: Colour = (0.060, 0.034, 0.021)
    iris: Colour = (0.13, 0.20, 0.16)
    shirt: Colour = (0.055, 0.12, 0.17)


MOODS = {
    "neutral": Mood(),
    "happy": Mood(smile=1.0, inner_brow=0.35, outer_brow=0.55, lids=0.25, pitch=-0.06, roll=0.05),
    "sad": Mood(smile=-0.75, inner_brow=0.95, outer_brow=-0.45, lids=-0.42, pitch=0.13, roll=-0.09),
    "angry": Mood(smile=-0.55, inner_brow=-1.0, outer_brow=0.45, lids=0.25, press=1.0, pitch=0.07, yaw=0.05),
    "calm": Mood(smile=0.3, inner_brow=0.1, lids=-0.22, roll=0.03),
}


def draw_face(
    mood: Mood, mouth_open: float, blink: float, size: tuple[int, int], person: Person | None = None
) -> Array:
    """A picture of a head and shoulders.

    Args:
        mood: The expression and the pose of the head.
        mouth_open: 0 (closed) to 1 (wide open).
        blink: 0 (as the mood has the eyes) to 1 (closed).
        size: Width and height in pixels; the head is two thirds of the height.
        person: Whose face; None for the default one.

    Returns:
        (height, width, 3) uint8 RGB.
    """
    person = person or Person()
    picture = backdrop(size, person.skin, person.shirt).copy()
    unit, left, top = frame(size)
    columns, rows = (np.arange(n, dtype=np.float32) + 0.5 for n in size)
    box = np.abs(rows - top) < 1.25 * unit, np.abs(columns - left) < 1.0 * unit
    view = picture[span(box[0]), span(box[1])]
    x, y = np.meshgrid((columns[box[1]] - left) / unit, (rows[box[0]] - top) / unit)
    cos, sin, pivot = math.cos(mood.roll), math.sin(mood.roll), 1.1  # the head tilts about the neck
    x, y = x * cos + (y - pivot) * sin, (y - pivot) * cos - x * sin + pivot
    _ears(view, x + 0.2 * mood.yaw, y + 0.2 * mood.pitch, unit, person)
    head, cover = _skull(x, y, unit, mood, mouth_open, person)
    _features(head.crop(0.8, -0.5, 1.15), mood)
    _mouth(head.crop(0.40, 0.42, 1.05), mood, mouth_open, person)
    _eyes(head.crop(0.48, -0.18, 0.16), mood, blink, person)
    _brows(head.crop(0.52, -0.40, 0.0), mood, person)
    depth = head.height * math.cos(mood.yaw) + head.x * mood.yaw + head.y * mood.pitch
    over(view, lit(depth * unit, head.paint, head.gloss), cover)
    _hair(view, head.crop(1.0, -1.4, 0.15), person)
    return developed(picture)


def developed(light: Array) -> Array:
    """Linear light (h, w, 3) as the pixels of a picture, (h, w, 3) uint8."""
    table = (255 * np.linspace(0, 1, 4096) ** (1 / 2.2) + 0.5).astype(np.uint8)
    pixels: Array = table[np.clip(light * 4095, 0, 4095).astype(np.int16)]
    return pixels


@dataclass
class _Skin:
    """A patch of the head: where each pixel lies on the face, (h, w), and what is there."""

    unit: float
    x: Array
    y: Array
    height: Array
    gloss: Array
    paint: Array
    part: tuple[slice, slice] = (slice(None), slice(None))

    def crop(self, side: float, top: float, bottom: float) -> _Skin:
        """The part with |x| < side and top < y < bottom, sharing memory with the whole."""
        inside = (np.abs(self.x) < side) & (self.y > top) & (self.y < bottom)
        part = span(inside.any(axis=1)), span(inside.any(axis=0))
        x, y, height, gloss, paint = (a[part] for a in (self.x, self.y, self.height, self.gloss, self.paint))
        return _Skin(self.unit, x, y, height, gloss, paint, part)

    def edge(self, distance: Array, soft: float = 1.0) -> Array:
        """1 inside (negative distance), 0 outside, about `soft` pixels wide in between."""
        return np.clip(0.5 - distance * (self.unit / soft), 0, 1)


def _skull(
    x: Array, y: Array, unit: float, mood: Mood, mouth_open: float, person: Person
) -> tuple[_Skin, Array]:
    """The bare head turned by yaw and pitch, and which pixels it covers, (h, w)."""

    def roundness(x: Array, y: Array) -> Array:
        wide = 0.715 - 0.14 * smooth(y, 0.15, 1.0)
        far = y / np.where(y > 0, 1.0 + 0.06 * mouth_open, 1.02).astype(np.float32)
        q: Array = (x / wide) ** 2 + far * far * (1 + 0.12 * np.sign(y) * (far * far - 1))
        return q

    px, py = x, y
    for _ in range(2):  # which point of the face is seen at this pixel?
        bare = np.sqrt(np.maximum(1 - roundness(x, y), 0))
        z = 0.78 * bare + dot(x, y, 0, 0.33, 0.13, 0.17, 0.2) - 0.35
        x, y = px - z * math.sin(mood.yaw), py - z * math.sin(mood.pitch)
    q = roundness(x, y)
    paint = np.empty((*x.shape, 3), np.float32)
    paint[:] = person.skin
    head = _Skin(unit, x, y, 0.78 * np.sqrt(np.maximum(1 - q, 0)), np.full_like(x, 0.055), paint)
    return head, head.edge((np.sqrt(q) - 1) * 0.8)


def _features(skin: _Skin, mood: Mood) -> None:
    """Nose, cheeks, sockets, folds and blushes."""
    x, y, z, side = skin.x, skin.y, skin.height, np.abs(skin.x)
    up, frown, sorrow = max(mood.smile, 0), max(-mood.inner_brow, 0), max(mood.inner_brow, 0)
    z -= dot(side, y, EYE_X - 0.02, 0.0, 0.17, 0.10, 0.075)
    z += dot(side, y, 0.27, -0.17 - 0.03 * mood.inner_brow, 0.22, 0.07, 0.03)
    z += dot(side, y, 0.40, 0.27 - 0.04 * up, 0.20, 0.16, 0.035 + 0.03 * up)
    z += dot(x, y, 0, 0.87, 0.17, 0.11, 0.04) - dot(x, y, 0, 0.785, 0.16, 0.05, 0.025)
    ridge = 0.19 * smooth(y, -0.2, 0.36) * smooth(y, 0.47, 0.36)
    z += ridge * np.exp(-((side / (0.075 + 0.05 * smooth(y, 0.0, 0.35))) ** 2))
    z += dot(x, y, 0, 0.335, 0.075, 0.07, 0.055) + dot(side, y, 0.105, 0.375, 0.045, 0.05, 0.055)
    z -= dot(x, y, 0, 0.50, 0.03, 0.05, 0.012)
    # The fold from the nostril to the mouth's corner deepens with a smile and with anger.
    fold = np.exp(-(((side - 0.16 - 0.20 * np.clip((y - 0.36) / 0.30, 0, 1)) / 0.04) ** 2))
    fold *= smooth(y, 0.34, 0.44) * smooth(y, 0.70, 0.54)
    z -= (0.008 + 0.016 * up + 0.008 * mood.press) * fold
    z -= dot(side, y, 0.045, BROW_Y, 0.02, 0.08, 0.010 * frown)
    line = -0.36 - 0.2 * x * x
    z -= 0.008 * sorrow * np.exp(-(((y - line) / 0.016) ** 2)) * smooth(side, 0.36, 0.05)

    red = (0.5 + 0.5 * up + 0.3 * mood.press) * dot(side, y, 0.38, 0.28, 0.2, 0.17)
    red += dot(x, y, 0, 0.36, 0.11, 0.08, 0.7)
    shade = dot(side, y, EYE_X - 0.06, -0.03, 0.14, 0.10, 0.30) + 0.12 * dot(side, y, EYE_X, 0.1, 0.12, 0.04)
    shade += dot(x, y, 0, 0.455, 0.12, 0.035, 0.38) + dot(x, y, 0, 0.785, 0.15, 0.035, 0.22)
    shade += dot(side, y, 0.062, 0.412, 0.026, 0.014, 0.75) + (0.05 + 0.09 * up) * fold
    shade += dot(side, y, 0.048, BROW_Y + 0.01, 0.02, 0.06, 0.16 * frown)
    shade = 1 - np.clip(shade, 0, 0.9)
    for c, fade in enumerate((-0.02, 0.20, 0.17)):
        skin.paint[..., c] *= shade * (1 - fade * red)


def _mouth(skin: _Skin, mood: Mood, mouth_open: float, person: Person) -> None:
    x, y = skin.x, skin.y
    up, down = max(mood.smile, 0), max(-mood.smile, 0)
    width = 0.235 + 0.065 * up - 0.012 * down - 0.025 * mouth_open
    t = np.abs(x) / width
    bow = np.clip(1 - t * t, 0, 1)
    rise = 0.085 * mood.smile + 0.012
    middle = MOUTH_Y + 0.01 * mouth_open - rise * (np.minimum(t, 1.3) ** 2 - 0.35)
    gap = (0.05 * up * (1 - 0.3 * mouth_open) + 0.20 * mouth_open) * bow**0.6
    above, below = middle - 0.3 * gap, middle + 0.7 * gap
    thin = 1 - 0.35 * mood.press - 0.2 * up
    top = above - thin * bow**0.8 * (0.062 - 0.016 * np.exp(-((t / 0.13) ** 2)))
    bottom = below + thin * 0.078 * bow**0.75
    lips = skin.edge(top - y, 2.5) * skin.edge(y - bottom, 3) * smooth(t, 1.0, 0.9)
    low = np.clip((y - below) / (bottom - below + 1e-3), 0, 1)
    high = np.clip((above - y) / (above - top + 1e-3), 0, 1)
    skin.height += lips * (0.035 * np.sin(np.pi * low) + 0.022 * np.sin(np.pi * (0.2 + 0.8 * high)))
    skin.gloss += lips * 0.09
    tone = 0.93 - 0.2 * smooth(high, 0.7, 0.0) * (y < middle)
    over(skin.paint, tone[..., None] * rgb(person.lips), lips * 0.8)
    depth = np.clip((y - above) / 0.14, 0, 1)[..., None]
    inside = rgb((0.10, 0.022, 0.02)) + depth * rgb((0.12, 0.05, 0.045))
    seam = 1 - 0.16 * np.exp(-((((np.abs(x) % 0.05) - 0.025) / 0.005) ** 2))
    white = (0.6 * seam * (1 - 0.5 * t * t))[..., None] * rgb((1.0, 0.95, 0.86))
    long = 0.028 + 0.034 * up + 0.02 * mood.press
    over(inside, white, skin.edge(y - above - long + 0.012 * t * t, 2) * smooth(t, 0.95, 0.6))
    hole = skin.edge(above - y) * skin.edge(y - below) * (bow > 0)
    over(skin.paint, inside, hole)
    skin.gloss *= 1 - hole
    line = np.exp(-(((y - middle) / 0.009) ** 2)) * smooth(t, 1.12, 0.95) * smooth(gap, 0.04, 0.0)
    corner = dot(np.abs(x), y, width, MOUTH_Y - 0.65 * rise, 0.016, 0.014, 0.8)
    skin.paint *= (1 - 0.7 * np.maximum(line, corner))[..., None]


def _eyes(skin: _Skin, mood: Mood, blink: float, person: Person) -> None:
    x, y, side = skin.x, skin.y, np.abs(skin.x)
    s = (side - EYE_X) / 0.135
    wide = np.abs(s)
    arch = np.clip(1 - s * s, 0, 1)
    up = max(mood.smile, 0)
    opening = (1 + 0.4 * mood.lids) * (1 - blink)
    bulge = 0.044 - 0.016 * up - 0.014 * mood.press
    lower = 0.008 * blink - 0.012 * s + bulge * arch**0.8
    upper = lower - (bulge + 0.072 * (1 - 0.12 * s)) * opening * arch**0.62
    ball = skin.edge(upper - y) * skin.edge(y - lower) * (arch > 0)
    across = x - np.sign(x) * EYE_X
    r = np.sqrt((across + 0.25 * mood.yaw) ** 2 + (y + 0.012) ** 2)
    white = (0.60 - 0.16 * s * s)[..., None] * rgb((1.0, 0.93, 0.88))
    ring = 1.25 - 0.95 * smooth(r, 0.045, 0.064) + 0.5 * smooth(y, -0.02, 0.04)
    over(white, ring[..., None] * rgb(person.iris), skin.edge(r - 0.063, 2))
    over(white, rgb((0.0, 0.0, 0.0)), skin.edge(r - 0.028, 1.5))
    white *= smooth(y - upper, -0.04, 0.05)[..., None]
    white += dot(across, y, -0.018, -0.034, 0.011, 0.011, 0.8)[..., None]
    over(skin.paint, white, ball)
    skin.gloss *= 1 - 0.7 * ball
    skin.height += dot(side, y, EYE_X, -0.005, 0.12, 0.075, 0.03)
    lash = skin.edge(np.abs(y - upper + 0.004) - 0.013 * (0.55 + 0.45 * s), 2) * smooth(wide, 1.15, 1.0)
    crease = np.exp(-(((y - upper + 0.042 - 0.012 * s) / 0.010) ** 2)) * smooth(wide, 1.15, 0.6)
    rim = np.exp(-(((y - lower - 0.006) / 0.008) ** 2)) * smooth(wide, 1.05, 0.8)
    bag = np.exp(-(((y - lower - 0.05) / 0.02) ** 2)) * smooth(wide, 1.0, 0.4)
    light = (1 - 0.9 * lash) * (1 - 0.38 * (1 - blink) * crease) * (1 - 0.28 * rim)
    skin.paint *= (light * (1 - (0.08 + 0.10 * up) * bag))[..., None]


def _brows(skin: _Skin, mood: Mood, person: Person) -> None:
    y, side = skin.y, np.abs(skin.x)
    t = (side - 0.115 + 0.025 * max(-mood.inner_brow, 0)) / 0.345
    along = np.clip(t, 0, 1)
    line = BROW_Y + 0.02 - 0.055 * np.sin(np.pi * (0.1 + 0.72 * along))
    line -= 0.088 * mood.inner_brow * (1 - along) ** 1.3 + 0.065 * mood.outer_brow * along
    hairs = 0.92 + 0.08 * np.sin(170 * side + 160 * (y - line) + 4 * np.sin(31 * side))
    cover = skin.edge(np.abs(y - line) - 0.036 * (1 - 0.6 * along**1.5), 5)
    cover *= smooth(t, -0.05, 0.15) * smooth(t, 1.03, 0.85) * hairs * 0.85
    over(skin.paint, rgb(person.hair) * 1.3, cover)


def _ears(view: Array, x: Array, y: Array, unit: float, person: Person) -> None:
    near = np.abs(y - 0.1) < 0.35
    rows = span(np.any(near, axis=1))
    view, x, y = view[rows], x[rows], y[rows]
    for s, lamp in ((-1, 0.92), (1, 0.62)):
        across, down = (x - s * 0.735) / 0.105, (y - 0.08 + s * 0.2 * (x - s * 0.735)) / 0.20
        r = np.sqrt(across * across + down * down)
        tone = 0.9 - 0.30 * smooth(r, 0.85, 0.35) - dot(across, down, -s * 0.2, 0.1, 0.3, 0.4, 0.15)
        colour = (lamp * tone)[..., None] * rgb(person.skin) * rgb((1.05, 0.86, 0.82))
        over(view, colour, np.clip(0.5 - (r - 1) * 0.12 * unit, 0, 1))


def _hair(whole: Array, skin: _Skin, person: Person) -> None:
    """Short hair, parted on one side, with its shadow on the forehead."""
    view, x, y, side = whole[skin.part], skin.x, skin.y, np.abs(skin.x)
    swell = 1.0 + 0.10 * smooth(y, 0.05, -0.7)
    q = (side / (0.77 * swell)) ** 2.3 + (np.abs(y) / (1.04 * swell)) ** 2.3
    outside = (np.sqrt(q) - 1) * 0.8 + 0.008 * noise((x + 0.4 * y) * 22, 0)
    fringe = -0.60 + 0.15 * smooth(x, -0.25, 0.55) + 0.018 * noise((x + 0.35 * y) * 26, 1)
    temple = 0.625 + 0.010 * noise(y * 18, 2) + 0.08 * smooth(y, -0.05, 0.1)
    below, within = np.maximum(y - fringe, -0.5), temple - side
    bare = -np.log(np.exp(-14 * below) + np.exp(-14 * np.maximum(within, -0.5))) / 14  # a rounded minimum
    cover = skin.edge(outside, 3) * skin.edge(bare, 5) * smooth(y, 0.12, 0.02)
    view *= (1 - 0.28 * smooth(bare, 0.10, 0.0) * skin.edge(outside) * smooth(y, 0.12, 0.0))[..., None]
    flow = np.arctan2(x + 0.25, 1.25 + y) + 0.25 * (y + 1) * (x + 0.25)
    strands = 0.55 * noise(flow * 45, 3) + 0.45 * noise(flow * 110 + y * 3, 4)
    ring = np.sqrt((x + 0.18) ** 2 + (y + 0.55) ** 2)
    shine = np.exp(-(((ring - 0.30) / 0.14) ** 2)) * (0.6 + 0.7 * strands) * smooth(x, 0.45, -0.2)
    tone = np.maximum(0.85 + 0.4 * strands + 1.5 * shine - 0.45 * smooth(q, 0.75, 1.0), 0.15)
    over(view, tone[..., None] * rgb(person.hair), cover)
