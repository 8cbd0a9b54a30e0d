"""What a caller hands over as lists of texts, pictures and sounds, checked before anything is made of it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

SMALLEST_SIDE = 8
"""Pixels; a single picture given in place of a list would be a list of pictures three pixels wide."""
RATES = 1_000, 768_000
"""Hz."""
LOUDEST = 10.0
"""Float samples beyond this are not on a scale of ±1; a little beyond 1 is common."""


def checked_texts(texts: Sequence[str]) -> list[str]:
    """A list of texts.

    Raises:
        ValueError: it is one text, or something in it is none.
    """
    if isinstance(texts, str):
        raise ValueError("texts is a single text; give a list of texts")
    for i, text in enumerate(texts):
        if not isinstance(text, str):
            raise ValueError(f"texts[{i}] is {type(text).__name__}; give a text")
    return list(texts)


def checked_images(images: Sequence[np.ndarray]) -> list[np.ndarray]:
    """A list of (H, W, 3) uint8 pictures; grey ones (H, W) get three equal channels.

    Raises:
        ValueError: one has another shape or type, or is smaller than 8 × 8.
    """
    return [_colour(np.asarray(image), i) for i, image in enumerate(images)]


def _colour(image: np.ndarray, i: int) -> np.ndarray:
    colour = image.ndim == 3 and image.shape[2] == 3
    if image.dtype != np.uint8 or not (colour or image.ndim == 2) or min(image.shape[:2]) < SMALLEST_SIDE:
        raise ValueError(
            f"images[{i}] is {image.dtype} of shape {image.shape}; "
            f"give (H, W, 3) RGB or (H, W) grey, uint8, at least {SMALLEST_SIDE} × {SMALLEST_SIDE}"
        )
    return image if colour else np.repeat(image[:, :, None], 3, axis=2)


def checked_sounds(sounds: Sequence[np.ndarray], rate: int) -> list[np.ndarray]:
    """A list of (N,) float sounds on a scale of ±1; int16 is brought to it.

    Raises:
        ValueError: one has another shape, type or scale, or the rate is none of sound.
    """
    if isinstance(rate, bool) or not isinstance(rate, int | np.integer) or not RATES[0] <= rate <= RATES[1]:
        raise ValueError(f"rate is {rate!r}; give a whole number of Hz from {RATES[0]} to {RATES[1]}")
    return [_full_scale(np.asarray(sound), i) for i, sound in enumerate(sounds)]


def _full_scale(sound: np.ndarray, i: int) -> np.ndarray:
    if sound.ndim != 1 or not (sound.dtype.kind == "f" or sound.dtype == np.int16):
        raise ValueError(
            f"sounds[{i}] is {sound.dtype} of shape {sound.shape}; give (N,) float in ±1 or int16"
        )
    if sound.dtype == np.int16:
        return sound.astype(np.float32) / 32_768
    known = sound[np.isfinite(sound)]
    if known.size and max(known.max(), -known.min()) > LOUDEST:
        raise ValueError(f"sounds[{i}] reaches {np.abs(known).max():.4g}; give float samples in ±1, or int16")
    return sound
