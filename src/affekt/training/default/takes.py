"""RAVDESS' takes as real pairs: what a bundle hears, and the action units of the face that was filmed.

OpenFace's action units (Baltrušaitis et al. 2018) are given as means over a take: 01-01-… is the film of the
take whose sound is 03-01-… (Livingstone and Russo 2018).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from affekt.errors import AffektError, CorpusError
from affekt.media.sound import frames_of_array
from affekt.runtime.bundle import CONFIG, open_bundle
from affekt.runtime.predictor import Predictor
from affekt.timeline.files import atomic
from affekt.training.default.data import Speech, read_speech

UNITS = Path("ravdess_action_units") / "ravdess_au_clip_means.parquet"
"""In the data folder: `name` of a take, and its action units in columns AU…"""
CORPUS = "ravdess"


@dataclass(frozen=True, eq=False)
class Takes:
    """N takes of T frames at most, of which both the voice and the face are known."""

    speaker: np.ndarray
    """(N,) str."""
    devel: np.ndarray
    """(N,) bool, else train; an actor is in one of the two."""
    sound: Tensor
    """x^a, (N, T, D_a) half precision, 0 where nothing is heard."""
    heard: Tensor
    """(N, T) bool."""
    frames: Tensor
    """(N,) int64, of each take."""
    units: Tensor
    """(N, U) float32, each action unit's mean over the take as OpenFace gives it."""
    gold: Tensor
    """(N, 2) float32, arousal and valence of the acted emotion and intensity."""
    width: int
    """Of the bundle's x^v, which the action units are to come in as."""


def read_takes(data: Path, model: str | Path, cache: Path, threads: int | None = None) -> Takes:
    """The takes that `data` has both sides of, heard by a bundle; its features stay in `cache`.

    Raises:
        ModelError: there is no such bundle.
        CorpusError: the action units cannot be read, or belong to no take there is.
        OutputError: the features cannot be written.
    """
    units, spoken = read_units(data / UNITS), read_speech(data, "train", (CORPUS,))
    train = len(spoken)
    spoken += read_speech(data, "devel", (CORPUS,))
    paired = [(take_of(s.path) in units, k >= train) for k, s in enumerate(spoken)]
    spoken = [s for s, (both, _) in zip(spoken, paired, strict=True) if both]
    if not spoken:
        raise CorpusError(
            f"{data / UNITS}: none of its takes is in {data / 'speech.csv'}; take both from one release"
        )
    predictor = Predictor(open_bundle(model), threads)
    heard, present, frames = _kept(predictor, spoken, cache)
    sound = torch.zeros(len(spoken), int(frames.max()), heard.shape[1], dtype=torch.half)
    mask = torch.zeros(sound.shape[:2], dtype=torch.bool)
    for row, (x, p) in enumerate(
        zip(heard.split(frames.tolist()), present.split(frames.tolist()), strict=True)
    ):
        sound[row, : len(x)], mask[row, : len(x)] = x, p
    return Takes(
        speaker=np.array([s.speaker for s in spoken]),
        devel=np.array([devel for both, devel in paired if both]),
        sound=sound,
        heard=mask,
        frames=frames,
        units=torch.from_numpy(np.stack([units[take_of(s.path)] for s in spoken])),
        gold=torch.from_numpy(np.stack([s.gold for s in spoken])),
        width=predictor.engine.widths[2],
    )


def take_of(path: str) -> str:
    """What the files of a take share: their names but for modality (film, sound) and vocal channel (speech).

    >>> take_of("ravdess/Actor_02/03-01-05-01-02-01-02.flac"), take_of("01-01-05-01-02-01-02")
    ('05-01-02-01-02', '05-01-02-01-02')
    """
    return PurePosixPath(path).stem[6:]


def read_units(path: Path) -> dict[str, np.ndarray]:
    """Take → (U,) float32, the means of its action units in the order of the file's columns.

    Raises:
        CorpusError: the file is missing, damaged, or lacks names or numbers.
        AffektError: pyarrow is missing.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise AffektError(f"{path}: Parquet needs pyarrow; pip install 'affekt[parquet]'") from error
    try:
        table = pyarrow.parquet.read_table(path)
        columns = [name for name in table.schema.names if name.startswith("AU")]
        values = np.stack([table[name].to_numpy() for name in columns], 1).astype(np.float32)
        names = [take_of(name) for name in table["name"].to_pylist()]
    # pyarrow's own errors are ValueError, OSError and KeyError as well; no columns to stack is a ValueError.
    except (pyarrow.ArrowException, OSError, KeyError, TypeError, ValueError) as error:
        reason = " ".join(str(error).split())[:120]
        raise CorpusError(f"{path}: holds no action units ({reason}); copy it again") from error
    if not np.isfinite(values).all():
        raise CorpusError(f"{path}: an action unit is no number; copy it again")
    return dict(zip(names, values, strict=True))


def _kept(predictor: Predictor, spoken: Sequence[Speech], cache: Path) -> tuple[Tensor, Tensor, Tensor]:
    """As `hear`, from the cache if this bundle has heard these utterances before."""
    # A bundle's config names the hashes of its weights and graphs.
    about = (predictor.bundle.folder / CONFIG).read_bytes() + "\n".join(s.path for s in spoken).encode()
    path = cache / f"takes-{hashlib.sha256(about).hexdigest()[:16]}.safetensors"
    try:
        kept = load_file(path)
        return kept["sound"], kept["heard"], kept["frames"]
    except (FileNotFoundError, SafetensorError, KeyError):
        sound, heard, frames = hear(predictor, spoken)
    cache.mkdir(parents=True, exist_ok=True)
    with atomic(path) as part:
        save_file({"sound": sound, "heard": heard, "frames": frames}, part)
    return sound, heard, frames


def hear(predictor: Predictor, spoken: Sequence[Speech]) -> tuple[Tensor, Tensor, Tensor]:
    """All utterances' frames in a row: x^a (M, D_a) float16, heard (M,) bool; how many of each (N,) int64."""
    sound, heard = list[Tensor](), list[Tensor]()
    for s in spoken:
        windows, present = frames_of_array(s.samples, s.rate, predictor.bundle.spec)
        x, _ = predictor.engine.listen(windows, np.zeros(len(windows), np.int64), present)
        sound.append(torch.from_numpy(x).half())
        heard.append(torch.from_numpy(present))
    return torch.cat(sound), torch.cat(heard), torch.tensor([len(x) for x in sound])
