"""Hundreds of damaged films through the whole path: judged or refused in one line, never anything else."""

from __future__ import annotations

import multiprocessing
import resource
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

import affekt
from media.films import tone
from media.mutants import mutants

DEMO = Path(__file__).parents[1] / "examples" / "demo.mp4"
COUNT = 104
"""Mutants of each kind of file, 312 in all."""
MEMORY = 4 << 30
"""Bytes of address space that all of it may take, most of them reserved by the libraries at their start."""

FILMS = {
    "film.mp4": ("mpeg4", "aac", 44_100),
    "film.webm": ("libvpx", "libopus", 48_000),
    "film.mpg": ("mpeg1video", "mp2", 44_100),
}


def make_small_film(path: Path, video: str, sound: str, rate: int) -> Path:
    """The demo's first 2 s at 96 × 72, its sound a tone: small, and the face can still be found."""
    with av.open(str(DEMO)) as container:
        pictures = [frame for frame, _ in zip(container.decode(video=0), range(50), strict=False)]
    with av.open(str(path), "w") as container:
        stream = container.add_stream(video, rate=25, options={"g": "5"})
        stream.width, stream.height, stream.pix_fmt, stream.bit_rate = 96, 72, "yuv420p", 400_000
        track = container.add_stream(sound, rate=rate, layout="mono")
        for k, picture in enumerate(pictures):
            small = picture.reformat(96, 72, "yuv420p")
            small.pts, small.time_base = k, Fraction(1, 25)
            container.mux(stream.encode(small))
        container.mux(stream.encode(None))
        samples = tone(2.0, rate)[None]
        for start in range(0, samples.shape[1], 960):
            piece = np.ascontiguousarray(samples[:, start : start + 960])
            frame = av.AudioFrame.from_ndarray(piece, format="fltp", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = rate, start, Fraction(1, rate)
            container.mux(track.encode(frame))
        container.mux(track.encode(None))
    return path


def judge(model: affekt.Model, path: Path) -> str:
    """Judge one mutant; says "judged" or "refused", anything else is a fault."""
    try:
        prediction = model.predict(path)
    except affekt.AffektError as error:
        return "refused" if str(path) in str(error) and "\n" not in str(error) else f"ill said: {error}"
    values = np.stack([prediction.arousal, prediction.valence])
    # 2 s of film: a few leaps of up to 10 s each may be believed, not hours
    if not 0 < len(prediction) < 2_000:
        return f"{len(prediction)} frames"
    if not (np.isfinite(values).all() and (np.abs(values) <= 1).all()):
        return "values out of range"
    prediction.save_report(path.with_suffix(".html"))
    return "judged"


def judge_all(folder: Path, model_folder: Path, films: list[tuple[str, bytes]]) -> list[tuple[str, str]]:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    model = affekt.load_model(model_folder, threads=1)
    outcomes = []
    for name, data in films:
        path = folder / name
        path.write_bytes(data)
        try:
            outcomes.append((name, judge(model, path)))
        except Exception as error:  # noqa: BLE001 -- whatever it is, the test says of which mutant
            outcomes.append((name, repr(error)))
        path.unlink()
    return outcomes


@pytest.mark.parametrize("name", FILMS)
def test_mutants(name: str, tmp_path: Path, model_folder: Path) -> None:
    data = make_small_film(tmp_path / name, *FILMS[name]).read_bytes()
    films = [(f"{kind}-{name}", mutant) for kind, mutant in mutants(data, COUNT, seed=8)]
    # In a child: a crash shows as BrokenProcessPool, a hang as TimeoutError.
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        outcomes = pool.submit(judge_all, tmp_path, model_folder, [(name, data), *films]).result(timeout=280)
    assert outcomes[0] == (name, "judged")
    faults = [outcome for outcome in outcomes if outcome[1] not in ("judged", "refused")]
    assert not faults
    counts = Counter(outcome for _, outcome in outcomes)
    assert len(outcomes) == COUNT + 1 and counts["judged"] > COUNT // 4
