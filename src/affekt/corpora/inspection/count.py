"""What a corpus holds, counted: per partition and recording, what is missing, and what does not fit.

Nothing is decoded: durations are what the containers state, so that a large corpus takes seconds.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from affekt.corpora.corpus import Corpus, Fault
from affekt.corpora.formats.fitting import NEARLY
from affekt.corpora.formats.folders import ORDER, fault_of
from affekt.corpora.inspection.figures import BINS, Inspection, Item, Part, Spread
from affekt.errors import AffektError
from affekt.media import find_transcript, read_transcript, read_turns
from affekt.media.container import Contents, probe
from affekt.timeline import FRAME_RATE, MODALITIES, Recording, frame_count

MISFIT = NEARLY / FRAME_RATE + 1e-6
"""Seconds by which labels and media may differ before it is said."""
BEYOND = 1.0
"""Seconds by which words and turns may lie past the recording's end before it is said."""

Progress = Callable[[int, int], object]
"""Called with how many recordings have been looked at, of how many."""


def inspect(corpus: Corpus, progress: Progress | None = None) -> Inspection:
    """Look at every recording's files without decoding them, and count.

    Faults of files that only come to light here (media that cannot be opened, transcripts and turns that
    cannot be read, labels that end before or after the media) join those that the reader found.
    """
    look = _Look(corpus.faults)
    items = []
    for done, recording in enumerate(corpus.recordings, 1):
        items.append(look.at(recording))
        if progress:
            progress(done, len(corpus.recordings))
    look.faults += _one_sided(corpus)
    kinds = ("labels", *MODALITIES, "turns")
    absent = tuple(kind for kind in kinds if items and all(kind in item.lacks for item in items))
    parts = []
    for name in ORDER:
        of_it = [item for item in items if item.recording.partition == name]
        expected = corpus.expected.get(name or "", {})
        if of_it or expected:
            parts.append(_count(name or "unassigned", of_it, expected, absent))
    faults = sorted(look.faults, key=lambda fault: fault.severity != "error")
    return Inspection(
        corpus.kind, corpus.root, tuple(parts), tuple(items), tuple(faults), corpus.notes, absent
    )


class _Look:
    """Looks at recordings one by one and gathers faults; a film of two people is opened once."""

    def __init__(self, known: Iterable[Fault]) -> None:
        self.faults = list(known)
        self._told = {fault.path for fault in self.faults if fault.severity == "error"}
        self._misfits = {fault.recording for fault in self.faults if _MISFIT_WORDS.search(fault.message)}
        self._probed: dict[Path, Contents | None] = {}

    def at(self, recording: Recording) -> Item:
        """Open the files of one recording."""
        paths = [path for path in (recording.media, recording.sound) if path is not None]
        contents = {path: self._probe(path, recording) for path in paths}
        known = {path: one for path, one in contents.items() if one and one.stated and not one.still}
        lasts = {path: float(one.stated or 0) for path, one in known.items()}
        gold = recording.gold
        seconds = max(lasts.values(), default=None)
        if gold is not None and not gold.whole:
            exact = {path: lasts[path] for path, one in known.items() if one.exact}
            self._fit(recording, len(gold) / FRAME_RATE, exact)
            frames: int | None = len(gold)
            seconds = len(gold) / FRAME_RATE if seconds is None else seconds
        else:
            frames = None if seconds is None else frame_count(seconds)
        sentences = self._spans(recording, "transcript", seconds)
        turns = self._spans(recording, "turns", seconds)
        hears = contents.get(recording.sound or recording.media or Path())
        sees = contents.get(recording.media or Path())
        presence = (
            bool(sentences),
            bool(hears and hears.sound is not None),
            bool(sees and sees.video is not None),
        )
        has_labels = gold is not None and bool(np.isfinite(gold.values).any())
        has = {
            "labels": has_labels,
            "text": sentences is not None and recording.transcript != (),
            "turns": turns is not None,
        }
        has.update(zip(MODALITIES[1:], presence[1:], strict=True))
        lacks = tuple(kind for kind in ("labels", *MODALITIES, "turns") if not has[kind])
        return Item(recording, seconds, frames, sentences, turns, presence, lacks)

    def _probe(self, path: Path, recording: Recording) -> Contents | None:
        if path not in self._probed:
            try:
                self._probed[path] = probe(path)
                if cut := _cut_short(path):
                    self._warn(path, cut, recording)
            except AffektError as error:
                self._probed[path] = None
                self._refuse(path, error, recording)
        return self._probed[path]

    def _fit(self, recording: Recording, labelled: float, lasts: dict[Path, float]) -> None:
        """Say where the labels go on after a file's end, and where the longest goes on after theirs."""
        if recording.label in self._misfits or not lasts:
            return
        for path, seconds in lasts.items():
            if labelled - seconds > MISFIT:
                self._warn(
                    path,
                    f"lasts {seconds:.1f} s, its labels {labelled:.1f} s; after its end there are labels, "
                    "but nothing to see or hear",
                    recording,
                )
        path = max(lasts, key=lambda one: lasts[one])
        if lasts[path] - labelled > MISFIT:
            self._warn(
                path,
                f"lasts {lasts[path]:.1f} s, its labels {labelled:.1f} s; what comes later has no labels",
                recording,
            )

    def _spans(self, recording: Recording, what: str, seconds: float | None) -> int | None:
        """How many sentences or turns a recording has; None: no file, or none that can be read."""
        given = getattr(recording, what)
        if given is None and what == "transcript" and recording.media is not None:
            given = find_transcript(recording.media)
        if given is None:
            return None
        path = given if isinstance(given, Path) else None
        if path is not None:
            try:
                given = (read_transcript if what == "transcript" else read_turns)(path)
            except AffektError as error:
                self._refuse(path, error, recording)
                return None
        spans = "sentences" if what == "transcript" else "turns"
        past = [span for span in given if seconds is not None and span.start > seconds + BEYOND]
        if past:
            self._warn(
                path or recording.media or Path(recording.label),
                f"{len(past)} of its {len(given)} {spans} start after the recording's end "
                f"at {seconds:.1f} s, the last at {past[-1].start:.1f} s; is it another recording's, "
                "or in other units?",
                recording,
            )
        return len(given)

    def _warn(self, path: Path, message: str, recording: Recording) -> None:
        self.faults.append(Fault(path, message, severity="warning", recording=recording.label))

    def _refuse(self, path: Path, error: AffektError, recording: Recording) -> None:
        """An error's one line, its file and line taken apart; the reader may have said it."""
        if path in self._told:
            return
        self._told.add(path)
        self.faults.append(fault_of(error, path, recording.label))


