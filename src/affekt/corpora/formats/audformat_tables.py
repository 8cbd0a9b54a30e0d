"""Databases in audformat's layout: a header, db.yaml, and tables of labels of files or of segments.

Taken are columns called arousal or valence, or of a scheme so called, whose scheme says between which values
they lie; speakers from a column or scheme called speaker; partitions from tables' splits, a column called
split, or the tables' names. Of several tables that label a file the one called gold goes first.
"""

from __future__ import annotations

import math
import re
import tempfile
import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from affekt.corpora.corpus import Corpus, Fault
from affekt.corpora.formats.folders import fault_of, natural, partition_of, text_of
from affekt.errors import CorpusError, MediaError
from affekt.media.container import probe
from affekt.timeline import DIMENSIONS, Gold, Partition, Recording, frame_count

KIND = "audformat"
HEADERS = ("db.yaml", "header.yaml")
STORED = ("parquet", "csv")
"""Kinds of tables that are read. audformat keeps pickled copies beside them: unpickling runs what a stranger
wrote, so these are never looked at."""
DAMAGE = (OSError, ValueError, LookupError, TypeError, AttributeError, RuntimeError, ArithmeticError)
"""What audformat, pandas and Arrow raise on headers and tables that are damaged."""

Segment = tuple[float, float, float]
"""Start and end in seconds, and the value; an infinite end is the file's."""


@dataclass
class _Labels:
    """What the tables say of one file."""

    segments: dict[str, list[Segment]] = field(default_factory=dict)
    """By dimension; of a whole file one from 0 to infinity."""
    tables: dict[str, str] = field(default_factory=dict)
    """Dimension → the table that labels it."""
    partition: Partition | None = None
    speaker: str | None = None


@dataclass
class _Database:
    """A database being read."""

    header: Path
    content: Any
    """audformat.Database"""
    frames: dict[str, tuple[Path, Any]] = field(default_factory=dict)
    """Table → its file and its data frame."""
    files: dict[str, _Labels] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    notes: dict[str, None] = field(default_factory=dict)

    def warn(self, path: Path, message: str, line: int | None = None, recording: str | None = None) -> None:
        self.faults.append(Fault(path, message, line, "warning", recording))


def recognises(root: Path) -> bool:
    """Whether there is a header with tables."""
    return root.is_dir() and _header(root) is not None


def _header(root: Path) -> Path | None:
    for name in HEADERS:
        path = root / name
        if not path.is_file():
            continue
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
        CorpusError: audformat, an extra, is not installed; the header cannot be read; no table that can be
            read has arousal or valence.
    """
    header = _header(root)
    if header is None:
        raise CorpusError(f"{root}: there is no {HEADERS[0]} with tables in it")
    database = _load(header)
    for table_id in sorted(database.frames, key=lambda one: ("gold" not in one.lower(), natural(one))):
        _read_table(database, table_id)
    if not any(labels.segments for labels in database.files.values()):
        first = f"; {database.faults[0]}" if database.faults else ""
        raise CorpusError(f"{header}: no table has a column of numbers called arousal or valence{first}")
    recordings = tuple(_recordings(database, root))
    if absent := [one.name for one in recordings if one.media is None]:
        message = f"{len(absent)} of {len(recordings)} files are not there, such as that of {absent[0]}"
        database.warn(root, message)
    kind = f"{KIND} ({database.content.name})"
    return Corpus(kind, root, recordings, tuple(database.faults), tuple(database.notes))


def _load(header: Path) -> _Database:
    """The header, and the tables as data frames."""
    try:
        import audformat
        import yaml
    except ImportError as error:
        message = f"{header}: audformat is needed to read it; pip install 'affekt[corpora]'"
        raise CorpusError(message) from error
    text = text_of(header)
    try:
        # Not Database.load: its YAML loader runs whatever Python a header asks for.
        content = audformat.Database.load_header_from_yaml(yaml.safe_load(text))
    except (*DAMAGE, yaml.YAMLError) as error:
        raise CorpusError(f"{header}: is no header of audformat ({_line(error)})") from error
    database = _Database(header, content)
    with tempfile.TemporaryDirectory() as alone, warnings.catch_warnings():
        # audformat uses what pandas 3 is about to drop; that is for its authors to hear.
        warnings.simplefilter("ignore", DeprecationWarning)
        # Schemes may take their labels from a miscellaneous table, so that these come first.
        for table_id in (*content.misc_tables, *content.tables):
            _load_table(database, table_id, Path(alone))
    return database


def _load_table(database: _Database, table_id: str, alone: Path) -> None:
    header = database.header
    paths = (header.parent / f"{header.stem}.{table_id}.{ending}" for ending in STORED)
    path = next((path for path in paths if path.is_file()), None)
    if path is None:
        message = f"there is no CSV or Parquet file of its table {table_id}; pickled ones are not read"
        database.faults.append(Fault(header, message))
        return
    table = database.content[table_id]
    copy = alone / path.name  # where there is no pickled one, which it would prefer
    try:
        copy.write_bytes(path.read_bytes())
        table.load(str(copy.with_suffix("")))
        copy.unlink()
        if table_id in database.content.tables:
            database.frames[table_id] = path, table.df
    except DAMAGE as error:
        database.faults.append(Fault(path, f"cannot be read as its table ({_line(error)}); left out"))


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())[:120] or type(error).__name__


def _column(table: Any, name: str) -> str | None:
    """A table's column of this name, or else of the scheme of this name."""
    for column_id in table.columns:
        if column_id.casefold() == name:
            return str(column_id)
    schemes = {one: (column.scheme_id or "").casefold() for one, column in table.columns.items()}
    return next((one for one, scheme in schemes.items() if scheme == name), None)


