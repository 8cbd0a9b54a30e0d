"""When each row of a label file starts and ends, however the file tells."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from affekt.corpora.corpus import Fault
from affekt.corpora.labels.columns import Layout, column_of, failure, warning
from affekt.errors import CorpusError
from affekt.media.tables import MAX_SECONDS, bare
from affekt.timeline import FRAME_RATE

JITTER = 1e-3
"""Share of a step by which a clock may stray and still count as constant."""
SLOWEST, FASTEST = 10.0, 5e-4
"""Seconds a row may last: beyond, its unit of time is not what it is taken for."""


@dataclass(frozen=True, slots=True)
class Clock:
    """Rows on the time line; they do not overlap."""

    starts: np.ndarray
    ends: np.ndarray
    """(N,) seconds."""
    step: float
    """Seconds a row usually lasts."""
    even: bool = True
    """Whether each row lasts `step`."""


def clock_of(layout: Layout, comma: bool, faults: list[Fault]) -> Clock | None:
    """The clock that a file keeps; None if it keeps none. Gaps and jitter are told in `faults`.

    Raises:
        CorpusError: the time runs backwards, stands still, or is in a unit that cannot be.
    """
    if layout.time is None:
        if layout.step is None:
            return None
        starts = np.arange(len(layout.rows)) * layout.step
        return Clock(starts, starts + layout.step, layout.step)
    times = column_of(layout, layout.time, comma, "time")
    times *= layout.unit or (0.001 if _in_milliseconds(layout, layout.time, times) else 1.0)
    _check(layout, times)
    if layout.on_change:
        # Of several changes in the same millisecond the last one stands, the others last for no time.
        return Clock(times, np.append(times[1:], times[-1] + 1 / FRAME_RATE), 1 / FRAME_RATE, even=False)
    if len(times) < 2:
        raise failure(layout, layout.rows[0][0], "is the only row, so how long it holds is not known")
    steps = np.diff(times)
    step = _usual(steps)
    if not FASTEST <= step <= SLOWEST:
        message = f"comes {steps[0]:g} s after the row before; are its times in seconds, or milliseconds?"
        raise failure(layout, layout.rows[1][0], message)
    if layout.at_end and times[0] > step * (1 - JITTER):
        times = times - step
    return _spaced(layout, times, step, comma, faults)


def clock_of_pictures(layout: Layout, times: np.ndarray, faults: list[Fault]) -> Clock:
    """The clock of rows that each belong to a picture of a film, shown at `times` (seconds).

    Raises:
        CorpusError: rows and pictures differ by more than a tenth.
    """
    n_rows, n_times = len(layout.rows), len(times)
    if abs(n_rows - n_times) > max(1, 0.1 * n_rows) or min(n_rows, n_times) < 2:
        message = f"has {n_rows} rows, its film {n_times} pictures; do they belong together?"
        raise CorpusError(f"{layout.path}: {message}")
    if abs(n_rows - n_times) > 1:
        message = f"has {n_rows} rows, its film {n_times} pictures: cut to the shorter"
        faults.append(Fault(layout.path, message, severity="warning"))
    starts = np.asarray(times, float)[:n_rows]
    steps = np.diff(starts)
    step = _usual(steps)
    even = bool((np.abs(steps - step) <= JITTER * step + 1e-9).all())
    return Clock(starts, np.append(starts[1:], starts[-1] + step), step, even)


def in_order(layout: Layout, comma: bool) -> Layout:
    """The rows of a file that is written in any order (PAGAN's), by their times.

    Raises:
        CorpusError: it holds more than one trace.
    """
    if layout.session is not None:
        sessions = {tuple(fields[layout.session - 1 : layout.session + 1]) for _, fields in layout.rows}
        if len(sessions) > 1:
            raise CorpusError(
                f"{layout.path}: holds {len(sessions)} sessions; write each to a file of its own"
            )
    assert layout.time is not None
    times = column_of(layout, layout.time, comma, "time")
    return replace(layout, rows=tuple(layout.rows[k] for k in np.argsort(times, kind="stable")))


def _usual(steps: np.ndarray) -> float:
    """The usual step, as exactly as the times tell: the median where most are alike, else a mean about it."""
    median = float(np.quantile(steps, 0.5, method="lower"))  # one that occurs; gaps are larger
    away = np.abs(steps - median) / median
    alike = away <= JITTER
    # Thirtieths of a second written with two digits are 0.03 two times out of three, and then 0.04.
    return float(steps[alike if alike.mean() > 0.75 else away <= 0.5].mean())


def _in_milliseconds(layout: Layout, time: int, times: np.ndarray) -> bool:
    """Whole numbers 20 apart or more; in seconds a row would last for half a minute."""
    whole = all(bare(fields[time]).isdigit() for _, fields in layout.rows)
    return whole and len(times) > 1 and float(np.median(np.abs(np.diff(times)))) >= 20


def _check(layout: Layout, times: np.ndarray) -> None:
    """Raise CorpusError at the first time that is none, or not later than the one before."""
    impossible = ~np.isfinite(times) | (times < 0) | (times > MAX_SECONDS)
    if impossible.any():
        row = int(np.argmax(impossible))
        raise failure(layout, layout.rows[row][0], f"{times[row]:g} s is no time in a recording")
    steps = np.diff(times)
    disordered = steps < 0 if layout.on_change else steps <= 0
    if disordered.any():
        row = int(np.argmax(disordered))
        before, after = times[row : row + 2]
        fault = f"the time runs backwards ({after:g} s after {before:g} s)"
        fault = f"the time {after:g} s stands there twice" if before == after else fault
        raise failure(layout, layout.rows[row + 1][0], f"{fault}; put the rows right")


def _spaced(layout: Layout, times: np.ndarray, step: float, comma: bool, faults: list[Fault]) -> Clock:
    """Rows of a constant step with gaps between them left open; or of their own lengths, with a warning."""
    steps = np.diff(times)
    gaps = steps > 1.5 * step
    torn = gaps
    if layout.segment is not None:
        segments = [bare(fields[layout.segment]) for _, fields in layout.rows]
        torn = gaps & np.array([one == other for one, other in pairwise(segments)])
    if torn.any():
        missing = f"comes {steps[torn][0]:.4g} s after the row before, rows are missing"
        faults += warning(layout, np.append(False, torn), missing)
    if layout.segment is None and times[0] > 0.5 * step:
        message = f"the first label is at {times[0]:.4g} s; what is before"
        faults += warning(layout, np.arange(len(times)) == 0, message)
    parts = (times - times[0]) / step
    on_grid = np.abs(parts - np.round(parts)) <= max(JITTER, _rounding(layout, step, comma) / step)
    regular = gaps | (np.abs(steps - step) <= JITTER * step + 1e-9) | (on_grid[1:] & on_grid[:-1])
    if regular.all():
        return Clock(times, np.append(np.minimum(times[:-1] + step, times[1:]), times[-1] + step), step)
    message = f"comes {steps[~regular][0]:.4g} s after the row before, most do {step:.4g} s"
    faults += warning(layout, np.append(False, ~regular), message, "resampled by the times")
    ends = np.append(np.where(gaps, times[:-1] + step, times[1:]), times[-1] + step)
    return Clock(times, ends, step, even=False)


def _rounding(layout: Layout, step: float, comma: bool) -> float:
    """Seconds by which times may be off because their step, a thirtieth of a second say, has more digits.

    0 where the step can be written with the digits there are, or where these would excuse any clock.
    """
    assert layout.time is not None
    texts = [bare(fields[layout.time]) for _, fields in layout.rows[:50]]
    digits = max(len(text.partition("," if comma else ".")[2]) for text in texts)
    digit = 10.0**-digits
    exact = abs(step / digit - round(step / digit)) < JITTER
    # Twice half a digit: the first time is rounded as well as each.
    return 0.0 if digits < 2 or exact else 1.1 * digit
