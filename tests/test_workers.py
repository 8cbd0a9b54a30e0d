"""Work spread over processes and over a cluster: all of it is done, and what dies costs itself only."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from affekt.errors import ClusterError, MediaError
from affekt.workers import DIED, SINGLE, _first_line, spread
from conftest import ROOT

Item = tuple[str, int]


def work(item: Item) -> int:
    """What the tests have done, and how it goes wrong."""
    way, number = item
    if way == "fault":
        raise MediaError(f"{number}: is damaged")
    if way == "bug":
        raise KeyError(number)
    if way == "exit":
        os._exit(3)
    if way == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    return number * number


def threads(_: int) -> dict[str, str | None]:
    return {name: os.environ.get(name) for name in SINGLE}


def process(_: int) -> int:
    time.sleep(0.05)
    return os.getpid()


def sleep(seconds: float) -> None:
    time.sleep(seconds)


def outcomes(items: list[Item], **how: Any) -> dict[Item, object]:
    """Each item's result, a fault as its text."""
    done = spread(work, items, **how)
    return {item: str(result) if isinstance(result, Exception) else result for item, result in done}


def test_what_a_cluster_says_is_cut_between_words() -> None:
    said = "Could not find any running Ray instance. Please specify the one to connect to by setting "
    said += "`--address` flag or `RAY_ADDRESS` environment variable."
    assert _first_line(ConnectionError(f"{said}\nmore")) == said
    assert _first_line(ConnectionError("word " * 40)).endswith("word …")


@pytest.mark.parametrize("workers", [1, 3])
def test_all_is_done_once(workers: int) -> None:
    items = [("well", n) for n in range(7)]
    done = list(spread(work, items, workers=workers))
    assert sorted(done) == [(item, item[1] ** 2) for item in items]


def test_nothing_to_do() -> None:
    assert list(spread(work, [])) == []


@pytest.mark.parametrize("workers", [1, 2])
def test_what_fails_or_dies_costs_itself_only(workers: int) -> None:
    items = [("well", 1), ("exit", 2), ("fault", 3), ("crash", 4), ("well", 5), ("exit", 6)]
    assert outcomes(items, workers=workers) == {
        ("well", 1): 1,
        ("exit", 2): DIED,
        ("fault", 3): "3: is damaged",
        ("crash", 4): DIED,
        ("well", 5): 25,
        ("exit", 6): DIED,
    }


def test_faults_keep_their_kind() -> None:
    [(_, fault)] = spread(work, [("fault", 1)])
    [(_, death)] = spread(work, [("exit", 1)])
    assert type(fault) is MediaError and type(death) is ClusterError


def test_a_bug_is_not_taken_for_a_fault() -> None:
    with pytest.raises(KeyError):
        list(spread(work, [("bug", 1), ("well", 2)]))


def test_processes_are_kept_and_single_threaded() -> None:
    before = dict(os.environ)
    assert len({pid for _, pid in spread(process, list(range(6)), workers=2)}) <= 2
    [(_, found)] = spread(threads, [0])
    assert found == SINGLE
    assert dict(os.environ) == before


def test_closing_stops_what_goes_on() -> None:
    done = spread(sleep, [0.0, 600.0], workers=2)
    assert next(done) == (0.0, None)
    done.close()
    assert not children(os.getpid())


SCRIPT = """
import sys
from affekt.workers import spread
from test_workers import sleep
if __name__ == "__main__":
    try:
        for _ in spread(sleep, [0.0, 600.0, 600.0], workers=2):
            print("started", flush=True)
    except KeyboardInterrupt:
        print("stopped", flush=True)
"""


@pytest.fixture
def started(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process of its own group that has two workers asleep."""
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    env = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT / 'tests'}"}
    with subprocess.Popen(
        [sys.executable, str(script)],
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as parent:
        assert parent.stdout is not None and parent.stdout.readline() == "started\n"
        yield parent
        parent.kill()


def test_ctrl_c_is_quiet_and_leaves_nobody(started: subprocess.Popen[str]) -> None:
    left = children(started.pid)
    assert left
    os.killpg(started.pid, signal.SIGINT)  # as a terminal does: to all of them
    assert started.communicate()[0] == "stopped\n"
    assert started.returncode == 0
    assert_gone(left)


def test_a_killed_parent_leaves_nobody(started: subprocess.Popen[str]) -> None:
    left = children(started.pid)
    started.kill()
    started.wait()
    assert_gone(left)


def children(pid: int) -> list[int]:
    """Processes that a process has started and that are still there, Python's own resource tracker apart."""
    listed = Path(f"/proc/{pid}/task/{pid}/children")
    if not listed.exists():
        pytest.skip("this system does not list processes in /proc")
    found = [int(child) for child in listed.read_text().split()]
    return [one for one in found if b"resource_tracker" not in Path(f"/proc/{one}/cmdline").read_bytes()]


def assert_gone(pids: list[int]) -> None:
    """None of the processes works any more, or soon will not; the test's time limit ends a vain wait."""
    while any(running(pid) for pid in pids):
        time.sleep(0.02)


def running(pid: int) -> bool:
    """Is it there, and not merely unburied?"""
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
