"""`affekt compare`: two systems over the same recordings, as folders and as runs."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from affekt.cli import affekt as command
from affekt.corpora.corpus import Corpus
from affekt.corpora.gold.delay import Delays
from affekt.corpora.prepared.build import prepare
from affekt.corpora.prepared.dataset import Dataset
from affekt.scoring import ccc
from affekt.timeline import ClipSpec, Gold, Recording
from cli.conftest import write_sound

Compare = Callable[..., Result]
NAMES = tuple("abcdefgh")


@pytest.fixture
def compare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Compare:
    """Runs `affekt compare` in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return lambda *words: CliRunner().invoke(command, ["compare", *(str(word) for word in words)])


def write(path: str, values: np.ndarray, step: float = 0.1) -> None:
    rows = [f"{k * step:.2f},{a:.6f},{v:.6f}" for k, (a, v) in enumerate(values)]
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text("\n".join(["time,arousal,valence", *rows, ""]), encoding="utf-8")


def gold_of(name: str, rows: int = 40) -> np.ndarray:
    return np.random.default_rng([*name.encode()]).uniform(-0.5, 0.5, (rows, 2)).round(6)


def predicted(name: str, noise: float) -> np.ndarray:
    gold = gold_of(name)
    return (gold + noise * np.random.default_rng([*name.encode(), 1]).normal(size=gold.shape)).round(6)


def folders(names: Sequence[str] = NAMES, noise: tuple[float, float] = (0.4, 0.2)) -> None:
    """g/, and a/ and b/ with predictions of more and of less noise."""
    for name in names:
        write(f"g/{name}.csv", gold_of(name))
        for side, amount in zip("ab", noise, strict=True):
            write(f"{side}/{name}.csv", predicted(name, amount))


def machine(compare: Compare, *words: object) -> dict[str, Any]:
    result = compare("a", "b", "--gold", "g", "--json", "all.json", *words)
    assert result.exit_code == 0, result.stderr
    return dict(json.loads(Path("all.json").read_text(encoding="utf-8")))


def test_figures_are_those_of_the_files(compare: Compare) -> None:
    folders()
    data = machine(compare, "--draws", 100)
    assert (data["format"], data["measure"], data["dimensions"]) == (
        "affekt-comparison-1",
        "ccc",
        ["arousal", "valence"],
    )
    assert data["recordings"] == list(NAMES) and data["bootstrap"]["draws"] == 100
    (tested,) = data["tests"]
    assert (tested["unit"], tested["units"]) == ("recording", list(NAMES))
    for side, noise in (("a", 0.4), ("b", 0.2)):
        each = np.array([ccc(predicted(name, noise), gold_of(name)) for name in NAMES])
        joined = ccc(*(np.concatenate(one) for one in _all(noise)))
        for place, name in enumerate(("arousal", "valence")):
            assert tested["questions"][name][side] == pytest.approx(each[:, place].tolist())
            assert data["concatenated"][name][side] == pytest.approx(joined[place])
        assert tested["questions"]["mean"][side] == pytest.approx(each.mean(1).tolist())
        assert data["concatenated"]["mean"][side] == pytest.approx(joined.mean())
    for name, asked in (("arousal", 2), ("valence", 2), ("mean", 1)):  # all eight agree
        one = tested["questions"][name]
        assert (one["w_plus"], one["w_minus"], one["effect"], one["exact"]) == (36, 0, 1, True)
        assert one["p"] == pytest.approx(2 / 256) and one["p_corrected"] == pytest.approx(asked * 2 / 256)
        assert one["median"]["low"] <= one["median"]["value"] <= one["median"]["high"]


def _all(noise: float) -> tuple[list[np.ndarray], list[np.ndarray]]:
    return [predicted(name, noise) for name in NAMES], [gold_of(name) for name in NAMES]


