"""The CCC that a perfect reader of the synthetic corpus reaches: what no network can be expected to pass.

Both readers here are handed the cues themselves, as they were put into words, voice and face, instead of
text, sound and pictures; both know the annotation delay and the whole recording.

- `perfect` also knows how the corpus was made: it finds the conditional mean of the latent process, which is
  linear in the cues, as all is Gaussian but for a bend. Nothing is fitted but how widely guesses spread.
- `fitted` knows nothing: ridge regression on means of the cues over windows around each frame, learned from
  the recordings of train. It tells what train's few people allow to be learned.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from affekt.corpora.gold.delay import earlier
from affekt.corpora.synthetic.annotators import delay
from affekt.corpora.synthetic.conversation import Cues, cues, hold, ratings
from affekt.corpora.synthetic.latent import COUPLING, SNR, bent, likeness, straightened
from affekt.corpora.synthetic.plan import Parameters, plan
from affekt.scoring import ccc
from affekt.timeline import DIMENSIONS, FRAME_RATE, MODALITIES

Array = np.ndarray
Scores = dict[str, dict[str, dict[str, float]]]
"""Reader → partition ("devel", "test") → dimension → CCC over the partition's concatenated frames."""
READERS: dict[str, tuple[str, ...]] = {
    **{one: (one,) for one in MODALITIES},
    "text+audio": ("text", "audio"),
    "text+visual": ("text", "visual"),
    "audio+visual": ("audio", "visual"),
    "all": MODALITIES,
}
STEP = 5
"""`perfect` looks at every fifth frame: cues change slowly."""
GRAIN = 0.03
"""Variance of what a cue does between two such frames, and of the choice of words, as a share of its own."""
WINDOWS = (0.5, 2.0, 5.0, 12.0, 40.0)
"""Widths in seconds, centred on the frame, over which `fitted` averages a cue where it is present."""
TRUST = 1.0
"""Seconds of presence at which such a mean counts half."""
RIDGE = 300.0
"""Added to the sum of squares of each standardised input."""


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """A recording: what it shows, and where its gold lies once the delay is taken out."""

    partition: str
    own: Cues
    partner: Cues
    """Of the partner only the voice is heard in it."""
    gold: Array
    """(T, 2), NaN in the last frames, whose gold would come after the recording's end."""


def shown(parameters: Parameters) -> Iterator[Shown]:
    """Every recording of a corpus."""
    late = [delay(one) for one in DIMENSIONS]
    for pair in plan(parameters):
        talk = hold(parameters, pair)
        both = [cues(talk, side) for side in (0, 1)]
        for side in (0, 1):
            gold = ratings(parameters, talk, side).gold
            yield Shown(pair.partition, both[side], both[1 - side], earlier(gold[:, : len(late)], late))


def perfect(recordings: Sequence[Shown]) -> Scores:
    """What can be reached by whoever knows the corpus' making. A minute for a corpus of SEWA's size."""
    return {
        name: _scores(recordings, [_conditional_mean(one, modalities) for one in recordings])
        for name, modalities in READERS.items()
    }


def fitted(recordings: Sequence[Shown]) -> Scores:
    """What a linear reader reaches who has to learn from train. Seconds."""
    train = [k for k, one in enumerate(recordings) if one.partition == "train"]
    gold = np.concatenate([recordings[k].gold for k in train])
    found = {}
    for name, modalities in READERS.items():
        inputs = [np.hstack([_averages(one, modality) for modality in modalities]) for one in recordings]
        known = np.concatenate([inputs[k] for k in train])
        weights = [_ridge(known, gold[:, d]) for d in range(len(DIMENSIONS))]
        found[name] = _scores(recordings, [x @ np.stack(weights, axis=1) for x in inputs])
    return found


