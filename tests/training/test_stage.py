"""The loop of one stage: when it ends, which epoch it keeps, what it leaves alone, and what stops it."""

from __future__ import annotations

import json
import resource
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric
from safetensors.torch import load_file
from torch import Tensor

from affekt.errors import ConfigError, OutputError
from affekt.networks import AudioConfig, FusionConfig, HeadConfig, MultimodalConfig, VisualConfig
from affekt.training import stage as module
from affekt.training.batches import Looks, Windows
from affekt.training.concordance import concordance_loss
from affekt.training.config import Fitting
from affekt.training.devel import Score, predictions, score
from affekt.training.learner import Learner
from affekt.training.stage import Stage, finished
from training.made_clips import SPEC, MadeClip, as_prepared

LOOKS = Looks(None, audio=True, images=True)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def sizes() -> MultimodalConfig:
    return MultimodalConfig(
        audio=AudioConfig(SPEC.window, (3, 4, 5)),
        visual=VisualConfig(width=2, stem=4, bottlenecks=1, blocks=1, stage3_modules=1, size=8),
        fusion=FusionConfig(size=8, heads=2),
        head=HeadConfig(hidden=4),
        modalities=("audio", "visual"),
    )


def make(folder: Path, frozen: tuple[str, ...] = (), **fitting: Any) -> Stage:
    torch.manual_seed(0)
    clips = as_prepared([MadeClip(10 * k, 7) for k in range(3)])
    values = {"frames": 4, "batch": 3, "epochs": 3, "lr": 0.01, **fitting}
    windows = Windows(clips, values["frames"], LOOKS)
    fabric = Fabric(accelerator="cpu", devices=1)
    return Stage(
        "fusion", folder, fabric, Learner(sizes(), frozen=frozen), windows, windows, Fitting(**values)
    )


