"""Intervals: the same draws worked out plainly, frame by frame."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from affekt.scoring import MEASURES, ccc, evaluate
from affekt.scoring.bootstrap import draw_counts, interval

NAN = float("nan")
Recordings = list[tuple[np.ndarray, np.ndarray]]


def made_up(seed: int, lengths: tuple[int, ...] = (30, 41, 8, 25, 60), dimensions: int = 2) -> Recordings:
    rng = np.random.default_rng(seed)
    result = []
    for n in lengths:
        gold = np.cumsum(rng.normal(size=(n, dimensions)), axis=0) / 10 + rng.normal(size=dimensions)
        gold[rng.random(n) < 0.1] = NAN
        result.append((0.7 * gold + rng.normal(size=(n, dimensions)) / 5, gold))
    return result


def by_loop(recordings: Recordings, clusters: list[str], counts: np.ndarray) -> np.ndarray:
    """(draws, D) CCC of the drawn recordings' frames laid end to end."""
    names, result = sorted(set(clusters)), []
    for row in counts:
        drawn = [
            pair
            for name, times in zip(names, row, strict=True)
            for pair, cluster in zip(recordings, clusters, strict=True)
            if cluster == name
            for _ in range(int(times))
        ]
        x, y = (np.concatenate([pair[side] for pair in drawn]) for side in (0, 1))
        known = ~np.isnan(y[:, 0])
        result.append(ccc(x[known], y[known]))
    return np.array(result)


