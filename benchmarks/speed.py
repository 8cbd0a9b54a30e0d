"""How fast affekt predicts 60 s of film, beside a plain rendering of the same job and beside decoding alone.

    pip download --no-deps facenet-pytorch==2.6.0
    python benchmarks/speed.py --mtcnn facenet_pytorch-2.6.0-py3-none-any.whl [--model BUNDLE] [--runs 5]

decoding    all pictures of the film decoded by PyAV with threads, nothing else
affekt      from the film to the finished CSV, the model loaded before
 + loading  the same, the model loaded as well
 + report   the same, and the report page written
plain       every picture to RGB, MTCNN on each 10 Hz picture, eager PyTorch, text once a frame; loaded before

They take turns in one process. CPU time is that of all threads; on a busy machine PyTorch's threads wait for
one another, so give --threads 1 there. Then the share of each stage of `affekt`, by timers around its
functions, in one more run with one thread, so that no stage is charged with another's threads.
"""

from __future__ import annotations

import argparse
import inspect
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from unittest.mock import patch

import av
import numpy as np
import torch
from film import add_folder, bench_film
from plain import Plain

import affekt
from affekt.media import rows, video
from affekt.media.detector import FaceDetector
from affekt.media.follower import FaceFollower
from affekt.runtime.bundle import open_bundle
from affekt.runtime.engine import Engine
from affekt.timeline import Prediction
from affekt.timeline.files import write_values

STAGES: tuple[tuple[str, Any, str], ...] = (
    ("decode the video", video, "decode"),
    ("decode and resample the sound", rows.SoundTrack, "__iter__"),
    ("convert to RGB", video.Scaler, "rgb"),
    ("detect faces", FaceDetector, "find"),
    ("follow and cut out the face", FaceFollower, "follow"),
    ("face network", Engine, "see"),
    ("sound network", Engine, "listen"),
    ("text network", Engine, "encode"),
    ("fusion and head", Engine, "judge"),
    ("write the CSV", affekt.Prediction, "save_csv"),
)
"""What each stage is called, and the function that it is; one inside another counts for itself only."""

Taken = dict[str, tuple[list[float], list[float]]]
"""Seconds of wall and of CPU time, a number a run, for each job."""


