"""MuSe since 2021: the masked label files of test with their values filled in, a folder for each dimension.

The challenge wanted its folder `label_segments` back, zipped, every row of it filled
(muse-challenge.org/challenge/post-challenge-submission). Any partition's files are filled likewise. In 2020
it wanted one test.csv instead, which is not written here.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from affekt.corpora.corpus import Corpus, LabelFiles
from affekt.corpora.formats.folders import text_of
from affekt.corpora.handing_in.rows import digits, on_rows, until_next
from affekt.corpora.handing_in.tables import write_lines
from affekt.corpora.labels.dialects import read_layout
from affekt.corpora.labels.traces import read_labels
from affekt.errors import CorpusError
from affekt.timeline import DIMENSIONS, Recording


def form(corpus: Corpus, folder: Path) -> Muse | None:
    """The form of a task with label files of whole films; None where its sounds are cut into segments."""
    return Muse(folder, corpus) if corpus.labels else None


class Muse:
    """See the module."""

    def __init__(self, folder: Path, corpus: Corpus) -> None:
        self.notes: list[str] = []
        self._folder, self._corpus = folder, corpus

    def add(self, recording: Recording, values: np.ndarray) -> list[Path]:
        """The recording's label files, line by line, with predictions in their places."""
        files: LabelFiles = self._corpus.labels.get(recording.name, {})
        paths = []
        for place, dimension in enumerate(DIMENSIONS):
            if (path := files.get((dimension,))) is not None:
                text = _filled(path, dimension, values[:, [place]])
                paths.append(write_lines(self._folder / dimension / f"{recording.name}.csv", text))
        if not paths:
            raise CorpusError(
                f"{self._corpus.root}: has no label file of {recording.name}, masked or not, which would say "
                "which rows are wanted"
            )
        return paths

    def finish(self) -> list[Path]:
        """Nothing is written of recordings together."""
        return []


def _filled(path: Path, dimension: str, values: np.ndarray) -> str:
    """A label file's text with other values: each row, of whatever file, keeps its time and segment."""
    trace, layout = read_labels(path, columns=(dimension,)), read_layout(path, (dimension,))
    if len(trace.starts) != len(layout.rows):
        raise CorpusError(f"{path}: its rows are not equally far apart, so how long each lasts is not known")
    rows = digits(on_rows(values, trace.starts, until_next(trace.starts, trace.step)))
    lines = text_of(path).split("\n")[: layout.rows[0][0] - 1]
    for (_, fields), (value,) in zip(layout.rows, rows, strict=True):
        changed = list(fields)
        changed[layout.values[0]] = value
        lines.append(layout.separator.join(changed))
    return "\n".join([*lines, ""])
