"""`affekt finetune` as a user with a few recordings meets it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from affekt.cli.finetune import finetune as command
from affekt.errors import CorpusError, ModelError
from affekt.runtime.bundle import open_bundle
from affekt.training.devel import figure
from bundles import bundle_folder
from cli.conftest import write_sound


@pytest.fixture
def corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Four sounds of two seconds with a trace of arousal, and a table that names them."""
    monkeypatch.chdir(tmp_path)
    lines = ["file,language,labels"]
    for k, name in enumerate("abcd"):
        write_sound(Path("talks") / f"{name}.wav", 2.0)
        arousal = np.sin(np.arange(20) / 5 + k) / 2
        rows = [f"{t / 10:.1f},{value:.4f}" for t, value in enumerate(arousal)]
        (Path("talks") / f"{name}.csv").write_text("\n".join(["time,arousal", *rows, ""]))
        lines.append(f"talks/{name}.wav,en,talks/{name}.csv")
    path = Path("mine.csv")
    path.write_text("\n".join([*lines, ""]))
    return path


def finetune(*words: object) -> Result:
    usual = ["--model", bundle_folder(), "--threads", "1", "--epochs", "2"]
    return CliRunner().invoke(command, [str(word) for word in (*usual, *words)])


def test_a_table_becomes_a_model(corpus: Path) -> None:
    result = finetune("--corpus", corpus)
    assert result.exit_code == 0, result.output
    said = result.stdout.splitlines()
    run = Path("runs") / f"{bundle_folder().name}-mine"
    assert "manifest: 4 prepared" in result.stdout
    told = next(line for line in said if " learned from; devel" in line)
    assert told.startswith("3 recordings learned from; devel, 1 recording: ")
    assert "the corpus does not say who speaks" in told
    result_ = json.loads((run / "result.json").read_text())
    for name in ("arousal", "valence", "mean"):
        line = next(line for line in said if line.split()[:1] == [name])
        assert line.split()[1:] == [figure(result_["before"][name]), figure(result_[name])]
    assert "no recording has labels of valence" in result.stdout
    better = result_["mean"] > result_["before"]["mean"]
    assert (f"affekt predict FILE --model {run}" in said) == better
    assert ("It did not get better: keep tiny." in result.stdout) != better
    assert open_bundle(run).name == run.name
    again = finetune("--corpus", corpus)
    assert again.exit_code == 0 and "0 prepared, 4 there already" in again.stdout
    assert again.stdout.splitlines()[-5:] == said[-5:]


def test_what_is_left_out_is_named(corpus: Path) -> None:
    Path("talks/c.wav").write_bytes(b"nothing")
    result = finetune("--corpus", corpus, "--run", "run")
    assert result.exit_code == 1 and "c.wav" in result.stderr
    assert "2 recordings learned from; devel, 1 recording" in result.stdout


def test_a_prepared_folder_is_taken_as_it_is(corpus: Path) -> None:
    assert finetune("--corpus", corpus, "--run", "first").exit_code == 0
    result = finetune("--corpus", "first/prepared", "--run", "second", "--freeze", "none")
    assert result.exit_code == 0, result.output
    assert "prepared;" not in result.stdout and not Path("second/prepared").exists()
    assert json.loads(Path("second/result.json").read_text())["learned"] == [
        "audio",
        "visual",
        "fusion",
        "head",
    ]


@pytest.mark.parametrize(("words", "error"), [(("--model", "nobody"), ModelError), ((), CorpusError)])
def test_what_cannot_be_is_said_before_the_work(
    corpus: Path, words: tuple[str, ...], error: type[Exception]
) -> None:
    result = finetune("--corpus", corpus if words else "nowhere.csv", *words, "--run", "run")
    assert isinstance(result.exception, error) and "\n" not in str(result.exception)
    assert not Path("run").exists()


def test_a_network_that_is_none() -> None:
    result = finetune("--corpus", "mine.csv", "--freeze", "smell")
    assert result.exit_code == 2 and "'smell' is not one of none, text, audio, visual" in result.stderr
