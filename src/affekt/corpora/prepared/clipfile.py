"""A prepared recording in one file: its frames as raw arrays, and beside them all that is text.

The file is a safetensors file (a length, a JSON header, then the arrays' bytes one after the other). It is
written and read here row by row, so that an hour never lies in memory and a window costs what it weighs.
Equal content gives equal bytes. Chosen by `benchmarks/clip_formats.py`: 161 s, 59.1 MB of arrays, faces of
96 px, a window of 100 frames; CPU time of one thread on two virtual cores, median of 3 runs, 2026-11-23.

| format | write, s | window, ms | all, s | MB |
|---|---|---|---|---|
| safetensors | .02 | .7 | .01 | 59.1 |
| Arrow IPC | .02 | 4 | .03 | 59.1 |
| Arrow IPC, LZ4 | .06 | 13 | .12 | 59.1 |
| Arrow IPC, Zstandard | .12 | 59 | .46 | 54.8 |
| HDF5 | .03 | 4 | .03 | 62.4 |
| HDF5, LZF | .70 | 17 | .13 | 57.7 |
| Parquet, Zstandard | .98 | 45 | 1.1 | 62.8 |
| Zarr, Zstandard | .56 | 37 | .17 | 53.9 |
| npz, deflate | 1.75 | 313 | .27 | 51.2 |

Sound and faces hardly shrink, and the base install reads safetensors already.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from types import TracebackType
from typing import IO, Any

import numpy as np

from affekt.errors import CorpusError, OutputError
from affekt.timeline.files import atomic

KEY = "affekt"
"""Of the header's metadata: JSON of all that is no array."""
TYPES = {"I64": "<i8", "F32": "<f4", "F16": "<f2", "BOOL": "|b1", "U8": "|u1"}
"""The header's names of types, the widest first: as arrays lie in this order, each is aligned."""
MOST_HEADER = 200_000_000
PIECE = 1 << 20


