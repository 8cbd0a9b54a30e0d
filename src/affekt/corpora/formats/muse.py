"""MuSe challenges, 2020 to 2023: a task's folder with `metadata/partition.csv` and `label_segments/`.

`label_segments/<dimension>/<id>.csv` holds a trace of a whole film, in milliseconds, with gaps between its
segments; the column that holds the segment stands after the value in 2020 and before it since, so that
columns are found by name. Tasks whose labels are classes (topics, humour, reactions) have no trace and are
not read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from affekt.corpora.corpus import Corpus, Fault, LabelFiles
from affekt.corpora.formats.fitting import fitted, stated_frames
from affekt.corpora.formats.folders import (
    FILMS,
    SOUNDS,
    by_stem,
    fault_of,
    here_and_below,
    natural,
    partition_of,
)
from affekt.corpora.formats.sheets import first_fields, read_sheet
from affekt.corpora.labels.columns import is_number
from affekt.corpora.labels.traces import Trace, at_10hz, gold_of, read_own_labels
from affekt.errors import CorpusError
from affekt.timeline import DIMENSIONS, Gold, Partition, Recording

KIND = "MuSe"

PIECES = "audio_segments"
OTHERS = ("feature_segments", "label_segments", "transcription_segments", "metadata", PIECES)
"""Folders of a task in which there are no whole recordings."""


@dataclass
class _Task:
    """What was read of a task so far."""

    root: Path
    folder: Path
    faults: list[Fault] = field(default_factory=list)
    partitions: dict[str, Partition | None] = field(default_factory=dict)
    """id → partition, in the order of partition.csv."""
    traces: dict[str, dict[str, Trace]] = field(default_factory=dict)
    """id → dimension → trace."""


def recognises(root: Path) -> bool:
    """Whether it is a task's folder, or one that holds tasks'."""
    return root.is_dir() and bool(_tasks(root))


def _tasks(root: Path) -> list[Path]:
    return [one for one in here_and_below(root) if (one / "metadata" / "partition.csv").is_file()]


def read(root: Path) -> Corpus:
    """Read the one task that has traces.

    Raises:
        CorpusError: there is no task with traces, or there are several: their recordings are called alike.
    """
    tasks = {one: _dimensions(one) for one in _tasks(root)}
    fitting = [one for one, dimensions in tasks.items() if dimensions]
    if not tasks:
        raise CorpusError(f"{root}: there is no metadata/partition.csv in it")
    if not fitting:
        message = "there is no trace in label_segments/<dimension>; its labels are classes, or there are none"
        raise CorpusError(f"{root}: {message}")
    if len(fitting) > 1:
        names = ", ".join(str(one) for one in fitting)
        raise CorpusError(f"{root}: holds several tasks whose recordings are called alike; give one: {names}")
    task = _Task(root, fitting[0])
    others = ", ".join(one.name for one in tasks if one != task.folder)
    notes = [f"tasks that have no traces were not read: {others}"] if others else []
    if classes := ", ".join(sorted(_classes(task.folder), key=natural)):
        notes.append(f"labels that are classes, not traces, were not read: {classes}")
    _read_partitions(task)
    for dimension, folder in tasks[task.folder].items():
        _read_traces(task, dimension, folder)
    recordings = tuple(_recordings(task, tuple(tasks[task.folder]), notes))
    if not recordings:
        first = f"; {task.faults[0]}" if task.faults else ""
        raise CorpusError(f"{root}: its partition.csv lists no recording{first}")
    kind = f"{KIND} ({task.folder.name})"
    whole = {one.name for one in recordings if one.name in task.traces}
    own = {name: _label_files(task, name) for name in whole}
    return Corpus(kind, root, recordings, tuple(task.faults), tuple(notes), labels=own)


def _label_files(task: _Task, name: str) -> LabelFiles:
    folder = task.folder / "label_segments"
    return {(dimension,): folder / dimension / f"{name}.csv" for dimension in task.traces[name]}


def _dimensions(task: Path) -> dict[str, Path]:
    """Dimensions that a task has traces of, arousal and valence first."""
    folders = [path for path in task.glob("label_segments/*") if path.is_dir()]
    traces = {path.name: path for path in folders if _is_trace(path)}
    known = [name for name in DIMENSIONS if name in traces]
    return {name: traces[name] for name in [*known, *sorted(set(traces) - set(known), key=natural)]}


def _is_trace(folder: Path) -> bool:
    """Whether its label files hold values, as the first that says so or not says: one may be damaged."""
    for path in sorted(folder.glob("*.csv"), key=lambda one: natural(one.name)):
        names = first_fields(path)
        if "value" in names or (names and all(map(is_number, names))):
            return True
        if "class_id" in names:
            return False
    return False


def _classes(task: Path) -> list[str]:
    return [path.name for path in task.glob("label_segments/*") if path.is_dir() and not _is_trace(path)]


def _read_partitions(task: _Task) -> None:
    """`Id,Proposal` in 2020; later the first column names the recording, the last one its partition."""
    path = task.folder / "metadata" / "partition.csv"
    try:
        sheet = read_sheet(path)
    except CorpusError as error:
        task.faults.append(fault_of(error, path))
        return
    task.faults += sheet.faults
    first, last = sheet.header[0], sheet.header[-1]
    for row in sheet.rows:
        name, word = row.fields[first], row.fields[last]
        partition = partition_of(word)
        if not name or partition is None:
            message = f"{word[:20]!r} is none of train, devel, test" if name else "names no recording"
            task.faults.append(Fault(path, f"{message}; left out", row.line, recording=name or None))
        elif name in task.partitions:
            message = f"names {name} a second time; the first line counts"
            task.faults.append(Fault(path, message, row.line, recording=name))
        else:
            task.partitions[name] = partition


def _read_traces(task: _Task, dimension: str, folder: Path) -> None:
    for path in sorted(folder.glob("*.csv"), key=lambda one: natural(one.name)):
        name = path.stem
        if name not in task.partitions:
            message = "its recording is not in metadata/partition.csv; left out"
            task.faults.append(Fault(path, message, recording=name))
            continue
        try:
            trace = read_own_labels(path, name, columns=(dimension,))
        except CorpusError as error:
            task.faults.append(fault_of(error, path, name))
            continue
        # A test partition without labels is as it should be.
        masked = task.partitions[name] == "test" and bool(np.isnan(trace.values).all())
        task.faults += [] if masked else trace.faults_of(name)
        task.traces.setdefault(name, {})[dimension] = trace


def _recordings(task: _Task, dimensions: tuple[str, ...], notes: list[str]) -> Iterator[Recording]:
    films = by_stem(task.root, FILMS, OTHERS)
    sounds = by_stem(task.root, SOUNDS, OTHERS)
    pieces = by_stem(task.folder / PIECES, SOUNDS)
    of_film: dict[str, list[str]] = {}
    for stem in sorted(pieces, key=natural):
        name, _, number = stem.rpartition("_")
        if number.isdecimal():
            of_film.setdefault(name, []).append(stem)
    silent, cut = [], 0
    for name, partition in task.partitions.items():
        traces = task.traces.get(name, {})
        _compare(task, name, traces)
        film, sound = (next(iter(found.get(name, [])), None) for found in (films, sounds))
        if film is None and sound is None and name in of_film:
            cut += 1
            traces = _with_segments(task, name, traces)
            _miss(task, name, traces, {stem.rpartition("_")[2] for stem in of_film[name]})
            for stem in of_film[name]:
                own = _segment(traces, int(stem.rpartition("_")[2]))
                gold = _fitting(task, stem, name, _gold(own, dimensions), (pieces[stem][0],))
                yield Recording(pieces[stem][0], name=stem, partition=partition, group=name, gold=gold)
            continue
        silent += [name] if film is None and sound is None else []
        # A sound file of its own beats the film's: corpora hand it out where the film has none.
        media, apart = (film, sound) if film is not None else (sound, None)
        gold = _fitting(task, name, name, _gold(traces, dimensions), (media, apart))
        yield Recording(media, sound=apart, name=name, partition=partition, group=name, gold=gold)
    if cut:
        notes.append(f"of {cut} recordings there is the sound alone, cut into segments: each is a recording")
    if silent:
        message = (
            f"of {len(silent)} recordings there are labels alone, such as {silent[0]}; put the films or "
            f"sounds ({silent[0]}.mp4, {silent[0]}.wav) anywhere into the folder"
        )
        task.faults.append(Fault(task.folder, message, severity="warning"))


def _compare(task: _Task, name: str, traces: dict[str, Trace]) -> None:
    """Tell of dimensions that were labelled at other times: rows are missing in one of the files."""
    for dimension, trace in list(traces.items())[1:]:
        first, other = next(iter(traces.items()))
        if not np.array_equal(trace.starts, other.starts):
            path = task.folder / "label_segments" / dimension / f"{name}.csv"
            rows = f"{len(trace.starts)} rows, {first}/{name}.csv {len(other.starts)}"
            message = f"has {rows}, and other times; is one of them cut off?"
            task.faults.append(Fault(path, message, severity="warning", recording=name))


def _fitting(
    task: _Task, name: str, stem: str, gold: Gold | None, media: tuple[Path | None, ...]
) -> Gold | None:
    """Gold that lasts no longer than its media; that it ends before them is as it should be here."""
    if gold is None:
        return None
    path = task.folder / "label_segments" / gold.dimensions[0] / f"{stem}.csv"
    n_frames = stated_frames(media)
    if n_frames is None or len(gold) <= n_frames:
        return gold
    try:
        return replace(gold, values=fitted(gold.values, n_frames, path, name, task.faults))
    except CorpusError as error:
        task.faults.append(fault_of(error, path, name))
        return None


def _miss(task: _Task, name: str, traces: dict[str, Trace], there: set[str]) -> None:
    """Tell of segments that have labels and no sound."""
    labelled = {
        int(number) for trace in traces.values() if trace.segments is not None for number in trace.segments
    }
    if silent := sorted(labelled - set(map(int, there))):
        numbers = ", ".join(map(str, silent[:5])) + (", …" if len(silent) > 5 else "")
        message = f"has no sound of {name}'s segments {numbers}, which have labels; they were left out"
        task.faults.append(Fault(task.folder / PIECES, message, severity="warning", recording=name))


def _with_segments(task: _Task, name: str, traces: dict[str, Trace]) -> dict[str, Trace]:
    """Traces that can be cut into the segments that the sounds are cut into."""
    for dimension, trace in traces.items():
        if trace.segments is None:
            path = task.folder / "label_segments" / dimension / f"{name}.csv"
            message = "does not say which rows are which segment's; left out, as the sound is cut into them"
            task.faults.append(Fault(path, message, recording=name))
    return {dimension: trace for dimension, trace in traces.items() if trace.segments is not None}


def _segment(traces: dict[str, Trace], number: int) -> dict[str, Trace]:
    """The rows of one segment, its first row at time zero."""
    cut = {}
    for dimension, trace in traces.items():
        rows = np.asarray(trace.segments == number)
        if rows.any():
            starts = trace.starts[rows]
            cut[dimension] = replace(
                trace, starts=starts - starts[0], values=trace.values[rows], segments=None
            )
    return cut


def _gold(traces: dict[str, Trace], dimensions: tuple[str, ...]) -> Gold | None:
    """All dimensions side by side; None if none of them has a label."""
    nothing = np.zeros((0, 1), np.float32)
    return gold_of({name: at_10hz(traces[name]) if name in traces else nothing for name in dimensions})
