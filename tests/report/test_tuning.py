"""A search's table on the terminal, and its page."""

from __future__ import annotations

import io
import math
import re
from dataclasses import dataclass, field

import numpy as np
import pytest

from affekt.report.tuning import LABELS, ends, headline, render_tuning, rows, show_tuning
from affekt.scoring.effects import Effect, effect
from affekt.training.experiments.paper import HYPER_PARAMETERS


@dataclass(frozen=True)
class Tried:
    number: int
    values: dict[str, float]
    state: str = "finished"
    epochs: int = 10
    arousal: float = 0.6
    valence: float = 0.4
    mean: float = 0.5
    reason: str = ""


@dataclass(frozen=True)
class Found:
    """Three trials to the end, one pruned, one failed; learning rates in two bins, layers in three."""

    trials: list[Tried] = field(default_factory=list)
    effects: dict[str, Effect] = field(default_factory=dict)


@pytest.fixture
def found() -> Found:
    trials = [
        Tried(0, {"lr": 1e-5, "layers": 1}, arousal=0.3, valence=0.1, mean=0.2),
        Tried(1, {"lr": 2e-4, "layers": 2}),
        Tried(2, {"lr": 5e-4, "layers": 3}, arousal=0.5, valence=0.3, mean=0.4),
        Tried(3, {"lr": 3e-4, "layers": 1}, state="pruned", epochs=4, arousal=0.9, valence=0.9, mean=0.9),
        Tried(
            4, {"lr": 9e-4, "layers": 1}, "failed", 0, math.nan, math.nan, math.nan, "the <loss> is no number"
        ),
    ]
    scores = np.array([[one.arousal, one.valence, one.mean] for one in trials[:3]])
    lr = effect(["1e-06 … 1e-05", "1e-05 … 0.0001", "0.0001 … 0.001"], np.array([1, 2, 2]), scores)
    layers = effect(["1", "2", "3"], np.array([0, 1, 2]), scores)
    return Found(trials, {"lr": lr, "layers": layers})


def test_the_lines_of_table_8(found: Found) -> None:
    head, lines = rows(found.effects)
    assert head == ["", "arousal", "valence", "of variance", "groups"]
    # Learning rate: groups' means .3 and .55, .1 and .35, .2 and .45; layers: .3, .6, .5 and .2 less.
    assert lines[0] == ["Learning rate", ".425 ± .177", ".225 ± .177", "89%", "2"]
    assert lines[1] == ["Num layers (LSTM)", ".467 ± .153", ".267 ± .153", "100%", "3"]
    head, lines = rows(found.effects, HYPER_PARAMETERS)
    assert head[-2:] == ["paper: arousal", "valence"]
    assert lines[0][-2:] == [".765 ± .03", ".798 ± .02"]
    assert [LABELS[name] for name in HYPER_PARAMETERS] == [said[0] for said in HYPER_PARAMETERS.values()]


def test_in_words(found: Found) -> None:
    best = found.trials[1]
    assert (
        headline(found.trials, best) == "5 trials, best: 1 with devel CCC .500 (arousal .600, valence .400)"
    )
    # 10 + 10 + 10 + 4 + 0 of 50.
    assert ends(found.trials, best) == (
        "3 ran to the full 10 epochs, 1 pruned, 1 failed: 68% of the epochs of all to the end."
    )


def test_on_the_terminal(found: Found) -> None:
    file = io.StringIO()
    show_tuning(found.trials, found.trials[1], found.effects, HYPER_PARAMETERS, file)
    text = file.getvalue()
    assert "Best: lr 0.0002, layers 2." in text
    assert re.search(
        r"Learning rate +\.425 ± \.177 +\.225 ± \.177 +89% +2 +\.765 ± \.03 +\.798 ± \.02\n", text
    )
    assert "trial 4 failed: the <loss> is no number" in text
    assert "grouped by the value of one hyper-parameter" in " ".join(text.split())
    assert max(map(len, text.splitlines())) <= 100


def test_the_page(found: Found) -> None:
    page = render_tuning("runs/<a>", found.trials, found.trials[1], found.effects, HYPER_PARAMETERS)
    assert "<script" not in page and "runs/&lt;a&gt;" in page and "the &lt;loss&gt; is no number" in page
    assert "<td>.425 ± .177</td>" in page and "<td>.765 ± .03</td>" in page
    charts = re.findall(r'aria-label="([^"]*): devel CCC of each trial\."(.*?)</figure>', page, re.DOTALL)
    assert [name for name, _ in charts] == ["Learning rate", "Num layers (LSTM)"]
    for _, drawing in charts:  # a mark for each trial that ran to the end, and for each dimension
        assert len(re.findall('<polyline class="arousal"', drawing)) == 3
        assert len(re.findall('<polyline class="valence"', drawing)) == 3
    assert re.findall(r'<text class="[a-z]*" x="[^"]*" y="\d+">(\d)</text>', charts[1][1]) == ["1", "2", "3"]
    # The best is first in the table of all, and those that did not end come last.
    order = re.findall(r'<th scope="row">(\d)</th><td>(finished|pruned|failed)', page)
    assert order == [
        ("1", "finished"),
        ("2", "finished"),
        ("0", "finished"),
        ("3", "pruned"),
        ("4", "failed"),
    ]


def test_one_trial_to_the_end_has_no_deviation(found: Found) -> None:
    only = found.trials[1:2]
    one = {"lr": effect(["a", "b"], np.array([1]), np.array([[0.6, 0.4, 0.5]]))}
    assert rows(one)[1] == [["Learning rate", ".600 ± –", ".400 ± –", "–", "1"]]
    assert "Learning rate: devel CCC" in render_tuning("x", only, only[0], one)
