"""What the card says of single devel items, by set, sex, intensity and emotion, and failures in words."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from typing import TypeVar

import numpy as np

from affekt.media.language import NAMES as LANGUAGES
from affekt.training.default.card.emotions import emotions, failures
from affekt.training.default.card.intervals import FEW, Concordance, concordance
from affekt.training.default.card.items import FACE, TEXT, Item
from affekt.training.default.card.markdown import number, table

NAMES = {
    TEXT: "EmoBank",
    FACE: "FER+",
    "ravdess": "RAVDESS",
    "emodb": "EmoDB",
    "nemo": "nEMO",
    "urdu": "URDU",
}
"""Sets as people call them."""
AIMS = {TEXT: (0.55, 0.75), FACE: (0.85, 0.85), "ravdess": (0.72, 0.5), "emodb": (0.8, 0.45)}
"""What CCC each part was to reach at least, set down before it was trained."""
_SEXES = {"F": "women", "M": "men"}
K = TypeVar("K", bound=Hashable)
_HEAD = ("CCC [95 %]", "n (people)", "arousal", "valence")


def from_items(items: Sequence[Item]) -> dict[str, str]:
    """The slots of the card that are filled from items; an empty one where there is nothing to group by."""
    return {
        "singles": _singles(items),
        "aims": _aims(items),
        "sexes": _sexes(items),
        "intensities": _intensities(items),
        "emotions": _emotions(items),
        "failures": "\n".join(f"- {line}" for line in failures(emotions(items), NAMES)),
    }


def _singles(items: Sequence[Item]) -> str:
    """A row a set; below, what to think of the intervals, and what got no answer."""
    scores = {name: concordance(part) for name, part in _split(items, lambda item: item.set).items()}
    rows = [[_called(name, items), *_cells(score)] for name, score in scores.items()]
    lines = [table(_HEAD, rows)]
    few = {name: score.speakers for name, score in scores.items() if 0 < score.speakers < FEW}
    if few:
        named = ", ".join(f"{_name(name)} ({speakers})" for name, speakers in few.items())
        lines.append(f"An interval over so few speakers is hardly worth anything: {named}.")
    silent = {name: score.unanswered for name, score in scores.items() if score.unanswered}
    if silent:
        named = ", ".join(f"{_name(name)} {count}" for name, count in silent.items())
        lines.append(f"Items without an answer, which do not count: {named}.")
    return "\n\n".join(lines)


def _aims(items: Sequence[Item]) -> str:
    """What was aimed for beside what was reached; below, what was not."""
    groups = _split(items, lambda item: item.set)
    rows, short = [], []
    for name, aim in AIMS.items():
        if name in groups:
            reached = concordance(groups[name]).value
            rows.append([_name(name), _pair(np.array(aim), 2), _pair(np.array(reached), 3)])
            for dimension, least, value in zip(("arousal", "valence"), aim, reached, strict=True):
                if value < least:
                    short.append(f"{_name(name)}'s {dimension} (by {number(least - value)})")
    missed = f"Not reached: {', '.join(short)}." if short else "All of it was reached."
    return "\n\n".join([table(("CCC, arousal / valence", "aimed for", "reached"), rows), missed])


def _sexes(items: Sequence[Item]) -> str:
    sexed = [item for item in items if item.sex]
    groups = _split(sexed, lambda item: (item.set, item.sex))
    together = _split(sexed, lambda item: item.sex)
    rows = [
        [f"{_name(name)}, {_SEXES.get(sex, sex)}", *_cells(concordance(part))]
        for (name, sex), part in sorted(groups.items())
    ]
    rows += [
        [f"all voices, {_SEXES.get(sex, sex)}", *_cells(concordance(part))]
        for sex, part in sorted(together.items())
    ]
    return table(_HEAD, rows) if rows else ""


def _intensities(items: Sequence[Item]) -> str:
    """Sets that were acted in more than one intensity."""
    rows = []
    for name, part in _split(items, lambda item: item.set).items():
        levels = _split([item for item in part if item.intensity], lambda item: item.intensity)
        if len(levels) > 1:
            rows += [
                [f"{_name(name)}, {level}", *_cells(concordance(some))] for level, some in levels.items()
            ]
    return table(_HEAD, rows) if rows else ""


def _emotions(items: Sequence[Item]) -> str:
    """A table a set: arousal / valence in the mean, and the share on the wrong side of 0."""
    found, tables = emotions(items), []
    for name in dict.fromkeys(emotion.set for emotion in found):
        rows = [
            [e.emotion, f"{e.items:,}", _pair(e.gold, 2), _pair(e.predicted, 2), _pair(100 * e.wrong_side, 0)]
            for e in found
            if e.set == name
        ]
        tables.append(table((_called(name, items), "n", "gold", "predicted", "wrong side, %"), rows))
    return "\n\n".join(tables)


def _split(items: Sequence[Item], key: Callable[[Item], K]) -> dict[K, list[Item]]:
    """Items by a key, in the order of its first ones."""
    groups: dict[K, list[Item]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return groups


def _cells(score: Concordance) -> list[str]:
    """How many there are, and the CCC of both dimensions with its interval: `0.640 [0.52, 0.71]`."""
    cells = [f"{score.items:,} ({score.speakers})" if score.speakers else f"{score.items:,}"]
    for value, low, high in zip(score.value, score.low, score.high, strict=True):
        ends = f" [{number(low, 2)}, {number(high, 2)}]" if math.isfinite(low) else ""
        cells.append(f"{number(value)}{ends}")
    return cells


def _name(name: str) -> str:
    return NAMES.get(name, name)


def _called(name: str, items: Sequence[Item]) -> str:
    """A set with what its items are: sentences, faces, or speech of a language."""
    if name in (TEXT, FACE):
        return f"{_name(name)} ({'sentences' if name == TEXT else 'faces'})"
    codes = dict.fromkeys(item.language for item in items if item.set == name and item.language)
    spoken = ", ".join(LANGUAGES.get(code, code) for code in codes)
    return f"{_name(name)} ({spoken})" if spoken else _name(name)


def _pair(values: np.ndarray, digits: int) -> str:
    """Arousal / valence."""
    return " / ".join(number(value, digits) for value in values)
