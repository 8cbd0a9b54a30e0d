"""One loop for every stage: epochs, devel scores, and going on after a kill."""

from __future__ import annotations

import csv
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

from affekt.training.averaging import Average

Scores = dict[str, float]
WEIGHTS = "weights.safetensors"
"""What a stage leaves in its folder."""
LAST, LOG = "last.pt", "log.csv"
BESIDE = ("epoch", "loss", "seconds")
"""What its log tells beside the scores."""


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
    average: float = 0.0
    """How much of a running average of the weights stays at each step; 0: none. Where there is one, it is
    what is scored and kept (Polyak & Juditsky 1992)."""


def fit(
    folder: Path,
    model: nn.Module,
    groups: list[dict[str, Any]] | Iterable[nn.Parameter],
    batches: Callable[[int], Iterable[Any]],
    loss: Callable[[Any], Tensor],
    score: Callable[[], Scores],
    settings: FitSettings,
) -> Scores:
    """Train `model` to the end of its learning rate's decay, scoring it on devel after every epoch.

    The last weights are taken, or their running average, not the best on devel, so that devel has no say in
    them. A run that was killed goes on at the epoch it was in: what an epoch draws depends on its number. One
    that came to its end is not trained again: its weights are read.

    Args:
        folder: of this stage; holds last.pt while it goes on, weights.safetensors at the end, and log.csv.
        batches: epoch → its batches.
        score: devel scores by name.

    Returns:
        The last epoch's scores.
    """
    folder.mkdir(parents=True, exist_ok=True)
    last, weights = folder / LAST, folder / WEIGHTS
    if weights.exists() and (folder / LOG).exists():
        model.load_state_dict(load_file(weights))
        model.eval()
        return logged(folder)
    optimiser = torch.optim.AdamW(
        groups, lr=settings.lr, betas=(0.9, 0.99), weight_decay=settings.weight_decay
    )
    peaks = [group["lr"] for group in optimiser.param_groups]
    average = Average(model, settings.average)
    first, scores = 0, Scores()
    if last.exists():
        saved = torch.load(last, weights_only=True)
        model.load_state_dict(saved["model"])
        optimiser.load_state_dict(saved["optimiser"])
        average.load(saved["average"], saved["steps"])
        first, scores = saved["epoch"] + 1, saved["scores"]
    _forget(folder / LOG, first)
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
            average.update()
            losses.append(float(value.detach()))
        model.eval()
        with torch.no_grad(), average.shown():
            scores = score()
        _log(folder / LOG, epoch, sum(losses) / len(losses), scores, time.time() - started)
        state = {
            "model": model.state_dict(),
            "optimiser": optimiser.state_dict(),
            "average": average.state,
            "steps": average.steps,
            "epoch": epoch,
            "scores": scores,
        }
        _replace(partial(torch.save, state), last)
    model.eval()
    average.keep()
    save_weights(model, weights)
    last.unlink(missing_ok=True)
    return scores


def logged(folder: Path) -> Scores:
    """The scores of the last epoch that a stage's folder tells of."""
    with (folder / LOG).open(newline="", encoding="utf-8") as file:
        *_, last = csv.DictReader(file)
    return {name: float(value) for name, value in last.items() if name not in BESIDE}


def save_weights(model: nn.Module, path: Path) -> None:
    """Write a model's weights as safetensors."""
    _replace(partial(save_file, _contiguous(model)), path)


def grouped(model: nn.Module, decay: float, **more: Any) -> list[dict[str, Any]]:
    """A model's learning parameters in two groups: matrices decay, biases and scales do not."""
    learning = [p for p in model.parameters() if p.requires_grad]
    matrices, rest = [p for p in learning if p.dim() > 1], [p for p in learning if p.dim() <= 1]
    return [
        {"params": matrices, "weight_decay": decay, **more},
        {"params": rest, "weight_decay": 0.0, **more},
    ]


def _contiguous(model: nn.Module) -> dict[str, Tensor]:
    return {name: value.contiguous() for name, value in model.state_dict().items()}


def _replace(write: Callable[[Path], object], path: Path) -> None:
    """Write beside and rename, so that a kill leaves the old file."""
    part = path.with_name(path.name + ".part")
    write(part)
    os.replace(part, path)


def _forget(path: Path, first: int) -> None:
    """Take epochs from `first` on out of the log: after a kill between log and checkpoint they come again."""
    if path.exists():
        head, *rows = path.read_text(encoding="utf-8").splitlines(keepends=True)
        text = "".join([head, *(row for row in rows if int(row.partition(",")[0]) < first)])
        _replace(lambda part: part.write_text(text, encoding="utf-8"), path)


def _log(path: Path, epoch: int, loss: float, scores: Scores, seconds: float) -> None:
    row: dict[str, Any] = dict(zip(BESIDE, (epoch, f"{loss:.4f}", f"{seconds:.0f}"), strict=True))
    row |= {name: f"{value:.4f}" for name, value in scores.items()}
    new = not path.exists()
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, row)
        if new:
            writer.writeheader()
        writer.writerow(row)
    print("  ".join(f"{name} {value}" for name, value in row.items()), flush=True)
