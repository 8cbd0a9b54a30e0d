"""Trials without training: known learning curves, and the folder that training would leave."""

from __future__ import annotations

import json
import math
import os
import time
from pathlib import Path
from typing import Any

from affekt.errors import ConfigError
from affekt.training.config import Config
from affekt.training.devel import Score
from report.run_folders import write_log


def height(config: Config) -> float:
    """What a config's curve of arousal rises to: best at lr 1e-4 and two layers."""
    lr, layers = config.fitting(config.names[-1]).lr, config.head["layers"]
    return 0.8 - 0.2 * abs(math.log10(lr) + 4) - 0.1 * abs(layers - 2)


def curve(config: Config, run: Path, *, on_epoch: Any, export: bool) -> dict[str, Any]:
    """Take the place of `training.run.train`: arousal is height × epoch / epochs, valence .1 less.

    The search's folder gets a file `epochs.txt` with a line for each epoch trained. A file `pace` in it has
    the seconds of an epoch; where there is one called `broken`, three layers cannot be trained.
    """
    search, stage, count = run.parent.parent, config.names[-1], config.fitting(config.names[-1]).epochs
    run.mkdir(parents=True, exist_ok=True)
    if (search / "broken").exists() and config.head["layers"] == 3:
        raise ConfigError("three layers are too many")
    log = run / stage / "log.csv"
    there = len(log.read_text().splitlines()) - 1 if log.exists() else 0
    rows = [(height(config) * k / count, height(config) * k / count - 0.1) for k in range(1, 1 + count)]
    for epoch in range(there + 1, count + 1):
        time.sleep(float((search / "pace").read_text()))
        write_log(run / "next", rows[:epoch])
        log.parent.mkdir(exist_ok=True)
        os.replace(run / "next" / "log.csv", log)
        with (search / "epochs.txt").open("a") as epochs:
            epochs.write(f"{run.name} {epoch}\n")
        on_epoch(epoch, Score(*rows[epoch - 1]))
    (arousal, valence), mean = rows[-1], sum(rows[-1]) / 2
    result = {"epochs": count, "arousal": arousal, "valence": valence, "mean": mean}
    for path in (run / stage / "result.json", run / "result.json"):
        path.write_text(json.dumps(result))
    return result
