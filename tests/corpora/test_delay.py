"""Annotation delay: moved exactly, in one place, and found where one was planted."""

import wave
from pathlib import Path
from types import SimpleNamespace
from typing import cast
from unittest.mock import MagicMock

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from affekt.cli import affekt
from affekt.corpora.corpus import Corpus
from affekt.corpora.gold.delay import Delays, Found, earlier, grid, later, parse, search, spell
from affekt.corpora.gold.probe import deal, probe, read_cues
from affekt.corpora.prepared.build import prepare
from affekt.corpora.prepared.dataset import Dataset, PreparedClip, open_prepared
from affekt.errors import CorpusError
from affekt.timeline import ClipSpec, Gold, Partition, Recording

NAN = float("nan")
VALUES = np.array([[0.1, 0.5], [0.2, 0.6], [0.3, 0.7], [0.4, 0.8]], np.float32)


def test_gold_moves_earlier_and_its_tail_is_masked() -> None:
    moved = earlier(VALUES, [0.2, 0.0])
    np.testing.assert_array_equal(
        moved, np.array([[0.3, 0.5], [0.4, 0.6], [NAN, 0.7], [NAN, 0.8]], np.float32)
    )
    assert moved.dtype == np.float32 and VALUES[0, 0] == np.float32(0.1)


def test_predictions_move_back_and_their_head_holds_the_first_value() -> None:
    moved = later(VALUES, [0.1, 0.3])
    np.testing.assert_array_equal(
        moved, np.array([[0.1, 0.5], [0.1, 0.5], [0.2, 0.5], [0.3, 0.5]], np.float32)
    )


def test_a_delay_is_rounded_to_frames_half_up() -> None:
    assert [earlier(VALUES, [s, 0.0])[0, 0] for s in (0.04, 0.05, 0.149, 0.15)] == pytest.approx(
        [0.1, 0.2, 0.2, 0.3]
    )


def test_a_delay_beyond_the_end_leaves_no_label() -> None:
    assert np.isnan(earlier(VALUES, [0.4, 9.0])).all()
    np.testing.assert_array_equal(later(VALUES, [9.0, 0.4]), np.tile(VALUES[:1], (4, 1)))
    assert earlier(VALUES[:0], [1.0, 1.0]).shape == later(VALUES[:0], [1.0, 1.0]).shape == (0, 2)


@pytest.mark.parametrize("seconds", [[1.0], [-0.1, 0.0]])
def test_misuse_is_refused(seconds: list[float]) -> None:
    for move in (earlier, later):
        with pytest.raises(ValueError, match="delay"):
            move(VALUES, seconds)


@given(arrays(np.float64, (9, 2), elements=st.floats(-1, 1)), st.floats(0, 1.2), st.floats(0, 1.2))
def test_back_after_earlier_is_what_it_was(values: np.ndarray, one: float, other: float) -> None:
    back = later(earlier(values, [one, other]), [one, other])
    for column, seconds in enumerate((one, other)):
        first = min(9, int(np.floor(10 * seconds + 0.5 + 1e-9)))
        np.testing.assert_array_equal(back[first:, column], values[first:, column])


def test_gold_for_training() -> None:
    gold = Gold(VALUES, ("valence", "arousal"))
    moved = Delays({"arousal": 0.1, "liking": 3.0}).for_training(gold)
    assert moved.values[:, 0].tolist() == VALUES[:, 0].tolist()
    assert moved.values[:3, 1].tolist() == VALUES[1:, 1].tolist() and np.isnan(moved.values[3, 1])
    # One label for the whole recording lies nowhere, so it is not moved.
    whole = Gold(VALUES[:1], ("valence", "arousal"), whole=True)
    assert Delays({"arousal": 2.0}).for_training(whole) is whole


def test_both_delays_at_once_ask_for_a_yes() -> None:
    with pytest.raises(CorpusError, match="at once make up twice"):
        Delays({"arousal": 2.0, "valence": 0.0}, text=5)
    assert Delays({"arousal": 2.0}, text=5, both=True).text == 5
    # A delay of no frames is none.
    assert Delays({"arousal": 0.04}, text=5).of(("valence", "arousal")) == (0.0, 0.04)
    assert Delays({"arousal": 2.0}).text == 0


@pytest.mark.parametrize(
    ("annotation", "text"), [({"arousal": -0.1}, 0), ({"valence": 31}, 0), ({}, -1), ({}, 301)]
)
def test_delays_out_of_range_are_refused(annotation: dict[str, float], text: int) -> None:
    with pytest.raises(CorpusError, match="is not between 0 and"):
        Delays(annotation, text)
    with pytest.raises(CorpusError):
        Delays({"arousal": NAN})


