"""Aff-Wild2: `valence,arousal` and a row for each picture of the film; and ABAW's list of all pictures.

NAME.txt is as the corpus' own label files are. `abaw/predictions.txt` is as ABAW's submissions for test are:
`image_location,valence,arousal`, rows `NAME/00001.jpg,…`. It lists every picture of every film; which of them
an edition wants, its own list says.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from affekt.corpora.corpus import Corpus
from affekt.corpora.formats.affwild2 import HEADER, KIND
from affekt.corpora.formats.folders import natural
from affekt.corpora.handing_in.rows import digits, on_rows, until_next
from affekt.corpora.handing_in.tables import write_lines, write_table
from affekt.errors import CorpusError
from affekt.media.times import picture_times
from affekt.timeline import DIMENSIONS, FRAME_RATE, Recording

LIST = Path("abaw", "predictions.txt")
ORDER = [DIMENSIONS.index(name) for name in HEADER.split(",")]
"""Valence goes first here."""


def form(corpus: Corpus, folder: Path) -> AffWild2 | None:
    """The form of Aff-Wild2; None for Aff-Wild, its forerunner."""
    return AffWild2(folder) if corpus.kind == KIND else None


class AffWild2:
    """See the module."""

    def __init__(self, folder: Path) -> None:
        self.notes: list[str] = []
        self._folder = folder
        self._listed: dict[str, np.ndarray] = {}

    def add(self, recording: Recording, values: np.ndarray) -> list[Path]:
        """A row a picture, at the times that the film shows them."""
        if recording.media is None:
            raise CorpusError(
                f"{recording.label}: there is no film, which would tell how many rows are wanted"
            )
        times = picture_times(recording.media)
        step = float(np.median(np.diff(times))) if len(times) > 1 else 1 / FRAME_RATE
        rows = on_rows(values, times, until_next(times, step))[:, ORDER]
        self._listed[recording.name] = rows
        lines = [",".join(row) for row in digits(rows)]
        return [write_lines(self._folder / f"{recording.name}.txt", "\n".join([HEADER, *lines, ""]))]

    def finish(self) -> list[Path]:
        """The list of all pictures."""
        if not self._listed:
            return []
        rows = (
            [f"{name}/{number:05d}.jpg", *row]
            for name, values in sorted(self._listed.items(), key=lambda one: natural(one[0]))
            for number, row in enumerate(digits(values), 1)
        )
        return [write_table(self._folder / LIST, [("image_location", *HEADER.split(",")), *rows])]
