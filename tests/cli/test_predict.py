"""`affekt predict` as a user meets it: what goes in, what comes out, and what is refused."""

from __future__ import annotations

import csv
import os
import resource
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import av
import numpy as np
import pytest
from click.testing import CliRunner, Result

import affekt
from affekt.cli import affekt as command
from affekt.corpora.readers import read_corpus
from bundles import banded_folder, change_config
from cli.conftest import Run, Shell, write_sound
from corpora.miniatures import affwild2, avec2017, manifest, omg
from corpora.tiny import tree
from media.films import make_film, tone

EXAMPLES = Path(__file__).parents[2] / "examples"
SRT = "1\n00:00:00,000 --> 00:00:00,600\nWhat a lovely day this is!\n"


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def written(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def film(tmp_path: Path) -> Path:
    return make_film(tmp_path / "film.mp4", np.arange(20) / 10, [(0.0, tone(2.0))])


# What comes out


def test_table_and_summary(run: Run, film: Path) -> None:
    result = run(film)
    assert (result.exit_code, result.stderr) == (0, "")
    assert written(Path("affekt-out")) == ["film.csv", "film.html"]
    table = rows(Path("affekt-out/film.csv"))
    assert list(table[0]) == ["name", "time", "arousal", "valence"]
    assert [row["time"] for row in table] == [f"{k / 10:.1f}" for k in range(20)]
    assert {row["name"] for row in table} == {"film.mp4"}
    values = np.array([[float(row["arousal"]), float(row["valence"])] for row in table])
    assert np.isfinite(values).all() and (np.abs(values) <= 1).all()
    for word in ("film.mp4: 2.0 s", "arousal", "valence", "mean", "no face", "no text", "audio", "weight"):
        assert word in result.stdout
    assert f"wrote    {Path('affekt-out/film.csv')}" in result.stdout


@pytest.mark.parametrize(("seconds", "count"), [(0.3, 3), (0.34, 3), (0.36, 4), (1.0, 10)])
def test_rows_are_ten_times_the_duration(seconds: float, count: int, run: Run, tmp_path: Path) -> None:
    assert run(write_sound(tmp_path / "a.wav", seconds), "--format", "csv").exit_code == 0
    assert len(rows(Path("affekt-out/a.csv"))) == count


def test_a_band_is_written_on_request_and_only_of_a_model_that_has_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, sound: Path
) -> None:
    def predict(*words: object) -> Result:
        return CliRunner().invoke(command, ["predict", *map(str, words), "--columns", "band"])

    monkeypatch.chdir(tmp_path)
    shown = predict(sound, "--model", banded_folder(), "--format", "csv,json", "--out", "o")
    assert shown.exit_code == 0, shown.output
    table = rows(Path("o/talk.csv"))
    assert list(table[0])[4:] == ["arousal_low", "arousal_high", "valence_low", "valence_high"]
    band = affekt.Prediction.load("o/talk.json").band
    for d, name in enumerate(("arousal", "valence")):
        names = f"{name}_low", name, f"{name}_high"
        low, value, high = np.array([[float(row[one]) for row in table] for one in names])
        np.testing.assert_allclose(low, np.clip(value - band[:, d], -1, 1), atol=3e-6)
        np.testing.assert_allclose(high, np.clip(value + band[:, d], -1, 1), atol=3e-6)
        assert (low < value).all() and (value < high).all()
    change_config(Path(shutil.copytree(banded_folder(), "without")), band=None)
    refused = predict(sound, "--model", "without", "--out", "p")
    assert refused.exit_code == 2 and not Path("p").exists()
    said = "affekt: without: has no band; leave band out of --columns, or give another --model\n"
    assert refused.stderr == said


