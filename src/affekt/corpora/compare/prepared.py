"""The gold of a prepared folder as one side of a comparison: as a network was trained on it and judged."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from affekt.corpora.compare.sides import Labelled, Side
from affekt.corpora.labels.traces import Trace
from affekt.corpora.prepared.dataset import PreparedClip, open_prepared
from affekt.errors import CorpusError
from affekt.timeline import FRAME_RATE, Partition, Recording


def prepared_gold(
    folder: Path, partition: Partition | None = None, delays: Mapping[str, float] | None = None
) -> Side:
    """Gold of what `affekt prepare` made, moved earlier by its annotation delay.

    Args:
        partition: None: of all recordings.
        delays: dimension → seconds, instead of those that the folder was prepared with.

    Raises:
        CorpusError: as `open_prepared`, or there is no gold.
    """
    prepared = open_prepared(folder)
    if delays is not None:
        moved = replace(prepared.dataset.delays, annotation=delays)
        prepared = open_prepared(folder, delays=moved)
    else:
        delays = prepared.dataset.delays.annotation
    clips = [clip for clip in (prepared.of(partition) if partition else prepared) if clip.entry.labelled]
    if not clips:
        of = f"recording of {partition}" if partition else "recording"
        raise CorpusError(f"{folder}: no {of} has gold; give other gold with --gold")
    late = [f"{name} {seconds:g} s" for name, seconds in delays.items() if seconds]
    notes = (
        (f"gold as it was trained on, earlier by the annotation delay: {', '.join(late)}",) if late else ()
    )
    return Side(folder, gold_of_clips(folder, clips), notes=notes)


def gold_of_clips(folder: Path, clips: Iterable[PreparedClip]) -> tuple[Labelled, ...]:
    """Gold of some prepared clips, moved as they were opened.

    Raises:
        CorpusError: a clip is damaged.
    """
    return tuple(_labelled(folder, clip) for clip in clips)


def _labelled(folder: Path, clip: PreparedClip) -> Labelled:
    entry, gold = clip.entry, clip.gold
    whole = bool(clip.file.about["whole"])  # one label, which was spread over all frames
    values = gold.values[: 1 if whole else None].astype(np.float64)
    starts = np.arange(len(values)) / FRAME_RATE
    trace = Trace(gold.dimensions, values, starts, 1 / FRAME_RATE, "prepared")
    recording = Recording(
        None, name=entry.name, partition=entry.partition, speaker=entry.speaker, group=entry.group
    )
    return Labelled(recording, folder / entry.file, trace, whole, entry.group or entry.speaker)
