"""A prediction in words: what the terminal says, and the sentences the page shares with it."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import numpy as np

from affekt.timeline import FRAME_RATE, MODALITIES, Prediction, start_of

if TYPE_CHECKING:
    from rich.console import Console

NEUTRAL = 0.1
"""Values nearer to 0 than this are called neutral."""

LABELS = {"text": "text", "audio": "audio", "visual": "face"}
"""What a modality is called in front of people."""

_WORDS = {
    "arousal": {1: "excited", 0: "neutral", -1: "calm"},
    "valence": {1: "pleasant", 0: "neutral", -1: "unpleasant"},
}
_MISSING = {"text": "no text", "audio": "no audio", "visual": "no face"}
_LONG = FRAME_RATE  # spans of a second or less are not worth naming
_NAMED = 5


def clock(frame: int, *, tenths: bool = True) -> str:
    """The time at which a frame starts, as people write it.

    >>> clock(5), clock(1234), clock(36_610, tenths=False)
    ('0:00.5', '2:03.4', '1:01:01')
    """
    seconds, tenth = divmod(frame, FRAME_RATE)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    text = f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
    return f"{text}.{tenth}" if tenths else text


def length(frames: int) -> str:
    """A duration in words.

    >>> length(3), length(600), length(36_000)
    ('0.3 s', '1 min 0 s', '1 h 0 min')
    """
    if frames < 60 * FRAME_RATE:
        return f"{start_of(frames):.1f} s"
    minutes, seconds = divmod(round(start_of(frames)), 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min {seconds} s"


def signed(value: float) -> str:
    """Two decimals with a sign, a dash for what is not a number, no negative zero.

    >>> signed(0.126), signed(-0.001), signed(float("nan"))
    ('+0.13', '0.00', '-')
    """
    if not np.isfinite(value):
        return "-"
    rounded = round(float(value), 2)
    return f"{rounded:+.2f}" if rounded else "0.00"


def decimals(value: float) -> str:
    """Two decimals with the true minus sign, a dash for what there is none of.

    >>> decimals(-0.126), decimals(-0.001), decimals(float("nan"))
    ('−0.13', '0.00', '–')
    """
    return f"{round(float(value), 2) + 0.0:.2f}".replace("-", "−") if np.isfinite(value) else "–"


def counted(count: int, what: str) -> str:
    """A count and its noun.

    >>> counted(1, "error"), counted(1200, "row"), counted(0, "row")
    ('1 error', '1,200 rows', 'no rows')
    """
    amount = f"{count:,}" if count else "no"
    return f"{amount} {what}" if count == 1 else f"{amount} {what}s"


def percent(share: float) -> str:
    """A share as whole per cent; what is there but rare is not called 0, nor what is nearly all 100.

    >>> percent(0.617), percent(0.001), percent(0.999), percent(1.0)
    ('62 %', '< 1 %', '> 99 %', '100 %')
    """
    if not np.isfinite(share):
        return "-"
    if 0 < share < 0.005:
        return "< 1 %"
    if 0.995 < share < 1:
        return "> 99 %"
    return f"{share:.0%}".replace("%", " %")


def spans(mask: np.ndarray) -> list[tuple[int, int]]:
    """Runs of True in a (T,) bool array as (first, one past the last).

    >>> spans(np.array([True, False, True, True]))
    [(0, 1), (2, 4)]
    """
    edges = np.flatnonzero(np.diff(np.concatenate([[False], np.asarray(mask, dtype=bool), [False]])))
    return [(int(first), int(stop)) for first, stop in edges.reshape(-1, 2)]


def judged(prediction: Prediction) -> np.ndarray:
    """(T,) bool: something was present and both values are finite."""
    finite = np.isfinite(prediction.arousal) & np.isfinite(prediction.valence)
    return np.asarray(prediction.presence.any(axis=1) & finite)


def mood_shares(prediction: Prediction) -> list[tuple[str, float]]:
    """Where on the circumplex the recording lived: (words, share of the judged frames), largest first."""
    arousal, valence = (_states(prediction, name) for name in ("arousal", "valence"))
    return _ranked([_mood(*signs) for signs in zip(arousal, valence, strict=True)])


def _states(prediction: Prediction, name: str) -> list[int]:
    """Of each judged frame: 1, −1, or 0 for near neutral."""
    values = getattr(prediction, name)[judged(prediction)]
    states: list[int] = np.where(np.abs(values) < NEUTRAL, 0, np.sign(values)).astype(int).tolist()
    return states


def _mood(arousal: int, valence: int) -> str:
    words = [_WORDS["arousal"][arousal], _WORDS["valence"][valence]]
    return " and ".join(word for word in words if word != "neutral") or "near neutral"


def _ranked(words: list[str]) -> list[tuple[str, float]]:
    return [(word, count / len(words)) for word, count in Counter(sorted(words)).most_common()]


def headline(prediction: Prediction) -> str:
    """One plain sentence without its full stop: "Mostly calm and pleasant: 62 % of the time"."""
    shares = mood_shares(prediction)
    if not shares:
        return "Nothing to judge: no face, no sound and no words were found"
    (mood, share), *rest = shares
    if not rest:
        return f"{mood.capitalize()}{' throughout' if len(prediction) > 1 else ''}"
    if share >= 0.5:
        return f"Mostly {mood}: {percent(share)} of the time"
    sides = {name: _ranked([_WORDS[name][sign] for sign in _states(prediction, name)]) for name in _WORDS}
    for name, other in (("valence", "arousal"), ("arousal", "valence")):
        (word, part), *_ = sides[name]
        if part >= 0.5 and word != "neutral":
            (one, _), (two, _), *_ = sides[other]
            return f"Mostly {word}: {percent(part)} of the time, by turns {one} and {two}"
    return f"Mixed: {percent(share)} of the time {mood}, {percent(rest[0][1])} {rest[0][0]}"


def mean_weights(prediction: Prediction) -> np.ndarray | None:
    """(3,) mean modality weights over the frames in which something was present; None if there are none."""
    weights, present = prediction.modality_weights, prediction.presence.any(axis=1)
    if weights is None or not present.any():
        return None
    return np.asarray(weights[present].mean(axis=0))


def printable(text: str) -> str:
    """Untrusted text for a terminal: control characters, which could move the cursor, become `?`."""
    return "".join(char if char.isprintable() else "?" for char in text)


def facts(prediction: Prediction, outputs: Sequence[Path] = ()) -> list[tuple[str, str]]:
    """The summary as (label, text) rows; `outputs` are the files that were written."""
    frames = len(prediction)
    rows = [(printable(prediction.name), f"{length(frames)}, {frames:,} frame{'' if frames == 1 else 's'}")]
    rows.append(("", headline(prediction)))
    seen = judged(prediction)
    for name, values in (("arousal", prediction.arousal), ("valence", prediction.valence)):
        if seen.any():
            part = values[seen].astype(np.float64)
            span = f", from {signed(part.min())} to {signed(part.max())}" if len(part) > 1 else ""
            rows.append((name, f"mean {signed(part.mean())}{span}"))
    weights = mean_weights(prediction)
    known = prediction.info.get("modalities", MODALITIES)
    for axis, (name, share) in enumerate(prediction.shares.items()):
        if name not in known:
            rows.append((LABELS[name], "not judged by this model"))
            continue
        weight = "" if weights is None else f", mean weight {percent(float(weights[axis]))}"
        rows.append((LABELS[name], f"present in {percent(share)} of the frames{weight if share else ''}"))
    if prediction.modality_weights is None:
        rows.append(("weights", "this fusion (concatenation) weighs nothing"))
    for axis, name in enumerate(MODALITIES):
        if name in known and (missing := _missing(~prediction.presence[:, axis])) is not None:
            rows.append((_MISSING[name], missing))
    rows += [("warning", printable(str(text))) for text in prediction.info.get("warnings", ())]
    return rows + [("wrote", printable(str(path))) for path in outputs]


def _missing(mask: np.ndarray) -> str | None:
    """The stretches over a second in which something was missing; None if there are none."""
    if len(mask) and mask.all():
        return "anywhere"
    long = [(first, stop) for first, stop in spans(mask) if stop - first > _LONG]
    if not long:
        return None
    named = ", ".join(f"{clock(first)} to {clock(stop)}" for first, stop in long[:_NAMED])
    more = f" and {len(long) - _NAMED} more" if len(long) > _NAMED else ""
    return f"{named}{more}, {length(sum(stop - first for first, stop in long))} in all"


def lines(prediction: Prediction, outputs: Sequence[Path] = ()) -> list[str]:
    """The summary as plain lines, first the file's name, then aligned rows."""
    (name, size), *rest = facts(prediction, outputs)
    width = max(len(label) for label, _ in rest)
    return [
        f"{name}: {size}",
        *(f"  {label:<{width}}  {text}" if label else f"  {text}" for label, text in rest),
    ]


def show(prediction: Prediction, outputs: Sequence[Path] = (), file: TextIO | None = None) -> None:
    """Print the summary to `file` (default: standard output), in colour where that is a terminal."""
    file = file or sys.stdout
    if file.isatty():
        from rich.console import Console

        _show_rich(facts(prediction, outputs), Console(file=file, highlight=False))
        return
    encoding = file.encoding or "utf-8"
    for line in lines(prediction, outputs):
        print(line.encode(encoding, "replace").decode(encoding), file=file)


def _show_rich(rows: list[tuple[str, str]], console: Console) -> None:
    from rich.table import Table
    from rich.text import Text

    (name, size), (_, mood), *rest = rows
    console.print(Text.assemble((name, "bold"), (f"  {size}", "dim")))
    console.print(Text(mood, "bold cyan"))
    table = Table.grid(padding=(0, 2))
    for label, text in rest:
        table.add_row(Text(label, "yellow" if label == "warning" else "dim"), Text(text))
    console.print(table)