def test_on_the_terminal(compare: Compare) -> None:
    folders()
    result = compare("a", "b", "--gold", "g")
    assert (result.exit_code, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    assert lines[:3] == ["8 recordings, 320 rows of both, CCC", "A  a", "B  b"]
    tests = lines[lines.index("Over 8 recordings: Wilcoxon's signed-rank test of B − A") :]
    # Eight that agree: p is 2/256, twice that by Holm for two dimensions.
    ends = {line.split()[0]: line.split("]")[1].split() for line in tests[2:5]}
    assert ends == {
        "arousal": ["8", "36", "0", ".0078", ".016", "*", "+1.00"],
        "valence": ["8", "36", "0", ".0078", ".016", "*", "+1.00"],
        "mean": ["8", "36", "0", ".0078", "*", "+1.00"],
    }
    assert "for comparison only" not in result.stdout and "--groups FILE" in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 80


def test_rmse_is_better_below(compare: Compare) -> None:
    folders()
    result = compare("a", "b", "--gold", "g", "--measure", "rmse")
    assert "B − A: below 0, B is nearer to the gold" in result.stdout and "RMSE" in result.stdout
    assert machine(compare, "--measure", "rmse")["tests"][0]["questions"]["mean"]["effect"] == -1


def test_dyads_are_tested_over_and_recordings_only_shown(compare: Compare) -> None:
    folders()
    Path("dyads.csv").write_text("name,dyad\n" + "".join(f"{n},{k // 2}\n" for k, n in enumerate(NAMES)))
    words = ("--groups", "dyads.csv")
    dyads, recordings = machine(compare, *words)["tests"]
    assert (dyads["unit"], len(dyads["units"]), recordings["unit"]) == ("dyad", 4, "recording")
    plain = ccc(*(np.concatenate(one[:2]) for one in _all(0.2)))
    assert dyads["questions"]["arousal"]["b"][0] == pytest.approx(plain[0])
    assert dyads["questions"]["arousal"]["too_few"] and not recordings["questions"]["arousal"]["too_few"]
    said = " ".join(compare("a", "b", "--gold", "g", *words).stdout.split())
    assert "Over 8 recordings, which are not independent of each other: for comparison only" in said
    assert "too few to tell: of 4 differences p is .12 at the least; 6 are the fewest" in said
    assert " * " not in said  # of four dyads, nothing is significant


def test_only_rows_of_both_count(compare: Compare) -> None:
    folders(("a", "b"))
    short = predicted("a", 0.4)[:30]
    write("a/a.csv", short)
    result = compare("a", "b", "--gold", "g")
    assert result.exit_code == 1 and "a/a.csv: ends 10 rows before the gold" in result.stderr
    assert "1 NOT compared, one of them has no prediction that fits: a" in " ".join(result.stdout.split())
    data = machine(compare, "--pad", "mask")
    joined = [np.concatenate([predicted("a", 0.2)[:30], predicted("b", 0.2)])]
    joined += [np.concatenate([gold_of("a")[:30], gold_of("b")])]
    assert data["concatenated"]["arousal"]["b"] == pytest.approx(ccc(*joined)[0])


def test_recordings_of_one_side_are_named(compare: Compare) -> None:
    folders()
    Path("b/h.csv").unlink()
    data = machine(compare)
    assert data["left_out"] == ["h"] and data["recordings"] == list(NAMES[:-1])


def test_another_clock_is_brought_to_10_hz(compare: Compare) -> None:
    """Labels and predictions of A every 0.05 s, those of B every 0.1 s."""
    for name in NAMES:
        write(f"g/{name}.csv", np.repeat(gold_of(name), 2, axis=0), step=0.05)
        write(f"a/{name}.csv", np.repeat(predicted(name, 0.4), 2, axis=0), step=0.05)
        write(f"b/{name}.csv", predicted(name, 0.2))
    data = machine(compare)
    for side, noise in (("a", 0.4), ("b", 0.2)):
        joined = ccc(*(np.concatenate(one) for one in _all(noise)))
        assert data["concatenated"]["valence"][side] == pytest.approx(joined[1], abs=1e-6)


def test_dimensions_of_all_three(compare: Compare) -> None:
    folders()
    for name in NAMES:
        path = Path(f"b/{name}.csv")
        rows = [line.rsplit(",", 1)[0] for line in path.read_text().splitlines()]
        path.write_text("\n".join([*rows, ""]))
    data = machine(compare)
    assert data["dimensions"] == ["arousal"] and list(data["tests"][0]["questions"]) == ["arousal"]


def test_the_same_twice(compare: Compare) -> None:
    folders()
    result = compare("a", "a", "--gold", "g")
    assert result.exit_code == 0
    assert "no recording differs, nothing to test" in " ".join(result.stdout.split())


# Runs


def run(folder: str, data: str, noise: float, names: Sequence[str] = NAMES, stage: str = "fusion") -> None:
    """What `affekt train` leaves of devel."""
    for name in names:
        rows = enumerate(predicted(name, noise)[:10])
        table = "".join(f"{name},{k / 10},{arousal:.6f},{valence:.6f}\n" for k, (arousal, valence) in rows)
        path = Path(f"{folder}/{stage}/devel/{name}.csv")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"name,time,arousal,valence\n{table}", encoding="utf-8")
    Path(folder, "config.yaml").write_text(f"data: {{folder: {data}}}\n", encoding="utf-8")
    Path(folder, "about.json").write_text("{}", encoding="utf-8")
    Path(folder, "result.json").write_text(json.dumps({"final": stage, "stages": {}}), encoding="utf-8")


