"""Fusing raters and their agreement, worked out by hand; and real raters beside another toolbox's gold."""

from pathlib import Path
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from affekt.corpora.gold.raters import (
    METHODS,
    aligned,
    avec,
    avec_centred,
    cronbach_alpha,
    evaluator_weighted,
    mean,
    mean_ccc,
    pairwise_ccc,
    rater_agreement,
    rater_delays,
)
from affekt.corpora.gold.ratings import delays_of, find_sources, fuse, read_ratings, write_gold
from affekt.errors import CorpusError
from affekt.scoring import ccc
from corpora.miniatures.raters import RATERS, build

NAN = float("nan")
THREE = np.array([[0.0, 0.0, 1.0], [1.0, 1.0, 0.0], [2.0, 1.0, 0.0], [3.0, 2.0, 2.0]])
"""Rater means 1.5, 1, 0.75; population variances 1.25, 0.5, 0.6875."""

ratings = arrays(
    np.float64,
    st.tuples(st.integers(5, 12), st.integers(2, 5)),
    elements=st.integers(-20, 20).map(lambda n: n / 20),
)


def test_the_evaluator_weights_are_correlations_with_the_mean_of_the_others() -> None:
    # Others of rater 0: (.5, .5, .5, 2) − .875 = (−.375, −.375, −.375, 1.125) against (−1.5, −.5, .5, 1.5).
    # Σ = .5625 + .1875 − .1875 + 1.6875 = 2.25; √(1.6875 · 5) = 2.904738.
    r0 = 2.25 / np.sqrt(1.6875 * 5)
    # Others of rater 1: (.5, .5, 1, 2.5) − 1.125 = (−.625, −.625, −.125, 1.375) against (−1, 0, 0, 1).
    r1 = 2.0 / np.sqrt((0.625**2 * 2 + 0.125**2 + 1.375**2) * 2)
    # Others of rater 2: (0, 1, 1.5, 2.5) − 1.25 = (−1.25, −.25, .25, 1.25) against (.25, −.75, −.75, 1.25).
    r2 = (-0.3125 + 0.1875 - 0.1875 + 1.5625) / np.sqrt(3.25 * 2.75)
    weights = np.array([r0, r1, r2]) / (r0 + r1 + r2)
    fusion = evaluator_weighted(THREE)
    np.testing.assert_allclose(fusion.weights, weights, rtol=1e-12)
    np.testing.assert_allclose(fusion.values, THREE @ weights, rtol=1e-12)
    assert fusion.warnings == ()


def test_pairwise_ccc_by_hand() -> None:
    # 0 and 1: cov = (1.5 + 0 + 0 + 1.5) / 4 = .75; 2 · .75 / (1.25 + .5 + .25) = .75.
    # 0 and 2: cov = (−.375 + .375 − .375 + 1.875) / 4 = .375; .75 / (1.25 + .6875 + .5625) = .3.
    # 1 and 2: cov = (−.25 + 0 + 0 + 1.25) / 4 = .25; .5 / (.5 + .6875 + .0625) = .4.
    np.testing.assert_allclose(
        pairwise_ccc(THREE), [[1, 0.75, 0.3], [0.75, 1, 0.4], [0.3, 0.4, 1]], rtol=1e-12
    )
    np.testing.assert_allclose(rater_agreement(THREE), [0.525, 0.575, 0.35], rtol=1e-12)
    assert mean_ccc(THREE) == pytest.approx(1.45 / 3)
    weights = np.array([0.525, 0.575, 0.35]) / 1.45
    np.testing.assert_allclose(avec(THREE).values, THREE @ weights, rtol=1e-12)


def test_the_centred_variant_takes_its_level_alone_from_the_weights() -> None:
    level = (0.525 * 1.5 + 0.575 * 1.0 + 0.35 * 0.75) / 1.45
    np.testing.assert_allclose(avec_centred(THREE).values, THREE.mean(1) - 3.25 / 3 + level, rtol=1e-12)


