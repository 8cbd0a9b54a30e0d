"""`affekt evaluate --post-fit`: chosen on one partition, used on another, and marked where they are one."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from affekt.cli import affekt as command
from affekt.scoring import ccc
from affekt.scoring.postprocessing import fit_chain, left_out

Evaluate = Callable[..., Result]
DEVEL, TEST = ("Devel_01", "Devel_02", "Devel_03", "Devel_04"), ("Test_01", "Test_02")
LENGTHS = dict(zip((*DEVEL, *TEST), (80, 80, 95, 95, 110, 70), strict=True))


@pytest.fixture
def evaluate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Evaluate:
    """Runs `affekt evaluate` on predictions that are too low, too flat and noisy; SEWA's names tell dyads."""
    monkeypatch.chdir(tmp_path)
    for name in LENGTHS:
        write(f"g/{name}.csv", gold(name))
        write(f"p/{name}.csv", predictions(name))
    sides = ["evaluate", "--predictions", "p", "--gold", "g"]
    return lambda *words: CliRunner().invoke(command, [*sides, *(str(word) for word in words)])


def gold(name: str) -> np.ndarray:
    rng = np.random.default_rng([*name.encode()])
    return (np.cumsum(rng.normal(size=(LENGTHS[name], 2)), axis=0) / 20).clip(-1, 1).round(6)


def predictions(name: str) -> np.ndarray:
    rng = np.random.default_rng([*name.encode(), 1])
    values = 0.5 * gold(name) - np.array([0.3, 0.0])
    return (values + rng.normal(size=values.shape) / 5).round(6)


def write(path: str, values: np.ndarray) -> None:
    rows = [f"{k / 10:.1f};{a:.6f};{v:.6f}" for k, (a, v) in enumerate(values)]
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text("\n".join(["time;arousal;valence", *rows, ""]), encoding="utf-8")


def machine(evaluate: Evaluate, *words: object) -> dict[str, Any]:
    result = evaluate("--json", "all.json", *words)
    assert result.exit_code == 0, result.stderr
    return dict(json.loads(Path("all.json").read_text(encoding="utf-8")))


def joined(values: list[np.ndarray], names: tuple[str, ...]) -> list[float]:
    return ccc(np.concatenate(values), np.concatenate([gold(name) for name in names])).tolist()


def test_chosen_on_devel_and_used_on_test(evaluate: Evaluate) -> None:
    words = ("--partition", "test", "--post-fit", "devel")
    data = machine(evaluate, *words)
    chain = fit_chain([predictions(name) for name in DEVEL], [gold(name) for name in DEVEL])
    done = joined([chain.apply(predictions(name)) for name in TEST], TEST)
    before = joined([predictions(name) for name in TEST], TEST)
    post = data["postprocessing"]
    assert (post["chosen_on"], post["recordings"], post["on_what_is_scored"]) == ("devel", [*DEVEL], False)
    assert "centring" in chain.steps[0].kept and "scaling" in chain.steps[1].kept
    for place, name in enumerate(("arousal", "valence")):
        one = post["dimensions"][name]
        assert one["steps"] == pytest.approx(chain.to_dict()[name], abs=1e-6)
        assert (one["without"], one["unseen"]) == (pytest.approx(before[place]), None)
        assert one["with"] == pytest.approx(done[place]) != pytest.approx(before[place])
        assert data["concatenated"][name]["ccc"]["value"] == pytest.approx(done[place])
    assert {one["name"] for one in data["recordings"]} == {*TEST}
    result = evaluate(*words)
    assert "Post-processing, chosen on devel (4 recordings): CCC over all rows" in result.stdout
    assert "VERY RECORDINGS" not in result.stdout and "unseen" not in result.stdout


def test_chosen_on_itself_is_marked_and_estimated(evaluate: Evaluate) -> None:
    words = ("--partition", "devel", "--post-fit", "devel")
    data = machine(evaluate, *words)
    x, y = [predictions(name) for name in DEVEL], [gold(name) for name in DEVEL]
    unseen = joined(left_out(x, y, ["a", "a", "b", "b"]), DEVEL)  # equal lengths make a dyad
    post = data["postprocessing"]
    assert post["on_what_is_scored"] and post["left_out_together"] == "group"
    for place, name in enumerate(("arousal", "valence")):
        one = post["dimensions"][name]
        assert one["unseen"] == pytest.approx(unseen[place])
        assert one["with"] >= one["without"] and one["with"] != pytest.approx(one["unseen"])
    said = " ".join(evaluate(*words).stdout.split())
    assert "CHOSEN ON THESE VERY RECORDINGS: scores with it are too good; unseen: of chains chosen" in said
    alone = evaluate(*words, "--select", "Devel_01")
    assert "one alone cannot be left out" in " ".join(alone.stdout.split())


def test_groups_are_left_out_together(evaluate: Evaluate) -> None:
    Path("who.csv").write_text("name,speaker\nDevel_01,x\nDevel_02,y\nDevel_03,x\nDevel_04,y\n")
    data = machine(evaluate, "--partition", "devel", "--post-fit", "devel", "--groups", "who.csv")
    x, y = [predictions(name) for name in DEVEL], [gold(name) for name in DEVEL]
    unseen = joined(left_out(x, y, ["x", "y", "x", "y"]), DEVEL)
    assert data["postprocessing"]["dimensions"]["arousal"]["unseen"] == pytest.approx(unseen[0])


def test_not_asked_for_not_done(evaluate: Evaluate) -> None:
    data = machine(evaluate, "--partition", "test")
    assert data["postprocessing"] is None
    assert data["concatenated"]["arousal"]["ccc"]["value"] == pytest.approx(
        joined([predictions(name) for name in TEST], TEST)[0]
    )


def test_what_does_not_fit_is_told_of_devel_too(evaluate: Evaluate) -> None:
    write("p/Devel_02.csv", predictions("Devel_02")[:20])
    result = evaluate("--partition", "test", "--post-fit", "devel")
    assert result.exit_code == 1 and "Devel_02.csv: ends 60 rows before the gold" in result.stderr
    assert "chosen on devel (3 recordings)" in result.stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--post-fit", "devel"], "--post-fit needs --partition"),
        (["--post-fit", "test", "--partition", "devel"], "'test' is not one of"),
        (
            ["--post-fit", "train", "--partition", "devel"],
            "no recording with labels is of the partition train",
        ),
        (["--post-fit", "devel", "--partition", "test", "--select", "T*"], "of the partition devel"),
    ],
)
def test_refused(evaluate: Evaluate, words: list[str], message: str) -> None:
    result = evaluate(*words)
    assert result.exit_code == 2 and message in result.stderr


def test_a_label_a_recording_is_no_trace(evaluate: Evaluate) -> None:
    rows = "".join(f"{name},{(k - 2) / 10},0.1\n" for k, name in enumerate(LENGTHS))
    Path("whole.csv").write_text(f"name,arousal,valence\n{rows}")
    words = ["--gold", "whole.csv", "--partition", "devel", "--post-fit", "devel"]
    result = evaluate(*words)
    assert result.exit_code == 2
    assert "Devel_01: post-processing is of traces over time" in result.stderr
    assert result.stderr.count("\n") == 1