def prepared(delay: float = 0.0, rows: slice = slice(10)) -> None:
    """ready/: eight recordings of a second, two of a dyad, and one of another partition.

    Args:
        rows: of the gold; one row stands for all of a recording.
    """
    recordings = [
        Recording(
            write_sound(Path(f"corpus/{name}.wav")),
            name=name,
            partition="train" if name == "x" else "devel",
            group=f"dyad {k // 2}",
            gold=Gold(gold_of(name)[rows].astype(np.float32), whole=rows == slice(1)),
        )
        for k, name in enumerate((*NAMES, "x"))
    ]
    settings = Dataset("tiny", ClipSpec(8_000, 1_000, 32), delays=Delays({"arousal": delay}))
    prepare(Corpus("tiny", Path("corpus"), tuple(recordings)), Path("ready"), settings, workers=1)


def test_runs_know_their_gold(compare: Compare) -> None:
    prepared(delay=0.2)
    run("one", "ready", 0.4)
    run("two", "ready", 0.2, stage="audio")
    result = compare("one", "two", "--json", "all.json")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "A  one (fusion, devel)\nB  two (audio, devel)\n" in result.stdout
    assert "earlier by the annotation delay: arousal 0.2 s" in " ".join(result.stdout.split())
    data = json.loads(Path("all.json").read_text(encoding="utf-8"))
    assert data["gold"] == "ready" and data["recordings"] == list(NAMES)
    assert [len(one["units"]) for one in data["tests"]] == [4, 8]
    # Arousal's gold was moved 2 frames earlier, valence's was not.
    x = [predicted(name, 0.2)[:10] for name in NAMES]
    y = [gold_of(name)[:10] for name in NAMES]
    moved = ccc(np.concatenate([one[:8, 0] for one in x]), np.concatenate([one[2:, 0] for one in y]))
    resting = ccc(np.concatenate([one[:, 1] for one in x]), np.concatenate([one[:, 1] for one in y]))
    assert data["concatenated"]["arousal"]["b"] == pytest.approx(float(moved), abs=1e-5)
    assert data["concatenated"]["valence"]["b"] == pytest.approx(float(resting), abs=1e-5)


def test_runs_whose_delay_and_folds_are_their_own(compare: Compare) -> None:
    prepared(delay=0.2)
    for name, noise in (("one", 0.4), ("two", 0.2)):
        run(name, "ready", noise, names=("a", "b", "x"))
        said = "data: {folder: ready, folds: 3, fold: 0, annotation_delay: {arousal: 0.3}}\n"
        Path(name, "config.yaml").write_text(said)
    result = compare("one", "two", "--json", "all.json")
    assert result.exit_code == 0, result.stderr
    data = json.loads(Path("all.json").read_text(encoding="utf-8"))
    # x is of the corpus' train: devel is a fold here.
    assert (data["recordings"], data["left_out"]) == (["a", "b", "x"], [])
    x, y = ([one(name) for name in ("a", "b", "x")] for one in (lambda n: predicted(n, 0.2), gold_of))
    moved = ccc(np.concatenate([one[:7, 0] for one in x]), np.concatenate([one[3:10, 0] for one in y]))
    assert data["concatenated"]["arousal"]["b"] == pytest.approx(float(moved), abs=1e-5)


