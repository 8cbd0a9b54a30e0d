"""Makes the demo recording: a drawn face that speaks with a synthesiser's voice.

    python scripts/make_demo.py                  writes examples/demo.mp4 and demo.srt; needs espeak-ng
    python scripts/make_demo.py --bench DIR      writes DIR/bench.mp4 and bench.srt, 60 s for the benchmarks,
                                                 out of the demo's own sentences; needs no espeak-ng

Nobody is filmed or recorded: the picture comes from `affekt.corpora.synthetic.drawn_face`, the sentences
were written for it. The same versions of espeak-ng and of the codecs give the same file again.
"""

from __future__ import annotations

import argparse
import io
import math
import shutil
import subprocess
import sys
import wave
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.codec.context import Flags
from PIL import Image, ImageDraw, ImageFont

from affekt.corpora.synthetic.drawn_face import MOODS, Mood, draw_face

Array = np.ndarray
EXAMPLES = Path(__file__).parent.parent / "examples"
TITLE = "affekt demo (synthetic: drawn face, synthesised voice)"
SIZE, FRAME_RATE, SAMPLE_RATE = (640, 480), 25, 22_050
LEAD, PAUSE, TAIL = 0.4, 0.35, 0.4
"""Seconds before the first sentence, between two, and after the last."""


@dataclass(frozen=True)
class Line:
    """A sentence and how it is said; pitch, speed and loudness in espeak-ng's units."""

    mood: str
    text: str
    pitch: int
    speed: int
    loudness: int


LINES = (
    Line("neutral", "Good morning. I have news.", 42, 165, 75),
    Line("happy", "I got the job! I am so happy, this is wonderful!", 78, 190, 125),
    Line("sad", "But I must leave my friends. I feel so sad.", 22, 138, 45),
    Line("angry", "And my train is cancelled again! I am furious!", 52, 195, 170),
    Line("calm", "All right. It is fine. I can walk.", 36, 150, 60),
)


@dataclass(frozen=True)
class Cue:
    """When a line is said, in seconds."""

    line: Line
    start: float
    end: float


def speak(line: Line) -> Array:
    """One line from espeak-ng, (samples,) float32 at `SAMPLE_RATE`, without the silence around it."""
    program = shutil.which("espeak-ng")
    if program is None:
        sys.exit("espeak-ng is not installed: apt-get install espeak-ng (only needed to make the demo anew)")
    settings = ["-v", "en-us", "-p", line.pitch, "-s", line.speed, "-a", line.loudness, "--stdout"]
    done = subprocess.run([program, *map(str, settings), line.text], stdout=subprocess.PIPE, check=True)
    with wave.open(io.BytesIO(done.stdout)) as file:
        if file.getframerate() != SAMPLE_RATE:
            sys.exit(f"espeak-ng spoke at {file.getframerate()} Hz, not at {SAMPLE_RATE}")
        # The header of a piped WAV does not know its length: take what there is.
        sound = np.frombuffer(file.readframes(2**24), "<i2").astype(np.float32) / 32768
    loud = np.flatnonzero(np.abs(sound) > 0.004)
    return sound[loud[0] : loud[-1] + 1]


def read_back(movie: Path, transcript: Path) -> list[tuple[Line, Array]]:
    """The demo's lines and their sound, cut at the times of its transcript."""
    with av.open(str(movie)) as container:
        resampler = av.AudioResampler("flt", "mono", SAMPLE_RATE)
        parts = [out for frame in container.decode(audio=0) for out in resampler.resample(frame)]
    sound = np.concatenate([part.to_ndarray()[0] for part in parts])
    times = [block.splitlines()[1].split(" --> ") for block in transcript.read_text().strip().split("\n\n")]
    spans = [[round(_seconds(time) * SAMPLE_RATE) for time in pair] for pair in times]
    return [(line, sound[start:end]) for line, (start, end) in zip(LINES, spans, strict=True)]


