"""Small pictures as JPEG, without a picture library."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from av import CodecContext, VideoFrame
from av.video.codeccontext import VideoCodecContext


def encode_jpeg(rgb: np.ndarray, quality: int = 4) -> bytes:
    """Compress a picture.

    Args:
        rgb: (H, W, 3) uint8.
        quality: FFmpeg's quantiser, 2 (best) to 31.

    Returns:
        A JPEG file's bytes.
    """
    encoder = CodecContext.create("mjpeg", "w")
    assert isinstance(encoder, VideoCodecContext)
    encoder.height, encoder.width = rgb.shape[:2]
    encoder.pix_fmt = "yuvj420p"
    encoder.time_base = Fraction(1)
    encoder.thread_count = 1  # starting threads takes longer than one small picture
    encoder.qmin = encoder.qmax = quality
    frame = VideoFrame.from_ndarray(np.ascontiguousarray(rgb), format="rgb24")
    frame = frame.reformat(format="yuvj420p", dst_color_range="JPEG", threads=1)
    return b"".join(bytes(packet) for packet in [*encoder.encode(frame), *encoder.encode(None)])
