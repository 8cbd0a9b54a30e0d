"""A run that is killed anywhere and started again ends with the weights of one that was left alone."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from affekt.errors import ConfigError
from affekt.training.config import read_config
from affekt.training.run import train
from prepared import write_tiny

# Checkpoints after every step, and a pause in each so that a kill finds it anywhere in an epoch.
SLOW = """
import sys, time
import affekt.training.stage as stage
from affekt.training.config import read_config
from affekt.training.run import train
from pathlib import Path
step = stage.Stage._step
def slowly(self, batch):
    loss = step(self, batch)
    print("step", flush=True)
    time.sleep(0.02)
    return loss
stage.Stage._step = slowly
train(read_config(Path(sys.argv[1])), Path(sys.argv[2]), export=False)
"""


def start(config: Path, run: Path) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", SLOW, str(config), str(run)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )


def kill_after(steps: int, config: Path, run: Path) -> None:
    with start(config, run) as process:
        assert process.stdout is not None
        seen = 0
        for line in process.stdout:
            seen += line.startswith("step")
            if seen == steps:
                break
        if seen == steps:
            time.sleep(0.01)
            process.send_signal(signal.SIGKILL)
        _, errors = process.communicate()
    assert seen == steps, errors


def same(one: Path, other: Path, stage: str) -> None:
    a, b = load_file(one / stage / "best.safetensors"), load_file(other / stage / "best.safetensors")
    assert a.keys() == b.keys()
    for name in a:
        assert torch.equal(a[name], b[name]), name
    last = [torch.load(run / stage / "last.pt", weights_only=True) for run in (one, other)]
    for name, value in last[0]["learner"].items():
        assert torch.equal(value, last[1]["learner"][name]), name
    moments = [saved["optimiser"]["state"] for saved in last]
    assert moments[0].keys() == moments[1].keys()
    for key, state in moments[0].items():
        for name, value in state.items():
            assert torch.equal(value, moments[1][key][name]), (key, name)


def test_killed_thrice_it_ends_with_the_same_weights_to_the_bit(small_prepared: Path, tmp_path: Path) -> None:
    changes = {
        "machine": {"checkpoint_seconds": 0.0},
        "stages": {
            "text": {"batch": 2},
            "audio": {"batch": 2},
            "visual": {"batch": 2},
            "fusion": {"batch": 2},
        },
    }
    config = write_tiny(tmp_path / "config.yaml", small_prepared, **changes)
    train(read_config(config), tmp_path / "whole", export=False)
    # 2 train recordings of 120 frames, 25 a window: 10 windows, 5 steps an epoch, 2 epochs a stage. The kills
    # fall within the text stage, on the edge of an epoch of another, and within the fusion stage.
    for steps in (3, 12, 14):
        kill_after(steps, config, tmp_path / "killed")
    assert not (tmp_path / "killed" / "result.json").exists()
    train(read_config(config), tmp_path / "killed", export=False)
    for stage in ("text", "audio", "visual", "fusion"):
        same(tmp_path / "whole", tmp_path / "killed", stage)
    results = [json.loads((tmp_path / run / "result.json").read_text()) for run in ("whole", "killed")]
    assert results[0]["mean"] == results[1]["mean"]
    logs = []
    for run in ("whole", "killed"):
        with (tmp_path / run / "fusion" / "log.csv").open() as file:
            logs.append([(row["epoch"], row["loss"], row["mean"]) for row in csv.DictReader(file)])
    assert logs[0] == logs[1]
    assert len(logs[0]) == 2


def test_more_epochs_go_on_from_the_last_one(small_prepared: Path, tmp_path: Path) -> None:
    config = write_tiny(tmp_path / "config.yaml", small_prepared, modalities=["text"])
    short = read_config(config, ["training.epochs=1"])
    train(short, tmp_path / "run", export=False)
    (tmp_path / "run" / "text" / "result.json").unlink()
    (tmp_path / "run" / "result.json").unlink()
    train(read_config(config), tmp_path / "run", export=False)
    train(read_config(config), tmp_path / "whole", export=False)
    same(tmp_path / "run", tmp_path / "whole", "text")


def test_another_config_is_not_mixed_in(small_prepared: Path, tmp_path: Path) -> None:
    config = write_tiny(tmp_path / "config.yaml", small_prepared, modalities=["text"])
    train(read_config(config), tmp_path / "run", export=False)
    with pytest.raises(ConfigError, match=r"run: holds a run of another config \(seed, training.lr\)"):
        train(read_config(config, ["seed=3", "training.lr=0.1"]), tmp_path / "run", export=False)


@pytest.mark.parametrize("damage", ["cut", "other", "text"])
def test_a_damaged_checkpoint_is_named(small_prepared: Path, tmp_path: Path, damage: str) -> None:
    config = write_tiny(tmp_path / "config.yaml", small_prepared, modalities=["text"])
    train(read_config(config), tmp_path / "run", export=False)
    (tmp_path / "run" / "text" / "result.json").unlink()
    last = tmp_path / "run" / "text" / "last.pt"
    if damage == "cut":
        last.write_bytes(last.read_bytes()[:1000])
    elif damage == "text":
        last.write_text("nothing")
    else:
        torch.save({"learner": {}}, last)
    with pytest.raises(ConfigError, match=r"last\.pt: is no checkpoint of this run .* delete the folder"):
        train(read_config(config), tmp_path / "run", export=False)
