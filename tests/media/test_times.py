"""When pictures are shown, told by packets: equal to what decoding tells, in every container."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
import pytest

from affekt.errors import MediaError
from affekt.media.container import decode, probe
from affekt.media.times import picture_times
from media.films import make_film, tone


def decoded_times(path):
    contents = probe(path)
    frames = decode(contents, contents.video, lambda message: None)
    return np.array([frame.time - contents.start for frame in frames])


@pytest.mark.parametrize("name", ["film.mp4", "film.mkv", "film.mov", "film.avi", "Straße mit Ü.webm"])
def test_even_pictures(tmp_path, name):
    film = make_film(tmp_path / name, [k / 25 for k in range(30)], video=codec(name), ticks=25)
    assert np.allclose(picture_times(film), np.arange(30) / 25, atol=0.002)


def codec(name):
    return "libvpx" if name.endswith("webm") else "mpeg4"


def test_uneven_pictures_and_a_gap(tmp_path):
    times = [0.0, 0.04, 0.1, 0.12, 0.9, 0.95, 1.4]
    film = make_film(tmp_path / "uneven.mp4", times)
    assert np.allclose(picture_times(film), times, atol=0.002)


def test_time_zero_is_the_recordings(tmp_path):
    """The pictures start half a second after the sound: the sound's start is zero."""
    film = make_film(tmp_path / "late.mkv", [0.5, 0.6, 0.7], [(0.0, tone(1.0))])
    start = probe(film).start
    assert np.allclose(picture_times(film), np.array([0.5, 0.6, 0.7]) - start, atol=0.002)


@pytest.mark.parametrize(("name", "kind"), [("b.mp4", "libx264"), ("b.avi", "mpeg4"), ("b.mkv", "libx264")])
def test_pictures_that_are_coded_out_of_order(tmp_path, name, kind):
    film = tmp_path / name
    with av.open(str(film), "w") as container:
        stream = container.add_stream(kind, rate=Fraction(25))
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.codec_context.max_b_frames = 2
        for k in range(40):
            picture = av.VideoFrame.from_ndarray(np.full((72, 64), 3 * k + 16, np.uint8), format="yuv420p")
            picture.pts = k
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    times = picture_times(film)
    assert len(times) == 40
    assert np.allclose(np.diff(times), 0.04, atol=0.002)
    decoded = decoded_times(film)
    assert abs(times[0] - decoded[0]) < 0.05 and len(decoded) in (39, 40)


def test_cut_short(tmp_path):
    """As many times as pictures that can still be decoded, one more at most."""
    film = make_film(tmp_path / "whole.mkv", [k / 25 for k in range(100)])
    cut = tmp_path / "cut.mkv"
    cut.write_bytes(film.read_bytes()[: film.stat().st_size // 2])
    times, decoded = picture_times(cut), decoded_times(cut)
    assert 0 <= len(times) - len(decoded) <= 1
    assert np.allclose(times[: len(decoded)], decoded, atol=0.002)


def test_a_picture_is_one_picture(tmp_path):
    path = tmp_path / "face.png"
    with av.open(str(path), "w", format="image2", options={"update": "1"}) as container:
        stream = container.add_stream("png", rate=1)
        stream.width, stream.height, stream.pix_fmt = 32, 32, "rgb24"
        frame = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format="rgb24")
        container.mux([*stream.encode(frame), *stream.encode(None)])
    assert picture_times(path).tolist() == [0.0]


def test_no_picture(tmp_path):
    sound = make_film(tmp_path / "tone.wav", sounds=[(0.0, tone(0.5))], sound="pcm_s16le")
    with pytest.raises(MediaError, match=r"tone\.wav: there is no picture"):
        picture_times(sound)
    with pytest.raises(MediaError, match="no such file"):
        picture_times(tmp_path / "absent.mp4")
