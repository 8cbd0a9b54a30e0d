"""`affekt train`: a config in, a run out; a second time it is done."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from affekt.cli import affekt as command
from affekt.training.config import read_config
from prepared import write_tiny

Train = Callable[..., Result]


@pytest.fixture
def train(small_prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Train:
    """Runs `affekt train …` where tiny.yaml is a config of one modality."""
    monkeypatch.chdir(tmp_path)
    write_tiny(Path("tiny.yaml"), small_prepared, modalities=["audio"])
    return lambda *words: CliRunner().invoke(command, ["train", *(str(word) for word in words)])


def test_a_run_and_the_same_run_again(train: Train) -> None:
    words = ["tiny.yaml", "seed=4", "training.epochs=1", "--run", "out/first"]
    done = train(*words)
    assert done.exit_code == 0, done.output
    result = json.loads(Path("out/first/result.json").read_text())
    assert f"devel CCC: arousal {result['arousal']:.3f}, valence {result['valence']:.3f}" in done.stdout
    assert "affekt predict FILE --model out/first" in done.stdout
    assert "audio   epoch   1  loss " in done.stdout
    config = read_config(Path("out/first/config.yaml"))
    assert (config.seed, config.training.epochs) == (4, 1)
    assert json.loads(Path("out/first/about.json").read_text())["seed"] == 4
    again = train(*words)
    assert again.exit_code == 0
    assert "out/first: is finished" in again.stdout and "epoch" not in again.stdout
    assert again.stdout.splitlines()[-1] == done.stdout.splitlines()[-1]
    other = train("tiny.yaml", "seed=5", "training.epochs=1", "--run", "out/first")
    assert other.exit_code == 2
    assert other.stderr == "affekt: out/first: holds a run of another config (seed); give another --run\n"


def test_a_run_is_called_as_its_config(train: Train) -> None:
    done = train("tiny.yaml", "training.epochs=1")
    assert done.exit_code == 0, done.output
    assert Path("runs/tiny/bundle/config.json").is_file()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["none.yaml"], "none.yaml: cannot be read (No such file or directory)"),
        (["tiny.yaml", "seed"], "seed: is no change; write KEY=VALUE"),
        (["tiny.yaml", "head.hidden=abc"], "tiny.yaml: head.hidden: is 'abc', not of type int"),
        (["tiny.yaml", "data.folder=away"], "away: nothing was prepared in this folder; run affekt prepare"),
        (["tiny.yaml", "machine.devices=0"], "machine: `Fabric(devices=0)`"),
    ],
)
def test_faults_are_one_line(train: Train, words: list[str], said: str) -> None:
    done = train(*words)
    assert done.exit_code == 2
    assert done.stderr.startswith("affekt: ") and done.stderr.count("\n") == 1
    assert said in done.stderr


def test_help_of_both(train: Train) -> None:
    for words in (["default", "--help"], ["run", "--help"], ["tiny.yaml", "--help"], ["--help"]):
        done = train(*words)
        assert done.exit_code == 0, done.output
    assert "--data" in train("default", "--help").stdout
    assert "CONFIG [KEY=VALUE]" in train("tiny.yaml", "--help").stdout
    assert "affekt train CONFIG.yaml --run DIR" in train("--help").stdout


# In a process of its own, into which nothing has brought PyTorch yet.
WITHOUT = """
import sys
import affekt.cli
print([one for one in ("torch", "yaml", "ray", "pandas") if one in sys.modules], flush=True)
sys.modules["torch"] = None
affekt.cli.main()
"""


@pytest.mark.parametrize("words", [["tiny.yaml"], ["default", "--data", "."]])
def test_without_pytorch_it_says_what_to_install(train: Train, words: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT, "train", *words],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr == "affekt: this needs torch; pip install 'affekt[train]'\n"
    assert done.stdout == "[]\n"  # the command line itself imports nothing heavy
