"""Cues of SubRip (.srt) and WebVTT (.vtt) files, as the tools of the world write them."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass

TIMING = re.compile(r"^[ \t]*(-?[\d:.,]+)[ \t]*-->[ \t]*(-?[\d:.,]+)(?:[ \t].*)?$", re.MULTILINE)
"""A cue's times; both formats are read with comma or dot, with or without hours, settings ignored."""

_BREAK = re.compile(r"<br ?/?>|\\N")
_TAG = re.compile(r"</?[A-Za-z][^<>]*>|<\d[\d:.]*>|\{\\[^{}]*\}")
_SPEAKER = re.compile(r"^\s*\[[^\[\]]*\]:\s*")


@dataclass(frozen=True, slots=True)
class Cue:
    """A cue as it stands in the file: its times unread, its text with markup."""

    line: int
    start: str
    end: str
    text: str


def read_cues(text: str) -> Iterator[Cue]:
    """Yield the cues of a subtitle file in the order they stand in.

    Cue numbers, identifiers, settings and NOTE, STYLE and REGION blocks are left out. A blank line inside
    a SubRip cue, and missing blank lines between cues, are forgiven. A timing line that cannot be read is
    yielded with what stands there as its times, so that the caller can name it.
    """
    lines = text.split("\n")
    vtt = text.startswith("WEBVTT")
    opened: tuple[int, str, str] | None = None
    said: list[str] = []
    in_text = in_block = False
    for index, line in enumerate(lines):
        timing = TIMING.match(line)
        if timing or ("-->" in line and not in_text):
            if opened:
                yield Cue(*opened, "\n".join(said))
            start, end = timing.groups() if timing else line.split("-->", 1)
            opened, said, in_text, in_block = (index + 1, start.strip(), end.strip()), [], True, False
        elif not line.strip():
            in_text = in_block = False
        elif in_block or _is_id(line, lines[index + 1 : index + 2], in_text):
            in_text = False
        elif vtt and not in_text:
            in_block = True  # the header, or a NOTE, STYLE or REGION
        elif opened:
            in_text = True
            said.append(line)
    if opened:
        yield Cue(*opened, "\n".join(said))


def _is_id(line: str, following: list[str], in_text: bool) -> bool:
    """Is this the number or name of the cue that starts on the next line?"""
    return bool(following) and "-->" in following[0] and (not in_text or line.strip().isdigit())


def plain(text: str) -> str:
    r"""The words of a cue: no tags, no speaker label, no entities, one blank between words.

    >>> plain("{\\an8}<v Ada>Tea <i>&amp;</i>\n toast")
    'Tea & toast'
    """
    text = _SPEAKER.sub("", html.unescape(_TAG.sub("", _BREAK.sub(" ", text))))
    # Half a surrogate pair, which JSON may hold, cannot be written anywhere.
    return " ".join(text.encode("utf-8", "replace").decode("utf-8").split())
