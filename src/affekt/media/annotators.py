"""Files of annotators' tools, told by what is in them: ELAN's .eaf and Praat's TextGrid."""

from __future__ import annotations

from pathlib import Path

from affekt.errors import AffektError
from affekt.media.elan import read_elan
from affekt.media.tables import read_text
from affekt.media.textgrid import TEXT, read_textgrid
from affekt.media.tiers import Tier

SUFFIXES = (".eaf", ".TextGrid", ".textgrid")
"""Endings that the tools give their files."""


def read_tiers(path: Path, fault: type[AffektError]) -> list[Tier] | None:
    """The tiers of an annotation file; None if it is none.

    Raises:
        fault: the file cannot be read, or is a damaged annotation file.
    """
    if path.suffix.lower() == ".textgrid":
        return read_textgrid(path, fault)
    text = read_text(path, fault)
    if TEXT in text[:200]:
        return read_textgrid(path, fault)
    if path.suffix.lower() == ".eaf" or "<ANNOTATION_DOCUMENT" in text[:2000]:
        return read_elan(path, text, fault)
    return None
