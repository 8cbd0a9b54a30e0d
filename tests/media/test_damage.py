"""Damaged films: what can be read is read, the rest is refused in one line; no traceback, hang or crash."""

from __future__ import annotations

import multiprocessing
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from affekt.errors import AffektError
from affekt.media.clips import read_clips
from affekt.timeline import ClipSpec, Recording
from media.films import WholePicture, make_film, tone
from media.mutants import mutants

COUNT = 120
"""Mutants of each kind of file."""

FILMS: dict[str, dict[str, Any]] = {
    "film.mp4": {"video": "mpeg4", "sound": "aac"},
    "film.webm": {"video": "libvpx", "sound": "libopus", "rate": 48_000},
    "film.mpg": {"video": "mpeg1video", "sound": "mp2", "ticks": 25},
}


def judge(path: Path) -> str:
    """Read one mutant; says "read" or "refused", anything else is a fault."""
    spec = ClipSpec(image_size=16, cutoff=8000, level=-20.0)
    try:
        follower = WholePicture(16)
        reading = read_clips(Recording(path), spec, length=50, stills=True, follower=follower, threads=1)
        frames = 0
        for clip in reading:
            assert clip.first == frames and 0 < len(clip) <= 50
            assert clip.sound.shape == (len(clip), spec.window) and np.isfinite(clip.sound).all()
            boxes = np.isfinite(clip.boxes).all(axis=1)
            assert len(clip.faces) == boxes.sum() and (boxes == (clip.frame_face >= 0)).all()
            frames += len(clip)
        # 2 s of film: a few leaps of up to 10 s each may be believed, not hours
        assert 0 < frames < 2_000, f"{frames} frames"
        return "read"
    except AffektError as error:
        return "refused" if str(path) in str(error) and "\n" not in str(error) else f"ill said: {error}"


def judge_all(folder: Path, name: str, data: bytes) -> list[tuple[str, str]]:
    outcomes = []
    for kind, mutant in mutants(data, COUNT):
        path = folder / f"{kind}-{name}"
        path.write_bytes(mutant)
        try:
            outcomes.append((kind, judge(path)))
        except Exception as error:  # noqa: BLE001 -- whatever it is, the test says of which mutant
            outcomes.append((kind, repr(error)))
        path.unlink()
    return outcomes


@pytest.mark.parametrize("name", FILMS)
def test_mutants(name: str, tmp_path: Path) -> None:
    how = FILMS[name]
    film = make_film(tmp_path / name, np.arange(50) / 25, [(0.0, tone(2.0, how.get("rate", 44_100)))], **how)
    # In a child: a crash shows as BrokenProcessPool, a hang as TimeoutError.
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        outcomes = pool.submit(judge_all, tmp_path, name, film.read_bytes()).result(timeout=300)
    faults = [outcome for outcome in outcomes if outcome[1] not in ("read", "refused")]
    assert not faults
    counts = Counter(outcome for _, outcome in outcomes)
    assert len(outcomes) == COUNT and counts["read"] > COUNT // 4


def test_truncated_film_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    film = make_film(tmp_path / "film.mkv", np.arange(100) / 25, [(0.0, tone(4.0))])
    film.write_bytes(film.read_bytes()[: film.stat().st_size // 2])
    reading = read_clips(Recording(film), ClipSpec(), follower=WholePicture())
    frames = sum(len(clip) for clip in reading)
    assert 10 <= frames <= 30
    assert any("cut short" in warning or "ends early" in warning for warning in reading.warnings)


@pytest.mark.parametrize(
    "data", [b"", b"no film", bytes(5000), b"#EXTM3U\n#EXTINF:1,\nother.mp4\n#EXT-X-ENDLIST\n"]
)
@pytest.mark.parametrize("name", ["film.mp4", "film.wav", "film.png", "list.m3u8"])
def test_no_film_at_all(name: str, data: bytes, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    assert judge(path) == "refused"


def test_playlists_cannot_open_other_files(tmp_path: Path) -> None:
    """A concat or HLS list that names a good film beside it is refused all the same."""
    film = make_film(tmp_path / "film.ts", np.arange(25) / 25, video="mpeg2video", ticks=25)
    lists = {
        "list.ffconcat": f"ffconcat version 1.0\nfile {film.name}\n",
        "list.m3u8": f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1.0,\n{film.name}\n#EXT-X-ENDLIST\n",
    }
    assert sum(len(clip) for clip in read_clips(Recording(film), ClipSpec(), follower=WholePicture())) == 10
    for name, text in lists.items():
        (tmp_path / name).write_text(text)
        with pytest.raises(AffektError, match=name):
            read_clips(Recording(tmp_path / name), ClipSpec())


@pytest.mark.parametrize(
    "address", ["http://localhost/film.mp4", "concat:a.mp4|b.mp4", "pipe:0", "rtsp://x/y"]
)
def test_addresses_are_not_opened(address: str) -> None:
    with pytest.raises(AffektError, match="no such file"):
        read_clips(Recording(Path(address)), ClipSpec())


def test_a_leaping_clock_ends_the_stream(tmp_path: Path) -> None:
    film = make_film(tmp_path / "film.mkv", [*(np.arange(25) / 25), 500.0])
    reading = read_clips(Recording(film), ClipSpec(), follower=WholePicture())
    assert sum(len(clip) for clip in reading) == 10
    assert any("leaps from" in warning for warning in reading.warnings)
