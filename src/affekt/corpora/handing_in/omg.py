"""OMG-Emotion: a table with a row for each utterance, `video,utterance,arousal,valence`.

So its `calculateEvaluationCCC.py` takes them, which matches rows by their order within a video and not by
the utterance: they stand as in the corpus' list. An utterance's value is the mean of its trace.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from affekt.corpora.corpus import Corpus
from affekt.corpora.formats.omg import LISTS
from affekt.corpora.formats.sheets import read_sheet
from affekt.corpora.handing_in.rows import digits
from affekt.corpora.handing_in.tables import write_table
from affekt.timeline import DIMENSIONS, Recording

SHOWN = 5
"""Utterances without a prediction that are named."""


def form(corpus: Corpus, folder: Path) -> Omg:
    """The one form there is."""
    return Omg(folder, corpus.root)


class Omg:
    """See the module."""

    def __init__(self, folder: Path, root: Path) -> None:
        self.notes: list[str] = []
        self._folder, self._root = folder, root
        self._means: dict[str, list[str]] = {}

    def add(self, recording: Recording, values: np.ndarray) -> list[Path]:
        """Keep the mean for the table."""
        self._means[recording.name] = digits(values.mean(0, dtype=np.float64)[None])[0]
        return []

    def finish(self) -> list[Path]:
        """A table for each of the corpus' lists that has an utterance with a prediction."""
        paths = []
        for path in sorted(one for one in self._root.iterdir() if LISTS.fullmatch(one.name)):
            rows, missing = [], []
            for row in read_sheet(path).rows:
                video, utterance = row.get(("video",)), row.get(("utterance",))
                name = f"{video}_{Path(utterance).stem}"
                if name in self._means:
                    rows.append([video, utterance, *self._means[name]])
                else:
                    missing.append(name)
            if rows:
                target = self._folder / f"{path.stem}_predictions.csv"
                paths.append(write_table(target, [("video", "utterance", *DIMENSIONS), *rows]))
                self.notes += [_missing(path, missing)] if missing else []
        return paths


def _missing(path: Path, names: list[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return (
        f"{path.name}: no prediction of {', '.join(names[:SHOWN])}{more}; the challenge's script, which "
        "counts the rows of a video, cannot score their videos"
    )
