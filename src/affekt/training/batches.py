"""Windows of prepared clips, joined into batches of the tensor contract (readings 0).

What an epoch holds depends on the seed and the epoch's number alone, so a run goes on after a kill where it
was, with the batches that it would have had.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset, Sampler

from affekt.corpora.prepared.dataset import PreparedClip
from affekt.errors import CorpusError
from affekt.timeline import DIMENSIONS, Clip, Sentence


@dataclass
class Sentences:
    """U distinct sentences, as vectors of a frozen encoder or as pieces for one that learns."""

    mask: Tensor
    """(U, L) bool, True = real word."""
    words: Tensor | None = None
    """(U, L, D) float32."""
    pieces: tuple[Tensor, Tensor, Tensor] | None = None
    """pieces, piece_word (U, S) int64, piece_mask (U, S) bool."""


@dataclass
class Batch:
    """B windows of T frames; what a stage does not look at is None."""

    gold: Tensor
    """(B, T, 2) arousal and valence, 0 where unknown."""
    mask: Tensor
    """(B, T, 2) bool, True where there is gold."""
    presence: Tensor
    """(B, T, 3) bool in the order text, audio, visual."""
    speaker: Tensor
    """(B, T) int64: 0 subject, 1 other."""
    sentences: Sentences | None = None
    frame_sentence: Tensor | None = None
    """(B, T) int64, row of `sentences`, −1 = none."""
    audio: Tensor | None = None
    """(B, T, window) float32."""
    images: Tensor | None = None
    """(F, S, S, 3) uint8."""
    frame_image: Tensor | None = None
    """(B, T) int64, row of `images`, −1 = none."""
    features: Mapping[str, Tensor] | None = None
    """Modality → (B, T, D_m) float32 of a network that does not learn, instead of what it looks at."""

    def to(self, device: torch.device) -> Batch:
        """The same on another device."""
        return Batch(**{name: _moved(value, device) for name, value in vars(self).items()})


def _moved(value: Any, device: torch.device) -> Any:
    if isinstance(value, Tensor):
        return value.to(device, non_blocking=True)
    if isinstance(value, Sentences):
        return Sentences(**{name: _moved(one, device) for name, one in vars(value).items()})
    if isinstance(value, tuple):
        return tuple(_moved(one, device) for one in value)
    if isinstance(value, Mapping):
        return {name: _moved(one, device) for name, one in value.items()}
    return value


class Known(Protocol):
    """Features of a network that does not learn, computed once (`training.features`)."""

    def __call__(self, clip: PreparedClip, first: int, count: int) -> np.ndarray:
        """(count, D) float32 of some frames."""
        ...


@dataclass(frozen=True)
class Looks:
    """What a stage looks at."""

    sentences: Callable[[Sequence[str]], Sentences] | None = None
    """How sentences become numbers; None: words are not looked at."""
    audio: bool = False
    images: bool = False
    features: Mapping[str, Known] | None = None


Window = tuple[int, int]
"""Clip and first frame."""


class Windows(Dataset[Batch]):
    """All windows of some clips: disjoint cuts of T frames, none across recordings (readings 7).

    To a network nothing was before a window, and nothing follows: the head's state is that of the beginning,
    and an audio network hears neither its past nor its future. Whole recordings are judged with all of it.
    """

    def __init__(
        self, clips: Sequence[PreparedClip], frames: int, looks: Looks, shuffled: int | None = None
    ) -> None:
        """Lay out the windows.

        Args:
            frames: T of a window; the last one of a recording may be shorter, and is padded.
            looks: what is read of them.
            shuffled: seed of a negative control, in which sound and faces come from another recording.

        Raises:
            CorpusError: it is to be shuffled, and there is no other recording.
        """
        if shuffled is not None and len(clips) < 2:
            raise CorpusError(
                "data.shuffled: there is one recording alone, no other to take sound and faces from"
            )
        self.clips, self.frames, self.looks = clips, frames, looks
        self.windows: list[Window] = [
            (k, first) for k, clip in enumerate(clips) for first in range(0, len(clip), frames)
        ]
        self.other = None if shuffled is None else others(len(clips), shuffled)

    def __len__(self) -> int:
        return len(self.windows)

    def __getitem__(self, rows: Sequence[int]) -> Batch:
        """The windows of some rows as one batch; a row below 0 is one that does not count (see `Epochs`)."""
        batch = self.read([self.windows[row if row >= 0 else -row - 1] for row in rows], self.frames)
        counts = torch.tensor([row >= 0 for row in rows]).view(-1, 1, 1)
        return replace(batch, mask=batch.mask & counts)

    def read(self, windows: Sequence[Window], frames: int) -> Batch:
        """Any windows as one batch, padded to `frames`."""
        parts = [self._window(k, first, frames) for k, first in windows]
        joined = [_Joined(clip, gold, frames) for clip, gold in parts]
        batch = Batch(
            gold=_stack([one.gold for one in joined]),
            mask=_stack([one.mask for one in joined]),
            presence=_stack([one.presence for one in joined]),
            speaker=_stack([one.speaker for one in joined]),
        )
        looks = self.looks
        if looks.sentences:
            texts = [self.clips[k].sentences for k, _ in windows]
            batch.sentences, batch.frame_sentence = _sentences(joined, texts, looks.sentences)
        if looks.audio:
            batch.audio = _stack([one.audio for one in joined])
        if looks.images:
            batch.images, batch.frame_image = _images(joined)
        if looks.features:
            batch.features = {
                name: _stack([self._known(name, known, k, first, frames) for k, first in windows])
                for name, known in looks.features.items()
            }
        return batch

    def pieces(self, k: int, frames: int, reach: tuple[int, int]) -> Iterator[tuple[Batch, slice]]:
        """A whole recording in pieces of `frames` frames, the last one shorter, and what is around each.

        Args:
            reach: frames before and after a frame that its features depend on.

        Yields:
            A batch of one, and which of its frames are the piece's; the others are there to be heard.
        """
        length, (before, after) = len(self.clips[k]), reach
        for first in range(0, length, frames):
            last = min(first + frames, length)
            begin, end = max(0, first - before), min(length, last + after)
            yield self.read([(k, begin)], end - begin), slice(first - begin, last - begin)

    def _window(self, k: int, first: int, frames: int) -> tuple[Clip, np.ndarray]:
        clip, gold = self.clips[k].window(first, frames)
        known = [
            self.clips[k].gold.dimensions.index(one) if one in self.clips[k].gold.dimensions else -1
            for one in DIMENSIONS
        ]
        nothing = np.full((len(clip), 1), np.nan, np.float32)
        gold = np.hstack([gold, nothing])[:, known]
        if self.other is not None:
            clip = _with_sound_and_faces_of(self.clips[self.other[k]], clip, first)
        return clip, gold

    def _known(self, name: str, known: Known, k: int, first: int, frames: int) -> np.ndarray:
        clip = self.clips[k]
        count = min(frames, len(clip) - first)
        if self.other is not None and name != "text":
            clip = self.clips[self.other[k]]
            first = _elsewhere(clip, first, count)
        return _padded(known(clip, first, count), frames)


def others(count: int, seed: int) -> list[int]:
    """For each of `count` recordings another one, never itself where there are two or more."""
    order = np.random.default_rng(seed).permutation(count)
    return [int(order[(place + 1) % count]) for place in np.argsort(order)]


def _elsewhere(source: PreparedClip, first: int, count: int) -> int:
    """Where `count` frames begin in another recording: at the same frame, or earlier if it ends before."""
    return min(first, max(0, len(source) - count))


def _with_sound_and_faces_of(source: PreparedClip, clip: Clip, first: int) -> Clip:
    n = len(clip)
    taken, _ = source.window(_elsewhere(source, first, n), n)
    return replace(
        clip,
        sound=_padded(taken.sound, n),
        has_sound=_padded(taken.has_sound, n),
        speaker=_padded(taken.speaker, n),  # which half of x^a the sound goes to is the sound's
        faces=taken.faces,
        frame_face=_padded(taken.frame_face, n, -1),
    )


class _Joined:
    """A window as arrays of T frames each."""

    def __init__(self, clip: Clip, gold: np.ndarray, frames: int) -> None:
        known = np.isfinite(gold)
        self.clip = clip
        self.frames = frames
        self.gold = _padded(np.where(known, gold, 0).astype(np.float32), frames)
        self.mask = _padded(known, frames)
        self.presence = _padded(clip.presence, frames)
        self.speaker = _padded(clip.speaker, frames)

    @property
    def audio(self) -> np.ndarray:
        return _padded(self.clip.sound, self.frames)


def _padded(values: np.ndarray, frames: int, value: int = 0) -> np.ndarray:
    rest = frames - len(values)
    if rest <= 0:
        return values
    return np.pad(values, ((0, rest), *((0, 0),) * (values.ndim - 1)), constant_values=value)


def _stack(arrays: Sequence[np.ndarray]) -> Tensor:
    return torch.from_numpy(np.stack(arrays))


def _sentences(
    joined: Sequence[_Joined],
    texts: Sequence[Sequence[Sentence]],
    encode: Callable[[Sequence[str]], Sentences],
) -> tuple[Sentences, Tensor]:
    """The distinct sentences of all windows, each once, and which of them each frame has."""
    rows: dict[str, int] = {}
    frame_sentence = np.full((len(joined), joined[0].frames), -1, np.int64)
    for b, (one, spoken) in enumerate(zip(joined, texts, strict=True)):
        for t, row in enumerate(one.clip.frame_sentence):
            if row >= 0:
                frame_sentence[b, t] = rows.setdefault(spoken[row].text, len(rows))
    return encode(list(rows)), torch.from_numpy(frame_sentence)


def _images(joined: Sequence[_Joined]) -> tuple[Tensor, Tensor]:
    """All faces of all windows one after the other, and which of them each frame has."""
    frame_image, faces, count = [], [], 0
    for one in joined:
        rows = one.clip.frame_face
        frame_image.append(_padded(np.where(rows >= 0, rows + count, -1), one.frames, -1))
        faces.append(one.clip.faces)
        count += len(one.clip.faces)
    return torch.from_numpy(np.concatenate(faces)), _stack(frame_image)


class Epochs(Sampler[list[int]]):
    """The batches of one epoch after the other: all windows in an order of the epoch's own.

    With several processes each takes its share of every batch, so that the joined batch is the one that a
    single process would have.
    """

    def __init__(
        self, windows: int, batch: int, seed: int, *, steps: int | None = None, rank: int = 0, ranks: int = 1
    ) -> None:
        super().__init__()
        self.windows, self.batch, self.seed = windows, min(batch, windows), seed
        self.most, self.rank, self.ranks = steps, rank, ranks
        self.epoch, self.first = 0, 0

    def at(self, epoch: int, step: int = 0) -> Epochs:
        """Go to a step of an epoch: what is iterated next starts there."""
        self.epoch, self.first = epoch, step
        return self

    @property
    def steps(self) -> int:
        """Batches of an epoch."""
        whole = -(-self.windows // self.batch)
        return whole if self.most is None else min(whole, self.most)

    def __len__(self) -> int:
        return self.steps - self.first

    def __iter__(self) -> Iterator[list[int]]:
        order = np.random.default_rng([self.seed, self.epoch]).permutation(self.windows)
        for step in range(self.first, self.steps):
            rows = order[step * self.batch : (step + 1) * self.batch].tolist()
            # A process that is left without a window takes another one's, which does not count.
            yield rows[self.rank :: self.ranks] or [-rows[0] - 1]
