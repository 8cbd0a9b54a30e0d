"""A reproduced table in words, Markdown and HTML; weights of words and modalities as figures."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from affekt.errors import PredictionError
from affekt.report.attention import fullest_frame, levels, levels_page, most_weighted, words_page
from affekt.report.reproduction import figure, foot, grid, markdown, render, show_table
from affekt.timeline import Prediction, Sentence, WordWeights


def number(mean: float, std: float | None = None, low: float | None = None, high: float | None = None) -> Any:
    return {"mean": mean, "std": std, "low": low, "high": high, "seeds": []}


def line(name: str, kind: str = "ours", **said: Any) -> dict[str, Any]:
    return {
        "name": name,
        "kind": kind,
        "paper": {},
        "ours": {},
        "group": "",
        "reason": "",
        "note": "",
        "best": [],
        **said,
    }


HOSTILE = "<b>|*x*|</b>"


@pytest.fixture
def document() -> dict[str, Any]:
    """A table of two models, one of which could not be trained, and another team's."""
    column = "devel arousal"
    return {
        "format": "affekt-table-1",
        "table": "9",
        "where": "Table 9",
        "title": "Something",
        "columns": [column, "best epoch"],
        "lines": [
            line("Theirs", "printed", paper={column: number(0.5)}),
            line(
                "First",
                paper={column: number(0.61)},
                ours={column: number(0.612, 0.011, 0.55, 0.671)},
                best=["devel"],
            ),
            line("Second", paper={column: number(0.58)}, reason=HOSTILE),
            line(
                "Below",
                "extra",
                ours={column: number(-0.0301), "best epoch": number(3.5)},
                group="not in the paper",
            ),
        ],
        "tests": [],
        "notes": ["a note"],
        "corpus": "SEWA (AVEC 2017)",
        "synthetic": False,
        "recordings": {"train": 34, "devel": 14, "test": 0},
        "seeds": [0, 1, 2],
        "date": "2021-04-05T06:07+00:00",
        "commit": "0123456789ab",
        "affekt": "1.2.3",
    }


def test_figures_as_the_paper_prints_them() -> None:
    assert figure(number(0.612, 0.011, 0.55, 0.6709), "devel arousal") == ".612 ± .011 [.550, .671]"
    assert figure(number(0.612, 0.011, 0.55, 0.6709), "devel arousal", intervals=False) == ".612 ± .011"
    assert figure(number(-0.05), "test valence") == "−.050"
    assert figure(number(3.5, 0.5), "best epoch") == "3.5 ± 0.5"
    assert figure(None, "devel arousal") == "–"


def test_the_papers_figures_stand_beside_ours_where_it_has_any(document: dict[str, Any]) -> None:
    head, rows = grid(document, document["columns"])
    assert head == ["", "devel arousal", "paper", "best epoch"]
    assert rows == [
        ("Theirs (printed)", "–", ".500", "–"),
        ("First", ".612 ± .011 [.550, .671]", ".610 ▲", "–"),
        ("Second", "–", ".580", "–"),
        ("not in the paper", "", "", ""),
        ("Below", "−.030", "–", "3.5"),
    ]


def shown(document: Mapping[str, Any]) -> str:
    file = io.StringIO()
    show_table(document, file)
    return file.getvalue()


def test_all_three_forms_say_the_same(document: dict[str, Any]) -> None:
    page, text, terminal = render(document), markdown(document), shown(document)
    for said in (page, text, terminal):
        for part in (
            ".612 ± .011",
            ".610 ▲",
            "−.030",
            "a note",
            "seed 0, 1, 2",
            "2021-04-05 06:07",
            "0123456789ab",
        ):
            assert part in said
        assert "SYNTHETIC" not in said
    assert "| First | .612 ± .011 \\[.550, .671\\] | .610 ▲ | – |" in text
    assert foot(document).startswith("SEWA (AVEC 2017) (34 train, 14 devel); seed")


def test_a_reason_is_said_and_harms_nothing(document: dict[str, Any]) -> None:
    page, text = render(document), markdown(document)
    assert HOSTILE not in page and "&lt;b&gt;|*x*|&lt;/b&gt;" in page
    assert "Second: \\<b\\>\\|\\*x\\*\\|\\</b\\>" in text
    assert f"Second: {HOSTILE}" in shown(document)


def test_synthetic_is_never_left_out(document: dict[str, Any]) -> None:
    document["synthetic"] = True
    for said in (render(document), markdown(document), shown(document)):
        assert "SYNTHETIC" in said


