"""The run folders of `affekt train`, read without PyTorch: what was asked, what came out, what is wrong.

A run may be written to while it is read, have been killed, or be damaged: what can be read of it is, and the
rest is a line among its faults. docs/runs.md lists the files.
"""

from __future__ import annotations

import csv
import json
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice, takewhile
from pathlib import Path
from typing import Any, Literal

import numpy as np

from affekt.errors import ConfigError
from affekt.timeline import MODALITIES

State = Literal["finished", "running", "stopped"]
STAGES = (*MODALITIES, "fusion")
"""In the order in which they are trained (section 5.3)."""
SCORES = ("arousal", "valence", "mean")
"""CCC on devel, over whole recordings."""
COLUMNS = ("epoch", "step", "loss", *SCORES, "lr", "seconds")
"""Of log.csv; others are not read."""
DEPTH = 3
"""Folders below the one that is named in which runs are looked for."""

_ABOUT, _CONFIG, _LOG, _RESULT = "about.json", "config.yaml", "log.csv", "result.json"
_VALUES = 2_000
"""Values a config may have: aliases within aliases make millions of a few lines."""
_SILENT, _EPOCHS = 600.0, 5
"""A run that wrote nothing for so many seconds, and for so many of its longest epochs, has stopped."""


@dataclass(frozen=True, slots=True, eq=False)
class Stage:
    """One network's training."""

    name: str
    log: Mapping[str, np.ndarray]
    """Column → (E,) float64, epochs increasing; NaN is no value. Empty before the first epoch is over."""
    result: Mapping[str, Any]
    """Its result.json; empty while it is not over."""

    @property
    def epoch(self) -> float:
        """Of the best devel CCC so far; NaN before there is one."""
        return number(self.result.get("epoch")) if self.result else self._logged("epoch")

    @property
    def epochs(self) -> float:
        """Trained; NaN before the first is over."""
        if self.result:
            return number(self.result.get("epochs"))
        return float(self.log["epoch"][-1]) if self.log else math.nan

    @property
    def scores(self) -> tuple[float, ...]:
        """Of the best epoch, as `SCORES`; NaN where there is none."""
        return tuple(number(self.result.get(key)) if self.result else self._logged(key) for key in SCORES)

    def _logged(self, column: str) -> float:
        """A column in the epoch of the highest mean."""
        if not self.log or not np.isfinite(self.log["mean"]).any():
            return math.nan
        return float(self.log[column][np.nanargmax(self.log["mean"])])


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """A run folder."""

    folder: Path
    name: str
    """Its path from the folder that all of those read with it lie in."""
    state: State
    about: Mapping[str, Any]
    config: Mapping[str, str]
    """Dotted name → the value as it is written; empty if there is none to read."""
    stages: tuple[Stage, ...]
    """Those begun."""
    final: Stage | None
    """Whose scores are the run's; until it is finished, the one at work, or the last that is over."""
    faults: tuple[str, ...]
    """A line each, the file first."""

    @property
    def modalities(self) -> tuple[str, ...]:
        """As configured; without a config, those that were trained."""
        said = set(self.config.get("modalities", "").split(", "))
        said = said & {*MODALITIES} or {stage.name for stage in self.stages}
        return tuple(one for one in MODALITIES if one in said)

    @property
    def fusion(self) -> str:
        """Its name, "default" where the config leaves it open; "" for one modality and without a config."""
        if len(self.modalities) < 2 or not self.config:
            return ""
        return self.config.get("fusion.kind", "default")

    @property
    def started(self) -> str:
        """Day and minute as the machine's clock had them; "" if unknown."""
        try:
            return f"{datetime.fromisoformat(str(self.about.get('started'))):%Y-%m-%d %H:%M}"
        except ValueError:
            return ""

    @property
    def scores(self) -> tuple[float, ...]:
        """As `SCORES`: of the final stage, or as far as it has come; NaN where there is none."""
        return self.final.scores if self.final else (math.nan,) * len(SCORES)


