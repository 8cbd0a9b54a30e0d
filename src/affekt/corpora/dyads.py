"""Who talked with whom: from a list of pairs, or by what partners cannot help sharing, their length."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from affekt.corpora.corpus import Fault
from affekt.corpora.formats.folders import natural, text_of
from affekt.media.tables import bare

PAIRS = "pairs.csv"
"""In the corpus' folder: two recordings' names a line, or a recording a line under a header that has
`recording` and `pair`, and may have `speaker` and `language` (as the synthetic corpus')."""


@dataclass(frozen=True, slots=True)
class Partner:
    """What a list of pairs says of a recording."""

    group: str
    speaker: str | None = None
    language: str | None = None


def read_pairs(path: Path, names: Collection[str], faults: list[Fault]) -> dict[str, Partner]:
    """Recording → partner, of the recordings that a list of pairs names.

    Raises:
        CorpusError: it is no text.
    """
    known = {name.casefold(): name for name in names}
    rows = []
    for line, text in enumerate(text_of(path).split("\n"), 1):
        fields = [bare(field) for field in re.split("[;,\t]", text)]
        if any(fields):
            rows.append((line, fields))
    header = [field.casefold() for field in rows[0][1]] if rows else []
    if {"recording", "pair"} <= set(header):
        return dict(_one_by_one(path, header, rows[1:], known, faults))
    pairs: list[tuple[str, str]] = []
    for line, fields in rows:
        found = [known[field.casefold()] for field in fields if field.casefold() in known]
        unknown = [field for field in fields if field and field.casefold() not in known]
        if len(found) == 2 == len(set(found)) and not unknown:
            if twice := [name for name in found if any(name in pair for pair in pairs)]:
                message = f"{twice[0]} is in a pair further up already; all of them stay together"
                faults.append(Fault(path, message, line, "warning"))
            pairs.append((found[0], found[1]))
        elif found or line > 1:  # else it is a header
            what = f"there is no recording {' or '.join(unknown)}" if unknown else "two names are needed"
            faults.append(Fault(path, f"{what}; this line was left out", line, "warning"))
    return {name: Partner(group) for name, group in grouped(pairs).items()}


def _one_by_one(
    path: Path,
    header: list[str],
    rows: list[tuple[int, list[str]]],
    known: dict[str, str],
    faults: list[Fault],
) -> Iterator[tuple[str, Partner]]:
    for line, fields in rows:
        row = dict(zip(header, fields, strict=False))
        said = row.get("recording", "")
        name = known.get(said.casefold())
        if name is None or not row.get("pair"):
            what = f"there is no recording {said!r}" if name is None else "it names no pair"
            faults.append(Fault(path, f"{what}; this line was left out", line, "warning"))
        else:
            yield name, Partner(row["pair"], row.get("speaker") or None, row.get("language") or None)


def grouped(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Name → group, called after all that belong together; who is in two pairs joins them.

    >>> grouped([("b", "a"), ("c", "d"), ("a", "e")])
    {'a': 'a+b+e', 'b': 'a+b+e', 'e': 'a+b+e', 'c': 'c+d', 'd': 'c+d'}
    """
    members: dict[str, set[str]] = {}
    for one, other in pairs:
        together = members.get(one, {one}) | members.get(other, {other})
        members.update(dict.fromkeys(together, together))
    groups = {id(each): sorted(each, key=natural) for each in members.values()}
    return {name: "+".join(group) for group in groups.values() for name in group}


def how_guessed(groups: Iterable[str]) -> str:
    """What to say of groups that `of_equal_length` made."""
    note = (
        f"no {PAIRS} (for evaluate: --groups): recordings of one partition whose lengths differ by a frame "
        "at most count as a dyad"
    )
    if any(group.count("+") > 1 for group in groups):
        note += "; some groups are larger than two, so write one if you know better, two names a line"
    return note


def of_equal_length(lengths: Mapping[str, int]) -> dict[str, str]:
    """Name → group, for recordings (name → frames) as long as another one to a frame.

    Partners share partition and culture (Devel_HU of Devel_HU_14), and end together. So may strangers by
    chance: then three or four are in one group, which keeps partners together all the same.

    >>> of_equal_length({"Train_1": 974, "Train_2": 1200, "Train_3": 975, "Test_1": 974})
    {'Train_1': 'Train_1+Train_3', 'Train_3': 'Train_1+Train_3'}
    """
    kin = {name: name.rpartition("_")[0].casefold() for name in lengths}
    ordered = sorted(lengths, key=lambda name: (kin[name], lengths[name], natural(name)))
    return grouped(
        (one, other)
        for one, other in pairwise(ordered)
        if kin[one] == kin[other] and lengths[other] - lengths[one] <= 1
    )
