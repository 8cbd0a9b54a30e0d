"""Peak memory of predicting 1 minute and 20 minutes of film: it should not grow with the length.

    python benchmarks/memory.py [--python .venv/bin/python]

The long film is the short one over and over. Each prediction is a process of its own; the figure is the most
memory it ever had (its resident set).
"""

from __future__ import annotations

import argparse
import sys

from film import add_affekt, add_folder, bench_film, looped, run_command

FORMATS = ("csv", "csv,html")
MOST = 1.3
UNIT = 1e6 if sys.platform == "darwin" else 1e6 / 1024
"""What `ru_maxrss` counts, bytes on macOS and KiB elsewhere, to a megabyte."""


def main() -> None:
    """Print a line for each kind of output."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_folder(parser)
    add_affekt(parser)
    parser.add_argument("--minutes", type=int, nargs=2, default=(1, 20), help="short and long [1 20]")
    arguments = parser.parse_args()
    film = bench_film(arguments.films)
    films = [looped(film, minutes) for minutes in arguments.minutes]
    print("format    " + "".join(f"{minutes:6} min" for minutes in arguments.minutes) + "     ratio")
    for formats in FORMATS:
        out = ["--model", arguments.model, "--format", formats, "--out", str(arguments.films / "out")]
        command = [str(arguments.python), "-m", "affekt", "predict"]
        peaks = [run_command([*command, str(film), *out]).ru_maxrss / UNIT for film in films]
        figures = "".join(f"{peak:7.0f} MB" for peak in peaks)
        print(f"{formats:10}{figures}{peaks[1] / peaks[0]:10.2f} (wanted: at most {MOST})", flush=True)


if __name__ == "__main__":
    main()