def test_cronbach_alpha_by_hand() -> None:
    # Sums (1, 2, 3, 7): variance 5.1875 over N; 3 / 2 · (1 − 2.4375 / 5.1875).
    assert cronbach_alpha(THREE) == pytest.approx(1.5 * (1 - 2.4375 / 5.1875))
    with_gap = np.vstack([THREE, [5.0, NAN, 5.0]])
    assert cronbach_alpha(with_gap) == pytest.approx(cronbach_alpha(THREE))
    for none in (THREE[:, :1], np.full((4, 3), 0.1), np.full((4, 2), NAN), np.zeros((0, 2))):
        assert np.isnan(cronbach_alpha(none))


def test_a_rater_against_the_others_has_no_weight() -> None:
    time = np.sin(np.arange(40) / 5)
    four = np.stack([time, 0.9 * time, 0.8 * time, -time], axis=1)
    np.testing.assert_allclose(evaluator_weighted(four).weights, [1 / 3, 1 / 3, 1 / 3, 0], atol=1e-12)
    assert avec(four).weights[3] == 0
    # Of three, the one is enough to turn the mean of the others round: nobody agrees.
    assert evaluator_weighted(four[:, 1:]).warnings


@pytest.mark.parametrize("method", ["ewe", "avec"])
def test_raters_who_all_disagree_are_averaged_with_a_warning(method: str) -> None:
    two = np.array([[0.0, 1.0], [0.5, 0.5], [1.0, 0.0]])
    fusion = METHODS[method](two)
    assert fusion.values.tolist() == [0.5, 0.5, 0.5] and fusion.weights.tolist() == [0.5, 0.5]
    assert "all weights are 0" in fusion.warnings[0]
    alone = METHODS[method](THREE[:, :1])
    assert alone.values.tolist() == [0, 1, 2, 3] and "one rater alone" in alone.warnings[0]


def test_constant_raters_have_no_weight() -> None:
    # .1 + .2 is not exact, so the mean of the others moves by its rounding; that is no agreement.
    still = np.tile([0.1, 0.2, 0.3], (7, 1))
    assert "all weights are 0" in evaluator_weighted(still).warnings[0]


def test_a_rater_who_says_nothing_in_a_frame_has_no_weight_there() -> None:
    gap = THREE.copy()
    gap[2, 0] = NAN
    fusion = avec(gap)
    there = fusion.weights[1:]
    assert fusion.values[2] == pytest.approx(gap[2, 1:] @ there / there.sum())
    assert mean(gap).values.tolist() == pytest.approx([1 / 3, 2 / 3, 0.5, 7 / 3])
    gap[1] = NAN
    assert [bool(np.isnan(METHODS[name](gap).values[1])) for name in METHODS] == [True] * 4


@given(ratings, st.floats(0.1, 10))
def test_weights_do_not_know_the_scale(values: np.ndarray, scale: float) -> None:
    for fuse_them in METHODS.values():
        np.testing.assert_allclose(fuse_them(values).weights, fuse_them(scale * values).weights, atol=1e-9)


@given(ratings, st.randoms(use_true_random=False))
def test_the_order_of_the_raters_changes_nothing(values: np.ndarray, random: Random) -> None:
    order = np.arange(values.shape[1])
    random.shuffle(order)
    for fuse_them in METHODS.values():
        one, other = fuse_them(values), fuse_them(values[:, order])
        np.testing.assert_allclose(one.values, other.values, atol=1e-9)
        np.testing.assert_allclose(one.weights[order], other.weights, atol=1e-9)
    np.testing.assert_allclose(mean_ccc(values), mean_ccc(values[:, order]), atol=1e-9)


@given(arrays(np.float64, 8, elements=st.floats(-1, 1)), st.integers(1, 4))
def test_identical_raters_fuse_to_the_rater(one: np.ndarray, count: int) -> None:
    for fuse_them in METHODS.values():
        np.testing.assert_allclose(fuse_them(np.tile(one[:, None], count)).values, one, atol=1e-12)


@given(ratings)
def test_a_fusion_lies_within_its_raters(values: np.ndarray) -> None:
    for name in ("ewe", "avec", "mean"):
        fused = METHODS[name](values).values
        assert (fused >= values.min(1) - 1e-12).all() and (fused <= values.max(1) + 1e-12).all()


