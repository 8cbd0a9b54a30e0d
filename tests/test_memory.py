"""A long recording takes no more memory than a short one: it is streamed."""

from __future__ import annotations

import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

import affekt
from media.films import tone

DEMO = Path(__file__).parents[1] / "examples" / "demo.mp4"
PEAK = """
import resource, sys
import affekt

frames = len(affekt.load_model(sys.argv[1], threads=1).predict(sys.argv[2]))
print(frames, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def make_loop(path: Path, seconds: int) -> Path:
    """The demo's first 10 s over and over, ten small pictures a second, with a tone."""
    with av.open(str(DEMO)) as container:
        decoded = (frame for k, frame in enumerate(container.decode(video=0)) if k % 5 in (0, 3))
        pictures = [frame.reformat(128, 96, "yuv420p") for frame, _ in zip(decoded, range(100), strict=False)]
    samples = tone(1.0, 16_000)[None]
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt, stream.bit_rate = 128, 96, "yuv420p", 300_000
        track = container.add_stream("aac", rate=16_000, layout="mono")
        for second in range(seconds):
            for k in range(10 * second, 10 * second + 10):
                picture = pictures[k % len(pictures)]
                picture.pts, picture.time_base = k, Fraction(1, 10)
                container.mux(stream.encode(picture))
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples), format="fltp", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = 16_000, 16_000 * second, Fraction(1, 16_000)
            container.mux(track.encode(frame))
        container.mux(stream.encode(None))
        container.mux(track.encode(None))
    return path


def peak(model_folder: Path, film: Path) -> tuple[int, int]:
    """Frames judged, and the largest resident memory of the process that judged them."""
    env = {**os.environ, "PYTHONPATH": str(Path(affekt.__file__).parents[1])}
    words = [sys.executable, "-c", PEAK, str(model_folder), str(film)]
    done = subprocess.run(words, env=env, capture_output=True, text=True, check=True, timeout=280)
    frames, memory = map(int, done.stdout.split())
    return frames, memory


def test_memory_does_not_grow_with_the_length(model_folder: Path, tmp_path: Path) -> None:
    short = peak(model_folder, make_loop(tmp_path / "short.mp4", 60))
    long = peak(model_folder, make_loop(tmp_path / "long.mp4", 180))
    assert (short[0], long[0]) == (600, 1800)
    assert long[1] <= 1.3 * short[1]
