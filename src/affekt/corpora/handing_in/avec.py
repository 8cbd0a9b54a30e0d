"""SEWA, as the AVEC challenges' label files are: `'Test_01';0.100000;arousal;valence`, ten rows a second.

AVEC 2018 asked for a folder for each dimension, without a header; AVEC 2019 for one file with one, and took
either (its `evaluate_submission.py`). How AVEC 2017 wanted them is not known to us: they are written as its
labels are, without a header. Liking, which affekt does not judge, is no column.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from affekt.corpora.corpus import Corpus
from affekt.corpora.formats.avec import NAME
from affekt.corpora.handing_in.rows import digits
from affekt.corpora.handing_in.tables import write_lines
from affekt.timeline import DIMENSIONS, FRAME_RATE, Recording

HEADER = "name;timestamp;arousal;valence"


def form(corpus: Corpus, folder: Path) -> Avec:
    """The form of the edition that a corpus is of."""
    year = re.search(r"AVEC (\d{4})\)$", corpus.kind)
    cultures = any(match and match[2] for match in (NAME.fullmatch(one.name) for one in corpus.recordings))
    return Avec(folder, header=bool(year and year[1] == "2019"), apart=cultures)


class Avec:
    """See the module.

    Args:
        header: one file a recording, with a header.
        apart: else, a folder for each dimension.
    """

    def __init__(self, folder: Path, *, header: bool, apart: bool) -> None:
        self.notes: list[str] = []
        self._folder, self._header, self._apart = folder, header, apart and not header

    def add(self, recording: Recording, values: np.ndarray) -> list[Path]:
        """A file of the recording, or one for each dimension."""
        name, rows = recording.name, digits(values)
        begins = [f"'{name}';{k / FRAME_RATE:.6f}" for k in range(len(rows))]
        if self._apart:
            return [
                self._write(Path(dimension, f"{name}.csv"), begins, [row[place : place + 1] for row in rows])
                for place, dimension in enumerate(DIMENSIONS)
            ]
        return [self._write(Path(f"{name}.csv"), begins, rows)]

    def _write(self, path: Path, begins: list[str], rows: list[list[str]]) -> Path:
        lines = [";".join([begin, *row]) for begin, row in zip(begins, rows, strict=True)]
        top = [HEADER] if self._header else []
        return write_lines(self._folder / path, "\n".join([*top, *lines, ""]))

    def finish(self) -> list[Path]:
        """Nothing is written of recordings together."""
        return []
