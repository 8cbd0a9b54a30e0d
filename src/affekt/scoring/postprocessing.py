"""Post-processing of traces as in AVEC: median filter, centring, scaling, shift, each only if it helps.

Trigeorgis et al. (2016) and Tzirakis et al. (2017) describe the chain: the steps are tried in this order on
devel, one is kept where devel's CCC becomes better with it, and what was kept is applied to test. The paper
itself (2021) has no such chain. How they scale is not said; here it is about the mean of the predictions, so
that scaling does not undo centring (ours).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from affekt.scoring.concordance import ccc
from affekt.timeline import FRAME_RATE, frame_of
from affekt.timeline.gold import DIMENSIONS

_SECONDS = (0.4, 0.8, 1.2, 1.6, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20)
WINDOWS = tuple(2 * (frame_of(one) // 2) + 1 for one in _SECONDS)
"""Frames of the median windows that are tried: odd, as a window lies around its frame."""
LONGEST = 10 * FRAME_RATE
"""Frames of the longest shift; every one from 1 on is tried."""
_GAIN = 1e-6
"""A step that gains less than this has gained rounding errors."""
_CELLS = 4_000_000
"""Cells that a filter sorts at a time, 32 MB."""

Filtered = Mapping[int, Sequence[np.ndarray]]
"""Median window → each recording's predictions (T, D); 1 → as they are."""


@dataclass(frozen=True, slots=True)
class Steps:
    """What is done to one dimension; the defaults do nothing."""

    median: int = 1
    """Frames of the window, odd."""
    bias: float = 0.0
    """What is added, in the labels' unit."""
    scale: float = 1.0
    """What distances from `around` are multiplied by."""
    around: float = 0.0
    shift: int = 0
    """Frames by which predictions move later, as raters lag behind."""

    def __post_init__(self) -> None:
        if self.median < 1 or self.median % 2 == 0 or self.shift < 0 or self.scale <= 0:
            raise ValueError(f"{self}: the window is odd, the scale above 0, the shift not below")
        if not np.isfinite([self.bias, self.scale, self.around]).all():
            raise ValueError(f"{self}: all are finite")

    @property
    def kept(self) -> tuple[str, ...]:
        """The steps that do something: of median, centring, scaling, shift."""
        does = (self.median > 1, self.bias != 0, self.scale != 1, self.shift > 0)
        names = ("median", "centring", "scaling", "shift")
        return tuple(name for name, there in zip(names, does, strict=True) if there)

    def after_median(self, values: np.ndarray) -> np.ndarray:
        """Values (T,), filtered already, with all other steps done."""
        centred = values + self.bias
        return _later(self.around + self.scale * (centred - self.around), self.shift)


@dataclass(frozen=True, slots=True)
class Chain:
    """The steps of each dimension; plain values, which go to JSON and back."""

    steps: tuple[Steps, ...]
    dimensions: tuple[str, ...] = DIMENSIONS

    def apply(self, values: np.ndarray) -> np.ndarray:
        """Post-process a recording's predictions (T, D), at 10 Hz, into (T, D) float64.

        A frame without a value (NaN) stays without one. Values are not cut to [−1, 1].

        Raises:
            ValueError: there are not as many columns as dimensions.
        """
        values = np.asarray(values, np.float64)
        if values.ndim != 2 or values.shape[1] != len(self.steps):
            raise ValueError(f"values of shape {values.shape} for {', '.join(self.dimensions)}")
        columns = [
            one.after_median(median_filter(column, one.median))
            for one, column in zip(self.steps, values.T, strict=True)
        ]
        return np.stack(columns, axis=1)

    def to_dict(self) -> dict[str, dict[str, float]]:
        """Dimension → its steps; `median` and `shift` in frames of 0.1 s."""
        return {name: asdict(one) for name, one in zip(self.dimensions, self.steps, strict=True)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Mapping[str, Any]]) -> Chain:
        """What `to_dict` gave.

        Raises:
            ValueError: it is something else.
        """
        try:
            steps = [
                Steps(
                    median=int(one["median"]),
                    bias=float(one["bias"]),
                    scale=float(one["scale"]),
                    around=float(one["around"]),
                    shift=int(one["shift"]),
                )
                for one in data.values()
            ]
        except (AttributeError, KeyError, TypeError) as error:
            raise ValueError(f"no post-processing chain: {error!r}") from error
        return cls(tuple(steps), tuple(data))


def fit_chain(
    predictions: Sequence[np.ndarray], gold: Sequence[np.ndarray], dimensions: Sequence[str] = DIMENSIONS
) -> Chain:
    """Choose the chain on recordings that are not those to be scored.

    Each step is tried after those kept before it. It is kept where the CCC over all frames laid end to end
    becomes better with it, so the chain never makes these recordings' CCC worse.

    Args:
        predictions: of each recording, (T, D) at 10 Hz, NaN where there is none.
        gold: (T, D) likewise, NaN = no label.
        dimensions: names of the D columns.

    Raises:
        ValueError: there is no recording, or one's predictions and gold differ in shape.
    """
    if not predictions or [one.shape for one in predictions] != [one.shape for one in gold]:
        raise ValueError("predictions and gold should be of the same recordings and frames, one at least")
    return _fit(_filtered(predictions), gold, range(len(gold)), dimensions)


