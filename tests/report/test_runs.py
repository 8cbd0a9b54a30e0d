"""Run folders: what is read of whole, running, killed and damaged ones, and how it is shown."""

from __future__ import annotations

import io
import json
import math
import os
import re
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from affekt.errors import ConfigError
from affekt.report.runfolder import Run, differences, find_runs, read_runs
from affekt.report.runs import alike, config_rows, headline, model, standing, to_json
from affekt.report.runs_page import render_runs
from affekt.report.runs_terminal import show_runs
from report.run_folders import ABOUT, CONFIG, Rows, write_log, write_run
from report.test_corpus import Tags

ATTACK = "</td><script>alert(1)</script>\x1b[2J"
LOW: Rows = [(0.1, 0.2), (0.3, 0.1), (0.2, 0.1)]
"""Best in epoch 2."""
HIGH: Rows = [(0.2, 0.3), (0.5, 0.4)]
FILES = ("config.yaml", "about.json", "result.json", "audio/log.csv", "audio/result.json", "fusion/log.csv")


def read(folder: Path, now: float | None = None) -> list[Run]:
    """Read a moment after the last file was written, unless told when."""
    runs = find_runs(folder)
    written = max(path.stat().st_mtime for path in folder.rglob("*"))
    return read_runs(runs, written + 1 if now is None else now)


def terminal(runs: list[Run], *, compare: bool = True) -> str:
    file = io.StringIO()
    show_runs(runs, compare=compare, file=file)
    return file.getvalue()


@pytest.fixture
def three(tmp_path: Path) -> Path:
    """Two finished runs, and one that is at its second stage."""
    other = CONFIG.replace("self_attention", "residual").replace("seed: 1", "seed: 2")
    write_run(tmp_path / "a", {"audio": LOW, "fusion": LOW})
    write_run(
        tmp_path / "deep" / "b", {"audio": LOW, "fusion": HIGH}, config=other, about={**ABOUT, "seed": 2}
    )
    write_run(tmp_path / "c", {"text": LOW, "audio": HIGH}, over=["text"], finished=False)
    return tmp_path


def test_the_best_finished_run_comes_first(three: Path) -> None:
    runs = read(three)
    assert [(run.name, run.state) for run in runs] == [
        ("deep/b", "finished"),
        ("a", "finished"),
        ("c", "running"),
    ]
    assert runs[0].scores == pytest.approx((0.5, 0.4, 0.45))
    assert runs[1].scores == pytest.approx((0.3, 0.1, 0.2)) and runs[1].final is not None
    assert (runs[1].final.name, runs[1].final.epoch, runs[1].final.epochs) == ("fusion", 2, 3)
    # What is not over is read from its log.
    assert runs[2].scores == pytest.approx((0.5, 0.4, 0.45)) and standing(runs[2]) == "epoch 2 of audio"
    assert [run.faults for run in runs] == [(), (), ()]
    assert headline(runs) == "3 runs, 2 finished, best: deep/b with .450"
    assert (runs[0].modalities, runs[0].fusion) == (("text", "audio", "visual"), "residual")
    assert runs[0].started == "2026-03-01 09:05"


def test_a_silent_run_has_stopped(three: Path) -> None:
    written = max(path.stat().st_mtime for path in (three / "c").rglob("*"))
    states = [read(three, written + silence)[-1].state for silence in (599, 601)]
    assert states == ["running", "stopped"]
    # Five epochs of ten minutes are longer than ten minutes.
    log = three / "c" / "audio" / "log.csv"
    log.write_text(log.read_text(encoding="utf-8").replace(",2.0\n", ",600\n"), encoding="utf-8")
    written = log.stat().st_mtime
    found = [read(three, written + silence)[-1] for silence in (2_900, 3_100)]
    assert [standing(run) for run in found] == ["epoch 2 of audio", "stopped at epoch 2 of audio"]


