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
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
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
KINDS = ("npz", "safetensors", "parquet", "csv")
"""Endings that a file may have, and formats."""


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """What a bundle makes of the T frames of one recording."""

    name: str
    features: Mapping[str, np.ndarray]
    """Modality → (T, ·) float32, 0 where it is absent, of those that the bundle judges by."""
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
            "arousal": self.y[:, 0],
            "valence": self.y[:, 1],
            "presence": self.presence,
            **self.features,
        }

    def columns(self) -> dict[str, np.ndarray]:
        """All of it as columns (T,) of a table: has_text … for presence, text_0, text_1, … for features."""
        arrays = self.arrays()
        presence = arrays.pop("presence")
        table = {name: arrays.pop(name) for name in ("time", "arousal", "valence")}
        table |= {f"has_{name}": one for name, one in zip(MODALITIES, presence.T, strict=True)}
        for name, values in arrays.items():
            table |= {f"{name}_{k}": column for k, column in enumerate(values.T)}
        return table


def features_of(predictor: Predictor, source: Source, progress: Progress | None = None) -> Features:
    """Run a bundle over a recording and keep what its networks say of each frame.

    All of it lies in memory: with the default model about 90 MB an hour.

    Raises:
        MediaError, TranscriptError: as iterating over the source.
    """
    kept: dict[str, list[np.ndarray]] = {name: [] for name in predictor.bundle.modalities}
    presence, y, done = [], [], 0
    for step in predictor.steps(source, predictor.encode(source)):
        for name, x in zip(MODALITIES, step.features, strict=True):
            if name in kept:
                kept[name].append(x[0])
        presence.append(step.presence)
        y.append(step.judged.y[0])
        done += len(step.clip)
        if progress:
            progress(done, source.expected_frames)
    joined = {name: np.concatenate(parts) for name, parts in kept.items()}
    return Features(source.name, joined, np.concatenate(presence), np.concatenate(y), tuple(source.warnings))


def write_features(features: Features, path: Path) -> None:
    """Write the features of one recording in the format of the path's ending, one of `KINDS`.

    In a CSV values have nine significant digits, which give back each float32 as it was.

    Raises:
        OutputError: it cannot be written, or Parquet is asked for without pyarrow, which is an extra.
    """
    kind = path.suffix[1:]
    with atomic(path) as part:
        if kind == "npz":
            with part.open("wb") as file:  # given a name, NumPy would add its own ending
                np.savez(file, **features.arrays())  # type: ignore[arg-type]  # takes allow_pickle too
        elif kind == "safetensors":
            from safetensors.numpy import save_file

            arrays = {name: np.ascontiguousarray(values) for name, values in features.arrays().items()}
            save_file(arrays, part)
        elif kind == "parquet":
            _write_parquet(features, part, path)
        else:
            _write_csv(features, part)


def _write_parquet(features: Features, part: Path, path: Path) -> None:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise OutputError(f"{path}: Parquet needs pyarrow; pip install 'affekt[parquet]'") from error
    pyarrow.parquet.write_table(pyarrow.table(features.columns()), part)


def _write_csv(features: Features, part: Path) -> None:
    columns = features.columns()
    with part.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        for row in zip(*columns.values(), strict=True):
            writer.writerow([f"{value:d}" if value.dtype.kind == "b" else f"{value:.9g}" for value in row])


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