def test_delays_are_read_as_they_are_spelt() -> None:
    assert parse("valence=0.8") == {"valence": 0.8}
    assert parse(spell({"arousal": 2.3, "valence": 0.8})) == {"arousal": 2.3, "valence": 0.8}
    for text in ("", "arousal", "arousal=", "=2", "arousal=2;valence=1", "arousal=1,arousal=2", "nan"):
        with pytest.raises(CorpusError, match="is no annotation delay"):
            parse(text)


def test_the_grid_is_whole_frames() -> None:
    assert grid(0.3).tolist() == [0.0, 0.1, 0.2, 0.3]
    assert len(grid()) == 81 and grid()[-1] == 8.0
    assert grid(1.0, 0.25).tolist() == [0.0, 0.3, 0.5, 0.8, 1.0]
    with pytest.raises(CorpusError):
        grid(0.0)


# Searching

DIMENSIONS = ("arousal", "valence")


def planted(recordings: int, frames: int, noise: float, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """(what happens (T, 2), gold (T, 2)): annotators 2.3 s late for arousal, 0.8 s for valence, and noisy."""
    rng = np.random.default_rng(seed)
    made = []
    for _ in range(recordings):
        smooth = [np.convolve(rng.normal(size=frames + 100), np.hanning(15), "same") for _ in DIMENSIONS]
        happening = np.stack(smooth, axis=1) / 4
        gold = np.stack([happening[100 - 23 : -23, 0], happening[100 - 8 : -8, 1]], axis=1)
        made.append((happening[100:], gold + noise * rng.normal(size=gold.shape)))
    return made


def test_a_planted_delay_is_found_from_predictions() -> None:
    made = planted(4, 600, noise=0.3, seed=1)
    rng = np.random.default_rng(2)
    predictions = [truth + 0.3 * rng.normal(size=truth.shape) for truth, _ in made]
    arousal, valence = search(predictions, [gold for _, gold in made], grid(), DIMENSIONS)
    assert (arousal.dimension, valence.dimension) == DIMENSIONS
    assert abs(arousal.delay - 2.3) < 0.11 and abs(valence.delay - 0.8) < 0.11
    assert arousal.remarks == () and arousal.ccc > arousal.curve[0] and arousal.n_frames == 4 * (600 - 80)
    # Moved back by what was found, the best delay is none.
    moved = [later(one, [arousal.delay, valence.delay]) for one in predictions]
    again = search(moved, [gold for _, gold in made], grid(), DIMENSIONS)
    assert [one.delay for one in again] == [0.0, 0.0]


def test_a_planted_delay_is_found_by_the_probe() -> None:
    rng = np.random.default_rng(3)
    mixing = rng.normal(size=(2, 6))

    def cues(truth: np.ndarray) -> np.ndarray:
        seen = truth @ mixing + 0.5 * rng.normal(size=(len(truth), 6))
        seen[rng.random(len(truth)) < 0.1] = NAN  # a modality that comes and goes
        return np.hstack([seen, rng.normal(size=(len(truth), 3)), np.ones((len(truth), 1))])

    folds = [[(cues(x), y) for x, y in planted(3, 600, noise=0.3, seed=seed)] for seed in range(4, 8)]
    folds[0][0][1][50:90, 0] = NAN
    arousal, valence = probe([*folds, []], grid(), DIMENSIONS)
    assert abs(arousal.delay - 2.3) < 0.11 and abs(valence.delay - 0.8) < 0.11
    assert arousal.ccc > 0.3 and arousal.remarks == ()
    # Cues that do not know of it find nothing, and say so.
    assert (arousal.n_recordings, arousal.n_frames) == (12, 12 * 520 - 10)
    blind = [[(rng.normal(size=(600, 4)), y) for _, y in fold] for fold in folds]
    for one in probe(blind, grid(), DIMENSIONS):
        assert one.ccc < 0.1 and "is below 0.15" in one.remarks[0]


def test_folds_share_nobody() -> None:
    def clip(partition: str | None, speaker: str | None, group: str | None) -> PreparedClip:
        entry = SimpleNamespace(partition=partition, speaker=speaker, group=group)
        return cast("PreparedClip", MagicMock(entry=entry, **{"__len__.return_value": 9}))

    clips = [clip("train", f"s{k % 12}", f"g{k % 12 // 2}") for k in range(24)]
    folds = deal(clips, Path())
    assert len(folds) == 6 and sorted(map(len, folds)) == [4] * 6
    for fold in folds:
        assert len({one.entry.group for one in fold}) == 1
    # Of people who are not known, the corpus' own partitions are kept apart.
    unknown = [clip(part, None, None) for part in ("train", "devel", "train")]
    assert sorted(map(len, deal(unknown, Path()))) == [1, 2]
    with pytest.raises(CorpusError, match="made: all recordings belong together"):
        deal([clip(None, None, None)] * 3, Path("made"))


def test_every_candidate_is_judged_on_the_same_gold() -> None:
    # The gold's first frame would have nothing to be compared with at .1 s, so it counts at 0 neither.
    gold = np.array([[9.0], [1.0], [2.0], [4.0]])
    prediction = np.array([[1.0], [2.0], [4.0], [7.0]])
    (found,) = search([prediction], [gold], np.array([0.0, 0.1]), ("arousal",))
    # At 0: (2, 4, 7) and (1, 2, 4), whose means differ by 2; at .1 s both are (1, 2, 4).
    x, y = np.array([2.0, 4.0, 7.0]), np.array([1.0, 2.0, 4.0])
    expected = 2 * np.mean((x - x.mean()) * (y - y.mean())) / (x.var() + y.var() + 4)
    assert found.curve.tolist() == pytest.approx([expected, 1.0])
    assert found.delay == 0.1 and found.n_frames == 3
    assert found.remarks == ("the best is the longest that was tried",)
    assert found.n_recordings == 1 and found.few.startswith("only 3 frames of 1 recording were compared")


def test_a_flat_curve_and_no_agreement_are_said() -> None:
    candidates = np.arange(31) / 10
    flat = Found("arousal", candidates, np.full(31, 0.4), 100, 1)
    assert flat.delay == 0.0 and flat.near == (0.0, 3.0)
    assert flat.remarks[0] == "the best is the shortest that was tried" and "flat" in flat.remarks[1]
    none = Found("arousal", candidates, -candidates, 100, 1)
    assert none.remarks[0] == "the best CCC, 0.000, is below 0.15, as noise may have it"
    curve = np.exp(-((candidates - 1.0) ** 2))
    peak = Found("arousal", candidates, curve, 6_000, 6)
    assert peak.delay == 1.0 and peak.near == (0.9, 1.1) and peak.remarks == () and peak.few == ""
    assert (
        Found("arousal", candidates, curve, 6_000, 5).few
        and Found("arousal", candidates, curve, 5_999, 6).few
    )
    low = Found("arousal", candidates, 0.14 * curve, 6_000, 6)
    assert low.remarks == ("the best CCC, 0.140, is below 0.15, as noise may have it",)


def test_what_cannot_be_searched_is_said() -> None:
    short = np.zeros((20, 1))
    with pytest.raises(CorpusError, match="no recording is longer than 2 s"):
        search([short], [short], grid(2.0), ("arousal",))
    with pytest.raises(
        CorpusError, match=r"fewer than two groups .* have a label of arousal after their first 2 s"
    ):
        probe([[(short, short)], [(short, short)]], grid(2.0), ("arousal",))
    blank = np.full((40, 1), NAN)
    with pytest.raises(CorpusError, match="has a label of arousal after its first 2 s"):
        search([np.zeros((40, 1))], [blank], grid(2.0), ("arousal",))
    with pytest.raises(CorpusError, match=r"fewer than two groups .* have a label of arousal"):
        full = (np.zeros((40, 1)), np.ones((40, 1)))
        probe([[full], [(full[0], blank)]], grid(2.0), ("arousal",))


# From sound to delay


def test_the_delay_of_prepared_recordings_is_found(tmp_path: Path) -> None:
    rng = np.random.default_rng(6)
    recordings = []
    for number in range(6):
        loud = np.clip(np.convolve(rng.normal(size=300), np.hanning(12), "same") / 6, -1, 1)
        noise = rng.normal(size=(300, 800)) * 0.05 * 10 ** loud[:, None]
        path = tmp_path / f"{number}.wav"
        with wave.open(str(path), "wb") as file:
            file.setparams((1, 2, 8_000, 0, "NONE", ""))
            file.writeframes((np.clip(noise, -1, 1) * 32_767).astype("<i2").tobytes())
        gold = Gold(np.stack([np.roll(loud, 12)], axis=1).astype(np.float32), ("arousal",))
        partition: Partition = "train" if number < 4 else "devel"
        recordings.append(Recording(path, (), name=str(number), partition=partition, gold=gold))
    settings = Dataset(
        "", ClipSpec(sample_rate=8_000, window=1_000, image_size=32), delays=Delays({"arousal": 5.0})
    )
    prepare(Corpus("made", tmp_path, tuple(recordings)), tmp_path / "out", settings)
    result = CliRunner().invoke(affekt, ["delay", str(tmp_path / "out"), "--longest", "4"])
    # Found in unmoved gold, whatever delay it was prepared for.
    assert result.exit_code == 0 and "--annotation-delay arousal=1.2\n" in result.output, result.output
    assert "warning: only 1,560 frames of 6 recordings were compared" in result.stderr
    assert "no confidence interval" in result.output and "no delay is suggested" not in result.output
    clip = open_prepared(tmp_path / "out")[0]
    cues = read_cues(clip, 8_000)
    assert cues.shape == (300, 78)
    assert np.isfinite(cues[:, :5]).all()  # bands up to 4 kHz; no face
    assert np.isnan(cues[:, 10:]).all() and cues[:, 6:10].tolist() == [[1, 1, 0, 0]] * 300