@given(st.integers(0, 10_000), st.lists(st.sampled_from("ABC"), min_size=5, max_size=5))
@settings(max_examples=25, deadline=None)
def test_draw_by_draw_the_plain_loop(seed: int, clusters: list[str]) -> None:
    recordings = made_up(seed)
    result = evaluate(recordings, clusters, draws=20, seed=seed)
    assert result.clusters == len(set(clusters))
    np.testing.assert_allclose(
        result.joined["ccc"].value, by_loop(recordings, ["A"] * 5, np.ones((1, 1)))[0], rtol=1e-9
    )
    if result.clusters == 1:
        assert np.isnan(result.joined["ccc"].low).all() and np.isnan(result.mean["rmse"].high).all()
        return
    plain = by_loop(recordings, clusters, draw_counts(result.clusters, 20, seed))
    low, high = np.quantile(plain, [0.025, 0.975], axis=0)
    np.testing.assert_allclose(result.joined["ccc"].low, low, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(result.joined["ccc"].high, high, rtol=1e-8, atol=1e-10)


def test_mean_over_recordings_by_hand() -> None:
    gold = np.array([[0.0], [1.0], [2.0]])
    recordings = [(gold, gold), (2 - gold, gold), (np.ones((1, 1)), np.ones((1, 1)))]
    result = evaluate(recordings, draws=0)
    # CCC 1 and −1; one frame has none, but it has a difference (0) and a sign.
    assert result.mean["ccc"].value.tolist() == [0.0]
    assert result.averaged["ccc"].tolist() == [2]
    assert result.averaged["rmse"].tolist() == [3]
    assert result.mean["rmse"].value == pytest.approx((0 + (8 / 3) ** 0.5 + 0) / 3)
    assert np.isnan(result.mean["ccc"].low[0])


def test_mean_draw_by_draw() -> None:
    recordings, clusters = made_up(3), ["B", "A", "B", "C", "A"]
    result = evaluate(recordings, clusters, draws=50, seed=7, confidence=0.8)
    scores = result.recordings.ccc
    means = []
    for row in draw_counts(3, 50, 7):
        weights = np.array([row["ABC".index(one)] for one in clusters])
        means.append((weights[:, None] * scores).sum(0) / weights.sum())
    low, high = np.quantile(means, [0.1, 0.9], axis=0)
    np.testing.assert_allclose(result.mean["ccc"].low, low)
    np.testing.assert_allclose(result.mean["ccc"].high, high)


def test_the_same_seed_the_same_intervals_whatever_the_order() -> None:
    recordings, clusters = made_up(5), ["e", "d", "c", "b", "a"]
    one = evaluate(recordings, clusters, draws=100, seed=1)
    other = evaluate(recordings[::-1], clusters[::-1], draws=100, seed=1)
    third = evaluate(recordings, clusters, draws=100, seed=2)
    for measure in MEASURES:
        np.testing.assert_allclose(one.joined[measure].low, other.joined[measure].low, rtol=1e-9)
        np.testing.assert_allclose(one.mean[measure].high, other.mean[measure].high, rtol=1e-9)
    assert not np.allclose(one.joined["ccc"].low, third.joined["ccc"].low)


@given(st.integers(1, 9), st.integers(1, 30), st.integers(0, 99))
def test_a_draw_is_as_large_as_what_is_drawn_from(clusters: int, draws: int, seed: int) -> None:
    counts = draw_counts(clusters, draws, seed)
    assert counts.shape == (draws, clusters)
    assert (counts.sum(1) == clusters).all() and (counts >= 0).all()


def test_draws_are_even() -> None:
    counts = draw_counts(4, 20_000, 0)
    np.testing.assert_allclose(counts.mean(0), 1, atol=0.03)
    # Each of four picks is a given cluster with 1/4: variance 4 × 1/4 × 3/4.
    np.testing.assert_allclose(counts.var(0), 0.75, atol=0.03)


def test_percentiles_by_hand() -> None:
    low, high = interval(np.arange(101.0)[:, None], 0.9)
    assert (low.tolist(), high.tolist()) == ([pytest.approx(5)], [pytest.approx(95)])


def test_draws_without_a_value_are_left_out() -> None:
    values = np.array([[1.0, NAN], [2.0, NAN], [3.0, NAN], [NAN, 4.0]])
    low, high = interval(values, 0.5)
    assert (low[0], high[0]) == (1.5, 2.5)
    assert np.isnan(low[1]) and np.isnan(high[1])


def test_a_narrow_interval_lies_in_a_wide_one() -> None:
    recordings = made_up(11)
    wide, narrow = (evaluate(recordings, draws=200, confidence=level) for level in (0.99, 0.5))
    for measure in MEASURES:
        a, b = wide.joined[measure], narrow.joined[measure]
        assert (a.low <= b.low).all() and (b.low <= b.high).all() and (b.high <= a.high).all()


def test_one_cluster_that_has_a_value_is_nothing_to_draw_from() -> None:
    gold = np.array([[0.0, NAN], [1.0, NAN], [2.0, NAN]])
    one_row = np.array([[0.5, 0.5]])
    result = evaluate([(gold, gold), (one_row, one_row)], draws=50)
    assert result.mean["ccc"].value[0] == 1.0
    for score in (result.mean["ccc"], result.mean["pearson"]):
        assert np.isnan(score.low).all() and np.isnan(score.high).all()
    # All rows together, arousal has rows of both, valence of one alone.
    assert np.isfinite(result.joined["rmse"].low[0]) and np.isnan(result.joined["rmse"].low[1])
    assert np.isfinite(result.mean["rmse"].low[0]) and np.isnan(result.mean["rmse"].low[1])


def test_constant_gold_in_every_recording() -> None:
    rest = np.full((5, 1), 0.1)
    result = evaluate([(rest, rest), (rest, rest)], draws=50)
    assert result.joined["ccc"].value.tolist() == result.joined["ccc"].high.tolist() == [0.0]
    assert np.isnan(result.joined["pearson"].value[0]) and np.isnan(result.joined["pearson"].low[0])


@pytest.mark.parametrize("clusters", [None, ["A"]])
def test_nothing_to_score_is_the_callers_mistake(clusters: list[str] | None) -> None:
    with pytest.raises(ValueError, match="clusters for 0 recordings"):
        evaluate([], clusters)
