"""Sentences as numbers for the text network: words, the pieces they are made of, and which piece is whose.

The same code serves training and use, so that a word is the same word in both.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
from tokenizers import Tokenizer

from affekt.errors import ModelError
from affekt.timeline.words import split_words, storable

MAX_WORDS = 128
"""Longer sentences are cut (readings 1.9)."""
MAX_PIECES = 256
MAX_PIECES_OF_WORD = 16
"""So that one run of a thousand exclamation marks does not push the words after it out."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """U sentences of at most L words and S pieces; L and S are at least 1."""

    pieces: np.ndarray
    """(U, S) int64, rows of the encoder's table, with its marks of start and end; 0 where padded."""
    piece_word: np.ndarray
    """(U, S) int64, the word a piece belongs to; −1 for marks and padding."""
    piece_mask: np.ndarray
    """(U, S) bool, False where padded."""
    word_mask: np.ndarray
    """(U, L) bool, True for a real word."""
    words: tuple[tuple[str, ...], ...]
    """The words of each sentence as they were written."""


class Words(Protocol):
    """What turns sentences into numbers."""

    def encode(self, texts: Sequence[str]) -> Encoded:
        """Encode distinct sentences; each gets the same row in whatever company, apart from padding."""
        ...


class WordPieces:
    """Words cut into the pieces of a pre-trained encoder, by its `tokenizer.json`."""

    def __init__(
        self, tokenizer_json: bytes | str, max_words: int = MAX_WORDS, max_pieces: int = MAX_PIECES
    ) -> None:
        """Cut sentences after `max_words` words, and at `max_pieces` pieces with the marks around them.

        Raises:
            ModelError: the file's contents are damaged.
        """
        text = tokenizer_json
        if isinstance(text, bytes):
            text = text.decode("utf-8", "replace")
        try:
            self._tokenizer = Tokenizer.from_str(text)
        except Exception as error:  # tokenizers raises nothing more special
            raise ModelError(f"tokenizer.json: is damaged ({str(error).splitlines()[0][:80]})") from error
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        # Who says "<s>" means these letters, not a mark of the encoder.
        self._tokenizer.encode_special_tokens = True
        self._start, self._end = self._marks()
        self._unknown = self._unknown_piece(text)
        self._room = max_pieces - len(self._start) - len(self._end)
        self._max_words = max_words
        if self._room < 1 or max_words < 1:
            raise ValueError(f"no word fits into {max_words} words and {max_pieces} pieces")

    def _marks(self) -> tuple[list[int], list[int]]:
        """The pieces this encoder wants before and after a sentence, such as [CLS] and [SEP]."""
        bare = self._tokenizer.encode("a", add_special_tokens=False).ids
        whole = self._tokenizer.encode("a").ids
        for index in range(len(whole) - len(bare) + 1):
            if whole[index : index + len(bare)] == bare:
                return whole[:index], whole[index + len(bare) :]
        raise ModelError("tokenizer.json: does not keep a word between its marks")

    def _unknown_piece(self, text: str) -> int:
        model = json.loads(text)["model"]
        name = model.get("unk_token")
        index = self._tokenizer.token_to_id(name) if isinstance(name, str) else model.get("unk_id")
        return index if isinstance(index, int) else 0

    def encode(self, texts: Sequence[str]) -> Encoded:
        """Pieces of the words of each text; a word the table has no piece for is the unknown piece."""
        rows, owners, kept = [], [], []
        for text in texts:
            words = split_words(text)[: self._max_words]
            pairs = [(piece, index) for index, own in enumerate(self._cut(text, words)) for piece in own]
            pairs = pairs[: self._room]
            kept.append(words[: pairs[-1][1] + 1] if pairs else ())
            rows.append([*self._start, *(piece for piece, _ in pairs), *self._end])
            owners.append([-1] * len(self._start) + [word for _, word in pairs] + [-1] * len(self._end))
        return _padded(rows, owners, kept)

    def _cut(self, text: str, words: Sequence[str]) -> list[list[int]]:
        """The pieces of each word as the encoder was trained on them: in the running sentence.

        Byte pieces and SentencePiece cut a word after a space otherwise than one right after a bracket.
        """
        text = " ".join(storable(text).split())
        ends, end = [], 0
        for word in words:
            end = text.index(word, end) + len(word)
            ends.append(end)
        whole = self._tokenizer.encode(text[:end], add_special_tokens=False)
        cut: list[list[int]] = [[] for _ in words]
        for piece, (start, _) in zip(whole.ids, whole.offsets, strict=True):
            # A piece that starts in the space before a word is the word's.
            owner = bisect_right(ends, start)
            if owner < len(words):
                cut[owner].append(piece)
        return [
            (pieces or self._alone(word))[:MAX_PIECES_OF_WORD]
            for word, pieces in zip(words, cut, strict=True)
        ]

    def _alone(self, word: str) -> list[int]:
        """Pieces of a word that has none in its sentence: wiped out, or melted into the word before."""
        return self._tokenizer.encode(word, add_special_tokens=False).ids or [self._unknown]