def test_a_run_without_an_epoch_yet(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "a", {}, finished=False)
    (run,) = read(tmp_path)
    assert headline([run]) == "1 run, beginning" and all(map(math.isnan, run.scores))
    (folder / "text").mkdir()
    (run,) = read(tmp_path)
    assert standing(run) == "first epoch of text" and run.faults == ()
    (folder / "text" / "log.csv").write_text("epoch,step,lo", encoding="utf-8")
    (run,) = read(tmp_path)
    assert run.faults == () and "first epoch of text" in " ".join(terminal([run]).split())
    assert "first epoch of text" in render_runs([run], "runs")


def test_stages_may_have_another_order(tmp_path: Path) -> None:
    """Those of a run whose config says [visual, text]; the first was taken over and has no log."""
    folder = write_run(tmp_path / "a", {"text": LOW, "visual": HIGH}, over=["visual"], finished=False)
    (folder / "visual" / "log.csv").unlink()
    (run,) = read(tmp_path)
    assert standing(run) == "epoch 3 of text" and run.faults == ()
    assert re.search(r"^\.450 +\.500 +\.400 +2 of 2 a", terminal([run]), re.MULTILINE)
    assert "Stage visual" in render_runs([run], "a")


def test_where_runs_are_looked_for(tmp_path: Path) -> None:
    for place in ("x/y/three", "x/y/z/four", ".hidden/one", "lost"):
        write_run(tmp_path / place, {"audio": LOW})
    write_run(tmp_path / "x" / "two" / "inner", {"audio": LOW})
    write_run(tmp_path / "x" / "two", {"audio": LOW})
    (tmp_path / "lost" / "config.yaml").unlink()
    (tmp_path / "link").symlink_to(tmp_path / "x" / "two")
    (tmp_path / "stray").mkdir()
    (tmp_path / "stray" / "config.yaml").write_text("a: 1", encoding="utf-8")
    found = [str(path.relative_to(tmp_path)) for path in find_runs(tmp_path)]
    assert found == ["lost", "x/two", "x/y/three"]
    assert find_runs(tmp_path / "link") == [tmp_path / "link"]
    with pytest.raises(ConfigError, match="stray: there is no run in it"):
        find_runs(tmp_path / "stray")
    with pytest.raises(ConfigError, match="nowhere: there is no such folder"):
        find_runs(tmp_path / "nowhere")
    twice = read_runs([tmp_path / "link", tmp_path / "x" / "two", tmp_path / "lost"], 0.0)
    assert sorted(run.name for run in twice) == ["link", "lost"]


def test_a_log_that_is_being_written(tmp_path: Path) -> None:
    stage = write_run(tmp_path / "a", {}, finished=False) / "audio"
    # Epoch 2 again, as after a resumption, with a loss that is no number; epoch 3 is half there.
    write_log(stage, HIGH, "2,20,nan,0.7,0.6,0.65,0.0005,2.0\n3,30,0.1,0.9")
    (run,) = read(tmp_path)
    log = run.stages[0].log
    assert run.faults == () and log["epoch"].tolist() == [1, 2]
    assert log["mean"].tolist() == [0.25, 0.65] and np.isnan(log["loss"][1])
    assert run.scores == (0.7, 0.6, 0.65)


def test_lines_of_a_log_that_are_no_numbers(tmp_path: Path) -> None:
    stage = write_run(tmp_path / "a", {}, finished=False) / "audio"
    write_log(stage, HIGH, "x,1\n\n,,,,,,,\n5,50,inf,0.1,0.2,0.15,,\n")
    (run,) = read(tmp_path)
    assert run.faults == ("audio/log.csv, line 4: is not numbers, left out (and 2 more)",)
    log = run.stages[0].log
    assert log["epoch"].tolist() == [1, 2, 5] and np.isnan(log["loss"][2]) and np.isnan(log["lr"][2])
    (stage / "log.csv").write_text("epoch,loss\n1,2\n", encoding="utf-8")
    (run,) = read(tmp_path)
    assert run.faults == ("audio/log.csv: has no column step, arousal, valence, mean, lr, seconds",)


