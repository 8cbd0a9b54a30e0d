"""How late the annotators were: gold moves earlier for training, predictions move back after.

A rater sees first and moves the joystick then, so a trace lags behind what it is about by seconds (Mariooryad
and Busso 2015). Nothing else in affekt moves gold or predictions in time. It is not the text delay of
readings 1.9, which moves the words later and leaves the gold where it is.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from affekt.errors import CorpusError
from affekt.scoring import ccc
from affekt.timeline import Gold, frame_of

LONGEST = 30.0
"""Seconds; a longer delay is a typing error or a trace of another recording."""
NEAR = 0.01
"""Delays whose CCC is within this of the best one's are as good as it."""
FLAT = 2.0
"""Seconds; where the delays that are as good as the best span more, the data do not tell the delay."""
TOLD = 0.15
"""Where the best CCC is below this, the peak is as likely one of noise."""
FEW_RECORDINGS, FEW_FRAMES = 6, 6_000
"""Of less than this, ten minutes, an estimate is a second off as easily as not (docs/gold.md)."""


@dataclass(frozen=True, slots=True)
class Delays:
    """What is moved in time before training: gold by each dimension's annotation delay, text by its own."""

    annotation: Mapping[str, float] = field(default_factory=dict)
    """Dimension → seconds by which its annotators lag, 0 to 30; rounded to frames. Not named is 0."""
    text: int = 0
    """Frames by which all text moves later (readings 1.9); 0 to 300."""
    both: bool = False
    """The yes that both at once ask for: either alone makes up for the lag, on text the two add up."""

    def __post_init__(self) -> None:
        for dimension, seconds in self.annotation.items():
            if not 0 <= seconds <= LONGEST:
                raise CorpusError(
                    f"annotation delay of {dimension}: {seconds:g} s is not between 0 and {LONGEST:g} s"
                )
        if not 0 <= self.text <= frame_of(LONGEST):
            raise CorpusError(f"text delay: {self.text} frames is not between 0 and {frame_of(LONGEST)}")
        late = [f"{name} {value:g} s" for name, value in self.annotation.items() if frame_of(value)]
        if self.text and late and not self.both:
            raise CorpusError(
                f"an annotation delay ({', '.join(late)}) and a text delay ({self.text} frames) at once "
                "make up twice for the annotators' lag on words; leave one out, or say that both are meant"
            )

    def of(self, dimensions: Sequence[str]) -> tuple[float, ...]:
        """Seconds for each of a gold standard's columns."""
        return tuple(float(self.annotation.get(name, 0.0)) for name in dimensions)

    def for_training(self, gold: Gold) -> Gold:
        """The gold that a network learns from; one label for a whole recording stays where it is."""
        if gold.whole:
            return gold
        return replace(gold, values=earlier(gold.values, self.of(gold.dimensions)))


def earlier(values: np.ndarray, seconds: Sequence[float]) -> np.ndarray:
    """Move gold earlier by each column's delay, in whole frames (half up); the tail has no label.

    The baselines of AVEC 2018 and 2019 fill the tail with zeros, which then count as labels; here it is
    masked.

    Args:
        values: (T, D).
        seconds: D delays, none negative.

    Returns:
        (T, D) of the same type, NaN in each column's last frames.

    >>> earlier(np.array([[1.0], [2.0], [3.0]]), [0.1]).ravel().tolist()
    [2.0, 3.0, nan]
    """
    moved = np.full_like(values, np.nan)
    for column, frames in _columns(values, seconds):
        moved[: len(values) - frames, column] = values[frames:, column]
    return moved


def later(values: np.ndarray, seconds: Sequence[float]) -> np.ndarray:
    """Move predictions back, to where the annotators would have said so; the head holds the first value.

    What a network says that learnt from gold moved earlier is compared with unmoved gold only after this.
    The baselines of AVEC 2018 and 2019 fill the head with zeros, which is a prediction nobody made.

    Args:
        values: (T, D).
        seconds: D delays, none negative.

    Returns:
        (T, D) of the same type.

    >>> later(np.array([[1.0], [2.0], [3.0]]), [0.1]).ravel().tolist()
    [1.0, 1.0, 2.0]
    """
    moved = values.copy()
    for column, frames in _columns(values, seconds):
        moved[frames:, column] = values[: len(values) - frames, column]
        moved[:frames, column] = values[:1, column]
    return moved


def _columns(values: np.ndarray, seconds: Sequence[float]) -> list[tuple[int, int]]:
    """(column, frames), a delay beyond the end being one of the whole length."""
    if values.ndim != 2 or values.shape[1] != len(seconds):
        raise ValueError(f"values of shape {values.shape} and {len(seconds)} delays")
    if min(seconds, default=0.0) < 0:
        raise ValueError(f"a delay of {min(seconds):g} s is negative")
    return [(column, min(frame_of(one), len(values))) for column, one in enumerate(seconds)]


def parse(text: str) -> dict[str, float]:
    """Read "arousal=2.3,valence=0.8"; a lone number is meant for both dimensions.

    Raises:
        CorpusError: it says something else.

    >>> parse("arousal=2.3, valence=0.8"), parse("2")
    ({'arousal': 2.3, 'valence': 0.8}, {'arousal': 2.0, 'valence': 2.0})
    """
    delays: dict[str, float] = {}
    for part in text.split(",") if "=" in text else (f"arousal={text}", f"valence={text}"):
        name, _, number = part.partition("=")
        try:
            value = float(number)
        except ValueError:
            value = math.nan
        if not name.strip() or math.isnan(value) or name.strip() in delays:
            raise CorpusError(f"{text!r} is no annotation delay; write arousal=2.3,valence=0.8 (seconds)")
        delays[name.strip()] = value
    return delays


