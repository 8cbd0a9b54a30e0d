"""One side of a comparison: predictions or gold in any layout, recording by recording."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from affekt.corpora.corpus import Corpus, Fault, LabelFiles
from affekt.corpora.dyads import PAIRS, how_guessed, of_equal_length
from affekt.corpora.formats import audformat_tables, manifest, omg
from affekt.corpora.formats.folders import FILMS, LABELS, SOUNDS, fault_of, natural, partition_of, walk
from affekt.corpora.formats.sheets import Row, Sheet, first_fields, read_sheet
from affekt.corpora.labels.columns import TIME
from affekt.corpora.labels.traces import Trace, on_frames, read_labels, side_by_side
from affekt.corpora.readers import read_corpus
from affekt.errors import CorpusError
from affekt.media.tables import bare
from affekt.timeline import FRAME_RATE, Recording

DIMENSION_FOLDERS = (
    *("arousal", "valence", "liking", "dominance", "power", "expectancy", "anticipation", "intensity"),
    *("trust", "trustworthiness", "engagement", "agreement", "performance", "rapport"),
    *("physio-arousal", "anno12_eda"),
)
"""Folders of these names hold one dimension of all recordings, in the order in which it is reported."""
PICTURES = ("image_location", "image")
"""What the column of pictures is called in ABAW's submissions, and in its lists for several tasks at once."""
BESIDE = (".", "readme", "licen", PAIRS)
"""How files begin that lie beside labels and are none."""
CHALLENGE = re.compile(r"(?P<set>(train|dev|devel|test)(_[a-z]{2})?)_(?P<number>\d+)", re.IGNORECASE)
"""What recordings are called in the AVEC challenges: Train_01, Devel_HU_14; dev_1 (RECOLA)."""
NAMES = ("name", "file", "filename", "path", "recording", "id")
"""Columns that tell which recording a row is of."""


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """What one side says of one recording."""

    recording: Recording
    """Its name, and partition, speaker and group where they are known; its media are not looked at."""
    path: Path
    trace: Trace
    whole: bool = False
    """One value for the whole recording: the trace has one row."""
    series: str | None = None
    """Of a whole one, what it is scored together with: its film (OMG-Emotion), its speaker."""
    files: LabelFiles = field(default_factory=dict)
    """Of a corpus' recording, whose trace is at 10 Hz: its label files, if these keep another clock."""


@dataclass(frozen=True, slots=True)
class Side:
    """Predictions, or gold."""

    root: Path
    labelled: tuple[Labelled, ...]
    """In natural order of their names."""
    faults: tuple[Fault, ...] = ()
    notes: tuple[str, ...] = ()


def read_side(path: Path, *, gold: bool = False) -> Side:
    """Read a label file, a folder of them, a folder of them per dimension, or a corpus' folder.

    A file may hold one recording in any dialect of `read_labels` (affekt's own tables among them), or many:
    OMG-Emotion's utterances, ABAW's submission (image_location,valence,arousal), a row for each recording
    (name,arousal,valence). In folders below folders, recordings are named with theirs: abc/talk.

    Args:
        gold: labels, which lie within [−1, 1]; where files are called as SEWA's and nothing else tells,
            partitions and dyads are guessed from them. Predictions may lie anywhere and be equally long.

    Raises:
        CorpusError: there is nothing in it that could be read as labels; names the first thing wrong.
    """
    if path.is_file():
        side = _of_files(path, {_bare_stem(path.name): path}, gold)
    elif not path.is_dir():
        raise CorpusError(f"{path}: is not there; give a folder or a file of labels or predictions")
    elif folders := _dimension_folders(path):
        side = _of_dimensions(path, folders, gold)
    elif files := _own_files(path):
        side = _of_own_files(path, files, gold)
    else:
        side = _of_corpus(path, gold)
    if not side.labelled:
        first = next((str(fault) for fault in side.faults if fault.severity == "error"), None)
        raise CorpusError(first or f"{path}: there are no labels in it; give the folder that has the files")
    labelled = tuple(sorted(side.labelled, key=lambda one: natural(one.recording.name)))
    side = replace(side, root=path, labelled=labelled)
    return _with_people(side) if gold else side


def columns_of(labelled: Iterable[Labelled]) -> tuple[str, ...]:
    """The dimensions that any recording of a side has."""
    return reported({name for one in labelled for name in one.trace.columns})


def reported(names: Iterable[str]) -> tuple[str, ...]:
    """Dimensions in the order in which they are reported."""
    rank = {name: place for place, name in enumerate(DIMENSION_FOLDERS)}
    return tuple(sorted(names, key=lambda name: (rank.get(name, len(rank)), name)))