def number(value: object) -> float:
    """A number of a JSON file; NaN for anything else.

    >>> number(3), number(True), number("3"), number(10**400)
    (3.0, nan, nan, nan)
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        return math.nan
    return float(value) if abs(value) < 1e300 else math.nan


def find_runs(folder: Path) -> list[Path]:
    """The run folders in a folder, up to `DEPTH` below it, or itself; links to folders are not followed.

    Raises:
        ConfigError: there is none.
    """
    if not folder.is_dir():
        raise ConfigError(f"{folder}: there is no such folder; name one that holds runs of affekt train")
    try:
        next(folder.iterdir(), None)
    except OSError as error:
        raise ConfigError(f"{folder}: cannot be looked into ({error.strerror or error})") from error
    found = list(_inside(folder, DEPTH))
    if not found:
        raise ConfigError(
            f"{folder}: there is no run in it (a folder with {_CONFIG} and {_ABOUT}); affekt train makes one"
        )
    return found


def is_run(folder: Path) -> bool:
    """Whether a folder is a run's, be it that one of its two first files is lost but there is a log."""
    there = [(folder / name).is_file() for name in (_ABOUT, _CONFIG)]
    return all(there) or (any(there) and any((folder / name / _LOG).is_file() for name in STAGES))


def _inside(folder: Path, depth: int) -> Iterator[Path]:
    if is_run(folder):
        yield folder
    elif depth:
        try:
            children = sorted(folder.iterdir())
        except OSError:  # one folder among many that is not for us
            return
        for child in children:
            if child.is_dir() and not child.is_symlink() and not child.name.startswith("."):
                yield from _inside(child, depth - 1)


def read_runs(folders: Sequence[Path], now: float) -> list[Run]:
    """Read run folders, best first: by devel CCC, mean of both dimensions, those finished before the others.

    Args:
        folders: of `find_runs`.
        now: seconds since the epoch, as `time.time` has them; tells a run at work from one that stopped.

    Raises:
        ConfigError: PyYAML is not installed.
    """
    once: dict[str, Path] = {}
    for folder in folders:
        once.setdefault(os.path.realpath(folder), folder)
    folders = list(once.values())
    paths = [Path(os.path.abspath(folder)).parts for folder in folders]
    above = zip(*(path[:-1] for path in paths), strict=False)
    shared = sum(1 for _ in takewhile(lambda parts: len(set(parts)) == 1, above))
    runs = [_read(folder, "/".join(path[shared:]), now) for folder, path in zip(folders, paths, strict=True)]
    return sorted(runs, key=lambda run: (run.state != "finished", -_low(run.scores[-1]), run.name))


def _low(score: float) -> float:
    return score if math.isfinite(score) else -math.inf


def differences(runs: Sequence[Run]) -> dict[str, list[str]]:
    """What tells the configs of runs apart: dotted name → its value in each, "–" where there is none."""
    names = dict.fromkeys(name for run in runs for name in run.config)
    rows = {name: [run.config.get(name, "–") for run in runs] for name in names}
    # A run whose config is lost differs in nothing.
    known = [place for place, run in enumerate(runs) if run.config]
    return {name: row for name, row in rows.items() if len({row[place] for place in known}) > 1}


def _read(folder: Path, name: str, now: float) -> Run:
    faults: list[str] = []
    config = _config(folder / _CONFIG, faults)
    about = _json(folder, _ABOUT, faults)
    result = _json(folder, _RESULT, faults) if (folder / _RESULT).exists() else {}
    over = result.get("stages")
    stages = _stages(folder, over if isinstance(over, dict) else {}, faults)
    final = next((one for one in stages if one.name == result.get("final")), None)
    if result and final is None:
        faults.append(f"{_RESULT}: names no final stage that is there")
    if final is None and stages:
        # A config may have the modalities in another order.
        final = next((one for one in stages if not one.result), stages[-1])
    if result:
        state: State = "finished"
    else:
        state = "stopped" if _is_silent(folder, stages, now) else "running"
    return Run(folder, name, state, about, config, tuple(stages), final, tuple(faults))


def _stages(folder: Path, over: Mapping[str, Any], faults: list[str]) -> list[Stage]:
    stages = []
    for name in STAGES:
        said = over.get(name)
        result = said if isinstance(said, dict) else {}
        if (folder / name / _RESULT).exists():
            result = _json(folder, f"{name}/{_RESULT}", faults) or result
        log = _log(folder, f"{name}/{_LOG}", faults) if (folder / name / _LOG).exists() else {}
        if result or (folder / name).is_dir():
            stages.append(Stage(name, log, result))
    return stages


