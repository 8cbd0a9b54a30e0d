"""A text cut into words, the same way wherever words are counted, shown or given a vector (readings 1.1)."""

from __future__ import annotations

import re

_WORD = re.compile(r"\w+(?:['’]\w+)*|[^\w\s]+")


def split_words(text: str) -> tuple[str, ...]:
    """Words, and runs of punctuation as words of their own; nothing if there is no letter or digit at all.

    >>> split_words("Well... I don't know!")
    ('Well', '...', 'I', "don't", 'know', '!')
    >>> split_words("...")
    ()
    """
    return tuple(_WORD.findall(storable(text))) if re.search(r"\w", text) else ()


def storable(text: str) -> str:
    """Without lone halves of surrogate pairs, which no tokenizer and no file takes."""
    return text.encode("utf-8", "replace").decode("utf-8")
