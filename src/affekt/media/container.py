"""Opening a recording's file, finding out what is in it, and decoding one stream of it, however damaged."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import av
from av.container import InputContainer
from av.error import EOFError as EndOfFile
from av.error import FFmpegError
from av.stream import Discard, Disposition

from affekt.errors import MediaError
from affekt.timeline.clock import FRAME_RATE

DAMAGE = (FFmpegError, UnicodeDecodeError, ValueError, OverflowError)
"""What FFmpeg and PyAV raise on files that are damaged, or not media at all."""

MAX_PIXELS = 100_000_000
"""Larger pictures are refused before memory is given to them."""

JUMP = 10.0
"""Seconds a stream may leap ahead unquestioned."""

MIN_BYTE_RATE = 50
"""Bytes a second below which no real recording lies: a longer stated duration is not believed."""

CAPSULES = (
    "aac,ac3,aiff,alp,amr,amrnb,amrwb,ape,asf,asf_o,au,av1,avi,caf,dts,dv,eac3,flac,flv,gif,gxf,h263,h264,"
    "hevc,ivf,m4v,matroska,webm,mjpeg,mlv,mov,mp3,mpc,mpc8,mpeg,mpegts,mpegvideo,mxf,nistsphere,nsv,nut,obu,"
    "ogg,rm,sds,sox,tak,truehd,tta,vc1,voc,w64,wav,wtv,wv,yuv4mpegpipe"
)
"""Containers that hold their own content. Playlists (hls, dash, concat) and the like, which open other files
or addresses, are not among them."""

GUESSING = frozenset(
    ("aac", "ac3", "amr", "dts", "eac3", "h263", "h264", "hevc", "m4v", "mp3", "mpeg", "mpegts", "mpegvideo")
)
"""Containers whose duration FFmpeg may have to guess from the bit rate."""

PICTURE_CAPSULES = (
    "image2,bmp_pipe,jpeg_pipe,jpegxl_pipe,pbm_pipe,pgm_pipe,png_pipe,ppm_pipe,tiff_pipe,webp_pipe"
)

OPEN_OPTIONS = {
    "protocol_whitelist": "file",
    "format_whitelist": f"{CAPSULES},{PICTURE_CAPSULES}",
    "pattern_type": "none",  # or "face%03d.png" would be taken for a series of pictures
    "max_pixels": str(MAX_PIXELS),
}

Warn = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Contents:
    """What a file says is in it."""

    path: Path
    start: float
    """Time zero of the recording on the container's own clock, in seconds: its earliest stream's start."""
    stated: float | None
    """Seconds the container says it lasts; None: it does not say."""
    exact: bool
    """Whether `stated` is more than a guess."""
    horizon: float
    """Seconds up to which timestamps may leap: `stated`, unless the file is far too small for that."""
    video: int | None
    """Index of the video stream; cover pictures do not count."""
    sound: int | None
    """Index of the sound stream."""
    still: bool
    """A picture, not a film."""
    aspect: float = 1.0
    """Width of the video's pixels over their height."""
    beside: Contents | None = None
    """A sound file of its own, whose sound is taken instead of this file's."""

    def believable(self, time: float, last: float) -> bool:
        """Whether a stream that has come to `last` may go on at `time` (both in seconds from the start)."""
        return time - last <= JUMP or time <= self.horizon


def open_container(path: Path) -> InputContainer:
    """Open a local file for reading.

    Raises:
        MediaError: there is no such file, or FFmpeg cannot open it.
    """
    try:
        if not path.exists():
            raise MediaError(f"{path}: no such file; recordings are read from local files only")
        if not path.is_file():
            raise MediaError(f"{path}: not a file")
        if path.stat().st_size == 0:
            raise MediaError(f"{path}: the file is empty")
        # The prefix keeps names like "concat:a|b" from being read as addresses.
        return av.open(f"file:{path.absolute()}", options=OPEN_OPTIONS, metadata_errors="replace")
    except PermissionError as error:
        raise MediaError(f"{path}: no permission to read it") from error
    except (*DAMAGE, OSError) as error:
        raise MediaError(f"{path}: not a recording that can be read ({_reason(error)})") from error


