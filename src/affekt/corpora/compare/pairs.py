"""Predictions and gold brought together: which belongs to which, row by row, nothing silently dropped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Literal

import numpy as np

from affekt.corpora.compare.sides import Labelled, Side, bare_name, columns_of, own_trace
from affekt.corpora.corpus import Fault
from affekt.corpora.gold.delay import later
from affekt.corpora.labels.traces import Trace, on_frames
from affekt.errors import CorpusError
from affekt.timeline import FRAME_RATE, Partition, Recording

Pad = Literal["last", "mask"]
"""What a frame gets whose gold has a label and whose prediction has no value: the value before it (at the
head, where there is none, the first one after), or nothing, so that it does not count."""

SHORTER = 2
"""Rows that a prediction may end early without --pad: clocks and codecs disagree by so much."""


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """Predictions and gold of one recording, on the same rows."""

    recording: Recording
    """Its name, partition, speaker and group, as far as they are known."""
    predictions: np.ndarray
    """(N, D) float64, NaN where a row does not count."""
    gold: np.ndarray
    """(N, D) float64, NaN where there is no label."""
    rows: str
    """What a row is, for people: "0.1 s", "pictures", "recordings"."""
    series: str | None = None
    """What it is scored together with, if it is one value."""
    cropped: int = 0
    """Rows that the prediction had beyond the gold."""
    masked: int = 0
    """Labelled rows that do not count, as the prediction has no value there."""
    held: int = 0
    """Labelled rows for which the prediction's value before them stands in."""


@dataclass(frozen=True, slots=True)
class Pairing:
    """What could be compared, and what could not."""

    pairs: tuple[Pair, ...]
    """In natural order of their names."""
    dimensions: tuple[str, ...]
    faults: tuple[Fault, ...]
    """Errors: their recordings are left out; warnings: what was read, but not trusted."""
    without_prediction: tuple[str, ...]
    """Recordings that have gold alone."""
    without_gold: tuple[str, ...]
    unlabelled: tuple[str, ...]
    """Recordings whose gold is there, but empty, as that of hidden test sets is."""


def pair_up(
    predictions: Side,
    gold: Side,
    *,
    dimensions: Sequence[str] = (),
    select: Sequence[str] = (),
    partition: Partition | None = None,
    pad: Pad | None = None,
) -> Pairing:
    """Match two sides by name and bring each pair to the same rows.

    Where both have the same step, a corpus' label files theirs, rows are compared as they are; else both at
    10 Hz. What a prediction has beyond its gold is cropped, with a warning.

    Args:
        dimensions: which; (): all that both sides have.
        select: patterns of names as the shell knows them (`Devel_DE_*`); (): all.
        partition: of the gold; None: all.
        pad: what to do where a prediction has no value for a labelled row; None: that is an error, unless it
            ends at most two rows early: then those do not count.

    Raises:
        CorpusError: nothing can be compared.
    """
    theirs, ours = _selected(gold, select, partition), _selected(predictions, select, None)
    matched = _matched(ours, theirs)
    if not matched:
        raise CorpusError(
            f"{predictions.root}: no recording is called as one of {gold.root} is: here {_some(ours)}, "
            f"there {_some(theirs)}"
        )
    chosen = tuple(dimensions) or _common(matched)
    pairs, faults, unlabelled = [], [], []
    for one, other in matched:
        if np.isnan(_columns(other.trace, chosen).values).all():
            unlabelled.append(other.recording.name)
            continue
        try:
            pairs.append(_compared(one, other, chosen, pad))
        except CorpusError as error:
            faults.append(Fault(one.path, str(error), recording=other.recording.name))
    with_both = {id(one) for match in matched for one in match}
    return Pairing(
        tuple(pairs),
        chosen,
        (*_of_selected(predictions, ours), *_of_selected(gold, theirs), *_strangers(matched), *faults),
        tuple(one.recording.name for one in theirs if id(one) not in with_both),
        tuple(one.recording.name for one in ours if id(one) not in with_both),
        tuple(unlabelled),
    )


def on_clock(side: Side) -> Side:
    """All traces at 10 Hz, a row a frame; what has one value for all of a recording is left out.

    Raises:
        CorpusError: one has no times, or there is no trace.
    """
    laid = []
    for one in side.labelled:
        if one.whole:
            continue
        if not one.trace.timed:
            raise CorpusError(f"{one.path}: has no times; delays make sense only where there are some")
        laid.append(replace(one, trace=on_frames(one.trace)))
    if not laid:
        raise CorpusError(f"{side.root}: there are no labels over time in it")
    return replace(side, labelled=tuple(laid))


def moved_back(side: Side, delays: Mapping[str, float]) -> Side:
    """Predictions of a network that learnt from gold moved earlier, back to where the annotators are.

    Args:
        delays: dimension → seconds, 0 to 30; not named is 0.

    Raises:
        CorpusError: as `on_clock`.
    """
    moved = []
    for one in on_clock(side).labelled:
        seconds = [delays.get(column, 0.0) for column in one.trace.columns]
        moved.append(replace(one, trace=replace(one.trace, values=later(one.trace.values, seconds))))
    return replace(side, labelled=tuple(moved))


