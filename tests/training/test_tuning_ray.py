"""Searches on Ray, here and on a cluster, killed with SIGKILL on their way; trials are known curves."""

from __future__ import annotations

import csv
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from test_cluster import CLUSTER, ENVIRONMENT

pytest.importorskip("ray.tune", exc_type=ImportError)

SEARCH = """
import sys
from pathlib import Path
from unittest import mock
from affekt.training.config import Config
from affekt.training.tuning import search
from affekt.training.tuning.folder import Search
from affekt.training.tuning.space import space_of
from training.tuning_curves import curve
folder, scheduler, reduction, address = sys.argv[1:]
told = Search(Config(modalities=("text",)), space_of("text"), 12, 9, scheduler, float(reduction))
with mock.patch.object(search, "open_prepared"):
    search.tune(told, Path(folder), workers=2, ray=address or None, objective=curve)
"""
SLOW, QUICK = "0.3", "0.002"
"""Seconds of an epoch."""


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    """Address of a cluster of two nodes here."""
    with subprocess.Popen(
        [sys.executable, "-c", CLUSTER],
        env=ENVIRONMENT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("at "):
                yield line.split()[1]
                break
        process.communicate()


def start(folder: Path, *words: str, pace: str = QUICK) -> subprocess.Popen[str]:
    folder.mkdir(exist_ok=True)
    (folder / "pace").write_text(pace)
    command = [sys.executable, "-c", SEARCH, str(folder), *words]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, env=ENVIRONMENT, stdout=pipe, stderr=pipe, text=True)


def finish(process: subprocess.Popen[str]) -> list[str]:
    """Lines of one that ends well and complains of nothing."""
    said, complaint = process.communicate(timeout=200)
    assert (process.returncode, complaint) == (0, "")
    return said.splitlines()


def kill_after(process: subprocess.Popen[str], epochs: int, folder: Path) -> list[str]:
    """SIGKILL once so many epochs are trained and a trial is over; what had been said."""
    assert process.stdout is not None
    said: list[str] = []
    for line in process.stdout:
        said.append(line.rstrip("\n"))
        if "trial " in line and "failed" not in line and len(trained(folder)) >= epochs:
            break
    else:
        raise AssertionError(process.communicate()[1])
    process.kill()
    return said + process.communicate()[0].splitlines()


def trained(folder: Path) -> list[str]:
    path = folder / "epochs.txt"
    return path.read_text().splitlines() if path.exists() else []


def table(folder: Path) -> list[dict[str, str]]:
    with (folder / "trials.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_search_that_was_killed_goes_on(tmp_path: Path) -> None:
    folder = tmp_path / "search"
    folder.mkdir()
    (folder / "broken").touch()  # three layers fail, for now: trials 0, 3, 7 and 11
    words = ("asha", "3", "")
    before = kill_after(start(folder, *words, pace=SLOW), 10, folder)
    (folder / "broken").unlink()
    kept = trained(folder)
    after = finish(start(folder, *words))

    assert any("failed: three layers are too many" in line for line in before)
    over = [line.split("trial ")[1][:3] for line in before if "failed" not in line]
    again = [line.split("trial ")[1][:3] for line in after]
    assert over and sorted(over + again) == [f"{number:03}" for number in range(12)]
    # No epoch is trained twice, and what was over is not looked at again.
    assert max(Counter(trained(folder)).values()) == 1
    assert trained(folder)[: len(kept)] == kept
    assert not {line.split()[0] for line in trained(folder)[len(kept) :]} & set(over)

    rows = table(folder)
    assert {row["state"] for row in rows} == {"finished", "pruned"}
    assert all((row["state"] == "finished") == (row["epochs"] == "9") for row in rows)
    assert len(trained(folder)) == sum(int(row["epochs"]) for row in rows) < 12 * 9 * 0.7
    best = max((row for row in rows if row["state"] == "finished"), key=lambda row: float(row["mean"]))
    assert f"lr: {float(best['lr']):g}" in (folder / "best.yaml").read_text()
    assert not (folder / ".ray-tune").exists()


@pytest.mark.slow
def test_hyperband_on_a_cluster_decides_the_same_after_a_kill(cluster: str, tmp_path: Path) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    words = ("hyperband", "3", cluster)
    assert len(finish(start(whole, *words))) == 12
    kill_after(start(killed, *words, pace="0.1"), 25, killed)
    finish(start(killed, *words))
    assert table(killed) == table(whole)
    # Ray fills brackets from the one that prunes nothing: 3 trials of 9 epochs; 5 of 3, of which 2 go on;
    # 4 of 1, of which 3 go on to 3 epochs and 1 to 9.
    assert Counter(int(row["epochs"]) for row in table(whole)) == {9: 6, 3: 5, 1: 1}
    assert sum(row["state"] == "finished" for row in table(whole)) == 6
    for folder in (whole, killed):
        assert max(Counter(trained(folder)).values()) == 1