def copied(learner: Learner) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in learner.state_dict().items()}


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Devel CCCs that are to be found, one an epoch; the last one stays."""
    script: list[float] = []

    def told(learner: Learner, *_: object) -> Score:
        mean = script.pop(0) if len(script) > 1 else script[0]
        return Score(mean + 0.1, mean - 0.1)

    monkeypatch.setattr(module, "score", told)
    return script


def test_it_ends_when_devel_gets_no_better_and_keeps_the_best_epoch(
    tmp_path: Path, scripted: list[float]
) -> None:
    scripted += [0.1, 0.3, 0.2, 0.3, 0.9]  # equal is no better
    stage, weights = make(tmp_path / "fusion", epochs=9, patience=2), []
    told: list[tuple[int, float]] = []

    def on_epoch(epoch: int, found: Score) -> None:
        weights.append(copied(stage.learner))
        told.append((epoch, found.mean))

    result = stage.fit(on_epoch)
    assert (result["stopped"], result["epoch"], result["epochs"]) == ("patience", 2, 4)
    assert (result["arousal"], result["valence"], result["mean"]) == pytest.approx((0.4, 0.2, 0.3))
    assert [epoch for epoch, _ in told] == [1, 2, 3, 4]
    assert [mean for _, mean in told] == pytest.approx([0.1, 0.3, 0.2, 0.3])
    best = load_file(tmp_path / "fusion" / "best.safetensors")
    assert best.keys() == weights[1].keys()
    assert all(torch.equal(best[name], weights[1][name]) for name in best)
    assert any(not torch.equal(best[name], weights[3][name]) for name in best)
    # Devel's traces are those of the best epoch, too.
    assert all(torch.equal(value, best[name]) for name, value in stage.learner.state_dict().items())
    assert (
        finished(tmp_path / "fusion") == result == json.loads((tmp_path / "fusion/result.json").read_text())
    )


def test_it_ends_after_its_epochs(tmp_path: Path, scripted: list[float]) -> None:
    scripted += [0.1, 0.2]
    result = make(tmp_path / "fusion", epochs=2).fit()
    assert (result["stopped"], result["epoch"], result["epochs"]) == ("epochs", 2, 2)
    rows = (tmp_path / "fusion" / "log.csv").read_text().splitlines()
    assert rows[0] == "epoch,step,loss,arousal,valence,mean,lr,seconds"
    assert [row.split(",")[:2] for row in rows[1:]] == [["1", "2"], ["2", "4"]]  # 6 windows, 3 a step
    assert [row.split(",")[3:7] for row in rows[1:]] == [
        ["0.2", "0", "0.1", "0.01"],
        ["0.3", "0.1", "0.2", "0.01"],
    ]


def test_steps_cut_an_epoch_short_and_a_large_batch_is_one_step(
    tmp_path: Path, scripted: list[float]
) -> None:
    scripted += [0.1]
    make(tmp_path / "few", epochs=1, batch=1, steps=1).fit()
    make(tmp_path / "large", epochs=1, batch=500).fit()
    for name in ("few", "large"):
        assert (tmp_path / name / "log.csv").read_text().splitlines()[1].startswith("1,1,")


def test_what_is_frozen_does_not_change_its_batch_statistics_included(
    tmp_path: Path, scripted: list[float]
) -> None:
    scripted += [0.1]
    changed = {}
    for frozen in ((), ("visual",), ("audio", "visual")):
        stage = make(tmp_path / "-".join(("run", *frozen)), frozen, epochs=1)
        before = copied(stage.learner)
        stage.fit()
        after = stage.learner.state_dict()
        changed[frozen] = {name for name in before if not torch.equal(before[name], after[name])}
    statistics = {name for name in changed[()] if name.endswith("running_mean")}
    assert statistics and any(name.startswith("model.audio.") for name in changed[()])
    assert not any(name.startswith("model.visual.") for name in changed[("visual",)])
    assert any(name.startswith("model.audio.") for name in changed[("visual",)])
    both = changed[("audio", "visual")]
    assert both and all(name.startswith("model.fused_head.") for name in both)


def test_an_encoder_that_an_earlier_stage_froze_learns_again() -> None:
    encoder = torch.nn.Embedding(3, 768)
    text = MultimodalConfig(modalities=("text",))
    assert not any(one.requires_grad for one in Learner(text, encoder, ("text",)).encoder.parameters())  # type: ignore[union-attr]
    assert all(one.requires_grad for one in Learner(text, encoder).encoder.parameters())  # type: ignore[union-attr]


@pytest.mark.parametrize("what", ["loss", "gradient"])
def test_a_loss_that_is_no_number_is_said_and_the_checkpoint_before_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    stage = make(tmp_path / "fusion")
    before: list[dict[str, Tensor]] = []
    usual = concordance_loss

    def broken(y: Tensor, *rest: Any) -> Tensor:
        # The loss itself, or, the square root's slope being infinite at 0, its gradient alone.
        spoilt = torch.log(-y.abs().sum()) if what == "loss" else ((y - y.detach()).abs() ** 0.5).sum()
        return usual(y, *rest) + spoilt

    def after_one(epoch: int, found: Score) -> None:
        before.append(copied(stage.learner))
        monkeypatch.setattr(module, "concordance_loss", broken)

    with pytest.raises(
        ConfigError, match=rf"fusion: the {what} is no number any more \(epoch 2, step 1\); try a lower lr"
    ):
        stage.fit(after_one)
    last = torch.load(tmp_path / "fusion" / "last.pt", weights_only=True)
    assert all(torch.equal(last["learner"][name], value) for name, value in before[0].items())
    assert all(torch.isfinite(value).all() for value in stage.learner.state_dict().values())


@pytest.mark.parametrize("file", ["last.pt", "best.safetensors"])
def test_a_disk_that_gets_full_leaves_the_checkpoint_before(
    tmp_path: Path, scripted: list[float], file: str
) -> None:
    scripted += [0.1, 0.0 if file == "last.pt" else 0.2]
    folder = tmp_path / "fusion"
    stage = make(folder)
    with pytest.raises(OutputError, match=rf"{file}: cannot be written") as caught:
        _fill_after_an_epoch(stage)
    assert "\n" not in str(caught.value)
    last = torch.load(folder / "last.pt", weights_only=True)
    assert last["progress"]["epoch"] == 1
    assert load_file(folder / "best.safetensors")
    assert not list(folder.glob(".affekt-*"))
    result = make(folder).fit()  # with space again it goes on
    assert result["epochs"] == 3


def _fill_after_an_epoch(stage: Stage) -> None:
    """Train; from the second epoch's devel on no file may grow beyond 4 KB, as on a disk that is full."""
    usual = stage._epoch
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)

    def full(loader: Any) -> None:
        usual(loader)
        if stage.progress.epoch == 1:
            resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))

    stage._epoch = full  # type: ignore[method-assign]
    try:
        stage.fit()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_what_a_kill_left_half_written_is_swept(tmp_path: Path, scripted: list[float]) -> None:
    scripted += [0.1]
    (tmp_path / ".affekt-0123.part").write_bytes(b"half")
    make(tmp_path, epochs=1).fit()
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "best.safetensors",
        "last.pt",
        "log.csv",
        "result.json",
    ]


