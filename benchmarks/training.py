"""Throughput and peak memory of training each unimodal network, beside a plain rendering of the same.

    python benchmarks/training.py [--networks visual] [--threads 1] [--precision 32] [--batch 2 --frames 20]

A step is forward, concordance loss, backward and Adam of the paper's network with its LSTM head. Both are
given the same made-up batch, of SEWA's shape: 100 frames a window, 20 windows for text and audio and 3 for
pictures; 39 sentences of about 12 words in 161 s, and once more 15 frames a sentence; faces in 90 % of the
frames. Each is a process of its own; they take turns at steps, and the median counts. Peak memory is the
process' largest resident set (on a GPU: what PyTorch allocated there).
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

# PyTorch is for the children alone: what this process holds would count as their memory.

Steps = list[dict[str, Any]]


@dataclass(frozen=True)
class Job:
    """A network and the batch it is trained on."""

    name: str
    network: str
    batch: int
    wanted: float
    """Times the plain rendering's throughput; on pictures half as much without half precision."""
    frames_a_sentence: float = 0.0


JOBS = (
    # Of a window of 100 frames, 39 sentences in 1,610 frames see 1 + 100 · 39 / 1,610 = 3.4.
    Job("text, as in SEWA", "text", 20, 20, 100 / (1 + 100 * 39 / 1_610)),
    Job("text, 15 frames a sentence", "text", 20, 20, 15),
    Job("audio", "audio", 20, 1.8),
    Job("visual", "visual", 3, 3),
)


class Child:
    """A process that makes a step whenever it is asked to."""

    def __init__(self, who: str, job: Job, arguments: argparse.Namespace) -> None:
        batch = arguments.batch or job.batch
        sentences = round(batch * arguments.frames / (job.frames_a_sentence or 1))
        told = {"who": who, "network": job.network, "batch": batch, "sentences": max(1, sentences)}
        told |= {key: getattr(arguments, key) for key in ("frames", "threads", "precision", "device")}
        command = [sys.executable, __file__, "--child", json.dumps(told)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def step(self) -> dict[str, Any]:
        """Seconds of a step (wall, cpu), its loss, and the peak memory so far in MB."""
        assert self.process.stdin is not None and self.process.stdout is not None
        print(file=self.process.stdin, flush=True)
        line = self.process.stdout.readline()
        if not line:
            sys.exit("a child ended before its time; what it said stands above")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def end(self) -> None:
        """Let it go."""
        self.process.communicate()


def take_turns(job: Job, arguments: argparse.Namespace) -> dict[str, Steps]:
    """The steps of both, the first of each being for warming up."""
    children = {who: Child(who, job, arguments) for who in ("affekt", "plain")}
    steps: dict[str, Steps] = {who: [] for who in children}
    for step in range(arguments.steps + 1):
        for who, child in children.items():
            print(f"{job.name}: step {step} of {arguments.steps}, {who} …", file=sys.stderr)
            answer = child.step()
            steps[who] += [answer] if step else []
    for child in children.values():
        child.end()
    return steps


def print_job(job: Job, frames: int, steps: dict[str, Steps]) -> None:
    """One line a rendering, and how they compare."""
    half = steps["affekt"][0]["half"]
    wanted = job.wanted if half or job.network != "visual" else job.wanted / 2
    print(f"\n{job.name} ({'bfloat16' if half else 'float32'})")
    middle: dict[str, dict[str, float]] = {}
    for who, taken in steps.items():
        one = {key: statistics.median(step[key] for step in taken) for key in ("wall", "cpu")}
        middle[who] = one | {"peak": taken[-1]["peak"]}
        spread = f"({min(step['wall'] for step in taken):.2f}–{max(step['wall'] for step in taken):.2f})"
        print(
            f"  {who:7}{frames / one['wall']:8.0f} frames/s {one['wall']:7.2f} s a step {spread:15}"
            f"{one['cpu']:7.2f} s CPU {middle[who]['peak']:7.0f} MB at most"
        )
    ours, plain = middle["affekt"], middle["plain"]
    faster = f"{plain['wall'] / ours['wall']:.1f} × as fast (CPU time {plain['cpu'] / ours['cpu']:.1f} ×; "
    memory = f"memory {ours['peak'] / plain['peak']:.2f} × (wanted: ≤ 1)"
    print(f"  affekt {faster}wanted: ≥ {wanted:g}), {memory}", flush=True)


def main() -> None:
    """Print throughput and memory of each network."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    networks = ["text", "audio", "visual"]
    parser.add_argument("--networks", nargs="+", choices=networks, default=networks, help="[all]")
    parser.add_argument("--batch", type=int, help="windows a step [20, of pictures 3]")
    parser.add_argument("--frames", type=int, default=100, help="of a window [%(default)s]")
    parser.add_argument(
        "--steps", type=int, default=3, help="that count, after one that does not [%(default)s]"
    )
    parser.add_argument(
        "--precision", choices=("auto", "32", "bf16"), default="auto", help="affekt's [%(default)s]"
    )
    parser.add_argument("--threads", type=int, help="PyTorch's [its own choice]")
    parser.add_argument("--device", default="cpu", help="cpu or cuda [%(default)s]")
    parser.add_argument("--child", type=json.loads, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        from training_steps import serve

        serve(argparse.Namespace(**arguments.child))
        return
    for job in JOBS:
        if job.network in arguments.networks:
            steps = take_turns(job, arguments)
            print_job(job, (arguments.batch or job.batch) * arguments.frames, steps)


if __name__ == "__main__":
    main()
