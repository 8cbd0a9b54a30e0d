"""`affekt evaluate`: predictions beside gold, as a table and as JSON."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

import affekt
from affekt.cli import affekt as command
from affekt.scoring import ccc

Evaluate = Callable[..., Result]
AROUSAL = np.array([0.0, 0.1, 0.2, 0.3, 0.4])


@pytest.fixture
def evaluate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Evaluate:
    """Runs `affekt evaluate` in a folder with p/ and g/."""
    monkeypatch.chdir(tmp_path)
    sides = ["evaluate", "--predictions", "p", "--gold", "g"]
    return lambda *words: CliRunner().invoke(command, [*sides, *(str(word) for word in words)])


def label(path: str, arousal: np.ndarray, valence: np.ndarray | None = None) -> None:
    valence = -arousal if valence is None else valence
    rows = [f"{k / 10:.1f};{a:.4f};{v:.4f}" for k, (a, v) in enumerate(zip(arousal, valence, strict=True))]
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text("\n".join(["time;arousal;valence", *rows, ""]), encoding="utf-8")


def figures(*names: str) -> None:
    """Made-up predictions and gold of recordings."""
    for name in names:
        rng = np.random.default_rng([*name.encode()])
        gold = rng.uniform(-0.5, 0.5, (40, 2))
        label(f"g/{name}.csv", *gold.T)
        label(f"p/{name}.csv", *(0.5 * gold + rng.normal(0, 0.1, (40, 2))).T)


def machine(evaluate: Evaluate, *words: object) -> dict[str, Any]:
    result = evaluate("--json", "all.json", *words)
    assert result.exit_code == 0, result.stderr
    return dict(json.loads(Path("all.json").read_text(encoding="utf-8")))


def test_by_hand(evaluate: Evaluate) -> None:
    # Predicted 0 … 0.4, the gold 0.1 higher: variances and covariance 0.02, so .04 / (.04 + .01) = .8.
    label("g/talk.csv", AROUSAL + 0.1)
    label("p/talk.csv", AROUSAL)
    result = evaluate("--per-recording")
    assert (result.exit_code, result.stderr) == (0, "")
    lines = [line.split() for line in result.stdout.splitlines()]
    assert lines[0] == ["1", "recording,", "5", "rows", "(0.1", "s", "each)"]
    assert ["arousal", ".80", "1.00", ".10", ".80"] in lines  # 0 beside 0.1 is not the same sign
    assert ["valence", ".80", "1.00", ".10", ".80"] in lines
    assert "no intervals: there is one recording only, and nothing to draw from" in result.stdout
    assert "Mean over" not in result.stdout


def test_predictions_move_back_by_the_annotation_delay(evaluate: Evaluate) -> None:
    # Learnt from gold moved 0.2 s earlier, so they come 0.2 s before it; the head holds the first value.
    gold = np.array([0.3, 0.3, 0.3, 0.1, -0.2, 0.4, 0.0])
    label("g/talk.csv", gold)
    label("p/talk.csv", np.array([*gold[2:], 0.9, 0.9]), np.array([*-gold]))
    scores = machine(evaluate, "--annotation-delay", "arousal=0.2")
    for dimension in ("arousal", "valence"):
        assert scores["concatenated"][dimension]["ccc"]["value"] == pytest.approx(1.0)
    assert evaluate("--annotation-delay", "arousal=-1").exit_code == 2
    result = evaluate("--annotation-delay", "arosal=0.2")
    assert result.exit_code == 2 and result.stderr == (
        "affekt: annotation delay of arosal: there is no such dimension; there are arousal, valence\n"
    )
    Path("p/talk.csv").write_text("time;arousal\n0.0;0.1\n0.1;0.2\n", encoding="utf-8")
    assert evaluate("--annotation-delay", "0.2", "--pad", "last").exit_code == 0  # of what there is


def test_json_has_all_figures(evaluate: Evaluate) -> None:
    figures("a", "b", "c")
    data = machine(evaluate, "--draws", 200, "--seed", 5)
    assert data["format"] == "affekt-evaluation-1" and data["dimensions"] == ["arousal", "valence"]
    assert data["bootstrap"] == {
        "clusters": 3,
        "of": "recording",
        "draws": 200,
        "seed": 5,
        "confidence": 0.95,
    }
    tables = {
        side: [np.loadtxt(f"{side}/{name}.csv", delimiter=";", skiprows=1)[:, 1:] for name in "abc"]
        for side in "pg"
    }
    each = np.array([ccc(x, y) for x, y in zip(tables["p"], tables["g"], strict=True)])
    joined = ccc(np.concatenate(tables["p"]), np.concatenate(tables["g"]))
    for place, name in enumerate(("arousal", "valence")):
        score = data["concatenated"][name]
        assert score["rows"] == 120 and score["ccc"]["value"] == pytest.approx(joined[place])
        assert score["ccc"]["low"] <= score["ccc"]["value"] <= score["ccc"]["high"]
        mean = data["mean_over_recordings"][name]["ccc"]
        assert mean["value"] == pytest.approx(each[:, place].mean()) and mean["recordings"] == 3
        listed = [one["dimensions"][name]["ccc"] for one in data["recordings"]]
        assert listed == pytest.approx(each[:, place].tolist())
    assert data == machine(evaluate, "--draws", 200, "--seed", 5)
    assert data["faults"] == [] and data["without_gold"] == []


def test_nothing_to_draw_is_null(evaluate: Evaluate) -> None:
    figures("a", "b")
    for words in (["--draws", 0], ["--select", "a"]):
        score = machine(evaluate, *words)["concatenated"]["arousal"]["rmse"]
        assert score["low"] is score["high"] is None and score["value"] > 0


def test_groups_are_drawn_together(evaluate: Evaluate) -> None:
    figures("a", "b", "c", "d")
    Path("dyads.csv").write_text("name,dyad\na,1\nb,1\nc,2\nd,2\ne,9\n")
    result = evaluate("--groups", "dyads.csv")
    assert "bootstrap draws of 2 dyads (seed 0); so few that they are" in result.stdout.replace("\n", "")
    data = machine(evaluate, "--groups", "dyads.csv", "--no-per-recording")
    assert data["bootstrap"]["of"] == "dyad"
    assert [one["cluster"] for one in data["recordings"]] == ["1", "1", "2", "2"]
    # Gold of SEWA's names: equal lengths make a dyad, whatever the lengths of predictions.
    figures("Devel_01", "Devel_02", "Devel_03")
    label("g/Devel_02.csv", AROUSAL)
    data = machine(evaluate, "--select", "Devel_*")
    assert [one["cluster"] for one in data["recordings"]] == [
        "Devel_01+Devel_03",
        "Devel_02",
        "Devel_01+Devel_03",
    ]
    result = evaluate("--groups", "nowhere.csv")
    assert result.exit_code == 2 and result.stderr.startswith("affekt: nowhere.csv: ")


def test_select_and_dimension(evaluate: Evaluate) -> None:
    figures("Devel_DE_01", "Devel_DE_02", "Devel_HU_01", "Train_DE_01")
    data = machine(evaluate, "--select", "Devel_DE_*", "--select", "Train_*", "--dimension", "valence")
    assert [one["name"] for one in data["recordings"]] == ["Devel_DE_01", "Devel_DE_02", "Train_DE_01"]
    assert data["dimensions"] == ["valence"] and data["recordings"][2]["partition"] == "train"
    assert [one["name"] for one in machine(evaluate, "--partition", "train")["recordings"]] == ["Train_DE_01"]
    result = evaluate("--dimension", "liking")
    assert result.exit_code == 2 and "g: there are no labels in it for liking" in result.stderr


def test_lengths_are_said(evaluate: Evaluate) -> None:
    label("g/long.csv", AROUSAL)
    label("p/long.csv", np.linspace(0, 1, 12))
    label("g/short.csv", np.linspace(0, 1, 12))
    label("p/short.csv", AROUSAL)
    result = evaluate()
    assert result.exit_code == 1
    place = Path("p", "short.csv")
    assert result.stderr.splitlines() == [
        f"affekt: {place}: ends 7 rows before the gold; --pad last holds the value before them, --pad mask "
        "leaves them out"
    ]
    assert "1 longer than the gold, cropped (rows): long (7)" in result.stdout
    assert "1 NOT scored, see the errors: short" in result.stdout
    for pad, key in (("mask", "masked"), ("last", "held")):
        data = machine(evaluate, "--pad", pad)
        assert [(one["name"], one["cropped"], one[key]) for one in data["recordings"]] == [
            ("long", 7, 0),
            ("short", 0, 7),
        ]


def test_all_bad_is_a_fault(evaluate: Evaluate) -> None:
    label("g/a.csv", np.linspace(0, 1, 12))
    label("p/a.csv", AROUSAL)
    result = evaluate()
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.splitlines()[-1] == "affekt: nothing could be compared; the lines above say why"


def test_what_stands_alone_and_what_is_constant_is_said(evaluate: Evaluate) -> None:
    figures("a", "b")
    figures("x")
    Path("p/x.csv").rename("p/y.csv")
    label("p/a.csv", np.full(40, 0.3))
    result = evaluate()
    said = " ".join(result.stdout.split())
    assert result.exit_code == 0
    assert "1 NOT scored, gold without a prediction: x" in said
    assert "1 not scored, predictions without gold: y" in said
    assert "1 with constant predictions or gold of arousal (CCC 0, no Pearson): a" in said
    data = machine(evaluate)
    first = data["recordings"][0]["dimensions"]["arousal"]
    assert (first["ccc"], first["pearson"], first["constant"]) == (0.0, None, True)
    assert data["mean_over_recordings"]["arousal"]["pearson"]["recordings"] == 1
    assert (data["without_prediction"], data["without_gold"]) == (["x"], ["y"])


def test_many_are_listed_when_asked_for(evaluate: Evaluate) -> None:
    figures(*(f"talk_{k:02}" for k in range(21)))
    assert "talk_07" not in evaluate().stdout
    assert "talk_07" in evaluate("--per-recording").stdout
    assert "talk_07" not in evaluate("--no-per-recording", "--select", "talk_0*").stdout


def test_fits_eighty_columns(evaluate: Evaluate) -> None:
    for name in ("Devel_HU_01", "a-name-longer-than-any-table-has-room-for-in-its-first-column"):
        label(f"g/{name}.csv", np.linspace(0.5, -0.5, 40))
        label(f"p/{name}.csv", np.linspace(-0.25, 0.25, 40))
    result = evaluate()
    assert "-.80 [-.80, -.80]" in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 80


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--gold", "nowhere"], "affekt: nowhere: is not there; give a folder or a file"),
        (["--partition", "devel"], "affekt: g: its partitions are not known"),
        (["--json", "g/a.csv"], "affekt: g/a.csv: would take the place of what is read"),
        (["--json", "p/scores.json"], "affekt: p/scores.json: lies in p, which is read; give a name outside"),
        (["--json", "no/where.json"], "affekt: no/where.json: cannot be written"),
    ],
)
def test_one_line_and_two(evaluate: Evaluate, words: list[str], message: str) -> None:
    figures("a", "b")
    result = evaluate(*words)
    assert result.exit_code == 2 and result.stderr.startswith(message) and result.stderr.count("\n") == 1


@pytest.mark.parametrize("words", [["--confidence", "1"], ["--draws", "-1"], ["--pad", "zero"]])
def test_wrong_options(evaluate: Evaluate, words: list[str]) -> None:
    assert evaluate(*words).exit_code == 2


def test_needs_no_model_and_no_extras(evaluate: Evaluate, tmp_path: Path) -> None:
    figures("a", "b")
    script = """
