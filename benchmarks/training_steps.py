"""What a child of `training.py` does: a made-up batch of SEWA's shape, and steps of training on it."""

from __future__ import annotations

import json
import resource
import sys
import time
from argparse import Namespace
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from plain_training import Plain
from torch import Tensor

from affekt.networks import MultimodalConfig
from affekt.training.batches import Batch, Sentences
from affekt.training.concordance import concordance_loss
from affekt.training.learner import Learner
from affekt.training.memory import keep_freed
from affekt.training.precision import half_networks

WORDS = 12
"""A sentence, in the mean."""
FACES = 0.9
"""Share of frames that have one."""


def made_up(
    config: MultimodalConfig, batch: int, frames: int, sentences: int, side: int = 96, faces: float = FACES
) -> Batch:
    """A batch of one modality drawn at random, the same each time.

    Args:
        config: of one modality.
        batch, frames: B windows of T frames.
        sentences: distinct ones of the batch; every frame is in one of them.
        side: of a face.
        faces: share of frames that have one.
    """
    rng = np.random.default_rng(0)
    (name,) = config.modalities
    shape = batch, frames
    gold = np.tanh(np.cumsum(rng.normal(0, 0.05, (*shape, 2)), 1)).astype(np.float32)
    present = np.zeros((*shape, 3), bool)
    has_face = rng.random(shape) < faces if name == "visual" else np.zeros(shape, bool)
    present[..., ("text", "audio", "visual").index(name)] = has_face if name == "visual" else True
    made = Batch(
        gold=torch.from_numpy(gold),
        mask=torch.ones(*shape, 2, dtype=torch.bool),
        presence=torch.from_numpy(present),
        speaker=torch.from_numpy(rng.integers(0, 2, shape)),
    )
    if name == "text":
        lengths = rng.poisson(WORDS, sentences).clip(1)
        words = rng.standard_normal((sentences, lengths.max(), config.text.width), np.float32)
        mask = torch.from_numpy(np.arange(lengths.max()) < lengths[:, None])
        # Consecutive frames share a sentence, all sentences last about as long.
        rows = torch.arange(batch * frames).view(shape) * sentences // (batch * frames)
        return replace(made, sentences=Sentences(mask, torch.from_numpy(words)), frame_sentence=rows)
    if name == "audio":
        sound = rng.normal(0, 0.1, (*shape, config.audio.window)).astype(np.float32)
        return replace(made, audio=torch.from_numpy(sound))
    images = rng.integers(0, 256, (int(has_face.sum()), side, side, 3), np.uint8)
    frame_image = np.where(has_face, has_face.cumsum().reshape(shape) - 1, -1)
    return replace(made, images=torch.from_numpy(images), frame_image=torch.from_numpy(frame_image))


def rendering(
    who: str, config: MultimodalConfig, precision: str, device: torch.device
) -> tuple[Learner, Callable[[Batch], Tensor]]:
    """A model of random weights, the same each time, and how it is run: "affekt" or "plain"."""
    torch.manual_seed(0)
    bf16 = half_networks(precision, device) if who == "affekt" else ()
    learner = Learner(config, bf16=bf16).to(device)
    return learner, (lambda batch: learner(batch).y) if who == "affekt" else Plain(learner.model)


def serve(arguments: Namespace) -> None:
    """Make a step for each line that comes in, and answer with its seconds and the peak memory so far."""
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    if arguments.who == "affekt":
        keep_freed()  # as `affekt train` does
    device = torch.device(arguments.device)
    config = MultimodalConfig(modalities=(arguments.network,))
    batch = made_up(config, arguments.batch, arguments.frames, arguments.sentences).to(device)
    model, run = rendering(arguments.who, config, arguments.precision, device)
    optimiser = torch.optim.Adam(model.parameters(), lr=5e-4, betas=(0.9, 0.99))
    model.train()
    for _ in sys.stdin:
        wall, cpu = time.perf_counter(), time.process_time()
        loss = concordance_loss(run(batch), batch.gold, batch.mask)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        value = loss.item()  # waits for a GPU
        answer = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu, "loss": value}
        answer |= {"peak": peak(device), "half": arguments.network in model.bf16}
        print(json.dumps(answer), flush=True)


def peak(device: torch.device) -> float:
    """Most memory so far, in MB: resident, or a GPU's."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 1e6
    unit = 1e6 if sys.platform == "darwin" else 1e6 / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
