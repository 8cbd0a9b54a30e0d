"""Windows and batches: every number by hand, from clips that are made up."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from affekt.corpora.prepared.dataset import PreparedClip
from affekt.errors import CorpusError
from affekt.networks import HeadConfig, MultimodalConfig, TextConfig
from affekt.training.batches import Epochs, Looks, Sentences, Windows, others
from affekt.training.encoders import text_encoder
from affekt.training.learner import Learner
from affekt.training.sentences import Reader
from training.made_clips import MadeClip, as_prepared

ALL = Looks(lambda texts: Sentences(torch.ones(len(texts), 1, dtype=torch.bool)), True, True)
NaN = float("nan")


def windows(
    clips: Sequence[MadeClip], frames: int, looks: Looks = ALL, shuffled: int | None = None
) -> Windows:
    return Windows(as_prepared(clips), frames, looks, shuffled)


def test_a_recording_is_cut_and_its_last_window_padded() -> None:
    cut = windows([MadeClip(1, 5), MadeClip(2, 3)], 2)
    assert cut.windows == [(0, 0), (0, 2), (0, 4), (1, 0), (1, 2)]  # none across recordings
    batch = cut[[2, 3]]
    torch.testing.assert_close(batch.gold, torch.tensor([[[0.04, -0.04], [0, 0]], [[0, 0], [0.01, -0.01]]]))
    assert batch.mask.tolist() == [[[True] * 2, [False] * 2], [[True] * 2, [True] * 2]]
    assert batch.presence.tolist() == [
        [[False, True, True], [False, False, False]],  # nobody speaks; what is padded is not there
        [[False, True, True], [False, True, True]],
    ]
    assert batch.audio is not None and batch.audio.shape == (2, 2, 1000)
    torch.testing.assert_close(batch.audio[..., 0], torch.tensor([[1.004, 0.0], [2.0, 2.001]]))


def test_faces_of_all_windows_lie_one_after_the_other() -> None:
    batch = windows([MadeClip(10, 4, unseen=[1]), MadeClip(50, 3, unseen=[0, 1, 2])], 3)[[0, 2, 1]]
    assert batch.images is not None and batch.frame_image is not None
    # Window (0, 0) has frames 0 and 2, (1, 0) has no face, (0, 3) has frame 3 and padding.
    assert batch.frame_image.tolist() == [[0, -1, 1], [-1, -1, -1], [2, -1, -1]]
    assert batch.images[:, 0, 0, 0].tolist() == [10, 12, 13]
    assert batch.images.dtype == torch.uint8


def test_a_sentence_is_encoded_once_and_each_frame_points_at_its_own() -> None:
    one = MadeClip(1, 4, spoken={0: 1, 1: 1, 3: 0}, texts=("yes", "no"))
    two = MadeClip(2, 4, spoken={0: 0, 2: 1}, texts=("no", "maybe"))
    asked: list[list[str]] = []

    def encode(texts: Sequence[str]) -> Sentences:
        asked.append(list(texts))
        return Sentences(torch.ones(len(texts), 1, dtype=torch.bool))

    batch = windows([one, two], 4, Looks(encode))[[0, 1]]
    assert asked == [["no", "yes", "maybe"]]
    assert batch.frame_sentence is not None
    assert batch.frame_sentence.tolist() == [[0, 0, -1, 1], [0, -1, 2, -1]]
    assert batch.presence[..., 0].tolist() == [[True, True, False, True], [True, False, True, False]]
    assert (batch.audio, batch.images, batch.features) == (None, None, None)


def test_gold_that_is_not_there_is_masked() -> None:
    gold = np.array([[NaN, 0.5], [0.25, NaN]], np.float32)
    batch = windows([MadeClip(1, 2, gold=gold)], 2)[[0]]
    assert batch.gold.tolist() == [[[0, 0.5], [0.25, 0]]]
    assert batch.mask.tolist() == [[[False, True], [True, False]]]


@pytest.mark.parametrize(
    ("dimensions", "gold", "mask"),
    [
        (("arousal",), [[0.01, 0.0]], [[True, False]]),
        (("liking", "valence"), [[0.0, -0.01]], [[False, True]]),
        (("valence", "arousal"), [[0.01, -0.01]], [[True, True]]),
    ],
)
def test_dimensions_find_their_column(
    dimensions: tuple[str, ...], gold: list[list[float]], mask: list[list[bool]]
) -> None:
    batch = windows([MadeClip(1, 2, dimensions=dimensions)], 1)[[1]]
    torch.testing.assert_close(batch.gold[0], torch.tensor(gold))
    assert batch.mask[0].tolist() == mask


def test_a_row_below_0_does_not_count() -> None:
    cut = windows([MadeClip(1, 4)], 2)
    counts, not_ = cut[[1]], cut[[-2]]
    assert torch.equal(counts.gold, not_.gold)
    assert counts.mask.all() and not not_.mask.any()


def test_the_negative_control_takes_sound_and_faces_from_another_recording() -> None:
    own = MadeClip(10, 5, spoken={4: 0}, texts=("mine",), turns=[0] * 5)
    longer = MadeClip(50, 8, unheard=[4], unseen=[3, 4], turns=[1] * 8)
    batch = windows([own, longer], 3, shuffled=0)[[1]]  # own's frames 3 and 4, and padding
    torch.testing.assert_close(batch.gold[0, :, 0], torch.tensor([0.03, 0.04, 0.0]))
    assert batch.frame_sentence is not None and batch.frame_sentence.tolist() == [[-1, 0, -1]]
    assert batch.audio is not None and batch.images is not None
    torch.testing.assert_close(batch.audio[0, :2, 0], torch.tensor([50.003, 50.004]))
    assert batch.presence[0].tolist() == [[False, True, False], [True, False, False], [False] * 3]
    assert len(batch.images) == 0
    assert batch.speaker.tolist() == [[1, 1, 0]]  # whose turn it is belongs to the sound
    # The other way about there are frames too few: at its end the shorter one's last ones are taken.
    back = windows([own, longer], 3, shuffled=0)[[4]]  # longer's frames 6 and 7
    assert back.audio is not None
    torch.testing.assert_close(back.audio[0, :, 0], torch.tensor([10.003, 10.004, 0.0]))
    torch.testing.assert_close(back.gold[0, :, 0], torch.tensor([0.06, 0.07, 0.0]))


class Known:
    """Features of frame t of recording m: m + t / 1000, twice."""

    def __call__(self, clip: PreparedClip, first: int, count: int) -> np.ndarray:
        assert isinstance(clip, MadeClip)
        t = np.arange(first, min(len(clip), first + count))
        return np.repeat((clip.mark + t / 1000)[:, None], 2, 1).astype(np.float32)


@pytest.mark.parametrize("shuffled", [None, 0])
@pytest.mark.parametrize("lengths", [(5, 8), (8, 5), (6, 6), (7, 2)])
def test_kept_features_are_of_the_very_frames_that_are_looked_at(
    lengths: tuple[int, int], shuffled: int | None
) -> None:
    looks = Looks(None, audio=True, features={"visual": Known(), "text": Known()})
    own = [MadeClip(10 * (k + 1), length) for k, length in enumerate(lengths)]
    cut = windows(own, 3, looks, shuffled)
    for row, (k, first) in enumerate(cut.windows):
        batch = cut[[row]]
        assert batch.features is not None and batch.audio is not None
        # Sound and visual features tell the same recording and frame; text is always one's own.
        torch.testing.assert_close(batch.features["visual"][0, :, 0], batch.audio[0, :, 0])
        count = min(3, lengths[k] - first)
        mine = torch.tensor([own[k].mark + (first + t) / 1000 for t in range(count)] + [0.0] * (3 - count))
        torch.testing.assert_close(batch.features["text"][0, :, 1], mine)
        assert torch.equal(batch.features["visual"], batch.features["text"]) is (shuffled is None)


def test_one_recording_has_no_other() -> None:
    with pytest.raises(CorpusError, match=r"data\.shuffled: there is one recording alone"):
        windows([MadeClip(1, 4)], 2, shuffled=0)


@given(st.integers(2, 60), st.integers(0, 2**32))
def test_nobody_is_their_own_other(count: int, seed: int) -> None:
    found = others(count, seed)
    assert sorted(found) == list(range(count))
    assert all(one != k for k, one in enumerate(found))


@given(st.integers(1, 40), st.integers(1, 50), st.integers(0, 5), st.integers(1, 4))
def test_an_epoch_has_each_window_once(count: int, batch: int, epoch: int, ranks: int) -> None:
    shares = [list(Epochs(count, batch, 0, rank=rank, ranks=ranks).at(epoch)) for rank in range(ranks)]
    assert {len(share) for share in shares} == {-(-count // min(batch, count))}
    taken = [row for share in shares for rows in share for row in rows if row >= 0]
    assert sorted(taken) == list(range(count))
    assert all(rows for share in shares for rows in share)  # nobody is left without a batch
    assert max(len(rows) for rows in shares[0]) <= batch


def test_fewer_windows_than_a_batch_are_one_step() -> None:
    epochs = Epochs(3, 20, seed=0)
    assert (epochs.steps, [sorted(rows) for rows in epochs]) == (1, [[0, 1, 2]])
    assert len(list(Epochs(30, 4, 0, steps=2).at(1))) == 2


def test_windows_without_a_word_or_a_face_go_through() -> None:
    torch.manual_seed(0)
    reader = Reader(text_encoder("words:6", ["good day"]), None)
    sizes = MultimodalConfig(
        TextConfig(width=6, ngram_maps=2, projection=4, hidden=2),
        head=HeadConfig(hidden=3),
        modalities=("text",),
    )
    learner = Learner(sizes, reader.learned)
    cut = windows(
        [MadeClip(1, 2), MadeClip(2, 2, spoken={0: 0}, texts=("bad night",))], 2, Looks(reader.read)
    )
    for mode in (True, False):
        y = learner.train(mode)(cut[[0]]).y
        assert y.shape == (1, 2, 2) and torch.isfinite(y).all()
    # Unknown words are words all the same: this frame is not the one that nobody speaks in.
    heard = learner(cut[[1]])
    assert heard.fused.x[0, 0].abs().sum() > 0 and heard.fused.x[0, 1].abs().sum() == 0
