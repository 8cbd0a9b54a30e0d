"""RECOLA as AVEC 2016 handed out its gold: ARFF, a folder for each dimension, a row every 40 ms.

How AVEC 2016 wanted predictions is not known to us; they are written as its gold standard is. The full
release, which is no challenge's, has six raters and no gold.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from affekt.corpora.corpus import Corpus
from affekt.corpora.formats.recola import AVEC
from affekt.corpora.handing_in.rows import digits, on_rows
from affekt.corpora.handing_in.tables import write_lines
from affekt.timeline import DIMENSIONS, FRAME_RATE, Recording

STEP = 0.04
"""Seconds."""
HEAD = """\
@relation GOLDSTANDARD

@attribute Instance_name string
@attribute frameTime numeric
@attribute GoldStandard numeric

@data
"""


def form(corpus: Corpus, folder: Path) -> Recola | None:
    """The form of AVEC 2016; None for the full release."""
    return Recola(folder) if corpus.kind == AVEC else None


class Recola:
    """See the module."""

    def __init__(self, folder: Path) -> None:
        self.notes: list[str] = []
        self._folder = folder

    def add(self, recording: Recording, values: np.ndarray) -> list[Path]:
        """A file for each dimension; rows from 0 to the recording's end, both included, as the gold has."""
        starts = STEP * np.arange(int(len(values) / FRAME_RATE / STEP + 1e-6) + 1)
        rows, name, paths = digits(on_rows(values, starts, starts + STEP)), recording.name, []
        for place, dimension in enumerate(DIMENSIONS):
            lines = [f"{name},{round(t, 2):.6g},{row[place]}" for t, row in zip(starts, rows, strict=True)]
            text = (HEAD + "\n".join([*lines, ""])).replace("\n", "\r\n")
            paths.append(write_lines(self._folder / dimension / f"{name}.arff", text))
        return paths

    def finish(self) -> list[Path]:
        """Nothing is written of recordings together."""
        return []
