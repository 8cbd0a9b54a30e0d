"""What preparing a SEWA-sized recording costs beside decoding it alone, and what a second worker gains.

    python benchmarks/prepare.py [--runs 5] [--seconds 161] [--films DIR]

The recording is the benchmarks' film made over as SEWA's chats are handed out: 320 × 240, MPEG-4 Part 2 in
AVI at 50 pictures a second, every other one a repetition, and a WAV file of 44.1 kHz, mono. Noise as of a
camera is laid over the pictures: without it there would be next to nothing to decode.

decoding    all pictures and all sound decoded by PyAV in one thread, nothing else
prepare     one process, from the files to the finished clip, libraries loaded before

Then a corpus of eight such recordings is prepared by one worker and by two, start to end, in wall time; that
is only worth something on a machine with nothing else to do.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import sys
import tempfile
import time
import wave
from argparse import ArgumentParser
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from film import add_folder, bench_film

from affekt.corpora.corpus import Corpus
from affekt.corpora.prepared.build import Task, prepare, prepare_one
from affekt.corpora.prepared.dataset import Dataset
from affekt.media import read_transcript
from affekt.timeline import ClipSpec, Gold, Recording, Sentence

SIZE, RATE, SOUND = (320, 240), 50, 44_100
NOISE = 3.0
"""Standard deviation in grey levels."""


def sewa_sized(folder: Path, seconds: int) -> Recording:
    """The recording; made if it is not there."""
    film = bench_film(folder)
    video, sound = folder / f"sewa-{seconds}s.avi", folder / f"sewa-{seconds}s.wav"
    if not sound.exists():
        print(f"making {video} …", file=sys.stderr)
        make_video(film, video, seconds)
        make_sound(film, sound, seconds)
    lines = read_transcript(film.with_suffix(".srt"))
    said = [Sentence(s.start + at, s.end + at, s.text) for at in range(0, seconds, 60) for s in lines]
    gold = Gold(np.zeros((10 * seconds, 2), np.float32))
    kept = tuple(one for one in said if one.end < seconds)
    return Recording(video, transcript=kept, sound=sound, name="Train_01", partition="train", gold=gold)


def make_video(film: Path, target: Path, seconds: int) -> None:
    """The film's pictures over and over, smaller, each twice."""
    with av.open(str(film)) as container:
        pictures = [one.reformat(*SIZE, "yuv420p").to_ndarray() for one in container.decode(video=0)]
    draw = np.random.default_rng(0)
    with av.open(str(target), "w") as output:
        stream = output.add_stream("mpeg4", rate=RATE)
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        stream.codec_context.codec_tag = "XVID"
        stream.codec_context.options = {"qmin": "4", "qmax": "4"}
        for k in range(RATE * seconds):
            if k % 2 == 0:
                clean = pictures[k // 2 % len(pictures)]
                noise = NOISE * draw.standard_normal(clean.shape, np.float32)
                noisy = (clean + noise).clip(0, 255).astype(np.uint8)
            picture = av.VideoFrame.from_ndarray(noisy, format="yuv420p")
            picture.pts, picture.time_base = k, Fraction(1, RATE)
            output.mux(stream.encode(picture))
        output.mux(stream.encode(None))


def make_sound(film: Path, target: Path, seconds: int) -> None:
    """The film's sound over and over."""
    resampler = av.AudioResampler("s16", "mono", SOUND)
    with av.open(str(film)) as container:
        parts = [r.to_ndarray() for frame in container.decode(audio=0) for r in resampler.resample(frame)]
    samples = np.resize(np.concatenate(parts, axis=1)[0], SOUND * seconds)
    with wave.open(str(target), "wb") as file:
        file.setparams((1, 2, SOUND, 0, "NONE", ""))
        file.writeframes(samples.astype("<i2").tobytes())


def decode_all(recording: Recording) -> None:
    """Decode every picture and all sound, and do nothing with it."""
    for path, kind in ((recording.media, "video"), (recording.sound, "audio")):
        with av.open(str(path)) as container:
            stream = container.streams.get({kind: 0})[0]
            stream.codec_context.thread_count = 1
            for _ in container.decode(stream):
                pass


def cpu(job: Callable[[], object]) -> float:
    start = time.process_time()
    job()
    return time.process_time() - start


def wall(job: Callable[[], object]) -> float:
    start = time.perf_counter()
    job()
    return time.perf_counter() - start


def told(name: str, taken: list[float]) -> str:
    return f"{name:12} {statistics.median(taken):6.2f}  ({min(taken):.2f}–{max(taken):.2f})"


def print_cost(recording: Recording, spec: ClipSpec, folder: Path, runs: int) -> None:
    """CPU time of both, turn by turn."""
    decoding: list[float] = []
    preparing: list[float] = []
    task = Task(recording, folder / "clip.safetensors", spec, voice=False)
    for run in range(runs + 1):
        task.target.unlink(missing_ok=True)
        times = cpu(lambda: decode_all(recording)), cpu(lambda: prepare_one(task))
        if run:  # the first one loads what is to be loaded
            decoding.append(times[0])
            preparing.append(times[1])
    ratio = statistics.median(preparing) / statistics.median(decoding)
    print(f"{'CPU seconds':12} {'':6}  (least–most)")
    print(told("decoding", decoding), told("prepare", preparing), sep="\n")
    print(f"prepare / decoding: {ratio:.2f} (wanted: at most 6)\n")


def print_gain(recording: Recording, spec: ClipSpec, folder: Path, runs: int) -> None:
    """Wall time of one worker and of two, turn by turn."""
    corpus = Corpus("benchmark", folder, (recording,) * 8)
    taken: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(runs):
        for workers, times in taken.items():
            out = folder / "prepared"
            shutil.rmtree(out, ignore_errors=True)
            dataset = Dataset("", spec)
            times.append(wall(lambda: prepare(corpus, out, dataset, workers=workers)))  # noqa: B023
    gain = statistics.median(taken[1]) / statistics.median(taken[2])
    print(f"{'wall seconds':12} {'':6}  (least–most), 8 recordings, {os.cpu_count()} cores")
    print(told("one worker", taken[1]), told("two workers", taken[2]), sep="\n")
    print(f"two workers / one: {gain:.2f} times the throughput (wanted: at least 1.7)")


def main() -> None:
    """Print both tables."""
    parser = ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_folder(parser)
    parser.add_argument("--seconds", type=int, default=161, help="of the recording [%(default)s]")
    parser.add_argument("--runs", type=int, default=5, help="[%(default)s]")
    parser.add_argument("--image-size", type=int, default=96, help="of the faces [%(default)s]")
    parser.add_argument("--no-workers", action="store_true", help="leave the second table out")
    arguments = parser.parse_args()
    recording = sewa_sized(arguments.films, arguments.seconds)
    assert recording.media is not None
    rate = 8e-3 * recording.media.stat().st_size / arguments.seconds
    print(
        f"{recording.media.name}: {arguments.seconds} s, {rate:.0f} kbit/s; median of {arguments.runs} runs\n"
    )
    spec = ClipSpec(image_size=arguments.image_size)
    with tempfile.TemporaryDirectory() as folder:
        print_cost(recording, spec, Path(folder), arguments.runs)
        if not arguments.no_workers:
            print_gain(recording, spec, Path(folder), arguments.runs)


if __name__ == "__main__":
    main()
