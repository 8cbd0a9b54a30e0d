"""Which corpus a folder holds, and what must hold of any corpus, whoever read it."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Literal, cast

from affekt.corpora.corpus import Corpus, Fault, Reader
from affekt.corpora.folders import ORDER, here_and_below, natural
from affekt.errors import CorpusError
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
"""Modules of this room, in the order in which they are asked, and what each looks for. What somebody wrote
by hand goes before what a folder happens to look like."""

LISTED = 8
"""Entries of a folder that an error shows."""


def reader(kind: str) -> Reader:
    """The module that reads a kind of corpus.

    Raises:
        CorpusError: there is none of that name.
    """
    if kind not in READERS:
        raise CorpusError(f"{kind}: no such kind of corpus; there are {', '.join(READERS)}")
    return cast(Reader, importlib.import_module(f"affekt.corpora.{kind}"))


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
        if kind is not None or root.is_file():
            return settled(reader(kind or "manifest").read(root))
        fitting = [name for name in READERS if reader(name).recognises(root)]
        if not fitting:
            raise CorpusError(_unknown(root))
        corpus = settled(reader(fitting[0]).read(root))
    except OSError as error:
        raise CorpusError(f"{error.filename or root}: cannot be read ({error.strerror or error})") from error
    if others := fitting[1:]:
        note = f"it was read as {fitting[0]}, and could also be {' or '.join(others)}"
        corpus = replace(corpus, notes=(*corpus.notes, note))
    return corpus


def _unknown(root: Path) -> str:
    """What was looked for, what there is, and what to do."""
    names = sorted((path.name + "/" * path.is_dir() for path in root.iterdir()), key=natural)
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    holds = f"it holds {', '.join(names[:LISTED])}{more}" if names else "it is empty"
    for inner in here_and_below(root)[1:]:
        if any(reader(kind).recognises(inner) for kind in READERS):
            return f"{root}: holds no corpus itself, but {inner} looks like one; give that folder"
    wanted = "; ".join(READERS.values())
    return (
        f"{root}: no corpus that is known; {holds}. Looked for: {wanted}. "
        "List your own files in a manifest.csv with the columns file,partition,speaker,arousal,valence"
    )


def settled(corpus: Corpus) -> Corpus:
    """Recordings in their order, each name once, and warnings of people who are in two partitions."""
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
    recordings = sorted(kept.values(), key=lambda one: (ORDER[one.partition], natural(one.name)))
    faults += _shared(corpus.root, recordings, "speaker")
    faults += _shared(corpus.root, recordings, "group")
    return replace(corpus, recordings=tuple(recordings), faults=tuple(faults))


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