def _with_people(side: Side) -> Side:
    """Partition by name, and SEWA's dyads by length, of recordings of which nothing is known."""
    lengths: dict[str, int] = {}
    names: dict[str, re.Match[str]] = {}
    for one in side.labelled:
        match = CHALLENGE.fullmatch(one.recording.name)
        if match and one.recording.partition is None:
            names[one.recording.name] = match
            if len(match["number"]) > 1:  # RECOLA's train_1 and its kind are all equally long
                lengths[one.recording.name] = len(one.trace.starts)
    groups = of_equal_length(lengths)
    labelled = []
    for one in side.labelled:
        recording = one.recording
        if match := names.get(recording.name):
            partition = partition_of(match["set"].partition("_")[0])
            recording = replace(recording, partition=partition, group=groups.get(recording.name))
        labelled.append(replace(one, recording=recording))
    notes = (how_guessed(groups.values()),) if groups else ()
    return replace(side, labelled=tuple(labelled), notes=(*side.notes, *notes))


def _dimension_folders(root: Path) -> dict[str, Path]:
    """Dimension → its folder, if the folder has such."""
    found = {one.name.lower(): one for one in root.iterdir() if one.is_dir()}
    return {name: found[name] for name in DIMENSION_FOLDERS if name in found}


def _own_files(folder: Path) -> list[Path]:
    names = (one for one in folder.iterdir() if one.suffix.lower() in LABELS and one.is_file())
    kept = [one for one in names if not one.name.lower().startswith(BESIDE)]
    return _without_elan(sorted(kept, key=lambda one: natural(one.name)))


def _without_elan(paths: Sequence[Path]) -> list[Path]:
    """Without what affekt writes for ELAN, talk.elan.csv beside talk.csv: the same trace again."""
    for_elan = {path.with_suffix(".elan.csv") for path in paths}
    return [path for path in paths if path not in for_elan]


def _of_own_files(root: Path, files: Sequence[Path], gold: bool) -> Side:
    """A challenge's tables of many recordings, a listed corpus, or a file a recording."""
    headers = {path: set(first_fields(path)) for path in files}
    if sheets := [path for path, one in headers.items() if "utterance" in one or _lists_images(one)]:
        return _of_files(root, _named(root, sheets), gold)
    if manifest.recognises(root) or audformat_tables.recognises(root):
        return _of_corpus(root, gold)
    side = _of_files(root, _named(root, files), gold)
    if not side.labelled:  # perhaps it is something else that lies beside a corpus' folders
        with suppress(CorpusError):
            return _of_corpus(root, gold)
    return side


def _named(root: Path, files: Iterable[Path]) -> dict[str, Path]:
    """Files by the recording's name: their own without endings, or with them where two would clash."""
    relative = {path: path.relative_to(root) for path in files}
    bare = {path: (one.parent / _bare_stem(one.name)).as_posix() for path, one in relative.items()}
    clashing = {name for name, times in Counter(bare.values()).items() if times > 1}
    return {relative[path].as_posix() if name in clashing else name: path for path, name in bare.items()}


def bare_name(name: str) -> str:
    """What a recording is called, without the ending of its film or sound.

    >>> bare_name("'Train_01.avi'"), bare_name("4-30-1920x1080")
    ('Train_01', '4-30-1920x1080')
    """
    name = bare(name)
    ending = Path(name).suffix
    return name[: -len(ending)] if ending.lower() in FILMS | SOUNDS else name


def _bare_stem(file_name: str) -> str:
    return bare_name(Path(file_name).stem)


def _of_files(root: Path, files: Mapping[str, Path], gold: bool) -> Side:
    labelled: list[Labelled] = []
    faults: list[Fault] = []
    for name, path in files.items():
        try:
            side = _of_file(name, path, gold)
        except CorpusError as error:
            faults.append(fault_of(error, path, name))
            continue
        labelled += side.labelled
        faults += side.faults
    return Side(root, tuple(labelled), tuple(faults))