def lay_out(spoken: list[tuple[Line, Array]], duration: float | None, seed: int) -> tuple[list[Cue], Array]:
    """Put the lines one after the other, over and over while they fit into `duration` (None: once).

    Returns:
        The cues, and the sound with a little room noise, (samples,) float32, as long as whole pictures.
    """
    cues: list[Cue] = []
    parts: list[Array] = []
    time = LEAD
    while duration is None or time + len(spoken[len(cues) % len(spoken)][1]) / SAMPLE_RATE + TAIL <= duration:
        line, sound = spoken[len(cues) % len(spoken)]
        start = round(time * SAMPLE_RATE)
        parts += [np.zeros(start - sum(map(len, parts)), np.float32), sound]
        cues.append(Cue(line, time, (start + len(sound)) / SAMPLE_RATE))
        time = round(cues[-1].end + PAUSE, 3)
        if duration is None and len(cues) == len(spoken):
            break
    pictures = math.ceil((duration or cues[-1].end + TAIL) * FRAME_RATE)
    samples = pictures * SAMPLE_RATE // FRAME_RATE
    room = np.random.default_rng(seed).normal(0, 4e-4, samples).astype(np.float32)
    voice = np.concatenate(parts)
    room[: len(voice)] += voice
    return cues, np.clip(room, -1, 1)


def perform(cues: list[Cue], sound: Array, seed: int) -> Iterator[Array]:
    """The pictures of the film: mood by the cues, mouth by the loudness, head and blinks by chance."""
    rng = np.random.default_rng(seed)
    count = len(sound) * FRAME_RATE // SAMPLE_RATE
    mouth = _mouth_track(sound, count)
    blink = _blink_track(rng, count)
    pace = rng.uniform([[0.08], [0.2], [0.45]], [[0.16], [0.35], [0.6]], (3, 3))  # Hz, three waves an angle
    phase = rng.uniform(0, 2 * math.pi, (3, 3))
    caption = _caption()
    for k in range(count):
        time = k / FRAME_RATE
        sway = np.sin(2 * math.pi * pace * time + phase).T @ (0.035, 0.022, 0.012)
        yaw, pitch, roll = (sway * (1.5, 0.7, 0.7)).tolist()
        mood = mood_at(cues, time)
        nod = pitch + 0.03 * mouth[k]
        mood = replace(mood, yaw=mood.yaw + yaw, pitch=mood.pitch + nod, roll=mood.roll + roll)
        picture = draw_face(mood, mouth[k], blink[k], SIZE)
        picture[caption > 0] = caption[caption > 0, None]
        yield picture


def mood_at(cues: list[Cue], time: float) -> Mood:
    """The face's mood; it turns to a line's mood over half a second, beginning .3 s before the line."""
    mood = MOODS["neutral"]
    for cue in cues:
        share = min(max((time - cue.start + 0.3) / 0.5, 0.0), 1.0)
        mood = mood.mix(MOODS[cue.line.mood], share * share * (3 - 2 * share))
    return mood


def _mouth_track(sound: Array, count: int) -> list[float]:
    """How far the mouth is open in each picture, from the loudness of the 60 ms around it."""
    half, hop = round(0.03 * SAMPLE_RATE), SAMPLE_RATE / FRAME_RATE
    padded = np.pad(sound, half)
    level = [math.sqrt(float(np.mean(padded[round(k * hop) :][: 2 * half] ** 2))) for k in range(count)]
    opening = np.clip((np.array(level) - 0.006) / 0.22, 0, None) ** 0.65
    smooth = np.convolve(np.pad(np.minimum(opening, 1.0), 1, mode="edge"), [0.2, 0.6, 0.2], mode="valid")
    return [float(value) for value in smooth]


def _blink_track(rng: np.random.Generator, count: int) -> list[float]:
    """How far the eyes are shut in each picture: a blink every two to four seconds."""
    shut, shape, at = np.zeros(count), (0.5, 1.0, 0.9, 0.5, 0.2), 0
    while (at := at + int(rng.integers(2 * FRAME_RATE, 4 * FRAME_RATE))) < count - len(shape):
        shut[at : at + len(shape)] = shape
    return [float(value) for value in shut]