def left_out(
    predictions: Sequence[np.ndarray],
    gold: Sequence[np.ndarray],
    clusters: Sequence[str],
    dimensions: Sequence[str] = DIMENSIONS,
) -> list[np.ndarray]:
    """Post-process each recording by the chain of the recordings of all other clusters.

    What the chain is worth on people it was not chosen on, where there are no others (leave one out).

    Args:
        predictions, gold, dimensions: as `fit_chain`.
        clusters: of each recording what is left out together, such as its dyad; two different ones at least.

    Raises:
        ValueError: all are of one cluster.
    """
    if len(set(clusters)) < 2:
        raise ValueError("of one cluster, nothing is left to choose a chain on")
    filtered = _filtered(predictions)
    result = [np.empty(0)] * len(predictions)
    for name in sorted(set(clusters)):
        others = [place for place, cluster in enumerate(clusters) if cluster != name]
        chain = _fit(filtered, gold, others, dimensions)
        for place, cluster in enumerate(clusters):
            if cluster == name:
                result[place] = chain.apply(predictions[place])
    return result


def median_filter(values: np.ndarray, window: int) -> np.ndarray:
    """Each value (T,) becomes the median of those within `window` frames (odd) around it.

    At the ends and around gaps (NaN), of those that there are; a gap stays one.

    >>> median_filter(np.array([0.0, 9.0, 2.0, np.nan, 4.0]), 3).tolist()
    [4.5, 2.0, 5.5, nan, 4.0]
    """
    if window <= 1 or len(values) == 0:
        return values.copy()
    edge = np.full(window // 2, np.nan)
    views = np.lib.stride_tricks.sliding_window_view(np.concatenate([edge, values, edge]), window)
    height = max(1, _CELLS // window)
    blocks = [_medians(views[start : start + height]) for start in range(0, len(values), height)]
    return np.where(np.isnan(values), np.nan, np.concatenate(blocks))


def _medians(rows: np.ndarray) -> np.ndarray:
    """Of each row (N, W) the median of what is not NaN."""
    ordered = np.sort(rows, axis=1)  # NaN last
    count = np.count_nonzero(~np.isnan(rows), axis=1)
    lower, upper = np.maximum(count - 1, 0) // 2, count // 2
    # A row full of NaN has no middle; its first value is as NaN as all others.
    upper = np.minimum(upper, np.maximum(count - 1, 0))
    place = np.arange(len(rows))
    return np.asarray((ordered[place, lower] + ordered[place, upper]) / 2)


def _later(values: np.ndarray, frames: int) -> np.ndarray:
    """(T,) moved later; the head holds the first value, and gaps stay where they are."""
    gaps = np.isnan(values)
    if frames == 0 or gaps.all():
        return values
    # A gap is given the value before it, lest it take a value from the frame that it would move to.
    held = np.where(gaps, -1, np.arange(len(values)))
    source = np.maximum(np.maximum.accumulate(held), np.argmin(gaps))
    moved = values[source][np.maximum(np.arange(len(values)) - frames, 0)]
    return np.where(gaps, np.nan, moved)


def _filtered(predictions: Sequence[np.ndarray]) -> Filtered:
    arrays = [np.asarray(one, np.float64) for one in predictions]
    return {
        window: [np.stack([median_filter(column, window) for column in one.T], axis=1) for one in arrays]
        for window in (1, *WINDOWS)
    }


def _fit(
    filtered: Filtered, gold: Sequence[np.ndarray], kept: Sequence[int], dimensions: Sequence[str]
) -> Chain:
    """The chain of the recordings whose places are `kept`."""
    steps = []
    for column in range(len(dimensions)):
        target = np.concatenate([gold[place][:, column] for place in kept]).astype(np.float64)
        traces = {window: [every[place][:, column] for place in kept] for window, every in filtered.items()}
        steps.append(_fit_column(traces, target))
    return Chain(tuple(steps), tuple(dimensions))


def _fit_column(traces: Filtered, target: np.ndarray) -> Steps:
    """The steps of one dimension: of each recording (T,), and of the gold all (ΣT,)."""
    known = ~np.isnan(target) & ~np.isnan(np.concatenate(traces[1]))
    gold = target[known]

    def after(steps: Steps) -> np.ndarray:
        return np.concatenate([steps.after_median(one) for one in traces[steps.median]])[known]

    best = Steps()
    score = float(ccc(after(best), gold))
    for candidates in (_medians_of, _centrings, _scalings, _shifts):
        tried = list(candidates(best, after(best), gold))
        scores = [float(ccc(after(one), gold)) for one in tried]
        if scores and max(scores) > score + _GAIN:
            best, score = tried[int(np.argmax(scores))], max(scores)
    return best


def _medians_of(_steps: Steps, _values: np.ndarray, _gold: np.ndarray) -> Iterator[Steps]:
    yield from (Steps(median=window) for window in WINDOWS)


def _centrings(steps: Steps, values: np.ndarray, gold: np.ndarray) -> Iterator[Steps]:
    if len(gold):
        yield Steps(steps.median, bias=float(gold.mean() - values.mean()))


def _scalings(steps: Steps, values: np.ndarray, gold: np.ndarray) -> Iterator[Steps]:
    """By the ratio of standard deviations; none where either has no spread."""
    if len(gold) and np.ptp(values) > 0 and np.ptp(gold) > 0:
        yield Steps(steps.median, steps.bias, float(gold.std() / values.std()), float(values.mean()))


def _shifts(steps: Steps, _values: np.ndarray, _gold: np.ndarray) -> Iterator[Steps]:
    for frames in range(1, LONGEST + 1):
        yield Steps(steps.median, steps.bias, steps.scale, steps.around, frames)