def _of_file(name: str, path: Path, gold: bool) -> Side:
    header = set(first_fields(path))
    if _lists_images(header):
        return _of_images(read_sheet(path, open_end=True), gold)
    listed = not header & (TIME | {"utterance"})
    if listed and header & set(manifest.COLUMNS["file"]) and manifest.recognises(path):
        try:
            return _of_corpus(path, gold)
        except CorpusError:
            if not header & set(DIMENSION_FOLDERS):
                raise
            # A table of predictions, whose films are elsewhere.
    if ("utterance" in header or (listed and header & set(NAMES))) and header & set(DIMENSION_FOLDERS):
        return _of_rows(path, gold)
    if {"video", "utterance"} <= header:
        return Side(path, ())  # OMG's transcripts, or its utterances without labels
    trace = read_labels(path, bounded=gold)
    labelled = Labelled(Recording(None, name=name), path, trace)
    return Side(path, (labelled,), tuple(trace.faults_of(name)))


def _of_dimensions(root: Path, folders: Mapping[str, Path], gold: bool) -> Side:
    """A folder per dimension: what is called alike belongs together."""
    parts: dict[str, dict[str, Trace]] = defaultdict(dict)
    paths: dict[str, Path] = {}
    faults = []
    for dimension, folder in folders.items():
        for name, path in _named(folder, _own_files(folder)).items():
            try:
                trace = read_labels(path, bounded=gold)
                # The file may know better than its folder, as AVEC's with all dimensions in each.
                if dimension not in trace.columns:
                    trace = read_labels(path, columns=(dimension,), bounded=gold)
            except CorpusError as error:
                faults.append(fault_of(error, path, name))
                continue
            faults += trace.faults_of(name)
            column = trace.columns.index(dimension)
            parts[name][dimension] = replace(
                trace, columns=(dimension,), values=trace.values[:, [column]], faults=()
            )
            paths.setdefault(name, path)
    labelled = []
    for name, one in parts.items():
        if len({trace.timed for trace in one.values()}) > 1:
            message = (
                f"some of its dimensions ({', '.join(one)}) have times and some have none; write all alike"
            )
            faults.append(Fault(paths[name], message, recording=name))
            continue
        labelled.append(Labelled(Recording(None, name=name), paths[name], _joined(one)))
    return Side(root, tuple(labelled), tuple(faults))


def _joined(parts: Mapping[str, Trace]) -> Trace:
    """Traces of one column each side by side, all with times or none; those on different clocks at 10 Hz."""
    traces = list(parts.values())
    longest = max(traces, key=lambda one: len(one.starts))
    fits = all(
        np.allclose(one.starts, longest.starts[: len(one.starts)], rtol=0, atol=0.1 * longest.step)
        for one in traces
    )
    if not fits and longest.timed:  # rows without times have nothing but their place
        traces = [on_frames(one) for one in traces]
        longest = max(traces, key=lambda one: len(one.starts))
    values = side_by_side([one.values for one in traces])
    return replace(longest, columns=tuple(parts), values=values, segments=None)


def _of_rows(path: Path, gold: bool) -> Side:
    """A table with a row for each recording, or each utterance of a video (OMG-Emotion)."""
    sheet = read_sheet(path)
    dimensions = [name for name in DIMENSION_FOLDERS if name in sheet.header]
    match = omg.LISTS.fullmatch(path.name)
    partition = partition_of(match[1]) if match else None
    labelled, faults, first = [], list(sheet.faults), dict[str, str]()
    for row in sheet.rows:
        video, name = row.get(("video",)) or None, _bare_stem(row.get(("utterance",))) or row.get(NAMES)
        values = _numbers(sheet, row, dimensions, gold, faults)
        if values is None or not name:
            continue
        trace = Trace(tuple(dimensions), np.array([values]), np.zeros(1), 1.0, "a row a recording")
        # Videos may be cut from one film, of one person; they are scored one by one and drawn together.
        group = first.setdefault(row.get(("link",)) or video, video) if video else None
        name = f"{video}_{name}" if video and "utterance" in sheet.header else bare_name(name)
        recording = Recording(None, name=name, partition=partition, group=group)
        labelled.append(Labelled(recording, path, trace, whole=True, series=video))
    return Side(path, tuple(labelled), tuple(faults))


def _lists_images(header: set[str]) -> bool:
    """Is each row a picture of some video? Not by a column called image alone: that may be of one video."""
    return "image_location" in header or {"image", "expression"} <= header


