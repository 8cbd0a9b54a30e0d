"""The pictures of a film, one for each 10 Hz frame, taken by their timestamps."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from av import VideoFrame
from av.video.reformatter import Interpolation, VideoReformatter

from affekt.media.container import MAX_PIXELS, Contents, Warn, decode
from affekt.timeline.clock import FRAME_RATE

TIE = 1e-6
"""Seconds of float dust that make no picture the nearer one: at 10 pictures a second all are ties."""

HELD = 0.5
"""Seconds a picture stands for at most when none is nearer …"""
HELD_SLOW = 1.0
"""… and in a film of few pictures a second, 1.5 times the gap between them but no more than this."""


class Scaler:
    """Converts decoded frames to RGB; keeps FFmpeg's scaling tables of the few sizes in use."""

    KEPT = 4

    def __init__(self) -> None:
        self._reformatters: dict[tuple[int, int], VideoReformatter] = {}

    def rgb(self, frame: VideoFrame, width: int, height: int) -> np.ndarray:
        """(height, width, 3) uint8 RGB."""
        reformatter = self._reformatters.pop((width, height), None) or VideoReformatter()
        self._reformatters[width, height] = reformatter  # last in order: used last
        if len(self._reformatters) > self.KEPT:
            del self._reformatters[next(iter(self._reformatters))]
        # AREA shrinks as well as BILINEAR does, in about two thirds of the time.
        scaled = reformatter.reformat(
            frame, width, height, "rgb24", interpolation=Interpolation.AREA, threads=1
        )
        return np.asarray(scaled.to_ndarray())


class Picture:
    """One decoded picture, converted only when, and only as large as, it is asked for.

    Args:
        frame: as decoded, on its side if the camera was.
        aspect: width of a pixel over its height.
        scaler: shared by the pictures of a film.
    """

    def __init__(self, frame: VideoFrame, aspect: float = 1.0, scaler: Scaler | None = None) -> None:
        self._frame = frame
        self._scaler = scaler or Scaler()
        self._quarters = round(frame.rotation / 90) % 4
        self._stored = (max(1, round(frame.width * aspect)), frame.height)
        self._converted: dict[tuple[int, int], np.ndarray] = {}
        base = frame.time_base  # made anew at every look: once is enough for each of a film's pictures
        self.duration = frame.duration * float(base) if base else 0.0
        """Seconds that the file says it is shown."""
        self.width, self.height = self._stored[::-1] if self._quarters % 2 else self._stored
        """Size in pixels, upright and with square pixels."""

    def at(self, scale: float) -> np.ndarray:
        """The whole picture at `scale` times its size, never enlarged.

        Returns:
            (height, width, 3) uint8 RGB, upright.
        """
        scale = min(scale, 1.0)
        width, height = (max(1, round(side * scale)) for side in self._stored)
        if (width, height) not in self._converted:
            rgb = self._scaler.rgb(self._frame, width, height)
            self._converted[width, height] = np.ascontiguousarray(np.rot90(rgb, self._quarters))
        return self._converted[width, height]


class VideoTrack:
    """The pictures of a recording, frame by frame; None where there is none near enough."""

    def __init__(self, contents: Contents, warn: Warn, threads: int | None = None) -> None:
        self._contents, self._warn, self._threads = contents, warn, threads
        self.end = 0.0
        """Seconds up to which pictures have been decoded so far, the last one's duration included."""

    def __iter__(self) -> Iterator[Picture | None]:
        """Yield for frame k = 0, 1, … the picture nearest to (k + 0.5) · 0.1 s (readings 3.4).

        Goes on past `end` for as long as the last picture may be held.
        """
        k, gap = 0, 0.0
        last: tuple[float, Picture] | None = None
        for time, picture in self._pictures():
            before = 0.0 if last is None else gap
            gap = time - last[0] if last else 0.0
            while _middle(k) < time:
                yield _nearest(_middle(k), last, (time, picture), before or gap)
                k += 1
            last = (time, picture)
            self.end = time + min(picture.duration or gap, HELD_SLOW)
        while last and abs(_middle(k) - last[0]) <= _reach(gap):
            yield last[1]
            k += 1

    def _pictures(self) -> Iterator[tuple[float, Picture]]:
        """Seconds from the recording's start and picture, in rising order."""
        contents, scaler = self._contents, Scaler()
        assert contents.video is not None
        last, gap, backwards = -1.0, 0.04, 0
        for frame in decode(contents, contents.video, self._warn, self._threads):
            time = last + gap if frame.time is None else frame.time - contents.start
            if contents.still:
                time = 0.0
            if frame.width * frame.height > MAX_PIXELS:
                self._warn(f"the video ends where its pictures become {frame.width} x {frame.height}")
                break
            so_far = max(last, 0.0)
            if not contents.believable(time, so_far):
                self._warn(f"the video's clock leaps from {so_far:.1f} to {time:.1f} s; read up to there")
                break
            if time <= last or time < 0:
                backwards += 1
                continue
            if last >= 0:
                gap = time - last
            last = time
            yield time, Picture(frame, contents.aspect, scaler)
        if backwards > 1:
            self._warn(f"{backwards} pictures were left out: their timestamps run backwards")


def _middle(k: int) -> float:
    return (k + 0.5) / FRAME_RATE


def _reach(gap: float) -> float:
    """Seconds a picture is held in a film whose pictures lie `gap` seconds apart."""
    return max(HELD, min(1.5 * gap, HELD_SLOW))


def _nearest(
    middle: float, last: tuple[float, Picture] | None, following: tuple[float, Picture], gap: float
) -> Picture | None:
    """The nearer of two pictures, the earlier at a tie; None if that one is too far away."""
    if last is None:  # before the film starts, only the frame in which it starts has a picture
        return following[1] if following[0] - middle < 0.5 / FRAME_RATE else None
    time, picture = last if middle - last[0] <= following[0] - middle + TIE else following
    return picture if abs(time - middle) <= _reach(gap) else None
