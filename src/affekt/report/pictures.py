"""Pictures as data URIs, without an imaging library."""

from __future__ import annotations

import base64
import struct
import zlib

import numpy as np

_PNG = b"\x89PNG\r\n\x1a\n"


def png(rgb: np.ndarray) -> bytes:
    """An (H, W, 3) uint8 picture as PNG, 8 bits a channel (PNG specification, sections 9 and 11)."""
    height, width, channels = rgb.shape
    if channels != 3 or rgb.dtype != np.uint8:
        raise ValueError(f"a picture must be (H, W, 3) uint8, not {rgb.shape} {rgb.dtype}")
    rows = np.empty((height, 1 + 3 * width), dtype=np.uint8)
    # Filter 1 (Sub) stores each byte less the one three before it: smaller for photographs.
    rows[:, 0] = 1
    flat = rgb.reshape(height, 3 * width)
    rows[:, 1:4] = flat[:, :3]
    rows[:, 4:] = flat[:, 3:] - flat[:, :-3]
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(rows.tobytes(), 9)), (b"IEND", b""))
    return _PNG + b"".join(_chunk(kind, body) for kind, body in parts)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def data_uri(picture: bytes) -> str:
    """PNG or JPEG bytes as a data URI."""
    kind = "png" if picture.startswith(_PNG) else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(picture).decode('ascii')}"
