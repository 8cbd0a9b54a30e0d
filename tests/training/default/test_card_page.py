"""The card: slots filled or said to be not measured, tables in line, pictures drawn from numbers."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from affekt.errors import ConfigError
from affekt.training.default.card import drawing, page
from affekt.training.default.card.items import Item
from affekt.training.default.card.markdown import table
from affekt.training.default.card.tables import from_items

NAN = float("nan")


def some_items() -> list[Item]:
    """Three speakers of RAVDESS in two intensities, one of nEMO, faces, and sentences, one unanswered."""
    draw, items = np.random.default_rng(0), []
    places = {"happy": (0.4, 0.7), "sad": (-0.2, -0.5), "neutral": (0.0, 0.0)}
    for corpus, speakers, levels in (
        ("ravdess", "abc", ("normal", "strong")),
        ("nemo", "d", ("unspecified",)),
    ):
        for who in speakers:
            for level in levels:
                for emotion, (a, v) in places.items():
                    y = draw.normal((a, v), 0.2)
                    sex = "F" if who == "a" else "M"
                    language = "en" if corpus == "ravdess" else "pl"
                    items.append(Item(who, corpus, who, sex, language, emotion, level, a, v, *y.tolist()))
    items += [Item(f"{k}", "ferplus", "", "", "", "anger", "", 0.5, -0.4, 0.1 * k, -0.1) for k in range(6)]
    items += [Item(f"{k}", "emobank", "", "", "en", "", "", 0.1 * k, 0.0, 0.1 * k, 0.1) for k in range(3)]
    return [*items, Item("3", "emobank", "", "", "en", "", "", 0.5, 0.5, NAN, NAN)]


def test_every_slot_says_that_nothing_was_measured(tmp_path: Path) -> None:
    slots = re.findall(r"\{\{(\w+)\}\}", page.TEMPLATE.read_text(encoding="utf-8"))
    assert len(slots) == len(set(slots)) > 10
    card = page.render(tmp_path)
    assert "{{" not in card and card.count(page.UNKNOWN) == len(slots)


def test_items_fill_their_slots_and_files_theirs(tmp_path: Path) -> None:
    (tmp_path / "comparison.json").write_text(
        json.dumps(
            {"note": "Three seeds.", "rows": [{"network": "voice", "arousal": 0.5}, {"network": "both"}]}
        )
    )
    (tmp_path / "fusions.json").write_text(json.dumps([{"fusion": "residual", "CCC": 0.71234}]))
    empty = page.render(tmp_path).count(page.UNKNOWN)
    card = page.render(tmp_path, some_items())
    assert empty - card.count(page.UNKNOWN) == len(from_items(some_items()))
    assert "| voice   |   0.500 |\n| both    |       – |\n\nThree seeds.\n" in card
    assert "| residual | 0.712 |" in card


@pytest.mark.parametrize("text", ["{", '"words"', "[1, 2]", '{"note": "no rows"}', '{"rows": 3}'])
def test_a_damaged_file_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "coverage.json").write_text(text)
    with pytest.raises(ConfigError, match=r"coverage\.json: is not what the card can show") as caught:
        page.render(tmp_path)
    assert "\n" not in str(caught.value)


def test_how_steady_it_is_as_the_benchmark_writes_it(tmp_path: Path) -> None:
    both = {"arousal": 0.0214, "valence": 0.5}
    delay = {"steps": 12, "too_small": 4, "first": {"median": 0.6, "p90": None}}
    results = {
        "quick": False,
        "neutral": {"ravdess_17": {"utterances": 4, **both}, "all": {"utterances": 16, **both}},
        "steps": {"voice": {"recordings": [], "arousal": delay, "valence": delay}},
        "disturbances": {"clips": {"10 dB louder": {"all": {"difference": both, "ccc": both}}}},
    }
    (tmp_path / "steadiness.json").write_text(json.dumps(results))
    card = page.render(tmp_path)
    lines = [line for line in card.splitlines() if line.startswith(("| RAVDESS 17", "| voice, a", "| 10 dB"))]
    assert [re.sub(" +", " ", line) for line in lines] == [
        "| RAVDESS 17 | 4 | 0.021 | 0.500 |",
        "| voice, arousal | 12 | 0.6 | never |",
        "| 10 dB louder | 0.021 / 0.500 | 0.02 / 0.50 |",
    ]
    (tmp_path / "steadiness.json").write_text(json.dumps({"quick": True, "neutral": results["neutral"]}))
    assert "Of a part of the recordings only." in page.render(tmp_path)
    (tmp_path / "steadiness.json").write_text("[]")
    with pytest.raises(ConfigError, match=r"steadiness\.json"):
        page.render(tmp_path)


def test_real_pairs_with_the_spread_of_their_seeds(tmp_path: Path) -> None:
    outcome = {"model": "residual", "given": ["voice", "face"], "ccc": [[0.6, 0.5], [0.8, 0.5]]}
    (tmp_path / "pairs.json").write_text(json.dumps({"takes": 240, "outcomes": [outcome]}))
    card = page.render(tmp_path)
    assert "| CCC of 240 takes |" in card
    assert "| residual         | voice + face | 0.700 ± 0.100 | 0.500 ± 0.000 |" in card


def test_tables_of_items() -> None:
    slots = from_items(some_items())
    singles = slots["singles"].splitlines()
    (silent,) = [line for line in singles if line.startswith("Items without")]
    assert silent == "Items without an answer, which do not count: EmoBank 1."
    assert "An interval over so few speakers is hardly worth anything: RAVDESS (3), nEMO (1)." in singles
    (nemo,) = [line for line in singles if line.startswith("| nEMO (Polish)")]
    assert " 3 (1) |" in nemo and "[" not in nemo  # one speaker
    (ravdess,) = [line for line in singles if line.startswith("| RAVDESS (English)")]
    assert " 18 (3) |" in ravdess and ravdess.count("[") == 2
    assert "| RAVDESS, women " in slots["sexes"] and "| all voices, men " in slots["sexes"]
    assert slots["intensities"].count("RAVDESS, ") == 2 and "nEMO" not in slots["intensities"]
    assert "| FER+ (faces) | " in slots["emotions"] and "0 / 0 |" in slots["emotions"]
    narrow = [line for text in slots.values() for line in text.splitlines() if line.startswith("|")]
    assert max(map(len, narrow)) <= 86


def test_sets_without_speakers_have_no_table_of_sexes() -> None:
    slots = from_items([item for item in some_items() if item.set == "emobank"])
    assert [name for name, text in slots.items() if text] == ["singles", "aims"]


def test_what_was_aimed_for_and_not_reached_is_said() -> None:
    right = [Item(f"{k}", "emobank", "", "", "en", "", "", k / 9, -k / 9, k / 9, -k / 9) for k in range(5)]
    aims = from_items(right)["aims"]
    assert "| EmoBank                | 0.55 / 0.75 | 1.000 / 1.000 |" in aims
    assert aims.endswith("All of it was reached.")
    # In ninths: variances 2 and 2, covariance 1, means 1 apart: CCC .4.
    flat = [Item(f"{k}", "emobank", "", "", "en", "", "", k / 9, -k / 9, k / 9, 0.0) for k in range(5)]
    assert from_items([*flat, *right])["aims"].endswith("Not reached: EmoBank's valence (by 0.350).")


def test_a_table_stands_in_line() -> None:
    assert table(("what", "n"), [["a|b", 1200], ["long one", -0.5], ["none", None]]) == (
        "| what     |      n |\n"
        "| -------- | -----: |\n"
        "| a\\|b     |   1200 |\n"
        "| long one | −0.500 |\n"
        "| none     |      – |"
    )


def test_pictures_are_drawn_the_same_each_time(tmp_path: Path) -> None:
    items = [*some_items(), Item("x", "nemo", "d", "M", "pl", "angry", "", 0.5, -0.4, NAN, NAN)]
    paths = drawing.draw(items, {"ravdess": "RAVDESS"}, tmp_path)
    assert [path.name for path in paths] == [drawing.PLANES, drawing.RANGES]
    first = [path.read_bytes() for path in paths]
    assert all(np.asarray(Image.open(path)).std() > 5 for path in paths)
    drawing.draw(items, {"ravdess": "RAVDESS"}, tmp_path)
    assert [path.read_bytes() for path in paths] == first
    assert drawing.draw([item for item in items if not item.emotion], {}, tmp_path) == []
