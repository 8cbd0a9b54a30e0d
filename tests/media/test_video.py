"""Pictures: taken by their timestamps, held sensibly, upright, converted only as needed."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from affekt.errors import MediaError
from affekt.media.clips import read_clips
from affekt.media.container import probe
from affekt.media.jpeg import encode_jpeg
from affekt.media.video import Picture, VideoTrack
from affekt.timeline import ClipSpec, Recording, frame_count
from media.films import WholePicture, make_film, tone


def shown(path: Path) -> list[int | None]:
    """For each frame the number of the picture that it got (`make_film`'s greys), None for none."""
    follower = WholePicture()
    for _ in read_clips(Recording(path), ClipSpec(), follower=follower):
        pass
    return [None if grey is None else round((grey - 40) / 10) for grey in follower.greys]


def nearest(times: Sequence[float], frames: int) -> list[int]:
    middles = (np.arange(frames) + 0.5) / 10
    return [
        int(np.argmin(np.abs(np.asarray(times) - middle) + 1e-6 * np.arange(len(times))))
        for middle in middles
    ]


@pytest.mark.parametrize("name", ["film.mp4", "film.mkv"])
@pytest.mark.parametrize("fps", [8, 10, 12.5])
def test_nearest_picture(name: str, fps: float, tmp_path: Path) -> None:
    times = np.arange(16) / fps
    path = make_film(tmp_path / name, times)
    assert shown(path) == nearest(np.round(times, 3), frame_count(times[-1] + 0.04))


def test_variable_frame_rate(tmp_path: Path) -> None:
    """Times, not counts: pictures at uneven distances."""
    times = [0.0, 0.03, 0.07, 0.4, 0.43, 0.9, 1.3, 1.31, 1.32, 1.5]
    path = make_film(tmp_path / "film.mkv", times)
    assert shown(path) == nearest(times, 15)


def test_pictures_of_a_slow_film_are_held(tmp_path: Path) -> None:
    """1 picture a second: held until the next one comes."""
    path = make_film(tmp_path / "film.mkv", [0, 1, 2, 3], [(0.0, tone(4.0))])
    assert shown(path) == [0] * 5 + [1] * 10 + [2] * 10 + [3] * 15


def test_a_gap_has_no_picture(tmp_path: Path) -> None:
    """25 pictures a second, then nothing from 0.4 to 3.0 s: held for 0.5 s on both sides."""
    path = make_film(tmp_path / "film.mkv", [*np.arange(11) / 25, 3.0, 3.04, 3.08])
    seen = shown(path)
    assert [k for k, picture in enumerate(seen) if picture is None] == list(range(9, 25))


def test_before_the_film_starts_there_is_no_picture(tmp_path: Path) -> None:
    path = make_film(tmp_path / "film.mkv", 1.0 + np.arange(5) / 25, [(0.0, tone(2.0))])
    seen = shown(path)
    assert len(seen) == 20
    assert seen[:10] == [None] * 10 and seen[10] == 1
    assert seen[11:16] == [4] * 5 and seen[17:] == [None] * 3  # held 0.5 s after 1.16 s


def test_duration_of_the_container_counts_if_near(tmp_path: Path) -> None:
    """Sound of 2.0 s, video of 1.6 s; then stated 1.0 s more than there is."""
    path = make_film(tmp_path / "film.mp4", np.arange(40) / 25, [(0.0, tone(2.0))])
    assert len(shown(path)) == 20
    data = path.read_bytes()
    at = data.index(b"mvhd") + 4
    scale, length = struct.unpack(">II", data[at + 12 : at + 20])
    for more, frames in ((0.4, 24), (30.0, 20)):
        stated = struct.pack(">I", round(length + more * scale))
        path.write_bytes(data[: at + 16] + stated + data[at + 20 :])
        if abs((probe(path).stated or 0.0) - (2.0 + more)) < 0.1:
            assert len(shown(path)) == frames


def rotated(path: Path, quarters: int) -> Path:
    """Note in an mp4's track header that it is to be turned clockwise by quarters."""
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 4 + 40
    a, b = ((1, 0), (0, 1), (-1, 0), (0, -1))[quarters]
    struct.pack_into(">9i", data, at, a << 16, b << 16, 0, -b << 16, a << 16, 0, 0, 0, 1 << 30)
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("quarters", [0, 1, 2, 3])
def test_rotated_film_is_set_upright(quarters: int, tmp_path: Path) -> None:
    """A picture whose upper left quarter is bright, stored on its side by a phone."""
    path = tmp_path / "phone.mp4"
    upright = np.zeros((48, 64), np.uint8)
    upright[:20, :28] = 230
    stored = np.ascontiguousarray(np.rot90(upright, quarters))  # turned against the clock in the file
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.height, stream.width = stored.shape
        stream.pix_fmt = "yuv420p"
        for _ in range(3):
            frame = av.VideoFrame.from_ndarray(np.stack([stored] * 3, axis=-1), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    pictures = [one for one in VideoTrack(probe(rotated(path, quarters)), print) if one is not None]
    assert (pictures[0].width, pictures[0].height) == (64, 48)
    rgb = pictures[0].at(1.0)
    assert rgb.shape == (48, 64, 3)
    np.testing.assert_allclose(rgb.mean(axis=-1), upright, atol=60)
    assert pictures[0].at(0.5).shape == (24, 32, 3)


def test_pixels_that_are_not_square(tmp_path: Path) -> None:
    path = make_film(tmp_path / "film.mkv", [0, 0.1, 0.2], pixel=Fraction(3, 2))
    picture = next(iter(VideoTrack(probe(path), print)))
    assert picture is not None and (picture.width, picture.height) == (96, 48)
    assert picture.at(0.5).shape == (24, 48, 3)


def test_a_picture_is_converted_once_a_size_and_never_enlarged() -> None:
    frame = av.VideoFrame.from_ndarray(np.zeros((50, 40, 3), np.uint8), format="rgb24")
    picture = Picture(frame)
    assert picture.at(0.5) is picture.at(0.5)
    assert picture.at(4.0).shape == picture.at(1.0).shape == (50, 40, 3)
    assert picture.at(0.001).shape == (1, 1, 3)


@pytest.mark.parametrize("size", [(2, 2), (1920, 1080)])
def test_sizes(size: tuple[int, int], tmp_path: Path) -> None:
    follower = WholePicture()
    path = make_film(tmp_path / "film.mkv", [0, 0.1, 0.2], size=size)
    assert sum(len(clip) for clip in read_clips(Recording(path), ClipSpec(), follower=follower)) == 2
    assert follower.sizes == [size, size]


def test_picture_size_may_change_midway(tmp_path: Path) -> None:
    """Two MPEG-TS films of different size, one after the other."""
    parts = [
        make_film(tmp_path / f"{k}.ts", start + np.arange(25) / 25, size=size, video="mpeg2video", ticks=25)
        for k, (start, size) in enumerate([(0.0, (64, 48)), (1.0, (96, 64))])
    ]
    path = tmp_path / "both.ts"
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    follower = WholePicture()
    frames = sum(len(clip) for clip in read_clips(Recording(path), ClipSpec(), follower=follower))
    assert frames >= 10 and (64, 48) in follower.sizes


def test_too_large_a_picture_is_refused(tmp_path: Path) -> None:
    """A PGM that claims 400 MP: refused before memory is given to it."""
    path = tmp_path / "large.pgm"
    path.write_bytes(b"P5\n20000 20000\n255\n" + bytes(1000))
    with pytest.raises(MediaError, match=r"large\.pgm"):
        list(read_clips(Recording(path), ClipSpec(), follower=WholePicture()))


def test_jpeg_is_read_back() -> None:
    rgb = np.zeros((40, 61, 3), np.uint8)
    rgb[:, 30:] = (200, 80, 20)
    data = encode_jpeg(rgb)
    assert data[:2] == b"\xff\xd8" and data[-2:] == b"\xff\xd9" and len(data) < 3000
    decoder = av.CodecContext.create("mjpeg", "r")
    frame = decoder.decode(av.Packet(data))[0]
    np.testing.assert_allclose(
        frame.to_ndarray(format="rgb24")[5:35, 40:55].mean(axis=(0, 1)), (200, 80, 20), atol=12
    )
