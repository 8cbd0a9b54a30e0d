"""Transcripts: subtitles, `start;end;text` tables, Whisper's JSON, and the files of ELAN and Praat.

What a file is, its content says, not its name. Every speaker's words are taken: a transcript that holds
more than the subject's should be cut to them first. Of the tiers of ELAN and Praat one is taken.
"""

from __future__ import annotations

import json
import math
import os
import statistics
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from affekt.errors import TranscriptError
from affekt.media.annotators import SUFFIXES, read_tiers
from affekt.media.subtitles import TIMING, plain, read_cues
from affekt.media.tables import END, START, Table, need_time, read_table, read_text, span_fault
from affekt.media.tiers import Tier, words_tier
from affekt.timeline import Sentence

TEXT = ("text", "transcript", "transcription", "sentence", "words", "utterance", "content")
"""Names a table's column of words goes by."""
PAUSE = 1.0
"""Seconds of silence at which bare words, which come without sentences, are taken apart."""

Line = tuple[str, float, float, str]
"""Where it stands (file and line, or segment), start, end, text with markup."""


def read_transcript(path: Path, warn: Callable[[str], None] | None = None) -> tuple[Sentence, ...]:
    """Read the sentences of a transcript; lines without a letter or digit are left out.

    A file that says what it is and holds nothing (a bare `WEBVTT`, an empty list of segments) is the
    transcript of a silent recording; a file in which nothing can be made out is a fault. Of several tiers
    (.eaf, TextGrid) the one is taken that `words_tier` finds, and a tier of single words is joined to
    sentences at full stops and pauses.

    Args:
        warn: told which tier was taken where there are several.

    Raises:
        TranscriptError: unreadable file or time, lines out of order, an end before its start, no line at all.
    """
    tiers = read_tiers(path, TranscriptError)
    text = "" if tiers is not None else read_text(path, TranscriptError)
    head = text.lstrip()[:1]
    if tiers is not None:
        lines = _from_tiers(path, tiers, warn)
    elif text.startswith("WEBVTT") or path.suffix.lower() in (".srt", ".vtt") or TIMING.search(text):
        lines = _from_cues(path, text)
    elif head in ("{", "["):
        lines = _from_json(path, text)
    else:
        lines = _from_table(path, text)
    sentences = []
    before = 0.0
    for where, start, end, marked in lines:
        if fault := span_fault(start, end):
            raise TranscriptError(f"{where}: {fault}")
        if start < before:
            fault = f"out of order, it starts at {start:g} s, the one before at {before:g} s; sort them"
            raise TranscriptError(f"{where}: {fault}")
        before = start
        words = plain(marked)
        if any(character.isalnum() for character in words):
            sentences.append(Sentence(start, end, words))
    return tuple(sentences)


def find_transcript(media: Path) -> Path | None:
    """The transcript that lies beside a recording: NAME.srt, .vtt, .json, .eaf or .TextGrid, in this order.

    The last three may be something else, and are taken if there are words in them.
    """
    if not media.name:
        return None
    for suffix in (".srt", ".SRT", ".vtt", ".VTT", ".json", *SUFFIXES):
        path = media.with_suffix(suffix)
        if path == media or not os.path.isfile(path):
            continue
        if suffix in SUFFIXES and not _has_words_tier(path):
            continue
        if suffix != ".json" or _is_words_json(path):
            return path
    return None


def _has_words_tier(path: Path) -> bool:
    try:
        return words_tier(read_tiers(path, TranscriptError) or [])[0] is not None
    except TranscriptError:  # damaged: somebody's words all the same, and to be complained about
        return True


def _is_words_json(path: Path) -> bool:
    try:
        return _segments(json.loads(read_text(path, TranscriptError))) is not None
    except (TranscriptError, ValueError, RecursionError):
        return False


def _from_cues(path: Path, text: str) -> Iterator[Line]:
    empty = not text.startswith("WEBVTT")
    for cue in read_cues(text):
        empty = False
        where = f"{path}, line {cue.line}"
        start, end = (need_time(time, where, TranscriptError) for time in (cue.start, cue.end))
        yield where, start, end, cue.text
    if empty:
        raise TranscriptError(f"{path}: holds no cue (00:00:01,000 --> 00:00:02,500 and a line of text)")


def _from_table(path: Path, text: str) -> Iterator[Line]:
    table = read_table(text)
    if table is None:
        what = "is empty" if not text.strip() else "is no transcript"
        kinds = ".srt, .vtt, start;end;text lines, words as JSON, .eaf or .TextGrid"
        raise TranscriptError(f"{path}: {what}; it may be {kinds}")
    start, end, words = (table.column(names) for names in (START, END, TEXT))
    if table.header and words is None:
        raise TranscriptError(f"{path}, line 1: none of the columns is called text")
    start, end, words = start or 0, 1 if end is None else end, 2 if words is None else words
    lines = []
    for number, fields in table.rows:
        where = f"{path}, line {number}"
        if len(fields) < max(start, end) + 1:
            raise TranscriptError(f"{where}: a start, an end and a text are needed")
        # A separator inside the words, unquoted, parts them only if they are not the last column.
        last = table.header is None or words == len(table.header) - 1
        said = table.separator.join(fields[words:]) if last else "".join(fields[words : words + 1])
        begins, ends = (need_time(fields[column], where, TranscriptError) for column in (start, end))
        lines.append((where, begins, ends, _unquoted(said)))
    scale = 0.001 if _in_milliseconds(table, lines) else 1.0
    for where, begins, ends, said in lines:
        yield where, begins * scale, ends * scale, said


