"""OMG-Emotion: short clips of monologues, one arousal and valence for each utterance.

Laid out as the challenge's repository (knowledgetechnologyuhh/OMGEmotionChallenge) hands it out:
`omg_TrainVideos.csv` and its kind, the transcripts beside them, and the clips wherever its `prepare_data.py`
was told to put them, as `<video>/utterance_N.mp4`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from affekt.corpora.corpus import Corpus, Fault
from affekt.corpora.formats.folders import FILMS, fault_of, natural, partition_of, walk
from affekt.corpora.formats.sheets import Row, Sheet, read_sheet
from affekt.errors import CorpusError
from affekt.timeline import DIMENSIONS, Gold, Partition, Recording, Sentence

KIND = "OMG-Emotion"

LISTS = re.compile(r"omg_(train|validation|test)videos(_with(out)?labels)?\.csv", re.IGNORECASE)
SAID = re.compile(r"omg_(train|validation|test)transcripts?\.csv", re.IGNORECASE)

Utterance = tuple[str, str]
"""Video, and the name of the utterance's file: what the corpus' tables are joined on."""


def recognises(root: Path) -> bool:
    """Whether a folder holds one of the lists of utterances."""
    return root.is_dir() and any(LISTS.fullmatch(path.name) for path in root.iterdir())


@dataclass
class _Found:
    """What was read so far."""

    clips: dict[Utterance, list[Path]]
    words: dict[Utterance, str]
    faults: list[Fault] = field(default_factory=list)
    recordings: dict[Utterance, Recording] = field(default_factory=dict)
    lines: dict[Utterance, str] = field(default_factory=dict)
    groups: dict[str, str] = field(default_factory=dict)
    """Address of a film → the first video cut from it: `abc` and `abc_1` are one person's."""


def read(root: Path) -> Corpus:
    """Read the lists; the list with labels is taken of a partition that has one without as well.

    Raises:
        CorpusError: there is no list, or none of them names an utterance.
    """
    names = sorted(path.name for path in root.iterdir()) if root.is_dir() else []
    lists = [root / name for name in names if LISTS.fullmatch(name)]
    if not lists:
        raise CorpusError(f"{root}: there is no omg_TrainVideos.csv or the like in it")
    found = _Found(_clips(root), {})
    for name in names:
        if SAID.fullmatch(name):
            _read_words(root / name, found)
    for path in sorted(lists, key=lambda one: "without" in one.name.lower()):
        try:
            sheet = read_sheet(path)
        except CorpusError as error:
            found.faults.append(fault_of(error, path))
            continue
        found.faults += sheet.faults
        _read_list(sheet, found)
    if not found.recordings:
        first = f"; {found.faults[0]}" if found.faults else ""
        raise CorpusError(f"{root}: none of its lists names an utterance{first}")
    recordings = tuple(found.recordings.values())
    found.faults += _missing(root, recordings)
    notes = ("arousal is between 0 and 1 as handed out, not between −1 and 1",)
    return Corpus(KIND, root, recordings, tuple(found.faults), notes)


def _clips(root: Path) -> dict[Utterance, list[Path]]:
    """The clips that are there, wherever beneath the root."""
    clips: dict[Utterance, list[Path]] = {}
    for folder, files in walk(root):
        for name in files:
            if (path := folder / name).suffix.lower() in FILMS:
                clips.setdefault((folder.name, path.stem), []).append(path)
    return clips


def _key(row: Row) -> Utterance:
    return row.get(["video"]), Path(row.get(["utterance"])).stem


def _read_words(path: Path, found: _Found) -> None:
    try:
        sheet = read_sheet(path, open_end=True)
        if absent := {"video", "utterance", "transcript"} - set(sheet.header):
            raise CorpusError(f"{path}, line 1: has no column {', '.join(sorted(absent))}")
    except CorpusError as error:
        found.faults.append(fault_of(error, path))
        return
    found.faults += sheet.faults
    for row in sheet.rows:
        found.words[_key(row)] = " ".join(row.get(["transcript"]).split())


def _read_list(sheet: Sheet, found: _Found) -> None:
    if absent := {"video", "utterance"} - set(sheet.header):
        message = f"has no column {', '.join(sorted(absent))}; left out"
        found.faults.append(Fault(sheet.path, message, 1))
        return
    match = LISTS.fullmatch(sheet.path.name)
    partition = partition_of(match[1]) if match else None
    again = "without" in sheet.path.name.lower()
    for row in sheet.rows:
        key, here = _key(row), f"{sheet.path.name}, line {row.line}"
        if not all(key):
            found.faults.append(Fault(sheet.path, "names no video or no utterance; left out", row.line))
        elif key not in found.recordings:
            found.lines[key] = here
            found.recordings[key] = _recording(sheet, row, key, partition, found)
        elif not again or found.recordings[key].partition != partition:
            message = f"is the utterance of {found.lines[key]} again; left out"
            found.faults.append(Fault(sheet.path, message, row.line, recording=_name(key)))


def _name(key: Utterance) -> str:
    return "_".join(key)


def _recording(
    sheet: Sheet, row: Row, key: Utterance, partition: Partition | None, found: _Found
) -> Recording:
    name, clips = _name(key), found.clips.get(key, [])
    if len(clips) > 1:
        # A video's clips may lie in a folder for each partition.
        own = [one for one in clips if partition in map(partition_of, one.parts)]
        clips = own or clips
        if len(clips) > 1:
            message = f"there is a second clip of it, {clips[1]}; this one was taken"
            found.faults.append(Fault(clips[0], message, severity="warning", recording=name))
    return Recording(
        media=clips[0] if clips else None,
        transcript=_transcript(sheet, row, key, found),
        language="en",
        name=name,
        partition=partition,
        group=found.groups.setdefault(row.get(["link"]) or key[0], key[0]),
        gold=_gold(sheet, row, name, found),
    )


def _gold(sheet: Sheet, row: Row, name: str, found: _Found) -> Gold | None:
    values = []
    for dimension in DIMENSIONS:
        field_ = row.get([dimension])
        value = sheet.number(field_)
        if value is None or abs(value) > 1:
            message = f"the {dimension} {field_[:20]!r} is no number between −1 and 1; masked"
            found.faults.append(Fault(sheet.path, message, row.line, "warning", name))
            value = np.nan
        values.append(value)
    return None if np.isnan(values).all() else Gold(np.array([values], np.float32), whole=True)


def _transcript(sheet: Sheet, row: Row, key: Utterance, found: _Found) -> tuple[Sentence, ...] | None:
    """What was said, over the whole clip; None if no table says."""
    words = found.words.get(key)
    if not words:
        return None if words is None else ()
    start, end = (sheet.number(row.get([one])) for one in ("start", "end"))
    if start is None or end is None or not end > start:
        message = "start and end are no stretch of time; the clip's transcript was left out"
        found.faults.append(Fault(sheet.path, message, row.line, "warning", _name(key)))
        return ()
    return (Sentence(0.0, round(end - start, 3), words),)


def _missing(root: Path, recordings: tuple[Recording, ...]) -> list[Fault]:
    absent = sorted((one.name for one in recordings if one.media is None), key=natural)
    if not absent:
        return []
    message = (
        f"{len(absent)} of {len(recordings)} clips are not there, such as {absent[0]}; the corpus' "
        "prepare_data.py fetches and cuts them: <video>/utterance_N.mp4 is looked for anywhere in the folder"
    )
    return [Fault(root, message, severity="warning")]
