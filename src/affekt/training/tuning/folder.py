"""A search as it lies on disk. Each trial is a run folder, so a search that was killed goes on from there.

search.yaml         what is searched, from what, how
trials/007/         a run of `affekt train`; ended.json if it was pruned or failed
trials.csv          every trial: its values, how it ended, its best devel CCC
best.yaml           the best trial's config, for `affekt train`
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from affekt.errors import ConfigError
from affekt.timeline.files import atomic, write_text, write_values
from affekt.training.config import Config, config_of
from affekt.training.folder import comparable, differing
from affekt.training.stage import LOG, RESULT, finished
from affekt.training.tuning.schedulers import Scheduler
from affekt.training.tuning.space import Space, Values, of_trial, space_of

SEARCH, TRIALS, TABLE, BEST, PAGE = "search.yaml", "trials", "trials.csv", "best.yaml", "tuning.html"
ENDED = "ended.json"

State = Literal["finished", "pruned", "failed", "open"]
Epoch = tuple[int, float, float, float]
"""Its number from 1; arousal, valence and mean devel CCC."""


@dataclass(frozen=True)
class Search:
    """What is searched, and how."""

    config: Config
    space: Space
    trials: int = 32
    epochs: int = 100
    """R, of a trial that is not pruned."""
    scheduler: Scheduler = "asha"
    reduction: float = 4 / 3
    seed: int = 0
    """Of the values that are drawn; that of the training is the config's."""

    @property
    def stage(self) -> str:
        """The stage that is tuned: the last one."""
        return self.config.names[-1]

    def values(self, trial: int) -> Values:
        """The values of a trial."""
        return self.space.draw(self.seed, trial)

    def of_trial(self, trial: int) -> Config:
        """The config of a trial."""
        return of_trial(self.config, self.values(trial), self.epochs)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as search.yaml has them."""
        how = {name: getattr(self, name) for name in ("trials", "epochs", "scheduler", "reduction", "seed")}
        return {**how, "space": self.space.to_dict(), "config": self.config.to_dict()}


@dataclass(frozen=True)
class Trial:
    """What became of a trial."""

    number: int
    values: Values
    state: State
    """finished: ran to the full budget; failed: `reason` says why; open: not over."""
    epochs: int
    """Trained."""
    arousal: float = math.nan
    """Devel CCC of the best epoch; NaN before the first one."""
    valence: float = math.nan
    mean: float = math.nan
    reason: str = ""


def begin(search: Search, folder: Path) -> None:
    """Write search.yaml of a new search; see that a folder that is there holds this very one.

    It may have another number of trials: more are added, or fewer are looked at.

    Raises:
        ConfigError: it holds another search.
    """
    path = folder / SEARCH
    if path.exists():
        there, here = _comparable(read_search(folder)), _comparable(search)
        if there != here:
            changed = ", ".join(sorted(differing(there, here)))
            raise ConfigError(f"{folder}: holds another search ({changed}); give another --run")
    write_text(path, _yaml().safe_dump(search.to_dict(), sort_keys=False))


def read_search(folder: Path) -> Search:
    """The search of a folder.

    Raises:
        ConfigError: search.yaml is damaged.
    """
    path = folder / SEARCH
    try:
        said = _yaml().safe_load(path.read_text(encoding="utf-8"))
        config = config_of(said.pop("config"))
        return Search(config, space_of(config.names[-1], said.pop("space")), **said)
    except (OSError, UnicodeDecodeError, KeyError, AttributeError, TypeError, _yaml().YAMLError) as error:
        raise ConfigError(
            f"{path}: is no search of affekt tune ({' '.join(str(error).split())[:120]})"
        ) from error


def _comparable(search: Search) -> dict[str, Any]:
    plain = search.to_dict()
    del plain["trials"]
    return {**plain, "config": comparable(search.config)}


def trial_folder(folder: Path, trial: int) -> Path:
    """The run folder of a trial."""
    return folder / TRIALS / f"{trial:03}"


def read_trial(search: Search, folder: Path, number: int) -> Trial:
    """What became of a trial.

    Raises:
        ConfigError: its log is damaged.
    """
    run = trial_folder(folder, number)
    said = _ended(run)
    state: State = "finished" if (run / RESULT).exists() else said.get("ended", "open")
    epochs = history(run, search.stage)
    best = max(epochs, key=lambda epoch: epoch[3], default=(0, math.nan, math.nan, math.nan))
    trained = epochs[-1][0] if epochs else 0
    reason = str(said.get("reason", "")) if state == "failed" else ""
    return Trial(number, search.values(number), state, trained, *best[1:], reason)


def history(run: Path, stage: str) -> list[Epoch]:
    """The epochs of a trial's last stage so far.

    Raises:
        ConfigError: its log is damaged.
    """
    path = run / stage / LOG
    try:
        rows = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
        epochs = [
            (int(row["epoch"]), float(row["arousal"]), float(row["valence"]), float(row["mean"]))
            for row in rows
        ]
    except FileNotFoundError:
        epochs = []
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise ConfigError(f"{path}: is damaged; delete {run} to train this trial anew") from error
    over = finished(run / stage)
    if over and (not epochs or epochs[-1][0] < over["epochs"]):
        # Killed between the last checkpoint and its line of the log.
        epochs.append((over["epochs"], over["arousal"], over["valence"], over["mean"]))
    return epochs


def mark(run: Path, ended: Literal["pruned", "failed"], reason: str = "") -> None:
    """Say how a trial ended before its last epoch."""
    run.mkdir(parents=True, exist_ok=True)
    write_values(run / ENDED, {"ended": ended, "reason": reason})


def unmark(run: Path) -> None:
    """Let a trial that failed be tried again."""
    (run / ENDED).unlink(missing_ok=True)


def _ended(run: Path) -> dict[str, Any]:
    try:
        said = json.loads((run / ENDED).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return said if isinstance(said, dict) and said.get("ended") in ("pruned", "failed") else {}


def write_table(trials: Sequence[Trial], space: Space, path: Path) -> None:
    """Write every trial as CSV: trial, state, epochs, its values, arousal, valence, mean."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["trial", "state", "epochs", *space.names, "arousal", "valence", "mean"])
    for one in trials:
        scores = [
            "" if math.isnan(score) else f"{score:.6g}" for score in (one.arousal, one.valence, one.mean)
        ]
        values = [f"{one.values[name]:g}" for name in space.names]
        writer.writerow([one.number, one.state, one.epochs, *values, *scores])
    with atomic(path) as part:
        part.write_text(text.getvalue(), encoding="utf-8")


def _yaml() -> Any:
    import yaml

    return yaml
