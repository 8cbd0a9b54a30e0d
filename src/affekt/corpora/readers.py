"""Which corpus a folder holds, and what must hold of any corpus, whoever read it."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Literal, cast

from affekt.corpora.corpus import Corpus, Fault, Reader
from affekt.corpora.formats import manifest
from affekt.corpora.formats.folders import ORDER, UNREAD, fault_of, here_and_below, natural
from affekt.corpora.formats.sheets import first_fields
from affekt.errors import AffektError, CorpusError
from affekt.media import find_transcript, read_transcript, read_turns
from affekt.timeline import Partition, Recording

READERS = {
    "manifest": "manifest.csv, or any CSV with a column called file",
    "audformat_tables": "audformat's header (db.yaml) and its tables",
    "avec": "SEWA: labels/Train_01.csv or labels/Train_DE_01.csv and the like (AVEC 2017, 2018, 2019)",
    "recola": "RECOLA: ratings_gold_standard/arousal or RECOLA-Annotation",
    "affwild2": "Aff-Wild2: VA_Estimation_Challenge/Train_Set/*.txt, or Aff-Wild's annotations/train/valence",
    "muse": "MuSe: metadata/partition.csv and label_segments/arousal",
    "omg": "OMG-Emotion: omg_TrainVideos.csv",
}
"""Modules of `formats`, in the order in which they are asked, and what each looks for. What somebody wrote
by hand goes before what a folder happens to look like."""

SMALL = 1000
"""Bytes; a file of nothing but blanks is no larger."""
LISTED = 8
"""Entries of a folder that an error shows."""


def reader(kind: str) -> Reader:
    """The module that reads a kind of corpus.

    Raises:
        CorpusError: there is none of that name.
    """
    if kind not in READERS:
        raise CorpusError(f"{kind}: no such kind of corpus; there are {', '.join(READERS)}")
    return cast(Reader, importlib.import_module(f"affekt.corpora.formats.{kind}"))


def read_corpus(root: Path, kind: str | None = None) -> Corpus:
    """Read a folder, or a manifest file, of any of the corpora that affekt knows.

    Args:
        kind: one of `READERS`; None: the first that recognises it.

    Raises:
        CorpusError: none does, or there is nothing in it that could be read.
    """
    try:
        if not root.exists():
            raise CorpusError(f"{root}: no such file or folder")
        if kind is not None:
            return _read(kind, root)
        if root.is_file():
            return replace(settled(_listed(root)), reader="manifest")
        fitting = _kinds(root)
        _choose(root, fitting)
        if not fitting:
            raise CorpusError(_unknown(root))
        corpus = _read(fitting[0], root)
    except OSError as error:
        raise CorpusError(f"{error.filename or root}: cannot be read ({error.strerror or error})") from error
    if others := fitting[1:]:
        note = f"it was read as {fitting[0]}, and could also be {' or '.join(others)}"
        corpus = replace(corpus, notes=(*corpus.notes, note))
    return corpus


def _read(kind: str, root: Path) -> Corpus:
    return replace(settled(reader(kind).read(root)), reader=kind)


def _kinds(folder: Path) -> list[str]:
    return [name for name in READERS if reader(name).recognises(folder)]


def _listed(path: Path) -> Corpus:
    """What a manifest lists, given as a file.

    Raises:
        CorpusError: it is none, but a table of one recording's labels, or of utterances.
    """
    header = set(first_fields(path))
    files = header & {*manifest.COLUMNS["file"], *manifest.COLUMNS["sound"]}
    if header and (not files or "utterance" in header):
        raise CorpusError(
            f"{path}: is no list of recordings, for which line 1 names a column called file; if it is "
            "a corpus' table of labels, give the folder of the corpus"
        )
    return manifest.read(path)


def _choose(root: Path, kinds: Collection[str]) -> None:
    """Refuse a folder that is no corpus itself and holds others.

    A corpus' own folders of labels and turns look like small corpora of its kind, so that those of one kind
    do not make it none itself.

    Raises:
        CorpusError: it is none; names what there is to choose from.
    """
    inner = [one for one in here_and_below(root)[1:] if not one.name.lower().startswith(UNREAD)]
    inside = {one: fitting[0] for one in inner if (fitting := _kinds(one))}
    below = set(inside.values())
    if not inside or not below.issuperset(kinds) or (kinds and len(below) == 1):
        return
    if len(inside) == 1:
        only = next(iter(inside))
        raise CorpusError(f"{root}: holds no corpus itself, but {only} looks like one; give that folder")
    names = [f"{one.name} ({kind})" for one, kind in inside.items()]
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    raise CorpusError(f"{root}: holds several corpora; give one of them: {', '.join(names[:LISTED])}{more}")


def _unknown(root: Path) -> str:
    """What was looked for, what there is, and what to do."""
    names = sorted((path.name + "/" * path.is_dir() for path in root.iterdir()), key=natural)
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    holds = f"it holds {', '.join(names[:LISTED])}{more}" if names else "it is empty"
    wanted = "; ".join(READERS.values())
    return (
        f"{root}: no corpus that is known; {holds}. Looked for: {wanted}. "
        "List your own files in a manifest.csv with the columns file,partition,speaker,arousal,valence"
    )


def settled(corpus: Corpus) -> Corpus:
    """Recordings in their order, each name once, without transcripts and turns that cannot be read.

    People who are in two partitions are warned of.
    """
    faults = list(corpus.faults)
    kept: dict[str, Recording] = {}
    for one in corpus.recordings:
        # Prepared clips and predictions are files of this name.
        name = re.sub(r"[\\/\0]+", "_", one.label)
        if name not in kept:
            kept[name] = replace(one, name=name) if name != one.name else one
            continue
        path = one.media or one.sound or corpus.root
        message = f"there is another recording called {name}; this one was left out"
        faults.append(Fault(path, message, recording=name))
    readable = (_readable(one, faults) for one in kept.values())
    recordings = sorted(readable, key=lambda one: (ORDER[one.partition], natural(one.name)))
    faults += _shared(corpus.root, recordings, "speaker")
    faults += _shared(corpus.root, recordings, "group")
    return replace(corpus, recordings=tuple(recordings), faults=tuple(faults))


def _readable(recording: Recording, faults: list[Fault]) -> Recording:
    """A recording without its transcript or turn file if these are empty or damaged, which is told."""
    words, turns = recording.transcript, recording.turns
    if words is None and (media := recording.media or recording.sound):
        words = find_transcript(media)
    if isinstance(words, Path):
        fault = _fault(words, read_transcript, "holds no sentence: the subject says nothing")
        if fault:
            faults.append(replace(fault, recording=recording.name))
            recording = replace(recording, transcript=())
    if isinstance(turns, Path):
        fault = _fault(turns, read_turns, "holds no turn: the subject never speaks")
        if fault:
            faults.append(replace(fault, recording=recording.name))
            recording = replace(recording, turns=() if fault.severity == "warning" else None)
    return recording


def _fault(path: Path, read_it: Callable[[Path], object], empty: str) -> Fault | None:
    """What is wrong with a transcript or turn file: a warning if it is empty, an error if it is damaged."""
    try:
        if not path.is_file():
            raise CorpusError(f"{path}: is not a file")
        if path.stat().st_size < SMALL and not path.read_bytes().strip():
            return Fault(path, empty, severity="warning")
        read_it(path)
    except OSError as error:
        return Fault(path, f"cannot be read ({error.strerror or error}); left out")
    except AffektError as error:
        fault = fault_of(error, path)
        return replace(fault, message=f"{fault.message}; left out")
    return None


def _shared(
    root: Path, recordings: Iterable[Recording], what: Literal["speaker", "group"]
) -> Iterable[Fault]:
    """Who is in more than one partition: a network could learn them by heart."""
    homes: dict[str, dict[Partition, str]] = {}
    for one in recordings:
        who = getattr(one, what)
        if who is not None and one.partition is not None:
            homes.setdefault(who, {}).setdefault(one.partition, one.name)
    for who, home in homes.items():
        if len(home) > 1:
            where = ", ".join(f"{partition} ({name})" for partition, name in home.items())
            message = f"{what} {who} is in more than one partition: {where}; scores would flatter"
            yield Fault(root, message, severity="warning")