@pytest.mark.parametrize(
    ("file", "content", "fault"),
    [
        ("about.json", None, "about.json: cannot be read (No such file or directory)"),
        ("about.json", "{", "about.json: is not JSON, damaged or half-written"),
        ("about.json", "[" * 100_000, "about.json: is not JSON, damaged or half-written"),
        ("about.json", "[1]", "about.json: is not a table of values"),
        ("config.yaml", "a: [1", "config.yaml: is not YAML, damaged or half-written"),
        ("config.yaml", "- a", "config.yaml: is not a table of values"),
        ("config.yaml", "a: &a\n  b: *a", "config.yaml: is not YAML, damaged or half-written"),
        ("config.yaml", "[" * 5_000, "config.yaml: is not YAML, damaged or half-written"),
        ("result.json", '{"stages": 3, "final": [1]}', "result.json: names no final stage that is there"),
        ("fusion/result.json", "\x00", "fusion/result.json: is not JSON, damaged or half-written"),
        ("fusion/log.csv", "\ud800\n", "fusion/log.csv: is not a table in CSV"),
    ],
)
def test_damage_is_one_line_and_costs_no_other_run(
    three: Path, file: str, content: str | None, fault: str
) -> None:
    path = three / "a" / file
    path.unlink() if content is None else path.write_bytes(content.encode("utf-8", "surrogatepass"))
    runs = read(three)
    (bad,) = [run for run in runs if run.name == "a"]
    assert bad.faults == (fault,)
    assert [run.faults for run in runs if run.name != "a"] == [(), ()]
    assert runs[0].name == "deep/b" and runs[0].scores == pytest.approx((0.5, 0.4, 0.45))
    # The result of a stage stands in the run's result as well.
    if file != "result.json":
        assert bad.state == "finished" and bad.scores == pytest.approx((0.3, 0.1, 0.2))
    assert f"damaged: {three}/a/{fault}" in terminal(runs)
    assert fault in render_runs(runs, "runs")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    write_run(folder / "good", {"audio": LOW, "fusion": HIGH})
    write_run(folder / "bad", {"audio": LOW, "fusion": HIGH})
    return folder


junk = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(data=st.data(), file=st.sampled_from(FILES))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_in_a_file_all_is_shown(whole: Path, data: st.DataObject, file: str) -> None:
    """Cut short, random bytes, or well-formed JSON (which is YAML too) of anything under the known names."""
    shutil.rmtree(whole / "bad")
    shutil.copytree(whole / "good", whole / "bad")
    path = whole / "bad" / file
    content = path.read_bytes()
    if file.endswith(".json") and data.draw(st.booleans()):
        values = json.loads(content)
        values[data.draw(st.sampled_from(sorted(values)))] = data.draw(junk)
        path.write_text(json.dumps(values), encoding="utf-8")
    else:
        place = data.draw(st.integers(0, len(content)))
        path.write_bytes(content[:place] + data.draw(st.binary(max_size=12)))
    runs = read(whole)
    assert {run.name for run in runs} == {"good", "bad"}
    good = next(run for run in runs if run.name == "good")
    assert good.faults == () and good.scores == pytest.approx((0.5, 0.4, 0.45))
    assert max(map(len, terminal(runs).split("damaged")[0].splitlines())) <= 80
    assert "nan" not in render_runs(runs, "runs").lower()
    json.dumps(to_json(runs), allow_nan=False)


def test_a_config_is_not_run_and_does_not_explode(three: Path) -> None:
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]\n" for level in range(1, 9)
    )
    (three / "a" / "config.yaml").write_text(bomb, encoding="utf-8")
    trap = f"x: !!python/object/apply:os.mkdir [{three / 'trapped'}]\nseed: 1\n"
    (three / "c" / "config.yaml").write_text(trap, encoding="utf-8")
    by_name = {run.name: run for run in read(three)}
    assert by_name["a"].faults == ("config.yaml: has more than 2,000 values",)
    assert by_name["c"].config == {"x": str(three / "trapped"), "seed": "1"}
    assert not (three / "trapped").exists()


def test_without_pyyaml_one_line_says_what_to_install(three: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)
    with pytest.raises(ConfigError, match=r"PyYAML is needed to read it; pip install 'affekt\[train\]'$"):
        read(three)


