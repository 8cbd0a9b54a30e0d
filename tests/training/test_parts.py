"""Who is learned from, who decides, who is judged."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from affekt.corpora.prepared.dataset import PreparedClip
from affekt.errors import CorpusError
from affekt.training.bundling import who_is_in_both
from affekt.training.config import Data
from affekt.training.parts import Parts, in_both, parts_of
from training.made_clips import MadeClip, prepared

FOLDER = Path("made-up")


def names(part: object) -> list[str]:
    assert isinstance(part, list)
    return [clip.entry.name for clip in part]


def test_partitions_are_the_corpus_own_and_only_test_may_lack_gold() -> None:
    clips = [
        MadeClip(1, 3),
        MadeClip(2, 3, labelled=0),
        MadeClip(3, 3, dimensions=("liking",)),
        MadeClip(4, 3, partition="devel", dimensions=("valence",)),
        MadeClip(5, 3, partition="test", labelled=0),
        MadeClip(6, 3, partition=None),
    ]
    parts = parts_of(Data(), prepared(clips))
    assert (names(parts.train), names(parts.devel), names(parts.test)) == (["r1"], ["r4"], ["r5"])
    assert names(parts.all) == ["r1", "r4", "r5"]


@pytest.mark.parametrize("missing", ["train", "devel"])
def test_a_part_without_gold_is_named(missing: str) -> None:
    clips = [
        MadeClip(k, 3, partition=one, labelled=0 if one == missing else 3)
        for k, one in enumerate(("train", "devel"))
    ]
    with pytest.raises(
        CorpusError, match=rf"made-up: no recording of {missing} has labels of arousal or valence"
    ):
        parts_of(Data(), prepared(clips))


def people(clips: list[PreparedClip]) -> set[tuple[str, str | None]]:
    who = {("speaker", clip.entry.speaker) for clip in clips} | {
        ("group", clip.entry.group) for clip in clips
    }
    return {one for one in who if one[1]}


person = st.none() | st.sampled_from([f"p{k}" for k in range(9)])
dyad = st.none() | st.sampled_from([f"d{k}" for k in range(4)])
corpora = st.lists(st.tuples(person, dyad, st.integers(1, 9)), min_size=3, max_size=25)


@settings(max_examples=60, deadline=None)
@given(corpora, st.sampled_from([-1, 3, 4]), st.data())
def test_nobody_is_in_two_parts(
    who: list[tuple[str | None, str | None, int]], k: int, data: st.DataObject
) -> None:
    # Three that are nobody else's, so that three folds can always be made.
    alone = [(f"alone{n}", None, 5) for n in range(3)]
    clips = [MadeClip(n, t, speaker=p, group=d) for n, (p, d, t) in enumerate([*who, *alone])]
    try:
        parts = parts_of(Data(folds=k, fold=data.draw(st.integers(0, 2))), prepared(clips))
    except CorpusError:
        assert k == 4  # asked for of three
        return
    dealt = [list(one) for one in (parts.train, parts.devel, parts.test)]
    assert all(dealt)
    assert sorted(clip.entry.name for one in dealt for clip in one) == sorted(
        clip.entry.name for clip in clips
    )
    for one, other in ((0, 1), (0, 2), (1, 2)):
        assert not people(dealt[one]) & people(dealt[other])
    assert in_both(parts) == []


def test_each_fold_is_test_once_and_the_corpus_test_is_never_touched() -> None:
    clips = [MadeClip(k, 3, speaker=f"s{k // 2}") for k in range(8)]
    clips += [MadeClip(8, 3, speaker="s9", partition="test"), MadeClip(9, 3, speaker="s8", labelled=0)]
    tested, decided = [], []
    for fold in range(4):
        parts = parts_of(Data(folds=-1, fold=fold), prepared(clips))
        assert (len(parts.train), len(parts.devel), len(parts.test)) == (4, 2, 2)
        tested += names(parts.test)
        decided += names(parts.devel)
    assert sorted(tested) == sorted(decided) == [f"r{k}" for k in range(8)]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (Data(folds=3, fold=3), r"made-up: fold 3 of 3; at least 3 are needed, counted from 0"),
        (Data(folds=3, fold=-1), r"fold -1 of 3"),
        (Data(folds=2), r"fold 0 of 2; at least 3 are needed"),
        (Data(folds=9), r"9 folds cannot be made of 4"),
        (Data(folds=1), r"1 folds: at least 2"),
    ],
)
def test_folds_that_cannot_be_made(data: Data, said: str) -> None:
    with pytest.raises(CorpusError, match=said):
        parts_of(data, prepared([MadeClip(k, 3, speaker=f"s{k}") for k in range(4)]))


def test_folds_need_to_know_who_is_who() -> None:
    with pytest.raises(CorpusError, match="does not say who speaks in which recording"):
        parts_of(Data(folds=3), prepared([MadeClip(k, 3) for k in range(4)]))


def test_the_card_says_who_is_in_train_and_in_devel() -> None:
    clips = [
        MadeClip(1, 3, speaker="ann", group="g"),
        MadeClip(2, 3, speaker="bob"),
        MadeClip(3, 3, speaker="bob", partition="devel"),
        MadeClip(4, 3, speaker="eve", group="g", partition="devel"),
        MadeClip(5, 3, speaker="ann", partition="test"),
    ]
    parts = parts_of(Data(), prepared(clips))
    assert in_both(parts) == ["bob", "g"]
    assert (
        who_is_in_both(parts)
        == "The corpus has 2 speakers or dyads in both (bob, g), so devel flatters the model."
    )
    assert who_is_in_both(Parts(parts.train[:1], parts.devel[:1], [])).startswith("Nobody is in both")
