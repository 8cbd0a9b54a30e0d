"""Folds for cross-validation that nobody is in twice: neither a speaker, nor a dyad, nor a film."""

from __future__ import annotations

import random
from collections.abc import Hashable, Sequence

from affekt.errors import CorpusError
from affekt.timeline import Recording


def components(recordings: Sequence[Recording]) -> list[int]:
    """Which recordings must stay together: those that share a speaker, a group or a film, or are linked so.

    Returns:
        A number for each recording, 0, 1, … in the order in which they first occur. Used as folds, these
        leave one group out at a time.
    """
    parent = list(range(len(recordings)))

    def top(one: int) -> int:
        while parent[one] != one:
            parent[one] = one = parent[parent[one]]
        return one

    first: dict[Hashable, int] = {}
    for k, recording in enumerate(recordings):
        film = recording.media or recording.sound
        for key in (("speaker", recording.speaker), ("group", recording.group), ("film", film)):
            if key[1] is not None:
                parent[top(k)] = top(first.setdefault(key, k))
    numbers: dict[int, int] = {}
    return [numbers.setdefault(top(k), len(numbers)) for k in range(len(recordings))]


def fold_of(
    recordings: Sequence[Recording], k: int, seed: int = 0, frames: Sequence[int] | None = None
) -> list[int]:
    """Deal recordings into k folds of about equal length; the same seed deals the same.

    The longest component goes first, each to the fold that has least so far; no fold is then longer than
    the shortest by more than the longest component.

    Args:
        recordings: of one corpus.
        k: folds, 2 at least.
        seed: which of components of one length comes first.
        frames: their lengths; None: those of their gold, and for recordings without, the others' mean.

    Returns:
        For each recording its fold, from 0 to k − 1.

    Raises:
        CorpusError: there are fewer components than folds.
    """
    part = components(recordings)
    count = max(part, default=-1) + 1
    if k < 2:
        raise CorpusError(f"{k} folds: at least 2 are needed")
    if count < k:
        what = "speakers, dyads or films that share nobody"
        raise CorpusError(f"{k} folds cannot be made of {count} {what}; ask for {max(count, 2)} at most")
    lengths = [0.0] * count
    for one, length in zip(part, _lengths(recordings) if frames is None else frames, strict=True):
        lengths[one] += max(length, 1)
    order = list(range(count))
    random.Random(seed).shuffle(order)
    order.sort(key=lambda one: -lengths[one])
    filled, fold = [0.0] * k, [0] * count
    for one in order:
        fold[one] = min(range(k), key=lambda place: filled[place])
        filled[fold[one]] += lengths[one]
    return [fold[one] for one in part]


def _lengths(recordings: Sequence[Recording]) -> list[float]:
    known = [None if one.gold is None else float(len(one.gold)) for one in recordings]
    given = [length for length in known if length is not None]
    mean = sum(given) / len(given) if given else 1.0
    return [mean if length is None else length for length in known]
