"""One stage of a run: a loop of our own on Lightning Fabric, exact when it goes on after a kill.

Everything by chance in a step, which windows and which units drop out, follows from the seed, the epoch and
the step. A checkpoint therefore needs weights, optimiser and a few numbers; from it the run goes on as if
nothing had happened, bit for bit on a CPU.
"""

from __future__ import annotations

import csv
import io
import json
import math
import os
import resource
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.utils.data import DataLoader

from affekt.corpora.prepared.lock import sweep
from affekt.errors import ConfigError, OutputError
from affekt.timeline.files import atomic, finite
from affekt.training.batches import Batch, Epochs, Windows
from affekt.training.concordance import concordance_loss
from affekt.training.config import Fitting
from affekt.training.devel import Score, figure, score
from affekt.training.learner import Learner
from affekt.training.visual_weights import MORE_THAN_TENSORS

LAST, BEST, RESULT, LOG, DEVEL = "last.pt", "best.safetensors", "result.json", "log.csv", "devel"

OnEpoch = Callable[[int, Score], None]
"""Called after each epoch, counted from 1, with the devel CCC; what it raises ends the stage."""


@dataclass
class Progress:
    """Where a stage is: all that a checkpoint holds besides tensors."""

    epoch: int = 0
    """Epochs that are over."""
    step: int = 0
    """Steps of the current epoch that are done."""
    loss: float = 0.0
    """Sum over these steps."""
    best: float = -2.0
    best_epoch: int = 0
    seconds: float = 0.0
    """Spent on training steps, in all sessions."""
    frames: int = 0
    """Frames trained on."""
    rows: list[dict[str, float]] = field(default_factory=list)
    """Of the log, one an epoch."""


