"""Which corpus a folder holds."""

from __future__ import annotations

from pathlib import Path

from affekt.corpora.corpus import Corpus


def read_corpus(root: Path, kind: str | None = None) -> Corpus:
    """Read a folder, or a manifest file, of any of the corpora that affekt knows.

    Args:
        kind: name of the reader's module ("avec2017", "recola", …); None: the first that recognises it.

    Raises:
        CorpusError: none does, or more than one thing is wrong with all of it.
    """
    raise NotImplementedError
