"""What a run has is as good as what it was made of."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from affekt.errors import ConfigError
from affekt.training.default import recipe
from affekt.training.default.fresh import fresh, refuse_older, weights
from affekt.training.default.fusion import kept, train_fusion
from affekt.training.default.transfer import leave_a_corpus_out


def write(path: Path, at: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x")
    os.utime(path, (at, at))
    return path


def test_fresh_by_hand(tmp_path: Path) -> None:
    old, new = write(tmp_path / "old", 100), write(tmp_path / "new", 200)
    assert fresh(new, [old]) and fresh(new, [new]) and fresh(old, [])
    assert not fresh(old, [new]) and not fresh(tmp_path / "none", [])
    assert fresh(old, [tmp_path / "none"])


def test_features_are_made_anew_when_the_network_is(tmp_path: Path) -> None:
    import torch

    made: list[int] = []

    def make() -> dict[str, torch.Tensor]:
        made.append(1)
        return {"x": torch.tensor([len(made)])}

    path, network = tmp_path / "features" / "x.safetensors", write(tmp_path / "audio", 100)
    assert [int(kept(path, [network], make)["x"]) for _ in range(2)] == [1, 1]
    os.utime(path, (150, 150))
    write(network, 200)
    assert int(kept(path, [network], make)["x"]) == 2


def test_what_is_done_is_not_done_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ran: list[str] = []
    monkeypatch.setattr(recipe, "look_over", lambda _: None)
    monkeypatch.setattr(recipe.takes, "read_units", lambda _: {})
    for name in recipe.STAGES:
        monkeypatch.setitem(recipe.STAGES, name, lambda *_, name=name: ran.append(name))
    for path in weights(tmp_path, "faces", "text", "audio", "fusion", "bundle"):
        write(path, 100)
    recipe.run_stages(tmp_path, tmp_path)
    assert ran == ["checks", "card"]
    said = capsys.readouterr().out.splitlines()
    assert said == [
        *(f"{name}: done before" for name in ("faces", "text", "audio", "fusion", "bundle")),
        "checks …",
        "card …",
    ]
    write(tmp_path / "fusion" / "weights.safetensors", 200)
    recipe.run_stages(tmp_path, tmp_path, "bundle")
    assert ran[2:] == ["bundle"]


@pytest.mark.parametrize("file", ["weights.safetensors", "last.pt"])
@pytest.mark.parametrize(
    ("stage", "kind"), [("fusion", "residual"), ("fusion-concatenation", "concatenation")]
)
def test_no_fusion_of_older_networks_is_built_on(tmp_path: Path, stage: str, kind: str, file: str) -> None:
    """Neither the default's nor one of those that are compared with it, finished or not."""
    for path in weights(tmp_path, "faces", "text"):
        write(path, 100)
    write(tmp_path / stage / file, 200)
    refuse_older(tmp_path / stage, weights(tmp_path, "faces", "text"))
    write(tmp_path / "audio" / "weights.safetensors", 300)
    with pytest.raises(ConfigError, match=f"{stage}: has learned on networks that were trained anew"):
        train_fusion(tmp_path, tmp_path, recipe.SPEC, kind)


def test_no_head_of_an_older_network_is_scored(tmp_path: Path) -> None:
    write(tmp_path / "audio-without-emodb-head" / "weights.safetensors", 100)
    write(tmp_path / "audio-without-emodb" / "weights.safetensors", 200)
    with pytest.raises(ConfigError, match="audio-without-emodb-head: has learned on networks"):
        leave_a_corpus_out(tmp_path, tmp_path, recipe.SPEC)
