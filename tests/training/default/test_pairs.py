"""The check on real pairs: who learns from whom, what a model is given, and that fusion shows."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from affekt.networks.fusion import FUSIONS
from affekt.scoring import ccc
from affekt.training.default import pairs
from affekt.training.default.pairs import (
    BOTH,
    MODELS,
    Outcome,
    PairModel,
    check_pairs,
    compare,
    cross_validated,
    judged,
    presence_of,
    train_pairs,
)
from affekt.training.default.takes import Takes

FRAMES = 10


def made_up(count: int = 160, speakers: int = 8) -> Takes:
    """Voices that tell arousal and nothing else, faces that tell valence and nothing else."""
    generator = torch.Generator().manual_seed(0)
    gold = torch.rand(count, 2, generator=generator) * 1.6 - 0.8
    frames = torch.randint(5, FRAMES + 1, (count,), generator=generator)
    inside = torch.arange(FRAMES) < frames.unsqueeze(1)
    sound = torch.randn(count, FRAMES, 3, generator=generator) * 0.3
    sound[..., 1] += 5 * gold[:, :1] + 40
    units = torch.randn(count, 4, generator=generator) * 0.3
    units[:, 2] -= 2 * gold[:, 1]
    return Takes(
        speaker=np.array([f"{k % speakers:02}" for k in range(count)]),
        devel=np.arange(count) % speakers >= speakers - 2,
        sound=torch.where(inside.unsqueeze(-1), sound, 0).half(),
        heard=inside & (torch.arange(FRAMES) > 0),
        frames=frames,
        units=units,
        gold=gold,
        width=6,
    )


@pytest.mark.parametrize("name", FUSIONS)
def test_fused_knows_what_neither_knows_alone(name: str) -> None:
    takes = made_up()
    train, devel = np.flatnonzero(~takes.devel), np.flatnonzero(takes.devel)
    model = train_pairs(name, takes, train, epochs=20)
    both, voice, face = (
        ccc(judged(model, takes, devel, given), takes.gold[devel].numpy())
        for given in (BOTH, BOTH[:1], BOTH[1:])
    )
    assert np.all(both > 0.6)
    assert voice[0] > 0.6 and abs(voice[1]) < 0.35
    assert face[1] > 0.6 and abs(face[0]) < 0.35


@pytest.mark.parametrize(("name", "told", "untold"), [("voice", 0, 1), ("face", 1, 0)])
def test_one_alone_tells_its_own(name: str, told: int, untold: int) -> None:
    takes = made_up()
    (outcome,) = compare(takes, (name,), seeds=2, epochs=20)
    assert outcome.given == (name,) and outcome.scores.shape == (2, 2)
    assert outcome.scores[:, told].min() > 0.6 and np.abs(outcome.scores[:, untold]).max() < 0.35


@pytest.mark.parametrize("name", MODELS)
def test_what_is_not_given_changes_nothing(name: str) -> None:
    takes, rows = made_up(12), np.arange(12)
    model = PairModel(name, takes, rows).eval()
    unseen = replace(takes, units=torch.full_like(takes.units, 7.0))
    unheard = replace(takes, sound=takes.sound * 0 - 3)
    for given, changed in ((("voice",), unseen), (("face",), unheard)):
        assert np.array_equal(judged(model, takes, rows, given), judged(model, changed, rows, given))
    if name in FUSIONS:
        assert not np.allclose(judged(model, takes, rows), judged(model, unseen, rows))
        assert not np.allclose(judged(model, takes, rows), judged(model, unheard, rows))


def test_a_take_is_judged_by_its_own_frames() -> None:
    takes = made_up(12)
    model = PairModel("cross_modal", takes, np.arange(12)).eval()
    together = judged(model, takes, np.arange(12))
    for row, length in enumerate(takes.frames.tolist()):
        heard = takes.heard[row : row + 1, :length]
        presence = presence_of(heard, torch.ones_like(heard))
        with torch.no_grad():
            y = model(takes.sound[row : row + 1, :length], takes.units[row : row + 1], presence)
        np.testing.assert_allclose(together[row], y[0].mean(0), atol=1e-6)


def test_presence_by_hand() -> None:
    found = presence_of(torch.tensor([[True, False]]), torch.tensor([[True, True]]))
    assert found.tolist() == [[[False, True, True], [False, False, True]]]


def test_standardised_by_the_heard_frames_of_its_own_rows() -> None:
    takes, rows = made_up(24), np.arange(0, 24, 2)
    others = np.arange(1, 24, 2)
    takes.sound[others], takes.units[others] = 100.0, 100.0
    takes.sound[:, 0] = 50.0  # never heard
    model = PairModel("face", takes, rows)
    seen = torch.cat([takes.sound[r][takes.heard[r]].float() for r in rows.tolist()]).numpy()
    np.testing.assert_allclose(model.get_buffer("sound_mean"), seen.mean(0), atol=1e-4)
    np.testing.assert_allclose(model.get_buffer("sound_spread"), seen.std(0, ddof=1), rtol=1e-3)
    units = takes.units[rows].numpy()
    np.testing.assert_allclose(model.get_buffer("units_mean"), units.mean(0), atol=1e-5)
    np.testing.assert_allclose(model.get_buffer("units_spread"), units.std(0, ddof=1), rtol=1e-4)


def test_what_never_moves_stays_small() -> None:
    takes = made_up(24)
    takes.units[:, 0] = 0
    model = PairModel("face", takes, np.arange(24)).eval()
    average = float(takes.units.std(0).mean())
    np.testing.assert_allclose(model.get_buffer("units_spread")[0], 0.05 * average, rtol=1e-5)


def test_the_same_seed_gives_the_same_and_the_callers_chance_goes_on() -> None:
    takes = made_up(40)
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    one, other, third = (train_pairs("residual", takes, np.arange(30), seed, 1) for seed in (1, 1, 2))
    assert torch.equal(torch.rand(3), expected)
    said = [judged(m, takes, np.arange(40)) for m in (one, other, third)]
    assert np.array_equal(said[0], said[1]) and not np.allclose(said[0], said[2])


def test_devel_is_scored_and_never_learned_from(monkeypatch: pytest.MonkeyPatch) -> None:
    takes, learned = made_up(), list[set[str]]()

    def noted(name: str, of: Takes, rows: np.ndarray, seed: int = 0, epochs: int = 1) -> PairModel:
        learned.append(set(of.speaker[rows]))
        return PairModel(name, of, rows).eval()

    monkeypatch.setattr(pairs, "train_pairs", noted)
    outcomes = list(compare(takes, ("voice", "hierarchical"), seeds=2))
    train, devel = (set(takes.speaker[part]) for part in (~takes.devel, takes.devel))
    assert not train & devel and learned == [train] * 4
    assert [o.given for o in outcomes] == [("voice",), BOTH, ("voice",), ("face",)]
    learned.clear()
    assert cross_validated(takes, "face", 1, folds=3).shape == (2,)
    held_out = [train - part for part in learned]
    assert all(held_out) and set.union(*held_out) == train and sum(map(len, held_out)) == len(train)


def test_what_is_printed_and_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    outcome = Outcome("residual", BOTH, np.array([[0.7, 0.6], [0.8, 0.6]]))
    assert outcome.line() == "residual       voice + face  0.750 ± 0.050   0.600 ± 0.000"
    monkeypatch.setattr(pairs, "read_takes", lambda *_: made_up())
    monkeypatch.setattr(pairs, "compare", lambda _: [outcome])
    said = list[str]()
    assert check_pairs(tmp_path, tmp_path, "default", said.append) == [outcome]
    assert said[1:] == [outcome.line()]
    assert json.loads((tmp_path / "pairs.json").read_text()) == {
        "takes": 40,
        "outcomes": [{"model": "residual", "given": list(BOTH), "ccc": [[0.7, 0.6], [0.8, 0.6]]}],
    }
