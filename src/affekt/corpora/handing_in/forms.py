"""Which form a corpus' predictions are handed in, and the common one for whatever has none of its own."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from affekt.corpora.corpus import Corpus
from affekt.corpora.gold.delay import later
from affekt.corpora.handing_in.own import Own
from affekt.timeline import DIMENSIONS, Recording

FORMS = ("avec", "recola", "affwild2", "muse", "omg")
"""Modules of this room, called as the reader of `formats` is whose labels they write."""


class Form(Protocol):
    """Files of one corpus' predictions."""

    @property
    def notes(self) -> list[str]:
        """What is to be said of them at the end."""

    def add(self, recording: Recording, values: np.ndarray) -> list[Path]:
        """Write what a recording has for itself.

        Args:
            recording: of the corpus.
            values: (T, 2) arousal and valence, ten a second.

        Returns:
            The files.

        Raises:
            CorpusError, MediaError: the corpus does not say which rows are wanted.
            OutputError: a file cannot be written.
        """

    def finish(self) -> list[Path]:
        """Write what recordings have together; returns the files.

        Raises:
            CorpusError, OutputError: as `add`.
        """


def form_of(corpus: Corpus, folder: Path, delays: Mapping[str, float] | None = None) -> Form:
    """The form of a corpus' own labels; affekt's own tables where it has none, or none that is known.

    Args:
        folder: where the files go; it need not be there.
        delays: dimension → seconds by which predictions are moved later first: they were learnt from gold
            moved earlier by as much.
    """
    form: Form | None = None
    if corpus.reader in FORMS:
        module = importlib.import_module(f"affekt.corpora.handing_in.{corpus.reader}")
        form = module.form(corpus, folder)
    form = form or Own(corpus, folder, told=corpus.reader != "manifest")
    return Later(form, [delays.get(name, 0.0) for name in DIMENSIONS]) if delays else form


class Later:
    """A form whose predictions are moved later by so many seconds each, arousal and valence."""

    def __init__(self, form: Form, seconds: Sequence[float]) -> None:
        self._form, self._seconds = form, seconds

    @property
    def notes(self) -> list[str]:
        """The form's."""
        return self._form.notes

    def add(self, recording: Recording, values: np.ndarray) -> list[Path]:
        """As the form does with what is moved."""
        return self._form.add(recording, later(values, self._seconds))

    def finish(self) -> list[Path]:
        """As the form does."""
        return self._form.finish()
