"""Aff-Wild2 (ABAW) and Aff-Wild: films from the web with one valence and arousal for each picture.

Aff-Wild2: `VA_Estimation_Challenge/{Train_Set,Validation_Set}/<film>.txt` (2020: `VA_Set/…`, `Training_Set`),
first line `valence,arousal`, −5 where nobody is labelled; `<film>_left` and `<film>_right` are the two people
of a film. Aff-Wild: `annotations/{train,test}/{arousal,valence}/<film>.txt`, a number a line. Films are
looked for anywhere in the folder; without them labels have no clock, as the frame rates in their names are
nominal. Films are not decoded.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from affekt.corpora.corpus import Corpus, Fault, LabelFiles
from affekt.corpora.formats.folders import FILMS, by_stem, fault_of, partition_of, text_of, walk
from affekt.corpora.labels.traces import at_10hz, gold_of, read_labels
from affekt.errors import CorpusError, MediaError
from affekt.media.times import picture_times
from affekt.timeline import DIMENSIONS, FRAME_RATE, Gold, Partition, Recording, Side, frame_count

KIND = "Aff-Wild2"
OLD = "Aff-Wild"

HEADER = "valence,arousal"
SIDES: tuple[Side, ...] = ("left", "right")


@dataclass(frozen=True, slots=True)
class _Entry:
    """One person in one film, and where the labels are."""

    name: str
    partition: Partition
    labels: LabelFiles


@dataclass
class _Films:
    """The films that are there, and the times of their pictures: of two people's film, read once."""

    paths: dict[str, list[Path]]
    times: dict[Path, np.ndarray | MediaError] = field(default_factory=dict)

    def find(self, name: str) -> tuple[Path | None, Side | None, str]:
        """The film, which of its people, and the film's stem, of `video59` or `video59_left`."""
        if name in self.paths:
            return self.paths[name][0], None, name
        for side in SIDES:
            stem = name.removesuffix(f"_{side}")
            if stem != name:
                return next(iter(self.paths.get(stem, [])), None), side, stem
        return None, None, name

    def clock(self, film: Path) -> np.ndarray:
        if film not in self.times:
            try:
                self.times[film] = picture_times(film)
            except MediaError as error:
                self.times[film] = error
        times = self.times[film]
        if isinstance(times, MediaError):
            raise times
        return times


def recognises(root: Path) -> bool:
    """Whether there is a folder of Aff-Wild's labels, which the first line of one tells."""
    return root.is_dir() and (bool(_old(root)) or any(_new(root, quick=True)))


def read(root: Path) -> Corpus:
    """Read all labels, and the times of the films' pictures, for which nothing is decoded.

    Raises:
        CorpusError: there are no labels.
    """
    old = _old(root)
    entries = old or _new(root)
    if not entries:
        message = (
            "there is neither VA_Estimation_Challenge/Train_Set/*.txt nor annotations/train/valence/*.txt"
        )
        raise CorpusError(f"{root}: {message}")
    films = _Films(by_stem(root, FILMS))
    if old:  # the test's films were handed out without labels
        named = {one.name for one in entries}
        of_test = [
            name for name, paths in films.paths.items() if partition_of(paths[0].parent.name) == "test"
        ]
        entries += [_Entry(name, "test", {}) for name in of_test if name not in named]
    faults: list[Fault] = []
    recordings = [_recording(entry, films, faults) for entry in entries]
    together = {one.group for one in recordings}
    notes: tuple[str, ...] = ()
    if len(together) < len(recordings):
        notes = ("two people of one film are a group; the bare name's face is the largest",)
    own = {one.name: _labelled(one) for one in entries}
    return Corpus(OLD if old else KIND, root, tuple(recordings), tuple(faults), notes, labels=own)


def _new(root: Path, quick: bool = False) -> list[_Entry]:
    """Label files in folders called after a partition, whose first line is Aff-Wild2's.

    Args:
        quick: one will do.
    """
    entries = []
    for folder, files in walk(root):
        partition = partition_of(folder.name)
        paths = [folder / name for name in files if name.lower().endswith(".txt")]
        if partition is None or not folder.name.lower().endswith("set") or not paths:
            continue
        if partition != "test" and not any(_has_header(path) for path in paths[:3]):
            continue  # expressions or action units
        if partition == "test" and not _of_valence(folder):
            continue
        entries += [_Entry(path.stem, partition, {(): path}) for path in paths]
        if quick and partition != "test":
            break
    return entries if any(one.partition != "test" for one in entries) else []


def _of_valence(folder: Path) -> bool:
    return folder.parent.name.lower().startswith("va")


def _has_header(path: Path) -> bool:
    if path.is_fifo():
        return False
    try:
        with path.open("rb") as file:
            first = file.readline(80)
    except OSError:
        return False
    return first.decode("utf-8-sig", "replace").strip().lower().replace(" ", "") == HEADER


def _old(root: Path) -> list[_Entry]:
    """Aff-Wild's label files, a folder for each dimension."""
    entries = []
    for folder in sorted(path for path in root.glob("annotations/*") if path.is_dir()):
        partition = partition_of(folder.name)
        found: dict[str, LabelFiles] = {}
        for dimension in DIMENSIONS:
            for path in sorted((folder / dimension).glob("*.txt")):
                found.setdefault(path.stem, {})[(dimension,)] = path
        if partition is not None:
            entries += [_Entry(name, partition, labels) for name, labels in found.items()]
    return entries


def _recording(entry: _Entry, films: _Films, faults: list[Fault]) -> Recording:
    film, side, stem = films.find(entry.name)
    gold = None
    if film is not None and len(films.paths[film.stem]) > 1:
        message = f"there is a second film of this name, {films.paths[film.stem][1]}; this one was taken"
        faults.append(Fault(film, message, severity="warning", recording=entry.name))
    if film is None:
        message = (
            f"there is no film {stem}.mp4 or .avi, without which its rows have no time; put the films "
            "(batch1, batch2, …) anywhere into the corpus' folder"
        )
        faults.append(Fault(next(iter(entry.labels.values())), message, recording=entry.name))
    else:
        gold = _gold(entry, film, films, faults)
    return Recording(
        media=film, name=entry.name, partition=entry.partition, group=stem, subject=side, gold=gold
    )


def _gold(entry: _Entry, film: Path, films: _Films, faults: list[Fault]) -> Gold | None:
    """The labels on the film's clock; None if it has none that can be trusted."""
    columns: dict[str, np.ndarray] = {}
    for names, path in _labelled(entry).items():
        try:
            times = films.clock(film)
            trace = read_labels(path, columns=names or None, times=times)
        except CorpusError as error:
            faults.append(fault_of(error, path, entry.name))
        except MediaError as error:
            faults.append(fault_of(error, film, entry.name))
        else:
            faults += trace.faults_of(entry.name)
            values = at_10hz(trace, frame_count(_lasts(times)))
            columns.update(zip(trace.columns, values.T, strict=True))
    return gold_of({name: columns[name] for name in DIMENSIONS if name in columns})


def _labelled(entry: _Entry) -> LabelFiles:
    """Its label files without those that hold a header at most: so are recordings of the test named."""
    if entry.partition != "test":
        return entry.labels
    return {names: path for names, path in entry.labels.items() if not _is_bare(path)}


def _is_bare(path: Path) -> bool:
    try:
        return len(text_of(path).split()) <= 1
    except CorpusError:
        return False  # who reads it says why


def _lasts(times: np.ndarray) -> float:
    """Seconds from the recording's start to the end of the last picture."""
    return float(times[-1] + np.median(np.diff(times))) if len(times) > 1 else 1 / FRAME_RATE
