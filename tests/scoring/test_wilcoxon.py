"""The signed-rank test: worked out by hand, by going through all signs, and by its symmetries."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from affekt.scoring import Sums, ccc
from affekt.scoring.bootstrap import draw_counts
from affekt.scoring.wilcoxon import LEAST, compare, holm, signed_rank

NAN = float("nan")
SIZES = st.lists(st.integers(1, 1000), min_size=1, max_size=9, unique=True)


def test_by_hand() -> None:
    # Of the 64 signs of ranks 1 … 6, 14 give a sum of 6 or less: 1 + 1 + 1 + 2 + 2 + 3 + 4.
    test = signed_rank([0.1, 0.2, 0.3, 0.4, 0.5, -0.6])
    assert (test.n, test.zeros, test.plus, test.minus, test.exact) == (6, 0, 15.0, 6.0, True)
    assert test.p == pytest.approx(2 * 14 / 64)
    assert test.effect == pytest.approx(9 / 21) and test.median == pytest.approx(0.25)


def test_six_that_agree_are_the_fewest_below_five_percent() -> None:
    each = {n: signed_rank(np.arange(1, n + 1)).p for n in (LEAST - 1, LEAST)}
    assert each == {5: pytest.approx(0.0625), 6: pytest.approx(0.03125)}


def test_ties_by_hand() -> None:
    # All six share the rank 3.5: the variance 6·7·13 / 24 − (6³ − 6) / 48 = 18.375, half a rank taken off.
    test = signed_rank([0.25] * 6)
    assert (test.plus, test.minus, test.exact, test.effect) == (21.0, 0.0, False, 1.0)
    assert test.p == pytest.approx(math.erfc(10 / math.sqrt(18.375) / math.sqrt(2)))


def test_zeros_are_left_out_of_the_ranks_and_in_the_median() -> None:
    test, without = signed_rank([0.0, 0.1, -0.2, 0.3, 1e-15, NAN]), signed_rank([0.1, -0.2, 0.3])
    assert (test.n, test.zeros, without.zeros) == (3, 2, 0)
    assert (test.p, test.plus, test.minus) == (without.p, without.plus, without.minus)
    assert test.median == 0.0 and without.median == pytest.approx(0.1)


def test_nothing_to_test() -> None:
    for differences in ([], [NAN], [0.0, 0.0]):
        test = signed_rank(differences)
        assert test.n == 0 and math.isnan(test.p) and math.isnan(test.effect)
    assert signed_rank([0.0, 0.0]).median == 0.0 and math.isnan(signed_rank([]).median)


@given(SIZES, st.data())
@settings(max_examples=30, deadline=None)
def test_exact_is_all_signs(sizes: list[int], data: st.DataObject) -> None:
    signs = data.draw(st.lists(st.sampled_from([-1, 1]), min_size=len(sizes), max_size=len(sizes)))
    test = signed_rank(np.multiply(sizes, signs), draws=0)
    ranks = np.arange(1, len(sizes) + 1)
    sums = np.array([ranks[np.array(one)].sum() for one in product([False, True], repeat=len(sizes))])
    assert test.plus + test.minus == ranks.sum()
    assert test.p == pytest.approx(min(1.0, 2 * np.mean(sums <= min(test.plus, test.minus))))
    turned = signed_rank(-np.multiply(sizes, signs), draws=0)
    assert (turned.plus, turned.minus, turned.p) == (test.minus, test.plus, pytest.approx(test.p))
    assert turned.effect == pytest.approx(-test.effect) and abs(test.effect) <= 1


@pytest.mark.parametrize("n", [2, 5, 8])
def test_the_median_s_interval_is_that_of_plain_draws(n: int) -> None:
    differences = np.random.default_rng(n).normal(size=n)
    test = signed_rank(differences, draws=200, seed=4, confidence=0.9)
    ordered = np.sort(differences)
    plain = [np.median(np.repeat(ordered, counts.astype(int))) for counts in draw_counts(n, 200, 4)]
    assert (test.low, test.high) == pytest.approx(tuple(np.quantile(plain, [0.05, 0.95])), abs=1e-9)
    assert math.isnan(signed_rank(differences, draws=0).low) and math.isnan(signed_rank([0.1]).high)


def test_holm_by_hand() -> None:
    # .01 × 3, then .04 × 2, then .03 × … in order of size: .03, .06 (.03 × 2), .06 (.04 × 1, not below).
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.9, 0.8]) == [1.0, 1.0] and holm([]) == []
    corrected = holm([0.02, NAN])
    assert corrected[0] == 0.02 and math.isnan(corrected[1])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=6))
def test_holm_lowers_nothing_and_keeps_the_order(p: list[float]) -> None:
    corrected = holm(p)
    assert all(before <= after <= 1 for before, after in zip(p, corrected, strict=True))
    order = np.argsort(p, kind="stable")
    assert (np.diff(np.array(corrected)[order]) >= 0).all()


def systems(seed: int, recordings: int, better: float) -> tuple[list[np.ndarray], ...]:
    """Gold, predictions, and predictions with less noise by a factor."""
    rng = np.random.default_rng(seed)
    gold = [np.cumsum(rng.normal(size=(40, 2)), axis=0) / 5 for _ in range(recordings)]
    noise = [rng.normal(size=one.shape) / 2 for one in gold]
    first = [y + e for y, e in zip(gold, noise, strict=True)]
    return gold, first, [y + e * better for y, e in zip(gold, noise, strict=True)]


def test_units_are_laid_end_to_end_and_the_mean_is_a_question_of_its_own() -> None:
    gold, first, second = systems(0, 14, better=0.5)
    sums = tuple(Sums.stack([Sums.of(*pair) for pair in zip(x, gold, strict=True)]) for x in (first, second))
    units = [f"{k // 2:02d}" for k in range(14)]
    result = compare((sums[0], sums[1]), units, ("valence", "arousal"), unit="dyad", draws=0)
    assert (result.unit, len(result.names), result.questions) == ("dyad", 7, ("valence", "arousal", "mean"))
    plain = ccc(np.concatenate(second[4:6]), np.concatenate(gold[4:6]))
    assert result.values[1, 2] == pytest.approx([*plain, plain.mean()])
    assert [test.p for test in result.tests] == pytest.approx([2 / 128] * 3)
    assert result.corrected == pytest.approx((4 / 128, 4 / 128, 2 / 128))
    assert result.significant == (True, True, True)
    few = compare((sums[0], sums[1]), ["a", "b", "c", "d", "e"] + ["f"] * 9, ("arousal", "x"))
    assert few.questions == ("arousal", "x")
    assert few.significant == (False, False)  # 2/64 twice over is above .05


def test_never_a_star_for_fewer_than_six() -> None:
    # Ties would send five differences to the normal distribution, which says .04: less than can be.
    gold, first, second = (one * 5 for one in systems(1, 1, better=0.2))
    sums = [Sums.stack([Sums.of(*pair) for pair in zip(x, gold, strict=True)]) for x in (first, second)]
    result = compare((sums[0], sums[1]), list("abcde"), ("arousal", "liking"))
    assert result.tests[0].p < 0.05 and result.significant == (False, False)


def test_the_same_twice_differs_nowhere() -> None:
    gold, first, _ = systems(2, 6, better=1.0)
    sums = Sums.stack([Sums.of(*pair) for pair in zip(first, gold, strict=True)])
    result = compare((sums, sums), list("abcdef"), ("arousal", "valence"), "rmse")
    assert [(test.n, test.zeros) for test in result.tests] == [(0, 6)] * 3
    assert not any(result.significant)
