"""The command line as a shell sees it: short form, exit codes, signals, closed pipes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import affekt
from affekt.cli import affekt as commands_of
from cli.conftest import Run, Shell, write_sound

ROOT = Path(__file__).parents[2]


def test_version(run: Run) -> None:
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"## {affekt.__version__}" in changes
    assert run("--version").stdout == f"affekt, version {affekt.__version__}\n"


@pytest.mark.parametrize(
    "words", [["--help"], ["-h"], ["predict", "--help"], ["report", "-h"], ["models", "-h"]]
)
def test_help_fits_a_terminal(words: list[str], run: Run) -> None:
    result = run(*words)
    assert result.exit_code == 0 and max(map(len, result.stdout.splitlines())) <= 80


def test_help_keeps_its_lines(run: Run) -> None:
    told = run("--help").stdout
    assert "\\b" not in told and "\n  affekt recordings/ " in told


def test_nothing_said_shows_the_help(run: Run) -> None:
    assert "affekt talk.mp4" in run().output


def test_short_form_is_the_long_form(run: Run, sound: Path) -> None:
    for words in ([sound], ["predict", sound], ["--format", "csv", sound]):
        assert run(*words, "--out", "o", "--format", "csv").exit_code == 0


@pytest.mark.parametrize("word", ["modles", "model", "hello"])
def test_a_word_that_is_neither_command_nor_file(word: str, run: Run) -> None:
    result = run(word)
    assert result.exit_code == 2
    commands = ", ".join(sorted(commands_of.commands))
    assert commands.startswith("compare, corpus, crossvalidate, delay, evaluate, ")
    assert f"{word} is no file that is here, and no command ({commands})" in result.stderr


def test_a_file_without_ending_is_a_file(run: Run, tmp_path: Path) -> None:
    write_sound(tmp_path / "talk", 0.3)
    assert run("talk", "--format", "csv").exit_code == 0
    assert Path("affekt-out/talk.csv").is_file()


def test_train_says_what_it_needs(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("torch", "affekt.training.default.recipe"):
        monkeypatch.setitem(sys.modules, name, None)
    result = run("train", "default", "--data", tmp_path)
    assert result.exit_code == 2 and "; pip install 'affekt[train]'" in result.stderr


def test_module_and_model_folder(shell: Shell, sound: Path) -> None:
    done = shell('affekt talk.wav --model "$MODEL" --out "here and there" --format csv')
    assert (done.returncode, done.stderr) == (0, "")
    assert (sound.parent / "here and there" / "talk.csv").is_file()
    done = shell("affekt talk.wav --model no-such")
    assert done.returncode == 2
    assert done.stderr.startswith("affekt: no-such: no such model") and done.stderr.count("\n") == 1
    assert not (sound.parent / "affekt-out").exists()


def test_a_damaged_bundle(shell: Shell, sound: Path, model_folder: Path) -> None:
    folder = sound.parent / "bundle"
    folder.mkdir()
    for file in model_folder.iterdir():
        (folder / file.name).symlink_to(file.absolute())
    graph = folder / "graph-fusion.onnx"
    data = graph.read_bytes()
    graph.unlink()
    graph.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    done = shell("affekt talk.wav --model bundle")
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert "graph-fusion.onnx" in done.stderr and "damaged" in done.stderr


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("affekt talk.wav --model $MODEL --format csv | true; exit ${PIPESTATUS[0]}", (0, 141)),
        ("affekt talk.wav --model $MODEL --format csv >&-", (0,)),
        ("affekt talk.wav --model $MODEL --format csv 2>&-", (0,)),
    ],
)
def test_nobody_listens(words: str, code: tuple[int, ...], shell: Shell, sound: Path) -> None:
    done = shell(words)
    assert done.returncode in code and done.stderr == ""
    assert (sound.parent / "affekt-out" / "talk.csv").is_file()


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="Linux has a disk that is always full")
def test_the_summary_goes_to_a_full_disk(shell: Shell, sound: Path) -> None:
    done = shell("affekt talk.wav --model $MODEL --format csv > /dev/full")
    assert done.returncode == 2 and done.stderr.count("\n") == 1 and "No space left" in done.stderr


def test_a_terminal_without_unicode(shell: Shell, sound: Path) -> None:
    sound.rename(sound.with_name("größer.wav"))
    done = shell("LC_ALL=C PYTHONUTF8=0 PYTHONIOENCODING=ascii affekt größer.wav --model $MODEL --format csv")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("gr??") and "er.wav: 1.0 s" in done.stdout


INTERRUPTED = """
    import os, signal, sys
    from pathlib import Path
    import affekt.{module} as module
    from affekt.cli import main

    old = {owner}.{name}

    def interrupt(*args, **kwargs):
        result = old(*args, **kwargs)
        os.kill(os.getpid(), signal.SIGINT)
        return result

    {owner}.{name} = interrupt
    sys.argv = ["affekt", "talk.wav", "--model", {folder!r}, "--format", "csv,json,html"]
    main()
"""


@pytest.mark.parametrize(
    ("module", "owner", "name", "left"),
    [
        ("runtime.engine", "module.Engine", "judge", {"csv", "json", "html"}),
        ("report.page", "module", "render", {"html"}),
        ("timeline.files", "Path", "write_text", {"json", "html"}),
        ("timeline.files", "module.csv", "writer", {"csv", "json", "html"}),
    ],
)
def test_ctrl_c_leaves_nothing_half_written(
    module: str, owner: str, name: str, left: set[str], sound: Path, model_folder: Path
) -> None:
    out = sound.parent / "affekt-out"
    out.mkdir()
    for kind in ("csv", "json", "html"):
        (out / f"talk.{kind}").write_text("old")
    script = INTERRUPTED.format(module=module, owner=owner, name=name, folder=str(model_folder.absolute()))
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        cwd=sound.parent,
        env={**os.environ, "PYTHONPATH": str(Path(affekt.__file__).parents[1])},
        capture_output=True,
        text=True,
        timeout=250,
        # A shell lets what runs in the background ignore Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert done.returncode == 130
    assert done.stderr == "affekt: stopped; what was finished is kept, nothing is half-written\n"
    assert sorted(path.name for path in out.iterdir()) == ["talk.csv", "talk.html", "talk.json"]
    texts = {path.suffix[1:]: path.read_text(encoding="utf-8") for path in out.iterdir()}
    assert {kind for kind, text in texts.items() if text == "old"} == left
    for kind, text in texts.items():
        if kind not in left:
            assert text.endswith(("\n", "}"))
