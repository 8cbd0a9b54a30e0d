"""Training goes on after a kill as if nothing had been, and ends with its last weights."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from affekt.training.loop import FitSettings, Scores, fit, logged

VALUES = [1.0, 3, 2, 2, 2.5]


class Kill(BaseException):
    """What ends a run in these tests."""


def network() -> nn.Module:
    """With dropout and running statistics, which a resumed run must carry on as well."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 1))


def train(folder: Path, model: nn.Module, score: Callable[[], Scores], epochs: int = 5) -> Scores:
    def batches(epoch: int) -> Iterator[Tensor]:
        generator = torch.Generator().manual_seed(epoch)
        return iter([torch.randn(6, 4, generator=generator) for _ in range(3)])

    def loss(x: Tensor) -> Tensor:
        return (model(x).squeeze(1) - x.sum(1)).pow(2).mean()

    settings = FitSettings(epochs, lr=0.01, weight_decay=0.01, seed=3, warmup=2)
    return fit(folder, model, model.parameters(), batches, loss, score, settings)


def scoring(values: list[float], kill_at: int | None = None, first: int = 0) -> Callable[[], Scores]:
    """Scores as given, by epoch; raises in epoch `kill_at`, after its steps."""
    epoch = iter(range(first, len(values)))

    def score() -> Scores:
        now = next(epoch)
        if now == kill_at:
            raise Kill
        return {"a": values[now], "b": values[now] - 1}

    return score


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def same(one: nn.Module, other: nn.Module) -> bool:
    pairs = zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


@pytest.mark.parametrize("killed_at", [0, 1, 3, 4])
def test_a_killed_run_ends_as_an_undisturbed_one(tmp_path: Path, killed_at: int) -> None:
    undisturbed, resumed = network(), network()
    scores = train(tmp_path / "undisturbed", undisturbed, scoring(VALUES))
    with pytest.raises(Kill):
        train(tmp_path / "killed", network(), scoring(VALUES, killed_at))
    assert not (tmp_path / "killed" / "weights.safetensors").exists(), (
        "a stage that is not over has no weights"
    )
    if killed_at:
        with torch.no_grad():
            resumed[0].weight.fill_(7)  # whatever it starts from, it goes on from what was saved
    assert train(tmp_path / "killed", resumed, scoring(VALUES, first=killed_at)) == scores
    assert same(undisturbed, resumed) and not resumed.training
    files = [tmp_path / run / "weights.safetensors" for run in ("undisturbed", "killed")]
    assert files[0].read_bytes() == files[1].read_bytes()


def test_the_last_epoch_is_kept(tmp_path: Path) -> None:
    """Devel scores are noted and decide nothing: a run with other scores ends with the same weights."""
    model, other = network(), network()
    assert train(tmp_path / "one", model, scoring(VALUES)) == {"a": 2.5, "b": 1.5}
    train(tmp_path / "other", other, scoring([5, math.nan, 3, 2, 1]))
    assert same(model, other)
    kept = load_file(tmp_path / "one" / "weights.safetensors")
    assert kept.keys() == model.state_dict().keys()
    assert all(torch.equal(kept[name], value) for name, value in model.state_dict().items())


def test_it_learns(tmp_path: Path) -> None:
    train(tmp_path, network(), scoring([0.0] * 60), epochs=60)
    losses = [float(row["loss"]) for row in rows_of(tmp_path / "log.csv")]
    assert sum(losses[-5:]) < 0.8 * sum(losses[:5])


def test_a_finished_run_is_over_at_once(tmp_path: Path) -> None:
    first, again = network(), network()
    scores = train(tmp_path, first, scoring(VALUES))

    def never() -> Scores:
        raise AssertionError("scored again")

    assert train(tmp_path, again, never) == scores
    assert same(first, again)


def test_a_kill_while_writing_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save, saved = torch.save, []

    def half(state: object, path: Path) -> None:
        saved.append(path)
        if len(saved) == 3:
            path.write_bytes(b"half")
            raise Kill
        save(state, path)

    undisturbed, resumed = network(), network()
    train(tmp_path / "undisturbed", undisturbed, scoring([1, 2, 3, 4, 5]))
    with monkeypatch.context() as patch:
        patch.setattr(torch, "save", half)
        with pytest.raises(Kill):
            train(tmp_path / "killed", network(), scoring([1, 2, 3, 4, 5]))
    train(tmp_path / "killed", resumed, scoring([1, 2, 3, 4, 5], first=2))
    assert same(undisturbed, resumed)
    # The log had told of the epoch already; it tells of each once.
    assert [row["epoch"] for row in rows_of(tmp_path / "killed" / "log.csv")] == ["0", "1", "2", "3", "4"]


def test_log_and_files(tmp_path: Path) -> None:
    train(tmp_path, network(), scoring([1, 2, 3, 4, 5]))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["log.csv", "weights.safetensors"]
    with (tmp_path / "log.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["0", "1", "2", "3", "4"]
    assert [float(row["a"]) for row in rows] == [1, 2, 3, 4, 5]
    assert all(math.isfinite(float(row["loss"])) for row in rows)


def test_the_log_tells_the_last_epochs_scores(tmp_path: Path) -> None:
    train(tmp_path, network(), scoring(VALUES))
    assert logged(tmp_path) == {"a": 2.5, "b": 1.5}
