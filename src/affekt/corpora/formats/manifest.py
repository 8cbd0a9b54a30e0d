"""Anyone's own data: a CSV with a line for each recording.

Columns, of which only `file` (or `sound`) is needed; paths are meant from the manifest's folder:

    file         film or sound file; also called path, filename, media, video
    sound        a sound file beside a silent film; also audio
    name         what to call it; otherwise the file's name
    partition    train, devel or test in any spelling; also split, set
    speaker      who is judged
    group        dyad or the like, never split between partitions or folds; also dyad, pair
    subject      whose face: left, right, or 1 for the largest
    language     ISO 639-1 code of the transcript
    transcript   .srt, .vtt, .eaf, .TextGrid, start;end;text …; "none" for none
    turns        start;end of the subject's turns, RTTM, …
    arousal, valence    one value for the whole file, from −1 to 1
    gold         a file with a trace over time, of any layout that affekt reads; also trace, labels
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast

import numpy as np

from affekt.corpora.corpus import Corpus, Fault, LabelFiles, Severity
from affekt.corpora.formats.fitting import fitted, stated_frames
from affekt.corpora.formats.folders import fault_of, partition_of
from affekt.corpora.formats.sheets import Row, Sheet, read_sheet
from affekt.corpora.labels.traces import at_10hz, read_labels
from affekt.errors import CorpusError, MediaError
from affekt.media.times import picture_times
from affekt.timeline import DIMENSIONS, Gold, Recording, Side

KIND = "manifest"
NAME = "manifest.csv"

COLUMNS = {
    "file": ("file", "path", "filename", "media", "video"),
    "sound": ("sound", "audio"),
    "name": ("name",),
    "partition": ("partition", "split", "set"),
    "speaker": ("speaker",),
    "group": ("group", "dyad", "pair"),
    "subject": ("subject",),
    "language": ("language",),
    "transcript": ("transcript",),
    "turns": ("turns",),
    "gold": ("gold", "trace", "labels"),
    "arousal": ("arousal",),
    "valence": ("valence",),
}
"""What a column is for, and the names it goes by."""


def recognises(root: Path) -> bool:
    """Whether it is a table with a column of files, or a folder with such a manifest.csv."""
    path = root / NAME if root.is_dir() else root
    if not path.is_file():
        return False
    try:
        header = read_sheet(path).header
    except CorpusError:
        return True  # to be told what is wrong with it
    # What `affekt prepare` writes is a manifest of clips, not of recordings.
    return bool({*COLUMNS["file"], *COLUMNS["sound"]} & set(header)) and "fingerprint" not in header


@dataclass
class _Reading:
    """A manifest being read."""

    sheet: Sheet
    faults: list[Fault] = field(default_factory=list)
    labels: dict[str, LabelFiles] = field(default_factory=dict)
    """Of recordings that have a trace."""

    @property
    def folder(self) -> Path:
        return self.sheet.path.parent

    def complain(
        self, row: Row, message: str, recording: str | None = None, severity: Severity = "error"
    ) -> None:
        self.faults.append(Fault(self.sheet.path, message, row.line, severity, recording))


def read(root: Path) -> Corpus:
    """Read a manifest, given as a file or by its folder.

    Raises:
        CorpusError: it cannot be read, has no column of files, or no line of it can be used.
    """
    path = root / NAME if root.is_dir() else root
    sheet = read_sheet(path)
    reading = _Reading(sheet, list(sheet.faults))
    if not {*COLUMNS["file"], *COLUMNS["sound"]} & set(sheet.header):
        raise CorpusError(f"{path}, line 1: names no column called file, which says where each recording is")
    known = {name for names in COLUMNS.values() for name in names}
    ignored = [name for name in sheet.header if name and name not in known]
    read_ = [(row, _recording(reading, row)) for row in sheet.rows]
    rows = _grouped(reading, _once(reading, [(row, one) for row, one in read_ if one is not None]))
    if not rows:
        first = next(iter(reading.faults), None)
        raise CorpusError(str(first) if first else f"{path}: lists no recording")
    recordings = tuple(_with_gold(reading, row, one) for row, one in _named(reading, rows))
    notes = (f"columns that were not read: {', '.join(ignored)}",) if ignored else ()
    return Corpus(KIND, root, recordings, tuple(reading.faults), notes, labels=reading.labels)


def _recording(reading: _Reading, row: Row) -> Recording | None:
    """What a line says, without name and gold; None if it names no file that is there."""
    media, sound = (_file(reading, row, column) for column in ("file", "sound"))
    stated = [row.get(COLUMNS[column]) for column in ("file", "sound")]
    if not any(stated):
        reading.complain(row, "names no file; left out")
        return None
    if (stated[0] and media is None) or (media is None and sound is None):
        return None
    transcript, turns = (_file(reading, row, column) for column in ("transcript", "turns"))
    word = row.get(COLUMNS["partition"])
    partition = partition_of(word)
    if word and partition is None:
        reading.complain(row, f"the partition {word[:20]!r} is none of train, devel, test; left out")
        return None
    silent = row.get(COLUMNS["transcript"]) and transcript is None  # not even what lies beside the film
    return Recording(
        media=media,
        sound=sound,
        transcript=() if silent else transcript,
        turns=turns,
        language=row.get(COLUMNS["language"]).lower() or None,
        subject=_subject(reading, row),
        partition=partition,
        speaker=row.get(COLUMNS["speaker"]) or None,
        group=row.get(COLUMNS["group"]) or None,
    )


def _file(reading: _Reading, row: Row, column: str) -> Path | None:
    """A file that a line names; None if it names none, or one that is not there, which is a fault."""
    stated = row.get(COLUMNS[column])
    if not stated or (column in ("transcript", "turns", "gold") and stated.casefold() in ("none", "-")):
        return None
    for spelling in (stated, stated.replace("\\", "/")):
        try:
            path = reading.folder / spelling
            if path.is_file():
                return path
        except (OSError, ValueError):  # a name too long, or with a zero byte
            continue
    what = "recording" if column in ("file", "sound") else column
    message = f"there is no file {stated!r} (paths are meant from the manifest's folder)"
    reading.complain(row, f"{message}; the {what} was left out", row.get(COLUMNS["name"]) or None)
    return None


def _subject(reading: _Reading, row: Row) -> int | Side | None:
    word = row.get(COLUMNS["subject"]).lower()
    if word in ("left", "right"):
        return cast(Side, word)
    if word.isdecimal() and 1 <= int(word) <= 100:
        return int(word)
    if word:
        message = f"the subject {word[:20]!r} is neither left nor right nor a number from 1; the largest face"
        reading.complain(row, f"{message} is followed", severity="warning")
    return None


def _once(reading: _Reading, rows: Sequence[tuple[Row, Recording]]) -> list[tuple[Row, Recording]]:
    """Without lines that say what another has said: one film is there twice only for two faces of it."""
    seen: dict[tuple[Path, object], int] = {}
    kept = []
    for row, one in rows:
        path = one.media or one.sound
        assert path is not None
        key = (path.resolve(), one.subject)
        if key in seen:
            reading.complain(row, f"{path.name} is in line {seen[key]} already; left out")
        else:
            seen[key] = row.line
            kept.append((row, one))
    return kept


def _grouped(reading: _Reading, rows: Sequence[tuple[Row, Recording]]) -> list[tuple[Row, Recording]]:
    """Faces of one film are a group; a group that is in two partitions is left out."""
    films = [(one.media or one.sound or Path()).resolve() for _, one in rows]
    grouped = [
        (row, replace(one, group=film.name) if one.group is None and films.count(film) > 1 else one)
        for film, (row, one) in zip(films, rows, strict=True)
    ]
    first: dict[str, tuple[Row, Recording]] = {}
    torn = set()
    for row, one in grouped:
        if one.group is None or one.partition is None:
            continue
        there, other = first.setdefault(one.group, (row, one))
        if other.partition != one.partition:
            torn.add(one.group)
            message = f"group {one.group} is in {one.partition} here and in {other.partition} in line "
            reading.complain(row, f"{message}{there.line}; all of the group was left out, mend the partition")
    return [(row, one) for row, one in grouped if one.group not in torn]


def _named(reading: _Reading, rows: Sequence[tuple[Row, Recording]]) -> list[tuple[Row, Recording]]:
    """Each with a name of its own: the one given, else as much of its path as it takes."""
    named: dict[str, tuple[Row, Recording]] = {}
    tiers = list(zip(*(_names(row, one) for row, one in rows), strict=True))
    for place, (row, one) in enumerate(rows):
        tier = next((tier for tier in tiers if tier.count(tier[place]) == 1), tiers[-1])
        name = row.get(COLUMNS["name"]) or tier[place]
        name = name.replace("\\", "/").replace("/", "_")
        if name in named:
            reading.complain(row, f"is called {name}, as line {named[name][0].line} is; left out", name)
        else:
            named[name] = row, replace(one, name=name)
    return list(named.values())


def _names(row: Row, one: Recording) -> tuple[str, ...]:
    """What it may be called, the shortest first."""
    path = Path(row.get([*COLUMNS["file"], *COLUMNS["sound"]]).replace("\\", "/"))
    side = "" if one.subject is None else f"_{one.subject}"
    folder = path.parent.as_posix().strip("./")
    long = f"{folder}/{path.stem}" if folder else path.stem
    return path.stem, path.stem + side, long, long + side, f"{long}{path.suffix}{side}"


def _with_gold(reading: _Reading, row: Row, one: Recording) -> Recording:
    values = {name: row.get(COLUMNS[name]) for name in DIMENSIONS}
    stated = row.get(COLUMNS["gold"])
    if stated and any(values.values()):
        message = "has a trace and one value for the whole file; the trace was taken"
        reading.complain(row, message, one.name, "warning")
    if stated:
        path = _file(reading, row, "gold")
        return replace(one, gold=_trace(reading, one, path)) if path else one
    return replace(one, gold=_value(reading, row, one.name, values))


def _value(reading: _Reading, row: Row, name: str, values: dict[str, str]) -> Gold | None:
    """One label of the whole file, from the columns there are."""
    there = tuple(one for one in DIMENSIONS if one in reading.sheet.header)
    numbers = []
    for dimension in there:
        number = reading.sheet.number(values[dimension])
        if number is None or abs(number) > 1:
            message = f"the {dimension} {values[dimension][:20]!r} is no number between −1 and 1; left out"
            reading.complain(row, message, name)
            number = np.nan
        numbers.append(number)
    if np.isnan(numbers).all():
        return None
    return Gold(np.array([numbers], np.float32), there, whole=True)


def _trace(reading: _Reading, one: Recording, path: Path) -> Gold | None:
    """A trace over time; one with a row a picture is put on the film's clock."""
    try:
        trace = read_labels(path)
        if not trace.timed:
            if one.media is None:
                raise CorpusError(f"{path}: has one row a picture, and the recording has no film")
            trace = read_labels(path, times=picture_times(one.media))
        reading.faults += trace.faults_of(one.name)
        if not set(DIMENSIONS) & set(trace.columns):
            called = ", ".join(trace.columns)
            raise CorpusError(f"{path}, line 1: no column is called arousal or valence, but {called}")
        values = fitted(at_10hz(trace), stated_frames((one.media, one.sound)), path, one.name, reading.faults)
        reading.labels[one.name] = {(): path}
        return Gold(values, trace.columns)
    except (CorpusError, MediaError) as error:
        reading.faults.append(fault_of(error, path, one.name))
        return None
