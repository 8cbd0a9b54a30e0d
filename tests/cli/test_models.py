"""`affekt models`."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.conftest import Run


def test_lists_name_fusion_size_and_languages(
    run: Run, model_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("affekt.runtime.bundle.installed", lambda: {"default": model_folder})
    result = run("models")
    assert result.exit_code == 0
    (line,) = result.stdout.splitlines()
    assert line.startswith("default  version ") and " fusion  " in line and " MB  words: " in line
    with_card = run("models", "--card").stdout
    assert with_card.startswith(line) and (model_folder / "card.md").read_text("utf-8").strip() in with_card


def test_no_model_at_all(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("affekt.runtime.bundle.installed", dict)
    result = run("models")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("affekt: no model is installed") and result.stderr.count("\n") == 1
