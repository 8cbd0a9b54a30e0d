"""Which recordings `affekt predict` is about, and what their outputs are called."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

import click

from affekt.cli.batch import one_line
from affekt.cli.outputs import find_inputs, name_outputs
from affekt.errors import AffektError, CorpusError
from affekt.timeline import Alignment, Partition, Recording, Side

if TYPE_CHECKING:
    from affekt.corpora.corpus import Corpus

SHOWN = 10
"""Faults, and names of recordings, that are shown."""


def of_files(
    files: Sequence[Path],
    transcript: Path | None,
    turns: Path | None,
    language: str | None,
    alignment: Alignment,
    subject: int | Side | None,
) -> tuple[list[Recording], list[str]]:
    """The recordings in some files and folders, and what each one's outputs are called.

    Raises:
        MediaError: there is none in a folder.
        UsageError: there are several, and one transcript or turn file.
    """
    inputs = find_inputs(files)
    if len(inputs) > 1 and (transcript or turns):
        raise click.UsageError(
            f"--transcript and --turns belong to one recording, here are {len(inputs)}: "
            "run one after the other, or name each transcript like its recording"
        )
    names = name_outputs(inputs)
    recordings = [Recording(path, transcript, turns, language, alignment, subject) for path in inputs]
    return recordings, [names[path] for path in inputs]


def of_corpus(
    corpus: Corpus, partition: Partition | None, select: Sequence[str], alignment: Alignment
) -> tuple[list[Recording], list[str]]:
    """The recordings of a corpus that have film or sound, and what each one's outputs are called.

    What is wrong with the corpus is said on standard error.

    Raises:
        CorpusError: there is none, or none of what was asked for.
    """
    from affekt.corpora.prepared.build import file_names

    chosen = [
        one for one in corpus.recordings if partition in (None, one.partition) and fits(one.label, select)
    ]
    if not chosen:
        asked = " ".join(filter(None, [partition, *select]))
        raise CorpusError(f"{corpus.root}: none of its {len(corpus.recordings)} recordings is of {asked}")
    _tell(corpus, {one.label for one in chosen})
    bare = [replace(one, alignment=alignment, gold=None) for one in with_media(corpus.root, chosen)]
    return bare, file_names([one.label for one in bare], "")


def fits(name: str, select: Sequence[str]) -> bool:
    """Whether a recording's name is one of some patterns, as the shell knows them; () is all."""
    return not select or any(fnmatchcase(name, pattern) for pattern in select)


def with_media(root: Path, recordings: Sequence[Recording]) -> list[Recording]:
    """The recordings that have film or sound; the others are named on standard error.

    Raises:
        CorpusError: none has.
    """
    there = [one for one in recordings if one.media or one.sound]
    silent = [one.label for one in recordings if not (one.media or one.sound)]
    if not there:
        raise CorpusError(f"{root}: of none of the {len(recordings)} recordings is there film or sound")
    if silent:
        more = f" and {len(silent) - SHOWN} more" if len(silent) > SHOWN else ""
        _warn(f"passed over, without film and sound: {', '.join(silent[:SHOWN])}{more}")
    return there


def _tell(corpus: Corpus, names: set[str]) -> None:
    """Say what is wrong with the recordings of these names, and with the corpus."""
    faults = [fault for fault in corpus.faults if fault.recording is None or fault.recording in names]
    faults.sort(key=lambda fault: fault.severity != "error")
    for fault in faults[:SHOWN]:
        _warn(str(fault))
    if more := len(faults) - len(faults[:SHOWN]):
        _warn(f"and {more} more; affekt corpus inspect lists them")


def _warn(message: str) -> None:
    click.echo(f"affekt: warning: {one_line(AffektError(message))}", err=True)


def files_of(recording: Recording) -> list[Path]:
    """The files that a recording is read from, as far as it names them."""
    named = (recording.media, recording.sound, recording.transcript, recording.turns)
    return [path for path in named if isinstance(path, Path)]