def planted(frames: int, late: list[int], noise: float, seed: int = 0) -> np.ndarray:
    """(frames, raters): a smooth wandering trace, each rater late by some frames and noisy."""
    rng = np.random.default_rng(seed)
    steps = rng.normal(size=frames + 200)
    smooth = np.convolve(steps, np.hanning(25), "same")
    smooth /= smooth.std()
    columns = [smooth[100 - k : 100 - k + frames] for k in late]
    return np.stack(columns, axis=1) + noise * rng.normal(size=(frames, len(late)))


def test_planted_delays_of_raters_are_found_but_for_what_they_share() -> None:
    found = rater_delays([planted(1200, [0, 7, 20, 33], noise=0.2)])
    assert found.tolist() == pytest.approx([-1.5, -0.8, 0.5, 1.8])
    # All of them 2 s later: nobody could tell.
    assert rater_delays([planted(1200, [20, 27, 40, 53], noise=0.2)]).tolist() == pytest.approx(
        found.tolist()
    )


def test_several_recordings_tell_delays_that_one_alone_does_not() -> None:
    several = [planted(150, [0, 7, 20], noise=1.5, seed=seed) for seed in range(20)]
    assert np.abs(rater_delays(several) - [-0.9, -0.2, 1.1]).max() < 0.21
    alone = [np.abs(rater_delays([one]) - [-0.9, -0.2, 1.1]).max() for one in several]
    assert max(alone) > 1.0


def test_moving_raters_by_their_delays_lines_them_up() -> None:
    late = planted(600, [0, 12, 24], noise=0.0)
    moved = aligned(late, rater_delays([late]))
    whole = moved[np.isfinite(moved).all(axis=1)]
    np.testing.assert_allclose(whole[:, 0], whole[:, 1])
    np.testing.assert_allclose(whole[:, 0], whole[:, 2])
    assert len(whole) == 600 - 24
    assert aligned(np.array([[1.0], [2.0], [3.0]]), np.array([-0.1])).ravel().tolist()[1:] == [1.0, 2.0]


def test_delays_where_there_is_nothing_to_tell() -> None:
    assert rater_delays([THREE[:3]]).tolist() == [0, 0, 0]
    assert rater_delays([np.full((100, 3), 0.2)]).tolist() == [0, 0, 0]
    assert rater_delays([np.full((100, 2), NAN)]).tolist() == [0, 0]
    assert rater_delays([planted(300, [0], 0.1)]).tolist() == [0]


# Files


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


COLUMNS = "timestamp;Änne;Bo \n0.0;0.1;0.3\n0.1;0.2;0.4\n0.2;0.3;\n"


def test_a_file_with_a_column_a_rater(tmp_path: Path) -> None:
    file = write(tmp_path / "arousal" / "Gespräch 2.csv", COLUMNS)
    (source,) = find_sources([file], None)
    assert (source.name, source.dimension) == ("Gespräch 2", "arousal")
    ratings = read_ratings(source)
    assert ratings.raters == ("Änne", "Bo")
    np.testing.assert_allclose(ratings.values, [[0.1, 0.3], [0.2, 0.4], [0.3, NAN]], atol=1e-7)


def test_folders_of_dimensions_in_natural_order(tmp_path: Path) -> None:
    for dimension in ("arousal", "Valence"):
        for number in (10, 2):
            write(tmp_path / dimension / f"P{number}.csv", COLUMNS)
    found = [(one.name, one.dimension) for one in find_sources([tmp_path], None)]
    assert found == [("P2", "arousal"), ("P2", "valence"), ("P10", "arousal"), ("P10", "valence")]
    assert [one.name for one in find_sources([tmp_path], "valence")] == ["P2", "P10"]


def test_a_folder_for_each_rater_with_traces_of_different_length(tmp_path: Path) -> None:
    write(tmp_path / "anna" / "a.csv", "time,arousal,valence\n0.0,0.1,0.5\n0.1,0.2,0.6\n")
    write(tmp_path / "bert" / "a.csv", "time,arousal,valence\n0.0,0.3,0.7\n0.1,0.4,0.8\n0.2,0.5,0.9\n")
    arousal, valence = find_sources([tmp_path / "anna", tmp_path / "bert"], None, folder_each=True)
    ratings = read_ratings(valence)
    assert (arousal.dimension, ratings.raters) == ("arousal", ("anna", "bert"))
    np.testing.assert_allclose(ratings.values, [[0.5, 0.7], [0.6, 0.8], [NAN, 0.9]], atol=1e-7)


