"""One loop for every stage: epochs, devel scores, the best weights kept, and going on after a kill."""

from __future__ import annotations

import csv
import math
import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

Scores = dict[str, float]


@dataclass(frozen=True)
class FitSettings:
    """How a stage is trained."""

    epochs: int
    lr: float = 5e-4
    weight_decay: float = 0.0
    clip: float = 5.0
    seed: int = 0
    warmup: int = 0
    """Steps of linear warm-up before the cosine decay."""


def fit(
    folder: Path,
    model: nn.Module,
    groups: list[dict[str, Any]] | Iterable[nn.Parameter],
    batches: Callable[[int], Iterable[Any]],
    loss: Callable[[Any], Tensor],
    score: Callable[[], Scores],
    settings: FitSettings,
) -> Scores:
    """Train `model`, score it on devel after every epoch, and leave it with the best epoch's weights.

    A run that was killed goes on at the epoch it was in: what an epoch draws depends on its number alone.

    Args:
        folder: of this stage; holds last.pt, best.safetensors and log.csv.
        batches: epoch → its batches.
        score: devel scores by name; their mean decides which epoch is best.

    Returns:
        The best epoch's scores.
    """
    folder.mkdir(parents=True, exist_ok=True)
    optimiser = torch.optim.AdamW(
        groups, lr=settings.lr, betas=(0.9, 0.99), weight_decay=settings.weight_decay
    )
    peaks = [group["lr"] for group in optimiser.param_groups]
    first, best = 0, {}
    last = folder / "last.pt"
    if last.exists():
        saved = torch.load(last, weights_only=True)
        model.load_state_dict(saved["model"])
        optimiser.load_state_dict(saved["optimiser"])
        first, best = saved["epoch"] + 1, saved["best"]
    for epoch in range(first, settings.epochs):
        torch.manual_seed(settings.seed * 100_003 + epoch)
        started, losses = time.time(), []
        model.train()
        work = list(batches(epoch))
        for step, batch in enumerate(work):
            progress = (epoch + step / len(work)) / settings.epochs
            warm = min(1.0, (epoch * len(work) + step + 1) / max(1, settings.warmup))
            for group, peak in zip(optimiser.param_groups, peaks, strict=True):
                group["lr"] = peak * warm * 0.5 * (1 + torch.cos(torch.tensor(torch.pi * progress)).item())
            value = loss(batch)
            optimiser.zero_grad(set_to_none=True)
            value.backward()
            nn.utils.clip_grad_norm_(model.parameters(), settings.clip)
            optimiser.step()
            losses.append(float(value.detach()))
        model.eval()
        with torch.no_grad():
            scores = score()
        if not best or _mean(scores) > _mean(best):
            best = scores
            _replace(partial(save_file, _contiguous(model)), folder / "best.safetensors")
        _log(folder / "log.csv", epoch, sum(losses) / len(losses), scores, time.time() - started)
        state = {
            "model": model.state_dict(),
            "optimiser": optimiser.state_dict(),
            "epoch": epoch,
            "best": best,
        }
        _replace(partial(torch.save, state), last)
    model.load_state_dict(load_file(folder / "best.safetensors"))
    model.eval()
    return best


def _mean(scores: Scores) -> float:
    """Mean score; the worst there is where one is not a number, so that any other epoch is better."""
    mean = sum(scores.values()) / len(scores)
    return mean if math.isfinite(mean) else -math.inf


def _contiguous(model: nn.Module) -> dict[str, Tensor]:
    return {name: value.contiguous() for name, value in model.state_dict().items()}


def _replace(write: Callable[[Path], None], path: Path) -> None:
    """Write beside and rename, so that a kill leaves the old file."""
    part = path.with_name(path.name + ".part")
    write(part)
    os.replace(part, path)


def _log(path: Path, epoch: int, loss: float, scores: Scores, seconds: float) -> None:
    row: dict[str, Any] = {"epoch": epoch, "loss": f"{loss:.4f}", "seconds": f"{seconds:.0f}"}
    row |= {name: f"{value:.4f}" for name, value in scores.items()}
    new = not path.exists()
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, row)
        if new:
            writer.writeheader()
        writer.writerow(row)
    print("  ".join(f"{name} {value}" for name, value in row.items()), flush=True)