def test_every_format_and_column(run: Run, sound: Path) -> None:
    pytest.importorskip("pyarrow")
    result = run(
        sound, "--format", "csv, parquet,JSON,html,csv", "--columns", "presence,weights", "--out", "o"
    )
    assert result.exit_code == 0, result.output
    assert written(Path("o")) == ["talk.csv", "talk.html", "talk.json", "talk.parquet"]
    head = ["name", "time", "arousal", "valence", "text", "audio", "visual", "present"]
    head += ["weight_text", "weight_audio", "weight_visual"]
    table = rows(Path("o/talk.csv"))
    assert list(table[0]) == head
    from pyarrow import parquet

    assert parquet.read_table("o/talk.parquet").column_names == head
    for row in table:
        assert (row["text"], row["audio"], row["visual"], row["present"]) == ("0", "1", "0", "1")
        assert float(row["weight_audio"]) == 1.0


def test_elans_three_files(run: Run, sound: Path) -> None:
    result = run(sound, "--format", "eaf")
    assert result.exit_code == 0, result.output
    assert written(Path("affekt-out")) == ["talk.eaf", "talk.elan.csv", "talk_tsconf.xml"]
    assert 'RELATIVE_MEDIA_URL="../talk.wav"' in Path("affekt-out/talk.eaf").read_text("utf-8")
    words = sound.with_suffix(".elan.csv")
    words.write_text("0.0;0.5;yes\n")
    result = run(sound, "--transcript", words, "--format", "eaf", "--out", sound.parent)
    assert result.exit_code == 2 and "talk.elan.csv: would take the place of what is read" in result.stderr


@pytest.mark.parametrize("name", ["talk.eaf", "talk.TextGrid"])
def test_annotations_beside_the_recording(name: str, run: Run, sound: Path) -> None:
    import pympi

    grid = pympi.TextGrid(xmax=1.0)
    grid.add_tier("text").add_interval(0.2, 0.5, "wonderful")
    path = sound.with_name(name)
    if name.endswith("eaf"):
        grid.to_eaf().to_file(str(path))
    else:
        grid.to_file(str(path))
    result = run(sound, "--turns", path, "--format", "csv", "--columns", "presence")
    assert result.exit_code == 0, result.output
    assert [row["text"] for row in rows(Path("affekt-out/talk.csv"))] == [*"0011110000"]


