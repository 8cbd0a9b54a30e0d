"""Clips with those that follow them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from affekt.errors import MediaError
from affekt.runtime.sources import with_following
from affekt.timeline import Clip


def silence(first: int, frames: int) -> Clip:
    """A clip of some frames with nothing in it."""
    none = np.full(frames, -1, np.int64)
    faces, boxes = np.zeros((0, 16, 16, 3), np.uint8), np.full((frames, 4), np.nan, np.float32)
    sound = np.zeros((frames, 8), np.float32)
    return Clip(first, sound, none > 0, 0 * none, faces, none, boxes, none)


def recording(lengths: list[int]) -> list[Clip]:
    """Clips of these lengths, one after the other."""
    return [silence(sum(lengths[:k]), frames) for k, frames in enumerate(lengths)]


@given(lengths=st.lists(st.integers(1, 6), max_size=9), frames=st.integers(0, 12))
def test_as_many_follow_as_are_needed(lengths: list[int], frames: int) -> None:
    clips = recording(lengths)
    found = list(with_following(clips, frames))
    assert len(found) == len(clips)
    for k, (clip, following) in enumerate(found):
        enough = [n for n in range(k + 1, len(clips) + 1) if sum(lengths[k + 1 : n]) >= frames]
        last = min(enough, default=len(clips))
        assert clip is clips[k] and len(following) == last - k - 1
        assert all(one is other for one, other in zip(following, clips[k + 1 : last], strict=True))


@pytest.mark.parametrize(("frames", "read"), [(0, [1, 2, 3, 4, 4]), (3, [2, 3, 4, 4, 4])])
def test_nothing_is_read_before_it_is_needed(frames: int, read: list[int]) -> None:
    taken: list[int] = []

    def clips() -> Iterator[Clip]:
        for clip in recording([4, 4, 4, 4]):
            taken.append(clip.first)
            yield clip

    pairs = with_following(clips(), frames)
    assert not taken
    counts = [len(taken) for _ in pairs]
    assert counts == read[:4] and len(taken) == read[4]


def test_a_recording_that_breaks_off() -> None:
    def clips() -> Iterator[Clip]:
        yield from recording([4, 4])
        raise MediaError("film.mp4: cannot be decoded")

    pairs = with_following(clips(), 4)
    assert next(pairs)[0].first == 0
    with pytest.raises(MediaError, match="cannot be decoded"):
        next(pairs)