def test_differences_are_listed_with_their_stars(document: dict[str, Any]) -> None:
    def test(dimension: str, n: int, median: float | None, p: float | None) -> dict[str, Any]:
        whose = {"best": "First", "other": "Second", "dimension": dimension, "unit": "dyad", "n": n}
        return {**whose, "median": median, "p": p, "corrected": p, "significant": p is not None}

    document["tests"] = [test("arousal", 8, 0.1234, 0.0078), test("valence", 0, None, None)]
    text = markdown(document)
    assert "| First minus |  |  |  |  |\n| Second | .123 | .0078 \\* | – | – |" in text
    assert "over the CCC of 8 dyads" in text and "cannot reach it" not in text
    document["tests"][0]["n"] = 5
    assert "5 dyads cannot reach it, 6 are the fewest" in markdown(document)


# Figures 3 and 4


def sentence(start: float, end: float, *words: str) -> WordWeights:
    heads = np.tile(np.linspace(1, 2, len(words), dtype=np.float32), (2, 1))
    return WordWeights(Sentence(start, end, " ".join(words)), words, heads / heads.sum(1, keepdims=True))


def prediction(**said: Any) -> Prediction:
    presence = np.zeros((30, 3), bool)
    presence[:20, 0] = presence[10:, 1] = True
    presence[[4, 12], 2] = True
    weights = np.zeros((30, 3), np.float32)
    weights[:10, 0], weights[10:20, 0], weights[10:20, 1], weights[20:, 1] = 1, 0.25, 0.75, 1
    usual: dict[str, Any] = {
        "name": "talk",
        "arousal": np.full(30, 0.5, np.float32),
        "valence": np.zeros(30, np.float32),
        "presence": presence,
        "modality_weights": weights,
        "word_weights": (sentence(1.0, 2.0, "b", "c"), sentence(0.0, 1.0, "a"), sentence(2.0, 3.0, "d")),
        "info": {"fusion": "self_attention", "pairs": None},
    }
    return Prediction(**{**usual, **said})


def test_sentences_in_which_text_weighs_most_in_the_order_they_are_spoken() -> None:
    assert [one.words for one in most_weighted(prediction(), 2)] == [("a",), ("b", "c")]
    # Without weights: "b c" has one word that weighs more than the other.
    assert [one.words for one in most_weighted(prediction(modality_weights=None), 1)] == [("b", "c")]
    with pytest.raises(PredictionError, match="weighs no words"):
        most_weighted(prediction(word_weights=()))


def test_the_fullest_frame_nearest_to_the_middle() -> None:
    assert fullest_frame(prediction()) == 12


def test_levels_of_every_fusion() -> None:
    assert [(one.title, one.weights) for one in levels(prediction(), 12)] == [
        ("modalities", (0.25, 0.75, 0.0))
    ]
    pairs = np.full((30, 3, 2), 0.5, np.float32)
    asked = [["audio", "visual"], ["text", "visual"], ["text", "audio"]]
    cross = levels(prediction(pair_weights=pairs, info={"fusion": "cross_modal", "pairs": asked}), 12)
    assert [one.title for one in cross] == [
        "text, asked by",
        "audio, asked by",
        "visual, asked by",
        "modalities",
    ]
    assert cross[0].names == ("audio", "visual")
    joined = [["visual", "text"], ["visual", "audio"], ["text", "audio"]]
    shares = np.tile(np.float32([0.5, 0.25, 0.25]), (30, 1))
    info = {"fusion": "hierarchical", "pairs": joined}
    both = levels(prediction(pair_weights=pairs, pair_shares=shares, info=info), 12)
    assert both[-1].names == ("visual with text", "visual with audio", "text with audio")
    assert both[-1].weights == (0.5, 0.25, 0.25)


@pytest.mark.parametrize("frame", [-1, 30])
def test_no_such_frame(frame: int) -> None:
    with pytest.raises(PredictionError, match="has frames 0 to 29"):
        levels(prediction(), frame)


def test_a_fusion_without_weights() -> None:
    with pytest.raises(PredictionError, match="by concatenation has no weights"):
        levels(prediction(modality_weights=None, info={"fusion": "concatenation"}), 0)


def test_pages_escape_what_was_said() -> None:
    hostile = sentence(0, 1, "<script>", "b")
    page = words_page([hostile], "<model>")
    assert "<script>" not in page and "&lt;script&gt;" in page and "<model>" not in page
    assert re.search(r"<td>\.333</td><td>\.333</td><td>\.333</td>", page)
    one = prediction(name="<talk>")
    page = levels_page(levels(one, 12), one, 12, "m")
    assert "&lt;talk&gt;, 1.2 s (frame 12): arousal .500, valence .000; there are text, audio, visual" in page