def check_named(text: str, dimensions: Collection[str]) -> None:
    """See that each delay that a text names is of a dimension of the data; a lone number names none.

    Raises:
        CorpusError: one is not, as where its name is misspelt.
    """
    for name in parse(text) if "=" in text else ():
        if name not in dimensions:
            there = f"there are {', '.join(dimensions)}" if dimensions else "nothing is labelled"
            raise CorpusError(f"annotation delay of {name}: there is no such dimension; {there}")


def spell(delays: Mapping[str, float]) -> str:
    """What `parse` reads back.

    >>> spell({"arousal": 2.3, "valence": 0.0})
    'arousal=2.3,valence=0'
    """
    return ",".join(f"{name}={seconds:g}" for name, seconds in delays.items())


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """The delay of one dimension and how it was found."""

    dimension: str
    candidates: np.ndarray
    """(K,) float64 seconds, increasing."""
    curve: np.ndarray
    """(K,) float64: the CCC with the gold if the annotators lagged by that much."""
    n_frames: int
    """Labelled frames that were compared, the same for each candidate."""
    n_recordings: int
    """That they are of."""

    @property
    def delay(self) -> float:
        """Seconds; the shortest of several that are best."""
        return float(self.candidates[np.argmax(self.curve)])

    @property
    def ccc(self) -> float:
        """Of the best delay."""
        return float(self.curve.max())

    @property
    def near(self) -> tuple[float, float]:
        """Seconds: the shortest and the longest delay that are as good as the best, within 0.01.

        No confidence interval: other recordings may well have theirs outside.
        """
        good = self.candidates[self.curve >= self.ccc - NEAR]
        return float(good[0]), float(good[-1])

    @property
    def remarks(self) -> tuple[str, ...]:
        """Why not to take it; none: it may be taken."""
        said, (low, high) = [], self.near
        if self.ccc < TOLD:
            said.append(f"the best CCC, {self.ccc + 0.0:.3f}, is below {TOLD:g}, as noise may have it")
        if len(self.candidates) > 1 and self.delay in self.candidates[[0, -1]]:
            end = "shortest" if self.delay == self.candidates[0] else "longest"
            said.append(f"the best is the {end} that was tried")
        if high - low > FLAT:
            said.append(f"flat: anything from {low:g} to {high:g} s is as good (within {NEAR:g})")
        return tuple(said)

    @property
    def few(self) -> str:
        """What to say where little was compared, however clear the curve looks; "" where there was enough."""
        if self.n_recordings >= FEW_RECORDINGS and self.n_frames >= FEW_FRAMES:
            return ""
        recordings = f"{self.n_recordings} recording{'s' if self.n_recordings > 1 else ''}"
        return (
            f"only {self.n_frames:,} frames of {recordings} were compared; on less than "
            f"{FEW_FRAMES:,} frames, or {FEW_RECORDINGS} recordings, a delay may be off by a second"
        )


def grid(longest: float = 8.0, step: float = 0.1) -> np.ndarray:
    """Delays to try in seconds, from 0 on: (K,) float64, whole frames."""
    if not 0 < longest <= LONGEST or not 0 < step <= longest:
        raise CorpusError(
            f"delays up to {longest:g} s in steps of {step:g} s: give 0 < step ≤ longest ≤ 30 s"
        )
    count = math.floor(longest / step + 1e-9) + 1
    frames = {frame_of(step * number) for number in range(count)}
    return np.array(sorted(frames), np.float64) / 10


def search(
    predictions: Sequence[np.ndarray],
    gold: Sequence[np.ndarray],
    candidates: np.ndarray,
    dimensions: Sequence[str],
) -> tuple[Found, ...]:
    """How much later than the predictions the gold is: the CCC over all recordings' frames at each delay.

    Every candidate is judged on the same gold frames: those that the longest one leaves in each recording.

    Args:
        predictions: a partition's recordings, (T, D) each, as a model gives them before they are moved back.
        gold: their gold, unmoved, (T', D) each, NaN = no label; the longer of the two is cropped.
        candidates: (K,) seconds, increasing, from 0 on.
        dimensions: names of the D columns.

    Raises:
        CorpusError: no recording is longer than the longest candidate, or none has labels.
    """
    frames = [frame_of(one) for one in candidates]
    pairs = [
        (np.asarray(x[:n], np.float64), np.asarray(y[:n], np.float64))
        for x, y in zip(predictions, gold, strict=True)
        if (n := min(len(x), len(y))) > frames[-1]
    ]
    if not pairs:
        raise CorpusError(f"no recording is longer than {candidates[-1]:g} s; search up to a shorter delay")
    target = np.concatenate([y[frames[-1] :] for _, y in pairs])
    moved = [np.concatenate([x[frames[-1] - k : len(x) - k] for x, _ in pairs]) for k in frames]
    # A frame that one candidate cannot be judged on is left out for all of them.
    usable = np.isfinite(target) & np.all([np.isfinite(one) for one in moved], axis=0)
    found = []
    for column, name in enumerate(dimensions):
        kept = usable[:, column]
        if not kept.any():
            raise CorpusError(f"no recording has a label of {name} after its first {candidates[-1]:g} s")
        curve = [float(ccc(one[kept, column], target[kept, column])) for one in moved]
        seconds = np.asarray(candidates, np.float64)
        found.append(Found(name, seconds, np.array(curve), int(kept.sum()), len(pairs)))
    return tuple(found)