def _caption() -> Array:
    """(height, width) uint8, 0 where there is no caption."""
    image = Image.new("L", SIZE)
    draw = ImageDraw.Draw(image)
    draw.fontmode = "1"
    draw.text((14, SIZE[1] - 34), "synthetic", fill=225, font=ImageFont.load_default(size=22))
    return np.asarray(image)


def with_camera_noise(pictures: Iterator[Array], seed: int) -> Iterator[Array]:
    """Add a sensor's grain, so that the film costs as much to code and decode as a filmed one."""
    rng = np.random.default_rng(seed)
    grain = rng.normal(0, 3.0, (2 * SIZE[1], 2 * SIZE[0], 1)).round().astype(np.int16)
    for picture in pictures:
        top, left = rng.integers(0, (SIZE[1], SIZE[0])).tolist()
        noisy = picture + grain[top : top + SIZE[1], left : left + SIZE[0]]
        yield np.clip(noisy, 0, 255).astype(np.uint8)


def write_movie(path: Path, pictures: Iterator[Array], sound: Array, video_options: dict[str, str]) -> None:
    """H.264 and AAC in an MP4, single-threaded and bit-exact."""
    path.parent.mkdir(parents=True, exist_ok=True)
    options = {"fflags": "+bitexact", "movflags": "+faststart"}
    with av.open(str(path), "w", format="mp4", options=options) as container:
        container.metadata["title"] = TITLE
        video = container.add_stream("libx264", rate=FRAME_RATE, options={"threads": "1", **video_options})
        video.width, video.height, video.pix_fmt = *SIZE, "yuv420p"
        audio = container.add_stream("aac", rate=SAMPLE_RATE, layout="mono")
        audio.bit_rate = 48_000
        for stream in (video, audio):
            stream.codec_context.flags |= Flags.bitexact
        for k, picture in enumerate(pictures):
            image = av.VideoFrame.from_ndarray(picture, format="rgb24")
            image.pts, image.time_base = k, Fraction(1, FRAME_RATE)
            container.mux(video.encode(image))
            first = k * SAMPLE_RATE // FRAME_RATE
            chunk = sound[None, first : (k + 1) * SAMPLE_RATE // FRAME_RATE]
            noise = av.AudioFrame.from_ndarray(np.ascontiguousarray(chunk), format="fltp", layout="mono")
            noise.sample_rate, noise.pts, noise.time_base = SAMPLE_RATE, first, Fraction(1, SAMPLE_RATE)
            container.mux(audio.encode(noise))
        for stream in (video, audio):
            container.mux(stream.encode(None))


def write_srt(path: Path, cues: list[Cue]) -> None:
    """The transcript, one block a line."""
    blocks = (f"{n}\n{_clock(c.start)} --> {_clock(c.end)}\n{c.line.text}\n" for n, c in enumerate(cues, 1))
    path.write_text("\n".join(blocks), encoding="utf-8")


def _clock(seconds: float) -> str:
    whole, rest = divmod(round(seconds * 1000), 1000)
    return f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02},{rest:03}"


def _seconds(clock: str) -> float:
    hours, minutes, seconds = clock.strip().replace(",", ".").split(":")
    return int(hours) * 3600 + int(minutes) * 60 + float(seconds)


def main() -> None:
    """Write the demo, or with --bench the benchmark's film."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--bench", type=Path, metavar="DIR", help="write the 60 s film there instead")
    folder: Path | None = parser.parse_args().bench
    if folder is None:
        cues, sound = lay_out([(line, speak(line)) for line in LINES], None, seed=1)
        target, pictures = EXAMPLES / "demo.mp4", perform(cues, sound, seed=1)
        settings = {"crf": "26", "preset": "veryslow"}
    else:
        cues, sound = lay_out(read_back(EXAMPLES / "demo.mp4", EXAMPLES / "demo.srt"), 60.0, seed=2)
        target, pictures = folder / "bench.mp4", with_camera_noise(perform(cues, sound, seed=2), seed=3)
        settings = {"b": "1000000", "maxrate": "1500000", "bufsize": "2000000"}
    write_movie(target, pictures, sound, settings)
    write_srt(target.with_suffix(".srt"), cues)
    print(f"{target}: {len(sound) / SAMPLE_RATE:.2f} s, {target.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