class Stage:
    """A learner, its windows, and the folder in which its training lies."""

    def __init__(
        self,
        name: str,
        folder: Path,
        fabric: Fabric,
        learner: Learner,
        train: Windows,
        devel: Windows,
        fitting: Fitting,
        *,
        seed: int = 0,
        loaders: int = 0,
        checkpoint_seconds: float = 60.0,
    ) -> None:
        """Prepare a stage; nothing is read or written yet.

        Args:
            folder: of this stage, within the run's.
            train: windows that are learned from.
            devel: whole recordings that decide when it ends and which epoch is taken.
            loaders: processes that read windows.
            checkpoint_seconds: between two checkpoints within an epoch.
        """
        self.name, self.folder, self.fabric = name, folder, fabric
        self.learner, self.train_windows, self.devel = learner, train, devel
        self.fitting, self.seed = fitting, seed
        self.loaders, self.checkpoint_seconds = loaders, checkpoint_seconds
        self.progress = Progress()
        parameters = [one for one in learner.parameters() if one.requires_grad]
        optimiser = torch.optim.Adam(
            parameters, lr=fitting.lr, betas=(0.9, 0.99), weight_decay=fitting.weight_decay
        )
        self.module, self.optimiser = fabric.setup(learner, optimiser)
        self.epochs = Epochs(
            len(train),
            fitting.batch,
            seed,
            steps=fitting.steps,
            rank=fabric.global_rank,
            ranks=fabric.world_size,
        )

    # Going on

    def resume(self) -> None:
        """Take up the last checkpoint, if there is one.

        Raises:
            ConfigError: it is damaged, or of another network.
        """
        path = self.folder / LAST
        if not path.exists():
            return
        try:
            saved = torch.load(path, map_location="cpu", weights_only=True)
            self.learner.load_state_dict(saved["learner"])
            self.optimiser.load_state_dict(saved["optimiser"])
            self.progress = Progress(**saved["progress"])
        except (OSError, RuntimeError, KeyError, TypeError, ValueError, EOFError, MORE_THAN_TENSORS) as error:
            reason = " ".join(str(error).split())[:160]
            raise ConfigError(
                f"{path}: is no checkpoint of this run ({reason}); "
                f"delete the folder {self.folder} to begin anew"
            ) from error

    def checkpoint(self) -> None:
        """Write the last checkpoint; a kill meanwhile leaves the one before."""
        if self.fabric.is_global_zero:
            state = {
                "learner": self.learner.state_dict(),
                "optimiser": self.optimiser.state_dict(),
                "progress": asdict(self.progress),
            }
            with _written(self.folder / LAST) as part:
                torch.save(state, part)

    # Training

    def fit(self, on_epoch: OnEpoch | None = None) -> dict[str, Any]:
        """Train to the end, from wherever it was; returns and writes the stage's result.

        Raises:
            OutputError: the folder cannot be written to.
        """
        if self.fabric.is_global_zero:
            _make(self.folder)
            sweep(self.folder)
        self.fabric.barrier()
        self.resume()
        loader = DataLoader(
            self.train_windows,
            sampler=self.epochs,
            batch_size=None,
            num_workers=self.loaders,
            pin_memory=self.fabric.device.type == "cuda",
        )
        while (stopped := self._over()) is None:
            self._epoch(loader)
            found = self._devel()
            if on_epoch:
                on_epoch(self.progress.epoch, found)
        self.learner.load_state_dict(load_file(self.folder / BEST))
        return self._finish(stopped)

    def _over(self) -> str | None:
        at = self.progress
        if at.step == 0 and at.epoch:
            if at.epoch >= self.fitting.epochs:
                return "epochs"
            if at.epoch - at.best_epoch >= self.fitting.patience:
                return "patience"
        return None

    def _epoch(self, loader: DataLoader[Batch]) -> None:
        """The rest of an epoch."""
        at = self.progress
        self.module.train()
        self.epochs.at(at.epoch, at.step)
        saved = time.monotonic()
        started = time.monotonic()
        for batch in loader:
            torch.manual_seed(_seed(self.seed, at.epoch, at.step, self.fabric.global_rank))
            loss = self._step(batch.to(self.fabric.device))
            at.loss += loss
            at.step += 1
            at.frames += int(batch.mask[..., 0].numel()) * self.fabric.world_size
            now = time.monotonic()
            at.seconds += now - started
            if now - saved > self.checkpoint_seconds:
                self.checkpoint()
                saved = time.monotonic()
            started = time.monotonic()

    def _step(self, batch: Batch) -> float:
        """One step on this process' part of a batch; returns the joined batch's loss.

        Raises:
            ConfigError: the loss or a gradient is no number any more; the weights are as before.
        """
        y = self.module(batch).y
        loss = concordance_loss(y, batch.gold, batch.mask, self._total)
        self.optimiser.zero_grad(set_to_none=True)
        # Gradients are averaged over processes; of the joined loss they are to be added up.
        self.fabric.backward(loss * self.fabric.world_size)
        norm = self.fabric.clip_gradients(
            self.module, self.optimiser, max_norm=self.fitting.clip, error_if_nonfinite=False
        )
        found = float(loss.detach())
        self._check(found, "loss")
        self._check(0.0 if norm is None else float(norm), "gradient")
        self.optimiser.step()
        return found

    def _check(self, number: float, what: str) -> None:
        if not math.isfinite(number):
            at = f"epoch {self.progress.epoch + 1}, step {self.progress.step + 1}"
            raise ConfigError(
                f"{self.folder}: the {what} is no number any more ({at}); try a lower lr, or precision 32"
            )

    def _total(self, sums: Tensor) -> Tensor:
        """Sums over all processes."""
        if self.fabric.world_size == 1:
            return sums
        return torch.as_tensor(self.fabric.all_reduce(sums, reduce_op="sum"))

    def _devel(self) -> Score:
        """Score devel after an epoch, keep what is best, log, write a checkpoint."""
        at = self.progress
        if self.fabric.world_size > 1:
            # Each process has batch statistics of its own; devel is judged with those that are kept.
            for one in self.learner.buffers():
                torch.distributed.broadcast(one, 0)
        found = score(self.learner, self.devel, self.fabric)
        mean = float(found.mean)
        self._check(mean, "devel CCC")
        at.epoch += 1
        if mean > at.best:
            at.best, at.best_epoch = mean, at.epoch
            if self.fabric.is_global_zero:
                save_weights(self.learner, self.folder / BEST)
        row = {
            "epoch": at.epoch,
            "step": at.epoch * self.epochs.steps,
            "loss": at.loss / max(1, at.step),
            "arousal": found.arousal,
            "valence": found.valence,
            "mean": mean,
            "lr": self.fitting.lr,
            "seconds": round(at.seconds, 1),
        }
        at.rows.append(row)
        at.step, at.loss = 0, 0.0
        if self.fabric.is_global_zero:  # first: the checkpoint's epochs are then all in the log
            write_log(at.rows, self.folder / LOG)
        self.checkpoint()
        if self.fabric.is_global_zero:
            self.fabric.log_dict(
                {f"{self.name}/{key}": row[key] for key in ("loss", "arousal", "valence", "mean")},
                step=at.epoch,
            )
            print(said(self.name, row, at), flush=True)
        self.fabric.barrier()
        return found

    def _finish(self, stopped: str | None) -> dict[str, Any]:
        at = self.progress
        best = at.rows[at.best_epoch - 1]
        result = {
            "stage": self.name,
            "epoch": at.best_epoch,
            "epochs": at.epoch,
            "arousal": finite(best["arousal"]),
            "valence": finite(best["valence"]),
            "mean": best["mean"],
            "parameters": sum(one.numel() for one in self.learner.parameters()),
            "frames_per_second": round(at.frames / max(at.seconds, 1e-9), 1),
            "peak_memory_mb": round(peak_memory_mb(self.fabric.device), 1),
            "seconds": round(at.seconds, 1),
            "stopped": stopped,
        }
        score(self.learner, self.devel, self.fabric, self.folder / DEVEL)
        if self.fabric.is_global_zero:
            with atomic(self.folder / RESULT) as part:
                part.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
        self.fabric.barrier()
        return result


