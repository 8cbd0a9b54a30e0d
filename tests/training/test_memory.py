"""Freed memory stays with the process, so that a step does not wait for the system to clear pages."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

FAULTS = """
import resource, sys, torch
from affekt.training.memory import keep_freed
if sys.argv[1] == "kept":
    assert keep_freed()
torch.set_num_threads(1)
model = torch.nn.Sequential(torch.nn.Conv1d(1, 16, 8), torch.nn.ReLU(), torch.nn.Conv1d(16, 16, 8))
sound = torch.randn(200, 1, 2250)  # 29 MB for each map of it
def step():
    model(sound).mean().backward()
for _ in range(4):
    step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(3):
    step()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def page_faults(how: str) -> int:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FAULTS, how], capture_output=True, text=True, check=True
    )
    return int(done.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="of glibc's allocator")
def test_what_was_freed_is_used_again() -> None:
    assert page_faults("kept") < page_faults("as usual") / 5


def test_other_systems_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    from affekt.training.memory import keep_freed

    monkeypatch.setattr(sys, "platform", "darwin")
    assert keep_freed() is False
