"""Predictions and gold in every layout, brought to the same rows; lengths and gaps are never passed over."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from itertools import product
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest

from affekt.corpora.compare.clusters import clusters_of, gathered, read_groups
from affekt.corpora.compare.pairs import Pad, Pair, Pairing, pair_up
from affekt.corpora.compare.sides import read_side
from affekt.corpora.corpus import Fault
from affekt.errors import CorpusError
from affekt.timeline import Recording

NAMES = ("Devel_01", "Devel_02")
Layout = Callable[[Path, str, np.ndarray], None]


def values_of(name: str, rows: int = 30, seed: int = 0) -> np.ndarray:
    """(rows, 2) of arousal and valence with four decimals."""
    rng = np.random.default_rng([seed, *name.encode()])
    return np.round(rng.uniform(-0.9, 0.9, (rows, 2)), 4)


def save(path: Path, lines: Sequence[str], end: str = "\n") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(end.join(lines) + end, encoding="utf-8", newline="")


def affekts_own(root: Path, name: str, values: np.ndarray) -> None:
    rows = [f"{name}.avi,{k / 10:.1f},{a:.6f},{v:.6f},1,0,1" for k, (a, v) in enumerate(values)]
    save(root / f"{name}.csv", ["name,time,arousal,valence,text,audio,visual", *rows])


def avec_2017(root: Path, name: str, values: np.ndarray) -> None:
    rows = [f"'{name}';{k / 10:.6f};{a:.6f};{v:.6f};0.100000" for k, (a, v) in enumerate(values)]
    save(root / f"{name}.csv", rows)


def avec_2019(root: Path, name: str, values: np.ndarray) -> None:
    rows = [f"'{name}';{k / 10:.6f};{a:.6f};{v:.6f};0.100000" for k, (a, v) in enumerate(values)]
    save(root / f"{name}.csv", ["name;timestamp;arousal;valence;liking", *rows])


def avec_2018_submission(root: Path, name: str, values: np.ndarray) -> None:
    for place, dimension in enumerate(("arousal", "valence")):
        rows = [f"'{name}';{k / 10:.6f};{v:.6f}" for k, v in enumerate(values[:, place])]
        save(root / dimension / f"{name}.csv", rows)


def arff(root: Path, name: str, values: np.ndarray) -> None:
    head = ["@relation GOLDSTANDARD", "", "@attribute Instance_name string", "@attribute frameTime numeric"]
    head += ["@attribute GoldStandard numeric", "", "@data"]
    for place, dimension in enumerate(("arousal", "valence")):
        rows = [f"{name},{k / 10:g},{v:.6f}" for k, v in enumerate(values[:, place])]
        save(root / dimension / f"{name}.arff", [*head, *rows], end="\r\n")


def muse(root: Path, name: str, values: np.ndarray) -> None:
    for place, dimension in enumerate(("arousal", "valence")):
        rows = [f"{100 * k},1,{v:.4f}" for k, v in enumerate(values[:, place])]
        save(root / dimension / f"{name}.csv", ["timestamp,segment_id,value", *rows])


TIMED: dict[str, Layout] = {
    one.__name__: one for one in (affekts_own, avec_2017, avec_2019, avec_2018_submission, arff, muse)
}


def aff_wild2(root: Path, name: str, values: np.ndarray) -> None:
    rows = ["-5,-5" if np.isnan(a) else f"{v:.4f},{a:.4f}" for a, v in values]
    save(root / f"{name}.txt", ["valence,arousal", *rows])


def abaw_submission(root: Path, name: str, values: np.ndarray) -> None:
    path = root / "submission.txt"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    rows = [f"{name}/{k + 1:05}.jpg,{v:.4f},{a:.4f}" for k, (a, v) in enumerate(values) if not np.isnan(a)]
    save(path, [*(lines or ["image_location,valence,arousal"]), *rows])


UNTIMED: dict[str, Layout] = {one.__name__: one for one in (aff_wild2, abaw_submission)}


def compared(tmp_path: Path, pad: Pad | None = None, **more: Any) -> Pairing:
    predictions, gold = read_side(tmp_path / "predictions"), read_side(tmp_path / "gold")
    return pair_up(predictions, gold, pad=pad, **more)


def errors(pairing: Pairing) -> list[Fault]:
    return [fault for fault in pairing.faults if fault.severity == "error"]


def one_pair(tmp_path: Path, x: np.ndarray, y: np.ndarray, pad: Pad | None = None) -> Pair:
    affekts_own(tmp_path / "predictions", "talk", x)
    avec_2017(tmp_path / "gold", "talk", y)
    pairing = compared(tmp_path, pad)
    if wrong := errors(pairing):
        raise CorpusError(str(wrong[0]))
    return pairing.pairs[0]


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [(TIMED[a], TIMED[b]) for a, b in product(TIMED, TIMED)]
    + [(UNTIMED[a], UNTIMED[b]) for a, b in product(UNTIMED, UNTIMED)],
    ids=lambda one: one.__name__,
)
def test_every_layout_beside_every_other(ours: Layout, theirs: Layout, tmp_path: Path) -> None:
    for name in NAMES:
        ours(tmp_path / "predictions", name, values_of(name, seed=1))
        theirs(tmp_path / "gold", name, values_of(name))
    pairing = compared(tmp_path, dimensions=("arousal", "valence"))
    assert [str(fault) for fault in pairing.faults] == []
    assert [pair.recording.name for pair in pairing.pairs] == list(NAMES)
    for pair in pairing.pairs:
        name = pair.recording.name
        np.testing.assert_allclose(pair.predictions, values_of(name, seed=1), atol=1e-6)
        np.testing.assert_allclose(pair.gold, values_of(name), atol=1e-6)
        assert pair.rows == ("pictures" if theirs.__name__ in UNTIMED else "0.1 s")


def test_dimensions_are_what_both_have(tmp_path: Path) -> None:
    for folder, layout in (("a", affekts_own), ("b", avec_2019), ("c", avec_2017)):
        layout(tmp_path / folder, "talk", values_of("talk"))
    a, b, c = (read_side(tmp_path / folder) for folder in "abc")
    assert pair_up(a, b).dimensions == ("arousal", "valence")
    assert pair_up(b, c).dimensions == ("arousal", "valence", "liking")
    assert pair_up(b, c, dimensions=("liking",)).pairs[0].gold.shape == (30, 1)
    (fault,) = pair_up(a, b, dimensions=("valence", "liking")).faults
    assert str(fault) == f"{tmp_path / 'a' / 'talk.csv'}: has no column liking; --dimension chooses others"


def test_a_longer_prediction_is_cropped_and_counted(tmp_path: Path) -> None:
    x, y = values_of("x", 37), values_of("y", 30)
    pair = one_pair(tmp_path, x, y)
    assert (pair.cropped, pair.masked, pair.held) == (7, 0, 0)
    np.testing.assert_allclose(pair.predictions, x[:30], atol=1e-6)


def test_two_rows_too_short_do_not_count(tmp_path: Path) -> None:
    pair = one_pair(tmp_path, values_of("x", 28), values_of("y", 30))
    assert (pair.cropped, pair.masked, pair.held) == (0, 2, 0)
    assert np.isnan(pair.gold[28:]).all() and not np.isnan(pair.gold[:28]).any()


def test_three_rows_too_short_ask_what_to_do(tmp_path: Path) -> None:
    x, y = values_of("x", 27), values_of("y", 30)
    with pytest.raises(CorpusError, match=r"talk\.csv: ends 3 rows before the gold; --pad last holds"):
        one_pair(tmp_path, x, y)
    masked, held = one_pair(tmp_path, x, y, "mask"), one_pair(tmp_path, x, y, "last")
    assert (masked.masked, masked.held) == (3, 0)
    assert np.isnan(masked.predictions[27:]).all()
    assert (held.masked, held.held) == (0, 3)
    np.testing.assert_allclose(held.predictions[27:], [x[26]] * 3, atol=1e-6)


def test_a_gap_in_a_prediction_asks_what_to_do(tmp_path: Path) -> None:
    x, y = values_of("x"), values_of("y")
    x[[0, 5, 6]] = np.nan
    with pytest.raises(
        CorpusError, match="has no value in 3 of 30 rows, the first of them row 1; --pad last"
    ):
        one_pair(tmp_path, x, y)
    assert one_pair(tmp_path, x, y, "mask").masked == 3
    held = one_pair(tmp_path, x, y, "last")
    np.testing.assert_allclose(held.predictions[[0, 5, 6]], x[[1, 4, 4]], atol=1e-6)


def test_gold_without_a_label_does_not_count_and_needs_no_prediction(tmp_path: Path) -> None:
    x, y = values_of("x"), values_of("y")
    y[3:9], x[4:6] = np.nan, np.nan
    pair = one_pair(tmp_path, x, y)
    assert (pair.masked, pair.held) == (0, 0)
    assert np.isnan(pair.gold[3:9]).all() and np.isnan(pair.predictions[3:9]).all()
    assert np.isfinite(np.delete(pair.gold, range(3, 9), axis=0)).all()


def test_a_prediction_without_any_value(tmp_path: Path) -> None:
    x, y = values_of("x"), values_of("y")
    x[:20], y[20:] = np.nan, np.nan
    for pad in (None, *get_args(Pad)):
        with pytest.raises(CorpusError, match="has no value in any of the 20 rows"):
            one_pair(tmp_path, x, y, pad)


def test_pictures_that_were_left_out(tmp_path: Path) -> None:
    x, y = values_of("x"), values_of("y")
    aff_wild2(tmp_path / "gold", "5-60-1920x1080-1", y)
    x[[7, 8, 9]] = np.nan
    abaw_submission(tmp_path / "predictions", "5-60-1920x1080-1", x)
    (fault,) = errors(compared(tmp_path))
    assert "has no value in 3 of 30 rows, the first of them row 8" in fault.message
    assert compared(tmp_path, "mask").pairs[0].masked == 3


def test_other_steps_meet_at_10_hz(tmp_path: Path) -> None:
    y = np.repeat(values_of("y", 5), 5, axis=0)  # 40 ms rows: 25 make a second
    rows = [f"{0.04 * k:.2f};{a:.4f};{v:.4f}" for k, (a, v) in enumerate(y)]
    save(tmp_path / "gold" / "talk.csv", ["time;arousal;valence", *rows])
    x = values_of("x", 10)
    affekts_own(tmp_path / "predictions", "talk", x)
    (pair,) = compared(tmp_path).pairs
    assert pair.rows == "0.1 s"
    np.testing.assert_allclose(pair.predictions, x, atol=1e-6)
    # Five rows of 40 ms are two frames of 100 ms.
    np.testing.assert_allclose(pair.gold, np.repeat(values_of("y", 5), 2, axis=0), atol=1e-6)


def test_equal_other_steps_are_compared_as_they_are(tmp_path: Path) -> None:
    for side in ("gold", "predictions"):
        rows = [f"{250 * k},1,{v:.4f}" for k, v in enumerate(values_of(side, 12)[:, 0])]
        save(tmp_path / side / "valence" / "7.csv", ["timestamp,segment_id,value", *rows])
    (pair,) = compared(tmp_path).pairs
    assert pair.rows == "0.25 s"
    np.testing.assert_allclose(pair.gold[:, 0], values_of("gold", 12)[:, 0])


def test_segments_with_gaps_are_matched_by_time(tmp_path: Path) -> None:
    times = [5000, 5250, 9000, 9250]
    rows = [f"{time},{1 + (time > 6000)},{time / 1e4:.4f}" for time in times]
    save(tmp_path / "gold" / "arousal" / "7.csv", ["timestamp,segment_id,value", *rows])
    rows = [f"{time},{time / 2e4:.4f}" for time in range(0, 10_000, 250)]
    save(tmp_path / "predictions" / "arousal" / "7.csv", ["timestamp,value", *rows])
    (pair,) = compared(tmp_path).pairs
    np.testing.assert_allclose(pair.gold[:, 0], [0.5, 0.525, 0.9, 0.925])
    np.testing.assert_allclose(pair.predictions[:, 0], [0.25, 0.2625, 0.45, 0.4625])
    assert pair.cropped == 2  # 9.5 s and 9.75 s


def test_rows_without_times_beside_rows_with(tmp_path: Path) -> None:
    aff_wild2(tmp_path / "gold", "video59", values_of("y"))
    affekts_own(tmp_path / "predictions", "video59", values_of("x"))
    (fault,) = errors(compared(tmp_path))
    assert fault.message.startswith("has times, but the gold") and "the corpus' folder" in fault.message


def omg_table(path: Path, rows: Sequence[str]) -> None:
    save(path, ["link,start,end,video,utterance,arousal,valence,EmotionMaxVote", *rows])


def test_utterances_are_scored_by_video(tmp_path: Path) -> None:
    link = "https://example.org/watch?v="
    omg_table(
        tmp_path / "gold" / "omg_ValidationVideos.csv",
        [
            f"{link}a,0,2,abc,utterance_1.mp4,0.1,-0.2,4",
            f"{link}a,2,4,abc,utterance_10.mp4,0.3,0.2,3",
            f"{link}a,4,6,abc,utterance_2.mp4,0.2,0.0,3",
            f"{link}b,0,2,xyz,utterance_4.mp4,0.5,0.5,3",
        ],
    )
    # In another order, with one more, and without columns that a prediction does not need.
    rows = ["xyz,utterance_4.mp4,0.6,0.6", "abc,utterance_2.mp4,0.15,0.1", "abc,utterance_1.mp4,0.1,-0.1"]
    rows += ["abc,utterance_10.mp4,0.4,0.3", "abc,utterance_11.mp4,0,0"]
    save(tmp_path / "predictions.csv", ["video,utterance,arousal,valence", *rows])
    pairing = pair_up(read_side(tmp_path / "predictions.csv"), read_side(tmp_path / "gold"))
    assert pairing.without_gold == ("abc_utterance_11",)
    assert len(pairing.pairs) == 4 and pairing.pairs[0].recording.partition == "devel"
    abc, xyz = gathered(pairing.pairs)
    assert (abc.recording.name, xyz.recording.name) == ("abc", "xyz")
    np.testing.assert_allclose(abc.predictions, [[0.1, -0.1], [0.15, 0.1], [0.4, 0.3]])
    np.testing.assert_allclose(abc.gold, [[0.1, -0.2], [0.2, 0.0], [0.3, 0.2]])
    assert xyz.gold.shape == (1, 2)


def test_a_trace_beside_one_value_is_its_mean(tmp_path: Path) -> None:
    save(tmp_path / "gold.csv", ["name,arousal,valence", "talk.mp4,0.5,0.1", "Größe; 2.mp4,-0.5,0.2"])
    x = np.array([[0.2, 0.4], [np.nan, 0.6]])
    affekts_own(tmp_path / "predictions", "talk", x)
    pairing = pair_up(read_side(tmp_path / "predictions"), read_side(tmp_path / "gold.csv"))
    np.testing.assert_allclose(pairing.pairs[0].predictions, [[0.2, 0.5]])
    np.testing.assert_allclose(pairing.pairs[0].gold, [[0.5, 0.1]])
    assert pairing.without_prediction == ("Größe; 2",) and gathered(pairing.pairs) == list(pairing.pairs)
    back = pair_up(read_side(tmp_path / "gold.csv"), read_side(tmp_path / "predictions"))
    assert "has one value for the whole recording" in errors(back)[0].message


def test_names_meet_without_their_films_endings_in_natural_order(tmp_path: Path) -> None:
    for name in ("Devel_10", "Devel_2", "Übung 1"):
        avec_2017(tmp_path / "gold", name, values_of(name))
        affekts_own(tmp_path / "predictions", name, values_of(name))
        (tmp_path / "predictions" / f"{name}.csv").rename(tmp_path / "predictions" / f"{name}.avi.csv")
    names = [pair.recording.name for pair in compared(tmp_path).pairs]
    assert names == ["Devel_2", "Devel_10", "Übung 1"]


def test_what_stands_alone_is_named(tmp_path: Path) -> None:
    for side, names in (("gold", "abc"), ("predictions", "bcd")):
        for name in names:
            affekts_own(tmp_path / side, name, values_of(name))
    pairing = compared(tmp_path)
    assert (pairing.without_prediction, pairing.without_gold) == (("a",), ("d",))
    pairing = compared(tmp_path, select=("b", "[cd]"))
    assert [pair.recording.name for pair in pairing.pairs] == ["b", "c"]
    assert (pairing.without_prediction, pairing.without_gold) == ((), ("d",))


def test_two_files_are_meant_whatever_they_are_called(tmp_path: Path) -> None:
    affekts_own(tmp_path, "mine", values_of("x"))
    avec_2019(tmp_path, "theirs", values_of("y"))
    pairing = pair_up(read_side(tmp_path / "mine.csv"), read_side(tmp_path / "theirs.csv"))
    assert [pair.recording.name for pair in pairing.pairs] == ["theirs"]
    (fault,) = pairing.faults
    assert fault.severity == "warning" and fault.path == tmp_path / "mine.csv"
    assert "names its recording mine, the gold" in fault.message and "theirs" in fault.message
    affekts_own(tmp_path / "again", "theirs", values_of("x"))
    (tmp_path / "again" / "theirs.csv").rename(tmp_path / "other.csv")
    assert pair_up(read_side(tmp_path / "other.csv"), read_side(tmp_path / "theirs.csv")).faults == ()


def test_a_bad_file_loses_no_other(tmp_path: Path) -> None:
    for name in NAMES:
        affekts_own(tmp_path / "predictions", name, values_of(name))
        avec_2017(tmp_path / "gold", name, values_of(name))
    save(tmp_path / "gold" / "Devel_02.csv", ["'Devel_02';0.0;0.1;0.1;0.1", "'Devel_02';0.1;oops;0.1;0.1"])
    pairing = compared(tmp_path)
    assert [pair.recording.name for pair in pairing.pairs] == ["Devel_01"]
    (fault,) = errors(pairing)
    assert fault.path.name == "Devel_02.csv" and fault.line == 2 and fault.recording == "Devel_02"
    assert not compared(tmp_path, select=("Devel_01",)).pairs[0].cropped


def test_hidden_test_labels_are_no_fault(tmp_path: Path) -> None:
    for name in NAMES:
        affekts_own(tmp_path / "predictions", name, values_of(name))
        rest = np.full((30, 2), np.nan) if name == "Devel_02" else values_of(name)
        affekts_own(tmp_path / "gold", name, rest)
    pairing = compared(tmp_path)
    assert pairing.unlabelled == ("Devel_02",) and errors(pairing) == []


@pytest.mark.parametrize(
    ("predictions", "gold", "select", "message"),
    [
        ("nowhere", "gold", (), "nowhere: is not there; give a folder or a file"),
        ("empty", "gold", (), "empty: "),
        ("other", "gold", (), "other: no recording is called as one of .*: here elsewhere, there Devel_01"),
        ("gold", "gold", ("Train_*",), "gold: no recording fits Train_.; there are Devel_01"),
    ],
)
def test_nothing_to_compare(
    predictions: str, gold: str, select: tuple[str, ...], message: str, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    affekts_own(tmp_path / "gold", "Devel_01", values_of("y"))
    for name in ("elsewhere", "wherever"):
        affekts_own(tmp_path / "other", name, values_of("x"))
    (tmp_path / "other" / "wherever.csv").unlink()
    affekts_own(tmp_path / "gold", "Devel_02", values_of("y"))
    with pytest.raises(CorpusError, match=message):
        pair_up(read_side(tmp_path / predictions), read_side(tmp_path / gold), select=select)


def test_partitions_have_to_be_known(tmp_path: Path) -> None:
    affekts_own(tmp_path / "gold", "Devel_01", values_of("y"))
    side = read_side(tmp_path / "gold")
    with pytest.raises(CorpusError, match="its partitions are not known; choose by name"):
        pair_up(side, side, partition="devel")


def test_dimensions_on_different_clocks(tmp_path: Path) -> None:
    save(tmp_path / "arousal" / "a.csv", ["time,value", *(f"{k / 10},0.{k}" for k in range(6))])
    save(tmp_path / "valence" / "a.csv", ["time,value", *(f"{k / 5},0.{k}" for k in range(4))])
    save(tmp_path / "arousal" / "b.csv", ["time,value", "0.0,0.1", "0.1,0.2", "0.2,0.3"])
    save(tmp_path / "valence" / "b.csv", ["value", "0.1", "0.2", "0.3"])
    side = read_side(tmp_path)
    (one,) = side.labelled
    assert one.trace.columns == ("arousal", "valence") and one.trace.step == 0.1
    np.testing.assert_allclose(
        one.trace.values[:, 0], [0, 0.1, 0.2, 0.3, 0.4, 0.5, np.nan, np.nan], atol=1e-6
    )
    np.testing.assert_allclose(one.trace.values[:, 1], [0, 0, 0.1, 0.1, 0.2, 0.2, 0.3, 0.3], atol=1e-6)
    (fault,) = side.faults
    assert fault.recording == "b" and "some have none; write all alike" in fault.message


def test_columns_that_do_not_meet(tmp_path: Path) -> None:
    save(tmp_path / "gold" / "arousal" / "a.csv", ["time,value", "0.0,0.1", "0.1,0.2"])
    save(tmp_path / "predictions" / "valence" / "a.csv", ["time,value", "0.0,0.1", "0.1,0.2"])
    with pytest.raises(CorpusError, match="has the columns valence, and the gold arousal: none is in both"):
        compared(tmp_path)


def test_rows_that_are_no_numbers_are_named(tmp_path: Path) -> None:
    path = tmp_path / "submission.txt"
    rows = ["v/00001.jpg,0.1,0.2", "v/two.jpg,0.1,0.2", "v/00003.jpg,x,0.2"]
    save(path, ["image_location,valence,arousal", *rows])
    side = read_side(path)
    assert [(fault.line, fault.severity) for fault in side.faults] == [(3, "error"), (4, "error")]
    assert len(side.labelled[0].trace.values) == 1


def test_gold_of_utterances_beyond_the_scale_is_masked(tmp_path: Path) -> None:
    path = tmp_path / "omg_ValidationVideos.csv"
    save(path, ["video,utterance,arousal,valence", "v,utterance_1.mp4,1.4,0.1", "v,utterance_2.mp4,0.2,-1"])
    side = read_side(path, gold=True)
    assert [(fault.line, fault.severity) for fault in side.faults] == [(2, "warning")]
    values = np.concatenate([one.trace.values for one in side.labelled])
    np.testing.assert_array_equal(values, [[np.nan, 0.1], [0.2, -1]])
    assert read_side(path).labelled[0].trace.values[0, 0] == 1.4  # a prediction may lie anywhere


@pytest.mark.parametrize("units", ["aus", "AU1,AU2,AU4"])
def test_a_list_of_pictures_for_several_tasks_holds_many_videos(tmp_path: Path, units: str) -> None:
    path = tmp_path / "train_set.txt"
    rows = [
        "430/00001.jpg,0.1,0.2,3,0,1,-1",
        "430/00002.jpg,-5,0.2,-1,0,0,0",
        "v9_left/00002.jpg,0.3,0.4,0,1,1,1",
    ]
    save(path, [f"image,valence,arousal,expression,{units}", *rows])
    side = read_side(path, gold=True)
    assert not side.faults
    values = {one.recording.name: one.trace.values for one in side.labelled}
    nothing = [np.nan, np.nan]
    np.testing.assert_array_equal(values["430"], [[0.1, 0.2], nothing])
    np.testing.assert_array_equal(values["v9_left"], [nothing, [0.3, 0.4]])


@pytest.mark.parametrize(
    "kind", ["affwild2", "audformat_tables", "avec2017", "avec2019", "manifest", "muse", "omg", "recola"]
)
def test_a_corpus_folder_on_either_side(kind: str, tmp_path: Path) -> None:
    side = read_side(importlib.import_module(f"corpora.miniatures.{kind}").build(tmp_path))
    pairing = pair_up(side, side)
    assert pairing.pairs and not pairing.without_gold and not pairing.without_prediction
    for pair in pairing.pairs:
        assert pair.recording.partition is not None
        np.testing.assert_array_equal(pair.predictions, pair.gold)
    devel = pair_up(side, side, partition="devel").pairs
    assert {pair.recording.partition for pair in devel} == {"devel"} and len(devel) < len(pairing.pairs)


def test_a_corpus_is_compared_at_its_labels_own_step(tmp_path: Path) -> None:
    root = importlib.import_module("corpora.miniatures.recola").build(tmp_path / "RECOLA")
    for name in ("train_1", "dev_1"):
        rows = [f"{0.04 * row:.2f};{0.1 + row / 200};{0.1 - row / 100}" for row in range(51)]
        save(tmp_path / "fast" / f"{name}.csv", ["time;arousal;valence", *rows])
        affekts_own(tmp_path / "own", name, values_of(name, 20))
    fast, corpus = read_side(tmp_path / "fast"), read_side(root, gold=True)
    pairs = pair_up(fast, corpus).pairs
    labels = pair_up(fast, read_side(root / "ratings_gold_standard", gold=True)).pairs
    for one, other in zip(pairs, labels, strict=True):
        assert (one.rows, one.recording.partition) == ("0.04 s", other.recording.partition)
        np.testing.assert_array_equal(one.gold, other.gold)
        np.testing.assert_array_equal(one.predictions, other.predictions)
    assert [pair.recording.name for pair in pair_up(fast, corpus, partition="devel").pairs] == ["dev_1"]
    pairing = pair_up(read_side(tmp_path / "own"), corpus)
    assert not pairing.faults and {pair.rows for pair in pairing.pairs} == {"0.1 s"}


def test_a_task_of_muse_is_compared_at_its_own_step(tmp_path: Path) -> None:
    root = importlib.import_module("corpora.miniatures.muse").build(tmp_path / "MuSe")
    for dimension in ("arousal", "valence"):
        rows = [f"{500 + 250 * k},{k / 20}" for k in range(10)]
        save(tmp_path / "predictions" / dimension / "2.csv", ["timestamp,value", *rows])
    (pair,) = pair_up(read_side(tmp_path / "predictions"), read_side(root, gold=True)).pairs
    assert pair.rows == "0.25 s"
    np.testing.assert_allclose(pair.gold[:, 0], [0.1, 0.2, 0.3, 0.4, *[-0.5] * 4])
    np.testing.assert_allclose(pair.predictions[:, 0], [0.0, 0.05, 0.1, 0.15, 0.3, 0.35, 0.4, 0.45])


@pytest.mark.parametrize("films", [True, False])
def test_pictures_beside_a_corpus_folder(films: bool, tmp_path: Path) -> None:
    root = importlib.import_module("corpora.miniatures.affwild2").build(tmp_path / "AffWild2")
    values = np.stack([np.linspace(-0.5, 0.5, 40), np.linspace(0.2, 0.6, 40)], axis=1)
    abaw_submission(tmp_path / "predictions", "430", values)
    abaw_submission(tmp_path / "predictions", "video59", values[:26])
    affekts_own(tmp_path / "own", "430", values_of("430", 20))
    if not films:
        for folder in ("batch1", "batch2", "new_vids"):
            (root / folder).rename(tmp_path / folder)
    ours, gold = read_side(tmp_path / "predictions"), read_side(root, gold=True)
    pairing = pair_up(ours, gold)
    assert errors(pairing) == []
    first, second = pairing.pairs
    assert [one.recording.partition for one in (first, second)] == ["train", "devel"]
    assert first.rows == second.rows == "pictures" and len(second.gold) == 26
    np.testing.assert_allclose(first.gold[[0, 10, 39]], [[0.2, -0.1], [np.nan, np.nan], [0.4, 0.3]])
    np.testing.assert_allclose(first.predictions[[0, 39]], values[[0, 39]], atol=1e-4)
    assert [one.recording.name for one in pair_up(ours, gold, partition="devel").pairs] == ["video59"]
    timed = pair_up(read_side(tmp_path / "own"), gold)
    if films:
        assert [pair.rows for pair in timed.pairs] == ["0.1 s"] and not errors(timed)
    else:
        assert "has times, but the gold" in errors(timed)[0].message


def test_a_manifest_by_its_file(tmp_path: Path) -> None:
    avec_2017(tmp_path, "labels/talk", values_of("talk"))
    avec_2017(tmp_path, "other", values_of("other"))
    save(tmp_path / "list.csv", ["file;speaker;split;labels", "talk.mp4;Anna;dev;labels/talk.csv"])
    with pytest.raises(CorpusError, match=r"list\.csv, line 2: .*talk\.mp4"):
        read_side(tmp_path / "list.csv")
    (tmp_path / "talk.mp4").touch()
    (one,) = read_side(tmp_path / "list.csv").labelled
    recording = one.recording
    assert (recording.name, recording.speaker, recording.partition) == ("talk", "Anna", "devel")
    np.testing.assert_allclose(one.trace.values[:, :2], values_of("talk"), atol=1e-6)
    rows = [f"{0.04 * row:.2f};0.5;{row / 100}" for row in range(50)]
    save(tmp_path / "labels" / "talk.csv", ["time;arousal;valence", *rows])
    side = read_side(tmp_path / "list.csv")
    (pair,) = pair_up(read_side(tmp_path / "labels"), side).pairs
    assert pair.rows == "0.04 s" and pair.recording.speaker == "Anna" and len(pair.gold) == 50


def test_dyads_of_gold_alone_by_length(tmp_path: Path) -> None:
    for name, rows in (("Devel_DE_01", 30), ("Devel_DE_02", 20), ("Devel_DE_03", 29), ("Devel_HU_01", 30)):
        avec_2019(tmp_path, name, values_of(name, rows))
    groups = [one.recording.group for one in read_side(tmp_path, gold=True).labelled]
    assert groups == ["Devel_DE_01+Devel_DE_03", None, "Devel_DE_01+Devel_DE_03", None]
    assert {one.recording.group for one in read_side(tmp_path).labelled} == {None}


def test_what_lies_beside_labels_is_no_label(tmp_path: Path) -> None:
    avec_2017(tmp_path, "talk", values_of("talk"))
    for name in ("README.txt", "LICENSE.txt", ".hidden.csv", "pairs.csv"):
        save(tmp_path / name, ["Bitte lesen"])
    side = read_side(tmp_path)
    assert [one.recording.name for one in side.labelled] == ["talk"] and side.faults == ()


def test_tiers_for_elan_are_no_prediction_of_their_own(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "below" / "deeper"):
        affekts_own(folder, "talk", values_of("talk"))
        affekts_own(folder, "talk.elan", values_of("talk"))
    for folder, name in ((tmp_path, "talk"), (tmp_path / "below", "deeper/talk")):
        assert [one.recording.name for one in read_side(folder).labelled] == [name]


def test_clusters() -> None:
    alone = [Recording(None, name=name) for name in "ab"]
    speakers = [Recording(None, name=name, speaker="s") for name in "ab"]
    dyad = [
        Recording(None, name="a", speaker="s", group="d"),
        Recording(None, name="b", speaker="t", group="d"),
    ]
    assert clusters_of(alone) == (["a", "b"], "recording")
    assert clusters_of(speakers) == (["s", "s"], "speaker")
    assert clusters_of(dyad) == (["d", "d"], "group")
    assert clusters_of(dyad, {"a": "x"}) == (["x", "b"], "group")


def test_groups_from_a_list_of_pairs(tmp_path: Path) -> None:
    path = tmp_path / "pairs.csv"
    save(path, ["recording,pair,speaker,language", "a,1,s,de", "b,1,t,de", "c,2,u,de"])
    assert read_groups(path) == ({"a": "1", "b": "1", "c": "2"}, "pair")
    save(path, ["a;b", "c;d"])  # d was not scored
    assert read_groups(path, ("a", "b", "c")) == ({"a": "a+b", "b": "a+b"}, "dyad")


def test_groups_from_a_table(tmp_path: Path) -> None:
    path = tmp_path / "dyads.csv"
    save(path, ["name;dyad", "Devel_01.avi;A", "'Devel_02';A", "Devel_03;B"], end="\r\n")
    assert read_groups(path) == ({"Devel_01": "A", "Devel_02": "A", "Devel_03": "B"}, "dyad")
    for lines, message in (
        (["name;dyad;more", "a;b;c"], "line 1: should name two columns"),
        (["who;dyad", "a;b"], "line 1: should name two columns"),
        (["name;dyad", "a;"], "line 2: the name or the dyad is empty"),
        (["name;dyad", "a;A", "a;B"], "line 3: a is of A in a line before"),
        (["name;dyad", "a"], "line 2: has 1 fields"),
    ):
        save(path, lines)
        with pytest.raises(CorpusError, match=message):
            read_groups(path)