def _scores(recordings: Sequence[Shown], guesses: Sequence[Array]) -> dict[str, dict[str, float]]:
    """CCC of guesses, (T, 2) each, brought to the mean and spread that gold and guesses have on train.

    Least squares draws its guesses together; the CCC wants them as widely spread as the gold.
    """
    scores: dict[str, dict[str, float]] = {}
    together = {
        part: [
            np.concatenate([values[k] for k in members]) for values in (guesses, [r.gold for r in recordings])
        ]
        for part in ("train", "devel", "test")
        if (members := [k for k, one in enumerate(recordings) if one.partition == part])
    }
    for d, dimension in enumerate(DIMENSIONS):
        pairs = {}
        for part, (guess, gold) in together.items():
            known = ~np.isnan(gold[:, d])
            pairs[part] = guess[known, d], gold[known, d]
        x, y = pairs.pop("train")
        for part, (guess, truth) in pairs.items():
            spread = (guess - x.mean()) * (y.std() / x.std()) + y.mean()
            scores.setdefault(part, {})[dimension] = float(ccc(spread, truth))
    return scores


def _conditional_mean(one: Shown, modalities: tuple[str, ...]) -> Array:
    """(T, 2): the latent processes as expected from all that is shown."""
    frames = len(one.gold)
    coarse = np.arange(0, frames, STEP)
    parts = [(one.own, modality, 1.0) for modality in modalities]
    parts += [(one.partner, "audio", COUPLING)] if "audio" in modalities else []
    places = [coarse[cue.present[modality][coarse]] for cue, modality, _ in parts]
    frame, part = np.concatenate(places), np.repeat(np.arange(len(parts)), [len(one) for one in places])
    who = np.array([weight for *_, weight in parts])[part]
    alike = likeness((frame[:, None] - frame) / FRAME_RATE)
    # The same person's two latents are one; two partners' are as alike as the coupling makes them.
    shared = alike * np.where(who[:, None] == who, 1.0, COUPLING)
    towards = likeness((coarse[:, None] - frame) / FRAME_RATE) * who
    columns = []
    for d, dimension in enumerate(DIMENSIONS):
        ratio = np.array([SNR[modality][dimension] for _, modality, _ in parts])
        seen = [
            straightened(cue.values[modality][place, d]) * np.sqrt(1 + 1 / r)
            for (cue, modality, _), place, r in zip(parts, places, ratio, strict=True)
        ]
        noise = 1 / ratio[part]
        spread = shared + alike * noise * (part[:, None] == part)
        spread[np.diag_indices(len(frame))] += GRAIN * (1 + noise)
        expected = towards @ np.linalg.solve(spread, np.concatenate(seen))
        columns.append(bent(np.interp(np.arange(frames), coarse, expected)))
    return np.stack(columns, axis=1)


def _ridge(inputs: Array, gold: Array) -> Array:
    """(I,) weights for inputs as they are; the constant does not matter to `_scores`."""
    known = ~np.isnan(gold)
    scale = inputs[known].std(0) + 1e-9
    x, y = (inputs[known] - inputs[known].mean(0)) / scale, gold[known] - gold[known].mean()
    weights: Array = np.linalg.solve(x.T @ x + RIDGE * np.eye(x.shape[1]), x.T @ y) / scale
    return weights


def _averages(one: Shown, modality: str) -> Array:
    """(T, I): means of cues in windows, drawn to 0 by short presence, and presence; of both voices."""
    columns = []
    for cue in (one.own, one.partner)[: 2 if modality == "audio" else 1]:
        values, present = cue.values[modality], cue.present[modality].astype(np.float64)
        for seconds in WINDOWS:
            held = _moving_sum(present[:, None], seconds)
            columns.append(_moving_sum(values, seconds) / (held + TRUST * FRAME_RATE))
            columns.append(held / (seconds * FRAME_RATE))
    return np.hstack(columns)


def _moving_sum(values: Array, seconds: float) -> Array:
    """(T, C): sums over the frames at most half of `seconds` away."""
    reach, frames = round(seconds * FRAME_RATE / 2), len(values)
    total = np.vstack([np.zeros(values.shape[1]), np.cumsum(values, axis=0)])
    at = np.arange(frames)
    return total[np.minimum(at + reach + 1, frames)] - total[np.maximum(at - reach, 0)]
