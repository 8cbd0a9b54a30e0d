"""The page of an inspected corpus: its partitions, its gold, every fault, and a line for each recording."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from pathlib import Path

import numpy as np

from affekt.corpora.corpus import Fault
from affekt.corpora.inspection.figures import BINS, Inspection, Item, Part
from affekt.report.inspection import (
    COUNTED,
    WORDS,
    differences,
    figure,
    headline,
    hours,
    missing,
)
from affekt.report.sheet import section, sheet, table
from affekt.report.summary import clock, counted, decimals, percent
from affekt.report.svg import Series, histogram
from affekt.timeline import DIMENSIONS, MODALITIES, Gold, frame_count

_POINTS = 120
"""Points of a recording's small trace."""
_WIDE, _HIGH = 190, 30
"""Pixels of it."""
_BAR = 70
"""Pixels of the longest recording's bar."""
_LONGEST = 28
"""Characters of a group's name that are shown."""
_DOTS = {"text": "c3", "audio": "c2", "visual": "c4"}
_OTHERS = ("c5", "c6", "c7")
"""Colours of dimensions other than arousal and valence, in turn: none of a modality's."""


def render_inspection(found: Inspection) -> str:
    """The inspection as one self-contained HTML page; names and messages are untrusted and escaped."""
    colours = _colours(found.items)
    parts = [section("Partitions", _partitions(found.parts), _published(found.parts))]
    if any(part.gold for part in found.parts):
        parts.append(
            section(
                "Gold standard", _gold(found.parts, colours), "Share of the labelled frames, from −1 to 1."
            )
        )
    if found.faults:
        parts.append(section(_fault_title(found), _faults(found)))
    if lacking := [*missing(found), *found.notes]:
        parts.append(
            section("Good to know", f"<ul>{''.join(f'<li>{escape(one)}</li>' for one in lacking)}</ul>")
        )
    if found.items:
        body = _key(colours) + _recordings(found.items, colours)
        parts.append(section("Recordings", body, "A hollow dot: there is none. Gold is drawn from −1 to 1."))
    return sheet(
        f"{found.kind} · {found.root}",
        "".join(parts),
        headline=headline(found),
        footer="Durations are as the files state them. Made on this machine; nothing was sent anywhere.",
    )


def _published(parts: Sequence[Part]) -> str:
    return "Beside what was published about this corpus." if any(part.expected for part in parts) else ""


def _partitions(parts: Sequence[Part]) -> str:
    head = (
        "",
        *COUNTED,
        "hours",
        "speakers",
        "groups",
        *(WORDS[kind] for kind in MODALITIES),
        "without labels",
    )
    rows = []
    for part in parts:
        known = (f"{count:,}" if count else "–" for count in (part.speakers, part.groups))
        sizes = (f"{getattr(part, key):,}" for key in COUNTED)
        presence = (f"{part.presence[kind]:,}" for kind in MODALITIES)
        bare = str(len(part.missing.get("labels", ()))) if part.gold or "labels" in part.missing else "all"
        rows.append((part.name, *sizes, hours(part), *known, *presence, bare))
        if part.expected:
            apart, blank = differences(part), ("",) * (len(head) - 1 - len(COUNTED))
            rows.append(("published", *_cells(part.expected, "{:,}"), *blank))
            rows.append(("difference", *_cells(apart, "{:+,}"), *blank))
    return table(head, rows)


def _cells(counts: dict[str, int], form: str) -> Iterator[str]:
    for key in COUNTED:
        text = form.format(counts[key]).replace("-", "−") if key in counts else "–"
        yield "0" if text == "+0" else text


def _colours(items: Sequence[Item]) -> dict[str, str]:
    """Dimension → its class, wherever on the page it is drawn."""
    names = dict.fromkeys(
        name for item in items if item.recording.gold for name in item.recording.gold.dimensions
    )
    others = [name for name in names if name not in DIMENSIONS]
    return {
        name: name if name in DIMENSIONS else _OTHERS[others.index(name) % len(_OTHERS)] for name in names
    }


def _gold(parts: Sequence[Part], colours: Mapping[str, str]) -> str:
    """A histogram a partition, one colour a dimension, and the figures under them."""
    edges = np.linspace(-1, 1, BINS + 1)
    charts, rows = [], []
    for part in parts:
        series = []
        for name, one in part.gold.items():
            counts = np.array(one.histogram, float)
            series.append(Series(name, counts / max(counts.sum(), 1), colour=colours[name]))
            figures = (figure(one.mean), decimals(one.sd), figure(one.low), figure(one.high))
            rows.append((f"{part.name}, {name}", percent(one.labelled), *figures))
        if series:
            charts.append(histogram(series, edges, caption=f"Gold standard of {part.name}"))
    figures_table = table(("", "labelled", "mean", "sd", "lowest", "highest"), rows)
    return f'<div class="panels">{"".join(charts)}</div>{figures_table}'


def _fault_title(found: Inspection) -> str:
    there = ((found.errors, "error"), (len(found.faults) - found.errors, "warning"))
    return " and ".join(counted(count, what) for count, what in there if count).capitalize()