def test_configs_are_compared_by_dotted_names(three: Path) -> None:
    runs = read(three)
    assert differences(runs) == {
        "fusion.kind": ["residual", "self_attention", "self_attention"],
        "seed": ["2", "1", "1"],
    }
    head, rows = config_rows(runs)
    assert head == ("", "deep/b", "a", "c")
    assert rows == [("fusion.kind", "residual", "self_attention", "self_attention"), ("seed", "2", "1", "1")]
    write_run(three / "d", {"audio": LOW}, config=f"{CONFIG}more:\n  list: [{{x: 1}}, 2]\n")
    (three / "a" / "config.yaml").write_text("", encoding="utf-8")
    runs = read(three)
    assert [run.name for run in runs] == ["deep/b", "a", "d", "c"]
    apart = differences(runs)
    assert apart["fusion.kind"] == ["residual", "–", "self_attention", "self_attention"]
    assert apart["more.list.0.x"] == ["–", "–", "1", "–"] and "training.lr" not in apart, "a has no config"
    head, rows = config_rows(runs)
    assert head == ("", "value", "runs") and rows[:3] == [
        ("fusion.kind", "residual", "deep/b"),
        ("", "–", "a"),
        ("", "self_attention", "d, c"),
    ]


def test_many_runs_of_one_value_are_counted(tmp_path: Path) -> None:
    for number in range(7):
        write_run(tmp_path / f"r{number}", {"audio": LOW}, config=f"seed: 1\nlr: {number // 6}\n")
    _, rows = config_rows(read(tmp_path))
    assert rows == [("lr", "0", "r0, r1, r2, r3, 2 more"), ("", "1", "r6")]


def test_what_all_share_is_said_once(three: Path) -> None:
    runs = read(three)
    shared = alike(runs)
    assert shared == {"corpus": "Synthetic", "modalities": "text, audio, visual"}
    assert [model(run, shared) for run in runs] == ["residual, seed 2", *["self_attention, seed 1"] * 2]
    alone = CONFIG.replace("[text, audio, visual]", "[text, audio]")
    write_run(three / "a", {"text": LOW}, config=alone)
    (run,) = [run for run in read(three) if run.name == "a"]
    assert model(run, ()) == "Synthetic, text + audio, self_attention, seed 1"
    write_run(three / "a", {"text": LOW}, config="fusion: {}\nmodalities:\n- text\n")
    (run,) = [run for run in read(three) if run.name == "a"]
    assert (run.modalities, run.fusion, model(run, ())) == (("text",), "", "Synthetic, text, seed 1")


def test_the_terminal_shows_runs_stages_curves_and_configs(three: Path) -> None:
    text = terminal(read(three))
    assert re.search(r"^\.450 +\.500 +\.400 +2 deep/b +residual, seed 2", text, re.MULTILINE)
    assert "finished" in text and "epoch 2 of audio" in text
    # Of all logs of the audio stage the lowest mean is .15 and the highest .45.
    assert re.search(r"best epoch audio +\.150 to \.450", text)
    assert re.search(r"^\.200 +\.300 +\.100 +2 of 3 a +▁▂▁ *$", text, re.MULTILINE)
    assert re.search(r"^\.450 +\.500 +\.400 +2 of 2 c +▃█ *$", text, re.MULTILINE)
    assert re.search(r"^fusion.kind +residual +self_attention +self_attention *$", text, re.MULTILINE)
    assert max(map(len, text.splitlines())) <= 80
    assert "2 of 3" not in terminal(read(three), compare=False)


def test_names_and_values_cannot_move_the_cursor_or_run(tmp_path: Path) -> None:
    name = ATTACK.replace("/", "_")
    config = CONFIG.replace("prepared", json.dumps(ATTACK))
    for place in (name, "b"):
        about = {**ABOUT, "corpus": ATTACK, "device": ATTACK, "seed": ATTACK, "git": {"commit": ATTACK}}
        write_run(tmp_path / place, {"audio": LOW}, config=config, about=about)
        config = CONFIG
    (tmp_path / name / "audio" / "log.csv").write_text("a\n", encoding="utf-8")
    runs = read(tmp_path)
    assert "\x1b" not in terminal(runs)
    page = render_runs(runs, ATTACK)
    tags = Tags()
    tags.feed(page)
    assert tags.open == [] and "script" not in tags.seen and "&lt;script&gt;" in page
    assert re.search(r"[^:/]//|https?:", page) is None, "nothing is fetched"


