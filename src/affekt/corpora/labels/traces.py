"""Label files → values over time: every dialect of the field, sniffed from the file, never from its name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from affekt.corpora.corpus import Fault
from affekt.corpora.formats.folders import text_of
from affekt.corpora.labels.clocks import JITTER, Clock, clock_of, clock_of_pictures, in_order
from affekt.corpora.labels.columns import Layout, column_of, failure, warning
from affekt.corpora.labels.dialects import read_layout
from affekt.errors import CorpusError
from affekt.media.tables import bare
from affekt.timeline import FRAME_RATE, Gold, frame_count

ROUNDING = 0.1
"""How far beyond ±1 a value may lie, by a smoothing filter or a rounding, to be cut back to ±1."""
STRAYS = 0.02
"""Share of a file's labels that may lie beyond, and be masked; more, and the scale is another one."""


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """Values over time as a file holds them: row i holds from starts[i] until starts[i] + step."""

    columns: tuple[str, ...]
    """Names of the C columns: arousal, valence, liking; raters' names; "value" where the file names none."""
    values: np.ndarray
    """(N, C) float64, within [−1, 1] unless read unbounded; NaN where there is no label (NaN, empty, −5 in
    Aff-Wild2)."""
    starts: np.ndarray
    """(N,) float64 seconds, increasing; rows may leave gaps (MuSe's segments)."""
    step: float
    """Seconds that a row stands for."""
    dialect: str
    """What the file turned out to be, for people: "SEWA, no header"."""
    name: str | None = None
    """The recording that the file itself names (SEWA's first column, an ARFF's instance)."""
    segments: np.ndarray | None = None
    """(N,) int64, MuSe's segment of each row."""
    faults: tuple[Fault, ...] = ()
    """Warnings only: what was masked, and in which line."""
    timed: bool = True
    """False: the file has no times (Aff-Wild2, one row a picture), and `starts` counts rows."""

    def faults_of(self, recording: str) -> list[Fault]:
        """Its warnings, as those of a recording."""
        return [replace(fault, recording=recording) for fault in self.faults]


def read_labels(
    path: Path,
    *,
    columns: Sequence[str] | None = None,
    times: np.ndarray | None = None,
    bounded: bool = True,
) -> Trace:
    """Read one label file of any dialect.

    Scales that a file states (CARMA, DARMA, NOVA), or that are a format's own (CASE), are brought to
    [−1, 1]; a file whose values lie beyond it without saying why is refused. PAGAN's values have no scale:
    a trace is divided by its largest, with a warning. A clock that jitters is resampled by its own times.

    Args:
        path: CSV, ARFF or text.
        columns: what the value columns are called, where the caller knows better than the file (a folder
            called arousal).
        times: (N,) seconds at which the rows of a file without times start; may be a row shorter or longer.
        bounded: labels, which lie within [−1, 1]; False: predictions, which may lie anywhere and are taken as
            they are.

    Raises:
        CorpusError: not a label file, or damaged so that its numbers cannot be trusted; names the line.
    """
    layout = read_layout(path, columns)
    faults = list(_encoding(layout.path))
    comma = _has_decimal_commas(layout)
    name = _one_name(layout)
    if layout.on_change:
        layout = in_order(layout, comma)
    values = _values(layout, comma, faults, bounded)
    clock = clock_of(layout, comma, faults)
    if clock is None and times is not None:
        clock = clock_of_pictures(layout, times, faults)
    segments = None if layout.segment is None else _segments(layout)
    timed = clock is not None
    rows = np.arange(len(values), dtype=np.float64)
    clock = clock or Clock(rows, rows + 1, step=1.0)
    values, starts, step = values[: len(clock.starts)], clock.starts, clock.step
    if not clock.even:
        values = _overlap(starts, clock.ends, values, frame_count(float(clock.ends[-1])))
        starts, step, segments = np.arange(len(values)) / FRAME_RATE, 1 / FRAME_RATE, None
    return Trace(
        columns=layout.columns,
        values=values,
        starts=starts,
        step=step,
        dialect=layout.dialect,
        name=name,
        segments=segments,
        faults=tuple(faults),
        timed=timed,
    )


def read_own_labels(path: Path, recording: str, *, columns: Sequence[str] | None = None) -> Trace:
    """Read a label file of one recording, with times.

    Raises:
        CorpusError: as `read_labels`, or it has no times, or names another recording.
    """
    trace = read_labels(path, columns=columns)
    if not trace.timed:
        raise CorpusError(f"{path}, line 1: has no column of times")
    if trace.name is not None and trace.name.casefold() != recording.casefold():
        other = f"its rows are of {trace.name}, not of {recording}"
        raise CorpusError(f"{path}: {other}; were two files swapped?")
    return trace


