"""Word tables: fastText's vectors, frozen, or a table over the corpus' own words, learned (readings 1.1)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch

from affekt.corpora.prepared.vectors import Encoder
from affekt.errors import ModelError
from affekt.networks import WordTable
from affekt.runtime.words import Vocabulary
from affekt.training.encoders.text import TextEncoder

WIDTH = 300
"""As in the authors' code."""
COMMONEST = 50_000
"""Words that are kept of a table whether or not the corpus has them, so that the model knows more than it."""
SEEN = 1 << 20
"""Bytes at either end of a table that tell it from others: to read all of it may take minutes."""


def learned_table(texts: Sequence[str], width: int = WIDTH) -> TextEncoder:
    """A table with a row for each word of the training sentences, drawn at random and yet to be learned.

    Args:
        texts: the sentences of the training part; others' words must stay unknown.

    Raises:
        ModelError: there is no word in them.
    """
    words = Vocabulary.of(texts)
    if not words.words:
        raise ModelError("words: the table is made of the training sentences' words, and there are none here")
    kept = words.to_json().encode()
    about = Encoder("words", hashlib.sha256(kept).hexdigest(), width)
    said = f"a table of the training part's {len(words.words):,} words, width {width}, random weights"
    return TextEncoder(about, words, "vocabulary", kept, WordTable(len(words), width), said, learned=True)


def fasttext_table(path: Path, texts: Sequence[str]) -> TextEncoder:
    """Vectors in fastText's text format (`wiki.de.vec`, `cc.de.300.vec` of fasttext.cc), frozen.

    Kept are the words of the corpus and the table's 50,000 commonest, which come first in it. Words are
    compared in lower case; of several spellings the commonest counts. A word that the table lacks has a zero
    vector, as in the authors' code, but is a word all the same.

    Args:
        texts: all sentences of the corpus; the vectors are not trained, so devel and test may be among them.

    Raises:
        ModelError: the file is missing, damaged, or no such table.
    """
    wanted = set(Vocabulary.of(texts).words)
    try:
        found, width = _read(path, wanted)
        fingerprint = _fingerprint(path)
    except OSError as error:
        raise ModelError(
            f"{path}: cannot be read ({error.strerror or error}); fasttext.cc has wiki.de.vec and others"
        ) from error
    words = Vocabulary(found)
    module = WordTable(len(words), width)
    rows = np.stack([np.zeros(width, np.float32), np.zeros(width, np.float32), *found.values()])
    module.table.weight.data = torch.from_numpy(rows)
    module.eval().requires_grad_(False)
    about = Encoder(f"fasttext-{path.stem}", fingerprint, width)
    have = len(wanted & found.keys())
    share = f"{have:,} of the corpus' {len(wanted):,} words" if wanted else f"{len(found):,} words"
    said = f"{path.name}: {share}, width {width}"
    return TextEncoder(about, words, "vocabulary", words.to_json().encode(), module, said)


def _read(path: Path, wanted: set[str]) -> tuple[dict[str, np.ndarray], int]:
    """The commonest words and those wanted, in the file's order, and how long a vector is."""
    found: dict[str, np.ndarray] = {}
    width = 0
    left = set(wanted)
    for number, line in _lines(path):
        name, _, rest = line.partition(b" ")
        word = name.decode("utf-8", "replace").lower()
        # The authors' `\w+` finds no other words, so no other vector would ever be asked for.
        if word in found or not (word in left or len(found) < COMMONEST) or not re.fullmatch(r"\w+", word):
            continue
        try:
            vector = np.array([float(one) for one in rest.split()], np.float32)
        except ValueError as error:
            raise ModelError(f"{path}, line {number}: {word} has no numbers after it") from error
        width = width or len(vector)
        if len(vector) != width or width < 2 or not np.isfinite(vector).all():
            raise ModelError(f"{path}, line {number}: {word} should have {width} numbers, all of them finite")
        found[word] = vector
        left.discard(word)
        if not left and len(found) >= COMMONEST:
            break
    if not found:
        raise ModelError(
            f"{path}: no line has a word and its vector; give fastText's text format, a .vec file"
        )
    return found, width


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Lines with their numbers, without the header of two whole numbers that may come first."""
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if number == 1 and re.fullmatch(rb"\d+ \d+\s*", line):
                continue
            yield number, line.rstrip()


def _fingerprint(path: Path) -> str:
    size = path.stat().st_size
    with path.open("rb") as file:
        digest = hashlib.sha256(str(size).encode() + file.read(SEEN))
        file.seek(max(0, size - SEEN))
        digest.update(file.read(SEEN))
    return digest.hexdigest()
