"""`affekt evaluate MODEL CORPUS`: a bundle run over a corpus and scored, in one go."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from affekt.cli import affekt as command
from affekt.corpora.gold.delay import Delays
from affekt.corpora.prepared.build import prepare
from affekt.corpora.prepared.dataset import Dataset
from affekt.corpora.readers import read_corpus
from affekt.scoring import ccc
from bundles import SPEC, bundle_folder
from corpora.miniatures import avec2017, omg
from corpora.tiny import tree

Evaluate = Callable[..., Result]


@pytest.fixture
def evaluate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Evaluate:
    """Runs `affekt evaluate …` where a corpus lies in SEWA."""
    monkeypatch.chdir(tmp_path)
    avec2017.build(Path("SEWA"))
    return lambda *words: CliRunner().invoke(command, ["evaluate", *(str(word) for word in words)])


def figures(result: Result, path: str | Path) -> dict[str, Any]:
    assert result.exit_code == 0, result.output
    return dict(json.loads(Path(path).read_text(encoding="utf-8")))


def prepared(out: Path, **settings: Any) -> Path:
    corpus = read_corpus(Path("SEWA"))
    prepare(corpus, out, Dataset("", settings.pop("spec", SPEC), **settings))
    return out


def test_scores_are_those_of_the_tables_that_are_kept(evaluate: Evaluate) -> None:
    words = [bundle_folder(), "SEWA", "--partition", "devel", "--keep", "kept", "--json", "a.json"]
    a = figures(evaluate(*words), "a.json")
    files = ["--predictions", "kept", "--gold", "SEWA", "--partition", "devel", "--json", "b.json"]
    b = figures(evaluate(*files), "b.json")
    assert sorted(tree(Path("kept"))) == ["Devel_01.csv", "Devel_02.csv"]  # the two that are asked for
    assert a["concatenated"] == b["concatenated"] and a["recordings"] == b["recordings"]
    # By hand: the miniature's gold is k / 100 and −k / 200, 30 rows each.
    tables = [np.loadtxt(f"kept/Devel_0{k}.csv", delimiter=",", skiprows=1, usecols=(2, 3)) for k in (1, 2)]
    k = np.arange(30)
    expected = ccc(np.concatenate(tables), np.tile(np.stack([k / 100, -k / 200], 1), (2, 1)))
    got = [a["concatenated"][name]["ccc"]["value"] for name in ("arousal", "valence")]
    assert got == pytest.approx(expected.tolist(), abs=1e-6)  # gold is read in single precision


def test_prepared_clips_give_the_same_and_their_gold_is_where_it_was(evaluate: Evaluate) -> None:
    films = figures(evaluate(bundle_folder(), "SEWA", "--json", "a.json"), "a.json")
    folder = prepared(Path("clips"), delays=Delays({"arousal": 1.0}))
    result = evaluate(bundle_folder(), folder, "--json", "b.json")
    clips = figures(result, "b.json")
    assert len(clips["recordings"]) == len(avec2017.ROWS)
    for name in ("arousal", "valence"):
        one, other = (data["concatenated"][name]["ccc"]["value"] for data in (films, clips))
        assert one == pytest.approx(other, abs=1e-6)
    said = " ".join(result.stdout.split())
    assert "the folder moves it earlier for training, by arousal 1 s, for which --annotation-delay" in said


def test_a_run_is_judged_by_the_bundle_in_it(evaluate: Evaluate) -> None:
    shutil.copytree(bundle_folder(), "runs/one/bundle")
    run, words = Path("runs/one"), ["SEWA", "--partition", "devel", "--json"]
    one, other = (
        figures(evaluate(model, *words, run / "a.json"), run / "a.json") for model in (run, bundle_folder())
    )
    assert one["predictions"] == str(run)
    assert one["concatenated"] == other["concatenated"] and one["recordings"] == other["recordings"]


def test_post_processing_is_chosen_on_another_partition(evaluate: Evaluate) -> None:
    """What --post-fit needs is judged as well, and nothing else is."""
    words = [bundle_folder(), "SEWA", "--partition", "devel", "--post-fit", "train", "--keep", "kept"]
    data = figures(evaluate(*words, "--json", "a.json"), "a.json")
    assert len(data["postprocessing"]["recordings"]) == 4 and len(data["recordings"]) == 2
    assert sorted(tree(Path("kept"))) == sorted(f"{name}.csv" for name in avec2017.ROWS)


def test_predictions_move_back(evaluate: Evaluate) -> None:
    words = [bundle_folder(), "SEWA", "--partition", "devel", "--annotation-delay", "arousal=0.5", "--json"]
    moved = figures(evaluate(*words, "a.json", "--keep", "kept"), "a.json")
    tables = [np.loadtxt(f"kept/Devel_0{k}.csv", delimiter=",", skiprows=1, usecols=(2, 3)) for k in (1, 2)]
    later = np.concatenate([table[np.maximum(np.arange(30) - 5, 0), :1] for table in tables])
    expected = float(ccc(later, np.tile(np.arange(30)[:, None] / 100, (2, 1)))[0])
    assert moved["concatenated"]["arousal"]["ccc"]["value"] == pytest.approx(expected, abs=1e-6)


def test_workers_do_the_same(evaluate: Evaluate) -> None:
    folder = prepared(Path("clips"))
    words = [bundle_folder(), folder, "--partition", "devel", "--json"]
    one = figures(evaluate(*words, "a.json", "--keep", "k1"), "a.json")
    two = figures(evaluate(*words, "b.json", "--keep", "k2", "--workers", 2), "b.json")
    assert one["concatenated"] == two["concatenated"]
    assert tree(Path("k1")) == tree(Path("k2")) and len(tree(Path("k1"))) == 2


def test_a_bad_recording_is_named_at_the_end_and_the_rest_is_scored(evaluate: Evaluate) -> None:
    for folder, ending in (("audio", "wav"), ("video", "avi")):
        Path("SEWA", folder, f"Devel_02.{ending}").write_bytes(b"no film")
    result = evaluate(bundle_folder(), "SEWA", "--partition", "devel")
    assert result.exit_code == 1 and "1 recording, 30 rows" in result.stdout
    assert "1 NOT scored, gold without a prediction: Devel_02" in result.stdout
    lines = result.stderr.splitlines()
    assert lines[-2] == "1 of 2 recordings failed:" and "Devel_02" in lines[-1]
    (Path("SEWA/video/Devel_01.avi")).write_bytes(b"no film")
    (Path("SEWA/audio/Devel_01.wav")).write_bytes(b"no sound")
    result = evaluate(bundle_folder(), "SEWA", "--partition", "devel", "--keep", "kept")
    assert result.exit_code == 2 and not Path("kept").exists()
    assert "SEWA: none of its 2 recordings could be judged" in result.stderr.splitlines()[-1]


def test_a_damaged_clip_is_one_line(evaluate: Evaluate) -> None:
    folder = prepared(Path("clips"))
    clip = folder / "clips" / "Devel_01.safetensors"
    data = bytearray(clip.read_bytes())
    data[8:12] = b"{{{{"
    clip.write_bytes(data)
    result = evaluate(bundle_folder(), folder, "--partition", "devel")
    assert result.exit_code == 1 and result.stderr.splitlines()[-1].startswith(f"  {clip}: is damaged")


def test_utterances_are_scored_by_their_films(evaluate: Evaluate) -> None:
    omg.build(Path("OMG"))
    data = figures(evaluate(bundle_folder(), "OMG", "--json", "a.json"), "a.json")
    assert {one["row"] for one in data["recordings"]} == {"recordings"}
    scored = {one["name"] for one in data["recordings"]}
    assert scored == {"abc123", "über-uns", "ccc"} and data["mean_over_recordings"]["arousal"]["ccc"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nothing", "SEWA"], "affekt: nothing: no such model"),
        (["default", "nowhere"], "affekt: nowhere: no such file or folder"),
        (["default", "SEWA", "--partition", "test"], "affekt: SEWA: there are no recordings of test with"),
        (["default", "SEWA", "--select", "x*"], "affekt: SEWA: there are no recordings of x* with labels"),
        (["default", "SEWA", "--json", "SEWA/a.json"], "affekt: SEWA/a.json: lies in SEWA, which is read"),
        (["default", "SEWA", "--annotation-delay", "arosal=1"], "affekt: annotation delay of arosal: there"),
        (["default", "SEWA", "--keep", "SEWA/labels"], "affekt: SEWA/labels/Train_01.csv: lies in SEWA"),
    ],
)
def test_one_line_and_two(evaluate: Evaluate, words: list[str], message: str) -> None:
    result = evaluate(*words)
    assert result.exit_code == 2 and result.stderr.startswith(message), result.stderr
    assert result.stderr.count("\n") == 1


def test_clips_of_another_kind_are_refused(evaluate: Evaluate) -> None:
    result = evaluate("default", prepared(Path("clips")))
    assert result.exit_code == 2 and result.stderr == (
        "affekt: clips: was prepared with sample_rate 8000, the model takes 22050; prepare it for this model "
        "(affekt prepare --model default), or name the corpus itself\n"
    )


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["default"],
        ["default", "SEWA", "more"],
        ["default", "SEWA", "--gold", "SEWA"],
        ["--predictions", "p"],
        ["--predictions", "p", "--gold", "SEWA", "--keep", "x"],
        ["--predictions", "p", "--gold", "SEWA", "--workers", "2"],
    ],
)
def test_which_form_is_meant_must_be_clear(evaluate: Evaluate, words: list[str]) -> None:
    result = evaluate(*words)
    assert result.exit_code == 2 and "MODEL" in result.stderr