def _json(folder: Path, name: str, faults: list[str]) -> dict[str, Any]:
    """A JSON file's table; empty, and a fault, if it is none."""
    try:
        values = json.loads((folder / name).read_text(encoding="utf-8"))
    except OSError as error:
        faults.append(f"{name}: cannot be read ({error.strerror or error})")
    except (ValueError, RecursionError):
        faults.append(f"{name}: is not JSON, damaged or half-written")
    else:
        if isinstance(values, dict):
            return values
        faults.append(f"{name}: is not a table of values")
    return {}


def _config(path: Path, faults: list[str]) -> dict[str, str]:
    try:
        import yaml
    except ImportError as error:
        raise ConfigError(f"{path}: PyYAML is needed to read it; pip install 'affekt[train]'") from error
    try:
        # The base loader leaves values as they are written and makes no object of any.
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)
        values = dict(islice(_flat(content), _VALUES + 1)) if isinstance(content, dict) else {}
    except OSError as error:
        faults.append(f"{path.name}: cannot be read ({error.strerror or error})")
    except (ValueError, RecursionError, yaml.YAMLError):
        faults.append(f"{path.name}: is not YAML, damaged or half-written")
    else:
        if 0 < len(values) <= _VALUES:
            return values
        what = f"has more than {_VALUES:,} values" if values else "is not a table of values"
        faults.append(f"{path.name}: {what}")
    return {}


def _flat(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Dotted names and texts of what is nested.

    >>> list(_flat({"a": {"b": "1", "c": ["x", "y"]}, "d": [{"e": "2"}], "f": {}}))
    [('a.b', '1'), ('a.c', 'x, y'), ('d.0.e', '2'), ('f', '')]
    """
    nested = isinstance(value, list) and any(isinstance(one, list | dict) for one in value)
    if value and (nested or isinstance(value, dict)):
        for key, one in enumerate(value) if nested else value.items():
            yield from _flat(one, f"{name}.{key}" if name else str(key))
    else:
        yield name, value if isinstance(value, str) else ", ".join(value)


def _log(folder: Path, name: str, faults: list[str]) -> dict[str, np.ndarray]:
    """The columns of a log; lines that are no numbers are left out and counted among the faults.

    A last line without its end is being written. An epoch that stands there twice, since a run was resumed,
    is the later one.
    """
    try:
        lines = (folder / name).read_text(encoding="utf-8").split("\n")[:-1]
        head, *rows = list(csv.reader(lines)) or [[]]
    except OSError as error:
        faults.append(f"{name}: cannot be read ({error.strerror or error})")
        return {}
    except (ValueError, csv.Error):
        faults.append(f"{name}: is not a table in CSV")
        return {}
    if lines and (missing := [column for column in COLUMNS if column not in head]):
        faults.append(f"{name}: has no column {', '.join(missing)}")
        return {}
    epochs: dict[int, list[float]] = {}
    places, bad = [head.index(column) for column in COLUMNS if lines], []
    for line, row in enumerate(rows, 2):
        try:
            values = [float(row[place] or "nan") for place in places]
            epochs[int(values[0])] = [value if math.isfinite(value) else math.nan for value in values]
        except (ValueError, OverflowError, IndexError):
            bad.append(line)
    if bad:
        more = f" (and {len(bad) - 1:,} more)" if len(bad) > 1 else ""
        faults.append(f"{name}, line {bad[0]}: is not numbers, left out{more}")
    table = np.array([epochs[one] for one in sorted(epochs)]).reshape(-1, len(COLUMNS))
    return dict(zip(COLUMNS, table.T, strict=True)) if epochs else {}


def _is_silent(folder: Path, stages: Sequence[Stage], now: float) -> bool:
    places = [folder, *(folder / stage.name for stage in stages)]
    longest = max((float(np.nanmax(one.log["seconds"], initial=0)) for one in stages if one.log), default=0)
    try:
        written = [entry.stat().st_mtime for place in places for entry in os.scandir(place)]
    except OSError:  # moved away while we looked
        return True
    return now - max(written, default=0.0) > max(_SILENT, _EPOCHS * longest)
