"""Intervals that draw speakers, then items of theirs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from affekt.scoring import ccc
from affekt.scoring.bootstrap import draw_counts
from affekt.training.default.card.intervals import concordance, two_stage_counts
from affekt.training.default.card.items import Item

NAN = float("nan")


def spoken(speakers: str, predicted: np.ndarray, gold: np.ndarray) -> list[Item]:
    return [
        Item(str(k), "ravdess", who, "F", "en", "sad", "", *map(float, g), *map(float, y))
        for k, (who, y, g) in enumerate(zip(speakers, predicted, gold, strict=True))
    ]


@given(st.lists(st.sampled_from("ABC"), min_size=1, max_size=12), st.integers(0, 1_000))
@settings(max_examples=50, deadline=None)
def test_a_speaker_drawn_k_times_has_k_times_their_items(clusters: list[str], seed: int) -> None:
    counts = two_stage_counts(clusters, 20, seed)
    assert counts.shape == (20, len(clusters)) and (counts >= 0).all() and (counts % 1 == 0).all()
    names = list(dict.fromkeys(clusters))
    drawn = draw_counts(len(names), 20, seed)
    for column, name in enumerate(names):
        mine = counts[:, np.array(clusters) == name]
        np.testing.assert_array_equal(mine.sum(1), drawn[:, column] * clusters.count(name))


def test_within_a_speaker_every_item_is_drawn_alike() -> None:
    counts = two_stage_counts(["a", "a", "a", "b"], 4_000)
    np.testing.assert_allclose(counts.mean(0), 1, atol=0.06)  # each item once a draw, on average
    # The variance of an item is that of its speaker (1/2), and of its own draw given k: 2/3 of E[k] = 1.
    np.testing.assert_allclose(counts[:, :3].var(0), 1 / 2 + 2 / 3, atol=0.09)
    np.testing.assert_allclose(counts[:, 3].var(), 1 / 2, atol=0.04)


def test_two_speakers_of_one_item_each_by_hand() -> None:
    # Both are right where both are drawn (CCC 1 in half the draws); one drawn twice is a constant: 0.
    items = spoken("ab", np.array([[0.0, 0.5], [1.0, -0.5]]), np.array([[0.0, 0.5], [1.0, -0.5]]))
    score = concordance(items, draws=400)
    assert (score.items, score.speakers, score.unanswered) == (2, 2, 0)
    assert score.value.tolist() == [1, 1] and score.low.tolist() == [0, 0] and score.high.tolist() == [1, 1]


def test_value_is_the_plain_ccc_and_lies_in_its_interval() -> None:
    rng = np.random.default_rng(0)
    gold = rng.normal(size=(60, 2))
    said = 0.6 * gold + rng.normal(size=(60, 2)) / 3
    score = concordance(spoken("ABCDEF" * 10, said, gold))
    np.testing.assert_allclose(score.value, ccc(said, gold), rtol=1e-12)
    assert (score.low < score.value).all() and (score.value < score.high).all()
    again = concordance(spoken("ABCDEF" * 10, said, gold))
    assert again.low.tolist() == score.low.tolist()


def test_speakers_who_differ_widen_the_interval() -> None:
    rng = np.random.default_rng(1)
    gold = rng.normal(size=(120, 2))
    said = gold + rng.normal(size=(120, 2)) / 4
    said[60:] *= -1  # half of the speakers the wrong way round
    by_speaker = concordance(spoken("A" * 30 + "B" * 30 + "C" * 30 + "D" * 30, said, gold))
    by_item = concordance(spoken([""] * 120, said, gold))  # type: ignore[arg-type]
    assert by_item.speakers == 0
    assert ((by_speaker.high - by_speaker.low) > 2 * (by_item.high - by_item.low)).all()


def test_one_speaker_has_no_interval_and_what_has_no_answer_does_not_count() -> None:
    gold = np.array([[0.0, 0.1], [0.5, 0.3], [1.0, -1.0]])
    said = np.array([[0.1, 0.1], [0.5, 0.2], [NAN, NAN]])
    score = concordance(spoken("aaa", said, gold))
    assert np.isnan([score.low, score.high]).all() and score.unanswered == 1
    np.testing.assert_allclose(score.value, ccc(said[:2], gold[:2]))
    with pytest.raises(ValueError, match="no item"):
        concordance([])
