"""Raters who watch the synthetic people, each late and wrong in their own way, and what they agree on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from affekt.corpora.synthetic.latent import smooth_noise
from affekt.timeline import DIMENSIONS, FRAME_RATE

DELAYS: dict[str, tuple[float, ...]] = {
    "arousal": (1.2, 1.6, 1.9, 2.1, 2.4, 2.8),
    "valence": (1.9, 2.4, 2.6, 3.0, 3.3, 3.6),
}
"""Seconds by which each rater is late; their means, 2.0 and 2.8 s, are the delays of the gold standard."""
NOISE = 0.24
"""Standard deviation of a rater's own error, on the scale of −1 to 1."""
ERROR_SECONDS = 3.0
"""Width of the bell that smooths it."""
WAKING = 1.0
"""Seconds in which a rater's pointer leaves zero, where every trace starts."""


@dataclass(frozen=True, slots=True, eq=False)
class Ratings:
    """What the raters noted of one recording."""

    traces: dict[str, np.ndarray]
    """Dimension → (T, R) float64 in [−1, 1], one column a rater."""
    gold: np.ndarray
    """(T, 3): arousal, valence (the raters' mean) and liking."""


def delay(dimension: str) -> float:
    """Seconds by which the gold standard of a dimension is late."""
    return round(float(np.mean(DELAYS[dimension])), 3)


def rate(latent: np.ndarray, rng: np.random.Generator) -> Ratings:
    """Let the raters watch a person whose arousal and valence are `latent`, (T, 2).

    Liking, which AVEC 2017 has as well, is half valence and half a process that nothing shows.
    """
    traces = {name: _traces(latent[:, column], DELAYS[name], rng) for column, name in enumerate(DIMENSIONS)}
    gold = np.stack([traces[name].mean(axis=1) for name in DIMENSIONS], axis=1)
    other = np.tanh(0.5 * smooth_noise(rng, len(latent), 10.0))
    return Ratings(traces, np.column_stack([gold, 0.5 * gold[:, 1] + 0.5 * other]))


def _traces(latent: np.ndarray, delays: tuple[float, ...], rng: np.random.Generator) -> np.ndarray:
    columns = []
    for seconds in delays:
        frames = round(seconds * FRAME_RATE)
        late = np.concatenate([np.full(frames, latent[0]), latent])[: len(latent)]
        gain, bias = rng.uniform(0.8, 1.1), rng.normal(0, 0.05)
        trace = gain * late + bias + NOISE * smooth_noise(rng, len(latent), ERROR_SECONDS)
        since = (np.arange(len(latent)) - frames) / (WAKING * FRAME_RATE)
        columns.append(np.clip(trace * np.clip(since, 0, 1), -1, 1))
    return np.stack(columns, axis=1)