def _selected(side: Side, select: Sequence[str], partition: Partition | None) -> list[Labelled]:
    chosen = [one for one in side.labelled if _fits(one.recording.name, select)]
    if not chosen:
        raise CorpusError(
            f"{side.root}: no recording fits {', '.join(select)}; there are {_some(side.labelled)}"
        )
    if partition is None:
        return chosen
    if not any(one.recording.partition for one in chosen):
        raise CorpusError(f"{side.root}: its partitions are not known; choose by name, --select 'Devel_*'")
    chosen = [one for one in chosen if one.recording.partition == partition]
    if not chosen:
        raise CorpusError(f"{side.root}: no recording with labels is of the partition {partition}")
    return chosen


def _fits(name: str, select: Sequence[str]) -> bool:
    return not select or any(fnmatchcase(name, pattern) for pattern in select)


def _of_selected(side: Side, chosen: Sequence[Labelled]) -> list[Fault]:
    """Faults of a side without those of recordings that were not asked for."""
    left_out = {one.recording.name for one in side.labelled} - {one.recording.name for one in chosen}
    return [fault for fault in side.faults if fault.recording not in left_out]


def _some(labelled: Sequence[Labelled]) -> str:
    names = [one.recording.name for one in labelled]
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _matched(ours: Sequence[Labelled], theirs: Sequence[Labelled]) -> list[tuple[Labelled, Labelled]]:
    """(prediction, gold) by name; what is left by the name in the file, then by looser readings of it."""
    ways: list[Callable[[Labelled], str]] = [
        lambda one: one.recording.name,
        lambda one: bare_name(one.trace.name or one.recording.name),
        lambda one: bare_name(one.recording.name).replace("/", "_").casefold(),
        lambda one: bare_name(one.recording.name).rpartition("/")[2].casefold(),
    ]
    found: dict[int, Labelled] = {}
    left = list(ours)
    for way in ways:
        mine = _by(way, left)
        for name, other in _by(way, [one for one in theirs if id(one) not in found]).items():
            if name in mine:
                found[id(other)] = mine[name]
        taken = {id(one) for one in found.values()}
        left = [one for one in left if id(one) not in taken]
    if len(ours) == len(theirs) == 1:  # two files were named: they are meant
        found = {id(theirs[0]): ours[0]}
    return [(found[id(one)], one) for one in theirs if id(one) in found]


def _strangers(matched: Sequence[tuple[Labelled, Labelled]]) -> Iterator[Fault]:
    """Warnings of pairs of files that each name their recording, and not the same one."""
    for one, other in matched:
        here, there = (bare_name(side.trace.name or "") for side in (one, other))
        if here and there and here.casefold() != there.casefold():
            message = f"names its recording {here}, the gold ({other.path}) {there}; compared all the same"
            yield Fault(one.path, message, severity="warning", recording=other.recording.name)


def _by(way: Callable[[Labelled], str], labelled: Sequence[Labelled]) -> dict[str, Labelled]:
    """By a name that only one of them has."""
    names = [way(one) for one in labelled]
    times = Counter(names)
    return {name: one for name, one in zip(names, labelled, strict=True) if times[name] == 1}


def _common(matched: Sequence[tuple[Labelled, Labelled]]) -> tuple[str, ...]:
    ours, theirs = (columns_of(side) for side in zip(*matched, strict=True))
    if not set(ours) & set(theirs):
        raise CorpusError(
            f"{matched[0][0].path}: has the columns {', '.join(ours)}, and the gold {', '.join(theirs)}: "
            "none is in both; name them alike"
        )
    return tuple(name for name in ours if name in theirs)


def _compared(ours: Labelled, theirs: Labelled, dimensions: Sequence[str], pad: Pad | None) -> Pair:
    """One pair on the same rows.

    Raises:
        CorpusError: (without the file's name) they do not fit.
    """
    if missing := [name for name in dimensions if name not in ours.trace.columns]:
        raise CorpusError(f"has no column {', '.join(missing)}; --dimension chooses others")
    x, y = _columns(ours.trace, dimensions), _columns(theirs.trace, dimensions)
    cropped = 0
    if theirs.whole:
        values, rows = _whole(x.values), "recordings"
    elif ours.whole:
        raise CorpusError(f"has one value for the whole recording, the gold ({theirs.path}) one a row")
    else:
        x, y = _same_clock(x, _at_own_step(x, y, theirs), theirs)
        (values, cropped), rows = _laid_on(x, y), f"{y.step:.4g} s" if y.timed else "pictures"
    lacking = int((np.isnan(values) & ~np.isnan(y.values)).any(1).sum())
    values = _filled(values, y.values, pad)
    held = lacking if pad == "last" else 0
    return Pair(
        _known(theirs.recording, ours.recording),
        np.where(np.isnan(y.values), np.nan, values),
        np.where(np.isnan(values), np.nan, y.values),
        rows,
        theirs.series if theirs.whole else None,
        cropped,
        lacking - held,
        held,
    )


