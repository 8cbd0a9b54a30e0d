"""Scores with bootstrap intervals, beside a plain loop that takes the CCC of the drawn frames anew.

    python benchmarks/evaluate.py [--quick]

60 recordings of 1,800 frames in two dimensions, drawn one by one, 1,000 draws. affekt also works out Pearson,
RMSE, sign agreement and all means over recordings; the loop the CCC of the joined frames alone. Both start
from arrays in memory, the loop's with a dimension's frames side by side, which NumPy sums several times as
fast as columns. They take turns; median, least and most of the runs, in seconds.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np

from affekt.scoring import evaluate
from affekt.scoring.bootstrap import CONFIDENCE

Pairs = list[tuple[np.ndarray, np.ndarray]]


def made_up(recordings: int, frames: int, seed: int = 0) -> Pairs:
    """Slow random gold, each recording with its own level, and predictions that follow it with noise."""
    rng = np.random.default_rng(seed)
    pairs = []
    for _ in range(recordings):
        gold = np.tanh(np.cumsum(rng.normal(0, 0.02, (frames, 2)), axis=0) + rng.normal(0, 0.3, 2))
        pairs.append((0.6 * gold + rng.normal(0, 0.2, gold.shape), gold))
    return pairs


def plain(pairs: Pairs, draws: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """CCC per dimension and its interval, from the frames of each draw; arrays are (dimensions, frames)."""
    picks = np.random.default_rng(seed).integers(0, len(pairs), (draws, len(pairs)))
    scores = np.array([plain_ccc([pairs[k] for k in row]) for row in picks])
    ends = [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2]
    low, high = np.quantile(scores, ends, axis=0)
    return plain_ccc(pairs), low, high


def plain_ccc(pairs: Pairs) -> np.ndarray:
    scores = []
    for dimension in range(len(pairs[0][0])):
        x = np.concatenate([x[dimension] for x, _ in pairs])
        y = np.concatenate([y[dimension] for _, y in pairs])
        covariance = np.mean((x - x.mean()) * (y - y.mean()))
        scores.append(2 * covariance / (x.var() + y.var() + (x.mean() - y.mean()) ** 2))
    return np.array(scores)


def timed(work: Callable[[], object]) -> tuple[float, object]:
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def main() -> None:
    """Time both, see that they say the same, and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--recordings", type=int, default=60, help="[%(default)s]")
    parser.add_argument("--frames", type=int, default=1_800, help="[%(default)s]")
    parser.add_argument("--draws", type=int, default=1_000, help="[%(default)s]")
    parser.add_argument("--runs", type=int, default=5, help="[%(default)s]")
    parser.add_argument("--quick", action="store_true", help="a tenth of the draws, one run: does it work?")
    arguments = parser.parse_args()
    draws, runs = (arguments.draws // 10, 1) if arguments.quick else (arguments.draws, arguments.runs)
    pairs = made_up(arguments.recordings, arguments.frames)
    side_by_side = [(np.ascontiguousarray(x.T), np.ascontiguousarray(y.T)) for x, y in pairs]
    names = [f"{place:05}" for place in range(len(pairs))]  # in the order in which the loop draws
    seconds: dict[str, list[float]] = {"affekt": [], "plain loop": []}
    for run in range(runs):
        took, ours = timed(lambda seed=run: evaluate(pairs, names, draws=draws, seed=seed))
        seconds["affekt"].append(took)
        took, theirs = timed(lambda seed=run: plain(side_by_side, draws, seed))
        seconds["plain loop"].append(took)
        score = ours.joined["ccc"]
        for mine, other in zip((score.value, score.low, score.high), theirs, strict=True):
            np.testing.assert_allclose(mine, other, rtol=1e-9)
    print(f"{len(pairs)} recordings × {arguments.frames:,} frames × {draws:,} draws, {runs} runs")
    for name, values in seconds.items():
        print(f"{name:11} {statistics.median(values):8.4f} s ({min(values):.4f}–{max(values):.4f})")
    ratio = statistics.median(seconds["plain loop"]) / statistics.median(seconds["affekt"])
    print(f"same numbers (to 1e-9); affekt is {ratio:.0f} × as fast (wanted: 50 × or more)")


if __name__ == "__main__":
    main()
