"""Voice, face, and the five fusions of both, on the same people's real takes (devel actors of RAVDESS).

    python benchmarks/real_pairs.py --data DATA [--model default] [--run runs/default]
    python benchmarks/real_pairs.py --data DATA --cross-validate 6 12 24

Prints the CCC of arousal and valence over the takes' means, mean and standard deviation over three seeds, and
leaves pairs.json in the run's folder; the bundle's features are kept in there. With --cross-validate it
prints what numbers of epochs do over folds of the train actors instead.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from affekt.training.default.pairs import MODELS, check_pairs, cross_validated
from affekt.training.default.takes import read_takes


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", default="default")
    parser.add_argument("--run", type=Path, default=Path("runs/default"))
    parser.add_argument("--cross-validate", type=int, nargs="+", metavar="EPOCHS")
    parser.add_argument("--models", nargs="+", choices=MODELS, default=["face", "cross_modal"])
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if not options.cross_validate:
        check_pairs(options.data, options.run, options.model, threads=options.threads)
        return
    takes = read_takes(options.data, options.model, options.run / "features", options.threads)
    for epochs in options.cross_validate:
        for name in options.models:
            arousal, valence = cross_validated(takes, name, epochs)
            print(f"{epochs:3} epochs  {name:14} {arousal:.3f} {valence:.3f}", flush=True)


if __name__ == "__main__":
    main()