def at_10hz(trace: Trace, n_frames: int | None = None) -> np.ndarray:
    """A trace on the 10 Hz clock: each frame is the mean of the rows that overlap it, by their overlap.

    Slower labels (MuSe's 250 ms) are thereby held, faster ones (RECOLA's 40 ms, a film's 30 fps) averaged;
    labels at 10 Hz are taken as they are. A frame of which less than half is labelled is NaN.

    Args:
        n_frames: frames wanted; None: up to the last row's end, half a frame counting as one.

    Returns:
        (T, C) float32.

    Raises:
        ValueError: the trace has no times.
    """
    if not trace.timed:
        raise ValueError("a trace without times cannot be laid on a clock; read it with its pictures' times")
    if n_frames is None:
        n_frames = frame_count(float(trace.starts[-1]) + trace.step) if len(trace.starts) else 0
    frames = trace.starts * FRAME_RATE
    whole = np.round(frames).astype(np.int64)
    if abs(trace.step * FRAME_RATE - 1) < JITTER and np.allclose(frames, whole, rtol=0, atol=0.01):
        values = np.full((n_frames, len(trace.columns)), np.nan)
        inside = (whole >= 0) & (whole < n_frames)
        values[whole[inside]] = trace.values[inside]
    else:
        ends = trace.starts + trace.step
        ends[:-1] = np.minimum(ends[:-1], trace.starts[1:])
        values = _overlap(trace.starts, ends, trace.values, n_frames)
    return values.astype(np.float32)


def on_frames(trace: Trace) -> Trace:
    """The trace with a row a frame, float64, as `at_10hz`."""
    values = at_10hz(trace).astype(np.float64)
    starts = np.arange(len(values)) / FRAME_RATE
    return replace(trace, values=values, starts=starts, step=1 / FRAME_RATE, segments=None)


def side_by_side(columns: Sequence[np.ndarray]) -> np.ndarray:
    """(T, C) of columns (T,) or (T, 1), T being the longest's; NaN where another has ended.

    >>> side_by_side([np.array([1.0, 2.0]), np.array([3.0])]).tolist()
    [[1.0, 3.0], [2.0, nan]]
    """
    length = max(map(len, columns))
    ends = ([(0, length - len(one)), *[(0, 0)] * (one.ndim - 1)] for one in columns)
    padded = [np.pad(one, end, constant_values=np.nan) for one, end in zip(columns, ends, strict=True)]
    return np.column_stack(padded)


def gold_of(columns: Mapping[str, np.ndarray]) -> Gold | None:
    """Gold of several dimensions, (T,) or (T, 1) each; None if none of them has a label."""
    if not any(np.isfinite(values).any() for values in columns.values()):
        return None
    return Gold(side_by_side(list(columns.values())), tuple(columns))


def _overlap(starts: np.ndarray, ends: np.ndarray, values: np.ndarray, n_frames: int) -> np.ndarray:
    """(n_frames, C) float64: mean over each frame of rows that last from start to end and do not overlap.

    The integral up to any moment is piecewise linear, so it is summed once and read off at the frames' ends.
    """
    knots = np.stack([starts, ends], axis=1).ravel() * FRAME_RATE
    borders = np.arange(n_frames + 1)
    frames = np.full((n_frames, values.shape[1]), np.nan)
    for column, row_values in enumerate(values.T):
        labelled = np.isfinite(row_values)
        # Summed about one of them, so that what is added up stays small, and a constant stays what it is.
        middle = float(row_values[labelled][0]) if labelled.any() else 0.0
        integrals = []
        for heights in (np.where(labelled, row_values - middle, 0.0), labelled.astype(float)):
            grown = np.zeros(len(knots) + 1)
            grown[1:-1:2] = heights * (ends - starts) * FRAME_RATE
            total = np.cumsum(grown[:-1])
            integrals.append(np.diff(np.interp(borders, knots, total)))
        sums, shares = integrals
        enough = shares > 0.5 - 1e-6
        frames[enough, column] = middle + sums[enough] / shares[enough]
    return frames


# Numbers


def _encoding(path: Path) -> Iterator[Fault]:
    """A warning where a file's encoding had to be guessed."""
    data = path.read_bytes()
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        if b"\0" not in data:
            yield Fault(path, "is not UTF-8, read as Windows-1252; save it as UTF-8", severity="warning")


