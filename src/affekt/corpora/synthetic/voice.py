"""A voice: pulses of vocal folds and noise, coloured by formants that move from phone to phone. NumPy only.

The source is made sample by sample, the colouring by multiplying short-time spectra, so that nothing loops
over samples. Pitch, loudness and speed follow arousal, brightness follows valence.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from affekt.corpora.synthetic.phones import Phone

Array = np.ndarray
RATE = 22_050
"""Samples a second."""
HOP, WINDOW, SPECTRUM = 128, 512, 1024
"""Samples from one spectrum to the next, samples it sees, and its length."""
LEVEL = 0.09
"""Root mean square of a vowel at neutral arousal."""
SEMITONES, DECIBELS, HASTE = 4.5, 6.0, 0.16
"""By how much pitch and loudness go up, and what share the speed goes up, from arousal 0 to 1."""
TILT = 0.9
"""By how much the exponent of the spectrum's slope goes up from valence 0 to 1: 5.4 dB an octave."""
BANDWIDTHS = (70.0, 100.0, 140.0, 200.0)
FOURTH = 3500.0
"""Hz of the fourth formant, which does not move."""


@dataclass(frozen=True, slots=True)
class Throat:
    """What tells one speaker's voice from another's."""

    pitch: float
    """Hz at neutral arousal."""
    scale: float
    """Of the formants; a shorter throat has a larger one."""
    speed: float
    breath: float
    """Noise among the pulses, as a share."""
    slope: float
    """Exponent of the spectrum's slope at neutral valence."""

    @classmethod
    def of(cls, rng: np.random.Generator) -> Throat:
        """Somebody's."""
        low = bool(rng.random() < 0.5)
        pitch, scale = (rng.normal(115, 9), 1.0) if low else (rng.normal(200, 13), 1.16)
        return cls(
            float(np.clip(pitch, 90, 240)),
            scale * rng.uniform(0.95, 1.05),
            rng.uniform(1.2, 1.5),
            rng.uniform(0.02, 0.10),
            rng.uniform(0.25, 0.55),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Utterance:
    """One sentence as it is spoken."""

    side: int
    """Who of the pair speaks."""
    start: float
    text: str
    phones: tuple[Phone, ...]
    rate: float
    """How many times as fast as written."""
    seconds: float
    arousal: float = float("nan")
    """What its words amount to; NaN: it has none."""
    valence: float = float("nan")

    @property
    def end(self) -> float:
        """Seconds."""
        return self.start + self.seconds

    @property
    def edges(self) -> Array:
        """Seconds at which the phones begin and the last one ends."""
        return self.start + np.concatenate([[0], np.cumsum([one.seconds for one in self.phones])]) / self.rate


def speak(
    said: Utterance, throat: Throat, times: Array, arousal: Array, valence: Array, rng: np.random.Generator
) -> Array:
    """The sound of one sentence.

    Args:
        times: (N,) seconds at which `arousal` and `valence`, from −1 to 1, are known.

    Returns:
        (said.seconds · RATE,) float32.
    """
    count = round(said.seconds * RATE)
    steps = count // HOP + 1
    frames = said.start + np.arange(steps) * HOP / RATE
    excited, glad = np.interp(frames, times, arousal), np.interp(frames, times, valence)
    tracks = _tracks(said, frames)
    at = np.arange(count) / HOP
    pitch = np.interp(at, np.arange(steps), _melody(throat, frames - said.start, excited, said.seconds, rng))
    pulses = _pulses(np.cumsum(pitch / RATE)) + throat.breath * rng.standard_normal(count)
    noise = rng.standard_normal(count)
    gain = LEVEL * 10 ** (DECIBELS * excited / 20)
    slope = throat.slope + TILT * glad
    voiced = _formant_filter(tracks[:, :3] * throat.scale, slope) * (gain * tracks[:, 3])[:, None]
    hissed = _noise_filter(tracks[:, 5], slope) * (gain * tracks[:, 4])[:, None]
    return _coloured([(pulses, voiced), (noise, hissed)], count)


def breath(seconds: float, loudness: float, rng: np.random.Generator) -> Array:
    """Air drawn in before a turn, (seconds · RATE,) float32."""
    count = round(seconds * RATE)
    steps = count // HOP + 1
    swell = LEVEL * loudness * np.sin(np.pi * np.arange(steps) / max(steps - 1, 1)) ** 2
    shape = _noise_filter(np.full(steps, 1800.0), np.zeros(steps)) * swell[:, None]
    return _coloured([(rng.standard_normal(count), shape)], count)


def mouth(said: Utterance, times: Array) -> Array:
    """How far the mouth is open at some times, (N,) from 0 to 1; 0 outside the sentence."""
    fine = np.arange(said.start - 0.2, said.end + 0.2, 0.01)
    opening = _smoothed(_held(said, fine, [[one.mouth] for one in said.phones])[:, 0], 7)
    return np.interp(times, fine, opening, left=0, right=0)


def _tracks(said: Utterance, frames: Array) -> Array:
    """(F, 6) of the phones over time: three formants, loudness of voice and noise, the noise's pitch."""
    rows = [[*one.formants, one.voice, one.hiss, one.pitch] for one in said.phones]
    values = _held(said, frames, rows)
    values[:, :3] = np.stack([_smoothed(values[:, k], 9) for k in range(3)], axis=1)
    values[:, 3:5] = np.stack([_smoothed(values[:, k], 5) for k in (3, 4)], axis=1)
    ends = np.minimum(frames - said.start, said.end - frames)
    values[:, 3:5] *= np.clip(ends / 0.02, 0, 1)[:, None]
    return values


def _held(said: Utterance, times: Array, rows: list[list[float]]) -> Array:
    """(N, C): the row of the phone that is spoken at each time; the edge phones' last, silence 0 if C = 1."""
    edges = said.edges
    place = np.searchsorted(edges, times, side="right") - 1
    values = np.array(rows, np.float64)[np.clip(place, 0, len(rows) - 1)]
    if values.shape[1] == 1:
        values[(place < 0) | (place >= len(rows))] = 0
    return values


def _smoothed(values: Array, width: int) -> Array:
    """A moving average of odd width, the ends held."""
    padded = np.pad(values, width // 2, mode="edge")
    total = np.cumsum(np.concatenate([[0.0], padded]))
    return (total[width:] - total[:-width]) / width


def _melody(throat: Throat, since: Array, excited: Array, seconds: float, rng: np.random.Generator) -> Array:
    """Pitch in Hz: arousal, a fall to the sentence's end, an accent about each half second, and a tremble."""
    fall = 1.0 - 2.5 * since / seconds
    accents = 1.2 * np.sin(2 * np.pi * (rng.uniform(1.6, 2.4) * since + rng.random()))
    tremble = 0.25 * _smoothed(rng.standard_normal(len(since)), 3)
    return throat.pitch * 2 ** ((SEMITONES * excited + fall + accents + tremble) / 12)


def _pulses(cycles: Array) -> Array:
    """Slope of the air flow through the vocal folds: opening for 40 % of a cycle, closing for 16 %."""
    phase = cycles % 1.0
    opening = np.sin(np.pi * phase / 0.4)
    closing = -2.5 * np.sin(0.5 * np.pi * (phase - 0.4) / 0.16)
    return np.where(phase < 0.4, opening, np.where(phase < 0.56, closing, 0.0))


def _frequencies() -> Array:
    return np.fft.rfftfreq(SPECTRUM, 1 / RATE)


def _formant_filter(formants: Array, slope: Array) -> Array:
    """(F, SPECTRUM // 2 + 1) gains of four resonances in a row, so that vowels are equally loud."""
    f = _frequencies()[None]
    gains = np.ones((len(formants), f.shape[1]))
    fourth = np.full(len(formants), FOURTH * np.mean(formants[:, 2]) / 2450)
    for centre, wide in zip([*formants.T, fourth], BANDWIDTHS, strict=True):
        centre = centre[:, None]
        gains *= centre**2 / np.sqrt((centre**2 - f**2) ** 2 + (wide * f) ** 2)
    gains *= (np.maximum(f, 200) / 500) ** slope[:, None]
    pulse = 1 / np.maximum(f, 150)  # the source's own spectrum falls about so
    return gains / np.sqrt(np.sum((gains * pulse) ** 2, axis=1, keepdims=True) / np.sum(pulse**2))


def _noise_filter(pitch: Array, slope: Array) -> Array:
    """(F, SPECTRUM // 2 + 1) gains of a broad hump, as loud whatever its place."""
    f = _frequencies()[None]
    gains = np.exp(-0.5 * ((f - pitch[:, None]) / (0.25 * pitch[:, None] + 300)) ** 2)
    gains *= (np.maximum(f, 200) / 500) ** slope[:, None]
    return gains / np.sqrt(np.mean(gains**2, axis=1, keepdims=True))


def _coloured(sources: list[tuple[Array, Array]], count: int) -> Array:
    """Sources under gains that change from hop to hop, summed: (count,) float32."""
    window = np.hanning(WINDOW + 1)[:-1].astype(np.float32)
    total: Array | int = 0
    for source, gains in sources:
        padded = np.pad(source.astype(np.float32), (WINDOW // 2, WINDOW))
        pieces = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP][: len(gains)]
        total = total + np.fft.rfft(pieces * window, SPECTRUM) * gains.astype(np.float32)
    parts = np.fft.irfft(total, SPECTRUM).astype(np.float32)
    # Gains of zero phase spread a piece to both sides: its second half in the buffer is the time before it.
    parts = np.roll(parts, (SPECTRUM - WINDOW) // 2, axis=1).reshape(len(parts), -1, HOP)
    blocks = np.zeros((len(parts) + SPECTRUM // HOP, HOP), np.float32)
    for k in range(SPECTRUM // HOP):
        blocks[k : k + len(parts)] += parts[:, k]
    # The windows of neighbours sum to WINDOW / HOP / 2.
    lead = SPECTRUM // 2
    return blocks.ravel()[lead : lead + count] * (2 * HOP / WINDOW)
