"""`affekt reproduce`, from a prepared corpus to tables and figures, at a tiny size."""

from __future__ import annotations

import json
import re
import shutil
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from affekt.cli.reproduce import reproduce
from affekt.errors import AffektError, ConfigError, CorpusError, PredictionError
from affekt.timeline import ClipSpec
from prepared import write_tiny

Call = Callable[..., Result]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where all tables of this module share their cells."""
    return tmp_path_factory.mktemp("reproduce")


@pytest.fixture(scope="module")
def call(home: Path, small_corpus: tuple[Path, Path]) -> Call:
    """`affekt reproduce TABLE …` on the small corpus, one seed, some thousand weights."""
    config = write_tiny(home / "tiny.yaml", small_corpus[1], training={"epochs": 2, "steps": 2})

    def invoke(table: str, *words: object, data: Path = small_corpus[1], run: str = "paper") -> Result:
        usual = ["--data", data, "--run", home / run, "--config", config]
        usual += [] if table == "8" else ["--seeds", 1]
        return CliRunner().invoke(reproduce, [table, *map(str, [*usual, *words])])

    return invoke


def done(result: Result, code: int = 0) -> str:
    assert result.exit_code == code, (result.output, result.exception)
    return result.output


@pytest.fixture(scope="module")
def six(call: Call, home: Path, small_corpus: tuple[Path, Path]) -> dict[str, Any]:
    """Table 6 as JSON."""
    done(call("6", "--ceiling", small_corpus[0]))
    return read(home, "6")


def read(home: Path, table: str, run: str = "paper") -> dict[str, Any]:
    found: dict[str, Any] = json.loads((home / run / f"table-{table}.json").read_text(encoding="utf-8"))
    return found


def lines(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {line["name"]: line for line in document["lines"]}


def test_table_6_has_what_its_runs_reached_beside_the_paper(six: dict[str, Any], home: Path) -> None:
    rows = lines(six)
    for kind, name, printed in (
        ("concatenation", "Concatenation", 0.698),
        ("cross_modal", "Cross-modal hierarchical self-attention", 0.797),
    ):
        run = home / "paper" / "cells" / f"fusion-{kind}-s0"
        reached = json.loads((run / "result.json").read_text(encoding="utf-8"))
        for dimension in ("arousal", "valence"):
            ours = rows[name]["ours"][f"devel {dimension}"]
            assert ours["mean"] == pytest.approx(reached[dimension], abs=2e-5)
            assert ours["seeds"] == [ours["mean"]] and ours["std"] is None
        assert rows[name]["paper"]["devel arousal"]["mean"] == printed
    assert (six["synthetic"], six["seeds"]) == (True, [0])
    assert six["recordings"] == {"train": 2, "devel": 2, "test": 2}


def test_below_table_6_are_single_modalities_gain_control_and_ceiling(
    six: dict[str, Any], home: Path
) -> None:
    rows = lines(six)
    extra = [name for name, line in rows.items() if line["kind"] == "extra"]
    assert extra[:3] == ["Text alone", "Audio alone", "Visual alone"]
    gain = next(name for name in extra if name.startswith("Gain of "))
    best = gain.removeprefix("Gain of ").capitalize()
    control = rows[f"{best}, shuffled"]["ours"]["devel arousal"]["mean"]
    for dimension in ("devel arousal", "devel valence"):
        single = max(rows[name]["ours"][dimension]["mean"] for name in extra[:3])
        expected = rows[best]["ours"][dimension]["mean"] - single
        assert rows[gain]["ours"][dimension]["mean"] == pytest.approx(expected)
    folder = next((home / "paper" / "cells").glob("fusion-*-shuffled-s0"))
    reached = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    assert control == pytest.approx(reached["arousal"], abs=2e-5)
    assert extra[-1] == "Perfect reader" and rows[extra[-1]]["ours"]["devel valence"]["mean"] > 0.5


def test_one_dyad_is_never_significant(six: dict[str, Any]) -> None:
    assert len(six["tests"]) == 8
    assert not any(test["significant"] for test in six["tests"])
    assert {test["best"] for test in six["tests"]} == {"Cross-modal hierarchical self-attention"}


def test_everything_that_is_made_says_synthetic(six: dict[str, Any], home: Path, call: Call) -> None:
    assert "SYNTHETIC" in done(call("6"))
    for kind in ("md", "html"):
        assert "SYNTHETIC" in (home / "paper" / f"table-6.{kind}").read_text(encoding="utf-8")


def test_nothing_is_trained_again_and_tables_3_to_7_share(
    six: dict[str, Any], home: Path, call: Call
) -> None:
    cells = home / "paper" / "cells"
    before = {path: path.stat().st_mtime_ns for path in cells.glob("*/*/best.safetensors")}
    assert len(before) == 3 + 6 * 4  # each fusion's run has its first stages' weights too
    for table, modality in (("3", "text"), ("4", "audio"), ("5", "visual"), ("7", "fusion")):
        output = done(call(table))
        proposed = lines(read(home, table))["Proposed"]
        assert set(proposed["ours"]) == {
            f"{a} {b}" for a in ("test", "devel") for b in ("arousal", "valence")
        }
        assert "Huang et al. (printed)" in output, modality
        assert not lines(read(home, table))["Huang et al."]["ours"]
    assert {path: path.stat().st_mtime_ns for path in cells.glob("*/*/best.safetensors")} == before
    assert sorted(path.name for path in (home / "paper" / "test").iterdir()) == [
        *("audio-s0", "fusion-cross_modal-s0", "text-s0", "visual-s0")
    ]


def test_table_2_has_a_reason_wherever_it_has_no_figure(
    six: dict[str, Any], home: Path, call: Call, tmp_path: Path
) -> None:
    folder = tmp_path / "no encoder"
    folder.mkdir()
    words = ["--from-scratch", "--only", "audio,text,visual.hrnet", "--weights", f"bert={folder}"]
    words += [f"--weights={name}={folder}" for name in ("albert", "roberta", "xlnet")]
    output = done(call("2", *words), code=1)  # Li et al. does not fit the sound of this corpus
    rows = lines(read(home, "2"))
    trained = {name for name, line in rows.items() if line["ours"]}
    assert trained == {"HRNet", "Trigeorgis et al.", "Tzirakis et al."}
    for name, line in rows.items():
        assert bool(line["reason"]) == (name not in trained), name
    assert "--weights bert=FOLDER" in rows["BERT"]["reason"]
    assert rows["HRNet"]["note"] == "starts from random weights"
    assert "do not divide" in rows["Li et al."]["reason"]
    assert re.search(r"^BERT +– +\.537 +– +\.578 +– +\.558$", output, re.MULTILINE)


def test_weights_may_be_named_after_they_were_missing(home: Path, call: Call) -> None:
    # The first attempt left nothing that would stand in the way of another.
    vectors = home / "words.vec"
    done(call("2", "--only", "text.fasttext", "--weights", f"fasttext={vectors}", run="vectors"))
    assert lines(read(home, "2", "vectors"))["fastText"]["reason"]
    vectors.write_text("2 3\nund 1 0 0\ndas 0 1 0\n", encoding="utf-8")
    other = home / "other.vec"
    shutil.copy(vectors, other)
    done(call("2", "--only", "text.fasttext", "--weights", f"fasttext={other}", run="vectors"))
    line = lines(read(home, "2", "vectors"))["fastText"]
    assert line["ours"] and not line["reason"]


def test_several_workers_find_what_one_does(six: dict[str, Any], home: Path, call: Call) -> None:
    done(call("3"))
    done(call("3", "--workers", 2, "--seeds", 2, run="spread"))
    one, both = (lines(read(home, "3", run))["Proposed"]["ours"] for run in ("paper", "spread"))
    for name, figure in one.items():
        assert both[name]["seeds"][0] == pytest.approx(figure["mean"], abs=1e-5)
        assert both[name]["mean"] == pytest.approx(sum(both[name]["seeds"]) / 2)
        assert both[name]["std"] > 0


def test_pooling_tells_how_soon(six: dict[str, Any], home: Path, call: Call) -> None:
    done(call("pooling"))
    rows = lines(read(home, "pooling"))
    assert list(rows) == ["average", "attentional", "attentional + between maps"]
    for line in rows.values():
        first, best = (line["ours"][name]["mean"] for name in ("epoch of 95 %", "best epoch"))
        assert 1 <= first <= best <= 2
    shared = json.loads((home / "paper" / "cells" / "visual-s0" / "visual" / "result.json").read_text())
    assert rows["attentional + between maps"]["ours"]["best epoch"]["mean"] == shared["epoch"]


def test_table_8_is_what_a_search_found(six: dict[str, Any], home: Path, call: Call, tmp_path: Path) -> None:
    pytest.importorskip("ray.tune")
    space = tmp_path / "space.yaml"
    space.write_text("{hidden: [4, 6], layers: [1], frames: [25], batch: [2, 3]}", encoding="utf-8")
    before = {path.stat().st_mtime_ns for path in (home / "paper" / "cells").rglob("best.safetensors")}
    output = done(call("8", "--trials", 3, "--epochs", 1, "--reduction", "4/3", "--space", space))
    rows = lines(read(home, "8"))
    assert next(iter(rows)) == "Learning rate" and len(rows) == 6
    printed = {"mean": 0.766, "std": 0.04, "low": None, "high": None, "seeds": []}
    assert rows["Dropout"]["paper"]["devel valence"] == printed
    # Whichever values were drawn, each CCC is within the range of the trials'.
    trials = sorted((home / "paper" / "search" / "trials").glob("*/result.json"))
    reached = [json.loads(path.read_text(encoding="utf-8"))["arousal"] for path in trials]
    assert len(reached) == 3
    for name in ("Learning rate", "Dropout"):
        found = rows[name]["ours"]["devel arousal"]["mean"]
        assert min(reached) - 1e-9 <= found <= max(reached) + 1e-9
    assert "one value alone" in rows["Num layers (LSTM)"]["reason"] and not rows["Num layers (LSTM)"]["ours"]
    assert "3 of 3 trials" in output and "SYNTHETIC" in output
    assert before == {
        path.stat().st_mtime_ns for path in (home / "paper" / "cells").rglob("best.safetensors")
    }


def without_test_labels(corpus: Path, folder: Path) -> Path:
    """The corpus prepared as SEWA is handed out: nobody but the organisers knows the gold of test."""
    from affekt.corpora.prepared.build import prepare
    from affekt.corpora.prepared.dataset import Dataset
    from affekt.corpora.readers import read_corpus

    shutil.copytree(corpus, folder / "corpus")
    for path in (folder / "corpus" / "labels").glob("Test_*"):
        path.unlink()
    for path in (folder / "corpus" / "annotators").glob("*/Test_*"):
        path.unlink()
    prepare(
        read_corpus(folder / "corpus"),
        folder / "prepared",
        Dataset("", ClipSpec(sample_rate=8_000, window=1_000, image_size=32)),
    )
    return folder / "prepared"


def test_without_test_labels_there_are_predictions_to_hand_in(
    home: Path, call: Call, small_corpus: tuple[Path, Path], tmp_path: Path
) -> None:
    data = without_test_labels(small_corpus[0], tmp_path)
    output = done(call("3", data=data, run="hidden"))
    proposed = lines(read(home, "3", "hidden"))["Proposed"]
    assert {name.partition(" ")[0] for name in proposed["ours"]} == {"devel"}
    assert "no labels of test" in output
    written = sorted((home / "hidden" / "test" / "text-s0").glob("*.csv"))
    assert [path.stem for path in written] == ["Test_01", "Test_02"]
    assert written[0].read_text(encoding="utf-8").startswith("name,time,arousal,valence\nTest_01,0.0,")
    assert (home / "hidden" / "cells" / "text-s0" / "bundle" / "config.json").is_file()


def figure(*words: object) -> Result:
    return CliRunner().invoke(reproduce, [str(word) for word in words])


def test_fig4_draws_both_levels_of_a_run(
    six: dict[str, Any], call: Call, home: Path, small_corpus: tuple[Path, Path], tmp_path: Path
) -> None:
    done(call("7"))
    model = home / "paper" / "cells" / "fusion-cross_modal-s0"
    usual = ["fig4", "--model", model, "--data", small_corpus[1], "--out", tmp_path]
    done(figure(*usual, "--recording", "Train_01", "--frame", 30))
    page = (tmp_path / "fig4.html").read_text(encoding="utf-8")
    assert "Train_01, 3.0 s (frame 30)" in page
    for title in ("text, asked by", "audio, asked by", "visual, asked by", "modalities"):
        assert f"<h2>{title}</h2>" in page
    assert (tmp_path / "fig4.png").read_bytes().startswith(b"\x89PNG")
    svg = (tmp_path / "fig4.svg").read_bytes()
    assert ET.fromstring(svg).tag.endswith("svg")
    done(figure(*usual, "--recording", "Train_01", "--frame", 30))
    assert (tmp_path / "fig4.svg").read_bytes() == svg
    for words, error, said in (
        (["--frame", 10_000], PredictionError, "has frames 0 to 119"),
        (["--recording", "nobody"], CorpusError, "has no recording nobody"),
    ):
        result = figure(*usual, *words)
        assert isinstance(result.exception, error) and said in str(result.exception)


def test_fig3_draws_the_sentences_of_a_recording_and_any_others(
    six: dict[str, Any], call: Call, home: Path, small_corpus: tuple[Path, Path], tmp_path: Path
) -> None:
    done(call("3"))
    model = home / "paper" / "cells" / "text-s0"
    done(figure("fig3", "--model", model, "--data", small_corpus[1], "--out", tmp_path / "own"))
    assert "Devel_01" in (tmp_path / "own" / "fig3.html").read_text(encoding="utf-8")
    sentence = "costs $5 & <nothing> else$"
    done(figure("fig3", "--model", model, "--sentence", sentence, "--out", tmp_path / "other"))
    page = (tmp_path / "other" / "fig3.html").read_text(encoding="utf-8")
    assert "costs $5 &amp; &lt;nothing&gt; else$" in page and "<nothing>" not in page
    assert b"costs" in (tmp_path / "other" / "fig3.svg").read_bytes()
    result = figure("fig3", "--model", model, "--sentence", " ", "--out", tmp_path / "none")
    assert isinstance(result.exception, ConfigError) and "no word" in str(result.exception)


def test_what_cannot_be_done_is_one_line(call: Call, home: Path, small_corpus: tuple[Path, Path]) -> None:
    for result in (
        call("6", "fusion.size=7", run="bad"),
        call("2", "--weights", "bart=x", run="bad"),
        call("6", "--ceiling", small_corpus[1], run="bad"),
        call("6", data=home, run="bad"),
        call("7", "modalities=[text]", run="bad"),
        call("3", "unimodal=elsewhere", run="bad"),
        call("3", run="tiny.yaml"),
    ):
        assert isinstance(result.exception, AffektError), result.output
        assert "\n" not in str(result.exception)
    assert not (home / "bad" / "cells").exists()


def test_help_needs_no_pytorch() -> None:
    import subprocess

    script = (
        "import sys; from affekt.cli.reproduce import reproduce;"
        "reproduce(['6', '--help'], standalone_mode=False);"
        "print(sorted({'torch', 'ray', 'matplotlib', 'scipy', 'pandas'} & set(sys.modules)))"
    )
    told = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    assert told.stdout.endswith("[]\n") and "--seeds" in told.stdout
