"""The conformal band: its quantile by hand, and what it holds of speakers who were left out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from affekt.training.default.band import conformal_scale, leave_one_out, scale_of_kind


def test_the_ninth_of_nine_by_hand() -> None:
    errors = np.array([[-0.1, 0.9]] + [[0.1 * k, 0.1] for k in range(2, 10)])
    spreads = np.full((9, 2), 0.5)
    # Ratios .2, .4 … 1.8: ⌈10 × .9⌉ = 9th; ⌈10 × .5⌉ = 5th. Of valence eight are .2 and the largest is 1.8.
    np.testing.assert_allclose(conformal_scale(errors, spreads, 0.9), [1.8, 1.8])
    np.testing.assert_allclose(conformal_scale(errors, spreads, 0.5), [1.0, 0.2])


def test_unequal_spreads_and_missing_frames() -> None:
    errors = np.array([[1.0, 3.0], [1.0, np.nan], [1.0, 1.0], [1.0, 7.0]])
    spreads = np.array([[1.0, 1.0], [0.5, 1.0], [0.25, 2.0], [0.1, np.nan]])
    # Ratios 1, 2, 4, 10: ⌈5 × .5⌉ = 3rd. Valence keeps 3 and .5: ⌈3 × .5⌉ = 2nd.
    np.testing.assert_allclose(conformal_scale(errors, spreads, 0.5), [4.0, 3.0])


@pytest.mark.parametrize(
    ("errors", "spreads", "share", "said"),
    [
        (np.ones((8, 2)), np.ones((8, 2)), 0.9, "8 frames are too few for a band that holds 90%"),
        (np.ones((9, 2)), np.ones((9, 1)), 0.9, r"errors are \(9, 2\) and spreads \(9, 1\)"),
        (np.ones(9), np.ones(9), 0.9, "not both"),
        (np.ones((9, 2)), np.zeros((9, 2)), 0.9, "a spread is not above 0"),
        (np.ones((9, 2)), np.ones((9, 2)), 1.0, "the share is 1.0"),
        (np.full((99, 2), np.nan), np.ones((99, 2)), 0.9, "0 frames are too few"),
    ],
)
def test_what_gives_no_band(errors: np.ndarray, spreads: np.ndarray, share: float, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        conformal_scale(errors, spreads, share)


@given(n=st.integers(20, 200), share=st.floats(0.1, 0.9), seed=st.integers(0, 99))
def test_at_least_the_share_lies_within_and_the_unit_does_not_matter(n: int, share: float, seed: int) -> None:
    draw = np.random.default_rng(seed)
    errors, spreads = draw.standard_normal((n, 2)), draw.uniform(0.1, 2, (n, 2))
    scale = conformal_scale(errors, spreads, share)
    within = (np.abs(errors) <= scale * spreads * (1 + 1e-9)).mean(0)
    assert np.all(within >= share) and np.all(within <= share + 2 / n + 1e-9)
    np.testing.assert_allclose(conformal_scale(errors, spreads * 4, share), scale / 4)


def test_leaving_one_out_by_hand() -> None:
    # Spread 1 everywhere. The scale of a's band is the median ⌈(3 + 1) × .5⌉ = 2nd of the others', and so on.
    errors = np.array([0.1, 0.2, 0.3, 1.0, 2.0, 3.0, 5.0, 0.25])[:, None]
    groups = np.array(["a", "a", "a", "b", "b", "b", "c", "c"])
    # a: others .25 1 2 3 5 → ⌈6 × .5⌉ = 3rd = 2: all three. b: others .1 .2 .25 .3 5 → .25: none.
    # c: others .1 .2 .3 1 2 3 → ⌈7 × .5⌉ = 4th = 1: .25 alone.
    found = leave_one_out(errors, np.ones_like(errors), groups, 0.5)
    assert {name: share.tolist() for name, share in found.groups.items()} == {"a": [1], "b": [0], "c": [0.5]}
    assert found.pooled.tolist() == [4 / 8]


def test_a_group_without_a_frame_is_not_covered_nor_missed() -> None:
    errors = np.array([[0.1], [0.1], [0.1], [np.nan], [0.1], [0.1], [0.1]])
    found = leave_one_out(errors, np.ones_like(errors), np.array([0, 0, 0, 1, 2, 2, 2]), 0.5)
    assert np.isnan(found.groups["1"]).all() and found.pooled.tolist() == [1.0]


def test_one_speaker_cannot_be_left_out() -> None:
    with pytest.raises(ValueError, match="needs two"):
        leave_one_out(np.ones((20, 2)), np.ones((20, 2)), np.zeros(20), 0.9)


def test_exchangeable_speakers_are_held_as_promised() -> None:
    draw = np.random.default_rng(0)
    spreads = draw.uniform(0.1, 1, (6_000, 2))
    errors = spreads * draw.laplace(size=(6_000, 2))
    found = leave_one_out(errors, spreads, np.repeat(np.arange(12), 500), 0.9)
    assert len(found.groups) == 12
    np.testing.assert_allclose(found.pooled, 0.9, atol=0.005)
    # A band of the same width everywhere holds as much, but of the sure frames more than of the unsure.
    scale, sure = conformal_scale(errors, np.ones_like(spreads), 0.9)[0], spreads[:, 0] < 0.55
    even = np.abs(errors[:, 0]) <= scale
    assert even[sure].mean() > 0.95 and even[~sure].mean() < 0.85


def test_each_kind_of_frame_has_a_scale_of_its_own() -> None:
    draw = np.random.default_rng(0)
    kinds, groups = np.repeat([0, 1], 600), np.tile(["a", "b", "c"], 400)
    spreads = np.ones((1200, 2))
    errors = draw.uniform(-1, 1, (1200, 2)) * np.where(kinds == 0, 1.0, 10.0)[:, None]
    apart = leave_one_out(errors, spreads, groups, 0.9, kinds)
    assert apart.pooled == pytest.approx([0.9, 0.9], abs=0.03)
    joined = leave_one_out(errors, spreads, groups, 0.9)
    assert joined.pooled == pytest.approx([0.9, 0.9], abs=0.03)


def test_too_few_of_a_kind_take_the_scale_of_all() -> None:
    kinds = np.array([0] * 99 + [1])
    errors, spreads = np.ones((100, 1)), np.ones((100, 1))
    errors[99] = 5
    assert scale_of_kind(errors, spreads, kinds, 1, 0.9) == conformal_scale(errors, spreads, 0.9) == [1.0]
    # The one frame of its kind is its speaker's alone: the others' scale is all there is.
    held = leave_one_out(errors, spreads, np.array(["a"] * 50 + ["b"] * 50), 0.9, kinds)
    assert held.groups["b"] == pytest.approx([49 / 50])
