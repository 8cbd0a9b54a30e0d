"""Charts: where lines run, gaps, escaping, and a page that may load nothing."""

import base64
import hashlib
import re
from html import unescape
from xml.etree import ElementTree

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from affekt.report.sheet import section, sheet, table
from affekt.report.svg import Bar, Series, bar_chart, histogram, line_chart, plain, seconds, ticks

NAN = float("nan")


def points(chart: str) -> list[list[tuple[float, ...]]]:
    """Of each line, in the inner drawing of 1000 × 1000."""
    runs = re.findall(r'<polyline class="[^"]*" points="([^"]*)"', chart)
    return [[tuple(map(float, pair.split(","))) for pair in run.split()] for run in runs]


def test_a_line_runs_where_it_should() -> None:
    chart = line_chart([Series("a", np.array([0.0, 1.0, -1.0]))], caption="c", y_range=(-1, 1))
    assert points(chart) == [[(0, 500), (500, 0), (1000, 1000)]]
    shifted = line_chart([Series("a", np.array([2.0, 4.0]), np.array([10.0, 30.0]))], caption="c")
    assert points(shifted) == [[(0, 1000), (1000, 0)]]


def test_a_gap_parts_the_line_and_a_lone_value_is_kept() -> None:
    chart = line_chart([Series("a", np.array([0, 1, NAN, 1, NAN, 0, 0.5]))], caption="c", y_range=(0, 1))
    first, lone, last = points(chart)
    assert (
        first == [(0, 1000), (166.7, 0)] and lone == [(500, 0)] * 2 and last == [(833.3, 1000), (1000, 500)]
    )
    assert "nan" not in chart.lower()


def test_a_long_line_keeps_its_peaks() -> None:
    values = np.zeros(36_000)
    values[17_001] = 1.0
    (run,) = points(line_chart([Series("a", values)], caption="c", y_range=(0, 1)))
    assert len(run) < 1_500
    assert min(down for _, down in run) == 0 and run[0][0] == 0 and run[-1][0] == 1000


def test_colours_and_legend() -> None:
    two = [Series("Änne", np.zeros(2)), Series("fused", np.ones(2), colour="main")]
    chart = line_chart(two, caption="c")
    assert re.findall(r'<polyline class="(\w+)"', chart) == ["c0", "main"]
    assert '<li class="c0"><span>Änne</span></li><li class="main"><span>fused</span></li>' in chart
    assert "<li " not in line_chart(two[:1], caption="c")


def test_bars_share_the_width() -> None:
    chart = bar_chart([Bar("a", 0.5), Bar("b", 0.25, "arousal"), Bar("c", -1.0), Bar("d", NAN)], caption="c")
    bars = re.findall(r'<rect class="bar (\w+)"[^>]*width="([^"]*)"', chart)
    assert bars == [("c0", "100%"), ("arousal", "50%"), ("c0", "0%"), ("c0", "0%")]
    assert ">−1</text>" in chart and ">–</text>" in chart
    assert bar_chart([], caption="c") and bar_chart([Bar("a", 0.0)], caption="c")


def test_a_histogram_is_drawn_in_steps() -> None:
    chart = histogram([Series("a", np.array([1, 2]))], np.array([-1.0, 0.0, 1.0]), caption="c")
    assert points(chart) == [[(0, 1000), (0, 500), (500, 500), (500, 0), (1000, 0), (1000, 1000)]]


def test_ticks_are_few_and_round() -> None:
    assert ticks(-1, 1) == [-1.0, -0.5, 0.0, 0.5, 1.0]
    assert ticks(-0.13, 0.47) == [-0.1, 0.0, 0.1, 0.2, 0.3, 0.4]
    assert ticks(-0.13, 0.47, most=5) == [0.0, 0.2, 0.4]
    assert ticks(0, 309, time=True) == [0, 60, 120, 180, 240, 300]
    assert ticks(0, 7200, time=True) == [0, 1800, 3600, 5400, 7200]
    assert [seconds(value) for value in (0.0, 90.0, 3600.0)] == ["0:00", "1:30", "1:00:00"]
    assert [plain(value) for value in (-0.0, 0.1 + 0.2)] == ["0", "0.3"]


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6), st.booleans())
def test_there_are_never_too_many_ticks(low: float, span: float, time: bool) -> None:
    found = ticks(low, low + span, time=time)
    assert len(found) <= 6 and found == sorted(set(found))
    assert all(low - 1e-6 * span <= value <= low + span * (1 + 1e-6) for value in found)


@given(
    arrays(np.float64, st.integers(0, 30), elements=st.floats(allow_nan=True, allow_infinity=True, width=32))
)
def test_whatever_the_values_the_chart_is_well_formed(values: np.ndarray) -> None:
    for chart in (
        line_chart([Series("a", values)], caption="c"),
        bar_chart([Bar("a", value) for value in values.tolist()], caption="c"),
    ):
        ElementTree.fromstring(chart)
        assert "nan" not in chart.lower().replace("figcaption", "") and "inf" not in chart.lower()


def test_texts_are_escaped() -> None:
    attack = "</svg><script>\"'&"
    chart = line_chart([Series(attack, np.zeros(2)), Series("b", np.ones(2), colour=attack)], caption=attack)
    chart += bar_chart([Bar(attack, 1.0, attack)], caption=attack)
    page = sheet(
        attack,
        section(attack, chart + table((attack,), [(attack, attack)]), attack),
        headline=attack,
        warnings=[attack],
        footer=attack,
    )
    assert "<script" not in page and page.count("</svg>") == 3
    assert attack in unescape(page)


def test_the_page_may_load_nothing_but_its_own_style() -> None:
    page = sheet("t", "<section></section>")
    (style,) = re.findall(r"<style>(.*?)</style>", page, flags=re.S)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', page)
    assert unescape(policy) == (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )
    # An attribute style="…" would not be let through by that policy.
    assert "<script" not in page and "http" not in page.replace("http-equiv", "") and "style=" not in page
    assert sheet("t", "b") == sheet("t", "b")