def probe(path: Path) -> Contents:
    """Find the streams of a file and when it starts and ends.

    Raises:
        MediaError: as `open_container`, or there is neither sound nor picture in the file.
    """
    with open_container(path) as container:
        name = container.format.name
        brand = container.metadata.get("major_brand", "")
        video, sound = _best(container, "video"), _best(container, "audio")
        if video is None and sound is None:
            raise MediaError(f"{path}: there is no sound and no picture in it that can be decoded")
        used = [container.streams[index] for index in (video, sound) if index is not None]
        starts = [float(one.start_time * (one.time_base or 0)) for one in used if one.start_time is not None]
        if brand in {"heic", "heix", "hevc", "mif1"} and len(container.streams) > 1:
            raise MediaError(f"{path}: HEIC pictures made of tiles are not supported; save it as JPEG or PNG")
        stated = container.duration / 1e6 if container.duration and container.duration > 0 else None
        still = name.endswith("_pipe") or name == "image2" or brand in {"avif", "heic", "heix", "mif1"}
        still = still or (name == "gif" and stated is None)
        stated = 1 / FRAME_RATE if still else stated
        picture: Any = None if video is None else container.streams[video]
        ratio = picture and picture.sample_aspect_ratio
    return Contents(
        path=path,
        start=min(starts, default=0.0),
        stated=stated,
        exact=stated is not None and name not in GUESSING,
        horizon=min(stated or 0.0, path.stat().st_size / MIN_BYTE_RATE),
        video=video,
        sound=sound,
        still=still,
        aspect=float(ratio) if ratio and 0.25 <= ratio <= 4 else 1.0,  # beyond: damage
    )


def with_sound(film: Contents | None, sound: Contents) -> Contents:
    """A film with its sound from another file, or that sound alone.

    Both files start at second 0 of the recording, each on its own clock; it lasts as long as the longer.

    Raises:
        MediaError: there is no sound in the sound file, or a picture in place of the film.
    """
    if sound.sound is None:
        raise MediaError(f"{sound.path}: there is no sound in it that can be decoded")
    if film is None:
        return replace(sound, video=None)
    if film.still:
        raise MediaError(f"{film.path}: is a picture, not a film to which {sound.path.name} could belong")
    known = film.stated is not None and sound.stated is not None
    return replace(
        film,
        stated=max(film.stated or 0.0, sound.stated or 0.0) if known else None,
        exact=film.exact and sound.exact,
        sound=None,
        beside=sound,
    )


def _best(container: InputContainer, kind: str) -> int | None:
    """Index of the stream of a kind that a player would play, or None."""
    fit = [
        one
        for one in container.streams
        if one.type == kind
        and one.codec_context is not None
        and not one.disposition & Disposition.attached_pic
    ]
    best = container.streams.best(kind)  # type: ignore[arg-type]
    if best is not None and any(one.index == best.index for one in fit):
        return int(best.index)
    return int(fit[0].index) if fit else None


def decode(contents: Contents, index: int, warn: Warn, threads: int | None = None) -> Iterator[Any]:
    """Yield the decoded frames of one stream; what is damaged is left out and warned of.

    The stream has the file to itself, so that badly interleaved streams cost no memory.
    """
    with open_container(contents.path) as container:
        stream: Any = container.streams[index]
        for other in container.streams:
            if other.index != index:
                other.discard = Discard.all
        stream.codec_context.options = {"max_pixels": str(MAX_PIXELS)}
        stream.codec_context.thread_count = threads or 0
        if stream.type == "video":
            stream.codec_context.thread_type = "AUTO"
        packets = container.demux(stream)
        broken = 0
        while True:
            try:
                packet = next(packets, None)
            except DAMAGE as error:
                warn(f"the {_medium(stream.type)} is damaged and ends early ({_reason(error)})")
                packet = None
            try:
                frames = stream.codec_context.decode(packet)
            except EndOfFile:
                frames = []
            except DAMAGE:
                frames, broken = [], broken + 1
            yield from frames
            if packet is None:
                break
        if broken:
            warn(f"the {_medium(stream.type)} is damaged: {broken} pieces of it could not be decoded")


def _medium(kind: str) -> str:
    return "sound" if kind == "audio" else "video"


def _reason(error: BaseException) -> str:
    """FFmpeg's word for what went wrong, on one line."""
    return " ".join(str(getattr(error, "strerror", None) or error).split())
