"""Which trials are worth another epoch: Ray Tune's schedulers, and how they hear of a search that goes on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from ray.tune.schedulers import ASHAScheduler, HyperBandScheduler, TrialScheduler

Scheduler = Literal["asha", "hyperband"]
SPARED = 9
"""ASHA prunes nothing before a ninth of the epochs: from the first one on it goes by noise, and loses more
than it saves (docs/tuning.md has what was measured)."""
EPOCH, SCORE, REPLAYED = "epoch", "score", "replayed"
"""What a trial reports: epochs trained, best devel CCC so far, whether it only repeats what is in its log."""


def scheduler_of(kind: Scheduler, epochs: int, reduction: float, first: int | None = None) -> Any:
    """Hyperband (Li et al. 2018) in rounds, or successive halving as results come in (ASHA, Li et al. 2020).

    Args:
        epochs: of a trial that is never pruned.
        reduction: η; a rung keeps 1 of η trials and the next is at η times the epochs.
        first: epochs before ASHA's first rung; None: see `SPARED`.
    """
    # A trial ends by itself after its last epoch. If it were for the scheduler to stop it, Ray's HyperBand,
    # which rounds rungs down, would end trials at 80 epochs of 81; and its ASHA, where rungs lie closer than
    # an epoch, would compare a rung's first scores with those of later epochs.
    told: dict[str, Any] = {"time_attr": EPOCH, "metric": SCORE, "mode": "max", "max_t": epochs}
    told |= {"reduction_factor": reduction, "stop_last_trials": False}
    if kind == "hyperband":
        return HyperBandScheduler(**told)
    return ASHAScheduler(**told, grace_period=first or max(1, epochs // SPARED))


class Remembering:
    """A scheduler for trials that repeat what is in their logs before they go on.

    Ray's own state of a search is a pickle, which we do not read. What a fresh scheduler has to know of a
    search that was stopped, it learns from the trials, which report their epochs anew.
    """

    metric = SCORE
    supports_buffered_results = False

    def __init__(self, inner: Any, ended: Callable[[int, bool], None]) -> None:
        """Wrap a scheduler.

        Args:
            inner: of Ray.
            ended: called with the number of each trial that is over, and whether its process failed.
        """
        self.inner, self.ended = inner, ended
        self._seen: dict[str, int] = {}

    def on_trial_result(self, controller: Any, trial: Any, result: dict[str, Any]) -> str:
        """Decide on a trial after an epoch: CONTINUE, PAUSE or STOP."""
        if result[EPOCH] <= self._seen.get(trial.trial_id, 0):
            return str(TrialScheduler.CONTINUE)
        self._seen[trial.trial_id] = result[EPOCH]
        decision = str(self.inner.on_trial_result(controller, trial, result))
        asynchronous = isinstance(self.inner, ASHAScheduler)
        if asynchronous and decision == TrialScheduler.STOP and result[REPLAYED]:
            # Results come in another order now. What was let through once stays so.
            return str(TrialScheduler.CONTINUE)
        return decision

    def on_trial_complete(self, controller: Any, trial: Any, result: dict[str, Any]) -> None:
        """A trial ended, or was stopped while it ran."""
        self.inner.on_trial_complete(controller, trial, result)
        self.ended(trial.config["trial"], False)

    def on_trial_remove(self, controller: Any, trial: Any) -> None:
        """A trial was stopped while it waited."""
        self.inner.on_trial_remove(controller, trial)
        self.ended(trial.config["trial"], False)

    def on_trial_error(self, controller: Any, trial: Any) -> None:
        """A trial's process failed."""
        self.inner.on_trial_error(controller, trial)
        self.ended(trial.config["trial"], True)

    def on_trial_add(self, controller: Any, trial: Any) -> None:
        """Pass on."""
        self.inner.on_trial_add(controller, trial)

    def choose_trial_to_run(self, controller: Any) -> Any:
        """Pass on."""
        return self.inner.choose_trial_to_run(controller)

    def set_search_properties(self, metric: str | None, mode: str | None, **spec: Any) -> bool:
        """Pass on."""
        return bool(self.inner.set_search_properties(metric, mode, **spec))

    def debug_string(self) -> str:
        """Pass on."""
        return str(self.inner.debug_string())
