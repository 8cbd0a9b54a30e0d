"""Work spread over a Ray cluster of two nodes here: the same results, and nothing of Ray is heard."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from cli.conftest import write_sound
from conftest import ROOT
from corpora.tiny import tree
from media.films import make_film, tone

if find_spec("ray") is None:
    pytest.skip("needs ray", allow_module_level=True)

PATHS = os.pathsep.join(str(ROOT / name) for name in ("src", "tests"))
ENVIRONMENT = {**os.environ, "PYTHONPATH": PATHS, "RAY_USAGE_STATS_ENABLED": "0"}
CLUSTER = """
import sys
from ray.cluster_utils import Cluster
memory = {"num_cpus": 1, "object_store_memory": 80 << 20}
cluster = Cluster(initialize_head=True, head_node_args={**memory, "include_dashboard": False})
cluster.add_node(**memory)
print("at", cluster.address, flush=True)
sys.stdin.read()
cluster.shutdown()
"""
SPREAD = """
import sys
from affekt.workers import SINGLE, spread
from test_workers import outcomes, threads
items = [("well", 1), ("exit", 2), ("fault", 3), ("crash", 4), *(("well", n) for n in range(5, 15))]
print(outcomes(items, ray=sys.argv[1]) == outcomes(items, workers=2))
print(next(spread(threads, [0], ray=sys.argv[1]))[1] == SINGLE)
try:
    outcomes([("bug", 7)], ray=sys.argv[1])
except KeyError as error:
    print(error)
"""


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    """Its address."""
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


def run(*words: object, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run Python with some arguments in a folder."""
    command = [sys.executable, *map(str, words)]
    return subprocess.run(command, cwd=folder, env=ENVIRONMENT, capture_output=True, text=True)


def test_the_same_work_either_way(cluster: str, tmp_path: Path) -> None:
    done = run("-c", SPREAD, cluster, folder=tmp_path)
    assert (done.stdout, done.stderr) == ("True\nTrue\n7\n", "")


def test_prepare(cluster: str, tmp_path: Path) -> None:
    corpus = tmp_path / "mein Korpus"
    corpus.mkdir()
    for k in range(3):
        make_film(corpus / f"Größe {k}.mp4", [0.1 * n for n in range(20)], [(0.0, tone(2.0))])
    (corpus / "broken.mp4").write_bytes(b"no film")
    rows = ["file,partition", *(f"Größe {k}.mp4,train" for k in range(3)), "broken.mp4,devel"]
    (corpus / "manifest.csv").write_text("\n".join(rows), encoding="utf-8")
    both = {"here": ("--workers", 2), "there": ("--ray", cluster)}
    for out, how in both.items():
        done = run("-m", "affekt", "prepare", corpus, "--out", out, *how, folder=tmp_path)
        assert done.returncode == 1 and "3 prepared" in done.stdout
        assert "broken.mp4" in done.stderr and "ray" not in done.stderr.lower()
    assert tree(tmp_path / "there") == tree(tmp_path / "here")


def test_predict(cluster: str, tmp_path: Path) -> None:
    for k in range(2):
        write_sound(tmp_path / "in" / f"{k}.wav", 0.5)
    (tmp_path / "in" / "broken.wav").write_bytes(b"no sound")
    both = {"here": ("--workers", 2), "there": ("--ray", cluster)}
    for out, how in both.items():
        words = "predict", "in", "--out", out, "--format", "csv,html", *how
        done = run("-m", "affekt", *words, folder=tmp_path)
        assert done.returncode == 1 and f"{out}/1.html" in done.stdout
        assert done.stderr.count("broken.wav") == 2 and "1 of 3 files failed" in done.stderr
        assert "raylet" not in done.stdout + done.stderr
    assert sorted(tree(tmp_path / "here")) == ["0.csv", "0.html", "1.csv", "1.html"]
    assert tree(tmp_path / "there") == tree(tmp_path / "here")


@pytest.mark.parametrize("address", ["127.0.0.1:1", "ray://127.0.0.1:1", "nonsense"])
def test_no_cluster_is_said_in_one_line(address: str, tmp_path: Path) -> None:
    write_sound(tmp_path / "a.wav", 0.5)
    done = run("-m", "affekt", "predict", "a.wav", "--ray", address, folder=tmp_path)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.startswith(f"affekt: {address}: no Ray cluster answers there")
    assert done.stderr.count("\n") == 1
