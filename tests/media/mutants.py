"""Damages files in every way a disk, a network or a stranger may: seeded, so that a find can be had again."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

HEADER = 2048
"""Bytes at either end of a file that are taken for its header or index."""


def mutants(data: bytes, count: int, seed: int = 0) -> Iterator[tuple[str, bytes]]:
    """Yield `count` damaged copies of a file, each with its kind and number, e.g. ("flip-17", b"…")."""
    kinds: list[Callable[[bytearray, np.random.Generator], bytearray]] = [
        truncate,
        flip,
        edit_header,
        overwrite,
        remove,
        repeat,
    ]
    for number in range(count):
        rng = np.random.default_rng([seed, number])
        kind = kinds[number % len(kinds)]
        yield f"{kind.__name__}-{number}", bytes(kind(bytearray(data), rng))


def truncate(data: bytearray, rng: np.random.Generator) -> bytearray:
    """Cut off the end, anywhere."""
    return data[: rng.integers(0, len(data))]


def flip(data: bytearray, rng: np.random.Generator) -> bytearray:
    """Turn over 1 to 64 bits."""
    for at in rng.integers(0, len(data), rng.choice([1, 4, 16, 64])):
        data[at] ^= 1 << int(rng.integers(8))
    return data


def edit_header(data: bytearray, rng: np.random.Generator) -> bytearray:
    """Overwrite one to four fields of 1, 2, 4 or 8 bytes near the start or the end by extreme values."""
    for _ in range(rng.integers(1, 5)):
        width = int(rng.choice([1, 2, 4, 8]))
        offset = int(rng.integers(0, min(HEADER, len(data) - width)))
        at = offset if rng.random() < 0.6 else len(data) - width - offset
        full = b"\xff" * width
        data[at : at + width] = (bytes(width), full, b"\x7f" + full[1:], rng.bytes(width))[rng.integers(4)]
    return data


def overwrite(data: bytearray, rng: np.random.Generator) -> bytearray:
    """Fill a stretch of up to a tenth of the file with noise or zeros."""
    at, length = int(rng.integers(0, len(data))), int(rng.integers(1, len(data) // 10))
    length = min(length, len(data) - at)
    data[at : at + length] = rng.bytes(length) if rng.random() < 0.5 else bytes(length)
    return data


def remove(data: bytearray, rng: np.random.Generator) -> bytearray:
    """Take a stretch out of the middle."""
    at = int(rng.integers(0, len(data)))
    del data[at : at + int(rng.integers(1, len(data) // 4))]
    return data


def repeat(data: bytearray, rng: np.random.Generator) -> bytearray:
    """Insert a stretch of the file somewhere else."""
    source, at = rng.integers(0, len(data), 2)
    data[at:at] = data[source : source + int(rng.integers(1, len(data) // 4))]
    return data
