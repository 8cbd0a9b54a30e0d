"""The search for hyper-parameters: what is drawn, what lies on disk, what is concluded."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("ray.tune", exc_type=ImportError)

from affekt.errors import ConfigError, CorpusError
from affekt.scoring.effects import effect
from affekt.training.config import Config, Fitting, Machine, config_of, read_config, write_config
from affekt.training.tuning.folder import (
    Search,
    Trial,
    begin,
    history,
    mark,
    read_search,
    read_trial,
    trial_folder,
    unmark,
    write_table,
)
from affekt.training.tuning.schedulers import Remembering, scheduler_of
from affekt.training.tuning.search import check, effects_of, outcome_of
from affekt.training.tuning.space import Choice, Range, best_config, of_trial, read_space, space_of
from report.run_folders import write_log

TEXT = Config(modalities=("text",))
VALUES: dict[str, float] = {
    "lr": 1e-4,
    "batch": 30,
    "dropout": 0.25,
    "frames": 75,
    "hidden": 128,
    "layers": 2,
}


def search_of(**changes: Any) -> Search:
    return Search(**{"config": TEXT, "space": space_of("text"), "trials": 4, "epochs": 3} | changes)


# What is drawn


def test_a_range_by_hand() -> None:
    lr, dropout = space_of("text").lr, space_of("text").dropout
    assert [lr.at(share) for share in (0.0, 0.5, 1.0)] == [1e-6, 3.16e-5, 1e-3]
    assert [dropout.at(share) for share in (0.0, 0.5, 1.0)] == [0.1, 0.35, 0.6]
    assert lr.groups() == ["1e-06 … 1e-05", "1e-05 … 0.0001", "0.0001 … 0.001"]
    assert [lr.group(value) for value in (1e-6, 9.9e-6, 1e-5, 1e-4, 1e-3)] == [0, 0, 1, 2, 2]
    assert dropout.groups() == ["0.1 … 0.2", "0.2 … 0.3", "0.3 … 0.4", "0.4 … 0.5", "0.5 … 0.6"]
    assert [dropout.group(value) for value in (0.1, 0.2, 0.3, 0.599, 0.6)] == [0, 1, 2, 4, 4]


def test_table_1() -> None:
    for stage, batches in {
        "text": (10, 20, 30),
        "audio": (10, 20, 30),
        "visual": (2, 3),
        "fusion": (2, 3),
    }.items():
        space = space_of(stage)
        assert space.lr == Range(1e-6, 1e-3, log=True, bins=3) and space.dropout == Range(0.1, 0.6)
        choices = [space[name] for name in ("batch", "frames", "hidden", "layers")]
        expected = [batches, (75, 100, 200), (64, 128, 256, 512), (1, 2, 3)]
        assert choices == [Choice(values) for values in expected]


@given(seed=st.integers(0, 2**32), trial=st.integers(0, 998))
def test_what_is_drawn_lies_in_the_space_and_depends_on_nothing_else(seed: int, trial: int) -> None:
    space, narrow = space_of("fusion"), space_of("fusion", {"lr": {"low": 1e-5, "high": 1e-4}, "layers": 2})
    values, others = space.draw(seed, trial), narrow.draw(seed, trial)
    assert values == space_of("fusion").draw(seed, trial)
    assert 1e-6 <= values["lr"] <= 1e-3 and 0.1 <= values["dropout"] <= 0.6
    for name in ("batch", "frames", "hidden", "layers"):
        choice = space[name]
        assert isinstance(choice, Choice) and values[name] in choice.values
    assert 1e-5 <= others["lr"] <= 1e-4 and others["layers"] == 2
    same = ("batch", "dropout", "frames", "hidden")
    assert [values[name] for name in same] == [others[name] for name in same]


def test_every_value_is_drawn() -> None:
    space = space_of("text")
    drawn = [space.draw(0, trial) for trial in range(200)]
    for name in space.names:
        counts = np.bincount([space[name].group(values[name]) for values in drawn])
        assert len(counts) == len(space[name].groups())
        assert counts.min() > 100 / len(counts)  # half of what is expected


@pytest.mark.parametrize(
    ("said", "complaint"),
    [
        ({"width": [1]}, "width: is not searched; there are lr, batch"),
        ({"layers": {"low": 1, "high": 3}}, "layers: is {'low': 1, 'high': 3}; give a list"),
        ({"lr": {"low": 1}}, "lr: is {'low': 1}; give {low: …, high: …} or a list"),
        ({"lr": {"low": 1e-3, "high": 1e-4}}, "lr: low is 0.001, high 0.0001; the first is the smaller one"),
        ({"lr": {"low": 0, "high": 1e-4}}, "lr: is 0, not a number above 0"),
        ({"layers": []}, "layers: the list is empty"),
        ({"layers": [1.5]}, "layers: is 1.5, not a whole number from 1"),
        ({"hidden": [True]}, "hidden: is True, not a whole number from 1"),
        ({"dropout": [1.0]}, "dropout: is 1.0, not a number from 0 to below 1"),
        ({"frames": "many"}, "frames: is 'many', not a whole number from 1"),
    ],
)
def test_a_space_that_cannot_be(said: dict[str, Any], complaint: str, tmp_path: Path) -> None:
    path = tmp_path / "space.yaml"
    path.write_text(yaml.safe_dump(said, sort_keys=False), encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        read_space(path, "text")
    assert str(caught.value).startswith(f"{path}: {complaint}")


@pytest.mark.parametrize("text", ["- 1", "a: [", "\x00", None])
def test_a_space_that_is_none(text: str | None, tmp_path: Path) -> None:
    path = tmp_path / "space.yaml"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"space\.yaml: (is no|cannot be read)"):
        read_space(path, "text")


def test_a_space_survives_its_file(tmp_path: Path) -> None:
    path = tmp_path / "space.yaml"
    path.write_text("lr: {low: 1e-5, high: 1e-3}\nhidden: [32, 64, 32]\nlayers: 2\n", encoding="utf-8")
    space = read_space(path, "visual")
    assert space.lr == Range(1e-5, 1e-3, log=True, bins=3)
    assert (space.hidden, space.layers, space.batch) == (Choice((32, 64)), Choice((2,)), Choice((2, 3)))
    assert space_of("visual", space.to_dict()) == space


def test_the_config_of_a_trial() -> None:
    config = config_of(
        {"modalities": ["text", "audio"], "unimodal": "u", "head": {"tanh": False}, "training": {"clip": 2.0}}
    )
    trial, best = of_trial(config, VALUES, 7), best_config(config, VALUES)
    for one in (trial, best):
        assert one.head == {"tanh": False, "hidden": 128, "layers": 2, "dropout": 0.25}
        assert one.fitting("text") == config.fitting("text")
    expected = Fitting(lr=1e-4, batch=30, frames=75, clip=2.0)
    assert best.fitting("fusion") == expected
    assert trial.fitting("fusion") == replace(expected, epochs=7, patience=7)
    back = (*config.to_dict().items(),)
    assert [name for name, value in back if trial.to_dict()[name] != value] == ["head", "stages"]


# What lies on disk


def test_a_search_survives_its_file_and_keeps_others_out(tmp_path: Path) -> None:
    search = search_of(reduction=4 / 3, seed=5)
    begin(search, tmp_path)
    assert read_search(tmp_path) == search
    begin(replace(search, trials=9, config=replace(TEXT, machine=Machine(threads=1))), tmp_path)
    assert read_search(tmp_path).trials == 9
    for name, value in {"seed": 6, "epochs": 4, "scheduler": "hyperband", "reduction": 3.0}.items():
        with pytest.raises(ConfigError, match=rf"holds another search \({name}\); give another --run"):
            begin(replace(search, **{name: value}), tmp_path)
    with pytest.raises(ConfigError, match=r"\(config\.seed, space\.layers\)"):
        begin(replace(search, config=replace(TEXT, seed=1), space=space_of("text", {"layers": 1})), tmp_path)


@pytest.mark.parametrize("text", ["[]", "a: 1", "config: 1", "config: {}\nspace: {}\nhow: 1", "a: ["])
def test_a_damaged_search_is_named(text: str, tmp_path: Path) -> None:
    (tmp_path / "search.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError):
        read_search(tmp_path)


ROWS = [(0.1, 0.3), (0.5, 0.3), (0.4, 0.2)]


def finish(run: Path, rows: Sequence[tuple[float, float]], lost: int = 0) -> None:
    """A run that is over; `lost` epochs at the end are not in its log."""
    write_log(run / "text", rows[: len(rows) - lost])
    arousal, valence = max(rows, key=sum)
    result = {"epochs": len(rows), "arousal": arousal, "valence": valence, "mean": (arousal + valence) / 2}
    for path in (run / "text" / "result.json", run / "result.json"):
        path.write_text(json.dumps(result), encoding="utf-8")


def test_what_became_of_trials(tmp_path: Path) -> None:
    search = search_of()
    finish(trial_folder(tmp_path, 0), ROWS)
    write_log(trial_folder(tmp_path, 1) / "text", ROWS[:1])
    mark(trial_folder(tmp_path, 1), "pruned")
    mark(trial_folder(tmp_path, 2), "failed", "no memory")
    found = [read_trial(search, tmp_path, number) for number in range(4)]
    assert [one.state for one in found] == ["finished", "pruned", "failed", "open"]
    assert [one.epochs for one in found] == [3, 1, 0, 0]
    assert (found[0].arousal, found[0].valence, found[0].mean) == (0.5, 0.3, 0.4)
    assert (found[1].arousal, found[1].valence, found[1].mean) == (0.1, 0.3, 0.2)
    assert math.isnan(found[3].mean) and found[2].reason == "no memory"
    assert [one.values for one in found] == [search.values(number) for number in range(4)]
    unmark(trial_folder(tmp_path, 2))
    assert read_trial(search, tmp_path, 2).state == "open"
    write_table(found, search.space, tmp_path / "trials.csv")
    lines = (tmp_path / "trials.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "trial,state,epochs,lr,batch,dropout,frames,hidden,layers,arousal,valence,mean"
    assert lines[1].startswith("0,finished,3,") and lines[1].endswith(",0.5,0.3,0.4")
    assert lines[4].startswith("3,open,0,") and lines[4].endswith(",,,")


def test_the_line_that_a_kill_cost_is_known_from_the_result(tmp_path: Path) -> None:
    finish(tmp_path, [*ROWS, (0.6, 0.6)], lost=1)
    assert history(tmp_path, "text")[-1] == (4, 0.6, 0.6, 0.6)
    assert [epoch[0] for epoch in history(tmp_path, "text")] == [1, 2, 3, 4]


@pytest.mark.parametrize("damage", ["1,2\n", "x\n", "4,1,1,nothing,0,0,0,0\n"])
def test_a_damaged_log_is_named(damage: str, tmp_path: Path) -> None:
    write_log(tmp_path / "text", ROWS, damage)
    with pytest.raises(ConfigError, match=r"log\.csv: is damaged; delete .* to train this trial anew"):
        history(tmp_path, "text")


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"trials": 0}, "at least one trial"),
        ({"reduction": 1.0}, "a reduction above 1"),
        ({"config": replace(TEXT, machine=Machine(devices=2))}, "machine.devices=1"),
        ({"config": Config(), "space": space_of("fusion")}, "then say unimodal=RUN"),
    ],
)
def test_what_cannot_be_searched(changes: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        check(search_of(**changes))


def test_nothing_is_prepared(tmp_path: Path) -> None:
    with pytest.raises(CorpusError):
        check(search_of(config=config_of({"modalities": ["text"], "data": {"folder": str(tmp_path)}})))


# What is pruned


def told(scheduler: Any, number: int, epoch: int, score: float, replayed: bool = False) -> str:
    trial = SimpleNamespace(trial_id=str(number), config={"trial": number})
    if epoch == 1 and str(number) not in getattr(scheduler, "inner", scheduler)._trial_info:
        scheduler.on_trial_add(None, trial)
    result = {"epoch": epoch, "score": score, "replayed": replayed}
    return str(scheduler.on_trial_result(None, trial, result))


def test_the_worse_quarter_goes_at_a_factor_of_four_thirds() -> None:
    scheduler = scheduler_of("asha", 9, 4 / 3)
    decisions = [told(scheduler, number, 1, score) for number, score in enumerate((0.5, 0.6, 0.4, 0.55, 0.5))]
    # Of .4, .5, .55, .6 the lowest quarter ends at .475.
    assert decisions == ["CONTINUE", "CONTINUE", "STOP", "CONTINUE", "CONTINUE"]


def test_nothing_goes_before_a_ninth_of_the_epochs() -> None:
    scheduler = scheduler_of("asha", 27, 4 / 3)
    assert [told(scheduler, 0, epoch, 0.5) for epoch in (1, 2, 3)] == ["CONTINUE"] * 3
    assert [told(scheduler, 1, epoch, 0.1) for epoch in (1, 2, 3)] == ["CONTINUE", "CONTINUE", "STOP"]


def test_a_rung_has_scores_of_its_own_epoch_alone() -> None:
    scheduler = scheduler_of("asha", 17, 4 / 3)
    for epoch in range(1, 11):
        assert told(scheduler, 0, epoch, 0.05 * epoch) == "CONTINUE"
    assert [told(scheduler, 1, epoch, 0.05 * epoch) for epoch in range(1, 11)] == ["CONTINUE"] * 10
    (bracket,) = scheduler._brackets
    epochs = {rung: {round(score / 0.05) for score in scores.values()} for rung, scores in bracket._rungs}
    assert {math.ceil(rung) for rung in epochs} == {1, 2, 3, 4, 5, 6, 8, 10, 14}
    assert all(one <= {math.ceil(rung)} for rung, one in epochs.items())
    assert sum(map(len, epochs.values())) == 8


def test_what_was_decided_is_not_decided_again() -> None:
    ended: list[tuple[int, bool]] = []
    scheduler = Remembering(scheduler_of("asha", 9, 3), lambda number, failed: ended.append((number, failed)))
    assert told(scheduler, 0, 1, 0.5, replayed=True) == "CONTINUE"
    assert told(scheduler, 1, 1, 0.2, replayed=True) == "CONTINUE"  # it went on once
    assert told(scheduler, 1, 1, 0.1) == "CONTINUE"  # heard already
    assert told(scheduler, 2, 1, 0.3) == "STOP"  # what was replayed counts
    trial = SimpleNamespace(trial_id="2", config={"trial": 2})
    scheduler.on_trial_complete(None, trial, {"epoch": 1, "score": 0.3})
    scheduler.on_trial_error(None, SimpleNamespace(trial_id="1", config={"trial": 1}))
    assert ended == [(2, False), (1, True)]


# What is concluded


def test_an_effect_by_hand() -> None:
    scores = np.array([[0.2, 0.5], [0.4, 0.5], [0.6, 0.5]])
    one = effect(["a", "b", "c"], np.array([0, 0, 2]), scores)
    assert one.groups == ("a", "c") and one.counts.tolist() == [2, 1]
    np.testing.assert_allclose(one.means, [[0.3, 0.5], [0.6, 0.5]])
    np.testing.assert_allclose(one.mean, [0.45, 0.5])
    np.testing.assert_allclose(one.std, [math.sqrt(0.045), 0.0], atol=1e-12)
    # Between: 2 × .1² + .2² = .06; all: .2² + 0 + .2² = .08.
    np.testing.assert_allclose(one.share, [0.75, np.nan])
    assert np.isnan(effect(["a"], np.array([0, 0]), scores[:2]).std).all()


def trial_of(number: int, state: Any, mean: float, **values: float) -> Trial:
    return Trial(number, VALUES | values, state, 3, mean + 0.1, mean - 0.1, mean)


def test_table_8_counts_what_ran_to_the_end() -> None:
    trials = (
        trial_of(0, "finished", 0.3, layers=1),
        trial_of(1, "finished", 0.5, layers=1),
        trial_of(2, "finished", 0.6, layers=3),
        trial_of(3, "pruned", 0.9, layers=2),
    )
    found = outcome_of(search_of(), trials, Path("x"))
    assert found.best.number == 2 and [one.number for one in found.full] == [0, 1, 2]
    layers = found.effects["layers"]
    assert layers.groups == ("1", "3")
    np.testing.assert_allclose(layers.mean, [0.6, 0.4, 0.5])
    np.testing.assert_allclose(layers.std, [math.sqrt(0.02)] * 3)
    fixed = effects_of(space_of("text", {"layers": 1}), [trials[0]])
    assert "layers" not in fixed and set(fixed) == {"lr", "batch", "dropout", "frames", "hidden"}


def test_no_trial_that_ran_to_the_end_is_a_fault() -> None:
    failed = replace(trial_of(0, "failed", 0.3), reason="the loss is no number")
    with pytest.raises(ConfigError, match=r"x: no trial ran to its last epoch \(the loss is no number\)"):
        outcome_of(search_of(), (failed, trial_of(1, "pruned", 0.1)), Path("x"))


def test_the_best_config_is_one_for_training(tmp_path: Path) -> None:
    write_config(best_config(TEXT, VALUES), tmp_path / "best.yaml")
    config = read_config(tmp_path / "best.yaml")
    assert config.fitting("text") == Fitting(lr=1e-4, batch=30, frames=75)