class ClipWriter:
    """Gathers arrays row by row and writes them at the end, with what describes them, as one file.

    Args:
        folder: where the file will lie; meanwhile the rows lie there, in files that vanish with this process.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open = ExitStack()
        self._columns: dict[str, _Column] = {}

    def __enter__(self) -> ClipWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def add(self, **rows: np.ndarray) -> None:
        """Add rows to some arrays, each of the type and shape of its earlier ones.

        Raises:
            OutputError: the disk is full, or the folder not writable.
        """
        for name, values in rows.items():
            try:
                if name not in self._columns:
                    file = TemporaryFile(dir=self._folder, prefix=".affekt-", suffix=".part")  # noqa: SIM115
                    self._columns[name] = _Column(self._open.enter_context(file), values)
                self._columns[name].add(values)
            except OSError as error:
                raise OutputError(
                    f"{self._folder}: cannot be written to ({error.strerror or error})"
                ) from error

    def save(self, path: Path, about: Mapping[str, Any]) -> None:
        """Write the file; `about` must be JSON, and gets the arrays' checksums as "sha256".

        Raises:
            OutputError: it cannot be written; nothing half-written is left behind.
        """
        kinds = list(TYPES.values())
        columns = sorted(self._columns.items(), key=lambda item: (kinds.index(item[1].dtype), item[0]))
        digests = {name: column.digest.hexdigest() for name, column in columns}
        text = json.dumps({**about, "sha256": digests}, ensure_ascii=False, sort_keys=True)
        header: dict[str, Any] = {"__metadata__": {KEY: text}}
        end = 0
        for name, column in columns:
            start, end = end, end + column.size
            header[name] = {"dtype": column.kind, "shape": column.shape, "data_offsets": [start, end]}
        head = json.dumps(header, separators=(",", ":")).encode()
        head += b" " * (-len(head) % 8)
        with atomic(path) as part, part.open("wb") as file:
            file.write(len(head).to_bytes(8, "little") + head)
            for _, column in columns:
                for piece in column.pieces():
                    file.write(piece)


class _Column:
    """One array on its way."""

    def __init__(self, file: IO[bytes], like: np.ndarray) -> None:
        self.dtype = like.dtype.str
        self.kind = next(kind for kind, dtype in TYPES.items() if dtype == self.dtype)
        self.digest = hashlib.sha256()
        self.size = 0
        self._file, self._inner, self._rows = file, list(like.shape[1:]), 0

    @property
    def shape(self) -> list[int]:
        return [self._rows, *self._inner]

    def add(self, values: np.ndarray) -> None:
        if values.dtype.str != self.dtype or list(values.shape[1:]) != self._inner:
            raise ValueError(
                f"{values.dtype} rows of shape {values.shape[1:]} after {self.dtype} {self._inner}"
            )
        raw = np.ascontiguousarray(values).reshape(-1).view(np.uint8).data
        self._file.write(raw)
        self.digest.update(raw)
        self._rows, self.size = self._rows + len(values), self.size + raw.nbytes

    def pieces(self) -> Iterator[bytes]:
        self._file.seek(0)
        while piece := self._file.read(PIECE):
            yield piece


@dataclass(frozen=True)
class ClipFile:
    """An opened file: its header is read, its arrays are not."""

    path: Path
    about: dict[str, Any]
    checksum: str
    """SHA-256 of the header, which holds those of the arrays: it stands for the whole file."""
    size: int
    """Bytes."""
    arrays: dict[str, tuple[str, list[int], int]]
    """Name → NumPy type, shape, place in the file."""

    def rows(self, name: str, first: int = 0, count: int | None = None) -> np.ndarray:
        """Rows `first` … `first + count` − 1 of an array, fewer at its end; the bytes of no others are read.

        Raises:
            CorpusError: the file has gone or has changed.
        """
        dtype, shape, place = self.arrays[name]
        last = shape[0] if count is None else min(shape[0], first + count)
        first = min(first, last)
        width = int(np.prod(shape[1:], dtype=np.int64))
        wanted = (last - first) * width
        try:
            start = place + first * width * np.dtype(dtype).itemsize
            values = np.fromfile(self.path, dtype, wanted, offset=start)
        except OSError as error:
            raise CorpusError(f"{self.path}: cannot be read ({error.strerror or error})") from error
        if values.size != wanted:
            raise _damaged(self.path)
        return values.reshape(last - first, *shape[1:])

    def verify(self) -> None:
        """Read all of it and compare with its checksums.

        Raises:
            CorpusError: a byte has changed.
        """
        for name in self.arrays:
            if hashlib.sha256(self.rows(name).tobytes()).hexdigest() != self.about["sha256"].get(name):
                raise _damaged(self.path)


def open_clip(path: Path) -> ClipFile:
    """Read the header of a file, and see that the file is as long as it says.

    Raises:
        CorpusError: it is missing, damaged, cut short, or something else.
    """
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if length > MOST_HEADER:
                raise _damaged(path)
            head = file.read(length)
        header = json.loads(head)
        about = json.loads(header.pop("__metadata__")[KEY])
        if not isinstance(about["sha256"], dict):
            raise _damaged(path)
        arrays, end = {}, 8 + length
        for name, one in header.items():
            begin, stop = one["data_offsets"]
            dtype, shape = TYPES[one["dtype"]], [int(side) for side in one["shape"]]
            if stop - begin != np.dtype(dtype).itemsize * int(np.prod(shape, dtype=np.int64)):
                raise _damaged(path)
            arrays[name] = dtype, shape, 8 + length + begin
            end = max(end, 8 + length + stop)
        size = path.stat().st_size
    except OSError as error:
        raise CorpusError(f"{path}: cannot be read ({error.strerror or error})") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _damaged(path) from error
    if size != end:
        raise _damaged(path)
    return ClipFile(path, about, hashlib.sha256(head).hexdigest(), size, arrays)


def _damaged(path: Path) -> CorpusError:
    return CorpusError(f"{path}: is damaged, or no prepared clip; delete it and run affekt prepare again")
