"""Who is learned from, who decides when to stop, who is only judged: the corpus' partitions, or folds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from affekt.corpora.folds import components, fold_of
from affekt.corpora.prepared.dataset import Prepared, PreparedClip
from affekt.errors import CorpusError
from affekt.timeline import DIMENSIONS, Recording
from affekt.training.config import Data


@dataclass(frozen=True)
class Parts:
    """The recordings of a run, in the corpus' order; in folds nobody is in two parts."""

    train: Sequence[PreparedClip]
    devel: Sequence[PreparedClip]
    test: Sequence[PreparedClip]
    """May lack gold."""

    @property
    def all(self) -> list[PreparedClip]:
        """All of them."""
        return [*self.train, *self.devel, *self.test]


def parts_of(data: Data, prepared: Prepared) -> Parts:
    """The partitions of a corpus, or one fold of a cross-validation over its train and devel.

    Of K folds, fold `data.fold` is test, the next one decides when to stop, and the others are learned from.

    Raises:
        CorpusError: train or devel has no recording with labels of arousal or valence.
    """
    if data.folds == 0:
        train, devel, test = (list(prepared.of(name)) for name in ("train", "devel", "test"))
        return Parts(_labelled(train, prepared, "train"), _labelled(devel, prepared, "devel"), test)
    clips = [clip for clip in prepared if _has_labels(clip) and clip.entry.partition != "test"]
    folds = folds_of(clips, data.folds)
    count = max(folds) + 1
    if count < 3 or not 0 <= data.fold < count:
        raise CorpusError(
            f"{prepared.folder}: fold {data.fold} of {count}; at least 3 are needed, counted from 0"
        )
    dealt: dict[str, list[PreparedClip]] = {"train": [], "devel": [], "test": []}
    for clip, fold in zip(clips, folds, strict=True):
        part = "test" if fold == data.fold else "devel" if fold == (data.fold + 1) % count else "train"
        dealt[part].append(clip)
    return Parts(dealt["train"], dealt["devel"], dealt["test"])


def in_both(parts: Parts) -> list[str]:
    """Speakers and dyads of train who are in devel too, as a corpus' own partitions may have it."""
    train, devel = ({one for clip in part for one in _people(clip)} for part in (parts.train, parts.devel))
    return sorted(name for _, name in train & devel)


def _people(clip: PreparedClip) -> list[tuple[str, str]]:
    who = {"speaker": clip.entry.speaker, "group": clip.entry.group}
    return [(kind, name) for kind, name in who.items() if name]


def folds_of(clips: Sequence[PreparedClip], k: int) -> list[int]:
    """For each recording its fold; k = −1 leaves one speaker, dyad or film out at a time."""
    people = [
        Recording(None, name=clip.entry.name, speaker=clip.entry.speaker, group=clip.entry.group)
        for clip in clips
    ]
    if not any(one.speaker or one.group for one in people):
        raise CorpusError(
            "the corpus does not say who speaks in which recording, so folds by speaker cannot be made"
        )
    return components(people) if k == -1 else fold_of(people, k, frames=[len(clip) for clip in clips])


def _has_labels(clip: PreparedClip) -> bool:
    return bool(clip.entry.labelled) and any(one in DIMENSIONS for one in clip.entry.dimensions.split())


def _labelled(clips: Sequence[PreparedClip], prepared: Prepared, name: str) -> list[PreparedClip]:
    kept = [clip for clip in clips if _has_labels(clip)]
    if not kept:
        raise CorpusError(
            f"{prepared.folder}: no recording of {name} has labels of arousal or valence to learn from; "
            "data.folds=5 makes partitions where the corpus has none"
        )
    return kept
