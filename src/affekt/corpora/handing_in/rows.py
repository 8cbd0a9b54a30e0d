"""Ten frames a second → the rows that a corpus labels: every 40 ms, 250 ms, 500 ms, or a row a picture."""

from __future__ import annotations

import numpy as np

from affekt.timeline import FRAME_RATE


def on_rows(values: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """A trace on rows: each is the mean of the frames it overlaps, by their overlap.

    That is how gold comes from rows to frames (`labels.traces.at_10hz`), the other way round: a row that lies
    within a frame holds its value, a longer one averages, and the trace's level, which counts in the CCC,
    stays. Nothing is drawn between two frames that no network said. Beyond the last frame its value is held:
    RECOLA's 7,501st row begins where the recording ends.

    Args:
        values: (T, D), frame k covering [0.1 k, 0.1 (k + 1)) seconds; T ≥ 1.
        starts, ends: (N,) seconds, each end after its start.

    Returns:
        (N, D) float64.

    >>> trace = np.array([[0.0], [1.0], [0.5]])
    >>> on_rows(trace, np.array([0.0, 0.08, 0.2, 0.3]), np.array([0.04, 0.12, 0.4, 0.34])).ravel().tolist()
    [0.0, 0.5, 0.5, 0.5]
    """
    values = np.asarray(values, np.float64)
    # The first frame is taken away and put back, so that a trace that never moves comes out as it is.
    level = values[:1]
    total = np.concatenate([np.zeros_like(level), np.cumsum(values - level, axis=0)])

    def until(seconds: np.ndarray) -> np.ndarray:
        """Integral of the trace from its start, in frames."""
        frames = np.asarray(seconds, np.float64) * FRAME_RATE
        last = len(values)
        whole = np.clip(np.floor(frames).astype(np.int64), 0, last - 1)
        within = total[whole] + (frames - whole)[:, None] * (values - level)[whole]
        return np.asarray(within)  # beyond the end, `whole` stays at the last frame, which goes on

    lengths = (np.asarray(ends, np.float64) - starts)[:, None] * FRAME_RATE
    return np.asarray(level + (until(ends) - until(starts)) / lengths)


def until_next(starts: np.ndarray, step: float) -> np.ndarray:
    """(N,) seconds at which rows end: where the next one begins, the last after `step`.

    Across a gap a row lasts no longer than `step` and a half.
    """
    ends = np.append(starts[1:], starts[-1] + step)
    return np.where(ends - starts > 1.5 * step, starts + step, ends)


def digits(values: np.ndarray) -> list[list[str]]:
    """Numbers (N, D) as label files have them: six decimals, no negative zero.

    >>> digits(np.array([[-0.0000001, 0.25]]))
    [['0.000000', '0.250000']]
    """
    return [[f"{value:.6f}" for value in row] for row in (np.round(values, 6) + 0.0).tolist()]
