"""The tracks of a recording side by side: for each frame its picture and its sound, up to the right end."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest

import numpy as np

from affekt.errors import MediaError
from affekt.media.container import Contents, Warn
from affekt.media.soundtrack import SoundTrack
from affekt.media.video import Picture, VideoTrack
from affekt.timeline.clip import ClipSpec
from affekt.timeline.clock import frame_count

TRUST = 0.5
"""Seconds by which the content may end before or after the duration that the container states."""


@dataclass(frozen=True, slots=True)
class Row:
    """What the tracks hold for one frame; None where a track has nothing."""

    picture: Picture | None = None
    window: np.ndarray | None = None


def final_frames(stated: float | None, end: float) -> int:
    """Frames of a recording whose content ends after `end` seconds: the stated duration's if that is near."""
    return frame_count(stated if stated is not None and abs(end - stated) <= TRUST else end)


def certain_frames(stated: float | None, reached: float) -> int:
    """Frames that the recording will have at least, once its content has reached so many seconds.

    >>> certain_frames(10.0, 10.3), certain_frames(10.0, 10.6), certain_frames(None, 3.0)
    (100, 106, 30)
    """
    so_far = frame_count(reached)
    if stated is None or reached > stated + TRUST:
        return so_far
    return min(so_far, frame_count(stated))


def read_rows(contents: Contents, spec: ClipSpec, warn: Warn, threads: int | None = None) -> Iterator[Row]:
    """Yield the rows of frame 0, 1, … up to the recording's end; only a few wait in memory at any time.

    Raises:
        MediaError: nothing can be decoded, or what can is shorter than half a frame.
    """
    video = None if contents.video is None else VideoTrack(contents, warn, threads)
    heard_in = contents.beside or contents
    sound = None if heard_in.sound is None else SoundTrack(heard_in, spec, warn)
    waiting: deque[Row] = deque()
    given, pictures, sounds = 0, 0, 0
    stated = contents.stated if contents.exact else None  # a guess is no measure of what is there
    for picture, heard in zip_longest(video or (), sound or ()):
        row = Row(picture, heard[0] if heard and heard[1] else None)
        pictures, sounds = pictures + (row.picture is not None), sounds + (row.window is not None)
        if contents.still:
            yield row
            return
        waiting.append(row)
        while waiting and given < certain_frames(stated, _end(video, sound)):
            yield waiting.popleft()
            given += 1
    end = _end(video, sound)
    total = final_frames(stated, end)
    if not end or (total and not pictures and not sounds):
        raise MediaError(f"{contents.path}: damaged or empty; nothing in it can be decoded")
    if total == 0:
        raise MediaError(f"{contents.path}: lasts {end:.2f} s; at least 0.05 s are needed")
    if contents.stated is not None and end < contents.stated - TRUST:
        warn(f"the content ends after {end:.1f} s, not {contents.stated:.1f} s as the file says: cut short?")
    if contents.beside and video and sound and abs(video.end - sound.end) > TRUST:
        name = contents.beside.path.name
        warn(f"the film ends after {video.end:.1f} s, its sound {name} after {sound.end:.1f} s: of one take?")
    if video is not None and not pictures:
        warn("there is a video in it, but no picture of it could be decoded")
    if sound is not None and not sounds:
        warn("there is a sound track in it, but none of it could be decoded")
    for _ in range(total - given):
        yield waiting.popleft() if waiting else Row()


def _end(video: VideoTrack | None, sound: SoundTrack | None) -> float:
    """Seconds up to which the tracks have been decoded."""
    return max(track.end for track in (video, sound) if track is not None)