def test_parquet_without_pyarrow_is_refused_at_once(
    run: Run, sound: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # By its module's name in full: `affekt.cli.predict` is also the command.
    monkeypatch.setattr(sys.modules["affekt.cli.predict"], "find_spec", lambda name: None)
    result = run(sound, "--format", "csv,parquet")
    assert result.exit_code == 2 and "pip install 'affekt[parquet]'" in result.stderr
    assert not Path("affekt-out").exists()


def test_same_input_same_bits(run: Run, film: Path) -> None:
    film.with_suffix(".srt").write_text(SRT)
    for folder in ("one", "two"):
        assert run(film, "--format", "csv,json,html", "--out", folder).exit_code == 0
    for name in ("film.csv", "film.json", "film.html"):
        assert Path("one", name).read_bytes() == Path("two", name).read_bytes()


def test_two_of_a_name_get_their_ending_or_folder(run: Run, tmp_path: Path) -> None:
    for name in ("a/talk.wav", "b/talk.wav", "b/note.wav", "b/note.WAV"):
        write_sound(tmp_path / name, 0.3)
    result = run("a", "b", "--format", "csv")
    assert result.exit_code == 0, result.output
    names = written(Path("affekt-out"))
    assert names == ["a_talk.wav.csv", "b_note.WAV.csv", "b_note.wav_2.csv", "b_talk.wav.csv"]


@pytest.mark.parametrize("name", ["a talk.wav", "größer 你好.wav", "-x.wav", "<script>alert(1)</script>.wav"])
def test_odd_file_names(name: str, run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    path = write_sound(folder / name.replace("/", "∕"), 0.3)
    os.chdir(folder)
    result = run("--format", "csv,json,html", "--", path.name)
    assert result.exit_code == 0, result.output
    assert rows(Path("affekt-out", path.stem + ".csv"))[0]["name"] == path.name
    assert "<script>alert" not in Path("affekt-out", path.stem + ".html").read_text(encoding="utf-8")


def test_a_file_name_that_is_no_unicode(run: Run, tmp_path: Path) -> None:
    path = write_sound(tmp_path / "talk.wav", 0.3)
    odd = tmp_path / os.fsdecode(b"caf\xe9.wav")
    try:
        path.rename(odd)
    except OSError:
        pytest.skip("this file system has Unicode names only")
    result = run(odd, "--format", "csv,json,html")
    assert result.exit_code == 0, result.output
    assert len(os.listdir("affekt-out")) == 3


# What goes in


def test_transcript_beside_the_file_is_found(run: Run, sound: Path) -> None:
    sound.with_suffix(".srt").write_text(SRT)
    run(sound, "--format", "csv", "--columns", "presence")
    assert [row["text"] for row in rows(Path("affekt-out/talk.csv"))] == ["1"] * 7 + ["0"] * 3


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("said.vtt", "WEBVTT\n\n00:00.000 --> 00:00.600\nWhat a lovely day this is!\n"),
        ("said.csv", "start;end;text\n0.0;0.6;What a lovely day this is!\n"),
        ("said.json", '{"segments": [{"start": 0.0, "end": 0.6, "text": "What a lovely day this is!"}]}'),
    ],
)
def test_transcripts_of_other_names_and_kinds(name: str, text: str, run: Run, sound: Path) -> None:
    Path(name).write_text(text)
    result = run(sound, "--transcript", name, "--format", "csv", "--columns", "presence")
    assert result.exit_code == 0, result.output
    assert [row["text"] for row in rows(Path("affekt-out/talk.csv"))] == ["1"] * 7 + ["0"] * 3


def test_alignment_language_turns_subject_threads(run: Run, sound: Path) -> None:
    sound.with_suffix(".srt").write_text(SRT)
    Path("turns.csv").write_text("0.0;0.4\n")
    how = ("--format", "csv", "--columns", "presence")
    run(sound, *how, "--out", "plain")
    run(sound, *how, "--out", "causal", "--alignment", "causal")
    run(sound, *how, "--out", "turns", "--turns", "turns.csv")
    german = run(sound, *how, "--out", "german", "--language", "de")
    assert run(sound, *how, "--out", "same", "--subject", "2", "--threads", "2").exit_code == 0
    assert [row["text"] for row in rows(Path("causal/talk.csv"))] == ["0"] * 6 + ["1"] * 4
    assert {row["text"] for row in rows(Path("german/talk.csv"))} == {"0"}
    assert "German" in german.stdout and "left out" in german.stdout
    plain, turns, same = (rows(Path(folder, "talk.csv")) for folder in ("plain", "turns", "same"))
    assert plain == same and plain != turns


def test_a_transcript_alone(run: Run) -> None:
    Path("said.srt").write_text(SRT)
    result = run("said.srt", "--format", "csv,html", "--columns", "presence")
    assert result.exit_code == 0, result.output
    table = rows(Path("affekt-out/said.csv"))
    assert len(table) == 6
    assert {(row["text"], row["audio"], row["visual"]) for row in table} == {("1", "0", "0")}


@pytest.mark.parametrize("ending", ["jpg", "png"])
def test_a_picture_is_one_row_at_time_zero(ending: str, run: Run) -> None:
    with av.open(str(EXAMPLES / "demo.mp4")) as container:
        picture = next(container.decode(video=0))
    coder = av.CodecContext.create("mjpeg" if ending == "jpg" else "png", "w")
    coder.width, coder.height = picture.width, picture.height
    coder.pix_fmt = "yuvj420p" if ending == "jpg" else "rgb24"
    coder.time_base = picture.time_base
    packets = coder.encode(picture.reformat(format=coder.pix_fmt))
    Path(f"face.{ending}").write_bytes(b"".join(bytes(packet) for packet in [*packets, *coder.encode(None)]))
    result = run(f"face.{ending}", "--columns", "presence", "--format", "csv,html")
    assert result.exit_code == 0, result.output
    (row,) = rows(Path("affekt-out/face.csv"))
    assert (row["time"], row["text"], row["audio"], row["visual"]) == ("0.0", "0", "0", "1")


