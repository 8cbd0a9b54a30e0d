"""What a run's folder says of it, beside what its stages leave there."""

from __future__ import annotations

import json
import platform
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric

from affekt.errors import ConfigError
from affekt.timeline.files import atomic
from affekt.training.config import Config, read_config, write_config
from affekt.training.precision import precision_said
from affekt.training.stage import finished
from affekt.version import __version__

CONFIG, ABOUT, BUNDLE = "config.yaml", "about.json", "bundle"
PACKAGES = ("torch", "lightning-fabric", "numpy", "transformers", "timm", "onnx", "onnxruntime", "ray")


def begin(config: Config, run: Path, corpus: str, fabric: Fabric, command: Sequence[str]) -> None:
    """Write what a new run was told; see that a folder that is there holds this very run.

    Raises:
        ConfigError: it holds another one.
    """
    path = run / CONFIG
    if path.exists():
        there = read_config(path)
        if comparable(there) != comparable(config):
            changed = ", ".join(sorted(differing(comparable(there), comparable(config))))
            raise ConfigError(f"{run}: holds a run of another config ({changed}); give another --run")
    if finished(run) is None:
        write_config(config, path)
    if (run / ABOUT).exists():
        return
    about = {
        "affekt": __version__,
        "versions": {name: found for name in PACKAGES if (found := _version(name))},
        "python": platform.python_version(),
        "seed": config.seed,
        "git": git_state(),
        "device": _device(fabric),
        "precision": precision_said(config.machine.precision, fabric.device),
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "corpus": corpus,
        "command": list(command),
        "weights": {},
    }
    write_json(about, run / ABOUT)


def comparable(config: Config) -> dict[str, Any]:
    """A config without what may change when a run goes on: the machine, and how long it may last."""
    plain = config.to_dict()
    del plain["machine"]
    for fitting in (plain["training"], *plain["stages"].values()):
        for name in ("epochs", "patience"):
            fitting.pop(name, None)
    return plain


def differing(one: dict[str, Any], other: dict[str, Any], where: str = "") -> list[str]:
    """Dotted names of what two plain configs say differently."""
    found = []
    for name in {*one, *other}:
        a, b = one.get(name), other.get(name)
        if isinstance(a, dict) and isinstance(b, dict):
            found += differing(a, b, f"{where}{name}.")
        elif a != b:
            found.append(f"{where}{name}")
    return found


def write_json(values: Any, path: Path) -> None:
    """Write JSON whole or not at all."""
    with atomic(path) as part:
        part.write_text(json.dumps(values, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def git_state() -> dict[str, Any] | None:
    """Commit and cleanness of the current folder, else of affekt's own; None where neither is a checkout."""
    return _git(Path.cwd()) or _git(Path(__file__).parent)


def _git(folder: Path) -> dict[str, Any] | None:
    def ask(*words: str) -> str | None:
        try:
            done = subprocess.run(
                ["git", *words], cwd=folder, capture_output=True, text=True, timeout=10, check=False
            )
        except (OSError, subprocess.SubprocessError):
            return None
        return done.stdout.strip() if done.returncode == 0 else None

    commit = ask("rev-parse", "HEAD")
    return None if commit is None else {"commit": commit, "dirty": bool(ask("status", "--porcelain"))}


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _device(fabric: Fabric) -> str:
    if fabric.device.type == "cuda":
        return torch.cuda.get_device_name(fabric.device)
    return f"{platform.processor() or platform.machine()}, {torch.get_num_threads()} threads"