class Stages:
    """Timers around functions; what a stage spends inside another one is not its own."""

    def __init__(self) -> None:
        self.own: dict[str, float] = defaultdict(float)
        self._inside: list[float] = []

    def around(self, stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, timed; of a generator, each of its steps."""

        def timed(*args: Any, **kwargs: Any) -> Any:
            if inspect.isgeneratorfunction(function):
                return self._steps(stage, function(*args, **kwargs))
            return self._run(stage, lambda: function(*args, **kwargs))

        return timed

    def _steps(self, stage: str, steps: Iterator[Any]) -> Iterator[Any]:
        over = object()
        while (step := self._run(stage, lambda: next(steps, over))) is not over:
            yield step

    def _run(self, stage: str, call: Callable[[], Any]) -> Any:
        start = time.process_time()
        self._inside.append(0.0)
        try:
            return call()
        finally:
            taken = time.process_time() - start
            self.own[stage] += taken - self._inside.pop()
            if self._inside:
                self._inside[-1] += taken


def decode_all(film: Path, threads: int | None) -> int:
    """Decode every picture and do nothing with it."""
    with av.open(str(film)) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        stream.codec_context.thread_count = threads or 0
        return sum(1 for _ in container.decode(stream))


def take_turns(jobs: dict[str, Callable[[], Any]], runs: int) -> tuple[Taken, dict[str, Any]]:
    """Wall and CPU seconds of each run of each job, and what each gave in its last run."""
    taken: Taken = {name: ([], []) for name in jobs}
    given: dict[str, Any] = {}
    for run in range(runs):
        for name, job in jobs.items():
            print(f"run {run + 1} of {runs}: {name.strip()} …", file=sys.stderr)
            wall, cpu = time.perf_counter(), time.process_time()
            given[name] = job()
            taken[name][0].append(time.perf_counter() - wall)
            taken[name][1].append(time.process_time() - cpu)
    return taken, given


def print_runs(taken: Taken) -> None:
    """Medians, and what is wanted of them."""
    print(f"{'seconds':12} {'wall':>7}  {'(least–most)':16} {'CPU':>6}  {'(least–most)'}")
    for name, (wall, cpu) in taken.items():
        spreads = [f"({min(times):.2f}–{max(times):.2f})" for times in (wall, cpu)]
        middle = f"{statistics.median(wall):7.2f}  {spreads[0]:16} {statistics.median(cpu):6.2f}"
        print(f"{name:12} {middle}  {spreads[1]}")
    wall = {name: statistics.median(times) for name, (times, _) in taken.items()}
    cpu = {name: statistics.median(times) for name, (_, times) in taken.items()}
    if "plain" in taken:
        for name in ("affekt", " + loading"):
            faster, less = wall["plain"] / wall[name], cpu["plain"] / cpu[name]
            print(f"plain / {name.strip():9} {faster:5.1f} in wall, {less:5.1f} in CPU time (wanted: ≥ 8)")
    for name in ("affekt", " + loading"):
        times = cpu[name] / cpu["decoding"]
        print(f"{name.strip():9} / decoding {times:5.2f} in CPU time (wanted: at most 8; aim: 4)")


def print_likeness(ours: Prediction, theirs: Prediction) -> None:
    """Whether both did the same job: another face detector frames the faces a little otherwise."""
    shares = [f"{name} {one.shares['visual']:.1%}" for name, one in (("affekt", ours), ("plain", theirs))]
    both = min(len(ours), len(theirs))
    apart = [
        np.abs(getattr(ours, y)[:both] - getattr(theirs, y)[:both]).mean() for y in ("arousal", "valence")
    ]
    print(f"\nframes with a face: {', '.join(shares)}; mean difference: ", end="")
    print(f"arousal {apart[0]:.3f}, valence {apart[1]:.3f}")


def print_stages(model: str, film: Path, output: Path) -> dict[str, float]:
    """Seconds and share of each stage, with one thread; returns the shares."""
    stages, loaded = Stages(), affekt.load_model(model, threads=1)
    loaded.predict(film, pictures=False)  # so that no network is loaded within the run
    with ExitStack() as patches:
        for name, place, function in STAGES:
            patches.enter_context(
                patch.object(place, function, stages.around(name, getattr(place, function)))
            )
        start = time.process_time()
        loaded.predict(film, pictures=False).save_csv(output)
        total = time.process_time() - start
    print(f"\n{'stage':32} CPU s  share")
    for name, *_ in STAGES:
        print(f"{name:32} {stages.own[name]:5.2f} {stages.own[name] / total:6.1%}")
    rest = total - sum(stages.own.values())
    print(f"{'rest':32} {rest:5.2f} {rest / total:6.1%}\n{'all':32} {total:5.2f}")
    return {name: seconds / total for name, seconds in stages.own.items()}


def write_cost(path: Path, taken: Taken, shares: dict[str, float], about: str) -> None:
    """CPU time as the model card tells it (its `cost`)."""
    cpu = {name: statistics.median(times) for name, (_, times) in taken.items()}
    named = {
        "plain": "the same job written plainly (`benchmarks/speed.py`)",
        "affekt": "affekt, film to CSV",
        "decoding": "decoding the film, nothing else",
    }
    rows = [
        {about: said, "CPU seconds": f"{cpu[name]:.1f}", "× affekt's": f"{cpu[name] / cpu['affekt']:.2f}"}
        for name, said in named.items()
        if name in cpu
    ]
    parts = ", ".join(f"{name} {100 * share:.0f} %" for name, share in shares.items() if share >= 0.01)
    note = f"Of affekt's time: {parts}."
    write_values(path, {"rows": rows, "note": note})


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_folder(parser)
    parser.add_argument("--model", default="default", help="bundle [%(default)s]")
    parser.add_argument(
        "--mtcnn", type=Path, metavar="WHEEL", help="facenet-pytorch's; without it nothing plain is run"
    )
    parser.add_argument("--runs", type=int, default=5, help="[%(default)s]")
    parser.add_argument("--threads", type=int, help="for each of them [its own choice]")
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="CPU times for the model card, RUN/cost.json"
    )
    arguments = parser.parse_args()
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    film = bench_film(arguments.films)
    output = arguments.films / "speed.csv"
    model = affekt.load_model(arguments.model, threads=arguments.threads)
    model.predict(film, pictures=False)  # so that every network is loaded

    def predict(model: affekt.Model, report: bool = False) -> affekt.Prediction:
        prediction = model.predict(film, pictures=report)
        prediction.save_csv(output)
        if report:
            prediction.save_report(output.with_suffix(".html"))
        return prediction

    jobs: dict[str, Callable[[], Any]] = {
        "decoding": lambda: decode_all(film, arguments.threads),
        "affekt": lambda: predict(model),
        " + loading": lambda: predict(affekt.load_model(arguments.model, threads=arguments.threads)),
        " + report": lambda: predict(model, report=True),
    }
    if arguments.mtcnn:
        plain = Plain(open_bundle(arguments.model), arguments.mtcnn, arguments.threads)
        jobs["plain"] = lambda: plain.predict(film, output)
    taken, given = take_turns(jobs, arguments.runs)
    threads = arguments.threads or f"each its own choice, PyTorch {torch.get_num_threads()}"
    print(f"{film.name}; threads: {threads}; median of {arguments.runs} runs\n")
    print_runs(taken)
    if arguments.mtcnn:
        print_likeness(given["affekt"], given["plain"])
    shares = print_stages(arguments.model, film, output)
    if arguments.json:
        each = (
            f"{arguments.threads} thread{'s' * (arguments.threads != 1)}" if arguments.threads else "threads"
        )
        about = f"60 s of 640 × 480 film, {each}, median of {arguments.runs}"
        write_cost(arguments.json, taken, shares, about)


if __name__ == "__main__":
    main()