def test_a_film_without_sound(run: Run, tmp_path: Path) -> None:
    film = make_film(tmp_path / "mute.mkv", np.arange(25) / 25)
    assert run(film, "--format", "csv", "--columns", "presence").exit_code == 0
    table = rows(Path("affekt-out/mute.csv"))
    assert len(table) == 10 and {row["audio"] for row in table} == {"0"}
    # Grey pictures without a face: nothing to judge, finite all the same, and flagged.
    assert {row["present"] for row in table} == {"0"}
    assert all(abs(float(row["arousal"])) <= 1 for row in table)


# What is refused


def only_line(text: str) -> str:
    (line,) = text.splitlines()
    assert line.startswith("affekt: ")
    return line


FAULTS = {
    "nothing.mp4": None,
    "empty.mp4": b"",
    "noise.mp4": bytes(range(256)) * 40,
    "notes.txt": b"dear diary",
    "words.srt": b"no cue in here",
    "order.srt": b"1\n00:00:05,000 --> 00:00:06,000\nlater\n\n2\n00:00:01,000 --> 00:00:02,000\nearlier\n",
    "new\nline.mp4": b"",
}


@pytest.mark.parametrize("name", FAULTS)
def test_one_bad_file_is_one_line_and_leaves_nothing(name: str, run: Run, tmp_path: Path) -> None:
    data = FAULTS[name]
    if data is not None:
        (tmp_path / name).write_bytes(data)
    result = run("predict", name)
    assert (result.exit_code, result.stdout) == (2, "")
    assert name.replace("\n", "?") in only_line(result.stderr)
    assert not Path("affekt-out").exists()


@pytest.mark.parametrize(
    ("srt", "word"),
    [
        ("1\n00:00:08,000 --> 00:00:09,000\nlate\n", "begins at 8.0 s"),
        ("1\n00:00:00,500 --> 00:00:00,900\nb\n\n2\n00:00:00,100 --> 00:00:00,300\na\n", "out of order"),
    ],
)
def test_a_transcript_that_does_not_fit(srt: str, word: str, run: Run, sound: Path) -> None:
    sound.with_suffix(".srt").write_text(srt)
    result = run(sound)
    line = only_line(result.stderr)
    assert result.exit_code == 2 and "talk.srt" in line and word in line
    assert not Path("affekt-out").exists()


def test_an_overrun_is_clipped_with_a_warning(run: Run, sound: Path) -> None:
    sound.with_suffix(".srt").write_text("1\n00:00:00,500 --> 00:00:04,000\nstill talking\n")
    result = run(sound, "--format", "csv")
    assert result.exit_code == 0 and "clipped" in result.stdout
    assert len(rows(Path("affekt-out/talk.csv"))) == 10


