"""Recordings written as users have them, and written anew with another sound or with other pictures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av import AudioStream, VideoStream
from av.container import InputContainer, OutputContainer
from av.error import EOFError as EndOfFile
from av.filter import Graph
from av.stream import Stream
from av.video.frame import PictureType

X264 = {"preset": "veryfast", "crf": "20", "threads": "1", "bf": "0"}
"""Without pictures that look ahead, whose timestamps would begin below zero."""
TICK = Fraction(1, 90_000)
"""Seconds; fine enough for films whose pictures lie unevenly."""
PACKET = 1152
"""Samples that an encoder is given at a time: what MP3 takes."""


def write(
    path: Path, pictures: Iterable[np.ndarray], rate: int, sound: np.ndarray | None, sound_rate: int
) -> None:
    """A film, H.264 with AAC if there is sound, or without pictures a sound file.

    Args:
        path: its ending chooses the container.
        pictures: (H, W, 3) uint8 RGB, `rate` of them a second.
        sound: (N,) float32.
    """
    with av.open(str(path), "w") as output:
        video, codec = None, "flac" if path.suffix == ".flac" else "aac"
        audio = None if sound is None else _mono(output, codec, sound_rate)
        for k, picture in enumerate(pictures):
            if video is None:
                video = _h264(output, rate, picture.shape[1], picture.shape[0])
            image = av.VideoFrame.from_ndarray(picture, format="rgb24")
            image.pts, image.time_base = k, Fraction(1, rate)
            output.mux(video.encode(image))
        if video is not None:
            output.mux(video.encode(None))
        if audio is not None and sound is not None:
            _encode(output, audio, sound, sound_rate, 0.0)


def read_sound(path: Path) -> tuple[np.ndarray, int, float] | None:
    """A recording's sound as mono float32, its rate, and when it starts in seconds; None: it has none."""
    with av.open(str(path)) as container:
        if not container.streams.audio:
            return None
        stream, parts, first = container.streams.audio[0], [], None
        mono = av.AudioResampler("flt", "mono", stream.rate)
        for frame in container.decode(stream):
            first = frame.time if first is None else first
            parts += [out.to_ndarray().ravel() for out in mono.resample(frame)]
        return np.concatenate(parts), stream.rate, (first or 0.0) - _start(container)


def with_sound(
    source: Path, target: Path, sound: np.ndarray | None, rate: int, start: float, codec: str = "pcm_f32le"
) -> None:
    """Copy a recording's pictures, not coded anew, beside another sound (N,), or none.

    Args:
        start: seconds after which the sound begins.
    """
    with av.open(str(source)) as container, av.open(str(target), "w") as output:
        audio = None if sound is None else _mono(output, codec, rate)
        if container.streams.video:
            seen = container.streams.video[0]
            _copy(container, output, seen, output.add_stream_from_template(seen))
        if audio is not None and sound is not None:
            _encode(output, audio, sound, rate, start)


def with_pictures(source: Path, target: Path, filters: Sequence[tuple[str, str]]) -> None:
    """Code a film's pictures anew through FFmpeg's `filters`, (name, arguments) each, beside the same sound.

    That becomes 32-bit floats: a copied AAC stream would bring its empty first packet, and all come later.
    """
    heard = read_sound(source)
    with av.open(str(source)) as container, av.open(str(target), "w") as output:
        video = None
        audio = None if heard is None else _mono(output, "pcm_f32le", heard[1])
        for image in _filtered(container, filters):
            if video is None:
                video = _h264(output, 30, image.width, image.height)
                video.codec_context.time_base = TICK
            output.mux(video.encode(image))
        if video is not None:
            output.mux(video.encode(None))
        if heard is not None and audio is not None:
            _encode(output, audio, *heard)


def _filtered(container: InputContainer, filters: Sequence[tuple[str, str]]) -> Iterator[av.VideoFrame]:
    """The pictures of a film after FFmpeg's filters, on a clock that starts when the film does."""
    stream, start, graph = container.streams.video[0], _start(container), Graph()
    nodes = [graph.add_buffer(template=stream), *(graph.add(*one) for one in filters)]
    graph.link_nodes(*nodes, graph.add("buffersink")).configure()
    for frame in (*container.decode(stream), None):
        graph.push(frame)
        while True:
            try:
                image = graph.vpull()
            except (BlockingIOError, EndOfFile):
                break
            image.pts = round((image.time - start) / TICK)
            image.time_base, image.pict_type = TICK, PictureType.NONE
            yield image


def _h264(output: OutputContainer, rate: int, width: int, height: int) -> VideoStream:
    video = output.add_stream("libx264", rate=rate, options=X264)
    video.width, video.height, video.pix_fmt = width, height, "yuv420p"
    return video


def _mono(output: OutputContainer, codec: str, rate: int) -> AudioStream:
    audio = output.add_stream(codec, rate=rate, layout="mono")
    assert isinstance(audio, AudioStream)
    if codec == "libmp3lame":
        audio.bit_rate = 64_000
    return audio


def _encode(output: OutputContainer, stream: AudioStream, sound: np.ndarray, rate: int, start: float) -> None:
    """Code a sound (N,) into a stream, from `start` seconds on."""
    first, layout = round(start * rate), stream.codec_context.format.name
    convert = av.AudioResampler(layout, "mono", rate)
    for at in range(0, len(sound), PACKET):
        piece = np.ascontiguousarray(sound[None, at : at + PACKET], np.float32)
        frame = av.AudioFrame.from_ndarray(piece, format="flt", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = rate, first + at, Fraction(1, rate)
        for out in convert.resample(frame):
            output.mux(stream.encode(out))
    output.mux(stream.encode(None))


def _copy(container: InputContainer, output: OutputContainer, source: Stream, target: Stream) -> None:
    """Copy a stream's packets onto a clock that starts when the recording does."""
    start = _start(container)
    for packet in container.demux(source):
        if packet.dts is None:
            continue  # the end
        shift = round(start / packet.time_base)
        packet.pts, packet.dts = (None if t is None else t - shift for t in (packet.pts, packet.dts))
        packet.stream = target
        output.mux(packet)


def _start(container: InputContainer) -> float:
    """Seconds at which a recording starts on its container's clock."""
    return (container.start_time or 0) / av.time_base
