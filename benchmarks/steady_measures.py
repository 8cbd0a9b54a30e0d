"""How far two traces lie apart, when a step shows in one, and how widely it spreads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from affekt.scoring import ccc
from affekt.timeline import FRAME_RATE

DIMENSIONS = ("arousal", "valence")
SETTLED = 3 * FRAME_RATE
"""Frames before a step, and at the end after it, whose mean is where the trace was and where it went."""
STAYS = FRAME_RATE // 2
"""Frames for which a trace must be beyond half way to be there for good."""
SATURATED = 0.9
"""Beyond this a trace counts as saturated."""

Pair = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Change:
    """What a disturbance did to traces; each (2,), arousal and valence."""

    difference: np.ndarray
    """Mean absolute difference."""
    agreement: np.ndarray
    """CCC of the disturbed trace to the clean one."""


def change(pairs: Sequence[Pair]) -> Change:
    """Compare clean with disturbed traces, over the frames of all recordings.

    Args:
        pairs: of each recording both traces, (T, 2); a frame that only one of them has is left out.

    Raises:
        ValueError: two traces differ by more than two frames in length: not one recording.
    """
    for clean, disturbed in pairs:
        if abs(len(clean) - len(disturbed)) > 2:
            raise ValueError(f"{len(clean)} frames became {len(disturbed)}")
    clean, disturbed = (
        np.concatenate([pair[k][: min(map(len, pair))] for pair in pairs]).astype(np.float64) for k in (0, 1)
    )
    return Change(np.abs(clean - disturbed).mean(0), np.asarray(ccc(disturbed, clean)))


@dataclass(frozen=True)
class Step:
    """How one dimension of a trace answers a step."""

    size: float
    """From the mean of the last 3 s before the step to that of the trace's last 3 s."""
    first: float | None
    """Seconds from the step to the end of the first frame beyond half way; None: there is none."""
    lasting: float | None
    """The same of the first frame from which on it stays beyond for half a second."""


def answer(trace: np.ndarray, step: int) -> Step:
    """How a trace (T,) answers a step at the start of frame `step`.

    Raises:
        ValueError: there are not 3 s before the step and after it.
    """
    if min(step, len(trace) - step) < SETTLED:
        raise ValueError(f"a step at frame {step} of {len(trace)} leaves less than {SETTLED} on a side")
    before, after = trace[step - SETTLED : step].mean(), trace[-SETTLED:].mean()
    rising, middle = after > before, (before + after) / 2
    beyond = trace[step:] >= middle if rising else trace[step:] <= middle
    kept = np.asarray(np.lib.stride_tricks.sliding_window_view(beyond, STAYS).all(axis=1))
    return Step(float(after - before), _delay(beyond), _delay(kept))


def _delay(there: np.ndarray) -> float | None:
    """Seconds to the end of the first frame that is there: before it ends, nobody can know."""
    return (int(np.argmax(there)) + 1) / FRAME_RATE if there.any() else None


@dataclass(frozen=True)
class Spread:
    """How widely traces spread beside their gold standard; each (2,)."""

    saturated: np.ndarray
    """Share of frames beyond ±.9."""
    deviation: np.ndarray
    """Standard deviation over all frames, and the gold's."""
    gold_deviation: np.ndarray
    mean: np.ndarray
    """Over all frames, and the gold's."""
    gold_mean: np.ndarray


def spread(pairs: Sequence[Pair]) -> Spread:
    """How widely traces spread over the frames that have a gold standard.

    Args:
        pairs: of each recording its trace (T, 2), and its gold, (T, 2) or (2,) for all of it; NaN = none.
    """
    traces = np.concatenate([trace for trace, _ in pairs]).astype(np.float64)
    golds = np.concatenate([np.broadcast_to(gold, trace.shape) for trace, gold in pairs]).astype(np.float64)
    known = np.isfinite(golds).all(axis=1)
    traces, golds = traces[known], golds[known]
    saturated = (np.abs(traces) > SATURATED).mean(0)
    return Spread(saturated, traces.std(0), golds.std(0), traces.mean(0), golds.mean(0))
