"""Whatever a feature network gives, it arrives at one size."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from affekt.networks.fusion import FUSIONS
from affekt.training.batches import Windows
from affekt.training.config import read_config
from affekt.training.evening import SPREAD, even_out
from affekt.training.run import looks_of, make_fabric, prepared_of, setting_of, train
from prepared import write_tiny


@pytest.mark.parametrize("kind", FUSIONS)
def test_what_varies_arrives_at_one_size(small_prepared: Path, tmp_path: Path, kind: str) -> None:
    config = read_config(write_tiny(tmp_path / "c.yaml", small_prepared, fusion={"kind": kind}))
    setting = setting_of(config, tmp_path, make_fabric(config, tmp_path), prepared_of(config.data))
    learner = setting.learner("fusion")
    with torch.no_grad():
        for parameter in learner.model.visual.parameters():
            parameter.mul_(0.3)  # a network that whispers
    windows = Windows(setting.parts.train, 25, looks_of(setting, learner))
    even_out(learner, windows, torch.device("cpu"))
    batch = windows[list(range(len(windows)))]
    fused_head, first = learner.model.fused_head, 0
    for m, name in enumerate(("text", "audio", "visual")):
        width = learner.model.config.sizes[m]
        x = learner.features(batch, name)[batch.presence[..., m]].detach()
        if kind == "concatenation":
            arrived = x @ fused_head.head.lstm.weight_ih_l0[:, first : first + width].T
            arrived = arrived - arrived.mean(0)
        else:
            arrived = fused_head.fusion.project.linears[m](x)
            torch.testing.assert_close(arrived.mean(0), torch.zeros(8), atol=1e-4, rtol=0)
        torch.testing.assert_close(arrived.std(), torch.tensor(SPREAD), atol=1e-3, rtol=0)
        first += width


def test_it_is_an_option_of_a_stage(small_prepared: Path, tmp_path: Path) -> None:
    results = []
    for even in (False, True):
        config = write_tiny(
            tmp_path / "c.yaml",
            small_prepared,
            modalities=["audio"],
            training={"even_start": even, "epochs": 1},
        )
        results.append(train(read_config(config), tmp_path / str(even), export=False)["mean"])
    assert results[0] != results[1]


def test_features_that_are_kept_drop_out_in_training_alone(small_prepared: Path, tmp_path: Path) -> None:
    changes = {"modalities": ["audio"], "stages": {"audio": {"freeze": ["audio"], "feature_dropout": 0.5}}}
    config = read_config(write_tiny(tmp_path / "c.yaml", small_prepared, **changes))
    setting = setting_of(config, tmp_path, make_fabric(config, tmp_path), prepared_of(config.data))
    learner = setting.learner("audio")
    batch = Windows(setting.parts.train, 25, looks_of(setting, learner))[[0, 1]]
    kept = batch.features["audio"]
    assert torch.equal(learner.eval().features(batch, "audio"), kept)
    torch.manual_seed(0)
    dropped = learner.train().features(batch, "audio")
    there = kept != 0
    assert 0.4 < (dropped[there] == 0).float().mean() < 0.6
    left = there & (dropped != 0)
    torch.testing.assert_close(dropped[left], 2 * kept[left])
