"""What commands that compare need of a run folder of `affekt train`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from affekt.errors import ConfigError


@dataclass(frozen=True, slots=True)
class TrainedOn:
    """The gold that a run's devel predictions are to be compared with."""

    folder: Path
    """Of `affekt prepare`."""
    folds: bool
    """Devel is a fold of the run's own, not the corpus' partition."""
    delays: tuple[tuple[str, float], ...] | None
    """(dimension, seconds) by which gold was moved earlier; None: as the folder was prepared."""


def is_run(path: Path) -> bool:
    """Whether `affekt train` made this folder."""
    return (path / "config.yaml").is_file() and (path / "about.json").is_file()


def last_stage(run: Path) -> str:
    """The stage that a finished run ended with.

    Raises:
        ConfigError: the run is not finished, or damaged.
    """
    path = run / "result.json"
    try:
        stage = json.loads(path.read_text(encoding="utf-8"))["final"]
    except FileNotFoundError as error:
        raise ConfigError(
            f"{run}: is a run that is not finished; run affekt train again, it goes on"
        ) from error
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror or error})") from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ConfigError(f"{path}: is damaged; name a folder of predictions instead of the run") from error
    if not isinstance(stage, str) or not stage or Path(stage).name != stage:
        raise ConfigError(f"{path}: names no last stage; name a folder of predictions instead of the run")
    return stage


def trained_on(run: Path) -> TrainedOn:
    """What a run was trained on.

    Raises:
        ConfigError: its config cannot be read, or does not say.
    """
    path = run / "config.yaml"
    try:
        import yaml
    except ImportError as error:
        raise ConfigError(f"{path}: PyYAML is needed to read it; pip install 'affekt[train]'") from error
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))["data"]
        folder, folds, late = data["folder"], data.get("folds", 0), data.get("annotation_delay")
        delays = None if late is None else tuple((str(name), float(late[name])) for name in sorted(late))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror or error})") from error
    except (yaml.YAMLError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ConfigError(f"{path}: is damaged, or has no data.folder; give --gold") from error
    if not isinstance(folder, str) or not folder:
        raise ConfigError(f"{path}: data.folder is no folder; give --gold")
    return TrainedOn(Path(folder), bool(folds), delays)
