"""Small charts as inline SVG: lines, bars, histograms. No script; sheet.css has their styles.

A chart fills the width it is given: text keeps its size, lines keep their thickness, x is in per cent. All
text is escaped. Colours are classes: "c0" to "c7", "arousal", "valence", or "main" for the line that matters.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

from affekt.report.summary import clock

_POINTS = 1_200
"""A line of more values is drawn by the lowest and highest of each of half as many stretches."""
_TIMES = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600)
"""Seconds between ticks of a time axis."""
_TOP, _FOOT, _ROW = 8, 22, 26
"""Pixels above and below what is drawn in; height of a bar's row."""


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """One line of a chart, or one set of counts of a histogram."""

    name: str
    values: np.ndarray
    """(N,); NaN is a gap. Counts: (bins,)."""
    x: np.ndarray | None = None
    """(N,) increasing; None: 0, 1, 2 …"""
    colour: str = ""
    """A class; "": "c0", "c1" … in turn."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One row of a bar chart."""

    name: str
    value: float
    """NaN: no bar, and a dash for its value."""
    colour: str = "c0"


def seconds(value: float) -> str:
    """A tick of a time axis.

    >>> seconds(75.0), seconds(0.5)
    ('1:15', '0:00.5')
    """
    frame = round(value * 10)
    return clock(frame, tenths=bool(frame % 10))


def plain(value: float) -> str:
    """A tick of any other axis, with the true minus sign.

    >>> plain(-0.5), plain(1200.0), plain(float("nan"))
    ('−0.5', '1200', '–')
    """
    return f"{value + 0.0:.6g}".replace("-", "−") if math.isfinite(value) else "–"


def line_chart(
    series: Sequence[Series],
    *,
    caption: str,
    height: int = 220,
    y_range: tuple[float, float] | None = None,
    x_tick: Callable[[float], str] | None = None,
) -> str:
    """Lines over a common x as a figure with a legend (where there are several) and a caption.

    Args:
        series: drawn in turn, the last on top.
        caption: what is seen; also what a screen reader says.
        height: pixels.
        y_range: of the axis; None: what the values span.
        x_tick: how a value of x is written; None: x is seconds.
    """
    xs = [np.arange(len(one.values), dtype=float) if one.x is None else one.x for one in series]
    low, high = y_range or _span([one.values for one in series])
    left, right = _span(xs)
    rules, labels = _axes((left, right), (low, high), height, x_tick)
    lines = []
    for x, one, colour in zip(xs, series, _colours(series), strict=True):
        for run in _runs(x, np.asarray(one.values, np.float64)):
            across = np.round((run[0] - left) / (right - left) * 1000, 1)
            down = np.round((high - run[1]) / (high - low) * 1000, 1)
            points = " ".join(f"{a:g},{b:g}" for a, b in zip(across.tolist(), down.tolist(), strict=True))
            lines.append(f'<polyline class="{colour}" points="{points}"/>')
    # The inner drawing is stretched to whatever width there is; its lines do not grow thicker by it.
    drawing = (
        f'<svg y="{_TOP}" width="100%" height="{height - _TOP - _FOOT}" viewBox="0 0 1000 1000" '
        f'preserveAspectRatio="none">{"".join(lines)}</svg>'
    )
    return _figure(rules + drawing + labels, height, caption, series if len(series) > 1 else ())


def bar_chart(bars: Sequence[Bar], *, caption: str, tick: Callable[[float], str] = plain) -> str:
    """Horizontal bars from 0 to the largest (what is below 0 has no length), under their names and values."""
    largest = max((bar.value for bar in bars if math.isfinite(bar.value)), default=0.0) or 1.0
    rows = []
    for row, bar in enumerate(bars):
        y, share = row * _ROW, _share(bar.value if bar.value > 0 else 0.0, 0.0, largest)
        rows.append(
            f'<text class="name" x="0" y="{y + 13}">{escape(bar.name)}</text>'
            f'<text class="end" x="100%" y="{y + 13}">{escape(tick(bar.value))}</text>'
            f'<rect class="rail" y="{y + 17}" width="100%" height="5" rx="2"/>'
            f'<rect class="bar {escape(bar.colour)}" y="{y + 17}" width="{share}" height="5" rx="2"/>'
        )
    return _figure("".join(rows), max(1, len(bars)) * _ROW, caption, ())


def histogram(series: Sequence[Series], edges: np.ndarray, *, caption: str) -> str:
    """Counts over bins, as steps; several sets of counts lie over each other.

    Args:
        series: `values` are (bins,) counts or shares.
        edges: (bins + 1,) increasing.
    """
    steps = [
        Series(one.name, np.concatenate([[0], np.repeat(one.values, 2), [0]]), np.repeat(edges, 2), colour)
        for one, colour in zip(series, _colours(series), strict=True)
    ]
    top = max((float(np.nanmax(one.values)) for one in steps), default=0.0) or 1.0
    return line_chart(steps, caption=caption, height=160, y_range=(0.0, top), x_tick=plain)


