"""What a bundle is run over: recordings to be decoded, or clips that `affekt prepare` decoded before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from affekt.cli.recordings import fits, with_media
from affekt.errors import CorpusError
from affekt.timeline import Alignment, ClipSpec, Partition, Recording

if TYPE_CHECKING:
    from affekt.corpora.prepared.dataset import PreparedClip
    from affekt.runtime.predictor import Predictor
    from affekt.runtime.sources import Source


def is_prepared(folder: Path) -> bool:
    """Whether `affekt prepare` made this folder."""
    from affekt.corpora.prepared.dataset import DATASET

    return (folder / DATASET).is_file()


def subjects(
    corpus: Path,
    model: str,
    alignment: Alignment | None,
    *,
    partitions: Sequence[Partition] = (),
    select: Sequence[str] = (),
    labelled: bool = False,
) -> list[Recording | PreparedClip]:
    """The recordings of a corpus' folder, a manifest, or a folder that `affekt prepare` made.

    Args:
        alignment: None: a prepared folder's own, else `sentence`.
        partitions: (): all.
        select: patterns of names; (): all.
        labelled: those alone that have gold.

    Raises:
        CorpusError: there is none of what was asked for, or the clips are not such as the model takes.
    """
    found: Sequence[Recording | PreparedClip]
    if prepared := is_prepared(corpus):
        found = _prepared(corpus, model, alignment)
    else:
        from affekt.corpora.readers import read_corpus

        found = [replace(one, alignment=alignment or "sentence") for one in read_corpus(corpus).recordings]
    chosen = [
        one
        for one in found
        if (not partitions or _partition(one) in partitions)
        and fits(label(one), select)
        and (not labelled or _has_gold(one))
    ]
    if not chosen:
        asked = " ".join([*partitions, *select])
        what = f"recordings{' of ' + asked if asked else ''}{' with labels' if labelled else ''}"
        raise CorpusError(f"{corpus}: there are no {what} in it; affekt corpus inspect says what there is")
    if prepared:
        return chosen
    decoded = [one for one in chosen if isinstance(one, Recording)]
    return [replace(one, gold=None) for one in with_media(corpus, decoded)]


def label(subject: Recording | PreparedClip) -> str:
    """What its corpus calls it."""
    return subject.label if isinstance(subject, Recording) else subject.entry.name


def _partition(subject: Recording | PreparedClip) -> Partition | None:
    return subject.partition if isinstance(subject, Recording) else subject.entry.partition


def _has_gold(subject: Recording | PreparedClip) -> bool:
    return subject.gold is not None if isinstance(subject, Recording) else subject.entry.labelled > 0


def _prepared(folder: Path, model: str, alignment: Alignment | None) -> Sequence[PreparedClip]:
    """All clips of a folder, their gold where the annotators put it.

    Raises:
        CorpusError: as `open_prepared`, or they are not such as the model takes.
    """
    from affekt.corpora.prepared.dataset import open_prepared, read_dataset
    from affekt.runtime.bundle import open_bundle

    wanted, dataset = open_bundle(model).spec, read_dataset(folder)
    delays = replace(dataset.delays, annotation={})
    prepared = open_prepared(folder, alignment=alignment, delays=delays)
    # Which languages a text network knows changes nothing in a clip.
    if difference := _difference(
        prepared.dataset.spec, replace(wanted, languages=prepared.dataset.spec.languages)
    ):
        raise CorpusError(
            f"{folder}: was prepared with {difference}; prepare it for this model (affekt prepare --model "
            f"{model}), or name the corpus itself"
        )
    return prepared


def _difference(ours: ClipSpec, wanted: ClipSpec) -> str | None:
    """The first value that differs, in words."""
    here, there = ours.to_dict(), wanted.to_dict()
    return next(
        (f"{key} {here[key]}, the model takes {there[key]}" for key in here if here[key] != there[key]), None
    )


def open_source(subject: Recording | PreparedClip, predictor: Predictor) -> Source:
    """The clips of a recording as a predictor takes them.

    Raises:
        MediaError, TranscriptError, TurnsError: as `media.read_clips`.
        CorpusError: a prepared clip is damaged.
    """
    if isinstance(subject, Recording):
        return predictor.read(subject)
    from affekt.runtime.sources import Replay

    entry, length = subject.entry, predictor.length
    recording = Recording(None, name=entry.name, language=entry.language)
    clips = (subject.window(first, length)[0] for first in range(0, len(subject), length))
    return Replay(recording, subject.sentences, clips, len(subject), list(subject.warnings))


@cache
def predictor_of(model: str, threads: int | None) -> Predictor:
    """A bundle, loaded once in each process.

    Raises:
        ModelError: there is none of this name, or it is damaged.
    """
    from affekt.runtime.bundle import open_bundle
    from affekt.runtime.predictor import Predictor

    return Predictor(open_bundle(model), threads)