_MISFIT_WORDS = re.compile(r"shorter|longer")


def _cut_short(path: Path) -> str | None:
    """Whether a RIFF file (WAV, AVI) holds less than its head says; FFmpeg believes the head."""
    try:
        with path.open("rb") as file:
            head = file.read(8)
        size = path.stat().st_size
    except OSError:
        return None
    said = int.from_bytes(head[4:8], "little") + 8
    # 0 and the largest number are what programs leave that write into a pipe.
    if head[:4] != b"RIFF" or said == 8 or said >= 0xFFFFFFFF or said <= size:
        return None
    return f"is cut short: it holds {size:,} of {said:,} bytes; what is there is used, copy it again"


def _one_sided(corpus: Corpus) -> list[Fault]:
    """Recordings that lack a dimension that others have labels of."""
    labelled = [(one, one.gold) for one in corpus.recordings if one.gold is not None]
    known = dict.fromkeys(name for _, gold in labelled for name in gold.dimensions)
    faults = []
    for one, gold in labelled:
        without = [name for name in known if not np.isfinite(gold.column(name)).any()]
        place = one.media or one.sound
        if place and 0 < len(without) < len(known):
            message = f"has no labels of {' and '.join(without)}, other recordings have"
            faults.append(Fault(place, message, severity="warning", recording=one.label))
    return faults


def _count(name: str, items: list[Item], expected: dict[str, int], absent: tuple[str, ...]) -> Part:
    """Add up one partition."""
    missing: dict[str, list[str]] = defaultdict(list)
    for item in items:
        for kind in item.lacks:
            if kind not in absent:
                missing[kind].append(item.recording.label)
    recordings = [item.recording for item in items]
    return Part(
        name=name,
        recordings=len(items),
        frames=sum(item.frames or 0 for item in items),
        sentences=sum(item.sentences or 0 for item in items),
        hours=sum(item.seconds or 0.0 for item in items) / 3600,
        speakers=len({one.speaker for one in recordings if one.speaker is not None}),
        groups=len({one.group for one in recordings if one.group is not None}),
        presence={kind: sum(item.presence[i] for item in items) for i, kind in enumerate(MODALITIES)},
        gold=_gold(items),
        expected=expected,
        missing={kind: tuple(names) for kind, names in missing.items()},
    )


def _gold(items: list[Item]) -> dict[str, Spread]:
    labels = [item.recording.gold for item in items if item.recording.gold is not None]
    names = dict.fromkeys(name for gold in labels for name in gold.dimensions)
    whole = any(gold.whole for gold in labels)
    unlabelled = [item for item in items if item.recording.gold is None]
    total = sum(map(len, labels)) + sum(1 if whole else item.frames or 0 for item in unlabelled)
    spreads = {}
    for name in names:
        values = np.concatenate([gold.column(name) for gold in labels]).astype(np.float64)
        values = values[np.isfinite(values)]
        counts, _ = np.histogram(np.clip(values, -1, 1), BINS, (-1, 1))
        figures = (np.mean, np.std, np.min, np.max)
        mean, sd, low, high = (float(of(values)) if len(values) else np.nan for of in figures)
        share = len(values) / total if total else 0.0
        spreads[name] = Spread(share, mean, sd, low, high, tuple(map(int, counts)))
    return spreads