def test_a_truncated_film_is_judged_as_far_as_it_goes_or_refused(run: Run, tmp_path: Path) -> None:
    film = make_film(tmp_path / "long.mkv", np.arange(100) / 25, [(0.0, tone(4.0))])
    film.write_bytes(film.read_bytes()[: film.stat().st_size // 2])
    result = run(film, "--format", "csv")
    assert result.exit_code == 0 and "warning" in result.stdout
    cut = make_film(tmp_path / "cut.mp4", np.arange(25) / 25)
    cut.write_bytes(cut.read_bytes()[:500])
    result = run(cut)
    assert result.exit_code == 2 and "cut.mp4" in only_line(result.stderr)


def test_a_folder_goes_on_past_a_bad_file(run: Run, tmp_path: Path) -> None:
    for name in ("a.wav", "c.wav"):
        write_sound(tmp_path / "in" / name, 0.3)
    (tmp_path / "in" / "b.mp4").write_bytes(b"no film")
    result = run("in", "--format", "csv")
    assert result.exit_code == 1
    assert written(Path("affekt-out")) == ["a.csv", "c.csv"]
    first, _, head, last = result.stderr.splitlines()
    assert first.startswith("affekt: ") and "b.mp4" in first
    assert head == "1 of 3 files failed:" and "b.mp4" in last


def test_a_folder_of_bad_files_leaves_no_output_folder(run: Run, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for name in ("a.wav", "b.wav"):
        (tmp_path / "in" / name).write_bytes(b"no sound")
    assert run("in").exit_code == 1
    assert not Path("affekt-out").exists()


def test_a_folder_without_recordings(run: Run) -> None:
    Path("in").mkdir()
    result = run("in")
    assert result.exit_code == 2 and "no recording in this folder" in only_line(result.stderr)


@pytest.mark.parametrize("option", ["--transcript", "--turns"])
def test_one_transcript_for_two_recordings_is_refused(option: str, run: Run, tmp_path: Path) -> None:
    for name in ("a.wav", "b.wav"):
        write_sound(tmp_path / name, 0.3)
    result = run("a.wav", "b.wav", option, "said.srt")
    assert result.exit_code == 2 and "belong to one recording" in result.stderr
    assert not Path("affekt-out").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--format", "pdf"], "'pdf' is not one of csv, parquet, json, html, eaf"),
        (["--format", ""], "name at least one"),
        (["--columns", "faces"], "'faces' is not one of presence, weights"),
        (["--alignment", "word"], "sentence"),
        (["--subject", "0"], "neither largest, left, right nor a number from 1"),
        (["--threads", "0"], "1<=x<=256"),
        (["--out", ""], "the name is empty"),
        (["--transcipt", "x"], "--transcript"),
        ([""], "the name is empty"),
        (["--corpus", "x"], "either FILE… or --corpus"),
        (["--partition", "devel"], "of a --corpus"),
    ],
)
def test_wrong_options_say_what_is_right(words: list[str], said: str, run: Run, sound: Path) -> None:
    result = run(sound, *words)
    assert result.exit_code == 2 and said in result.stderr and "Traceback" not in result.output
    assert not Path("affekt-out").exists()


@pytest.mark.parametrize("out", ["talk.wav", "talk.wav/deeper"])
def test_an_output_folder_that_cannot_be(out: str, run: Run, sound: Path) -> None:
    result = run(sound, "--out", out)
    assert result.exit_code == 2 and out in only_line(result.stderr)


# A corpus


def test_a_corpus_brings_film_sound_words_and_turns_together(run: Run, tmp_path: Path) -> None:
    sewa = avec2017.build(tmp_path / "SEWA")
    result = run("--corpus", sewa, "--partition", "devel", "--format", "csv,json", "--columns", "presence")
    assert result.exit_code == 0 and "Devel_02.csv: holds no turn" in result.stderr
    assert written(Path("affekt-out")) == [f"Devel_0{k}.{kind}" for k in (1, 2) for kind in ("csv", "json")]
    one = affekt.Prediction.load("affekt-out/Devel_01.json")
    assert one.info["source"].endswith("video/Devel_01.avi") and one.presence[:, 1].all()
    assert one.info["transcript"].endswith("transcriptions/Devel_01.csv")
    again = run("--corpus", sewa, "--select", "Devel_*", "--out", "two", "--format", "csv", "--workers", 1)
    assert again.exit_code == 0 and written(Path("two")) == ["Devel_01.csv", "Devel_02.csv"]


@pytest.mark.parametrize("build", [affwild2.build, omg.build])
def test_a_corpus_predicted_is_ready_to_be_evaluated(
    build: Callable[[Path], Path], run: Run, tmp_path: Path
) -> None:
    """Two people of one film, and files that are all called utterance_1, are told apart by name."""
    root = build(tmp_path / "corpus")
    result = run("--corpus", root, "--format", "csv")
    assert result.exit_code == 0
    heard = [one for one in read_corpus(root).recordings if one.media]
    assert written(Path("affekt-out")) == sorted(f"{one.label}.csv" for one in heard)
    scored = run("evaluate", "--predictions", "affekt-out", "--gold", root, "--draws", 0, "--pad", "last")
    assert scored.exit_code == 0 and "4 recordings" in scored.stdout.splitlines()[0]
    silent = "abc123_1_utterance_1, ccc_utterance_5"
    assert (f"passed over, without film and sound: {silent}, ddd" in result.stderr) == (build is omg.build)
    assert (f"gold without a prediction: {silent}" in scored.stdout) == (build is omg.build)


def test_a_corpus_by_many_processes(shell: Shell, tmp_path: Path) -> None:
    own = manifest.build(tmp_path / "own")
    # Several threads add up in another order: workers have one each.
    for out, how in {"one": "--threads 1", "two": "--workers 2"}.items():
        result = shell(f'affekt predict --corpus own --model "$MODEL" --out {out} --format csv,json {how}')
        assert result.returncode == 0, result.stderr
    assert tree(Path(tmp_path / "one")) == tree(tmp_path / "two")
    assert len(tree(tmp_path / "two")) == 2 * len(read_corpus(own).recordings)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--select", "Test_*"], "none of its 5 recordings is of Test_*"),
        (["--turns", "x"], "are the corpus' to say"),
        (["--out", "own/gold"], "lies in"),
    ],
)
def test_what_of_a_corpus_is_refused(words: list[str], said: str, run: Run, tmp_path: Path) -> None:
    manifest.build(tmp_path / "own")
    result = run("predict", "--corpus", "own", *words)
    assert result.exit_code == 2 and said in result.stderr
    assert not Path("affekt-out").exists() and written(tmp_path / "own" / "gold") == ["Anna.csv"]