def test_runs_with_one_label_a_recording(compare: Compare) -> None:
    prepared(rows=slice(1))
    run("one", "ready", 0.4)
    run("two", "ready", 0.2)
    assert compare("one", "two", "--json", "all.json").exit_code == 0
    data = json.loads(Path("all.json").read_text(encoding="utf-8"))
    # A dyad's recordings are a series of two values each: means of the traces, beside the labels.
    x = np.array([predicted(name, 0.2)[:10].mean(0) for name in NAMES])
    y = np.array([gold_of(name)[0] for name in NAMES])
    (tested,) = data["tests"]
    assert tested["units"] == [f"dyad {k}" for k in range(4)]
    assert tested["questions"]["arousal"]["b"][0] == pytest.approx(float(ccc(x[:2, 0], y[:2, 0])), abs=1e-5)
    assert data["concatenated"]["arousal"]["b"] == pytest.approx(float(ccc(x[:, 0], y[:, 0])), abs=1e-5)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda: Path("one/result.json").unlink(), "one: is a run that is not finished; run affekt train"),
        (lambda: Path("one/result.json").write_text("{"), "one/result.json: is damaged"),
        (lambda: Path("one/result.json").write_text('{"final": "../x"}'), "one/result.json: names no last"),
        (lambda: Path("one/config.yaml").write_text("data: 3"), "one/config.yaml: is damaged"),
        (lambda: Path("one/config.yaml").write_text("data: {folder: 3}"), "one/config.yaml: data.folder is"),
        (lambda: Path("one/config.yaml").write_text("data: [\x00"), "one/config.yaml: is damaged"),
        (
            lambda: Path("one/config.yaml").write_text("data: {folder: x}"),
            "one, two: the runs learnt from different",
        ),
        (
            lambda: Path("one/config.yaml").write_text(
                "data: {folder: ready, annotation_delay: {arousal: 1}}"
            ),
            "one, two: the runs learnt from different",
        ),
        (lambda: run("two", "nowhere", 0.1) or run("one", "nowhere", 0.1), "nowhere: nothing was prepared"),
    ],
)
def test_runs_that_cannot_be_compared(compare: Compare, damage: Callable[[], object], message: str) -> None:
    run("one", "ready", 0.4)
    run("two", "ready", 0.2)
    damage()
    result = compare("one", "two")
    assert result.exit_code == 2 and result.stderr.startswith(f"affekt: {message}"), result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["a", "b"], "a: is no run, which would know its gold; give the gold with --gold"),
        (["a", "nowhere", "--gold", "g"], "nowhere: is not there"),
        (["a", "c", "--gold", "g"], "nothing could be compared: no recording has gold in g"),
        (["d", "e", "--gold", "g"], "d has arousal, e has valence: none is in both; name them alike"),
        (["a", "b", "--gold", "g", "--json", "a/x.json"], "a/x.json: lies in a, which is read"),
        (["a", "b", "--gold", "g", "--annotation-delay", "arosal=1"], "annotation delay of arosal: there"),
    ],
)
def test_one_line_and_two(compare: Compare, words: list[str], message: str) -> None:
    folders(("a", "b"))
    write("g/z.csv", gold_of("z"))
    write("c/z.csv", gold_of("z"))
    for folder, name in (("d", "arousal"), ("e", "valence")):
        Path(folder).mkdir()
        rows = "".join(f"{k / 10},0.1\n" for k in range(40))
        Path(folder, "a.csv").write_text(f"time,{name}\n{rows}")
    result = compare(*words)
    assert result.exit_code == 2 and result.stderr.startswith(f"affekt: {message}"), result.stderr
    assert result.stderr.count("\n") == 1


def test_without_scipy_it_says_what_to_install(compare: Compare, monkeypatch: pytest.MonkeyPatch) -> None:
    folders(("a",))
    monkeypatch.setattr(sys.modules["affekt.cli.compare"], "find_spec", lambda _name: None)
    result = compare("a", "b", "--gold", "g")
    assert result.exit_code == 2
    assert result.stderr == "affekt: comparing needs SciPy; pip install 'affekt[train]'\n"