def said(name: str, row: dict[str, float], at: Progress) -> str:
    """An epoch as one line for the terminal."""
    best = f"best {at.best:.3f} in {at.best_epoch}"
    return (
        f"{name:7} epoch {at.epoch:3}  loss {row['loss']:.3f}  arousal {figure(row['arousal'])}  "
        f"valence {figure(row['valence'])}  {best}  {row['seconds']:.0f} s"
    )


def save_weights(learner: Learner, path: Path) -> None:
    """Write a learner's weights as safetensors.

    Raises:
        OutputError: they cannot be written.
    """
    with _written(path) as part:
        save_file({name: value.contiguous() for name, value in learner.state_dict().items()}, part)


def write_log(rows: list[dict[str, float]], path: Path) -> None:
    """Write the epochs so far as CSV."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows({k: f"{v:.6g}" if isinstance(v, float) else v for k, v in row.items()} for row in rows)
    with atomic(path) as part:
        part.write_text(text.getvalue(), encoding="utf-8")


def peak_memory_mb(device: torch.device) -> float:
    """Most memory so far: of the device where it counts its own, else of this process."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (2**20 if sys.platform == "darwin" else 2**10)


def _seed(*numbers: int) -> int:
    """One seed out of several numbers, none of which can make up for another."""
    state = 0
    for number in numbers:
        state = (state * 1_000_003 + number + 1) % (2**63 - 25)
    return state


@contextmanager
def _written(path: Path) -> Iterator[Path]:
    """As `atomic`, for writers that tell of a full disk by exceptions of their own."""
    try:
        with atomic(path) as part:
            yield part
    except (RuntimeError, SafetensorError) as error:
        raise OutputError(f"{path}: cannot be written ({' '.join(str(error).split())[:120]})") from error


def _make(folder: Path) -> None:
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder}: cannot be made ({error.strerror or error})") from error


def finished(folder: Path) -> dict[str, Any] | None:
    """The result of a stage that is over, None of one that is not."""
    try:
        found: dict[str, Any] = json.loads((folder / RESULT).read_text(encoding="utf-8"))
        return found
    except (OSError, ValueError):
        return None
