"""Epochs that a search spends and what it loses by pruning: Ray's ASHA and HyperBand at factors of 4/3 and 3.

    python benchmarks/tuning_schedulers.py [--epochs 81] [--workers 2] [--seeds 40]

The schedulers are Ray's; trials are made-up learning curves, and time is simulated: nothing is trained. A
curve rises to its height as 1 − exp(−epoch / τ), with noise; a high learning rate is quick, above 3e-4 low.
Regret: the height of the best of 1,000 trials, less that of the one found.
"""

from __future__ import annotations

import argparse
import heapq
import logging
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np
from ray.tune.experiment import Trial

from affekt.training.tuning.schedulers import EPOCH, SCORE, Scheduler, scheduler_of
from affekt.training.tuning.space import space_of

MANY = 1000
"""Trials of a seed, the best of which is what there is to be found."""
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

    def reached(self, epochs: int) -> float:
        """CCC after some epochs, but for the noise."""
        return self.height * (1 - math.exp(-epochs / self.tau))

    def result(self) -> dict[str, float]:
        """Train an epoch."""
        score = self.reached(self.epoch + 1) + self.noise[self.epoch]
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


def search(way: Way, trials: list[Curve], epochs: int, workers: int) -> None:
    """Run trials, several at a time, an epoch taking each the same time."""
    if way.kind is None:
        for trial in trials:
            while trial.epoch < epochs:
                trial.result()
        return
    scheduler = scheduler_of(way.kind, epochs, way.reduction, way.first)
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


@dataclass(frozen=True)
class Way:
    """A row of the table."""

    name: str
    trials: int
    kind: Scheduler | None = None
    factor: str = "–"
    reduction: float = 1.0
    first: int | None = None


def ways() -> Iterator[Way]:
    for trials in (8, 16, 32, 100):
        yield Way("no pruning", trials)
    for trials in (32, 100):
        for factor, reduction in (("4/3", 4 / 3), ("3", 3.0)):
            yield Way("asha", trials, "asha", factor, reduction)
            yield Way("asha from epoch 1", trials, "asha", factor, reduction, first=1)
            yield Way("hyperband", trials, "hyperband", factor, reduction)


def measure(way: Way, told: argparse.Namespace) -> np.ndarray:
    """(seeds, 3): epochs spent as whole trainings, regret, trials that ran to the end."""
    rows = []
    for seed in range(told.seeds):
        every = curves(MANY, told.epochs, seed)
        trials = every[: way.trials]
        search(way, trials, told.epochs, told.workers)
        ended = [one for one in trials if one.epoch == told.epochs]
        found = max(ended, key=lambda one: one.best)
        regret = max(one.reached(told.epochs) for one in every) - found.reached(told.epochs)
        rows.append((sum(one.epoch for one in trials) / told.epochs, regret, len(ended)))
    return np.array(rows)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--epochs", type=int, default=81)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seeds", type=int, default=40)
    told = parser.parse_args()
    logging.getLogger("ray").setLevel(logging.CRITICAL)
    how = f"{told.epochs} epochs, {told.workers} trials at a time, {told.seeds} seeds"
    print(f"{datetime.now(UTC):%Y-%m-%d}: {how}\n")
    print("| | factor | trials | epochs spent, in whole trainings | regret, CCC | largest | to the end |")
    print("|---|---|---|---|---|---|---|")
    for way in ways():
        rows = measure(way, told)
        spent, regret, ended = rows.mean(axis=0)
        cells = (
            way.name,
            way.factor,
            way.trials,
            f"{spent:.1f}",
            f"{regret:.3f}",
            f"{rows[:, 1].max():.3f}",
            f"{ended:.1f}",
        )
        print(f"| {' | '.join(map(str, cells))} |")


if __name__ == "__main__":
    main()
