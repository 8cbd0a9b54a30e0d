"""What a perfect reader of the synthetic corpus reaches: signal-to-noise ratios and CCC per modality.

    .venv-dev/bin/python benchmarks/synthetic_ceiling.py --pairs 32 --seconds 161 --seed 2021

No file is read or written: the cues are made again from the seed. docs/synthetic.md says what the figures
mean. `--seeds 8` takes that many corpora, from the seed on, and prints mean and spread.
"""

from __future__ import annotations

import argparse

import numpy as np

from affekt.corpora.synthetic.ceiling import Scores, fitted, perfect, shown
from affekt.corpora.synthetic.latent import SNR
from affekt.corpora.synthetic.plan import Parameters
from affekt.timeline import DIMENSIONS

COLUMNS = [(partition, dimension) for partition in ("devel", "test") for dimension in DIMENSIONS]


def table(title: str, found: list[Scores]) -> None:
    print(f"\n{title}\n{'':13}" + "".join(f"{p + ' ' + d:>20}" for p, d in COLUMNS))
    for reader in found[0]:
        cells = []
        for partition, dimension in COLUMNS:
            values = [scores[reader][partition][dimension] for scores in found]
            spread = f" ± {np.std(values, ddof=1):.3f}" if len(values) > 1 else ""
            cells.append(f"{np.mean(values):.3f}{spread}")
        print(f"{reader:13}" + "".join(f"{cell:>20}" for cell in cells))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name, kind, usual in (
        ("pairs", int, 32),
        ("seconds", float, 161.0),
        ("seed", int, 2021),
        ("seeds", int, 1),
    ):
        parser.add_argument(f"--{name}", type=kind, default=usual)
    given = parser.parse_args()
    print("Signal-to-noise ratios (variances)")
    for modality, ratios in SNR.items():
        print(f"{modality:13}" + "".join(f"{name} {ratio:<8.2f}" for name, ratio in ratios.items()))
    best, learned = [], []
    for seed in range(given.seed, given.seed + given.seeds):
        recordings = list(shown(Parameters(given.pairs, given.seconds, seed)))
        best.append(perfect(recordings))
        learned.append(fitted(recordings))
    table("A perfect reader who knows how the corpus was made: CCC", best)
    table("A linear reader who learns from train: CCC", learned)


if __name__ == "__main__":
    main()
