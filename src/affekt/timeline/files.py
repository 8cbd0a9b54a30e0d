"""A prediction to and from disk: a table of its trace, and JSON of all that its report page shows."""

from __future__ import annotations

import base64
import binascii
import csv
import json
import math
import os
import secrets
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from affekt.errors import OutputError, PredictionError
from affekt.timeline.clip import MODALITIES, Sentence, Still
from affekt.timeline.prediction import FaceMap, Prediction, WordWeights

FORMAT = "affekt-prediction-1"
"""What a JSON file of a prediction says it is; the number grows when old readers would misread it."""
COLUMNS = ("presence", "weights", "band")
"""Groups of columns that a table may have beside name, time, arousal and valence."""
DECIMALS = 6
"""Numbers in files are rounded to these; float32 near 1 has a grain of a tenth of a millionth."""


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """A temporary file beside `path` that takes its place when the block ends well, and vanishes if not.

    Raises:
        OutputError: the system refuses (folder not writable, disk full, `path` is a folder or device).
    """
    temporary = path.parent / f".affekt-{secrets.token_hex(6)}.part"
    try:
        if path.exists() and not path.is_file():
            raise OutputError(f"{path}: is not a file that could be replaced; choose another name")
        # Not tempfile: its files are readable by their owner alone, and so would the output be.
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        yield temporary
        os.replace(temporary, path)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror or error})") from error
    finally:
        if os.path.lexists(temporary):
            os.unlink(temporary)


def write_text(path: Path, text: str) -> None:
    """Write a text in UTF-8; a lone half of a surrogate pair becomes a question mark.

    Raises:
        OutputError: as `atomic`.
    """
    with atomic(path) as part:
        part.write_text(text, encoding="utf-8", errors="replace", newline="\n")


def write_values(path: Path, values: Any) -> None:
    """Write plain values as JSON that people can read too.

    Raises:
        OutputError: as `atomic`.
        ValueError: a number is NaN or infinite; `finite` makes it None.
    """
    write_text(path, json.dumps(values, ensure_ascii=False, allow_nan=False, indent=1) + "\n")


def finite(value: float) -> float | None:
    """A number as files have it, None if there is none.

    >>> finite(0.12345678), finite(math.nan)
    (0.123457, None)
    """
    return round(value, DECIMALS) if math.isfinite(value) else None


def table(prediction: Prediction, columns: Collection[str] = ()) -> dict[str, np.ndarray]:
    """The columns of a trace, each (T,): name, time, arousal, valence, and the groups asked for.

    "presence" adds text, audio, visual and present (any of them); "weights" adds weight_text, weight_audio
    and weight_visual, NaN where the fusion has none; "band" adds arousal_low, arousal_high, valence_low and
    valence_high, the edges of the band, NaN where nothing is present.

    Raises:
        PredictionError: "band" is asked for and the prediction has none.
        ValueError: there is no such group.
    """
    if unknown := set(columns) - set(COLUMNS):
        raise ValueError(f"no such columns: {', '.join(sorted(unknown))}; there are {', '.join(COLUMNS)}")
    # A file name that is not valid in the system's encoding could not be written down.
    name = prediction.name.encode("utf-8", "replace").decode("utf-8")
    result: dict[str, np.ndarray] = {
        "name": np.full(len(prediction), name),
        "time": prediction.time,
        "arousal": prediction.arousal,
        "valence": prediction.valence,
    }
    if "presence" in columns:
        result.update(zip(MODALITIES, prediction.presence.T, strict=True))
        result["present"] = np.any(prediction.presence, axis=1)
    if "weights" in columns:
        weights = prediction.modality_weights
        weights = np.full((len(prediction), 3), np.nan, np.float32) if weights is None else weights
        result.update(zip((f"weight_{one}" for one in MODALITIES), weights.T, strict=True))
    if "band" in columns:
        if (edges := prediction.edges) is None:
            raise PredictionError(f"{name}: the model gave no band; ask for other columns")
        low, high = (edge.T for edge in edges)
        for d, dimension in enumerate(("arousal", "valence")):
            result |= {f"{dimension}_low": low[d], f"{dimension}_high": high[d]}
    return result


