"""Databases in audformat's layout: a header, db.yaml, and tables of labels of files or of segments.

Taken are columns called arousal or valence, or of a scheme so called, whose scheme says between which values
they lie; speakers from a column or scheme called speaker; partitions from tables' splits, else their names.
"""

from __future__ import annotations

import math
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from affekt.corpora.corpus import Corpus, Fault
from affekt.corpora.folders import natural, partition_of
from affekt.errors import CorpusError, MediaError
from affekt.media.container import probe
from affekt.timeline import DIMENSIONS, Gold, Partition, Recording, frame_count, frame_of

KIND = "audformat"
HEADERS = ("db.yaml", "header.yaml")
STORED = ("parquet", "csv")
"""Kinds of tables that are read. audformat keeps pickled copies beside them: unpickling runs what a stranger
wrote, so these are never looked at."""

Segment = tuple[float, float, float]
"""Start and end in seconds, and the value; an infinite end is the file's."""


@dataclass
class _Labels:
    """What the tables say of one file."""

    segments: dict[str, list[Segment]] = field(default_factory=dict)
    whole: dict[str, float] = field(default_factory=dict)
    """Dimension → one value of the whole file."""
    partition: Partition | None = None
    speaker: str | None = None


def recognises(root: Path) -> bool:
    """Whether there is a header with tables."""
    return root.is_dir() and _header(root) is not None


def _header(root: Path) -> Path | None:
    for name in HEADERS:
        path = root / name
        try:
            with path.open(encoding="utf-8", errors="replace") as file:
                if any(line.startswith("tables:") for line in file):
                    return path
        except OSError:
            continue
    return None


def read(root: Path) -> Corpus:
    """Read the tables. A file of a table without end is as long as its container says.

    Raises:
        CorpusError: audformat, an extra, is not installed; the header or all tables cannot be read; no table
            has arousal or valence.
    """
    header = _header(root)
    if header is None:
        raise CorpusError(f"{root}: there is no {HEADERS[0]} with tables in it")
    faults: list[Fault] = []
    notes: list[str] = []
    database, frames = _load(header, faults)
    files: dict[str, _Labels] = {}
    for table_id in sorted(frames, key=lambda one: ("gold" not in one.lower(), natural(one))):
        _read_table(database, table_id, frames[table_id], files, notes, faults, header)
    if not any(labels.segments or labels.whole for labels in files.values()):
        first = f"; {faults[0]}" if faults else ""
        raise CorpusError(f"{header}: no table has a column of numbers called arousal or valence{first}")
    language = _language(database)
    found = sorted(files.items(), key=lambda one: natural(one[0]))
    recordings = [_recording(root, name, labels, language, header, faults) for name, labels in found]
    if absent := [one.name for one in recordings if one.media is None]:
        message = f"{len(absent)} of {len(recordings)} files are not there, such as {absent[0]}"
        faults.append(Fault(root, message, severity="warning"))
    return Corpus(f"{KIND} ({database.name})", root, tuple(recordings), tuple(faults), tuple(notes))


def _load(header: Path, faults: list[Fault]) -> tuple[Any, dict[str, Any]]:
    """The database, and its tables as data frames by their names."""
    try:
        import audformat
        import yaml
    except ImportError as error:
        message = f"{header}: audformat is needed to read it; pip install 'affekt[corpora]'"
        raise CorpusError(message) from error
    damage = (*_damage(), audformat.errors.BadIdError, audformat.errors.BadValueError, yaml.YAMLError)
    try:
        database = audformat.Database.load(str(header.parent), name=header.stem, load_data=False)
    except damage as error:
        raise CorpusError(f"{header}: is no header of audformat ({_line(error)})") from error
    frames = {}
    with tempfile.TemporaryDirectory() as copies:
        # Schemes may take their labels from a miscellaneous table, so that these come first.
        for table_id in (*database.misc_tables, *database.tables):
            path = _stored(header, table_id)
            if path is None:
                message = f"there is no CSV or Parquet file of its table {table_id}; pickled ones are not read"
                faults.append(Fault(header, message))
                database[table_id]._df = None
                continue
            try:
                copy = Path(copies) / path.name
                shutil.copyfile(path, copy)
                database[table_id].load(str(copy.with_suffix("")))
            except damage as error:
                faults.append(Fault(path, f"cannot be read as a table ({_line(error)}); left out"))
                continue
            if table_id in database.tables:
                frames[table_id] = database[table_id].df
    return database, frames


def _damage() -> tuple[type[Exception], ...]:
    """What audformat, pandas and Arrow raise on headers and tables that are damaged."""
    return (OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError, IndexError, ArithmeticError)


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:120] or type(error).__name__


def _stored(header: Path, table_id: str) -> Path | None:
    paths = (header.parent / f"{header.stem}.{table_id}.{ending}" for ending in STORED)
    return next((path for path in paths if path.is_file()), None)


def _language(database: Any) -> str | None:
    """The database's language, as ISO 639-1 has it, if there is just one."""
    from iso639 import Lang
    from iso639.exceptions import InvalidLanguageValue

    if len(database.languages or ()) != 1:
        return None
    try:
        return Lang(database.languages[0]).pt1 or None
    except InvalidLanguageValue:
        return None


def _read_table(
    database: Any,
    table_id: str,
    frame: Any,
    files: dict[str, _Labels],
    notes: list[str],
    faults: list[Fault],
    header: Path,
) -> None:
    """Add what one table says to the files that it names."""
    table = database.tables[table_id]
    split = database.splits[table.split_id].type if table.split_id else ""
    partition = partition_of(split) or next(filter(None, map(partition_of, table_id.split("."))), None)
    columns = {name: _column(table, name) for name in (*DIMENSIONS, "speaker", "split")}
    stretches = list(_stretches(frame))
    scales = {}
    for dimension in DIMENSIONS:
        if columns[dimension] is not None:
            scheme = database.schemes.get(table.columns[columns[dimension]].scheme_id or "")
            scales[dimension] = _scale(scheme)
            note = f"{dimension} of {scales[dimension][0]:g} to {scales[dimension][1]:g} brought to −1 to 1"
            if scales[dimension] != (-1, 1) and note not in notes:
                notes.append(note)
    cells = {name: list(frame[column]) for name, column in columns.items() if column is not None}
    for k, (file, start, end) in enumerate(stretches):
        labels = files.setdefault(file, _Labels())
        own = partition_of(str(cells["split"][k])) if "split" in cells else partition
        labels.partition = labels.partition or own
        if "speaker" in cells and labels.speaker is None and _is_there(cells["speaker"][k]):
            labels.speaker = str(cells["speaker"][k])
        for dimension, (low, high) in scales.items():
            value = _number(cells[dimension][k])
            if math.isnan(value):
                continue
            value = (2 * value - (high + low)) / (high - low)
            if abs(value) > 1 + 1e-6:
                message = f"{dimension} of {file} lies beyond its scale in table {table_id}; masked"
                faults.append(Fault(header, message, severity="warning", recording=_name(file)))
            elif table.is_filewise or (start == 0 and math.isinf(end)):
                labels.whole.setdefault(dimension, value)
            else:
                labels.segments.setdefault(dimension, []).append((start, end, value))