def _has_decimal_commas(layout: Layout) -> bool:
    """Whether numbers are written 0,5.

    Raises:
        CorpusError: some are, others 0.5.
    """
    used = [index for index in (layout.time, *layout.values) if index is not None]
    first: str | None = None
    for line, fields in layout.rows if layout.separator != "," else ():
        for mark in (mark for index in used for mark in fields[index] if mark in ",."):
            first = first or mark
            if mark != first:
                message = f"has a decimal {mark!r}, the numbers before it have {first!r}; write all alike"
                raise failure(layout, line, message)
    return first == ","


def _one_name(layout: Layout) -> str | None:
    """The recording that all rows name.

    Raises:
        CorpusError: they name more than one.
    """
    if layout.name is None:
        return None
    names = [bare(fields[layout.name]) for _, fields in layout.rows]
    for (line, _), name in zip(layout.rows, names, strict=True):
        if name != names[0]:
            message = f"belongs to {name!r}, the lines before to {names[0]!r}; one file holds one trace"
            raise failure(layout, line, message)
    return names[0]


def _values(layout: Layout, comma: bool, faults: list[Fault], bounded: bool) -> np.ndarray:
    """(N, C) float64, within [−1, 1] if they are bounded; what was masked is told in `faults`."""
    values = np.stack([column_of(layout, index, comma) for index in layout.values], axis=1)
    faults += warning(layout, np.any(np.isnan(values), axis=1), "no label")
    if layout.sentinel is not None:
        values[(values == layout.sentinel).any(axis=1)] = np.nan
    if _cut_short(layout):
        last = np.arange(len(values)) == len(values) - 1
        values[last] = np.nan
        faults += warning(layout, last, "the last number is cut short; is the file whole?")
    low, high = layout.scale
    if layout.on_change:
        high = float(np.nanmax(np.abs(values), initial=0.0)) or 1.0
        low = -high
        message = f"its values have no scale: divided by the largest, {high:g}, only their shape counts"
        faults.append(Fault(layout.path, message, severity="warning"))
    with np.errstate(over="ignore"):  # what overflows lies beyond, like infinity
        values = (2 * values - (high + low)) / (high - low)
    if not bounded:
        faults += warning(layout, np.any(np.isinf(values), axis=1), "an infinite value")
        return np.where(np.isinf(values), np.nan, values)
    beyond = np.abs(values) > 1 + ROUNDING
    n_labels = np.count_nonzero(np.nan_to_num(values, nan=0.0))
    if beyond.sum() > max(1, STRAYS * n_labels):
        row = int(np.argmax(beyond.any(axis=1)))
        raise failure(layout, layout.rows[row][0], _beyond(values, row))
    faults += warning(layout, np.any(beyond, axis=1), "a value beyond [-1, 1]")
    values[beyond] = np.nan
    faults += warning(
        layout, np.any(np.abs(values) > 1 + 1e-5, axis=1), "a value just beyond ±1", "cut to ±1"
    )
    return np.clip(values, -1, 1)


def _beyond(values: np.ndarray, row: int) -> str:
    """What to say of a file on another scale, from its first row that is beyond [−1, 1]."""
    largest = float(np.nanmax(np.abs(values)))
    scale = next((one for one in (100, 1000) if largest <= one), None)
    advice = f"if they lie within ±{scale}, divide them by {scale}" if scale else "bring them to that scale"
    found = values[row][np.nanargmax(np.abs(values[row]))]
    return f"{found:g}, where labels lie within [-1, 1]; others are as large, up to {largest:g}; {advice}"


def _cut_short(layout: Layout) -> bool:
    """Does a last line without end lack decimals that all before it have? So ends a copy broken off."""
    last = [bare(fields[-1]) for _, fields in layout.rows]
    decimals = {len(re.split("[.,]", text)[1]) if re.search("[.,]", text) else 0 for text in last[:-1]}
    if len(last) < 3 or len(decimals) > 1 or decimals == {0}:
        return False
    final = re.fullmatch(r"[-+]?\d*(?:[.,](\d*))?", last[-1])
    if not last[-1] or final is None or len(final.group(1) or "") >= decimals.pop():
        return False
    return not text_of(layout.path).endswith("\n")


def _segments(layout: Layout) -> np.ndarray:
    """(N,) int64 of MuSe's segments."""
    assert layout.segment is not None
    column = column_of(layout, layout.segment, False, "segment")
    for (line, _), value in zip(layout.rows, column, strict=True):
        if not value.is_integer():
            raise failure(layout, line, f"{value:g} is no segment")
    return column.astype(np.int64)
