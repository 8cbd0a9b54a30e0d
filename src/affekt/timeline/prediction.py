"""What a model says about a recording: a trace of arousal and valence, and the weights behind it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from affekt.timeline.clip import MODALITIES, Sentence, Still
from affekt.timeline.clock import FRAME_RATE

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class WordWeights:
    """How the text network's selector weighed the words of one sentence (Fig. 3)."""

    sentence: Sentence
    words: tuple[str, ...]
    heads: np.ndarray
    """(P, L) float32, each head's weights over the L words, summing to 1 per head."""

    @property
    def mean(self) -> np.ndarray:
        """(L,) mean over the heads."""
        return self.heads.mean(axis=0)


@dataclass(frozen=True, slots=True)
class FaceMap:
    """Where the visual network looked in one frame's face."""

    frame: int
    face: np.ndarray
    """(S, S, 3) uint8 RGB crop as the network saw it."""
    map: np.ndarray
    """(H, W) float32, attention (readings 3.2's h, blended over the branches by their weights)."""


@dataclass(frozen=True)
class Prediction:
    """Arousal and valence ten times a second, with what each modality contributed."""

    name: str
    """The recording's file name."""
    arousal: np.ndarray
    """(T,) float32 in [−1, 1]."""
    valence: np.ndarray
    """(T,) float32 in [−1, 1]."""
    presence: np.ndarray
    """(T, 3) bool: was there text, audio, a face?"""
    modality_weights: np.ndarray | None
    """(T, 3) float32 over text, audio, visual, summing to 1 over what is present, 0 where nothing is;
    None for concatenation, which has no weights."""
    pair_weights: np.ndarray | None = None
    """(T, 3, 2) float32, the fusion's first level (Fig. 4), where it has one; see `info["pairs"]`."""
    word_weights: tuple[WordWeights, ...] = ()
    face_maps: tuple[FaceMap, ...] = ()
    """A few faces spread over the recording."""
    stills: tuple[Still, ...] = ()
    """A few small pictures spread over the recording."""
    info: dict[str, Any] = field(default_factory=dict)
    """model, fusion, alignment, pairs (names of the pair weights), source (path), warnings, version, band
    (the share of the errors that it is to hold)."""
    pair_shares: np.ndarray | None = None
    """(T, 3) float32, the hierarchical fusion's second level: the weight of each pair, in the order of
    `info["pairs"]`; None for the others (cross-modal's second level is `modality_weights`)."""
    band: np.ndarray | None = None
    """(T, 2) float32, how far arousal and valence may be off: the half-width of the band around them, 0 or
    more, NaN where nothing is present. None of a model that does not say."""

    def __len__(self) -> int:
        return len(self.arousal)

    @property
    def time(self) -> np.ndarray:
        """(T,) float64, seconds at which each frame starts."""
        return np.arange(len(self)) / FRAME_RATE

    @property
    def trace(self) -> pd.DataFrame:
        """A row a frame: name, time, arousal, valence, present (False: nothing was there to judge)."""
        import pandas as pd

        return pd.DataFrame(
            {
                "name": self.name,
                "time": self.time,
                "arousal": self.arousal,
                "valence": self.valence,
                "present": self.presence.any(axis=1),
            }
        )

    @property
    def edges(self) -> tuple[np.ndarray, np.ndarray] | None:
        """Lower and upper edge of the band, each (T, 2) float32 in [−1, 1], NaN where nothing is present."""
        if self.band is None:
            return None
        y = np.stack([self.arousal, self.valence], axis=1)
        return np.clip(y - self.band, -1, 1), np.clip(y + self.band, -1, 1)

    @property
    def shares(self) -> dict[str, float]:
        """Share of the frames in which each modality was present, by name."""
        means = self.presence.mean(axis=0) if len(self) else np.zeros(3)
        return dict(zip(MODALITIES, means.tolist(), strict=True))
