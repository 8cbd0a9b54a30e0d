"""What the networks of a bundle make of each frame, x^t, x^a, x^v, on disk for whoever builds on them.

A file a recording, T rows, ten a second; and `features.json` beside them, which says what the columns are:

    text, audio, visual    (T, ·) float32, each modality's features; 0 where it is absent
    presence               (T, 3) bool: were there words, sound, a face? In this order
    arousal, valence       (T,) float32 in [−1, 1]
    time                   (T,) float64, seconds at which a frame starts

A modality that the bundle has no network for is missing. Nothing in the files is pickled.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any

import numpy as np

from affekt.errors import OutputError
from affekt.runtime.bundle import Bundle
from affekt.timeline import FRAME_RATE, MODALITIES
from affekt.timeline.files import atomic

if TYPE_CHECKING:
    from affekt.runtime.predictor import Predictor, Progress
    from affekt.runtime.sources import Source

FORMAT = "affekt-frame-features-1"
"""What features.json says it is; the number grows when old readers would misread it."""
GROUP = 3_000
"""Frames of a table that are in memory at a time."""


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """What a bundle makes of the T frames of one recording."""

    name: str
    features: Mapping[str, np.ndarray]
    """Modality → (T, ·) float32, 0 where it is absent, of those that the bundle judges by; on disk."""
    presence: np.ndarray
    """(T, 3) bool over text, audio, visual."""
    y: np.ndarray
    """(T, 2) float32, arousal and valence."""
    warnings: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.y)

    def arrays(self) -> dict[str, np.ndarray]:
        """All of it by the names that it has on disk."""
        return {
            "time": np.arange(len(self)) / FRAME_RATE,
            "arousal": np.ascontiguousarray(self.y[:, 0]),
            "valence": np.ascontiguousarray(self.y[:, 1]),
            **self.features,
            "presence": self.presence,
        }

    def columns(self, first: int = 0, last: int | None = None) -> dict[str, np.ndarray]:
        """Frames `first` … `last` − 1 as a table's columns: has_text for presence, text_0 … for features."""
        arrays = {name: values[first:last] for name, values in self.arrays().items()}
        presence = arrays.pop("presence")
        table = {name: arrays.pop(name) for name in ("time", "arousal", "valence")}
        table |= {f"has_{name}": one for name, one in zip(MODALITIES, presence.T, strict=True)}
        for name, values in arrays.items():
            table |= {f"{name}_{k}": column for k, column in enumerate(values.T)}
        return table


class _Spool:
    """Rows on their way to disk, in a file that nobody else sees and that vanishes with this process."""

    def __init__(self, folder: Path, width: int) -> None:
        self._file = TemporaryFile(dir=folder, prefix=".affekt-", suffix=".part")  # noqa: SIM115
        self._width = width

    def add(self, rows: np.ndarray) -> None:
        self._file.write(np.ascontiguousarray(rows, "<f4").data)

    def array(self, frames: int) -> np.ndarray:
        """All rows (frames, width), read from the file as they are asked for."""
        self._file.flush()
        with self._file:
            return np.memmap(self._file, "<f4", "r", shape=(frames, self._width))


def features_of(
    predictor: Predictor, source: Source, folder: Path, progress: Progress | None = None
) -> Features:
    """Run a bundle over a recording and keep what its networks say of each frame.

    An hour of the default model's features is 420 MB, which go to disk as they are made.

    Args:
        folder: where there is room for them.

    Raises:
        MediaError, TranscriptError: as iterating over the source.
        OutputError: there is no room, or the folder is not writable.
    """
    widths = dict(zip(MODALITIES, predictor.engine.widths, strict=True))
    presence, y, done = [], [], 0
    try:
        kept = {name: _Spool(folder, widths[name]) for name in predictor.bundle.modalities}
        for step in predictor.steps(source, predictor.encode(source)):
            for name, x in zip(MODALITIES, step.features, strict=True):
                if name in kept:
                    kept[name].add(x[0])
            presence.append(step.presence)
            y.append(step.judged.y[0])
            done += len(step.clip)
            if progress:
                progress(done, source.expected_frames)
        arrays = {name: spool.array(done) for name, spool in kept.items()}
    except OSError as error:
        raise OutputError(f"{folder}: cannot be written to ({error.strerror or error})") from error
    return Features(source.name, arrays, np.concatenate(presence), np.concatenate(y), tuple(source.warnings))


def write_features(features: Features, path: Path) -> None:
    """Write the features of one recording in the format of its ending: npz, safetensors, parquet, csv.

    In a CSV values have nine significant digits, which give back each float32 as it was.

    Raises:
        OutputError: it cannot be written, or Parquet is asked for without pyarrow, which is an extra.
    """
    write = {".npz": _npz, ".safetensors": _safetensors, ".parquet": _parquet, ".csv": _csv}[path.suffix]
    with atomic(path) as part:
        try:
            write(features, part)
        except ImportError as error:
            raise OutputError(f"{path}: Parquet needs pyarrow; pip install 'affekt[parquet]'") from error


def _npz(features: Features, part: Path) -> None:
    with part.open("wb") as file:  # given a name, NumPy would add its own ending
        np.savez(file, allow_pickle=False, **features.arrays())


def _safetensors(features: Features, part: Path) -> None:
    """As `safetensors.numpy.save_file`, which would take all of it into memory."""
    header, end, arrays = dict[str, Any](), 0, features.arrays()
    for name, values in arrays.items():
        start, end = end, end + values.nbytes
        kind = {"f8": "F64", "f4": "F32", "b1": "BOOL"}[values.dtype.str[1:]]
        header[name] = {"dtype": kind, "shape": list(values.shape), "data_offsets": [start, end]}
    head = json.dumps(header).encode()
    head += b" " * (-len(head) % 8)
    with part.open("wb") as file:
        file.write(len(head).to_bytes(8, "little") + head)
        for values in arrays.values():
            file.write(values.data)


def _parquet(features: Features, part: Path) -> None:
    import pyarrow
    import pyarrow.parquet

    schema = pyarrow.table(features.columns(0, 1)).schema
    with pyarrow.parquet.ParquetWriter(part, schema) as writer:
        for first in range(0, len(features), GROUP):
            writer.write_table(pyarrow.table(features.columns(first, first + GROUP)))


def _csv(features: Features, part: Path) -> None:
    with part.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(features.columns(0, 1))
        for first in range(0, len(features), GROUP):
            for row in zip(*features.columns(first, first + GROUP).values(), strict=True):
                writer.writerow([f"{one:d}" if one.dtype.kind == "b" else f"{one:.9g}" for one in row])


def about(
    bundle: Bundle,
    widths: Sequence[int],
    version: str,
    alignment: str,
    recordings: Sequence[tuple[str, str, int]],
) -> dict[str, Any]:
    """What features.json holds.

    Args:
        widths: of x^t, x^a, x^v.
        version: affekt's.
        alignment: when a sentence counts, as `timeline.Alignment`.
        recordings: of each its name, its file, and its frames.
    """
    sizes = dict(zip(MODALITIES, widths, strict=True))
    return {
        "format": FORMAT,
        "model": bundle.name,
        "model_version": bundle.version,
        "affekt": version,
        "frames_per_second": FRAME_RATE,
        "features": {name: sizes[name] for name in bundle.modalities},
        "presence": list(MODALITIES),
        "absent": 0,
        "alignment": alignment,
        "recordings": [{"name": name, "file": file, "frames": frames} for name, file, frames in recordings],
    }
