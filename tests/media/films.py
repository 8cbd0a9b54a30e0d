"""Makes small films for the tests: every picture's grey tells when it is shown, the sound is a tone."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import av
import numpy as np


def tone(seconds: float, rate: int = 44_100, hertz: float = 440.0, amplitude: float = 0.5) -> np.ndarray:
    """(N,) float32 sine."""
    time = np.arange(round(seconds * rate)) / rate
    return (amplitude * np.sin(2 * np.pi * hertz * time)).astype(np.float32)


def make_film(
    path: Path,
    times: Sequence[float] = (),
    sounds: Sequence[tuple[float, np.ndarray]] = (),
    rate: int = 44_100,
    size: tuple[int, int] = (64, 48),
    greys: Sequence[int] | None = None,
    video: str = "mpeg4",
    sound: str = "aac",
    pixel: Fraction | None = None,
    ticks: int = 1000,
) -> Path:
    """Write a film.

    Args:
        times: seconds at which the pictures begin.
        sounds: (seconds, (N,) or (C, N) float32) stretches of sound in order.
        size: width and height in pixels.
        greys: a picture's brightness; None: 40 + 10 per picture, again from 40 after 200.
        pixel: width of a pixel over its height.
        ticks: units of time in a second; MPEG-1 wants its frame rate.
    """
    with av.open(str(path), "w") as container:
        packets = []
        if len(times):
            stream = container.add_stream(video, rate=25)
            stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
            stream.codec_context.time_base = Fraction(1, ticks)
            stream.codec_context.gop_size = 5
            if pixel:
                stream.codec_context.sample_aspect_ratio = pixel
        if len(sounds):
            channels = np.atleast_2d(sounds[0][1]).shape[0]
            layout = {1: "mono", 2: "stereo", 6: "5.1"}[channels]
            track = container.add_stream(sound, rate=rate, layout=layout)
        for k, time in enumerate(times):
            grey = greys[k] if greys else 40 + 10 * (k % 16)
            planes = np.full((size[1] * 3 // 2, size[0]), 128, np.uint8)
            planes[: size[1]] = round(16 + grey * 219 / 255)
            picture = av.VideoFrame.from_ndarray(planes, format="yuv420p")
            picture.pts, picture.time_base = round(time * ticks), Fraction(1, ticks)
            packets += stream.encode(picture)
        packets += stream.encode(None) if len(times) else []
        for time, samples in sounds:
            for start in range(0, samples.shape[-1], 1024):
                piece = np.ascontiguousarray(np.atleast_2d(samples)[:, start : start + 1024])
                frame = av.AudioFrame.from_ndarray(piece, format="fltp", layout=layout)
                frame.sample_rate, frame.time_base = rate, Fraction(1, rate)
                frame.pts = round(time * rate) + start
                packets += track.encode(frame)
        packets += track.encode(None) if len(sounds) else []
        for packet in sorted(packets, key=lambda one: float((one.dts or 0) * one.time_base)):
            container.mux(packet)
    return path


class WholePicture:
    """A follower to whom the whole picture is the face; notes each picture's mean grey, None for a miss."""

    def __init__(self, size: int = 96) -> None:
        self.greys: list[float | None] = []
        self.sizes: list[tuple[int, int]] = []
        self._size = size

    def follow(self, picture: object) -> SimpleNamespace:
        small = picture.at(16 / max(picture.width, picture.height))
        self.greys.append(float(small.mean()))
        self.sizes.append((picture.width, picture.height))
        crop = np.full((self._size, self._size, 3), round(float(small.mean())), np.uint8)
        return SimpleNamespace(crop=crop, box=(0.0, 0.0, 1.0, 1.0))

    def miss(self) -> None:
        self.greys.append(None)
