"""A search for hyper-parameters (paper, section 5.9): trials on Ray Tune, the bad ones pruned."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ray import tune as ray_tune

from affekt.corpora.prepared.dataset import open_prepared
from affekt.corpora.prepared.lock import only_run
from affekt.errors import ClusterError, ConfigError
from affekt.scoring.effects import Effect, effect
from affekt.training.config import FUSION, write_config
from affekt.training.run import train
from affekt.training.tuning.folder import (
    BEST,
    TABLE,
    Search,
    Trial,
    begin,
    mark,
    read_trial,
    trial_folder,
    write_table,
)
from affekt.training.tuning.schedulers import Remembering, scheduler_of
from affekt.training.tuning.space import Space, best_config
from affekt.training.tuning.trial import Objective, run_trial
from affekt.workers import connect

STATE = ".ray-tune"
"""Where Ray keeps its own notes while it works; they are never read by us and deleted in the end."""
DIED = "its process ended (an error, out of memory, or a crash)"
CORES = 2
"""Of a trial, where nothing else is said and there is no GPU."""


@dataclass(frozen=True)
class Outcome:
    """What a search found."""

    search: Search
    trials: tuple[Trial, ...]
    best: Trial
    """Of those that ran to the full budget, the one with the highest mean devel CCC."""
    effects: dict[str, Effect]
    """Hyper-parameter → its line of Table 8, over the trials that ran to the full budget; scores are arousal,
    valence and their mean. Without those that had one value."""

    @property
    def full(self) -> list[Trial]:
        """The trials that ran to the full budget."""
        return [one for one in self.trials if one.state == "finished"]


def tune(
    search: Search,
    folder: Path,
    *,
    workers: int | None = None,
    ray: str | None = None,
    objective: Objective = train,
) -> Outcome:
    """Search, or go on with a search that was stopped.

    Args:
        folder: of the search; it is made, or holds this search.
        workers: trials at a time; None: one for each GPU, or for every two cores.
        ray: address of an existing Ray cluster; its machines share a file system. None: this machine.
        objective: what trains a config in a run folder.

    Raises:
        ConfigError: the folder holds another search, the config cannot be searched, or every trial failed.
        CorpusError: nothing is prepared, or another search is at work in the folder.
        ClusterError: Ray is not installed, or the cluster cannot be reached or is lost.
    """
    check(search)
    with only_run(folder):
        begin(search, folder)
        done = [read_trial(search, folder, number) for number in range(search.trials)]
        if any(one.state in ("open", "failed") for one in done):
            _run(search, folder, done, workers, ray, objective)
        trials = tuple(read_trial(search, folder, number) for number in range(search.trials))
        write_table(trials, search.space, folder / TABLE)
        outcome = outcome_of(search, trials, folder)
        write_config(best_config(search.config, outcome.best.values), folder / BEST)
    return outcome


def check(search: Search) -> None:
    """See that a config can be searched.

    Raises:
        ConfigError: it cannot.
        CorpusError: nothing is prepared.
    """
    config = search.config
    if search.trials < 1 or search.epochs < 1 or not search.reduction > 1:
        raise ConfigError("at least one trial, one epoch and a reduction above 1 are needed")
    if config.machine.devices * config.machine.nodes != 1:
        raise ConfigError("machine: a trial is trained on one device; say machine.devices=1 machine.nodes=1")
    if search.stage == FUSION and config.unimodal is None:
        raise ConfigError(
            "unimodal: every trial would train the unimodal networks anew; train them once with "
            "affekt train CONFIG --run RUN, then say unimodal=RUN"
        )
    open_prepared(Path(config.data.folder), alignment=config.data.alignment)
    for number in range(search.trials):
        search.of_trial(number)


def outcome_of(search: Search, trials: tuple[Trial, ...], folder: Path) -> Outcome:
    """What trials that are over amount to.

    Raises:
        ConfigError: none of them ran to the full budget.
    """
    full = [one for one in trials if one.state == "finished"]
    if not full:
        said = next((one.reason for one in trials if one.state == "failed"), "all were pruned")
        raise ConfigError(f"{folder}: no trial ran to its last epoch ({said})")
    return Outcome(search, trials, max(full, key=lambda one: one.mean), effects_of(search.space, full))


def effects_of(space: Space, full: list[Trial]) -> dict[str, Effect]:
    """Table 8: hyper-parameter → its effect on arousal, valence and their mean."""
    scores = np.array([[one.arousal, one.valence, one.mean] for one in full])
    found = {}
    for name in space.names:
        if len(names := space[name].groups()) > 1:
            rows = np.array([space[name].group(one.values[name]) for one in full])
            found[name] = effect(names, rows, scores)
    return found


# Ray


def _run(
    search: Search,
    folder: Path,
    done: list[Trial],
    workers: int | None,
    address: str | None,
    objective: Objective,
) -> None:
    """Run what is not over."""
    over = {one.number for one in done if one.state in ("finished", "pruned")}

    def ended(number: int, failed: bool) -> None:
        run = trial_folder(folder, number)
        trial = read_trial(search, folder, number)
        if trial.state == "open":
            mark(run, "failed" if failed else "pruned", DIED if failed else "")
            trial = read_trial(search, folder, number)
        if number not in over:
            over.add(number)
            print(said(trial, len(over), search), flush=True)

    with _ray(address, workers) as (ray, share):
        scheduler = Remembering(scheduler_of(search.scheduler, search.epochs, search.reduction), ended)
        told = {
            "folder": str(folder.absolute()),
            "where": os.getcwd(),
            "threads": search.config.machine.threads or share["cpu"],
            "objective": objective,
        }
        try:
            for number, reason in _fit(told, search.trials, scheduler, share):
                mark(trial_folder(folder, number), "failed", reason)
        except ray.exceptions.RayError as error:
            reason = " ".join(str(error).split())[:160]
            raise ClusterError(
                f"{address or 'Ray'}: was lost ({reason}); the same command goes on"
            ) from error
        finally:
            shutil.rmtree(folder / STATE, ignore_errors=True)


def _fit(
    told: dict[str, Any], trials: int, scheduler: Any, share: dict[str, float]
) -> Iterator[tuple[int, str]]:
    """Let Ray Tune run all trials; yields those that an error ended which is no fault of theirs."""
    tuner = ray_tune.Tuner(
        ray_tune.with_resources(run_trial, share),
        param_space={**told, "trial": ray_tune.grid_search(list(range(trials)))},
        tune_config=ray_tune.TuneConfig(scheduler=scheduler, reuse_actors=True),
        run_config=ray_tune.RunConfig(
            name="state", storage_path=str(Path(told["folder"]) / STATE), verbose=0, callbacks=[]
        ),
    )
    results = tuner.fit()
    for result in (results[place] for place in range(len(results))):
        cause = getattr(result.error, "cause", None)
        if cause is not None and result.config:
            yield result.config["trial"], " ".join(f"{type(cause).__name__}: {cause}".split())[:200]


@contextmanager
def _ray(address: str | None, workers: int | None) -> Iterator[tuple[Any, dict[str, float]]]:
    """Ray, here or on a cluster, and what of it a trial gets."""
    ray = _start(workers) if address is None else connect(address)
    logging.getLogger("ray").setLevel(logging.CRITICAL)
    try:
        yield ray, _share(ray, workers)
    finally:
        ray.shutdown()


def _start(workers: int | None) -> Any:
    import ray

    try:
        ray.init(
            address="local",
            num_cpus=max(os.cpu_count() or 1, workers or 1),
            include_dashboard=False,
            log_to_driver=False,
            logging_level=logging.CRITICAL,
            object_store_memory=80 << 20,
        )
    except Exception as error:
        # On a machine that is too busy Ray raises nothing more exact than this.
        reason = " ".join(str(error).split())[:160]
        raise ClusterError(f"Ray did not start here ({reason}); the same command tries again") from error
    return ray


def _share(ray: Any, workers: int | None) -> dict[str, float]:
    """Cores and GPUs of a trial, so that as many run at a time as were asked for.

    Not by Tune's own limit: it counts trials that wait in a bracket among those that run.
    """
    total = ray.cluster_resources()
    gpus = total.get("GPU", 0)
    count = workers or int(gpus) or max(1, int(total.get("CPU", 1)) // CORES)
    largest = max(node["Resources"].get("CPU", 0) for node in ray.nodes() if node["Alive"])
    share: dict[str, float] = {"cpu": max(1, min(int(total.get("CPU", 1)) // count, int(largest)))}
    return {**share, "gpu": min(1.0, gpus / count)} if gpus else share


def said(trial: Trial, count: int, search: Search) -> str:
    """A trial that is over as one line for the terminal."""
    values = " ".join(f"{name} {value:g}" for name, value in trial.values.items())
    ways = {"pruned": f"pruned at {trial.epochs}", "failed": f"failed: {trial.reason}"}
    score = f"{trial.mean:6.3f}" if trial.epochs else "     –"
    how = ways.get(trial.state, "to the end")
    return f"{count:3} of {search.trials}  trial {trial.number:03}  CCC {score}  {how:12}  {values}"