def ticks(low: float, high: float, most: int = 6, *, time: bool = False) -> list[float]:
    """At most so many round numbers within a range: steps of 1, 2 or 5 times a power of ten.

    Args:
        time: seconds, whose steps are round in minutes and hours too.

    >>> ticks(-0.6, 1.0), ticks(0, 161, time=True)
    ([-0.5, 0.0, 0.5, 1.0], [0.0, 30.0, 60.0, 90.0, 120.0, 150.0])
    """
    power = 10.0 ** math.floor(math.log10((high - low) / most))
    steps = [size * power for size in (1, 2, 5, 10, 20)]
    if time and power >= 1:
        steps = [*_TIMES, 3600 * max(1.0, steps[-1] // 3600)]
    for step in steps:
        first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
        if last - first < most:
            break
    return [round(number * step, 12) + 0.0 for number in range(first, last + 1)]


def _axes(
    across: tuple[float, float],
    up: tuple[float, float],
    height: int,
    x_tick: Callable[[float], str] | None,
) -> tuple[str, str]:
    """Horizontal rules, to lie beneath the lines; and above them their values and those of x."""
    rules, labels, inner = [], [], height - _TOP - _FOOT
    for value in ticks(*up):
        y = round(_TOP + inner * (up[1] - value) / (up[1] - up[0]), 1)
        kind = "zero" if value == 0 else "rule"
        rules.append(f'<line class="{kind}" x1="0" x2="100%" y1="{y:g}" y2="{y:g}"/>')
        labels.append(f'<text class="tick" x="2" y="{y - 3:g}">{escape(plain(value))}</text>')
    for value in ticks(*across, time=x_tick is None):
        share = (value - across[0]) / (across[1] - across[0])
        anchor = "" if share < 0.05 else "end" if share > 0.95 else "middle"
        labels.append(
            f'<text class="{anchor}" x="{_share(value, *across)}" y="{height - 5}">'
            f"{escape((x_tick or seconds)(value))}</text>"
        )
    return "".join(rules), "".join(labels)


def _share(value: float, low: float, high: float) -> str:
    return f"{round(100 * min(max((value - low) / (high - low), 0.0), 1.0), 3):g}%"


def _span(arrays: Sequence[np.ndarray]) -> tuple[float, float]:
    """Lowest and highest finite value; a range of its own where there is none."""
    finite = [one[np.isfinite(one)] for one in map(np.asarray, arrays)]
    values = np.concatenate([np.zeros(0), *finite])
    if not len(values):
        return 0.0, 1.0
    low, high = float(values.min()), float(values.max())
    size = max(1.0, abs(low), abs(high))
    return (low, high) if high - low > 1e-9 * size else (low - size / 2, high + size / 2)


def _runs(x: np.ndarray, y: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """The stretches between gaps, thinned; a value alone becomes a short dash."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], np.isfinite(y), [False]])))
    runs = []
    for first, stop in edges.reshape(-1, 2):
        if stop - first == 1:
            runs.append((np.repeat(x[first], 2), np.repeat(y[first], 2)))
        else:
            kept = first + _thin(y[first:stop], max(2, _POINTS * (stop - first) // len(y)))
            runs.append((x[kept], y[kept]))
    return runs


def _thin(y: np.ndarray, most: int) -> np.ndarray:
    """Indices of about `most` values whose line looks like all of them."""
    if len(y) <= most:
        return np.arange(len(y))
    stretches = np.array_split(np.arange(len(y)), most // 2)
    kept = {0, len(y) - 1}
    for one in stretches:
        kept |= {int(one[np.argmin(y[one])]), int(one[np.argmax(y[one])])}
    return np.array(sorted(kept))


def _colours(series: Sequence[Series]) -> list[str]:
    return [escape(one.colour) or f"c{place % 8}" for place, one in enumerate(series)]


def _figure(drawing: str, height: int, caption: str, named: Sequence[Series]) -> str:
    items = "".join(
        f'<li class="{colour}"><span>{escape(one.name)}</span></li>'
        for one, colour in zip(named, _colours(named), strict=True)
    )
    legend = f'<ul class="legend">{items}</ul>' if items else ""
    return (
        f'<figure class="sheet"><svg class="chart" role="img" height="{height}" '
        f'aria-label="{escape(caption)}">'
        f"{drawing}</svg>{legend}<figcaption>{escape(caption)}</figcaption></figure>"
    )
