"""One trial, as a process of Ray's runs it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from affekt.corpora.prepared.lock import only_run
from affekt.errors import AffektError, CorpusError
from affekt.training.tuning.folder import history, mark, read_search, read_trial, trial_folder, unmark
from affekt.training.tuning.schedulers import EPOCH, REPLAYED, SCORE

Objective = Callable[..., dict[str, Any]]
"""As `training.run.train`."""
_PATIENCE = 60
"""Seconds in which the process of a search that was killed has gone."""


def run_trial(told: dict[str, Any]) -> None:
    """Report the epochs that are in the trial's log, then train on and report each epoch.

    Args:
        told: `folder` of the search, absolute; `where`, the folder that paths in its config are relative to;
            `trial`, its number; `threads`; `objective`, what trains a config.
    """
    os.chdir(told["where"])
    folder, number = Path(told["folder"]), told["trial"]
    search = read_search(folder)
    run = trial_folder(folder, number)
    reports = _Reports()
    try:
        before = read_trial(search, folder, number)
        for epoch, *_, mean in history(run, search.stage):
            reports(epoch, mean, replayed=True)
        if before.state in ("finished", "pruned"):
            return
        unmark(run)
        config = search.of_trial(number)
        config = replace(config, machine=replace(config.machine, threads=told["threads"]))
        _wait_for(run)

        def on_epoch(epoch: int, score: Any) -> None:
            # The last epoch is reported when its run is finished: whoever reports may be stopped for it.
            if epoch < search.epochs:
                reports(epoch, score.mean)

        result = told["objective"](config, run, on_epoch=on_epoch, export=False)
        reports(search.epochs, result["mean"])
    except AffektError as error:
        mark(run, "failed", str(error))
        reports.again()


class _Reports:
    """Tells Ray of epochs."""

    def __init__(self) -> None:
        self.epoch, self.best = 0, -1.0

    def __call__(self, epoch: int, mean: float, *, replayed: bool = False) -> None:
        from ray import tune

        self.epoch = epoch
        self.best = max(self.best, mean)
        tune.report({EPOCH: epoch, SCORE: self.best, REPLAYED: replayed})

    def again(self) -> None:
        """Say the last thing once more: Ray does not like a trial that ends without a word."""
        self(self.epoch, self.best, replayed=True)


def _wait_for(run: Path) -> None:
    """Wait until nobody is at work in a folder.

    Raises:
        CorpusError: somebody is, and stays.
    """
    until = time.monotonic() + _PATIENCE
    while True:
        try:
            with only_run(run):
                return
        except CorpusError:
            if time.monotonic() > until:
                raise
            time.sleep(0.2)
