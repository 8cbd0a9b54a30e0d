"""Which form a corpus' predictions are handed in, and the common one for whatever has none of its own."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Protocol, cast

import numpy as np

from affekt.corpora.corpus import Corpus
from affekt.corpora.handing_in.own import Own
from affekt.timeline import Recording

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


def form_of(corpus: Corpus, folder: Path) -> Form:
    """The form of a corpus' own labels; affekt's own tables where it has none, or none that is known.

    Args:
        folder: where the files go; it need not be there.
    """
    if corpus.reader in FORMS:
        module = importlib.import_module(f"affekt.corpora.handing_in.{corpus.reader}")
        if (form := module.form(corpus, folder)) is not None:
            return cast(Form, form)
        return Own(corpus, folder, told=True)
    return Own(corpus, folder, told=corpus.reader != "manifest")
