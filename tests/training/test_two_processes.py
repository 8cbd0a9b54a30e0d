"""Two processes give the gradients of one with the joined batch (issue: CCC is not additive)."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from lightning_fabric import Fabric
from lightning_fabric.strategies.ddp import DDPStrategy
from safetensors.torch import load_file
from torch import Tensor

from affekt.training.batches import Epochs
from affekt.training.concordance import concordance_loss
from training.two_processes import step


def gradients(folder: Path, prepared: Path, processes: int, batch: int) -> list[dict[str, Tensor]]:
    folder.mkdir()
    several = DDPStrategy(start_method="spawn", find_unused_parameters=True)
    strategy = "auto" if processes == 1 else several
    fabric = Fabric(accelerator="cpu", devices=processes, strategy=strategy, precision="64-true")
    fabric.launch(step, str(prepared), str(folder), batch)
    return [load_file(folder / f"rank{rank}.safetensors") for rank in range(processes)]


# Of 3 windows one process has two, the other one: their frames must not weigh the same.
@pytest.mark.filterwarnings("ignore:.*:UserWarning", "ignore:.*:ResourceWarning")
def test_two_processes_give_the_gradients_of_the_joined_batch(small_prepared: Path, tmp_path: Path) -> None:
    (alone,) = gradients(tmp_path / "one", small_prepared, 1, 3)
    both = gradients(tmp_path / "two", small_prepared, 2, 3)
    assert len(alone) > 50
    for rank in both:
        assert rank.keys() == alone.keys()
        for name, value in alone.items():
            assert value.dtype == torch.float64
            torch.testing.assert_close(
                rank[name], value, atol=1e-8, rtol=1e-8, msg=lambda m, name=name: f"{name}: {m}"
            )


def test_moments_are_joined_and_not_the_ccc() -> None:
    torch.manual_seed(0)
    gold = torch.randn(2, 30, 2, dtype=torch.float64)
    gold[1] += 2  # between the processes' windows lies much of the agreement
    predicted = (gold + torch.randn_like(gold)).requires_grad_()
    mask = torch.rand(2, 30, 2) < 0.8
    concordance_loss(predicted, gold, mask).backward()
    whole = predicted.grad
    assert whole is not None
    # Each process in turn, the other one's sums handed to it as all_reduce would.
    parts = []
    for own, other in ((0, 1), (1, 0)):
        mine = predicted[own : own + 1].detach().requires_grad_()
        theirs = Other(
            predicted[other : other + 1].detach(), gold[other : other + 1], mask[other : other + 1]
        )
        concordance_loss(mine, gold[own : own + 1], mask[own : own + 1], theirs.added).backward()
        assert mine.grad is not None
        parts.append(mine.grad)
    torch.testing.assert_close(torch.cat(parts), whole, atol=1e-12, rtol=1e-10)
    apart = predicted.detach().requires_grad_()
    torch.stack([concordance_loss(apart[k], gold[k], mask[k]) for k in range(2)]).mean().backward()
    assert apart.grad is not None
    assert (apart.grad - whole).abs().max() > 1e-3


class Other:
    """The other process: it answers every sum with its own added."""

    def __init__(self, predicted: Tensor, gold: Tensor, mask: Tensor) -> None:
        self.sums: list[Tensor] = []
        self.x, self.y, self.known = predicted[0], gold[0], mask[0]

    def added(self, sums: Tensor) -> Tensor:
        zero = torch.zeros((), dtype=sums.dtype)
        x, y = torch.where(self.known, self.x, zero), torch.where(self.known, self.y, zero)
        if sums.dim() == 1:  # does anything count?
            return sums + self.known.any()
        if len(sums) == 3:  # counts and sums
            self.total = sums + torch.stack([self.known.sum(0).to(x.dtype), x.sum(0), y.sum(0)])
            return self.total
        mean_x, mean_y = self.total[1] / self.total[0], self.total[2] / self.total[0]
        x, y = torch.where(self.known, x - mean_x, zero), torch.where(self.known, y - mean_y, zero)
        return sums + torch.stack([x.sum(0), y.sum(0), (x**2).sum(0), (y**2).sum(0), (x * y).sum(0)])


def test_each_process_takes_its_share_of_every_batch() -> None:
    one = list(Epochs(11, 4, seed=3).at(2))
    shares = [list(Epochs(11, 4, seed=3, rank=rank, ranks=3).at(2)) for rank in range(3)]
    for step_, rows in enumerate(one):
        taken = [row for share in shares for row in share[step_] if row >= 0]
        assert sorted(taken) == sorted(rows)
        assert all(share[step_] for share in shares)
    assert sum(len(rows) for rows in one) == 11
    assert list(Epochs(11, 4, seed=3).at(2, 1)) == one[1:]
    assert list(Epochs(11, 4, seed=3).at(1)) != one