def test_a_recording_judged_in_pieces_is_judged_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    learner = Learner(sizes())
    windows = Windows(as_prepared([MadeClip(3, 11, unseen=[2]), MadeClip(40, 4)]), 4, LOOKS)
    fabric = Fabric(accelerator="cpu", devices=1)
    found = {}
    for chunk in (400, 4, 1):
        monkeypatch.setattr("affekt.training.devel.CHUNK", chunk)
        found[chunk] = list(predictions(learner, windows, fabric, [1, 0]))
    assert [(k, said.shape) for k, said, _ in found[400]] == [(1, (4, 2)), (0, (11, 2))]
    for chunk in (4, 1):
        for (_, whole, gold), (_, pieces, same) in zip(found[400], found[chunk], strict=True):
            np.testing.assert_allclose(pieces, whole, rtol=0, atol=1e-6)
            np.testing.assert_array_equal(gold, same)
    # The state is what makes it so: begun anew at frame 4, it says something else.
    batch = windows.read([(0, 4)], 7)
    with torch.inference_mode():
        anew = learner(batch).y[0].numpy()
    assert np.abs(anew - found[400][1][1][4:]).max() > 1e-4


def test_devel_is_scored_over_all_frames_that_have_gold(tmp_path: Path) -> None:
    torch.manual_seed(0)
    learner = Learner(sizes())
    gold = np.stack([np.linspace(-1, 1, 6), np.full(6, np.nan)], 1)
    gold[2, 0] = np.nan
    clips = [MadeClip(3, 5), MadeClip(40, 6, gold=gold)]
    windows = Windows(as_prepared(clips), 4, LOOKS)
    found = score(learner, windows, Fabric(accelerator="cpu", devices=1), tmp_path)
    said = [np.loadtxt(tmp_path / f"r{k}.csv", delimiter=",", skiprows=1, usecols=(2, 3)) for k in (3, 40)]
    x, y = np.concatenate(said), np.concatenate([clips[0].gold.values, gold])
    for d, value in enumerate((found.arousal, found.valence)):
        known = np.isfinite(y[:, d])
        a, b = x[known, d], y[known, d]
        by_hand = 2 * np.cov(a, b, ddof=0)[0, 1] / (a.var() + b.var() + (a.mean() - b.mean()) ** 2)
        assert value == pytest.approx(by_hand, abs=1e-4)  # the tables have six digits
    assert abs(found.arousal) > 1e-3
    assert (tmp_path / "r40.csv").read_text().splitlines()[0:2][0] == "name,time,arousal,valence"
