"""The command line as a test calls it: in this process, in an empty folder, with a model loaded once."""

from __future__ import annotations

import os
import subprocess
import sys
import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

import affekt
from affekt.cli import affekt as command

Run = Callable[..., Result]
Shell = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run(model: affekt.Model, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("affekt.api.load_model", lambda name, **_: model)
    return lambda *words: CliRunner().invoke(command, [str(word) for word in words])


@pytest.fixture
def shell(model_folder: Path, tmp_path: Path) -> Shell:
    """Runs `affekt …` in a shell of its own; "$MODEL" is the bundle's folder."""
    source = Path(affekt.__file__).parents[1]
    path = os.pathsep.join(filter(None, [str(source), os.environ.get("PYTHONPATH")]))
    env = {**os.environ, "PYTHONPATH": path, "MODEL": str(model_folder), "OMP_NUM_THREADS": "1"}

    def call(words: str) -> subprocess.CompletedProcess[str]:
        script = f'affekt() {{ "{sys.executable}" -m affekt "$@"; }}; {words}'
        return subprocess.run(
            ["bash", "-c", script], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=250
        )

    return call


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    """One second of a tone."""
    return write_sound(tmp_path / "talk.wav")


def write_sound(path: Path, seconds: float = 1.0) -> Path:
    tone = 8000 * np.sin(2 * np.pi * 440 * np.arange(round(seconds * 16_000)) / 16_000)
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes(tone.astype("<i2").tobytes())
    return path
