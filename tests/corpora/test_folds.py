"""Folds: nobody is in two, they are of about equal length, and the same seed deals the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from affekt.corpora.folds import components, fold_of
from affekt.errors import CorpusError
from affekt.timeline import Gold, Recording


def recording(name, group=None, speaker=None, frames=None, media=None):
    gold = None if frames is None else Gold(np.zeros((frames, 2), np.float32))
    return Recording(media, name=name, group=group, speaker=speaker, gold=gold)


def test_components_are_linked_by_speaker_group_and_film():
    film = Path("two.mp4")
    given_ = [
        recording("a", group="1", speaker="Ada"),
        recording("b", group="1", speaker="Ben"),
        recording("c", group="2", speaker="Ben"),  # linked to a through b
        recording("d"),
        recording("e", media=film),
        recording("f", media=film, speaker="Eva"),
        recording("g"),
    ]
    assert components(given_) == [0, 0, 0, 1, 2, 2, 3]


def test_a_speaker_and_a_group_of_one_name_are_not_one():
    assert components([recording("a", group="1"), recording("b", speaker="1")]) == [0, 1]


def test_folds_are_balanced_by_frames():
    """Longest first, each to the emptier fold: 90 | 50 + 30, then 20 → 80 + 20 | 90 + 10."""
    lengths = {"a": 90, "b": 50, "c": 30, "d": 20, "e": 10}
    folds = fold_of([recording(name, frames=count) for name, count in lengths.items()], 2)
    assert folds == [0, 1, 1, 1, 0]


def test_recordings_without_gold_count_as_the_others_do():
    """Mean of 10 and 30 is 20: 30 | 20 + 10."""
    assert fold_of([recording("a", frames=10), recording("b"), recording("c", frames=30)], 2) == [1, 1, 0]


def test_too_few():
    pair = [recording("a", group="1"), recording("b", group="1")]
    with pytest.raises(CorpusError, match="2 folds cannot be made of 1"):
        fold_of(pair, 2)
    with pytest.raises(CorpusError, match="at least 2"):
        fold_of(pair, 1)


@st.composite
def corpora(draw):
    few = st.sampled_from([None, "1", "2", "3", "4", "5"])
    rows = draw(st.lists(st.tuples(few, few, st.integers(1, 400)), min_size=2, max_size=40))
    return [recording(str(k), group, speaker, frames) for k, (group, speaker, frames) in enumerate(rows)]


@given(corpora(), st.integers(2, 5), st.integers(0, 99))
def test_nobody_is_in_two_folds(given_, k, seed):
    part = components(given_)
    if len(set(part)) < k:
        with pytest.raises(CorpusError):
            fold_of(given_, k, seed)
        return
    folds = fold_of(given_, k, seed)
    for what in ("group", "speaker"):
        homes: dict[str, set[int]] = {}
        for one, fold in zip(given_, folds, strict=True):
            if getattr(one, what) is not None:
                homes.setdefault(getattr(one, what), set()).add(fold)
        assert all(len(home) == 1 for home in homes.values())
    assert set(folds) == set(range(k))
    assert folds == fold_of(given_, k, seed)
    loads, sizes = np.zeros(k), np.zeros(max(part) + 1)
    for one, fold, component in zip(given_, folds, part, strict=True):
        loads[fold] += len(one.gold)
        sizes[component] += len(one.gold)
    assert loads.max() - loads.min() <= sizes.max()
