"""Pictures beside the card, drawn from numbers alone: nobody's face is in them. Needs matplotlib."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from affekt.timeline.files import atomic
from affekt.training.default.card.emotions import Emotion, emotions
from affekt.training.default.card.items import Item

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PLANES, RANGES = "card-emotions.png", "card-valence.png"
_COLUMNS = 3
_LETTER, _LINE, _DOT, _GAP = 0.045, 0.065, 0.03, 0.05
"""About a letter's width, a line's height, half a dot, from dot to name, on planes 2 wide and 2 high."""
_STEPS = (0.0, 0.08, -0.08, 0.16, -0.16)
_GOLD, _PREDICTED, _QUIET = "#a06a00", "#1f5fa8", "#8a8a8a"


def draw(items: Sequence[Item], names: dict[str, str], folder: Path) -> list[Path]:
    """Write both pictures into a folder: each set's emotions on the plane, and the spread of their valence.

    Args:
        items: of `judge_devel`; sets without emotions are not drawn.
        names: set → what people call it; another set keeps its own.

    Raises:
        OutputError: a file cannot be written.
    """
    found = emotions(items)
    sets = list(dict.fromkeys(emotion.set for emotion in found))
    if not sets:
        return []
    planes, plots = _panels(len(sets), 3.9)
    for name, axes in zip(sets, plots, strict=True):
        _plane(axes, [e for e in found if e.set == name], names.get(name, name))
    planes.suptitle("Mean gold (ring) → mean prediction (dot) of each emotion, devel", fontsize=11)
    ranges, plots = _panels(len(sets), 3.1)
    for name, axes in zip(sets, plots, strict=True):
        _ranges(axes, [i for i in items if i.set == name], names.get(name, name))
    title = "Valence as predicted: median, middle half, 10–90 %; ring = mean gold; left of 0 = unpleasant"
    ranges.suptitle(title, fontsize=11)
    return [_save(planes, folder / PLANES), _save(ranges, folder / RANGES)]


def _panels(count: int, height: float) -> tuple[Figure, list[Any]]:
    from matplotlib.figure import Figure

    rows = -(-count // _COLUMNS)
    figure = Figure(figsize=(4 * min(count, _COLUMNS), height * rows), layout="constrained")
    grid = figure.subplots(rows, min(count, _COLUMNS), squeeze=False).ravel().tolist()
    for unused in grid[count:]:
        unused.set_axis_off()
    return figure, grid[:count]


def _plane(axes: Any, found: Sequence[Emotion], title: str) -> None:
    """Valence to the right, arousal upwards, as the circumplex is drawn (Russell 1980)."""
    axes.axhline(0, color=_QUIET, lw=0.6)
    axes.axvline(0, color=_QUIET, lw=0.6)
    answered = [emotion for emotion in found if np.isfinite(emotion.predicted).all()]
    for emotion, (x, y) in zip(answered, _beside(answered), strict=True):
        (a, v), (pa, pv) = emotion.gold, emotion.predicted
        axes.annotate("", (pv, pa), (v, a), arrowprops={"arrowstyle": "-", "color": _QUIET, "lw": 0.8})
        axes.plot(v, a, "o", mfc="none", mec=_GOLD, ms=7)
        axes.plot(pv, pa, "o", color=_PREDICTED, ms=5)
        axes.text(x, y, emotion.emotion, fontsize=8, va="center")
    halves = (-1, -0.5, 0, 0.5, 1)
    axes.set(xlim=(-1, 1), ylim=(-1, 1), xticks=halves, yticks=halves)
    axes.set(xlabel="valence", ylabel="arousal", title=title)


def _beside(found: Sequence[Emotion]) -> list[tuple[float, float]]:
    """Where each emotion's name begins: beside its dot, or off it where another name or dot stands."""
    dots = [(float(e.predicted[1]), float(e.predicted[0])) for e in found]
    taken = [(x - _DOT, x + _DOT, y) for x, y in dots]
    begins = []
    for (x, y), emotion in zip(dots, found, strict=True):
        width = _LETTER * len(emotion.emotion)
        places = [(left, y + up) for up in _STEPS for left in (x + _GAP, x - _GAP - width)]
        free = [
            (left, down)
            for left, down in places
            if -1 < left < 1 - width
            and not any(
                abs(down - there) < _LINE and left < end and begin < left + width
                for begin, end, there in taken
            )
        ]
        left, down = (free or places)[0]
        taken.append((left, left + width, down))
        begins.append((left, down))
    return begins


def _ranges(axes: Any, items: Sequence[Item], title: str) -> None:
    """A row an emotion, the most pleasant on top."""
    found = sorted(emotions(items), key=lambda e: float(np.nan_to_num(e.gold[1])))
    axes.axvline(0, color=_QUIET, lw=0.6)
    for row, emotion in enumerate(found):
        values = np.array([i.valence for i in items if i.emotion == emotion.emotion])
        values = values[np.isfinite(values)]
        if not len(values):
            continue
        low, quarter, middle, three, high = np.quantile(values, [0.1, 0.25, 0.5, 0.75, 0.9])
        axes.plot([low, high], [row, row], color=_PREDICTED, lw=1)
        axes.plot([quarter, three], [row, row], color=_PREDICTED, lw=4, solid_capstyle="butt")
        axes.plot(middle, row, "|", color="white", ms=7, mew=1.5)
        axes.plot(emotion.gold[1], row, "o", mfc="none", mec=_GOLD, ms=7)
    axes.set(xlim=(-1, 1), yticks=range(len(found)), title=title, xlabel="valence")
    axes.set_yticklabels([e.emotion for e in found], fontsize=8)


def _save(figure: Figure, path: Path) -> Path:
    with atomic(path) as part:
        figure.savefig(part, format="png", dpi=110, metadata={"Software": None})
    return path
