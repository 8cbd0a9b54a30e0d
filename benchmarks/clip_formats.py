"""How a prepared recording is best kept on disk: what writing, reading a window, and reading all of it cost.

    python benchmarks/clip_formats.py [--seconds 161] [--runs 5]

The recording is the demo's sound and faces over and over, with noise in each so that no round is like
another, as one dictionary of arrays: sound (T, 2250) float32, faces (F, 96, 96, 3) uint8 and the small ones.
HDF5 and Zarr are tried where h5py and zarr are installed; affekt needs neither.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet
import safetensors.numpy

from affekt.media import read_clips
from affekt.timeline import ClipSpec, Recording

DEMO = Path(__file__).parent.parent / "examples" / "demo.mp4"
WINDOW = 100
Arrays = dict[str, np.ndarray]
Format = tuple[Callable[[Path, Arrays], Any], Callable[[Path, str, int, int | None], np.ndarray]]
"""Write all arrays; read one array's rows from one on, so many of them or all."""


def recording(seconds: int) -> Arrays:
    """The demo, repeated with noise until it is so long."""
    clips = list(read_clips(Recording(DEMO), ClipSpec(), threads=1))
    rows, draw = np.arange(10 * seconds), np.random.default_rng(0)
    once = {
        name: np.concatenate([getattr(clip, name) for clip in clips])
        for name in ("sound", "has_sound", "speaker", "faces", "boxes")
    }
    result = {name: values[rows % len(values)] for name, values in once.items()}
    result["sound"] = result["sound"] + draw.normal(0, 1e-3, result["sound"].shape).astype(np.float32)
    noise = draw.integers(-2, 3, result["faces"].shape, np.int16)
    result["faces"] = (result["faces"] + noise).clip(0, 255).astype(np.uint8)
    result["frame_face"] = rows.copy()
    result["gold"] = draw.uniform(-1, 1, (len(rows), 2)).astype(np.float32)
    return result


def table(arrays: Arrays) -> pa.Table:
    """A row a frame, a column an array, its rows laid flat."""
    columns = {}
    for name, values in arrays.items():
        flat = values.reshape(len(values), -1)
        columns[name] = pa.FixedSizeListArray.from_arrays(pa.array(flat.ravel()), flat.shape[1])
    return pa.table(columns)


def rows_of(column: pa.ChunkedArray) -> np.ndarray:
    return np.asarray(column.combine_chunks().flatten())


