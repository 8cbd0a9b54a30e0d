"""`affekt runs`: what it lists and compares, its exit codes, what it writes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import affekt
from affekt.cli import Affekt
from affekt.cli.runs import runs
from report.run_folders import write_run

ROWS = [(0.1, 0.2), (0.3, 0.2)]


def call(*words: str) -> Result:
    return CliRunner().invoke(Affekt("affekt", commands=[runs]), ["runs", *words])


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write_run(tmp_path / "runs" / "a", {"audio": ROWS})
    write_run(tmp_path / "runs" / "cells" / "b", {"audio": [(0.6, 0.6)]})
    return tmp_path


def test_the_folder_runs_is_looked_into(folder: Path) -> None:
    result = call()
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.output.startswith("2 runs, best: cells/b with .600.\n")
    assert "best epoch" not in result.output.replace("of the best epoch", "")


def test_runs_that_are_named_are_compared(folder: Path) -> None:
    result = call("runs/a", "runs/cells/b")
    assert result.exit_code == 0 and "best epoch audio" in result.output
    assert "The configs do not differ." in result.output
    assert "best epoch audio" not in call("runs/a", "runs").output
    alone = call("runs/a")
    assert "best epoch audio" in alone.output and "configs" not in alone.output


def test_page_and_json_are_written(folder: Path) -> None:
    result = call("runs", "--page", "runs/index.html", "--json", "runs.json")
    assert result.exit_code == 0 and result.output.endswith("wrote runs/index.html\nwrote runs.json\n")
    assert Path("runs/index.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert [run["name"] for run in json.loads(Path("runs.json").read_text())["runs"]] == ["cells/b", "a"]


def test_nothing_is_written_into_a_run(folder: Path) -> None:
    before = Path("runs/a/config.yaml").read_bytes()
    for place in ("runs/a/config.yaml", "runs/a/audio/page.html"):
        result = call("runs", "--page", place)
        assert result.exit_code == 2 and "give a name outside of it" in result.stderr
    assert Path("runs/a/config.yaml").read_bytes() == before and not Path("runs/a/audio/page.html").exists()


def test_damage_is_1_and_nothing_is_2(folder: Path) -> None:
    Path("runs/a/about.json").write_text("{", encoding="utf-8")
    result = call()
    assert result.exit_code == 1 and "2 runs" in result.output
    assert "damaged: runs/a/about.json: is not JSON" in result.output
    result = call("runs/cells", "nowhere")
    assert result.exit_code == 1 and "1 run, finished with .600." in result.output
    assert (
        result.stderr.startswith("affekt: nowhere: there is no such folder")
        and result.stderr.count("\n") == 1
    )
    result = call("nowhere")
    assert result.exit_code == 2 and result.stderr.count("\n") == 1 and result.stdout == ""
    result = call("nowhere", "nor here")
    assert result.exit_code == 2 and "there is no run in any of these" in result.stderr


def test_it_needs_no_torch_and_no_science(folder: Path) -> None:
    script = (
        "import sys\n"
        "for name in ('torch', 'scipy', 'ray', 'matplotlib', 'lightning_fabric'): sys.modules[name] = None\n"
        "from affekt.cli.runs import runs\n"
        "runs(['runs', '--page', 'p.html'], standalone_mode=False)\n"
        "assert 'pandas' not in sys.modules\n"
    )
    env = {**os.environ, "PYTHONPATH": str(Path(affekt.__file__).parents[1])}
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, env=env, timeout=100
    )
    assert (done.returncode, done.stderr) == (0, "") and "wrote p.html" in done.stdout
