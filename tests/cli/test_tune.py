"""`affekt tune`: a config and a space in; trials, Table 8, a page and the best config out."""

from __future__ import annotations

import csv
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from affekt.cli import Affekt
from affekt.cli.tune import tune as command
from affekt.training.config import read_config
from prepared import write_tiny
from test_cluster import ENVIRONMENT

pytest.importorskip("ray.tune", exc_type=ImportError)

SPACE = "lr: {low: 1e-3, high: 1e-2}\nbatch: [2, 4]\nhidden: [4, 6]\nlayers: 1\nframes: [25, 40]\n"

Tune = Callable[..., Result]


@pytest.fixture
def tune(small_prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tune:
    """Runs `affekt tune …` where tiny.yaml is a config of one modality, and space.yaml a small space."""
    monkeypatch.chdir(tmp_path)
    write_tiny(Path("tiny.yaml"), small_prepared, modalities=["text"])
    Path("space.yaml").write_text(SPACE, encoding="utf-8")
    group = Affekt("affekt", commands=[command])
    return lambda *words: CliRunner().invoke(group, ["tune", *(str(word) for word in words)])


def test_a_search_from_config_to_page(tune: Tune, tmp_path: Path) -> None:
    words = ["tiny.yaml", "seed=3", "--space", "space.yaml", "--workers", "1"]
    words += ["--trials", "3", "--epochs", "2", "--reduction", "3"]
    script = "import sys; from affekt.cli.tune import tune; tune(sys.argv[1:])"
    done = subprocess.run(
        [sys.executable, "-c", script, *words], cwd=tmp_path, env=ENVIRONMENT, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    folder = Path("runs/tiny-tuned")
    rows = list(csv.DictReader((folder / "trials.csv").read_text().splitlines()))
    assert [row["trial"] for row in rows] == ["0", "1", "2"]
    assert all(1e-3 <= float(row["lr"]) <= 1e-2 and row["layers"] == "1" for row in rows)
    finished = [row for row in rows if row["state"] == "finished"]
    assert finished and {row["epochs"] for row in finished} == {"2"}
    lines = done.stdout.splitlines()
    assert all(line.startswith(f"  {place} of 3  trial ") for place, line in enumerate(lines[:3], 1))
    best = max(finished, key=lambda row: float(row["mean"]))
    assert lines[4].startswith(f"3 trials, best: {best['trial']} with devel CCC ")
    assert f"lr {best['lr']}, batch {best['batch']}, dropout" in done.stdout
    assert "Num layers" not in done.stdout and "paper" not in done.stdout
    config = read_config(folder / "best.yaml")
    assert config.seed == 3 and f"{config.fitting('text').lr:g}" == best["lr"]
    assert config.fitting("text").epochs == read_config(Path("tiny.yaml")).fitting("text").epochs
    assert (folder / "tuning.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    # A search that is over is told again, in this process: nothing is trained.
    again = tune(*words)
    assert again.exit_code == 0 and again.stdout.splitlines() == lines[3:]
    other = tune(*words, "--seed", "1")
    assert other.exit_code == 2
    assert other.stderr == f"affekt: {folder}: holds another search (seed); give another --run\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["none.yaml"], "none.yaml: cannot be read"),
        (["tiny.yaml", "data.folder=nowhere"], "nowhere: nothing was prepared in this folder"),
        (["tiny.yaml", "--space", "none.yaml"], "none.yaml: cannot be read"),
        (["tiny.yaml", "modalities=[text, audio]"], "then say unimodal=RUN"),
        (["tiny.yaml", "machine.devices=2"], "say machine.devices=1"),
        (["tiny.yaml", "--ray", "127.0.0.1:1"], "127.0.0.1:1: no Ray cluster answers there"),
    ],
)
def test_faults_are_one_line(words: list[str], said: str, tune: Tune) -> None:
    done = tune(*words)
    assert done.exit_code == 2 and said in done.stderr
    assert done.stderr.startswith("affekt: ") and done.stderr.count("\n") == 1


@pytest.mark.parametrize("factor", ["1", "0.75", "4/0", "nan", "many", "1e9", "4/-3"])
def test_a_factor_that_is_none(factor: str, tune: Tune) -> None:
    done = tune("tiny.yaml", "--reduction", factor)
    assert done.exit_code == 2 and "is no number above 1, such as 4/3 or 3" in done.stderr


def test_without_ray_it_says_what_to_install(tune: Tune, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("affekt.training.tuning")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "ray.tune.schedulers", None)
    done = tune("tiny.yaml")
    assert done.exit_code == 2
    assert done.stderr == "affekt: this needs ray.tune.schedulers; pip install 'affekt[train,tune]'\n"
