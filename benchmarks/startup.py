"""From the shell to the finished CSV of 10 s of film, beside importing PyTorch and transformers.

    python benchmarks/startup.py [--python .venv/bin/python] [--torch-python .venv-dev/bin/python]

The two commands take turns; median, least and most of the runs, in seconds.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from pathlib import Path

from film import add_affekt, add_folder, bench_film, run_command, shortened

SECONDS = 10


def main() -> None:
    """Print both."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_folder(parser)
    add_affekt(parser)
    parser.add_argument(
        "--torch-python", type=Path, default=Path(sys.executable), help="has PyTorch [this one]"
    )
    parser.add_argument("--runs", type=int, default=5, help="[%(default)s]")
    arguments = parser.parse_args()
    film = shortened(bench_film(arguments.films), SECONDS)
    out = ["--model", arguments.model, "--format", "csv", "--out", str(arguments.films / "out")]
    affekt = [str(arguments.python), "-m", "affekt", "predict"]
    commands = {
        f"affekt predict {film.name} --format csv": [*affekt, str(film), *out],
        'python -c "import torch, transformers"': [
            str(arguments.torch_python),
            "-c",
            "import torch, transformers",
        ],
    }
    wall: dict[str, list[float]] = {name: [] for name in commands}
    cpu: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(arguments.runs):
        for name, command in commands.items():
            start = time.perf_counter()
            usage = run_command(command)
            wall[name].append(time.perf_counter() - start)
            cpu[name].append(usage.ru_utime + usage.ru_stime)
    print(f"{'':46} wall (least–most)     CPU")
    for name in commands:
        spread = f"({min(wall[name]):.2f}–{max(wall[name]):.2f})"
        print(
            f"{name:46} {statistics.median(wall[name]):5.2f} {spread:14} {statistics.median(cpu[name]):5.2f}"
        )
    ours, theirs = (statistics.median(wall[name]) for name in commands)
    print(f"\naffekt takes {ours / theirs:.2f} of the other's time (wanted: less than 1)")


if __name__ == "__main__":
    main()
