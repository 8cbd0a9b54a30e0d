"""`affekt crossvalidate` as a user meets it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from affekt.cli.crossvalidate import crossvalidate as command
from affekt.errors import CorpusError
from affekt.report.scores import short
from prepared import write_tiny


@pytest.fixture
def config(small_prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(small_prepared, "prepared")
    manifest = Path("prepared/manifest.csv")
    manifest.write_text(manifest.read_text().replace(",test,", ",devel,"))
    return write_tiny(Path("paper.yaml"), Path("prepared"), modalities=["audio"])


def crossvalidate(*words: object) -> Result:
    return CliRunner().invoke(command, [str(word) for word in words])


def test_folds_and_their_pool_are_shown(config: Path) -> None:
    words = [config, "training.epochs=1", "--folds", "speaker", "--workers", "2"]
    result = crossvalidate(*words)
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    data = json.loads(Path("runs/paper-folds/result.json").read_text())
    shown = [line for line in lines if line.startswith("fold ")]
    assert len(shown) == len(data["folds"]) == 3
    for line, fold in zip(shown, data["folds"], strict=True):
        figures = [short(fold["ccc"][name]) for name in ("arousal", "valence")]
        assert line.split()[:4] == ["fold", f"{fold['fold']:02}", *figures]
    last = next(line for line in lines if line.startswith("pooled"))
    assert short(data["ccc"]["arousal"]["value"]) in last and "drawn by group, of which there are 3" in last
    assert "over folds" in result.stdout and "runs/paper-folds/result.json has all of it" in lines


def test_too_many_folds(config: Path) -> None:
    assert isinstance(crossvalidate(config, "--folds", 7).exception, CorpusError)


@pytest.mark.parametrize("folds", ["2", "none", "-1"])
def test_what_is_no_number_of_folds(config: Path, folds: str) -> None:
    result = crossvalidate(config, "--folds", folds)
    assert result.exit_code == 2 and "is neither speaker nor a number from 3" in result.stderr
