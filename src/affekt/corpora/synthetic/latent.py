"""What the people of the synthetic corpus feel, and how much of it each modality shows.

A person's arousal and valence are smooth random processes. What the voice, the words and the face follow is
not that but a *cue*: the latent process plus noise of the same smoothness, with a signal-to-noise ratio for
each modality and dimension. Smoothing a cue therefore does not clean it: the other modalities do.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from affekt.corpora.synthetic.plan import Pair, Parameters
from affekt.timeline import FRAME_RATE, MODALITIES

SNR: dict[str, dict[str, float]] = {
    "text": {"arousal": 0.12, "valence": 1.80},
    "audio": {"arousal": 1.70, "valence": 0.25},
    "visual": {"arousal": 1.00, "valence": 1.10},
}
"""Variance of the latent process over that of the noise that is added to it."""
PARTS = ((None, 0.15), (7.0, 0.50), (2.0, 0.35))
"""What a process is the sum of: the width in seconds of the bell that smooths it (None: a person's constant),
and its share of the variance."""
COUPLING = 0.3
"""Correlation of the two partners' latent processes."""
SPREAD = 0.55
"""Of a process of unit variance, before it is bent into (−1, 1)."""


@dataclass(frozen=True, slots=True, eq=False)
class Mind:
    """One person over a recording."""

    latent: np.ndarray
    """(T, 2) float64 in (−1, 1): arousal and valence, ten times a second."""
    cues: dict[str, np.ndarray]
    """Modality → (T, 2) float64 in (−1, 1): what the voice, the words, the face are to express."""


def smooth_noise(rng: np.random.Generator, frames: int, seconds: float) -> np.ndarray:
    """(frames,) noise of unit variance at 10 Hz: white noise under a bell of standard deviation `seconds`."""
    sigma = seconds * FRAME_RATE
    reach = round(4 * sigma)
    bell = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    length = 1 << (frames + 4 * reach + 1).bit_length()
    white = np.fft.rfft(rng.standard_normal(frames + 2 * reach), length)
    smoothed = np.fft.irfft(white * np.fft.rfft(bell, length), length)
    return smoothed[2 * reach : 2 * reach + frames] / np.sqrt(np.sum(bell**2))


def process(rng: np.random.Generator, frames: int) -> np.ndarray:
    """(frames,) of unit variance over people and time."""
    total = np.zeros(frames)
    for seconds, share in PARTS:
        part = rng.standard_normal() if seconds is None else smooth_noise(rng, frames, seconds)
        total += np.sqrt(share) * part
    return total


def likeness(seconds: np.ndarray) -> np.ndarray:
    """Correlation of a process with itself so many seconds later."""
    total = np.zeros_like(seconds)
    for wide, share in PARTS:
        total += share if wide is None else share * np.exp(-((seconds / (2 * wide)) ** 2))
    return total


def bent(values: np.ndarray) -> np.ndarray:
    """A process of unit variance as values in (−1, 1)."""
    return np.tanh(SPREAD * values)


def straightened(values: np.ndarray) -> np.ndarray:
    """What was bent, (−1, 1), as a process of unit variance again; ±1 counts as ±.97."""
    return np.arctanh(np.clip(values, -0.97, 0.97)) / SPREAD


def minds(parameters: Parameters, pair: Pair) -> tuple[Mind, Mind]:
    """What the two people of a pair feel and show."""
    frames = parameters.frames
    rng = parameters.stream(pair.number, "latent")
    latents = np.stack([[process(rng, frames) for _ in range(2)] for _ in range(3)]).transpose(0, 2, 1)
    shared, own = latents[0], latents[1:]
    latents = np.sqrt(COUPLING) * shared + np.sqrt(1 - COUPLING) * own
    found = []
    for side in (0, 1):
        rng = parameters.stream(pair.number, f"cues {side}")
        cues = {}
        for modality in MODALITIES:
            ratio = np.array(list(SNR[modality].values()))
            noise = np.stack([process(rng, frames) for _ in range(2)], axis=1)
            cues[modality] = bent((latents[side] + noise / np.sqrt(ratio)) / np.sqrt(1 + 1 / ratio))
        found.append(Mind(bent(latents[side]), cues))
    return found[0], found[1]