def _read_table(database: _Database, table_id: str) -> None:
    """Add what one table says to the files that it names."""
    path, frame = database.frames[table_id]
    content = database.content
    table = content.tables[table_id]
    split = content.splits[table.split_id].type if table.split_id else ""
    words = (split, *re.split(r"[._-]", table_id))
    partition = next((one for word in words if (one := partition_of(word))), None)
    columns = {name: _column(table, name) for name in ("speaker", "split")}
    cells = {name: list(frame[column]) for name, column in columns.items() if column is not None}
    stretches = list(_stretches(frame))
    for row, (file, _, _) in enumerate(stretches):
        labels = database.files.setdefault(file, _Labels())
        own = partition_of(str(cells["split"][row])) if "split" in cells else partition
        if own and labels.partition and own != labels.partition:
            message = f"{file} is in {own} here, and in {labels.partition} by another table, which counts"
            database.warn(path, message)
        labels.partition = labels.partition or own
        if "speaker" in cells and labels.speaker is None and isinstance(cells["speaker"][row], str | int):
            labels.speaker = str(cells["speaker"][row])
    for dimension in DIMENSIONS:
        column = _column(table, dimension)
        if column is not None:
            _read_column(database, table_id, dimension, column, stretches)


def _stretches(frame: Any) -> Iterator[tuple[str, float, float]]:
    """File, start and end in seconds of each row."""
    for key in frame.index:
        if isinstance(key, str):
            yield key, 0.0, math.inf
        else:
            file, start, end = key
            begin, finish = (one.total_seconds() for one in (start, end))
            yield str(file), begin if begin == begin else 0.0, finish if finish == finish else math.inf