def arrow(compression: str) -> Format:
    def write(path: Path, arrays: Arrays) -> None:
        pyarrow.feather.write_feather(table(arrays), path, compression=compression, chunksize=WINDOW)

    def read(path: Path, name: str, first: int, count: int | None) -> np.ndarray:
        with pa.memory_map(str(path)) as file:
            found = pa.ipc.open_file(file, options=pa.ipc.IpcReadOptions(included_fields=None))
            whole = count is None
            low, high = (
                (0, found.num_record_batches)
                if whole
                else (first // WINDOW, (first + count - 1) // WINDOW + 1)
            )
            parts = pa.Table.from_batches([found.get_batch(k) for k in range(low, high)])
            column = parts[name] if whole else parts[name].slice(first - low * WINDOW, count)
            return np.array(rows_of(column))

    return write, read


def parquet(compression: str) -> Format:
    def write(path: Path, arrays: Arrays) -> None:
        pyarrow.parquet.write_table(table(arrays), path, compression=compression, row_group_size=WINDOW)

    def read(path: Path, name: str, first: int, count: int | None) -> np.ndarray:
        with pyarrow.parquet.ParquetFile(path) as file:
            if count is None:
                return rows_of(file.read([name])[name])
            low, high = first // WINDOW, (first + count - 1) // WINDOW + 1
            return rows_of(
                file.read_row_groups(list(range(low, high)), [name])[name].slice(first - low * WINDOW, count)
            )

    return write, read


def tensors() -> Format:
    def read(path: Path, name: str, first: int, count: int | None) -> np.ndarray:
        with path.open("rb") as file:
            header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
            start, shape = file.tell(), header[name]["shape"]
            dtype = {"F32": "<f4", "U8": "u1", "I64": "<i8", "BOOL": "?"}[header[name]["dtype"]]
            size = int(np.prod(shape[1:], dtype=int))
            count = shape[0] if count is None else count
            file.seek(start + header[name]["data_offsets"][0] + first * size * np.dtype(dtype).itemsize)
            return np.fromfile(file, dtype, count * size)

    return lambda path, arrays: safetensors.numpy.save_file(arrays, path), read


def npz(compressed: bool) -> Format:
    save = np.savez_compressed if compressed else np.savez

    def write(path: Path, arrays: Arrays) -> None:
        with path.open("wb") as file:
            save(file, **arrays)

    def read(path: Path, name: str, first: int, count: int | None) -> np.ndarray:
        with np.load(path) as file:
            return file[name][first:][:count]

    return write, read


def hdf5(compression: str | None) -> Format:
    import h5py

    def write(path: Path, arrays: Arrays) -> None:
        with h5py.File(path, "w") as file:
            for name, values in arrays.items():
                chunks = (min(WINDOW, len(values)), *values.shape[1:])
                file.create_dataset(name, data=values, chunks=chunks, compression=compression)

    def read(path: Path, name: str, first: int, count: int | None) -> np.ndarray:
        with h5py.File(path) as file:
            return file[name][first : None if count is None else first + count]

    return write, read


def zarr() -> Format:
    import zarr as library

    def write(path: Path, arrays: Arrays) -> None:
        group = library.open_group(str(path), mode="w")
        for name, values in arrays.items():
            group.create_array(name, data=values, chunks=(WINDOW, *values.shape[1:]))

    def read(path: Path, name: str, first: int, count: int | None) -> np.ndarray:
        found = library.open_group(str(path), mode="r")[name]
        return np.asarray(found[first : None if count is None else first + count])

    return write, read


def formats() -> Iterator[tuple[str, Format]]:
    for kind in ("uncompressed", "lz4", "zstd"):
        yield f"Arrow IPC, {kind}", arrow(kind)
    for kind in ("none", "lz4", "zstd"):
        yield f"Parquet, {kind}", parquet(kind)
    yield "safetensors", tensors()
    yield "npz", npz(compressed=False)
    yield "npz, deflate", npz(compressed=True)
    if find_spec("h5py"):
        yield "HDF5", hdf5(None)
        yield "HDF5, lzf", hdf5("lzf")
    if find_spec("zarr"):
        yield "Zarr, zstd", zarr()


def cost(job: Callable[[], Any], runs: int) -> float:
    """Median CPU seconds."""
    taken = []
    for _ in range(runs):
        start = time.process_time()
        job()
        taken.append(time.process_time() - start)
    return statistics.median(taken)


def size(path: Path) -> int:
    files = [path] if path.is_file() else [one for one in path.rglob("*") if one.is_file()]
    return sum(one.stat().st_size for one in files)


def measure(made: Format, arrays: Arrays, folder: Path, runs: int) -> tuple[float, ...]:
    write, read = made
    path, draw = folder / "clip", np.random.default_rng(1)

    def window() -> None:
        first = int(draw.integers(0, len(arrays["sound"]) - WINDOW))
        for name in arrays:
            read(path, name, first, WINDOW)

    def whole() -> None:
        for name in arrays:
            read(path, name, 0, None)

    figures = cost(lambda: write(path, arrays), runs), cost(window, 5 * runs), cost(whole, runs), size(path)
    for name in arrays:
        assert np.array_equal(read(path, name, 7, WINDOW).ravel(), arrays[name][7 : 7 + WINDOW].ravel()), name
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    return figures


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=int, default=161, help="[%(default)s]")
    parser.add_argument("--runs", type=int, default=5, help="[%(default)s]")
    arguments = parser.parse_args()
    arrays = recording(arguments.seconds)
    pa.set_cpu_count(1)
    print(f"{arguments.seconds} s, {sum(one.nbytes for one in arrays.values()) / 1e6:.1f} MB; CPU time\n")
    print(f"{'':24} {'write s':>8} {'window of 100 ms':>17} {'all s':>7} {'MB':>7}")
    with tempfile.TemporaryDirectory() as folder:
        for name, made in formats():
            write, window, whole, total = measure(made, arrays, Path(folder), arguments.runs)
            print(f"{name:24} {write:8.2f} {1000 * window:17.2f} {whole:7.2f} {total / 1e6:7.1f}")


if __name__ == "__main__":
    main()
