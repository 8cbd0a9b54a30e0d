"""Pearson, RMSE and sign agreement beside the CCC, all from sums that pool."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from affekt.scoring import MEASURES, Sums, ccc

NAN = float("nan")


def column(*values: float) -> np.ndarray:
    return np.array(values, np.float64)[:, None]


def one(x: np.ndarray, y: np.ndarray, measure: str) -> float:
    return float(getattr(Sums.of(x, y), measure)[0])


def test_by_hand() -> None:
    sums = Sums.of(column(1, 2, 3), column(1, 3, 5))
    # Means 2 and 3; Σ of squared deviations 2 and 8, of their products 4; differences 0, −1, −2.
    assert [float(getattr(sums, name)[0]) for name in ("n", "mean_x", "mean_y")] == [3, 2, 3]
    assert [float(getattr(sums, name)[0]) for name in ("m2_x", "m2_y", "c_xy", "squares")] == [2, 8, 4, 5]
    assert float(sums.ccc[0]) == pytest.approx(8 / 13)
    assert float(sums.pearson[0]) == pytest.approx(1)
    assert float(sums.rmse[0]) == pytest.approx((5 / 3) ** 0.5)
    assert float(sums.sign_agreement[0]) == 1


def test_pearson_by_hand() -> None:
    # Deviations −1, 0, 1 and −1, 1, 0: Σ of products 1, of squares 2 and 2.
    assert one(column(0, 1, 2), column(0, 2, 1), "pearson") == pytest.approx(0.5)
    assert one(column(0, 1, 2), column(4, 2, 0), "pearson") == pytest.approx(-1)


def test_zero_agrees_with_zero_alone() -> None:
    x, y = column(0.2, -0.1, 0.0, 0.3, 0.0, -0.0), column(0.9, 0.1, 0.0, 0.0, -0.4, 0.0)
    # + +, − +, 0 0, + 0, 0 −, and −0 is 0: three of six.
    assert one(x, y, "sign_agreement") == 0.5


def test_a_frame_counts_where_both_have_a_value() -> None:
    x = np.array([[1.0, 5.0], [2.0, NAN], [NAN, 7.0], [3.0, 6.0]])
    y = np.array([[1.0, NAN], [3.0, 1.0], [9.0, 7.0], [5.0, 9.0]])
    sums = Sums.of(x, y)
    assert sums.n.tolist() == [3, 2]
    assert sums.ccc[0] == pytest.approx(8 / 13)
    assert sums.rmse[1] == pytest.approx((9 / 2) ** 0.5)


def test_what_has_no_value() -> None:
    nothing, single = Sums.of(column(NAN, 1), column(1, NAN)), Sums.of(column(0.5), column(0.25))
    assert all(np.isnan(getattr(nothing, measure)[0]) for measure in MEASURES)
    assert np.isnan(single.ccc[0]) and np.isnan(single.pearson[0])
    assert (single.rmse[0], single.sign_agreement[0]) == (0.25, 1)


@pytest.mark.parametrize("n", [2, 7, 1_612])
@pytest.mark.parametrize("value", [0.1, -0.7, 0.0, 1e6])
def test_a_constant_scores_zero_and_has_no_correlation(n: int, value: float) -> None:
    rest, ramp = np.full((n, 1), value), np.linspace(-1, 1, n)[:, None]
    for x, y in ((rest, ramp), (ramp, rest), (rest, rest)):
        sums = Sums.of(x, y)
        assert sums.constant.tolist() == [True]
        assert float(sums.ccc[0]) == 0 and np.isnan(sums.pearson[0])
        pooled = Sums.stack([sums, sums, sums]).pooled([[1, 0, 2]])
        if y is rest and x is rest:
            assert pooled.constant.tolist() == [[True]] and float(pooled.ccc[0, 0]) == 0


def test_a_constant_far_from_what_is_not_drawn() -> None:
    parts = [Sums.of(column(0.1, 0.1, 0.1), column(0.3, 0.3, 0.3)), Sums.of(column(1e6, -7), column(1, 2))]
    pooled = Sums.stack(parts).pooled([[3, 0], [1, 1]])
    assert pooled.constant.tolist() == [[True], [False]]
    assert pooled.m2_x[0, 0] == pooled.m2_y[0, 0] == pooled.c_xy[0, 0] == 0
    assert pooled.rmse[0, 0] == pytest.approx(0.2)


def test_pooling_by_hand() -> None:
    a, b = Sums.of(column(1, 2), column(1, 3)), Sums.of(column(3), column(5))
    both = Sums.stack([a, b]).pooled([[1, 1]])
    assert both.ccc.tolist() == [[pytest.approx(8 / 13)]]
    assert both.n.tolist() == [[3]]
    none = Sums.stack([a, b]).pooled([[0, 0]])
    assert none.n.tolist() == [[0]] and np.isnan(none.ccc[0, 0])


def test_pooling_in_slices_is_pooling_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    sums = Sums.stack([Sums.of(*rng.normal(size=(2, 9, 2))) for _ in range(5)])
    counts = rng.integers(0, 3, (11, 5))
    at_once = sums.pooled(counts)
    monkeypatch.setattr("affekt.scoring.measures._CELLS", 30)
    in_slices = sums.pooled(counts)
    for measure in MEASURES:
        np.testing.assert_array_equal(getattr(at_once, measure), getattr(in_slices, measure))


SERIES = st.integers(2, 12).flatmap(
    lambda n: st.lists(
        st.tuples(st.floats(-1, 1, width=32), st.floats(-1, 1, width=32), st.integers(0, 3)),
        min_size=n,
        max_size=n,
    ).map(np.array)
)


def parts_of(drawn: np.ndarray) -> Sums:
    parts = [drawn[drawn[:, 2] == part] for part in range(4)]
    return Sums.stack([Sums.of(part[:, :1], part[:, 1:2]) for part in parts])


def plain(x: np.ndarray, y: np.ndarray) -> dict[str, float]:
    return {
        "ccc": float(ccc(x, y)),
        "pearson": float(np.corrcoef(x, y)[0, 1]),
        "rmse": float(np.sqrt(np.mean((x - y) ** 2))),
        "sign_agreement": float(np.mean(np.sign(x) == np.sign(y))),
    }


@given(SERIES)
def test_pooled_is_direct(drawn: np.ndarray) -> None:
    x, y, _ = drawn.T
    assume(x.var() > 1e-6 and y.var() > 1e-6)
    pooled = parts_of(drawn).pooled(np.ones((1, 4)))
    for measure, value in plain(x, y).items():
        np.testing.assert_allclose(getattr(pooled, measure)[0, 0], value, rtol=1e-7, atol=1e-9)


@given(SERIES, st.permutations(range(4)), st.lists(st.integers(0, 3), min_size=4, max_size=4))
def test_the_order_of_recordings_does_not_matter(
    drawn: np.ndarray, order: list[int], times: list[int]
) -> None:
    sums = parts_of(drawn)
    turned = Sums.stack([Sums(*(getattr(sums, name)[k] for name in Sums.__slots__)) for k in order])
    a, b = sums.pooled([times]), turned.pooled([[times[k] for k in order]])
    for name in Sums.__slots__:
        np.testing.assert_allclose(getattr(a, name), getattr(b, name), rtol=1e-9, atol=1e-12)


@given(SERIES)
def test_bounds(drawn: np.ndarray) -> None:
    sums = Sums.of(drawn[:, :1], drawn[:, 1:2])
    assert abs(sums.ccc[0]) <= 1 + 1e-9
    assert np.isnan(sums.pearson[0]) or abs(sums.ccc[0]) <= abs(sums.pearson[0]) + 1e-6
    assert 0 <= sums.rmse[0] <= 2 and 0 <= sums.sign_agreement[0] <= 1


@pytest.mark.parametrize(("x", "y"), [([[1.0]], [[1.0], [2.0]]), ([1.0], [1.0])])
def test_other_shapes_are_refused(x: list[Any], y: list[Any]) -> None:
    with pytest.raises(ValueError, match="should both be"):
        Sums.of(x, y)
