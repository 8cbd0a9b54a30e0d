"""The chain of median, centring, scaling and shift: each step alone by hand, and what holds of any chain."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from affekt.scoring import ccc
from affekt.scoring.postprocessing import WINDOWS, Chain, Steps, fit_chain, left_out, median_filter

NAN = float("nan")
ONE = ("arousal",)


def walks(seed: int, lengths: tuple[int, ...] = (90, 130, 60)) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [np.cumsum(rng.normal(size=(n, 2)), axis=0) / 20 for n in lengths]


def noisy(gold: list[np.ndarray], seed: int) -> list[np.ndarray]:
    rng = np.random.default_rng([seed, 1])
    result = []
    for one in gold:
        x = rng.uniform(0.2, 2) * np.roll(one, -int(rng.integers(0, 15)), axis=0) + rng.normal(size=2) / 3
        x += rng.normal(size=one.shape) * rng.uniform(0, 0.3)
        x[rng.random(one.shape) < 0.1] = NAN
        result.append(x)
    return result


def score(predictions: list[np.ndarray], gold: list[np.ndarray]) -> np.ndarray:
    x, y = np.concatenate(predictions), np.concatenate(gold)
    known = ~np.isnan(x) & ~np.isnan(y)
    return np.array([float(ccc(x[known[:, k], k], y[known[:, k], k])) for k in range(x.shape[1])])


def test_each_step_does_what_it_says() -> None:
    values = np.array([[0.0], [0.4], [0.2], [NAN], [0.6]])
    steps = {
        "median": (Steps(median=3), [0.2, 0.2, 0.3, NAN, 0.6]),
        "centring": (Steps(bias=-0.1), [-0.1, 0.3, 0.1, NAN, 0.5]),
        "scaling": (Steps(scale=2.0, around=0.2), [-0.2, 0.6, 0.2, NAN, 1.0]),
        # The gap stays; what would come from it is the value before it.
        "shift": (Steps(shift=1), [0.0, 0.0, 0.4, NAN, 0.2]),
    }
    for name, (one, expected) in steps.items():
        assert one.kept == (name,)
        np.testing.assert_allclose(Chain((one,), ONE).apply(values)[:, 0], expected)
    every = Chain((Steps(3, -0.1, 2.0, 0.2, 1),), ONE)  # medians, − .1, doubled about .2, later
    np.testing.assert_allclose(every.apply(values)[:, 0], [0.0, 0.0, 0.0, NAN, 0.2], atol=1e-12)


def test_a_level_that_is_off_is_centred_and_no_more() -> None:
    gold = walks(0)
    chain = fit_chain([one - np.array([0.3, -0.2]) for one in gold], gold)
    assert [one.kept for one in chain.steps] == [("centring",)] * 2
    assert [one.bias for one in chain.steps] == pytest.approx([0.3, -0.2])


def test_a_spread_that_is_off_is_scaled_about_the_mean() -> None:
    gold = walks(1)
    mean = np.concatenate(gold).mean(0)
    chain = fit_chain([mean + 0.5 * (one - mean) for one in gold], gold)
    assert [one.kept for one in chain.steps] == [("scaling",)] * 2
    assert [one.scale for one in chain.steps] == pytest.approx([2.0, 2.0])
    assert [one.around for one in chain.steps] == pytest.approx(mean.tolist())


def test_what_comes_early_is_moved_later() -> None:
    # Pulses so wide that no median touches them, and of which early and late have mean and spread alike.
    gold = [np.repeat([0.0, sign, 0.0], 220)[:, None] for sign in (0.5, -0.3)]
    early = [np.concatenate([one[7:], one[:7]]) for one in gold]
    assert fit_chain(early, gold, ONE) == Chain((Steps(shift=7),), ONE)
    # Nobody moves predictions earlier: a rater does not know beforehand.
    assert fit_chain(gold, early, ONE) == Chain((Steps(),), ONE)


def test_spikes_are_filtered_out_by_the_shortest_window_that_does() -> None:
    gold = [np.repeat(one[::20], 20, axis=0) for one in walks(3)]
    spiked = [one.copy() for one in gold]
    for one in spiked:
        one[8::20] += 2.0
    chain = fit_chain(spiked, gold)
    assert [one.kept for one in chain.steps] == [("median",)] * 2
    assert [one.median for one in chain.steps] == [WINDOWS[0]] * 2 == [5, 5]


def test_each_dimension_has_its_own() -> None:
    gold = walks(4)
    chain = fit_chain([one + np.array([0.0, 0.5]) for one in gold], gold)
    assert [one.kept for one in chain.steps] == [(), ("centring",)]


@given(st.integers(0, 10_000))
@settings(max_examples=15, deadline=None)
def test_perfect_predictions_are_left_alone(seed: int) -> None:
    gold = walks(seed)
    gold[0][3:9] = NAN
    chain = fit_chain(gold, gold)
    assert chain == Chain((Steps(), Steps()))
    for one in gold:
        np.testing.assert_array_equal(chain.apply(one), one)


@given(st.integers(0, 10_000))
@settings(max_examples=15, deadline=None)
def test_never_worse_on_what_it_was_chosen_on_and_gaps_stay(seed: int) -> None:
    gold = walks(seed)
    predictions = noisy(gold, seed)
    chain = fit_chain(predictions, gold)
    done = [chain.apply(one) for one in predictions]
    assert (score(done, gold) >= score(predictions, gold)).all()
    for before, after in zip(predictions, done, strict=True):
        np.testing.assert_array_equal(np.isnan(before), np.isnan(after))
    assert Chain.from_dict(json.loads(json.dumps(chain.to_dict()))) == chain


def test_left_out_is_the_chain_of_the_others() -> None:
    gold = walks(6)
    predictions = noisy(gold, 6)
    done = left_out(predictions, gold, ["x", "y", "x"])
    alone = fit_chain(predictions[1:2], gold[1:2])
    both = fit_chain([predictions[0], predictions[2]], [gold[0], gold[2]])
    assert alone != both
    for place, chain in ((0, alone), (1, both), (2, alone)):
        np.testing.assert_array_equal(done[place], chain.apply(predictions[place]))
    with pytest.raises(ValueError, match="one cluster"):
        left_out(predictions, gold, ["x"] * 3)


@given(
    st.lists(st.floats(-1, 1) | st.just(NAN), max_size=30),
    st.sampled_from([1, 3, 5, 21, 61]),
)
@settings(max_examples=60, deadline=None)
def test_the_median_is_that_of_what_is_there(values: list[float], window: int) -> None:
    series, half = np.array(values, np.float64), window // 2
    plain = [
        NAN if np.isnan(one) else float(np.nanmedian(series[max(0, k - half) : k + half + 1]))
        for k, one in enumerate(series)
    ]
    np.testing.assert_allclose(median_filter(series, window), plain, rtol=0, atol=1e-12)


def test_a_long_series_is_filtered_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    series = np.random.default_rng(0).normal(size=100)
    whole = median_filter(series, 9)
    monkeypatch.setattr("affekt.scoring.postprocessing._CELLS", 9 * 7)
    np.testing.assert_array_equal(median_filter(series, 9), whole)


@pytest.mark.parametrize("constant", [True, False])
def test_nothing_to_go_by_does_nothing(constant: bool) -> None:
    gold = walks(7)
    flat = [np.full_like(one, 0.25 if constant else NAN) for one in gold]
    assert fit_chain(flat, gold) == Chain((Steps(), Steps()))
    assert fit_chain(gold, flat) == Chain((Steps(), Steps()))
    assert Chain((Steps(), Steps())).apply(np.empty((0, 2))).shape == (0, 2)


def test_refused() -> None:
    gold = walks(8)
    for predictions, truth in (([], []), (gold, gold[:2]), ([gold[0][1:]], [gold[0]])):
        with pytest.raises(ValueError, match="same recordings"):
            fit_chain(predictions, truth)
    with pytest.raises(ValueError, match="for arousal, valence"):
        Chain((Steps(), Steps())).apply(np.zeros((4, 3)))
    whole = Chain((Steps(median=5),), ONE).to_dict()
    for wrong in ({"median": 4}, {"scale": 0.0}, {"shift": -1}, {"bias": NAN}, {"scale": "x"}):
        with pytest.raises(ValueError, match=r"finite|window|float"):
            Chain.from_dict({"arousal": {**whole["arousal"], **wrong}})
    for damaged in ({"arousal": {}}, {"arousal": None}, {"arousal": {"median": []}}):
        with pytest.raises(ValueError, match="no post-processing chain"):
            Chain.from_dict(damaged)  # type: ignore[arg-type]