def test_what_cannot_be_told_is_said(tmp_path: Path) -> None:
    file = write(tmp_path / "raw" / "a.csv", COLUMNS)
    with pytest.raises(CorpusError, match=r"a\.csv: is it arousal or valence\? Say --dimension"):
        find_sources([file], None)
    with pytest.raises(CorpusError, match="is not a folder; with --raters"):
        find_sources([file], "arousal", folder_each=True)
    (tmp_path / "empty").mkdir()
    with pytest.raises(CorpusError, match="there is no file of arousal or valence here"):
        find_sources([tmp_path / "empty"], None)
    other = write(tmp_path / "raw2" / "a.csv", COLUMNS)
    with pytest.raises(CorpusError, match="two files for arousal of a"):
        find_sources([file, other], "arousal")
    trace = write(tmp_path / "one" / "a.csv", "time,arousal,valence\n0.0,0.1,0.5\n0.1,0.2,0.6\n")
    with pytest.raises(CorpusError, match="is one rater's trace"):
        read_ratings(find_sources([trace], "arousal")[0])


def test_gold_is_written_as_avec_2019_has_it(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    write_gold(path, "a", {"arousal": np.array([0.5, NAN]), "valence": np.array([-0.00000001, 0.25, 1.0])})
    assert path.read_text(encoding="utf-8") == (
        "name;timestamp;arousal;valence\na;0.0;0.500000;0.000000\na;0.1;;0.250000\na;0.2;;1.000000\n"
    )


# Real raters (MuSe-Toolbox's example), and the gold that the toolbox made of them: smoothed over 15 rows,
# raters standardised over a corpus of which three recordings are there, brought to a scale of its own that is
# about 1.2 times as wide here. So the shape can be met; level and width cannot.
PEARSON = {
    "ewe": {"11": 0.996, "32": 0.996, "47": 0.995},
    "avec": {"11": 0.996, "32": 0.995, "47": 0.994},
    "mean": {"11": 0.996, "32": 0.996, "47": 0.993},
}
CONCORDANCE = {
    "ewe": {"11": 0.93, "32": 0.95, "47": 0.99},
    "avec": {"11": 0.93, "32": 0.945, "47": 0.985},
    "mean": {"11": 0.93, "32": 0.965, "47": 0.89},
}


@pytest.mark.parametrize("method", ["ewe", "avec", "mean"])
def test_real_raters_fuse_to_about_what_another_toolbox_published(shared: Path, method: str) -> None:
    toolbox = shared / "data" / "muse_annotators" / "muse-toolbox"
    sources = find_sources([toolbox / "raw"], None)
    assert [one.name for one in sources] == ["11", "32", "47"]
    pearsons = []
    for source in sources:
        ratings = read_ratings(source)
        fused = fuse(ratings, method, np.zeros(3)).fusion.values[::5]
        published = np.loadtxt(
            toolbox / "processed" / "arousal" / f"{source.name}.csv", delimiter=",", skiprows=1, usecols=1
        )
        assert len(fused) == len(published)
        pearsons.append(np.corrcoef(fused, published)[0, 1])
        assert pearsons[-1] > PEARSON[method][source.name]
        assert ccc(fused, published) > CONCORDANCE[method][source.name]
    assert np.mean(pearsons) > 0.995


def test_the_miniature_of_raters(tmp_path: Path) -> None:
    sources = find_sources([build(tmp_path / "raters")], None)
    assert [(one.name, one.dimension) for one in sources] == [
        ("session1", "arousal"),
        ("session1", "valence"),
        ("session2", "arousal"),
        ("session2", "valence"),
    ]
    ratings = [read_ratings(one) for one in sources]
    assert all(one.raters == RATERS and one.values.shape == (400, 3) for one in ratings)
    assert np.isnan(ratings[2].values[390:, 1]).all() and np.isfinite(ratings[2].values[:390]).all()
    # Half a second each, told from two recordings; relative to the one in the middle.
    assert [delays.tolist() for delays in delays_of(ratings)] == [[-0.5, 0.0, 0.5]] * 4
