"""Features of a network that does not learn: computed once for each recording, read window by window."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import nn

from affekt.corpora.prepared.build import file_names
from affekt.corpora.prepared.clipfile import ClipFile, ClipWriter, open_clip
from affekt.corpora.prepared.dataset import PreparedClip
from affekt.errors import CorpusError, OutputError
from affekt.training.batches import Looks, Windows
from affekt.training.export import audio_reach
from affekt.training.learner import Learner

FORMAT = "affekt-features-1"
FEATURES = "features"
"""Folder beside the clips."""


class KeptFeatures:
    """The features of one network for some recordings, on disk in half precision as a bundle's weights."""

    def __init__(self, folder: Path, names: Sequence[str]) -> None:
        """Where they are kept; `names` are those of all recordings of the corpus, in its order."""
        self.folder = folder
        self._paths = dict(zip(names, (folder / name for name in file_names(names)), strict=True))
        self._open: dict[str, ClipFile] = {}

    def path(self, clip: PreparedClip) -> Path:
        """The file of a recording."""
        return self._paths[clip.entry.name]

    def has(self, clip: PreparedClip) -> bool:
        """Whether a recording's features are there, and of this very recording."""
        try:
            about = open_clip(self.path(clip)).about
        except CorpusError:
            return False
        return about.get("clip") == clip.entry.checksum

    def __call__(self, clip: PreparedClip, first: int, count: int) -> np.ndarray:
        """(count, D) float32 of some frames, fewer at the end."""
        name = clip.entry.name
        if name not in self._open:
            self._open[name] = open_clip(self.path(clip))
        return self._open[name].rows("features", first, count).astype(np.float32)


def keep_features(
    learner: Learner,
    name: str,
    clips: Sequence[PreparedClip],
    kept: KeptFeatures,
    looks: Looks,
    device: torch.device,
    chunk: int,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Compute the features of one modality for the recordings that have none yet, as if heard at once.

    Args:
        looks: what its network looks at.
        chunk: frames at a time.
        progress: called with the recordings done and all of them.

    Raises:
        OutputError: they cannot be written.
    """
    try:
        kept.folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{kept.folder}: cannot be made ({error.strerror or error})") from error
    windows = Windows(clips, chunk, looks)
    reach = audio_reach(learner.model.config) if name == "audio" else (0, 0)
    was_training = learner.training
    learner.eval()
    for k, clip in enumerate(clips):
        if not kept.has(clip):
            with ClipWriter(kept.folder) as writer, torch.inference_mode():
                for batch, piece in windows.pieces(k, chunk, reach):
                    values = learner.features(batch.to(device), name)[0, piece]
                    writer.add(features=values.half().cpu().numpy())
                writer.save(kept.path(clip), {"format": FORMAT, "clip": clip.entry.checksum})
        if progress:
            progress(k + 1, len(clips))
    learner.train(was_training)


def fingerprint(*modules: nn.Module | None, also: str = "") -> str:
    """SHA-256 of networks' weights by name, and of what else decides their features."""
    digest = hashlib.sha256(also.encode())
    for module in modules:
        if module is None:
            continue
        for name, value in sorted(module.state_dict().items()):
            digest.update(name.encode())
            digest.update(value.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
