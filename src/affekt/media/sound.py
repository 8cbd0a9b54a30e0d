"""Sound as the audio network takes it: resampled, cut into a window for each frame, its level evened out.

One path for films, sound files and arrays, in training and in use.
"""

from __future__ import annotations

import math

import numpy as np
from av import AudioFrame, AudioResampler

from affekt.timeline.clip import ClipSpec
from affekt.timeline.clock import FRAME_RATE, frame_count

SILENCE = -80.0
"""dBFS of a frame's mean power at and below which the sound track counts as silent, that is absent."""


class Resampler:
    """Streaming conversion of mono sound to a spec's rate and bandwidth.

    A cutoff is made by passing through twice that rate. How the input is cut into pieces changes nothing.
    """

    def __init__(self, rate: int, spec: ClipSpec) -> None:
        self._rate = rate
        wanted = [2 * spec.cutoff] if spec.cutoff else []
        before, self._stages = rate, []
        for after in [*wanted, spec.sample_rate]:
            if after != before:
                self._stages.append((before, AudioResampler("fltp", "mono", after)))
            before = after

    def push(self, samples: np.ndarray, stage: int = 0) -> np.ndarray:
        """Take (N,) float32 samples and give what they make ready, (M,) float32."""
        if stage == len(self._stages) or not len(samples):
            return samples
        rate, resampler = self._stages[stage]
        frame = AudioFrame.from_ndarray(np.ascontiguousarray(samples)[None], format="fltp", layout="mono")
        frame.sample_rate = rate
        return self.push(_joined(resampler.resample(frame)), stage + 1)

    def flush(self) -> np.ndarray:
        """Give what is still held back at the end of the sound, (M,) float32."""
        rest = np.zeros(0, np.float32)
        for stage, (_, resampler) in enumerate(self._stages):
            rest = np.concatenate([self.push(rest, stage), _joined(resampler.resample(None))])
        return rest


def _joined(frames: list[AudioFrame]) -> np.ndarray:
    return np.concatenate([np.zeros(0, np.float32), *(frame.to_ndarray()[0] for frame in frames)])


LOUDEST = 4.0
"""What samples are cut at: float files and lossy codecs go beyond full scale, but not by more than 12 dB."""


def clean(samples: np.ndarray) -> np.ndarray:
    """Samples as float32 within ±`LOUDEST`; what is not a number becomes 0."""
    finite = np.nan_to_num(samples.astype(np.float32), posinf=1.0, neginf=-1.0)
    return np.clip(finite, -LOUDEST, LOUDEST)


def resample(array: np.ndarray, rate: int, spec: ClipSpec) -> np.ndarray:
    """Bring sound to a spec's sample rate and bandwidth.

    Args:
        array: (N,) float, full scale ±1.
        rate: its sample rate in Hz.
        spec: the rate and bandwidth wanted.

    Returns:
        (about N · spec.sample_rate / rate,) float32.
    """
    resampler = Resampler(rate, spec)
    samples = clean(array)
    pieces = [resampler.push(samples[start : start + rate]) for start in range(0, len(samples), rate)]
    return np.concatenate([np.zeros(0, np.float32), *pieces, resampler.flush()])


def margins(spec: ClipSpec) -> tuple[int, int]:
    """Samples that a frame's window reaches before and after the frame: 22 and 23 (readings 2.2)."""
    extra = spec.window - spec.hop
    return extra // 2, extra - extra // 2


class LevelFollower:
    """Causal level normalisation: brings the loudest recent sound to `level` dBFS.

    The running level is L_k = max(rms_k, L_{k−1} · decay, floor). It rises at once and falls by `DECAY`, so
    that within an utterance loud stays louder than soft; it never looks ahead, as a live session could not.
    """

    DECAY = 0.5
    """dB a second by which the running level falls."""

    def __init__(self, level: float, floor: float = -50.0) -> None:
        """Start a recording.

        Args:
            level: dBFS that the loudest recent sound is brought to.
            floor: dBFS where the running level starts and below which it never falls, so that hiss is not
                blown up.
        """
        self._level, self._floor = level, floor
        self._peak = -math.inf  # highest rms so far, each as if raised by DECAY for the time before it
        self._frame = 0

    def gains(self, rms: np.ndarray) -> np.ndarray:
        """Factors for the next frames.

        Args:
            rms: (T,) root mean square of each frame, full scale 1.

        Returns:
            (T,) float32; the same however the frames are cut into calls.
        """
        # max(rms, L · decay) in dB is a running maximum of rms + decay · k, less decay · k.
        slope = np.arange(self._frame, self._frame + len(rms)) * (self.DECAY / FRAME_RATE)
        peaks = np.maximum(np.maximum.accumulate(_decibels(rms) + slope), self._peak)
        if len(rms):
            self._peak, self._frame = float(peaks[-1]), self._frame + len(rms)
        gain = self._level - np.maximum(peaks - slope, self._floor)
        return np.asarray(10.0 ** (gain / 20.0), np.float32)


def _decibels(rms: np.ndarray) -> np.ndarray:
    return 20.0 * np.log10(np.maximum(rms.astype(np.float64), 1e-30))


def normalise(
    windows: np.ndarray, present: np.ndarray, spec: ClipSpec, level: LevelFollower | None
) -> tuple[np.ndarray, np.ndarray]:
    """Find out which frames have sound, even out their level and blank the others.

    Args:
        windows: (T, window) float32, consecutive frames; changed in place.
        present: (T,) bool, False where the recording has no sound.
        spec: the frames' measures.
        level: the state of the recording's level, or None for none.

    Returns:
        windows, and has_sound, (T,) bool, False also where the sound is digitally silent.
    """
    before, _ = margins(spec)
    own = windows[:, before : before + spec.hop]
    rms = np.sqrt(np.einsum("ts,ts->t", own, own, dtype=np.float64) / spec.hop)
    has_sound = present & (rms > 10.0 ** (SILENCE / 20.0))
    gains = level.gains(rms) if level else np.ones(len(windows), np.float32)
    windows *= np.where(has_sound, gains, np.float32(0.0))[:, None]
    return windows, has_sound


def follower_of(spec: ClipSpec) -> LevelFollower | None:
    """A fresh level follower, if the spec asks for one."""
    return None if spec.level is None else LevelFollower(spec.level, spec.level_floor)


def frames_of_array(array: np.ndarray, rate: int, spec: ClipSpec) -> tuple[np.ndarray, np.ndarray]:
    """Cut one sound into the windows that a clip of it would have.

    Args:
        array: (N,) float, full scale ±1.
        rate: its sample rate in Hz.
        spec: what the model asks for.

    Returns:
        sound, (T, window) float32, and has_sound, (T,) bool, with T = round(10 N / rate).
    """
    samples, count = resample(array, rate, spec), frame_count(len(array) / rate)
    before, after = margins(spec)
    padded = np.zeros(before + count * spec.hop + after, np.float32)
    kept = samples[: len(padded) - before]
    padded[before : before + len(kept)] = kept
    if not count:
        return np.zeros((0, spec.window), np.float32), np.zeros(0, bool)
    windows = np.lib.stride_tricks.sliding_window_view(padded, spec.window)[:: spec.hop].copy()
    return normalise(windows, np.ones(count, bool), spec, follower_of(spec))
