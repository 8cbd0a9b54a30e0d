"""The concordance metric (paper, Eq. 10; readings 6)."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from affekt.scoring import Moments, ccc


def by_formula(x: np.ndarray, y: np.ndarray) -> float:
    """2 cov / (var + var + (difference of means)²), population moments, in plain words."""
    cov = float(np.mean((x - x.mean()) * (y - y.mean())))
    return 2 * cov / float(x.var() + y.var() + (x.mean() - y.mean()) ** 2)


def test_by_hand() -> None:
    # Means 2 and 3, variances 2/3 and 8/3, covariance 4/3: (8/3) / (2/3 + 8/3 + 1) = 8/13.
    assert ccc([1, 2, 3], [1, 3, 5]) == pytest.approx(8 / 13)


def test_moments_by_hand() -> None:
    m = Moments.of([1, 2, 3], [1, 3, 5])
    assert (m.n, m.mean_x, m.mean_y, m.m2_x, m.m2_y, m.c_xy) == (3, 2.0, 3.0, 2.0, 8.0, 4.0)


def test_each_column_for_itself_under_the_mask() -> None:
    x = np.array([[1.0, 0.0], [2.0, 1.0], [99.0, np.nan], [3.0, 0.5]])
    y = np.array([[1.0, 1.0], [3.0, 0.0], [np.nan, 5.0], [5.0, 0.5]])
    np.testing.assert_allclose(ccc(x, y, [True, True, False, True]), [8 / 13, -1.0])


@pytest.mark.parametrize(("shift", "scale"), [(0.5, 1.0), (0.0, 0.5)])
def test_shift_and_scale_cost_concordance(shift: float, scale: float) -> None:
    y = np.linspace(-1, 1, 11)
    assert ccc(y, y) == pytest.approx(1)
    assert 0 < ccc(scale * y + shift, y) < 1


SERIES = st.integers(0, 12).flatmap(
    lambda n: st.tuples(
        *[st.lists(st.floats(-1, 1, width=32), min_size=n, max_size=n).map(np.array)] * 2,
        st.lists(st.integers(0, n)),
    )
)


@given(SERIES)
def test_merged_is_direct(drawn: tuple[np.ndarray, np.ndarray, list[int]]) -> None:
    x, y, cuts = drawn
    direct = Moments.of(x, y)
    edges = [0, *sorted(cuts), len(x)]
    merged = Moments.of([], [])
    for start, stop in pairwise(edges):
        merged = merged + Moments.of(x[start:stop], y[start:stop])
    assert merged.n == direct.n == len(x)
    for name in ("mean_x", "mean_y", "m2_x", "m2_y", "c_xy"):
        np.testing.assert_allclose(getattr(merged, name), getattr(direct, name), rtol=1e-9, atol=1e-12)
    assert -1 <= round(float(direct.ccc), 9) <= 1
    spread = x.var() + y.var() + (x.mean() - y.mean()) ** 2 if len(x) else 0
    if spread > 1e-6:
        np.testing.assert_allclose(merged.ccc, direct.ccc, rtol=1e-6, atol=1e-9)
        np.testing.assert_allclose(direct.ccc, by_formula(x, y), rtol=1e-6, atol=1e-9)


@given(SERIES)
def test_concordance_is_symmetric(drawn: tuple[np.ndarray, np.ndarray, list[int]]) -> None:
    x, y, _ = drawn
    np.testing.assert_allclose(ccc(x, y), ccc(y, x), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("n", [1, 3, 100, 1_612])
@pytest.mark.parametrize("value", [0.1, -0.7, 0.0, 1e6])
def test_two_equal_constants_have_no_concordance(n: int, value: float) -> None:
    m = Moments.of(np.full((n, 2), value), np.full((n, 2), value))
    merged = m + Moments.of(np.full((5, 2), value), np.full((5, 2), value)) + m
    for moments in (m, merged):
        assert moments.ccc.tolist() == [0.0, 0.0]
        assert moments.degenerate.tolist() == [True, True]


@given(st.floats(-1, 1), st.lists(st.floats(-1, 1), min_size=2, max_size=20))
def test_one_constant_scores_zero(value: float, gold: list[float]) -> None:
    moments = Moments.of([value] * len(gold), gold)
    assert moments.ccc == 0
    assert np.isfinite(moments.ccc)


def test_degenerate_is_said_per_column() -> None:
    moments = Moments.of([[0.1, 0.1], [0.1, 0.2]], [[0.1, 0.1], [0.1, 0.2]])
    assert moments.degenerate.tolist() == [True, False]
    np.testing.assert_allclose(moments.ccc, [0.0, 1.0])


def test_nothing_to_score() -> None:
    empty = Moments.of(np.zeros((4, 2)), np.ones((4, 2)), np.zeros(4))
    assert empty.n == 0
    assert empty.ccc.tolist() == [0.0, 0.0]
    assert empty.degenerate.tolist() == [True, True]
    some = Moments.of([[1.0, 2.0], [2.0, 1.0]], [[1.0, 2.0], [2.0, 3.0]])
    assert (empty + some) is some
    assert (some + empty) is some


def test_a_constant_part_beside_another_is_not_degenerate() -> None:
    merged = Moments.of([0.1, 0.1], [0.1, 0.1]) + Moments.of([0.5], [0.5])
    assert not merged.degenerate
    assert merged.ccc == pytest.approx(1)


def test_different_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match=r"predictions \(2,\) and gold \(3,\) differ in shape"):
        ccc([1, 2], [1, 2, 3])