def _faults(found: Inspection) -> str:
    rows = (
        (
            fault.severity,
            fault.recording or "",
            _place(fault, found.root),
            fault.message,
        )
        for fault in found.faults
    )
    return _text_table(("", "recording", "file", "what"), [map(escape, row) for row in rows])


def _place(fault: Fault, root: Path) -> str:
    """File and line; a file of the corpus is named as from its folder, which the page's title has."""
    path = fault.path.relative_to(root) if root in fault.path.parents else fault.path
    return f"{path}{'' if fault.line is None else f', line {fault.line}'}"


def _text_table(head: Sequence[str], rows: Iterable[Iterable[str]]) -> str:
    """A table of words rather than figures; the cells are HTML."""
    top = "".join(f'<th scope="col">{cell}</th>' for cell in head)
    lines = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    whole = f'<table class="text"><thead><tr>{top}</tr></thead><tbody>{lines}</tbody></table>'
    return f'<div class="scroll">{whole}</div>'


def _key(colours: Mapping[str, str]) -> str:
    dots = [(f"dot {_DOTS[kind]}", WORDS[kind]) for kind in MODALITIES]
    lines = [(colour, escape(name)) for name, colour in colours.items()]
    rows = (f'<li class="{colour}"><span>{name}</span></li>' for colour, name in (*dots, *lines))
    return f'<ul class="legend">{"".join(rows)}</ul>'


def _recordings(items: Sequence[Item], colours: Mapping[str, str]) -> str:
    longest = max((item.seconds or 0.0 for item in items), default=0.0) or 1.0
    rows = []
    for item in items:
        one = item.recording
        rows.append(
            (
                escape(one.label),
                one.partition or "",
                _duration(item.seconds, longest),
                _dots(item.presence),
                "–" if item.sentences is None else f"{item.sentences:,}",
                "–" if item.turns is None else f"{item.turns:,}",
                escape(one.speaker or ""),
                escape(_short(one.group or "")),
                _trace(one.gold, colours),
            )
        )
    head = ("", "partition", "length", "there", "sentences", "turns", "speaker", "group", "gold")
    return _text_table(head, rows)


def _short(text: str) -> str:
    """A group may be called after all of its members."""
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _duration(seconds: float | None, longest: float) -> str:
    if seconds is None:
        return "–"
    width = round(_BAR * min(seconds / longest, 1.0), 1)
    bar = f'<rect class="c7" stroke="none" fill="currentColor" width="{width:g}" height="6" rx="2"/>'
    drawn = f'<svg width="{_BAR}" height="6" aria-hidden="true">{bar}</svg>'
    return f"{clock(frame_count(seconds))}<br>{drawn}"


def _dots(presence: Sequence[bool]) -> str:
    there = [WORDS[kind] for kind, has in zip(MODALITIES, presence, strict=True) if has]
    circles = "".join(
        f'<circle class="{_DOTS[kind]}" cx="{8 + 15 * place}" cy="8" r="5" stroke-width="1.5" '
        f'fill="{"currentColor" if has else "none"}"/>'
        for place, (kind, has) in enumerate(zip(MODALITIES, presence, strict=True))
    )
    return (
        f'<svg width="46" height="16" role="img" aria-label="{", ".join(there) or "nothing"}">{circles}</svg>'
    )


def _trace(gold: Gold | None, colours: Mapping[str, str]) -> str:
    """A recording's gold as small lines, or as figures where one value stands for all of it."""
    if gold is None:
        return "–"
    if gold.whole:
        pairs = zip(gold.dimensions, gold.values[0], strict=True)
        return escape(", ".join(f"{name} {figure(float(value))}" for name, value in pairs))
    lines = []
    for place, name in enumerate(gold.dimensions):
        lines += [
            f'<polyline class="{colours[name]}" fill="none" stroke-width="1.25" points="{points}"/>'
            for points in _points(gold.values[:, place])
        ]
    rule = f'<line class="c7" stroke-opacity=".4" x2="{_WIDE}" y1="{_HIGH / 2:g}" y2="{_HIGH / 2:g}"/>'
    size = f'width="{_WIDE}" height="{_HIGH}"'
    return f'<svg {size} role="img" aria-label="gold over time">{rule}{"".join(lines)}</svg>'


def _points(values: np.ndarray) -> Iterator[str]:
    """Polylines of (T,) values, each point the mean of a stretch; stretches without a label are gaps."""
    stretches = np.array_split(values.astype(np.float64), min(_POINTS, max(1, len(values))))
    means = [float(np.nanmean(one)) if np.isfinite(one).any() else np.nan for one in stretches]
    run: list[str] = []
    for place, mean in enumerate([*means, np.nan]):
        if np.isfinite(mean):
            across = _WIDE * (place + 0.5) / len(means)
            down = _HIGH * (1 - (min(max(mean, -1.0), 1.0) + 1) / 2)
            run.append(f"{across:.1f},{down:.1f}")
        elif run:
            yield " ".join(run if len(run) > 1 else run * 2)
            run = []
