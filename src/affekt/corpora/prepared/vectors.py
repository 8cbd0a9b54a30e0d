"""Word vectors of a corpus' sentences, kept once for each encoder, so that training need not run it.

A folder holds encoder.json, which says whose vectors they are, and shards that are never changed once they
are there: more sentences are more shards. Vectors are kept in half precision, as a bundle keeps its weights.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from affekt.corpora.prepared.clipfile import ClipFile, ClipWriter, open_clip
from affekt.corpora.prepared.lock import only_run
from affekt.errors import CorpusError
from affekt.timeline.files import atomic
from affekt.timeline.words import split_words, storable

FORMAT = "affekt-vectors-1"
ABOUT = "encoder.json"
BATCH = 32
"""Sentences encoded at a time."""
SHARD = 1024
"""Sentences in a file, so that a run that is killed has not worked in vain."""

Encode = Callable[[Sequence[str]], Sequence[np.ndarray]]
"""Sentences → (L, D) float32 each, a row a word of `split_words`; of a long one its first words."""


@dataclass(frozen=True, slots=True)
class Encoder:
    """Whose vectors they are."""

    name: str
    fingerprint: str
    """Of its weights and its tokenizer."""
    width: int
    """D."""


class WordVectors:
    """The vectors of one encoder in a folder; read as they are asked for."""

    def __init__(self, folder: Path, encoder: Encoder) -> None:
        self.folder, self.encoder = folder, encoder
        self._places: dict[str, tuple[ClipFile, int, int]] = {}
        self._find()

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, text: object) -> bool:
        return text in self._places

    def __getitem__(self, text: str) -> np.ndarray:
        """(L, D) float32: the words of a sentence.

        Raises:
            KeyError: its vectors are not here.
            CorpusError: the shard is damaged.
        """
        file, first, count = self._places[text]
        return file.rows("vectors", first, count).astype(np.float32)

    def fill(
        self, texts: Sequence[str], encode: Encode, progress: Callable[[int, int], None] | None = None
    ) -> int:
        """Encode the sentences that are not here yet, and say how many those were.

        A sentence without a word is none.

        Args:
            progress: called with the sentences done and all to be done.

        Raises:
            CorpusError: another run is at work here.
            OutputError: the folder cannot be written to.
        """
        if not self._missing(texts):  # several runs at once may look at vectors that are all there
            return 0
        with only_run(self.folder):
            self._find()
            wanted = self._missing(texts)
            for start in range(0, len(wanted), SHARD):
                shard = wanted[start : start + SHARD]
                for done in self._write(shard, encode):
                    if progress:
                        progress(start + done, len(wanted))
            self._find()
        return len(wanted)

    def _missing(self, texts: Sequence[str]) -> list[str]:
        """Those that have words and are not here, in alphabetical order."""
        wanted = sorted({storable(one) for one in texts} - self._places.keys())
        return [one for one in wanted if split_words(one)]

    def _write(self, texts: Sequence[str], encode: Encode) -> Iterator[int]:
        """Make a shard; yields the sentences done."""
        lengths: list[int] = []
        with ClipWriter(self.folder) as writer:
            for start in range(0, len(texts), BATCH):
                for vectors in encode(texts[start : start + BATCH]):
                    writer.add(vectors=np.asarray(vectors, np.float16))
                    lengths.append(len(vectors))
                yield len(lengths)
            number = 1 + max((int(one.stem[6:]) for one in self._shards()), default=0)
            about = {"format": FORMAT, "texts": list(texts), "lengths": lengths}
            writer.save(self.folder / f"shard-{number:05}.safetensors", about)

    def _shards(self) -> list[Path]:
        return sorted(self.folder.glob("shard-[0-9]*.safetensors"))

    def _find(self) -> None:
        for path in self._shards():
            file, first = open_clip(path), 0
            for text, count in zip(file.about["texts"], file.about["lengths"], strict=True):
                self._places[text] = file, first, count
                first += count


def open_vectors(folder: Path, encoder: Encoder | None = None) -> WordVectors:
    """Open the word vectors in a folder.

    Args:
        encoder: whose they must be; the folder is made if it is not there. None: whoever's they are.

    Raises:
        CorpusError: there are none, another encoder's, or damaged ones.
        OutputError: the folder cannot be made.
    """
    path = folder / ABOUT
    if encoder is not None and not path.exists():
        with only_run(folder), atomic(path) as part:
            part.write_text(json.dumps({"format": FORMAT, **asdict(encoder)}) + "\n", encoding="utf-8")
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        there = Encoder(data["name"], data["fingerprint"], data["width"])
    except OSError as error:
        raise CorpusError(
            f"{folder}: no word vectors in it ({error.strerror or error}); run affekt prepare --encoder"
        ) from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise CorpusError(f"{path}: is damaged; delete the folder and run affekt prepare again") from error
    if encoder is not None and there != encoder:
        raise CorpusError(
            f"{folder}: holds the vectors of {there.name} with other weights; delete the folder first"
        )
    return WordVectors(folder, there)
