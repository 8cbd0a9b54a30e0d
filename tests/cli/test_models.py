"""`affekt models`."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from affekt.cli.models import _show
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


def test_at_a_terminal_a_card_is_set_for_its_width(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = "A card is read by people, who should not meet torn words."
    card = f"# Card\n\n{words}\n\n| corpus | arousal |\n| --- | ---: |\n| RAVDESS | 0.640 |\n"
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "24")
    _show(card)
    lines = re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().out).splitlines()
    assert max(map(len, lines)) <= 24 and words in " ".join(line.strip() for line in lines)
    assert "|" not in "".join(lines) and "RAVDESS" in "".join(lines)


def test_no_model_at_all(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("affekt.runtime.bundle.installed", dict)
    result = run("models")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("affekt: no model is installed") and result.stderr.count("\n") == 1
