"""The pictures of a film, one for each 10 Hz frame, taken by their timestamps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

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


@dataclass(slots=True)
class _Shown:
    """A decoded frame and when it is shown, in seconds from the recording's start."""

    time: float
    duration: float
    """Seconds that the file says it is shown; 0: it does not say."""
    frame: VideoFrame
    picture: Picture | None = None


class VideoTrack:
    """The pictures of a recording, frame by frame; None where there is none near enough."""

    def __init__(self, contents: Contents, warn: Warn, threads: int | None = None) -> None:
        self._contents, self._warn, self._threads = contents, warn, threads
        self._scaler = Scaler()
        self.end = 0.0
        """Seconds up to which pictures have been decoded so far, the last one's duration included."""

    def __iter__(self) -> Iterator[Picture | None]:
        """Yield for frame k = 0, 1, … the picture nearest to (k + 0.5) · 0.1 s (readings 3.4).

        Goes on past `end` for as long as the last picture may be held.
        """
        k, gap = 0, 0.0
        last: _Shown | None = None
        for following in self._shown():
            before = 0.0 if last is None else gap
            gap = following.time - last.time if last else 0.0
            while _middle(k) < following.time:
                nearest = _nearest(_middle(k), last, following, before or gap)
                yield None if nearest is None else self._picture(nearest)
                k += 1
            last = following
            self.end = last.time + min(last.duration or gap, HELD_SLOW)
        while last and abs(_middle(k) - last.time) <= _reach(gap):
            yield self._picture(last)
            k += 1

    def _picture(self, shown: _Shown) -> Picture:
        """Made only of what is taken: the others, four of five at 50 a second, are decoded and no more."""
        if shown.picture is None:
            shown.picture = Picture(shown.frame, self._contents.aspect, self._scaler)
        return shown.picture

    def _shown(self) -> Iterator[_Shown]:
        """What is shown when, in rising order."""
        contents = self._contents
        assert contents.video is not None
        last, gap, backwards, tick = -1.0, 0.04, 0, None
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
            if tick is None:
                tick = float(frame.time_base or 0)
            yield _Shown(time, frame.duration * tick, frame)
        if backwards > 1:
            self._warn(f"{backwards} pictures were left out: their timestamps run backwards")


def _middle(k: int) -> float:
    return (k + 0.5) / FRAME_RATE


def _reach(gap: float) -> float:
    """Seconds a picture is held in a film whose pictures lie `gap` seconds apart."""
    return max(HELD, min(1.5 * gap, HELD_SLOW))


def _nearest(middle: float, last: _Shown | None, following: _Shown, gap: float) -> _Shown | None:
    """The nearer of two pictures, the earlier at a tie; None if that one is too far away."""
    if last is None:  # before the film starts, only the frame in which it starts has a picture
        return following if following.time - middle < 0.5 / FRAME_RATE else None
    nearest = last if middle - last.time <= following.time - middle + TIE else following
    return nearest if abs(nearest.time - middle) <= _reach(gap) else None
