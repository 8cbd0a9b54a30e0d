"""Epochs that a search spends and what it loses by pruning: Ray's ASHA and HyperBand at factors of 4/3 and 3.

    python benchmarks/tuning_schedulers.py [--trials 32] [--epochs 81] [--workers 2] [--seeds 20]

The schedulers are Ray's; trials are made-up learning curves, and time is simulated: nothing is trained. A
curve rises to its height as 1 − exp(−epoch / τ), with noise; a high learning rate is quick, above 3e-4 low.
Regret: the height of the best curve drawn, less that of the one found. Beside each, what as many epochs give
that are spent on fewer trials, all of them trained to the end.
"""

from __future__ import annotations

import argparse
import heapq
import logging
import math
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np
from ray.tune.experiment import Trial

from affekt.training.tuning.schedulers import EPOCH, SCORE, Scheduler, scheduler_of
from affekt.training.tuning.space import space_of

NOISE = 0.01
"""Standard deviation of an epoch's devel CCC around its curve."""


@dataclass(eq=False)
class Curve:
    """A trial as schedulers see one."""

    trial_id: str
    height: float
    """CCC after very many epochs."""
    tau: float
    """Epochs after which 63 % of it are reached."""
    noise: np.ndarray
    status: str = Trial.PENDING
    is_saving: bool = False
    epoch: int = 0
    best: float = -1.0

    def result(self) -> dict[str, float]:
        """Train an epoch."""
        score = self.height * (1 - math.exp(-(self.epoch + 1) / self.tau)) + self.noise[self.epoch]
        self.epoch += 1
        self.best = max(self.best, float(score))
        return {EPOCH: self.epoch, SCORE: self.best}


def curves(count: int, epochs: int, seed: int) -> list[Curve]:
    """Trials drawn from Table 1, with the effects that its hyper-parameters might have."""
    space, rng = space_of("fusion"), np.random.default_rng(seed)
    made = []
    for k in range(count):
        values = space.draw(seed, k)
        off = math.log10(values["lr"]) + 3.5
        height = (
            0.8
            - 0.12 * off**2
            - 0.1 * abs(values["dropout"] - 0.4)
            + 0.02 * math.log2(values["hidden"] / 256)
        )
        height -= 0.02 * (values["layers"] - 1)
        tau = 6 * 10 ** (-0.5 * off) * (values["hidden"] / 256) ** 0.3
        made.append(Curve(f"{k:03}", max(0.05, height), tau, rng.normal(0, NOISE, epochs)))
    return made


@dataclass
class Controller:
    """What schedulers ask of Ray's: which trials there are, and to stop one."""

    trials: list[Curve]
    scheduler: object = field(default=None)

    def get_trials(self) -> list[Curve]:
        return self.trials

    def has_resources_for_trial(self, _trial: Curve) -> bool:
        return True

    def stop_trial(self, trial: Curve) -> None:
        if trial.status in (Trial.PENDING, Trial.PAUSED):
            self.scheduler.on_trial_remove(self, trial)
        elif trial.status == Trial.RUNNING:
            self.scheduler.on_trial_complete(self, trial, {EPOCH: trial.epoch, SCORE: trial.best})
        trial.status = Trial.TERMINATED


def search(kind: Scheduler | None, trials: list[Curve], epochs: int, reduction: float, workers: int) -> None:
    """Run trials, several at a time, an epoch taking each the same time; None: without pruning."""
    scheduler = scheduler_of(kind, epochs, reduction) if kind else None
    if scheduler is None:
        for trial in trials:
            while trial.epoch < epochs:
                trial.result()
        return
    controller = Controller(trials, scheduler)
    for trial in trials:
        scheduler.on_trial_add(controller, trial)
    running: list[tuple[float, int, Curve]] = []
    now, turn = 0.0, 0
    while True:
        while len(running) < workers and (trial := scheduler.choose_trial_to_run(controller)) is not None:
            trial.status = Trial.RUNNING
            heapq.heappush(running, (now + 1, turn := turn + 1, trial))
        if not running:
            return
        now, _, trial = heapq.heappop(running)
        decision = scheduler.on_trial_result(controller, trial, trial.result())
        if decision == "PAUSE":
            trial.status = Trial.PAUSED
        elif decision == "STOP" or trial.epoch == epochs:
            controller.stop_trial(trial)
        else:
            heapq.heappush(running, (now + 1, turn := turn + 1, trial))


def measure(kind: Scheduler | None, reduction: float, told: argparse.Namespace) -> np.ndarray:
    """(seeds, 3): share of all epochs spent, regret, trials that ran to the end."""
    rows = []
    for seed in range(told.seeds):
        trials = curves(told.trials, told.epochs, seed)
        search(kind, trials, told.epochs, reduction, told.workers)
        ended = [one for one in trials if one.epoch == told.epochs]
        height = {id(one): one.height * (1 - math.exp(-told.epochs / one.tau)) for one in trials}
        found = max(ended, key=lambda one: one.best, default=None)
        regret = max(height.values()) - (height[id(found)] if found else 0.0)
        rows.append((sum(one.epoch for one in trials) / (told.trials * told.epochs), regret, len(ended)))
    return np.array(rows)


def fewer(count: int, told: argparse.Namespace) -> np.ndarray:
    """(seeds, 3) as `measure`: the first trials alone, trained to the end."""
    rows = []
    for seed in range(told.seeds):
        heights = [
            one.height * (1 - math.exp(-told.epochs / one.tau))
            for one in curves(told.trials, told.epochs, seed)
        ]
        rows.append((count / told.trials, max(heights) - max(heights[:count]), count))
    return np.array(rows)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--trials", type=int, default=32)
    parser.add_argument("--epochs", type=int, default=81)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seeds", type=int, default=20)
    told = parser.parse_args()
    logging.getLogger("ray").setLevel(logging.CRITICAL)
    print(
        f"{datetime.now(UTC):%Y-%m-%d}: {told.trials} trials, {told.epochs} epochs, {told.workers} at a time,"
    )
    print(f"{told.seeds} seeds; mean (largest)\n")
    print("| scheduler | factor | epochs spent | regret, CCC | to the end |\n|---|---|---|---|---|")
    line("no pruning", "–", measure(None, 1.0, told))
    kinds: tuple[Scheduler, ...] = ("asha", "hyperband")
    for kind in kinds:
        for reduction, factor in ((4 / 3, "4/3"), (3.0, "3")):
            rows = measure(kind, reduction, told)
            line(kind, factor, rows)
            count = max(1, round(rows[:, 0].mean() * told.trials))
            line("as many epochs, fewer trials", "–", fewer(count, told))


def line(name: str, factor: str, rows: np.ndarray) -> None:
    spent, regret, ended = rows.mean(axis=0)
    print(f"| {name} | {factor} | {spent:.0%} | {regret:.3f} ({rows[:, 1].max():.3f}) | {ended:.1f} |")


if __name__ == "__main__":
    main()
