"""Prepared clips made up in memory, every number of which can be told by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np

from affekt.corpora.prepared.dataset import Dataset, Entry, Prepared, PreparedClip
from affekt.timeline import DIMENSIONS, Clip, ClipSpec, Gold, Sentence

SPEC = ClipSpec(sample_rate=8_000, window=1_000, image_size=32)


def entry(name: str, frames: int = 10, **changes: Any) -> Entry:
    """A manifest's row of a labelled recording of train."""
    values: dict[str, Any] = {
        "name": name,
        "file": f"clips/{name}",
        "partition": "train",
        "speaker": None,
        "group": None,
        "language": "en",
        "frames": frames,
        "heard": frames,
        "seen": frames,
        "sentences": 0,
        "words": 0,
        "dimensions": "arousal valence",
        "labelled": frames,
        "warnings": 0,
        "warned": "",
        "bytes": 0,
        "fingerprint": "",
        "checksum": name,
    }
    return Entry(**{**values, **changes})


class MadeClip:
    """Frame t of recording `mark` sounds like mark + t / 1000, and its face has the grey of mark + t."""

    def __init__(
        self,
        mark: int,
        frames: int,
        *,
        spoken: Mapping[int, int] | None = None,
        texts: Sequence[str] = (),
        unseen: Sequence[int] = (),
        unheard: Sequence[int] = (),
        turns: Sequence[int] | None = None,
        dimensions: tuple[str, ...] = DIMENSIONS,
        gold: np.ndarray | None = None,
        **changes: Any,
    ) -> None:
        """Make one up.

        Args:
            spoken: frame → row of `texts`.
            unseen, unheard: frames without a face, without sound.
            turns: who speaks in each frame, 0 the subject, 1 another.
            gold: (T, D); None: arousal t / 100, valence −t / 100.
            changes: what the manifest says of it, such as its speaker.
        """
        t = np.arange(frames)
        usual = {"arousal": t / 100, "valence": -t / 100}
        values = np.stack([usual.get(one, t * 0.0) for one in dimensions], 1) if gold is None else gold
        self.gold = Gold(values.astype(np.float32), dimensions)
        self.entry = entry(f"r{mark}", frames, **{"dimensions": " ".join(dimensions), **changes})
        self.sentences = tuple(Sentence(0.0, 1.0, text) for text in texts)
        self.mark = mark
        self._has_sound = ~np.isin(t, list(unheard))
        self._seen = ~np.isin(t, list(unseen))
        self._speaker = np.array([0] * frames if turns is None else turns, np.int64)
        self._frame_sentence = np.array([(spoken or {}).get(int(one), -1) for one in t], np.int64)

    def __len__(self) -> int:
        return self.entry.frames

    def window(self, first: int, count: int) -> tuple[Clip, np.ndarray]:
        """As `PreparedClip.window`."""
        t = np.arange(first, min(len(self), first + count))
        seen = self._seen[t]
        faces = np.full((int(seen.sum()), SPEC.image_size, SPEC.image_size, 3), self.mark, np.uint8)
        clip = Clip(
            first=first,
            sound=np.repeat((self.mark + t / 1000)[:, None], SPEC.window, 1).astype(np.float32),
            has_sound=self._has_sound[t],
            speaker=self._speaker[t],
            faces=faces + t[seen].astype(np.uint8)[:, None, None, None],
            frame_face=np.where(seen, np.cumsum(seen) - 1, -1),
            boxes=np.zeros((len(t), 4), np.float32),
            frame_sentence=self._frame_sentence[t],
        )
        return clip, self.gold.values[t]


def prepared(clips: Sequence[MadeClip], folder: Path = Path("made-up")) -> Prepared:
    """A prepared folder of them."""
    return Prepared(folder, Dataset("made up", SPEC, complete=True), as_prepared(clips))


def as_prepared(clips: Sequence[MadeClip]) -> list[PreparedClip]:
    """For the type checker: they look like the real ones."""
    return cast("list[PreparedClip]", list(clips))
