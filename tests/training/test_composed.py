"""Composed sequences: one person each, sometimes a partner, gold that follows what is said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from affekt.timeline import ClipSpec
from affekt.training.default import data
from affekt.training.default.composed import (
    FACE_VERSIONS,
    MISTAKEN,
    NEAREST,
    Composed,
    Composer,
    nearest,
    ranks,
)
from affekt.training.default.data import Speech, read_speech

RATE = 8_000
SPEC = ClipSpec(sample_rate=RATE, window=1_000, image_size=32)
DRAWS = 60


def speech(speakers: int, spread: float = 0.0) -> list[Speech]:
    """Two utterances a speaker, of his own height and about his own place in the circumplex."""
    made = []
    for s in range(speakers):
        for i, seconds in enumerate((1.5, 2.5)):
            time = np.arange(int(seconds * RATE)) / RATE
            samples = (0.3 * np.sin(2 * np.pi * 100 * (s + 1) * time)).astype(np.float32)
            gold = np.array([-0.8 + 0.3 * s, 0.5 - 0.2 * s], np.float32) + spread * (-1) ** i
            made.append(Speech(f"{s}-{i}", "made", f"speaker {s}", "calm", samples, RATE, gold))
    return made


def grid(n: int, scale: float = 1.0) -> np.ndarray:
    """n × n places over the circumplex."""
    line = np.linspace(-scale, scale, n)
    return np.stack(np.meshgrid(line, line), -1).reshape(-1, 2)


def composer(spread: float = 0.0, speakers: int = 4) -> Composer:
    sentences = grid(12, 0.2)
    sentences[::7] = np.nan
    return Composer(speech(speakers, spread), grid(15), sentences, SPEC)


def place(gold: np.ndarray) -> tuple[float, ...]:
    """A place in the circumplex as a key."""
    return tuple(np.round(gold.astype(float), 4).tolist())


@pytest.fixture(scope="module")
def drawn() -> list[Composed]:
    made, draw = composer(), np.random.default_rng(0)
    return [made.draw(draw) for _ in range(DRAWS)]


def test_lengths(drawn: list[Composed]) -> None:
    lengths = [len(one.gold) for one in drawn]
    # The last utterance is let out, with the pause behind it.
    assert min(lengths) >= 200 and max(lengths) <= 600 + 10 * (2.5 + 1.2)
    assert max(lengths) - min(lengths) > 200
    for one in drawn:
        n = len(one.gold)
        assert one.sound.shape == (n, SPEC.window) and one.gold.shape == (n, 2)
        for array in (one.has_sound, one.speaker, one.frame_face, one.frame_sentence):
            assert array.shape == (n,)


def test_one_person_each(drawn: list[Composed]) -> None:
    """Every speaker has one place here, so the gold of a sequence is that place throughout: none but his."""
    places = {place(u.gold) for u in speech(4)}
    met = set()
    for one in drawn:
        (everywhere,) = {place(row) for row in one.gold}
        met.add(everywhere)
    assert met == places


def test_a_third_has_a_partner(drawn: list[Composed]) -> None:
    share = np.mean([(one.speaker == 1).any() for one in drawn])
    assert 0.2 < share < 0.5
    assert {0, 1} == set(np.concatenate([one.speaker for one in drawn]).tolist())


def test_alone_all_is_the_subjects() -> None:
    made, draw = composer(speakers=1), np.random.default_rng(0)
    assert all((made.draw(draw).speaker == 0).all() for _ in range(9))


def test_gold_is_smoothed() -> None:
    made, draw = composer(spread=0.3), np.random.default_rng(1)
    for _ in range(10):
        gold = made.draw(draw).gold
        step = np.abs(np.diff(gold, axis=0)).max()
        assert 0 < step <= 0.6 / 5 + 1e-6, "a jump of 0.6 is spread over half a second"
        assert gold.min() >= -1.1 and gold.max() <= 0.8


def test_faces_and_sentences_are_near_in_meaning(drawn: list[Composed]) -> None:
    made, faces, sentences = composer(), grid(15), grid(12, 0.2)
    allowed = {}
    for i, u in enumerate(made.speech):
        allowed[place(u.gold)] = set(made.faces[i].tolist()), set(made.sentences[i].tolist())
    for one in drawn:
        near_faces, near_sentences = allowed[place(one.gold[0])]
        shown = one.frame_face[one.frame_face >= 0]
        assert set((shown // FACE_VERSIONS).tolist()) <= near_faces
        assert set(one.frame_sentence[one.frame_sentence >= 0].tolist()) <= near_sentences
        assert shown.max() < len(faces) * FACE_VERSIONS and one.frame_sentence.max() < len(sentences)
    words = np.arange(len(sentences))[::7]
    assert not np.isin(np.concatenate([one.frame_sentence for one in drawn]), words).any()


def test_something_is_missing_now_and_then(drawn: list[Composed]) -> None:
    for name in ("frame_face", "frame_sentence"):
        present = np.concatenate([getattr(one, name) for one in drawn]) >= 0
        assert 0.3 < present.mean() < 1
    assert np.concatenate([one.has_sound for one in drawn]).mean() > 0.8


def test_the_seed_decides() -> None:
    one, same, other = (composer(0.2).draw(np.random.default_rng(seed)) for seed in (3, 3, 4))
    for name, value in vars(one).items():
        np.testing.assert_array_equal(value, vars(same)[name])
    assert len(one.gold) != len(other.gold) or not np.array_equal(one.gold, other.gold)


def test_ranks_by_hand() -> None:
    values = np.array([[3.0, 1], [1, 1], [2, 1], [9, 5]])
    assert ranks(values).tolist() == [[0.625, 0.375], [0.125, 0.375], [0.375, 0.375], [0.875, 0.875]]


def test_nearest_is_nearest() -> None:
    draw = np.random.default_rng(0)
    wanted, offered = draw.standard_normal((5, 2)), draw.standard_normal((80, 2))
    distance = ((wanted[:, None] - offered[None]) ** 2).sum(-1)
    np.testing.assert_array_equal(nearest(wanted, offered), np.argsort(distance, 1)[:, :NEAREST])


def test_train_and_devel_share_no_speaker(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data, "read_samples", lambda path: (np.zeros(1, np.float32), RATE))
    train, devel = (read_speech(shared / "data", split) for split in ("train", "devel"))
    assert len(train) > 1000 and len(devel) > 300
    assert not {u.speaker for u in train} & {u.speaker for u in devel}
    # A speaker's name stands for one voice in all corpora: the composer goes by the name alone.
    for utterances in (train, devel):
        pairs = {(u.speaker, u.corpus) for u in utterances}
        assert len(pairs) == len({speaker for speaker, _ in pairs})
    assert all(np.abs(u.gold).max() <= 1 for u in (*train, *devel))


def test_some_training_utterances_stand_for_another_feeling() -> None:
    """Heard as acted they follow the speaker's own two places; misheard, others' places come up as well."""

    def places(misheard: float) -> set[tuple[float, ...]]:
        said = speech(4, 0.1)
        made = Composer(said, grid(15), grid(12, 0.2), SPEC, misheard)
        draw, found = np.random.default_rng(1), set()
        for _ in range(6):
            one = made.draw(draw)
            own = {place(u.gold) for u in said if u.speaker == one.subject}
            known = {place(u.gold) for u in said}
            # Joins are smoothed; the places themselves are known ones.
            found |= ({place(g) for g in one.gold} & known) - own
        return found

    assert places(0.0) == set()
    assert len(places(0.6)) > 1


def test_mishearing_is_likelier_among_near_arousals() -> None:
    said = speech(4)  # arousal −.8, −.5, −.2, .1
    made = Composer(said, grid(15), grid(12, 0.2), SPEC, misheard=1.0)
    draw = np.random.default_rng(2)
    meant = np.array([said[made._taken(0, 1.0, MISTAKEN, draw)].gold[0] for _ in range(400)]).round(1)
    counts = [int((meant == np.float32(a).round(1)).sum()) for a in (-0.8, -0.5, -0.2, 0.1)]
    assert counts == sorted(counts, reverse=True) and counts[0] > 4 * counts[2]


def test_a_misseen_face_changes_nothing_else() -> None:
    said = speech(4)
    whole, some = (Composer(said, grid(15), grid(12, 0.2), SPEC, misseen=share) for share in (0.0, 0.5))
    one, other = (made.draw(np.random.default_rng(7)) for made in (whole, some))
    assert np.array_equal(one.sound, other.sound) and np.array_equal(one.gold, other.gold)
    assert np.array_equal(one.frame_sentence, other.frame_sentence)
    assert np.array_equal(one.frame_face < 0, other.frame_face < 0)
    changed = (one.frame_face != other.frame_face)[one.frame_face >= 0].mean()
    assert 0.1 < changed < 0.8


def test_faces_of_other_feelings_come_up_where_they_are_misseen() -> None:
    """As composed otherwise, each face is one of the nearest to what was said."""
    said, faces = speech(4), grid(15)
    own = nearest(np.stack([s.gold for s in said]), faces)

    def strange(misseen: float) -> bool:
        made, draw = Composer(said, faces, grid(12, 0.2), SPEC, misseen=misseen), np.random.default_rng(3)
        rows: set[int] = set()
        for _ in range(10):
            one = made.draw(draw)
            of_subject = [i for i, s in enumerate(said) if s.speaker == one.subject]
            shown = set((one.frame_face[one.frame_face >= 0] // FACE_VERSIONS).tolist())
            rows |= shown - set(own[of_subject].ravel().tolist())
        return bool(rows)

    assert not strange(0.0)
    assert strange(0.5)