def write_csv(prediction: Prediction, path: Path, columns: Collection[str] = ()) -> None:
    """One row a frame; time with one decimal, values with six, presence as 0 or 1, no weight as nothing."""
    data = table(prediction, columns)
    cells = [_cells(name, values) for name, values in data.items()]
    with atomic(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(data)
        writer.writerows(zip(*cells, strict=True))


def _cells(name: str, values: np.ndarray) -> list[str]:
    if values.dtype.kind == "U":
        return list(values.tolist())
    if values.dtype.kind == "b":
        return ["1" if value else "0" for value in values.tolist()]
    decimals = 1 if name == "time" else DECIMALS
    rounded = np.round(values.astype(np.float64), decimals) + 0.0  # no "-0.000000"
    return ["" if math.isnan(value) else f"{value:.{decimals}f}" for value in rounded.tolist()]


def write_parquet(prediction: Prediction, path: Path, columns: Collection[str] = ()) -> None:
    """The same table as `write_csv`, unrounded, as Parquet.

    Raises:
        OutputError: pyarrow, which is an extra, is not installed.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise OutputError(f"{path}: Parquet needs pyarrow; pip install 'affekt[parquet]'") from error
    with atomic(path) as temporary:
        pyarrow.parquet.write_table(pyarrow.table(table(prediction, columns)), temporary)


def write_json(prediction: Prediction, path: Path) -> None:
    """All of a prediction, so that its report page can be made again."""
    text = json.dumps(to_json(prediction), allow_nan=False, default=_plain)
    with atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def read_json(path: Path) -> Prediction:
    """Read back what `write_json` wrote.

    Raises:
        PredictionError: the file cannot be read or holds something else.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise PredictionError(f"{path}: cannot be read ({error.strerror or error})") from error
    except (ValueError, RecursionError) as error:
        raise PredictionError(
            f"{path}: is not JSON; affekt predict --format json writes what is needed"
        ) from error
    try:
        return from_json(data)
    except PredictionError as error:
        raise PredictionError(f"{path}: {error}") from error


def to_json(prediction: Prediction) -> dict[str, Any]:
    """Plain values: arrays as lists rounded to six decimals, pictures as base64 (faces as raw RGB)."""
    return {
        "format": FORMAT,
        "name": prediction.name,
        "arousal": _list(prediction.arousal),
        "valence": _list(prediction.valence),
        "presence": prediction.presence.astype(int).tolist(),
        "modality_weights": _list(prediction.modality_weights),
        "pair_weights": _list(prediction.pair_weights),
        "pair_shares": _list(prediction.pair_shares),
        "band": _rows(prediction.band),
        "word_weights": [
            {
                "start": float(one.sentence.start),
                "end": float(one.sentence.end),
                "text": one.sentence.text,
                "words": list(one.words),
                "heads": _list(one.heads),
            }
            for one in prediction.word_weights
        ],
        "face_maps": [
            {
                "frame": int(one.frame),
                "size": len(one.face),
                "face": _base64(one.face.tobytes()),
                "map": _list(one.map),
            }
            for one in prediction.face_maps
        ],
        "stills": [
            {
                "frame": int(one.frame),
                "jpeg": _base64(one.jpeg),
                "box": None if one.box is None else [float(side) for side in one.box],
            }
            for one in prediction.stills
        ],
        "info": prediction.info,
    }


def from_json(data: Any) -> Prediction:
    """The prediction that `to_json` was given, but for the rounding.

    Raises:
        PredictionError: something is missing, of another kind, size or range.
    """
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise PredictionError(f"is not a prediction of this version of affekt (format {FORMAT})")
    arousal = _array(data, "arousal", (None,), within=(-1, 1))
    frames = len(arousal)
    presence = _array(data, "presence", (frames, 3), within=(0, 1))
    info = _need(data, "info", dict)
    return Prediction(
        name=_need(data, "name", str),
        arousal=arousal,
        valence=_array(data, "valence", (frames,), within=(-1, 1)),
        presence=presence > 0.5,
        modality_weights=_optional_array(data, "modality_weights", (frames, 3), (0, 1)),
        pair_weights=_optional_array(data, "pair_weights", (frames, 3, 2), (0, 1)),
        pair_shares=_optional_array(data, "pair_shares", (frames, 3), (0, 1)),
        band=_band(data, frames),
        word_weights=tuple(_word_weights(one) for one in _dicts(data, "word_weights")),
        face_maps=tuple(_face_map(one, frames) for one in _dicts(data, "face_maps")),
        stills=tuple(_still(one, frames) for one in _dicts(data, "stills")),
        info=info,
    )


def _band(data: dict[str, Any], frames: int) -> np.ndarray | None:
    """A band, whose rows are null where nothing was present."""
    if data.get("band") is None:
        return None
    rows = _need(data, "band", list)
    if len(rows) != frames:
        raise PredictionError(f"band should be of {frames} frames")
    there = [k for k, row in enumerate(rows) if row is not None]
    band = np.full((frames, 2), np.nan, np.float32)
    band[there] = _array({"band": [rows[k] for k in there]}, "band", (len(there), 2), within=(0, 1e9))
    return band


def _word_weights(data: dict[str, Any]) -> WordWeights:
    words = _need(data, "words", list)
    if not all(isinstance(word, str) for word in words):
        raise PredictionError("words should be texts")
    sentence = Sentence(_seconds(data, "start"), _seconds(data, "end"), _need(data, "text", str))
    heads = _array(data, "heads", (None, len(words)), within=(0, 1))
    if not heads.size:
        raise PredictionError("heads should not be empty")
    return WordWeights(sentence, tuple(words), heads)


def _face_map(data: dict[str, Any], frames: int) -> FaceMap:
    size, pixels = _need(data, "size", int), _bytes(data, "face")
    if size < 1 or len(pixels) != size * size * 3:
        raise PredictionError(f"face should hold {size} × {size} × 3 bytes")
    face = np.frombuffer(pixels, np.uint8).reshape(size, size, 3)
    attention = _array(data, "map", (None, None))
    if not attention.size:
        raise PredictionError("map should not be empty")
    return FaceMap(_frame(data, frames), face, attention)


def _still(data: dict[str, Any], frames: int) -> Still:
    jpeg = _bytes(data, "jpeg")
    if not jpeg.startswith(b"\xff\xd8"):
        raise PredictionError("jpeg should be a JPEG picture")
    if data.get("box") is None:
        return Still(_frame(data, frames), jpeg)
    left, top, right, bottom = _array(data, "box", (4,), kind=np.float64).tolist()
    return Still(_frame(data, frames), jpeg, (left, top, right, bottom))


def _plain(value: object) -> object:
    """A value of `info` that JSON does not know: NumPy's numbers as numbers, paths and the like as text."""
    return value.item() if isinstance(value, np.generic) else str(value)


def _list(array: np.ndarray | None) -> Any:
    return None if array is None else (np.round(array.astype(np.float64), DECIMALS) + 0.0).tolist()


def _rows(array: np.ndarray | None) -> Any:
    """As `_list`, rows (T, ·) with a NaN as null."""
    if array is None:
        return None
    missing = np.isnan(array).any(axis=1).tolist()
    return [None if gone else row for gone, row in zip(missing, _list(array), strict=True)]


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _need(data: dict[str, Any], key: str, kind: type) -> Any:
    value = data.get(key)
    if not isinstance(value, kind) or isinstance(value, bool):
        what = {str: "a text", list: "a list", dict: "a table", int: "a whole number"}[kind]
        raise PredictionError(f"{key} should be {what}")
    return value


def _dicts(data: dict[str, Any], key: str) -> list[dict[str, Any]]:
    values = _need(data, key, list)
    if not all(isinstance(value, dict) for value in values):
        raise PredictionError(f"{key} should be a list of tables")
    return list(values)


def _frame(data: dict[str, Any], frames: int) -> int:
    frame = int(_need(data, "frame", int))
    if not 0 <= frame < frames:
        raise PredictionError(f"frame should be one of the {frames} frames")
    return frame


def _seconds(data: dict[str, Any], key: str) -> float:
    return float(_array({key: [data.get(key)]}, key, (1,), within=(0, 1e9), kind=np.float64)[0])


def _bytes(data: dict[str, Any], key: str) -> bytes:
    try:
        return base64.b64decode(_need(data, key, str), validate=True)
    except (binascii.Error, ValueError) as error:
        raise PredictionError(f"{key} should be base64") from error


def _optional_array(
    data: dict[str, Any],
    key: str,
    shape: tuple[int | None, ...],
    within: tuple[float, float] = (-1e9, 1e9),
) -> np.ndarray | None:
    return None if data.get(key) is None else _array(data, key, shape, within)


def _array(
    data: dict[str, Any],
    key: str,
    shape: tuple[int | None, ...],
    within: tuple[float, float] = (-1e9, 1e9),
    kind: type[np.floating[Any]] = np.float32,
) -> np.ndarray:
    """Finite numbers of a shape, None for any length; what rounding put out of range is clipped."""
    fault = PredictionError(
        f"{key} should be numbers from {within[0]:g} to {within[1]:g}, "
        f"shape {' × '.join('any' if length is None else str(length) for length in shape)}"
    )
    value = data.get(key)
    if not isinstance(value, list):
        raise fault
    try:
        array = np.array(value, np.float64)
        if array.size == 0:  # a list of no rows does not say how long a row is
            array = array.reshape([0 if length is None else length for length in shape])
    except (TypeError, ValueError, OverflowError) as error:
        raise fault from error
    if array.ndim != len(shape) or any(
        b is not None and a != b for a, b in zip(array.shape, shape, strict=True)
    ):
        raise fault
    if not np.all((array >= within[0] - 1e-4) & (array <= within[1] + 1e-4)):
        raise fault
    return np.clip(array, *within).astype(kind)
