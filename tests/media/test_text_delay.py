"""Words that come later than they are said, for models that learned from such words (readings 1.9)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from affekt.media.clips import read_clips
from affekt.timeline import ClipSpec, Recording

SPEC = ClipSpec(sample_rate=8_000, window=1_000, image_size=32)
SRT = """1
00:00:00,000 --> 00:00:01,000
so there

2
00:00:02,000 --> 00:00:04,000
well then
"""


@pytest.fixture(scope="module")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("spoken") / "said.srt"
    path.write_text(SRT, encoding="utf-8")
    return path


def rows(path: Path, delay: int, length: int) -> np.ndarray:
    reading = read_clips(Recording(path), SPEC, length=length)
    reading.text_delay = delay
    return np.concatenate([clip.frame_sentence for clip in reading])


@settings(max_examples=20, deadline=None)
@given(delay=st.integers(0, 60), length=st.integers(3, 50))
def test_words_come_later_by_so_many_frames_whatever_the_clips(spoken: Path, delay: int, length: int) -> None:
    usual = rows(spoken, 0, 100)
    assert usual[:11].tolist() == [0] * 11
    assert usual[11:20].tolist() == [-1] * 9
    late = min(delay, len(usual))
    expected = np.concatenate([np.full(late, -1), usual[: len(usual) - late]])
    assert rows(spoken, delay, length).tolist() == expected.tolist()