def test_an_output_never_replaces_the_transcript(run: Run, sound: Path) -> None:
    sound.with_suffix(".csv").write_text("0.0;0.6;What a lovely day\n")
    result = run(sound, "--transcript", "talk.csv", "--out", ".")
    assert result.exit_code == 2 and "would take the place" in only_line(result.stderr)
    assert sound.with_suffix(".csv").read_text().startswith("0.0;")


@contextmanager
def small_disk(limit: int) -> Iterator[None]:
    """No file may grow beyond `limit` bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("kind", ["csv", "json", "html", "parquet"])
def test_a_failing_write_keeps_the_old_file(kind: str, run: Run, sound: Path) -> None:
    if kind == "parquet":
        pytest.importorskip("pyarrow")
    Path("affekt-out").mkdir()
    old = Path(f"affekt-out/talk.{kind}")
    old.write_text("old")
    with small_disk(100):
        result = run(sound, "--format", kind)
    assert result.exit_code == 2 and old.name in only_line(result.stderr)
    assert written(Path("affekt-out")) == [old.name] and old.read_text() == "old"
    assert run(sound, "--format", kind).exit_code == 0
    assert old.stat().st_size > 100


def test_the_demo_has_everything(run: Run) -> None:
    result = run(EXAMPLES / "demo.mp4", "--format", "csv,html", "--columns", "presence")
    assert result.exit_code == 0, result.output
    table = rows(Path("affekt-out/demo.csv"))
    share = {name: np.mean([row[name] == "1" for row in table]) for name in ("text", "audio", "visual")}
    assert len(table) == 158 and min(share.values()) > 0.8
    assert "Traceback" not in result.output
