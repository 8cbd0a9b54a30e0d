"""What belongs together: values scored as one series, recordings drawn as one in a bootstrap."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from affekt.corpora.compare.pairs import Pair
from affekt.corpora.compare.sides import NAMES, bare_name
from affekt.corpora.dyads import read_pairs
from affekt.corpora.formats.sheets import read_sheet
from affekt.errors import CorpusError
from affekt.timeline import Recording


def gathered(pairs: Sequence[Pair]) -> list[Pair]:
    """Values for whole recordings laid end to end by what they are scored with; all others as they are."""
    together: dict[str, list[Pair]] = {}
    for place, pair in enumerate(pairs):
        key = f"{place}" if pair.series is None else f"series {pair.series}"
        together.setdefault(key, []).append(pair)
    return [_end_to_end(several) for several in together.values()]


def _end_to_end(several: Sequence[Pair]) -> Pair:
    first = several[0]
    if first.series is None:
        return first
    values, gold = (
        np.concatenate([getattr(one, side) for one in several]) for side in ("predictions", "gold")
    )
    recording = replace(first.recording, name=first.series)
    return replace(first, recording=recording, predictions=values, gold=gold)


def clusters_of(
    recordings: Sequence[Recording], groups: Mapping[str, str] | None = None
) -> tuple[list[str], str]:
    """What each recording is drawn with in a bootstrap, and what that is: group, speaker or recording.

    Args:
        groups: name of a recording → its cluster; what is not in it stands alone. None: its group, else its
            speaker, else itself.
    """
    if groups is not None:
        return [groups.get(one.name, one.name) for one in recordings], "group"
    names = [one.group or one.speaker or one.name for one in recordings]
    if any(one.group for one in recordings):
        return names, "group"
    return names, "speaker" if any(one.speaker for one in recordings) else "recording"


def read_groups(path: Path, names: Collection[str] = ()) -> tuple[dict[str, str], str]:
    """A table of two columns: recordings' names, and the dyad, speaker or whatever they belong to.

    Or a corpus' list of pairs (`corpora.dyads`).

    Args:
        names: of the recordings, which tell a list of pairs without a header.

    Returns:
        Name → cluster, and what the second column is called.

    Raises:
        CorpusError: it cannot be read, or is no such table; names the line.
    """
    sheet = read_sheet(path)
    name = next((one for one in NAMES if one in sheet.header), None)
    others = [one for one in sheet.header if one and one != name]
    if {"recording", "pair"} <= set(sheet.header):
        name, others = "recording", ["pair"]
    elif name is None and (partners := read_pairs(path, names, [])):
        return {one: partner.group for one, partner in partners.items()}, "dyad"
    if name is None or len(others) != 1:
        raise CorpusError(
            f"{path}, line 1: should name two columns, name and what recordings belong to (dyad, speaker); "
            f"it names {', '.join(sheet.header)}"
        )
    if sheet.faults:
        raise CorpusError(str(sheet.faults[0]))
    groups: dict[str, str] = {}
    for row in sheet.rows:
        one, group = bare_name(row.fields[name]), row.fields[others[0]]
        if not one or not group:
            raise CorpusError(f"{path}, line {row.line}: the name or the {others[0]} is empty")
        if groups.setdefault(one, group) != group:
            raise CorpusError(
                f"{path}, line {row.line}: {one} is of {groups[one]} in a line before; choose one"
            )
    return groups, others[0]
