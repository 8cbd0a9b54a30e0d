"""`affekt gold` and `affekt delay` as they are called."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from affekt.cli import affekt
from affekt.corpora.labels.traces import read_labels

RUNNER = CliRunner()


def call(*args: str | Path) -> Result:
    return RUNNER.invoke(affekt, [str(arg) for arg in args])


def write(path: Path, columns: dict[str, np.ndarray], first: str = "time") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = zip(*(one.tolist() for one in columns.values()), strict=True)
    lines = [f"{k / 10:.1f},{','.join(f'{value:.6f}' for value in row)}" for k, row in enumerate(rows)]
    path.write_text("\n".join([f"{first},{','.join(columns)}", *lines, ""]), encoding="utf-8")


def wave(shift: int = 0, frames: int = 400) -> np.ndarray:
    """(frames,) within [−.8, .8]; one that repeats late, so that a shift is told."""
    time = np.arange(-shift, frames - shift)
    return 0.5 * np.sin(time / 11) + 0.3 * np.sin(time / 37)


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    """Three raters; the third is 1.2 s late, and rates the other way round in valence."""
    folder = tmp_path / "raw räters"
    for name in ("P2", "P10"):
        early, late = wave(), wave(12)
        write(folder / "arousal" / f"{name}.csv", {"anna": early, "bo": 0.9 * early, "c<i>": late})
        write(
            folder / "valence" / f"{name}.csv", {"anna": early, "bo": 0.9 * early, "di": early, "eve": -early}
        )
    return folder


def test_a_folder_is_fused(raw: Path, tmp_path: Path) -> None:
    out, report = tmp_path / "out", tmp_path / "report.json"
    done = call("gold", raw, "--out", out, "--json", report)
    assert done.exit_code == 0, done.output
    assert sorted(path.name for path in out.iterdir()) == ["P10.csv", "P2.csv", "gold.html"]
    assert done.stdout.index("P2") < done.stdout.index("P10")
    assert "2 recordings, evaluator-weighted estimator." in done.stdout
    trace = read_labels(out / "P2.csv")
    assert trace.columns == ("arousal", "valence") and trace.values.shape == (400, 2)
    # Anna, Bo and Di weigh the same in valence, Eve nothing.
    np.testing.assert_allclose(trace.values[:, 1], wave() * 2.9 / 3, atol=2e-6)
    data = json.loads(report.read_text(encoding="utf-8"))
    assert (data["method"], data["aligned"], len(data["recordings"])) == ("ewe", False, 4)
    arousal, valence = data["recordings"][:2]
    for one in (arousal, valence):
        # Both recordings are the same, so that the mean over them is what each has.
        total = data["dimensions"][one["dimension"]]
        assert total == {"recordings": 2, **{key: one[key] for key in ("mean_ccc", "cronbach_alpha")}}
        line = f"{one['dimension']} 2 {total['mean_ccc']:.2f} {total['cronbach_alpha']:.2f}"
        assert line.replace("-", "−") in re.sub(" +", " ", done.stdout).splitlines()
    assert (arousal["recording"], arousal["dimension"], arousal["aligned"]) == ("P2", "arousal", False)
    assert [one["delay"] for one in arousal["raters"]] == [-0.4, -0.4, 0.8]
    assert [round(one["weight"], 3) for one in valence["raters"]] == [0.333, 0.333, 0.333, 0.0]
    page = (out / "gold.html").read_text(encoding="utf-8")
    assert page.count("<polyline") == 2 * (4 + 5) and "c&lt;i&gt;" in page and "c<i>" not in page


def test_aligning_lines_raters_up(raw: Path, tmp_path: Path) -> None:
    done = call("gold", raw / "arousal", "--align", "--method", "mean", "--out", tmp_path / "out")
    assert done.exit_code == 0 and "raters aligned" in done.stdout
    values = read_labels(tmp_path / "out" / "P2.csv").values[:, 0]
    # The quick ones were moved .4 s later, the slow one .8 s earlier; beyond what all have there is no gold.
    np.testing.assert_allclose(values[4:392], wave(4)[4:392] * 2.9 / 3, atol=2e-6)
    assert np.isnan(values[:4]).all() and np.isnan(values[392:]).all()


def test_a_folder_for_each_rater(tmp_path: Path) -> None:
    for place, name in enumerate(("anna", "bo")):
        write(tmp_path / name / "talk.csv", {"arousal": wave() + 0.1 * place, "valence": wave()})
    folders = [tmp_path / "anna", tmp_path / "bo"]
    done = call("gold", "--raters", *folders, "--method", "mean", "--out", tmp_path / "out")
    assert done.exit_code == 0, done.output
    trace = read_labels(tmp_path / "out" / "talk.csv")
    np.testing.assert_allclose(trace.values, np.stack([wave() + 0.05, wave()], axis=1), atol=2e-6)


def test_a_bad_recording_loses_no_other(raw: Path, tmp_path: Path) -> None:
    (raw / "valence" / "P10.csv").write_text("time,anna,bo\n0.0,0.1\n", encoding="utf-8")
    done = call("gold", raw, "--out", tmp_path / "out")
    assert done.exit_code == 1 and "Traceback" not in done.output
    assert "P10.csv" in done.stderr and "1 of 2 files failed" in done.stderr
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["P2.csv", "gold.html"]


def test_misuse_is_one_line(raw: Path, tmp_path: Path) -> None:
    for args, text in (
        ((tmp_path / "nowhere",), "nowhere: is not there"),
        ((tmp_path / "nowhere", "--raters"), "nowhere: is not there"),
        ((raw / "arousal" / "P2.csv", "--raters"), "is not a folder; with --raters"),
        ((tmp_path, "--dimension", "arousal"), "there is no file of arousal here"),
    ):
        done = call("gold", *args, "--out", tmp_path / "out")
        assert done.exit_code == 2 and text in done.stderr and len(done.stderr.splitlines()) == 1, done.output
    assert not (tmp_path / "out").exists()
    over = call("gold", raw / "arousal", "--out", raw / "arousal")
    assert over.exit_code == 2 and "would take the place of what is read" in over.stderr
    into = call("gold", raw, "--out", raw / "gold")
    assert into.exit_code == 2 and "which is read; give a name outside of it" in into.stderr
    one = call("gold", raw / "arousal" / "P2.csv", "--out", raw / "arousal")
    assert one.exit_code == 2 and "would take the place of what is read" in one.stderr


def test_labels_that_are_no_gold_of_ours_stay(raw: Path, tmp_path: Path) -> None:
    labels = tmp_path / "labels"
    write(labels / "P10.csv", {"arousal": wave()})
    before = (labels / "P10.csv").read_bytes()
    done = call("gold", raw, "--out", labels)
    assert done.exit_code == 2 and len(done.stderr.splitlines()) == 1
    assert "P10.csv: was not written by affekt gold (there is no gold.html beside it); choose" in done.stderr
    assert (labels / "P10.csv").read_bytes() == before and len(list(labels.iterdir())) == 1
    for method in ("mean", "ewe"):  # its own are replaced
        assert call("gold", raw, "--out", tmp_path / "out", "--method", method).exit_code == 0


def test_what_is_rated_is_not_said_otherwise(raw: Path, tmp_path: Path) -> None:
    for path in (raw / "arousal", raw / "arousal" / "P2.csv"):
        done = call("gold", path, "--dimension", "valence", "--out", tmp_path / "out")
        assert done.exit_code == 2 and len(done.stderr.splitlines()) == 1
        assert "its folder is called arousal, and --dimension says valence" in done.stderr
    assert not (tmp_path / "out").exists()
    both = call("gold", raw, "--dimension", "valence", "--out", tmp_path / "out")
    assert both.exit_code == 0 and read_labels(tmp_path / "out" / "P2.csv").columns == ("valence",)


# affekt delay


def test_a_delay_is_found_from_predictions(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for number in range(3):
        happening = np.clip(np.convolve(rng.normal(size=500), np.hanning(15), "same") / 8, -1, 1)
        quick = {"arousal": happening[100:], "valence": happening[100:]}
        write(tmp_path / "predictions" / f"Devel_{number}.csv", quick)
        write(
            tmp_path / "gold" / f"Devel_{number}.csv",
            {"arousal": happening[77:477], "valence": happening[92:492]},
        )
    report = tmp_path / "delay.json"
    sides = ("--predictions", tmp_path / "predictions", "--gold", tmp_path / "gold")
    done = call("delay", *sides, "--longest", "4", "--json", report)
    assert done.exit_code == 0, done.output
    assert "--annotation-delay arousal=2.3,valence=0.8" in done.stdout
    arousal, valence = json.loads(report.read_text(encoding="utf-8"))
    assert (arousal["delay"], valence["delay"]) == (2.3, 0.8) and len(arousal["curve"]) == 41
    few = call("delay", *sides, "--longest", "2.2")
    assert "arousal: no delay is suggested: the best is the longest that was tried" in few.stdout
    assert "--annotation-delay valence=0.8\n" in few.stdout
    assert few.stderr == (
        "affekt: warning: only 1,134 frames of 3 recordings were compared; on less than 6,000 frames, or "
        "6 recordings, a delay may be off by a second\n"
    )


def test_noise_is_no_delay(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for side in ("predictions", "gold"):
        write(tmp_path / side / "Devel_1.csv", {"arousal": np.clip(rng.normal(size=400) / 4, -1, 1)})
    done = call("delay", "--predictions", tmp_path / "predictions", "--gold", tmp_path / "gold")
    assert done.exit_code == 0 and "--annotation-delay" not in done.stdout
    assert "arousal: no delay is suggested: the best CCC, 0." in done.stdout


def test_delay_asks_for_one_kind_of_input(tmp_path: Path) -> None:
    partition = (tmp_path, "--partition", "devel")
    for args in ((), (tmp_path, "--gold", tmp_path), ("--predictions", tmp_path), partition):
        done = call("delay", *args)
        assert done.exit_code == 2 and "give either PREPARED alone" in done.stderr
    nothing = call("delay", tmp_path)
    assert nothing.exit_code == 2 and "nothing was prepared in this folder" in nothing.stderr
