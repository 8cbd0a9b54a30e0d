"""The sound of a film or sound file, frame by frame, placed by its timestamps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from av import AudioResampler

from affekt.media.container import DAMAGE, Contents, Warn, decode
from affekt.media.sound import Resampler, clean, margins
from affekt.timeline.clip import ClipSpec

SLACK = 0.02
"""Seconds by which a packet's timestamp may be off without being taken for a gap or an overlap."""

POINTERS = 8
"""Planes for which FFmpeg's frames have pointers."""

RATES = range(1_000, 768_001)
"""Sample rates that are believed, in Hz."""


class SoundTrack:
    """A recording's sound as one window for each frame, and whether there is any."""

    def __init__(self, contents: Contents, spec: ClipSpec, warn: Warn) -> None:
        self._contents, self._spec, self._warn = contents, spec, warn
        self._written = 0

    @property
    def end(self) -> float:
        """Seconds up to which sound has been decoded so far."""
        return self._written / self._spec.sample_rate

    def __iter__(self) -> Iterator[tuple[np.ndarray, bool]]:
        """Yield for frame k = 0, 1, … its window, (window,) float32, and whether most of it has sound.

        Zeros stand where there is none: in gaps, and before and after the recording.
        """
        spec = self._spec
        before, after = margins(spec)
        samples, sounding = np.zeros(before, np.float32), np.zeros(before, bool)
        for block, present in self.blocks():
            samples = np.concatenate([samples, block])
            sounding = np.concatenate([sounding, np.full(len(block), present)])
            at = 0
            while at + spec.window <= len(samples):
                yield self._frame(samples, sounding, at)
                at += spec.hop
            samples, sounding = samples[at:], sounding[at:]
        rest = -(-(len(samples) - before) // spec.hop)
        samples = np.pad(samples, (0, spec.window + after))
        sounding = np.pad(sounding, (0, spec.window + after))
        for k in range(rest):
            yield self._frame(samples, sounding, k * spec.hop)

    def _frame(self, samples: np.ndarray, sounding: np.ndarray, at: int) -> tuple[np.ndarray, bool]:
        spec, (before, _) = self._spec, margins(self._spec)
        own = sounding[at + before : at + before + spec.hop]
        return samples[at : at + spec.window].copy(), bool(2 * np.count_nonzero(own) >= spec.hop)

    def blocks(self) -> Iterator[tuple[np.ndarray, bool]]:
        """The whole track from time zero without a hole, in pieces of about a second.

        Each comes with whether it is sound or stands for a gap.
        """
        for start, rate, pieces in self._segments():
            begin = round(start * self._spec.sample_rate)
            while self._written < begin:
                length = min(begin - self._written, self._spec.sample_rate)
                self._written += length
                yield np.zeros(length, np.float32), False
            resampler = Resampler(rate, self._spec)
            for piece in pieces:
                block = resampler.push(piece)
                self._written += len(block)
                yield block, True
            block = resampler.flush()
            self._written += len(block)
            yield block, True

    def _segments(self) -> Iterator[tuple[float, int, Iterator[np.ndarray]]]:
        """Stretches of sound without a gap: start in seconds, rate in Hz, and the samples.

        The samples are to be used up before the next stretch is asked for.
        """
        packets = _Packets(self._contents, self._warn)
        while packets.current is not None:
            yield packets.current.time, packets.current.rate, packets.stretch()


@dataclass(frozen=True, slots=True)
class _Packet:
    """A decoded piece of sound: when it starts, in seconds from the recording's start, and its samples."""

    time: float
    rate: int
    channels: np.ndarray
    """(C, N), of whatever type the codec gives."""

    def continues(self, other: _Packet) -> bool:
        """Whether both are of one kind, so that they may be joined and resampled as one."""
        mine, its = self.channels, other.channels
        return self.rate == other.rate and len(mine) == len(its) and mine.dtype == its.dtype


class _Packets:
    """Walks through the decoded sound; `current` is the next packet that is not yet used."""

    def __init__(self, contents: Contents, warn: Warn) -> None:
        assert contents.sound is not None
        self._contents, self._warn = contents, warn
        self._frames = decode(contents, contents.sound, warn)
        self._end = 0.0  # seconds up to which sound has been used
        self._overlaps = self._broken = 0
        self.current: _Packet | None = None
        self._advance()

    def stretch(self) -> Iterator[np.ndarray]:
        """Use up `current` and all that follows it without a gap: mono, in pieces of about a second."""
        first = self.current
        assert first is not None
        taken, waiting = 0, 0
        pending: list[np.ndarray] = []
        while (packet := self.current) is not None and packet.continues(first):
            if taken and packet.time > self._end + SLACK:
                break
            length = packet.channels.shape[1]
            pending.append(packet.channels)
            taken, waiting = taken + length, waiting + length
            self._end = first.time + taken / first.rate
            if waiting >= first.rate:
                yield mono(np.concatenate(pending, axis=1))
                pending, waiting = [], 0
            self._advance()
        if pending:
            yield mono(np.concatenate(pending, axis=1))

    def _advance(self) -> None:
        """Decode the next packet that has something new; cut off what overlaps the last one."""
        self.current = None
        for frame in self._frames:
            rate = frame.sample_rate
            time = self._end if frame.time is None else frame.time - self._contents.start
            if rate not in RATES or not self._contents.believable(time, self._end):
                self._warn(f"the sound's clock leaps from {self._end:.1f} to {time:.1f} s; read up to there")
                break
            try:
                channels = planes(frame)
            except DAMAGE:
                self._broken += 1
                continue
            if time < self._end - SLACK:
                late = round((self._end - time) * rate)
                self._overlaps += late >= channels.shape[1]
                channels, time = channels[:, late:], self._end
            if channels.size:
                self.current = _Packet(time, rate, channels)
                return
        if self._broken:
            self._warn(f"{self._broken} pieces of sound are of a kind that cannot be read and were left out")
        if self._overlaps > 1:
            self._warn(f"{self._overlaps} pieces of sound were left out: their timestamps run backwards")


def planes(frame: Any) -> np.ndarray:
    """The channels of a decoded packet, (C, N)."""
    count = frame.layout.nb_channels
    if frame.format.is_planar and count >= POINTERS:
        # PyAV 18.1 looks for the planes' end beyond FFmpeg's table of them: have them interleaved first.
        interleave = AudioResampler(frame.format.packed.name, frame.layout, frame.sample_rate)
        parts = [out.to_ndarray() for out in (*interleave.resample(frame), *interleave.resample(None))]
        return np.concatenate(parts, axis=1).reshape(-1, count).T
    samples: np.ndarray = frame.to_ndarray()
    return samples if frame.format.is_planar else samples.reshape(-1, count).T


def mono(channels: np.ndarray) -> np.ndarray:
    """The mean of channels of any sample type, (C, N), as (N,) float32 in [−1, 1].

    >>> mono(np.array([[-32768, 0], [0, 16384]], np.int16)).tolist()
    [-0.5, 0.25]
    """
    mean = channels[0] if len(channels) == 1 else channels.mean(axis=0, dtype=np.float32)
    if channels.dtype == np.uint8:
        return clean((mean.astype(np.float32) - 128.0) / 128.0)
    full = -float(np.iinfo(channels.dtype).min) if channels.dtype.kind == "i" else 1.0
    return clean(mean.astype(np.float32) / np.float32(full))