class Vocabulary:
    """The words of a corpus' own training part, for a table that is learned (readings 1.1).

    Row 0 is padding, row 1 stands for every word not seen in training.
    """

    def __init__(self, words: Iterable[str], max_words: int = MAX_WORDS) -> None:
        """Number the words from row 2 on; sentences are cut after `max_words` words."""
        self.words = tuple(words)
        self._row = {word: row for row, word in enumerate(self.words, 2)}
        self._max_words = max_words
        if len(self._row) < len(self.words):
            raise ModelError("vocabulary.json: names a word twice")

    @classmethod
    def of(cls, texts: Iterable[str], max_words: int = MAX_WORDS) -> Vocabulary:
        """All words of the training sentences, the commonest first, ties in alphabetical order."""
        counts = Counter(word.lower() for text in texts for word in _tokens(text))
        return cls(sorted(counts, key=lambda word: (-counts[word], word)), max_words)

    def __len__(self) -> int:
        """Rows of the table, with those of padding and of unknown words."""
        return len(self.words) + 2

    def encode(self, texts: Sequence[str]) -> Encoded:
        r"""One piece a word: `\w+`, lower-cased, as the authors' code has it."""
        kept = [_tokens(text)[: self._max_words] for text in texts]
        rows = [[self._row.get(word.lower(), 1) for word in words] for words in kept]
        return _padded(rows, [list(range(len(row))) for row in rows], kept)

    def to_json(self) -> str:
        """The words as text for a bundle."""
        return json.dumps({"words": self.words}, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str, max_words: int = MAX_WORDS) -> Vocabulary:
        """Read back what `to_json` wrote.

        Raises:
            ModelError: it is something else.
        """
        try:
            words = json.loads(text)["words"]
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise ModelError("vocabulary.json: is damaged") from error
        if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
            raise ModelError("vocabulary.json: is damaged (no list of words)")
        return cls(words, max_words)


Kind = Literal["wordpieces", "vocabulary"]
FILES: dict[Kind, str] = {"wordpieces": "tokenizer.json", "vocabulary": "vocabulary.json"}
"""The file of a bundle in which each kind is kept."""


def load_words(source: Path | bytes, kind: Kind, max_words: int = MAX_WORDS) -> Words:
    """Read the words of a bundle from its folder, or from the contents of the file itself.

    Raises:
        ModelError: the file is missing or damaged.
    """
    if isinstance(source, Path):
        file = source / FILES[kind]
        try:
            return load_words(file.read_bytes(), kind, max_words)
        except OSError as error:
            raise ModelError(f"{file}: cannot be read ({error.strerror or error})") from error
        except ModelError as error:
            raise ModelError(f"{source}: {error}; fetch the bundle anew") from error
    if kind == "wordpieces":
        return WordPieces(source, max_words)
    return Vocabulary.from_json(source.decode("utf-8", "replace"), max_words)


def _tokens(text: str) -> tuple[str, ...]:
    return tuple(re.findall(r"\w+", storable(text)))


def _padded(rows: list[list[int]], owners: list[list[int]], words: Sequence[tuple[str, ...]]) -> Encoded:
    n = len(rows)
    width = max([1, *map(len, rows)])
    pieces = np.zeros((n, width), np.int64)
    piece_word = np.full((n, width), -1, np.int64)
    for index, (row, owner) in enumerate(zip(rows, owners, strict=True)):
        pieces[index, : len(row)] = row
        piece_word[index, : len(owner)] = owner
    lengths = np.array([len(row) for row in rows], np.int64).reshape(n, 1)
    counts = np.array([len(one) for one in words], np.int64).reshape(n, 1)
    piece_mask = np.arange(width) < lengths
    word_mask = np.arange(max([1, *map(len, words)])) < counts
    return Encoded(pieces, piece_word, piece_mask, word_mask, tuple(words))
