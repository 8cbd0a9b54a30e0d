"""Somebody's own recordings: who is learned from, who decides when to stop, whose words are understood."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from affekt.corpora.folds import components, fold_of
from affekt.corpora.prepared.dataset import Prepared, PreparedClip
from affekt.errors import CorpusError
from affekt.media.language import understands
from affekt.runtime.bundle import Bundle
from affekt.timeline import DIMENSIONS, Clip, Recording
from affekt.training.parts import Parts

FOLDS = 5
"""Where the corpus has no devel, a fifth of its recordings becomes it."""
SEVERAL = 3
"""Speakers or groups below which devel cannot be of other people without losing half of what there is."""


@dataclass(frozen=True)
class Division:
    """Who is learned from and who decides when to stop."""

    parts: Parts
    said: str
    """How devel was chosen, and what its scores are worth."""


def divided(prepared: Prepared) -> Division:
    """The corpus' own train and devel; else a fifth of the speakers is devel, or of the recordings.

    Raises:
        CorpusError: fewer than two recordings have labels.
    """
    clips = [clip for clip in prepared if clip.entry.partition != "test" and _dimensions(clip)]
    own = [[clip for clip in clips if clip.entry.partition == name] for name in ("train", "devel")]
    if all(own):
        return Division(Parts(own[0], own[1], []), "the corpus' own")
    if len(clips) < 2:
        raise CorpusError(
            f"{prepared.folder}: {len(clips)} recordings outside of test have labels of arousal or valence; "
            "two are needed at least, one to learn from and one to judge by"
        )
    people = [
        Recording(None, name=e.name, speaker=e.speaker, group=e.group) for e in (c.entry for c in clips)
    ]
    apart = any(one.speaker or one.group for one in people)
    several = apart and max(components(people)) + 1 >= SEVERAL
    if not several:
        people = [Recording(None, name=one.name) for one in people]
    folds = fold_of(people, min(FOLDS, max(components(people)) + 1), frames=[len(clip) for clip in clips])
    train, devel = (
        [c for c, f in zip(clips, folds, strict=True) if (f == 0) is held] for held in (False, True)
    )
    names = ", ".join(sorted({c.entry.speaker or c.entry.name for c in devel}))
    if several:
        said = f"{names}, of whom nothing is learned"
    elif apart:
        said = f"{names}: of the same people as train, too few to spare one; it says nothing of strangers"
    else:
        said = f"{names}: the corpus does not say who speaks, so maybe of the same people as train"
    return Division(Parts(train, devel, []), said)


def unlabelled(clips: Sequence[PreparedClip]) -> list[str]:
    """Which of arousal and valence none of some recordings has labels of."""
    return [one for one in DIMENSIONS if not any(one in _dimensions(clip) for clip in clips)]


def _dimensions(clip: PreparedClip) -> set[str]:
    return set(clip.entry.dimensions.split()) & set(DIMENSIONS) if clip.entry.labelled else set()


class _WithoutWords(PreparedClip):
    """A recording in a language that the text network does not know: nothing is said in it, as in use."""

    def window(self, first: int = 0, count: int | None = None) -> tuple[Clip, np.ndarray]:
        clip, gold = super().window(first, count)
        return replace(clip, frame_sentence=np.full_like(clip.frame_sentence, -1)), gold


def understood(parts: Parts, bundle: Bundle, prepared: Prepared) -> Parts:
    """The same recordings, of which those in other languages have no words."""

    def known(clip: PreparedClip) -> PreparedClip:
        if understands(clip.entry.language, clip.sentences, bundle.spec.languages)[0]:
            return clip
        return _WithoutWords(prepared.folder, clip.entry, prepared.dataset.alignment, prepared.dataset.delays)

    return Parts(list(map(known, parts.train)), list(map(known, parts.devel)), [])