def _from_tiers(path: Path, tiers: list[Tier], warn: Callable[[str], None] | None) -> Iterator[Line]:
    taken, others = words_tier(tiers)
    if taken is None:
        return
    if others and warn:
        warn(f"the words are those of the tier {taken.name}, not of {', '.join(others[:5])}")
    where = f"{path}, tier {taken.name}"
    spans = list(taken.spoken())
    if all(len(text.split()) == 1 for _, _, text in spans):
        words = [{"word": text, "start": start, "end": end} for start, end, text in spans]
        groups = [one["words"] for one in _sentences_of(words)]
        spans = [(w[0]["start"], w[-1]["end"], " ".join(one["word"] for one in w)) for w in groups]
    for number, (start, end, text) in enumerate(spans, 1):
        yield f"{where}, annotation {number}", start, end, text


def _in_milliseconds(table: Table, lines: list[Line]) -> bool:
    """Whisper's .tsv counts whole milliseconds; as seconds its lines would last for minutes each."""
    whole = all(start.is_integer() and end.is_integer() for _, start, end, _ in lines)
    if not (lines and table.separator == "\t" and table.header and whole):
        return False
    return statistics.median(end - start for _, start, end, _ in lines) >= 100


def _unquoted(text: str) -> str:
    """Without quotes that CSV does not know: SEWA's single ones, or any after a blank."""
    text = text.strip()
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"" else text


def _from_json(path: Path, text: str) -> Iterator[Line]:
    try:
        segments = _segments(json.loads(text))
    except json.JSONDecodeError as error:
        raise TranscriptError(f"{path}, line {error.lineno}: is not JSON ({error.msg})") from error
    except (ValueError, RecursionError) as error:
        raise TranscriptError(f"{path}: is not JSON of a transcript") from error
    if segments is None:
        raise TranscriptError(f"{path}: is JSON, but holds no list of a transcript's segments or words")
    for number, segment in enumerate(segments, 1):
        words = _words(segment.get("words"))
        start, end = _number(segment.get("start")), _number(segment.get("end"))
        start = start if start is not None else _edge(words, "start", min)
        end = end if end is not None else _edge(words, "end", max)
        said = segment.get("text")
        said = said if isinstance(said, str) else " ".join(str(word.get("word", "")) for word in words)
        if start is None or end is None:
            raise TranscriptError(f"{path}, segment {number}: has no start or end time")
        yield f"{path}, segment {number}", start, end, said


def _segments(data: Any) -> list[dict[str, Any]] | None:
    """The segments in what faster-whisper, whisperX or a list of words left; None if it is something else."""
    if isinstance(data, dict):
        if isinstance(data.get("segments"), list):
            data = data["segments"]
        else:
            words = data.get("word_segments", data.get("words"))
            data = words if isinstance(words, list) else None
    if not isinstance(data, list) or not all(isinstance(one, dict) for one in data):
        return None
    if any("word" in one for one in data):
        return _sentences_of(data)
    return data if all("text" in one or "words" in one for one in data) else None


def _sentences_of(words: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Join bare words: a sentence ends at a full stop, or where the next word is a second away."""
    groups: list[list[dict[str, Any]]] = [[]]
    ended: float | None = None
    for word in words:
        start, end = _number(word.get("start")), _number(word.get("end"))
        pause = start is not None and ended is not None and start - ended >= PAUSE
        last = str(groups[-1][-1].get("word", "")) if groups[-1] else ""
        stop = last.rstrip().endswith((".", "!", "?", "…"))
        # A group without any time yet would have no place on the clock: it waits for a word that has one.
        if (pause or stop) and _edge(groups[-1], "start", min) is not None and start is not None:
            groups.append([])
        groups[-1].append(word)
        ended = end if end is not None else ended
    return [{"words": group} for group in groups if group]


def _words(words: Any) -> list[dict[str, Any]]:
    return [word for word in words if isinstance(word, dict)] if isinstance(words, list) else []


def _edge(words: list[dict[str, Any]], key: str, pick: Any) -> float | None:
    """First start or last end among words, some of which whisperX may not have been able to place."""
    times = [time for word in words if (time := _number(word.get(key))) is not None]
    return float(pick(times)) if times else None


def _number(value: Any) -> float | None:
    """A finite number as a float; None for all else, such as the NaN of a word without a place."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:
        return None
