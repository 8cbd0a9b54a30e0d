"""ELAN's .eaf files as tiers of annotations.

Read with Python's own XML parser, as XML alone: pympi, which writes them (`report/elan.py`), breaks off where
a file leaves out its schema, or has a time slot without a number in its name.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from affekt.errors import AffektError
from affekt.media.tiers import Tier

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

LONGEST = 32_000_000
"""Characters of a file that is believed; an hour with an annotation a second on two tiers has 2 million."""
DEEPEST = 50
"""Generations of annotations that hang on one another; ELAN users have three or four."""


def read_elan(path: Path, text: str, fault: type[AffektError]) -> list[Tier]:
    """The tiers of an .eaf file in the order they stand in; times count from the linked recording's start.

    A time slot without a time lies between its neighbours in the file, at equal steps. An annotation that
    has no times of its own has those of the one it refers to. Where ELAN was told to leave out the
    beginning of the first linked recording (TIME_ORIGIN), that is added.

    Args:
        path: named in errors.
        text: what is in it.
        fault: raised on bad input.

    Raises:
        fault: not XML, with a document type of its own, not ELAN's, too long, in other units than
            milliseconds, or with references that lead nowhere.
    """
    root = _parse(path, text, fault)
    header = root.find("HEADER")
    units = "milliseconds" if header is None else header.get("TIME_UNITS", "milliseconds")
    if units != "milliseconds":
        raise fault(f"{path}: its times are {units!r}; save it from ELAN, which counts milliseconds")
    slots = _slots(path, root, fault)
    times: dict[str, tuple[float, float]] = {}
    parents: dict[str, str] = {}
    for one in root.iter("ALIGNABLE_ANNOTATION"):
        ends = [slots.get(one.get(f"TIME_SLOT_REF{k}", "")) for k in (1, 2)]
        if ends[0] is None or ends[1] is None:
            raise fault(
                f"{path}: annotation {one.get('ANNOTATION_ID')!r} has no time slot; save it from ELAN"
            )
        times[one.get("ANNOTATION_ID", "")] = ends[0], ends[1]
    for one in root.iter("REF_ANNOTATION"):
        parents[one.get("ANNOTATION_ID", "")] = one.get("ANNOTATION_REF", "")

    def span(one: Element) -> tuple[float, float, str]:
        name = asked = one.get("ANNOTATION_ID", "")
        for _ in range(DEEPEST):
            if name in times:
                return *times[name], one.findtext("ANNOTATION_VALUE") or ""
            name = parents.get(name, "")
        raise fault(f"{path}: annotation {asked!r} refers to none that has a time; save it from ELAN")

    return [
        Tier(
            name=" ".join(tier.get("TIER_ID", "").split()),
            spans=tuple(sorted((span(one) for two in tier for one in two), key=lambda one: one[:2])),
            speaker=" ".join(tier.get("PARTICIPANT", "").split()),
            dependent="PARENT_REF" in tier.attrib,
        )
        for tier in root.iter("TIER")
    ]


def _parse(path: Path, text: str, fault: type[AffektError]) -> Element:
    from xml.etree import ElementTree  # late: most transcripts are no XML

    if len(text) > LONGEST:
        raise fault(f"{path}: is longer than {LONGEST:,} characters; is it really of one recording?")
    if "<!DOCTYPE" in text or "<!ENTITY" in text:  # entities may unfold to gigabytes; ELAN writes none
        raise fault(f"{path}: has a document type of its own, which no .eaf needs; take the DOCTYPE out")
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise fault(f"{path}, line {error.position[0]}: is damaged XML; can ELAN open it?") from error
    except ValueError as error:  # half a surrogate pair
        raise fault(f"{path}: is not text that XML may hold") from error
    if root.tag != "ANNOTATION_DOCUMENT":
        raise fault(f"{path}: is XML, but not ELAN's (it begins with {root.tag[:40]})")
    return root


def _slots(path: Path, root: Element, fault: type[AffektError]) -> dict[str, float]:
    """Seconds of each time slot, those without a time set between their neighbours."""
    media = root.find("HEADER/MEDIA_DESCRIPTOR")
    slots = root.findall("TIME_ORDER/TIME_SLOT")
    try:
        origin = int(media.get("TIME_ORIGIN") or 0) if media is not None else 0
        known = [(k, int(one.attrib["TIME_VALUE"])) for k, one in enumerate(slots) if one.get("TIME_VALUE")]
    except ValueError as error:
        raise fault(f"{path}: a TIME_VALUE or TIME_ORIGIN is no whole number; save it from ELAN") from error
    if slots and not known:
        raise fault(f"{path}: none of its time slots has a time")
    result: dict[str, float] = {}
    before = 0
    for k, one in enumerate(slots):
        while before + 1 < len(known) and known[before + 1][0] <= k:
            before += 1
        (left, start), (right, end) = known[before], known[min(before + 1, len(known) - 1)]
        share = (k - left) / (right - left) if right > left and k > left else 0.0
        result[one.get("TIME_SLOT_ID", "")] = (start + share * (end - start) + origin) / 1000
    return result