def _read_column(
    database: _Database, table_id: str, dimension: str, column: str, stretches: list[tuple[str, float, float]]
) -> None:
    """Add one dimension's labels, brought to [−1, 1]; what cannot be there is masked and told once."""
    path, frame = database.frames[table_id]
    scheme = database.content.schemes.get(database.content.tables[table_id].columns[column].scheme_id or "")
    low, high = _scale(scheme) or (-1, 1)
    if (low, high) != (-1, 1):
        database.notes[f"{dimension} brought from {low:g} … {high:g} to −1 … 1"] = None
    strays = []
    for row, (cell, (file, start, end)) in enumerate(zip(frame[column], stretches, strict=True)):
        labels = database.files[file]
        try:
            value = (2 * float(cell) - (high + low)) / (high - low)
        except (TypeError, ValueError):  # pandas' NA among them
            value = math.nan
            if isinstance(cell, str):
                strays.append((row, cell))
        if abs(value) > 1 + 1e-6:
            strays.append((row, f"{cell:g}"))
        elif not math.isnan(value):
            if labels.tables.setdefault(dimension, table_id) == table_id:
                labels.segments.setdefault(dimension, []).append((start, end, min(1.0, max(-1.0, value))))
            else:
                taken = labels.tables[dimension]
                database.notes[f"{dimension} was read from table {taken} rather than {table_id}"] = None
    if strays:
        row, cell = strays[0]
        why = "" if _scale(scheme) else "; its scheme should state a minimum and a maximum"
        message = (
            f"{len(strays)} values of {column} are not from {low:g} to {high:g}, the first {cell}; masked"
        )
        database.warn(path, message + why, row + 2 if path.suffix == ".csv" else None)


def _scale(scheme: Any) -> tuple[float, float] | None:
    """Smallest and largest value of a scheme, if it states both."""
    low, high = (getattr(scheme, side, None) for side in ("minimum", "maximum"))
    if isinstance(low, int | float) and isinstance(high, int | float) and low < high:
        return low, high
    return None


def _language(content: Any) -> str | None:
    """The database's language, as ISO 639-1 has it, if there is just one."""
    from iso639 import Lang
    from iso639.exceptions import InvalidLanguageValue

    if len(content.languages or ()) != 1:
        return None
    try:
        return Lang(content.languages[0]).pt1 or None
    except InvalidLanguageValue:
        return None


def _recordings(database: _Database, root: Path) -> Iterator[Recording]:
    language = _language(database.content)
    stems = Counter(Path(file).stem for file in database.files)
    for file in sorted(database.files, key=natural):
        labels, path = database.files[file], root / file
        whole = Path(file).with_suffix("").as_posix().replace("/", "_")
        name = Path(file).stem if stems[Path(file).stem] == 1 else whole
        media = path if path.is_file() else None
        yield Recording(
            media=media,
            language=language,
            name=name,
            partition=labels.partition,
            speaker=labels.speaker,
            gold=_gold(database, name, path, labels.segments),
        )


def _gold(database: _Database, name: str, path: Path, segments: dict[str, list[Segment]]) -> Gold | None:
    """Labels of whole files as such; of segments, a step for each, NaN where there is none."""
    there = tuple(one for one in DIMENSIONS if one in segments)
    if not there:
        return None
    if all(len(segments[one]) == 1 and segments[one][0][:2] == (0.0, math.inf) for one in there):
        return Gold(np.array([[segments[one][0][2] for one in there]], np.float32), there, whole=True)
    placed = {one: _placed(database, name, path, segments[one]) for one in there}
    length = max((end for spans in placed.values() for _, end, _ in spans), default=0)
    if not length:
        return None
    values = np.full((length, len(there)), np.nan, np.float32)
    for column, dimension in enumerate(there):
        done = 0
        for start, end, value in placed[dimension]:
            if start < done:
                message = (
                    f"segments of {dimension} overlap at {start / 10:g} s; the one that starts later counts"
                )
                database.warn(path, message, recording=name)
            values[start:end, column] = value
            done = max(done, end)
    return Gold(values, there)


def _placed(
    database: _Database, name: str, path: Path, segments: list[Segment]
) -> list[tuple[int, int, float]]:
    """Segments in frames, in the order of their starts; a frame belongs to what has half of it."""
    placed = []
    for start, end, value in sorted(segments):
        if math.isinf(end):
            try:
                end = probe(path).stated or math.nan
            except MediaError as error:
                database.faults.append(fault_of(error, path, name))
                continue
        if start >= 0 and end > start:
            placed.append((frame_count(start), frame_count(end), value))
        else:
            message = f"a segment from {start:g} to {end:g} s is none; left out"
            database.faults.append(Fault(path, message, recording=name))
    return placed
