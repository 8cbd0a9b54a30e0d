"""`affekt corpus inspect`: its exit codes and what it writes; the reader is stood in for."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from affekt.cli import affekt as command
from affekt.corpora.corpus import Corpus, Fault, Severity
from affekt.errors import CorpusError
from affekt.timeline import Gold, Recording


def call(monkeypatch: pytest.MonkeyPatch, faults: tuple[Fault, ...], *words: str) -> Result:
    gold = Gold(np.zeros((20, 2), np.float32))

    def read(root: Path, kind: str | None = None) -> Corpus:
        if not root.exists():
            raise CorpusError(f"{root}: there is no such folder")
        media = root / "a.wav"
        return Corpus(kind or "Made up", root, (Recording(media, (), name="ä", gold=gold),), faults)

    monkeypatch.setattr("affekt.corpora.readers.read_corpus", read)
    return CliRunner().invoke(command, ["corpus", "inspect", *words])


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    from cli.conftest import write_sound

    monkeypatch.chdir(tmp_path)
    write_sound(tmp_path / "K ö" / "a.wav", 2.0)
    return tmp_path / "K ö"


@pytest.mark.parametrize(
    ("severity", "options", "code"),
    [
        (None, (), 0),
        ("warning", (), 0),
        ("warning", ("--strict",), 1),
        ("error", (), 1),
        (None, ("--strict",), 0),
    ],
)
def test_exit_code(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    severity: Severity | None,
    options: tuple[str, ...],
    code: int,
) -> None:
    faults = (Fault(folder / "a.csv", "odd", severity=severity),) if severity else ()
    result = call(monkeypatch, faults, "K ö", *options)
    assert result.exit_code == code and "1 recording" in result.output


def test_nothing_readable_is_2_and_one_line(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = call(monkeypatch, (), "nowhere")
    assert result.exit_code == 2 and result.stderr == "affekt: nowhere: there is no such folder\n"


def test_page_and_json_are_written(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fault = Fault(folder / "a.csv", "odd", 3, "warning", "ä")
    result = call(monkeypatch, (fault,), "K ö", "--page", "a.html", "--json", "a.json", "--kind", "muse")
    assert result.exit_code == 0 and "wrote a.html" in result.output and "wrote a.json" in result.output
    data = json.loads(Path("a.json").read_text(encoding="utf-8"))
    assert data["kind"] == "muse" and data["recordings"][0]["name"] == "ä"
    assert data["faults"] == [
        {"severity": "warning", "path": str(fault.path), "line": 3, "recording": "ä", "message": "odd"}
    ]
    assert Path("a.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert sorted(path.name for path in folder.iterdir()) == ["a.wav"]


def test_no_output_takes_the_place_of_a_recording(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = (folder / "a.wav").read_bytes()
    result = call(monkeypatch, (), "K ö", "--json", "K ö/a.wav")
    assert result.exit_code == 2 and "would take the place" in result.stderr
    (folder / "labels.csv").write_text("mine", encoding="utf-8")
    result = call(monkeypatch, (), "K ö", "--page", "K ö/labels.csv")
    assert result.exit_code == 2 and "which is read; give a name outside of it" in result.stderr
    assert (folder / "labels.csv").read_text(encoding="utf-8") == "mine"
    assert (folder / "a.wav").read_bytes() == before


def test_kinds_are_listed() -> None:
    result = CliRunner().invoke(command, ["corpus", "kinds"])
    assert result.exit_code == 0 and "recola" in result.output and "omg_TrainVideos.csv" in result.output
    assert max(map(len, result.output.splitlines())) <= 80
