"""What happens to sound on its way to a user: louder, a fan, noise, a room. All mono, full scale ±1."""

from __future__ import annotations

import numpy as np

HUM = (100.0, 200.0, 300.0)
"""Hz: a fan's motor and blades."""
T60 = 0.4
"""Seconds in which the room's sound falls by 60 dB."""
DIRECT = 3.0
"""dB by which the direct sound is above the room's."""
QUIET = 35.0
"""dB below an utterance's loudest 10 ms at which it has not begun, or is over."""


def louder(samples: np.ndarray, decibels: float) -> np.ndarray:
    """(N,) louder, or softer, beyond full scale if need be: no sample is clipped."""
    return (samples * 10.0 ** (decibels / 20.0)).astype(np.float32)


def power(samples: np.ndarray) -> float:
    """Mean square."""
    return float(np.mean(np.square(samples, dtype=np.float64))) if len(samples) else 0.0


def noisy(samples: np.ndarray, noise: np.ndarray, ratio: float) -> np.ndarray:
    """Samples with noise (N,) added; the mean power of all of them is `ratio` dB above the noise's."""
    scale = np.sqrt(power(samples) / 10.0 ** (ratio / 10.0) / max(power(noise), 1e-30))
    return (samples + scale * noise).astype(np.float32)


def white(count: int, seed: int) -> np.ndarray:
    """White noise, (count,)."""
    return np.random.default_rng(seed).standard_normal(count)


def fan(count: int, rate: int, seed: int) -> np.ndarray:
    """A fan: air, brown above 60 Hz and gone above 2 kHz, and a hum with a third of the power, (count,)."""
    frequencies = np.fft.rfftfreq(count, 1 / rate)
    shape = 1 / np.maximum(frequencies, 60.0) / (1 + (frequencies / 2_000.0) ** 4)
    air = np.fft.irfft(np.fft.rfft(white(count, seed)) * shape, count)
    times = np.arange(count) / rate
    hum = np.sum([np.sin(2 * np.pi * f * times + k) / (k + 1) for k, f in enumerate(HUM)], axis=0)
    return np.asarray(air / np.sqrt(2 * max(power(air), 1e-30)) + hum / np.sqrt(4 * max(power(hum), 1e-30)))


def room(samples: np.ndarray, rate: int, seed: int) -> np.ndarray:
    """Samples (N,) as heard in a room, as loud as before: after 5 ms follows noise that dies away."""
    rng = np.random.default_rng(seed)
    times = np.arange(round(1.5 * T60 * rate)) / rate
    tail = rng.standard_normal(len(times)) * 10.0 ** (-3.0 * times / T60) * (times >= 0.005)
    tail *= np.sqrt(10.0 ** (-DIRECT / 10.0) / np.sum(tail**2))
    tail[0] = 1.0
    size = 1 << (len(samples) + len(tail)).bit_length()
    heard = np.fft.irfft(np.fft.rfft(samples, size) * np.fft.rfft(tail, size), size)[: len(samples)]
    return (heard * np.sqrt(power(samples) / max(power(heard), 1e-30))).astype(np.float32)


def trimmed(samples: np.ndarray, rate: int) -> np.ndarray:
    """An utterance without the silence around it, but for 50 ms on each side."""
    hop = rate // 100
    blocks = samples[: len(samples) // hop * hop].reshape(-1, hop)
    loudness = 10 * np.log10(np.mean(blocks.astype(np.float64) ** 2, axis=1) + 1e-12)
    loud = np.flatnonzero(loudness > loudness.max() - QUIET)
    return samples[max(0, loud[0] - 5) * hop : (loud[-1] + 6) * hop]
