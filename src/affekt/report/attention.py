"""What a model paid attention to: words of sentences (Fig. 3 of the paper), modalities of a frame (Fig. 4).

Drawn from a `Prediction` as PNG and SVG, for which matplotlib is needed, and as a page, for which it is not.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from affekt.errors import PredictionError
from affekt.report.runs import three
from affekt.report.scores import short
from affekt.report.sheet import section, sheet, table
from affekt.report.svg import Bar, bar_chart
from affekt.timeline import FRAME_RATE, MODALITIES, Prediction, WordWeights
from affekt.timeline.files import atomic

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SENTENCES = 4
"""That are shown where none are chosen."""
KINDS = ("png", "svg")
COLOURS = {"text": "#1668b0", "audio": "#c8501e", "visual": "#2f8a7c"}
PAIRED = "#7a63ad"
"""Of a weight that is of two modalities together."""


@dataclass(frozen=True, slots=True)
class Level:
    """One softmax of the fusion: weights that sum to 1 over what is present."""

    title: str
    names: tuple[str, ...]
    weights: tuple[float, ...]


def most_weighted(prediction: Prediction, count: int = SENTENCES) -> list[WordWeights]:
    """The sentences while which text weighs most in the fusion, in the order in which they are spoken.

    Where a fusion has no weights, those whose selector is most of one mind: its largest weight times the
    number of words, 1 where all weigh the same.

    Raises:
        PredictionError: no sentence has weights.
    """
    if not prediction.word_weights:
        raise PredictionError(
            f"{prediction.name}: the model weighs no words in it; give a recording with a transcript that it "
            "understands, or --sentence"
        )

    def size(one: WordWeights) -> float:
        first, last = (round(time * FRAME_RATE) for time in (one.sentence.start, one.sentence.end))
        weights = prediction.modality_weights
        if weights is not None and len(weights[first:last]):
            return float(weights[first:last, 0].mean())
        return float(one.mean.max()) * len(one.words)

    chosen = sorted(prediction.word_weights, key=size, reverse=True)[:count]
    return sorted(chosen, key=lambda one: one.sentence.start)


def fullest_frame(prediction: Prediction) -> int:
    """The frame in which most modalities are there, of several the one nearest to the middle."""
    there = prediction.presence.sum(1)
    frames = np.flatnonzero(there == there.max())
    return int(frames[np.argmin(np.abs(frames - len(prediction) / 2))])


def levels(prediction: Prediction, frame: int) -> list[Level]:
    """The fusion's weights of a frame: of its first level where it has two, then of the last.

    Hierarchical: within each pair of modalities, then over the pairs. Cross-modal: over the two that ask each
    modality, then over the modalities. Others: over the modalities.

    Raises:
        PredictionError: there is no such frame, or the fusion has no weights.
    """
    if not 0 <= frame < len(prediction):
        raise PredictionError(f"{prediction.name}: has frames 0 to {len(prediction) - 1}, no {frame}")
    if prediction.modality_weights is None:
        raise PredictionError(
            f"{prediction.name}: a fusion by {prediction.info.get('fusion')} has no weights to be shown"
        )
    pairs, shares = prediction.pair_weights, prediction.pair_shares
    names = [tuple(pair) for pair in prediction.info.get("pairs") or ()]
    found = []
    if pairs is not None:
        for place, pair in enumerate(names):
            title = " with ".join(pair) if shares is not None else f"{MODALITIES[place]}, asked by"
            found.append(Level(title, pair, _numbers(pairs[frame, place])))
    if shares is not None:
        together = tuple(" with ".join(pair) for pair in names)
        return [*found, Level("pairs", together, _numbers(shares[frame]))]
    return [*found, Level("modalities", MODALITIES, _numbers(prediction.modality_weights[frame]))]


def draw_words(chosen: Sequence[WordWeights], base: Path) -> list[Path]:
    """Write BASE.png and BASE.svg: a row of cells for each head and for their mean, a column a word.

    Raises:
        PredictionError: matplotlib is not installed.
        OutputError: they cannot be written.
    """
    widest = max(len(one.words) for one in chosen)
    heads = max(len(one.heads) for one in chosen) + 1
    figure = _figure(2.2 + 0.62 * widest, (0.9 + 0.28 * heads) * len(chosen))
    plots = figure.subplots(len(chosen), 1, squeeze=False)[:, 0]
    for plot, one in zip(plots, chosen, strict=True):
        weights = np.vstack([one.heads, one.mean])
        rows = [*(f"head {k + 1}" for k in range(len(one.heads))), "mean"]
        plot.imshow(weights, cmap="Blues", vmin=0, vmax=max(0.5, float(weights.max())), aspect="auto")
        plot.set_yticks(range(len(rows)), rows)
        plot.set_xticks(range(len(one.words)), one.words, rotation=30, ha="right", rotation_mode="anchor")
        plot.set_xlim(-0.5, widest - 0.5)  # words are equally wide in all sentences
        for row, column in np.ndindex(*weights.shape):
            dark = weights[row, column] > 0.6 * max(0.5, float(weights.max()))
            colour = "white" if dark else "black"
            text = short(float(weights[row, column]))
            plot.text(column, row, text, ha="center", va="center", fontsize=7, color=colour)
        plot.axhline(len(one.heads) - 0.5, color="white", linewidth=3)
        plot.spines[:].set_visible(False)
        plot.tick_params(length=0, labelsize=8)
    return _save(figure, base)


def draw_levels(found: Sequence[Level], prediction: Prediction, frame: int, base: Path) -> list[Path]:
    """Write BASE.png and BASE.svg: bars of each level's weights.

    Raises:
        PredictionError: matplotlib is not installed.
        OutputError: they cannot be written.
    """
    figure = _figure(1.6 + 1.6 * len(found), 2.6)
    plots = figure.subplots(1, len(found), squeeze=False, sharey=True)[0]
    for plot, level in zip(plots, found, strict=True):
        colours = [COLOURS.get(name, PAIRED) for name in level.names]
        bars = plot.bar(range(len(level.names)), level.weights, color=colours, width=0.7)
        plot.bar_label(bars, [short(weight) for weight in level.weights], fontsize=8, padding=2)
        names = [name.replace(" with ", "\n+ ") for name in level.names]
        plot.set_xticks(range(len(names)), names, fontsize=8)
        plot.set_title(level.title, fontsize=9)
        plot.spines[["top", "right"]].set_visible(False)
    plots[0].set_ylim(0, 1.08)
    plots[0].set_ylabel("weight", fontsize=8)
    plots[0].tick_params(axis="y", labelsize=8)
    figure.suptitle(where(prediction, frame), fontsize=9)
    return _save(figure, base)


def words_page(chosen: Sequence[WordWeights], called: str) -> str:
    """Fig. 3 as one self-contained HTML page.

    Args:
        called: the model, and the recording if it is of one.
    """
    parts = []
    for one in chosen:
        bars = [Bar(word, float(weight)) for word, weight in zip(one.words, one.mean, strict=True)]
        drawn = bar_chart(bars, caption="Mean of the heads. The weights of each head sum to 1.", tick=three)
        rows = [
            (word, *(three(float(head[place])) for head in one.heads), three(float(one.mean[place])))
            for place, word in enumerate(one.words)
        ]
        head = ("", *(f"head {k + 1}" for k in range(len(one.heads))), "mean")
        both = f'<div class="panels"><div>{drawn}</div><div>{table(head, rows)}</div></div>'
        parts.append(section(one.sentence.text, both))
    return sheet("Figure 3", "".join(parts), headline=f"The selector's weights of words: {called}")


def levels_page(found: Sequence[Level], prediction: Prediction, frame: int, called: str) -> str:
    """Fig. 4 as one self-contained HTML page."""
    colours = {"text": "c0", "audio": "c1", "visual": "c2"}
    drawn = []
    for level in found:
        pairs = zip(level.names, level.weights, strict=True)
        bars = [Bar(name, weight, colours.get(name, "c3")) for name, weight in pairs]
        drawn.append(f"<div>{section(level.title, bar_chart(bars, caption=_sums(level), tick=three))}</div>")
    body = f'<div class="panels">{"".join(drawn)}</div>'
    note = f'<p class="note">{escape(where(prediction, frame))}</p>'
    fusion = str(prediction.info.get("fusion")).replace("_", "-")
    return sheet("Figure 4", note + body, headline=f"The weights of the {fusion} fusion: {called}")


def where(prediction: Prediction, frame: int) -> str:
    """A frame in words: recording, time, what is judged, what is there."""
    there = [name for name, on in zip(MODALITIES, prediction.presence[frame], strict=True) if on]
    arousal, valence = (three(float(one[frame])) for one in (prediction.arousal, prediction.valence))
    return (
        f"{prediction.name}, {frame / FRAME_RATE:.1f} s (frame {frame}): arousal {arousal}, "
        f"valence {valence}; there {'is' if len(there) == 1 else 'are'} "
        f"{', '.join(there) or 'none of the modalities'}"
    )


def _sums(level: Level) -> str:
    return "Against the longest; they sum to 1." if math.fsum(level.weights) else "Nothing of it is there."


def _numbers(values: np.ndarray) -> tuple[float, ...]:
    return tuple(float(one) for one in values)


def _figure(width: float, height: float) -> Figure:
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise PredictionError("pictures need matplotlib; pip install 'affekt[train]'") from error
    return Figure(figsize=(width, height), layout="constrained")


def _save(figure: Figure, base: Path) -> list[Path]:
    """In all of `KINDS`, the same bytes each time; what stands in words is not taken for mathematics."""
    from matplotlib import rc_context

    written = []
    for kind in KINDS:
        path = base.with_name(f"{base.name}.{kind}")
        metadata = {"Date": None} if kind == "svg" else {"Software": None}
        settings = rc_context({"text.parse_math": False, "svg.hashsalt": "affekt", "svg.fonttype": "none"})
        with settings, atomic(path) as part:
            figure.savefig(part, format=kind, dpi=160, metadata=metadata)
        written.append(path)
    return written
