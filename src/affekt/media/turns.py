"""Turn files, which say who speaks when: tables (SEWA's dialect and others), RTTM, ELAN's and Praat's."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

from affekt.errors import TurnsError
from affekt.media.annotators import read_tiers
from affekt.media.tables import END, START, bare, need_time, read_table, read_text, span_fault
from affekt.media.tiers import Tier, speaker_spans
from affekt.timeline import Turn

SPEAKER = ("speaker", "label", "name", "who", "participant", "role")
"""Names a table's column of speakers goes by."""
SUBJECT = frozenset({"subject", "0"})
OTHERS = frozenset({"interlocutor", "partner", "other"})

Line = tuple[str, float, float, str]
"""Where it stands (file and line), start, end, speaker ("" where the file names none)."""


def read_turns(path: Path, warn: Callable[[str], None] | None = None) -> tuple[Turn, ...]:
    """Read the turns of a recording in the order of their starts; overlaps are kept.

    A table of `start;end` holds the subject's own turns, as SEWA hands them out. With `start;end;speaker`,
    and in RTTM, the subject is the speaker called "subject" or "0"; without one it is whoever speaks most,
    apart from an "interlocutor", "partner" or "other". An RTTM file of several recordings is searched for
    the one that has the file's name. In the files of ELAN and Praat each tier is a speaker, called by its
    participant or else by its name; tiers that hang on others are left out, and so are Praat's silences.

    Args:
        warn: told whom it took for the subject where that was the one of several who speaks most.

    Raises:
        TurnsError: unreadable file or time, an end before its start, no turn at all.
    """
    tiers = read_tiers(path, TurnsError)
    text = "" if tiers is not None else read_text(path, TurnsError)
    if tiers is not None:
        lines = _from_tiers(path, tiers)
    elif path.suffix.lower() == ".rttm" or text.lstrip().startswith("SPEAKER "):
        lines = _from_rttm(path, text)
    else:
        lines = _from_table(path, text)
    if not lines:
        raise TurnsError(f"{path}: holds no turn; leave the turns out if nobody is known to speak")
    for where, start, end, _ in lines:
        if fault := span_fault(start, end):
            raise TurnsError(f"{where}: {fault}")
    subject = _subject(lines, warn)
    turns = [Turn(start, end, speaker == subject) for _, start, end, speaker in lines]
    return tuple(sorted(turns, key=lambda turn: (turn.start, turn.end)))


def _subject(lines: list[Line], warn: Callable[[str], None] | None) -> str | None:
    spoken: dict[str, float] = defaultdict(float)
    for _, start, end, speaker in lines:
        spoken[speaker] += end - start
    named = sorted(SUBJECT & spoken.keys(), reverse=True)
    candidates = named or sorted(spoken.keys() - OTHERS)
    subject = candidates[0] if named else max(candidates, key=lambda one: spoken[one], default=None)
    if warn and not named and len(candidates) > 1:
        others = ", ".join(one or "nobody" for one in candidates if one != subject)
        warn(
            f"the turns are those of {subject or 'nobody'}, who speaks most, not of {others}; "
            'call the tier, participant or speaker that is meant "subject" if it is another'
        )
    return subject


def _from_table(path: Path, text: str) -> list[Line]:
    if not text.strip():
        return []
    table = read_table(text)
    if table is None:
        raise TurnsError(f"{path}, line 1: is no turn; start;end, start;end;speaker or RTTM lines are needed")
    start, end, speaker = (table.column(names) for names in (START, END, SPEAKER))
    start, end = start or 0, 1 if end is None else end
    speaker = 2 if table.header is None else speaker
    lines = []
    for number, fields in table.rows:
        where = f"{path}, line {number}"
        if len(fields) < max(start, end) + 1:
            raise TurnsError(f"{where}: a start and an end are needed")
        who = fields[speaker] if speaker is not None and speaker < len(fields) else ""
        begins, ends = (need_time(fields[column], where, TurnsError) for column in (start, end))
        lines.append((where, begins, ends, _label(who)))
    return lines


def _from_rttm(path: Path, text: str) -> list[Line]:
    """`SPEAKER file channel onset duration <NA> <NA> speaker …`; the duration, not the end."""
    recordings: dict[str, list[Line]] = defaultdict(list)
    for number, line in enumerate(text.split("\n"), 1):
        fields = line.split()
        if not fields or fields[0] != "SPEAKER":
            continue
        where = f"{path}, line {number}"
        if len(fields) < 8:
            raise TurnsError(f"{where}: has {len(fields)} fields, RTTM has 9 or 10")
        start, duration = (need_time(field, where, TurnsError) for field in fields[3:5])
        recordings[fields[1]].append((where, start, start + duration, _label(fields[7])))
    if len(recordings) > 1 and path.stem not in recordings:
        raise TurnsError(f"{path}: holds {len(recordings)} recordings, none called {path.stem}; keep one")
    own = recordings.get(path.stem)
    return own if own is not None else [line for lines in recordings.values() for line in lines]


def _from_tiers(path: Path, tiers: list[Tier]) -> list[Line]:
    spans = speaker_spans(tiers, SUBJECT | OTHERS)
    return [(f"{path}, tier of {who or 'nobody'}", start, end, who) for who, (start, end, _) in spans]


def _label(field: str) -> str:
    """A speaker's name for comparison; a number with a fraction is a measurement, and nobody's name."""
    name = bare(field).casefold()
    return "" if re.fullmatch(r"[+-]?\d*[.,]\d+", name) else name