import sys
from affekt.cli import affekt
affekt(["evaluate", "--predictions", "p", "--gold", "g", "--json", "all.json"], standalone_mode=False)
extras = {"torch", "transformers", "scipy", "onnx", "pyarrow", "audformat", "ray"}
print(sorted(extras & set(sys.modules)))
"""
    env = {**os.environ, "PYTHONPATH": str(Path(affekt.__file__).parents[1])}
    done = subprocess.run(
        [sys.executable, "-c", script], env=env, capture_output=True, text=True, timeout=250
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == "[]"


PUBLISHED = {
    "DE": {"arousal": (0.629, 0.562), "valence": (0.684, 0.617), "liking": (0.167, 0.047)},
    "HU": {"arousal": (0.583, 0.458), "valence": (0.508, 0.434), "liking": (0.260, 0.036)},
}


@pytest.mark.parametrize("culture", PUBLISHED)
def test_avec_2019_baseline(culture: str, evaluate: Evaluate) -> None:
    """The challenge's own gold and fused baseline: CCC over all frames joined, and mean of the recordings'.

    Their script divides the covariance by n and the variances by n − 1, which costs a thousandth.
    """
    if not (clone := os.environ.get("AFFEKT_AVEC2019")):
        pytest.skip("AFFEKT_AVEC2019 names no clone of github.com/AudioVisualEmotionChallenge/AVEC2019")
    base = Path(clone) / "Baseline_systems" / "CES"
    words = [
        "--predictions",
        base / "baseline_predictions" / "predictions_svr",
        "--gold",
        base / "labels_devel",
    ]
    data = machine(evaluate, *words, "--select", f"Devel_{culture}_*")
    assert len(data["recordings"]) == 14
    assert {one["name"] for one in data["recordings"] if not one["cropped"]} <= {"Devel_HU_09", "Devel_HU_12"}
    for name, (joined, mean) in PUBLISHED[culture].items():
        assert data["concatenated"][name]["ccc"]["value"] == pytest.approx(joined, abs=1e-3)
        assert data["mean_over_recordings"][name]["ccc"]["value"] == pytest.approx(mean, abs=1e-3)