def test_the_page_has_curves_configs_and_costs(three: Path) -> None:
    page = render_runs(read(three), "runs")
    assert re.findall("<h2>(.*?)</h2>", page) == [
        "Runs",
        "In what their configs differ",
        "Stage text",
        "Stage audio",
        "Stage fusion",
        "Made with",
    ]
    for part in ("1,234,567", "8,765", "912", "1 min 15 s", "patience", "0123456789 and changes", "2.13.0"):
        assert part in page, part
    assert "<td>self_attention</td>" in page
    fusion = page.split("<h2>Stage fusion</h2>")[1]
    ccc, loss = re.findall(r"<figure.*?</figure>", fusion)
    # From .15 at the foot to .45 at the top; b, the best, lies on top of a and is as wide as its two epochs.
    assert re.findall(r'<polyline class="(c\d)" points="([^"]*)"', ccc) == [
        ("c1", "0,1000 500,833.3 1000,1000"),
        ("c0", "0,666.7 500,0"),
    ]
    assert len(re.findall("<polyline", loss)) == 2 and "Loss on train" in loss
    assert ">1</text>" in ccc and ">1.5</text>" not in ccc, "there are no half epochs"


def test_many_runs_are_grey_but_the_best(tmp_path: Path) -> None:
    for number in range(10):
        top = number / 20
        write_run(tmp_path / f"r{number}", {"audio": [(0.0, 0.0), (top, top)]})
    page = render_runs(read(tmp_path), "runs")
    ccc = re.findall(r"<figure.*?</figure>", page)[0]
    legend = re.findall(r'<li class="(c\d)"><span>(.*?)</span>', ccc)
    assert legend[0] == ("c7", "3 more") and legend[-1] == ("c0", "r9") and len(legend) == 8
    assert [colour for colour, _ in re.findall(r'<polyline class="(c\d)" points="([^"]*)"', ccc)] == [
        *["c7"] * 3,
        *(f"c{place}" for place in reversed(range(7))),
    ]


def test_one_run_shows_both_dimensions(tmp_path: Path) -> None:
    write_run(tmp_path / "a", {"audio": LOW})
    page = render_runs(read(tmp_path), "a")
    assert "configs differ" not in page
    assert re.findall(r'<polyline class="(\w+)"', page) == ["arousal", "valence", "main", "main"]
    assert headline(read(tmp_path)) == "1 run, finished with .200"


def test_json_has_it_all_in_plain_values(three: Path) -> None:
    stage = three / "c" / "audio"
    write_log(stage, HIGH, "3,30,nan,0.1,0.1,0.1,,2\n")
    about = json.dumps({**ABOUT, "odd": [math.nan, {"x": math.inf}]})
    (three / "c" / "about.json").write_text(about, encoding="utf-8")
    data = json.loads(json.dumps(to_json(read(three)), allow_nan=False))
    assert data["format"] == "affekt-runs-1"
    assert [run["name"] for run in data["runs"]] == ["deep/b", "a", "c"]
    best, _, last = data["runs"]
    assert (best["state"], best["final"], best["mean"]) == ("finished", "fusion", pytest.approx(0.45))
    assert best["config"]["training.lr"] == "0.0005" and best["about"]["git"]["dirty"] is True
    assert best["stages"]["fusion"]["result"]["parameters"] == 1_234_567
    assert last["stages"]["audio"]["log"]["loss"][2] is None and last["stages"]["audio"]["result"] == {}
    assert last["about"]["odd"] == [None, {"x": None}]
    assert data["differences"]["seed"] == {"deep/b": "2", "a": "1", "c": "1"}


def test_a_run_that_vanishes_is_no_traceback(three: Path) -> None:
    runs = find_runs(three)
    shutil.rmtree(three / "c")
    read_back = read_runs(runs, os.path.getmtime(three))
    gone = next(run for run in read_back if run.name == "c")
    assert [fault.split(":")[0] for fault in gone.faults] == ["config.yaml", "about.json"]
    assert gone.state == "stopped" and len(read_back) == 3