def _known(recording: Recording, other: Recording) -> Recording:
    """The gold's recording, with what only the prediction's side knows of it."""
    return replace(
        recording,
        partition=recording.partition or other.partition,
        speaker=recording.speaker or other.speaker,
        group=recording.group or other.group,
    )


def _columns(trace: Trace, dimensions: Sequence[str]) -> Trace:
    """Only these dimensions, in this order; NaN for those that are not there."""
    values = np.full((len(trace.values), len(dimensions)), np.nan)
    for place, name in enumerate(dimensions):
        if name in trace.columns:
            values[:, place] = trace.values[:, trace.columns.index(name)]
    return replace(trace, columns=tuple(dimensions), values=values)


def _whole(values: np.ndarray) -> np.ndarray:
    """(1, D) mean over the rows that have a value, NaN of a dimension without any."""
    known = ~np.isnan(values)
    total = np.where(known, values, 0.0).sum(0) / np.maximum(known.sum(0), 1)
    return np.where(known.any(0), total, np.nan)[None]


def _same_clock(x: Trace, y: Trace, theirs: Labelled) -> tuple[Trace, Trace]:
    """Both as they are if their rows fall together, else both at 10 Hz."""
    if y.timed and not x.timed:
        raise CorpusError(
            f"has no times, and the gold ({theirs.path}) has: no row can be told to belong to another; "
            "give it a column of times, or as gold the folder of label files whose rows are the same pictures"
        )
    if x.timed and not y.timed:
        raise CorpusError(
            f"has times, but the gold ({theirs.path}) has none: no row can be told to belong to another; "
            "give as gold the corpus' folder, with its films, which tell the times"
        )
    if not x.timed or _fall_together(x, y):
        return x, y
    return on_frames(x), on_frames(y)


def _at_own_step(x: Trace, y: Trace, theirs: Labelled) -> Trace:
    """A corpus' gold as its label files have it if predictions keep their clock, else y, at 10 Hz."""
    if not theirs.files or (x.timed and abs(x.step * FRAME_RATE - 1) < 1e-3):
        return y
    try:
        own = _columns(own_trace(theirs.files), y.columns)
    except CorpusError:  # of one dimension, which the corpus' reader has told
        return y
    return own if x.timed == own.timed and (not x.timed or _fall_together(x, own)) else y


def _fall_together(x: Trace, y: Trace) -> bool:
    """Whether steps are the same and each row of y that lies within x starts with one of x, or in a gap."""
    if abs(x.step - y.step) > 1e-3 * y.step:
        return False
    distance = np.abs(x.starts[_nearest(x.starts, y.starts)] - y.starts)
    return not np.any((distance > 0.1 * y.step) & (distance < 0.9 * y.step))


def _nearest(starts: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Of each wanted time the place of the nearest start."""
    middle = (starts[1:] + starts[:-1]) / 2
    return np.searchsorted(middle, wanted)


def _laid_on(x: Trace, y: Trace) -> tuple[np.ndarray, int]:
    """x's values on y's rows, NaN where x has none, and how many rows x goes on after y."""
    nearest = _nearest(x.starts, y.starts)
    there = np.abs(x.starts[nearest] - y.starts) < 0.5 * y.step
    values = np.where(there[:, None], x.values[nearest], np.nan)
    return values, int(np.count_nonzero(x.starts > y.starts[-1] + 0.5 * y.step))


def _filled(values: np.ndarray, gold: np.ndarray, pad: Pad | None) -> np.ndarray:
    """Predictions, with what is lacking filled, or still lacking where it may be.

    Raises:
        CorpusError: too much is lacking, and `pad` does not say what to do.
    """
    labelled = ~np.isnan(gold)
    lacking = (np.isnan(values) & labelled).any(1)
    count, of = int(lacking.sum()), int(labelled.any(1).sum())
    given = np.flatnonzero(labelled.any(1) & ~lacking)
    if not len(given):
        raise CorpusError(f"has no value in any of the {of:,} rows that have a label")
    tail = int(lacking[given[-1] :].sum())
    if pad == "last":
        return _held(values)
    if pad == "mask" or count == tail <= SHORTER:
        return values
    what = f"ends {tail:,} rows before the gold"
    if count > tail:
        first = int(np.argmax(lacking)) + 1
        what = f"has no value in {count:,} of {of:,} rows, the first of them row {first:,}"
    raise CorpusError(f"{what}; --pad last holds the value before them, --pad mask leaves them out")


def _held(values: np.ndarray) -> np.ndarray:
    """Each NaN becomes the value before it, at the head the first value after."""
    known = ~np.isnan(values)
    rows = np.arange(len(values))[:, None]
    before = np.maximum.accumulate(np.where(known, rows, -1), axis=0)
    first = np.argmax(known, axis=0)
    return np.take_along_axis(values, np.where(before < 0, first, before), axis=0)
