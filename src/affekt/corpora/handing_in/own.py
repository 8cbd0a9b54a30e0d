"""affekt's own tables, for corpora whose labels have no form that predictions could take.

NAME.csv, `name,time,arousal,valence`, ten rows a second; or, where a corpus labels whole recordings, one
table `name,arousal,valence` with the mean of each.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from affekt.corpora.corpus import Corpus
from affekt.corpora.handing_in.rows import digits
from affekt.corpora.handing_in.tables import write_table
from affekt.corpora.prepared.build import file_names
from affekt.timeline import DIMENSIONS, FRAME_RATE, Recording

TABLE = "predictions.csv"


class Own:
    """See the module; `told`: say at the end that this is not the corpus' own form."""

    def __init__(self, corpus: Corpus, folder: Path, told: bool) -> None:
        names = [one.label for one in corpus.recordings]
        self._files = dict(zip(names, file_names(names, ".csv"), strict=True))
        gold = [one.gold for one in corpus.recordings if one.gold is not None]
        self._whole = bool(gold) and all(one.whole for one in gold)
        self._folder, self._means = folder, dict[str, list[str]]()
        said = f"{corpus.kind}: how its predictions are handed in is not known; these are affekt's own tables"
        self.notes = [said] if told else []

    def add(self, recording: Recording, values: np.ndarray) -> list[Path]:
        """A row for each frame, or keep the recording's mean for the table."""
        name = recording.label
        if self._whole:
            self._means[name] = digits(values.mean(0, dtype=np.float64)[None])[0]
            return []
        path = self._folder / self._files[name]
        rows = ([name, f"{k / FRAME_RATE:.1f}", *row] for k, row in enumerate(digits(values)))
        return [write_table(path, [("name", "time", *DIMENSIONS), *rows])]

    def finish(self) -> list[Path]:
        """The table of means, if there is one, in the corpus' order."""
        if not self._means:
            return []
        rows = [[name, *self._means[name]] for name in self._files if name in self._means]
        return [write_table(self._folder / TABLE, [("name", *DIMENSIONS), *rows])]