def _of_images(sheet: Sheet, gold: bool) -> Side:
    """ABAW's submission: a row a picture, video/00001.jpg; a picture that is not listed has no value.

    Its lists for several tasks at once are laid out alike, with expressions and action units behind.
    """
    dimensions = tuple(name for name in sheet.header if name in DIMENSION_FOLDERS)
    rows: dict[str, dict[int, list[float]]] = defaultdict(dict)
    faults = list(sheet.faults)
    for row in sheet.rows:
        video, _, picture = row.get(PICTURES).replace("\\", "/").rpartition("/")
        number, values = Path(picture).stem, _numbers(sheet, row, dimensions, gold, faults)
        if not (video and number.isdecimal() and 0 < int(number) < 10_000_000):
            message = "the picture should be VIDEO/00001.jpg, counted from 1; left out"
            faults.append(Fault(sheet.path, message, row.line))
        elif values is not None:
            rows[video][int(number) - 1] = values
    labelled = []
    for video, pictures in rows.items():
        table = np.full((max(pictures) + 1, len(dimensions)), np.nan)
        table[list(pictures)] = list(pictures.values())
        trace = Trace(
            dimensions, table, np.arange(len(table), dtype=np.float64), 1.0, "ABAW submission", timed=False
        )
        labelled.append(Labelled(Recording(None, name=video), sheet.path, trace))
    return Side(sheet.path, tuple(labelled), tuple(faults))


def _numbers(
    sheet: Sheet, row: Row, dimensions: Sequence[str], gold: bool, faults: list[Fault]
) -> list[float] | None:
    """A row's values, NaN where there is none; None and a fault for what is no number.

    Labels beyond [−1, 1] are masked, with a warning.
    """
    values = []
    for dimension in dimensions:
        value = sheet.number(row.fields[dimension])
        if value is None:
            message = f"{dimension} is {row.fields[dimension]!r}, which is no number; the row is left out"
            faults.append(Fault(sheet.path, message, row.line))
            return None
        if gold and abs(value) > 1 and value != -5:
            message = f"{dimension} is {value:g}, where labels lie within [-1, 1]: masked"
            faults.append(Fault(sheet.path, message, row.line, "warning"))
            value = np.nan
        values.append(value)
    # As in Aff-Wild2's own files, what is marked as invalid in one dimension is so in the other.
    return [np.nan] * len(values) if -5 in values else values


def _of_corpus(root: Path, gold: bool) -> Side:
    """A corpus' folder, else label files in folders below."""
    try:
        corpus = read_corpus(root)
    except CorpusError:
        side = _of_files(root, _named(root, _below(root)), gold)
        if side.labelled:
            return side
        raise
    labelled = [_of_gold(one, corpus) for one in corpus.recordings if one.gold is not None]
    faults = list(corpus.faults)
    for one in corpus.recordings:
        labels_alone = one.media is None and one.sound is None
        if labels_alone and one.gold is None and one.name in corpus.labels:
            labelled += _of_pictures(one, corpus.labels[one.name], faults)
    without, total = len(corpus.recordings) - len(labelled), len(corpus.recordings)
    notes = [f"{without} of the {total} recordings of {corpus.kind} have no labels"] if without else []
    return Side(root, tuple(labelled), tuple(faults), (*notes, *corpus.notes))


def _of_pictures(recording: Recording, files: LabelFiles, faults: list[Fault]) -> list[Labelled]:
    """Labels that have no times for want of a film, which predictions of pictures do not need."""
    labelled, told = [], []
    if files:
        path = next(iter(files.values()))
        try:
            trace = own_trace(files)
        except CorpusError:
            return []  # its reader has told
        if trace.timed:
            return []
        labelled.append(Labelled(recording, path, trace))
        told = trace.faults_of(recording.name)
    faults[:] = [*(one for one in faults if one.recording != recording.name), *told]
    return labelled


def own_trace(files: LabelFiles) -> Trace:
    """The labels of one recording as its files have them.

    Raises:
        CorpusError: as `read_labels`.
    """
    traces = {names: read_labels(path, columns=names or None) for names, path in files.items()}
    if () in traces:
        return traces[()]
    joined = _joined({name: trace for (name,), trace in traces.items()})
    return replace(joined, faults=tuple(fault for one in traces.values() for fault in one.faults))


def _below(root: Path) -> list[Path]:
    every = (folder / name for folder, names in walk(root) for name in names)
    return _without_elan([path for path in every if path.suffix.lower() in LABELS])


def _of_gold(recording: Recording, corpus: Corpus) -> Labelled:
    gold = recording.gold
    assert gold is not None
    values = gold.values.astype(np.float64)
    trace = Trace(gold.dimensions, values, np.arange(len(values)) / FRAME_RATE, 1 / FRAME_RATE, corpus.kind)
    path = recording.media or recording.sound or corpus.root
    series, files = recording.group or recording.speaker, corpus.labels.get(recording.name, {})
    return Labelled(recording, path, trace, gold.whole, series, files)
