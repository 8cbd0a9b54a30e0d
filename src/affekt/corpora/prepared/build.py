"""A corpus' recordings → prepared clips in a folder, over many processes, and on again after a kill.

A clip says in its header what it was made of (`fingerprint`), and takes its place whole or not at all; so the
folder itself tells what is still to be done. While a run is at work dataset.json says that it is not
complete; the manifest is made from the clips' headers at the end. A run that is killed leaves at most files
called `.affekt-….part`, which the next one sweeps. A worker that outlives it by a moment can do no harm:
what it would put in place is byte for byte what the next run makes.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from affekt.corpora.corpus import Corpus
from affekt.corpora.prepared.clipfile import ClipWriter, open_clip
from affekt.corpora.prepared.dataset import (
    CLIPS,
    DATASET,
    Dataset,
    entry_of,
    read_dataset,
    write_dataset,
    write_manifest,
)
from affekt.corpora.prepared.lock import only_run, sweep
from affekt.errors import CorpusError, MediaError
from affekt.media.clips import Reading, read_clips
from affekt.timeline import Clip, ClipSpec, Gold, Recording
from affekt.timeline.words import split_words, storable
from affekt.workers import spread

FORMAT = "affekt-clip-1"
"""Part of each fingerprint; the number grows when the same recording would come out otherwise."""
SLACK = 2
"""Frames by which gold may be longer or shorter than its recording without a word."""


@dataclass(frozen=True, slots=True)
class Task:
    """One recording to be prepared, and where its clip goes."""

    recording: Recording
    target: Path
    spec: ClipSpec
    voice: bool
    notes: tuple[str, ...] = ()
    """What was left out of it by who read the corpus."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of all of them, in the corpus' order."""

    prepared: int
    kept: int
    """Clips that were there already, of the same files and settings."""
    failed: tuple[tuple[str, str], ...]
    """Names, and why."""
    warnings: tuple[tuple[str, str], ...]
    """Names and warnings, each by itself; the manifest has them as well."""
    damaged: tuple[str, ...] = ()
    """Of recordings that were prepared: which film or sound file could not be used."""


def prepare(
    corpus: Corpus,
    out: Path,
    dataset: Dataset,
    *,
    workers: int = 1,
    ray: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Outcome:
    """Prepare all recordings of a corpus that are not prepared yet.

    Args:
        out: folder for the clips; it is made.
        dataset: the settings; `corpus`, `complete` and `failed` are filled in here.
        workers, ray: as `workers.spread`.
        progress: called with the recordings done and all of them.

    Raises:
        CorpusError: another corpus was prepared in the folder, or another run is at work there.
        ClusterError: the cluster cannot be reached.
        OutputError: the folder cannot be written to.
    """
    dataset = replace(dataset, corpus=corpus.kind, complete=False, failed=())
    _check_folder(out, corpus.root)
    with only_run(out):
        _check_corpus(out, corpus.kind)
        names = file_names([one.label for one in corpus.recordings])
        pairs = zip(corpus.recordings, names, strict=True)
        place = Path(os.path.abspath(out)) if ray else out
        notes = _left_out(corpus)
        tasks = [
            Task(
                one.absolute() if ray else one,
                place / CLIPS / name,
                dataset.spec,
                dataset.voice,
                tuple(notes[one.label]),
            )
            for one, name in pairs
        ]
        failed: dict[Path, str] = {}
        damaged: dict[Path, str] = {}
        new = 0
        with closing(spread(prepare_one, tasks, workers=workers, ray=ray)) as results:
            _begin(out, dataset)
            for count, (task, result) in enumerate(results, 1):
                if isinstance(result, Exception):
                    failed[task.target] = _fault(task.recording, result)
                else:
                    new += result.new
                    if result.lost:
                        damaged[task.target] = f"{task.recording.label}: {result.lost}"
                if progress:
                    progress(count, len(tasks))
        sweep(out / CLIPS)  # once more: a worker of a killed run may have lived on for a moment
        lost = tuple((one.recording.label, failed[one.target]) for one in tasks if one.target in failed)
        made = [one.target for one in tasks if one.target not in failed]
        clips = [open_clip(path) for path in made]
        entries = [entry_of(clip, f"{CLIPS}/{path.name}") for clip, path in zip(clips, made, strict=True)]
        write_manifest(out, entries)
        write_dataset(out, replace(dataset, complete=True, failed=lost))
    warnings = tuple((clip.about["name"], one) for clip in clips for one in clip.about["warnings"])
    told = tuple(damaged[path] for path in made if path in damaged)
    return Outcome(new, len(made) - new, lost, warnings, told)


@dataclass(frozen=True, slots=True)
class Made:
    """What became of one recording."""

    new: bool
    """False: it was there already."""
    lost: str | None
    """That its film, or its own sound file, could not be used."""


def prepare_one(task: Task) -> Made:
    """Prepare one recording, unless it is.

    Raises:
        MediaError, TranscriptError, TurnsError: as `media.read_clips`.
        OutputError: the clip cannot be written.
    """
    recording = task.recording
    reading = read_clips(recording, task.spec, threads=1)
    for note in task.notes:
        reading.warn(note)
    fingerprint = fingerprint_of(task, reading)
    if _is_made(task.target, fingerprint):
        return Made(False, reading.lost)
    heard = reading.contents and (reading.contents.beside or reading.contents)
    if task.voice and recording.turns is None and heard and heard.sound is not None:
        from affekt.media.voice import speech_turns

        reading.turns = speech_turns(heard.path, reading.warn)
        reading.warn("no turn file: a voice-activity detector marked where somebody speaks")
    counts = {"frames": 0, "heard": 0, "seen": 0}
    with ClipWriter(task.target.parent) as writer:
        for clip in reading:
            frame_face = np.where(clip.frame_face >= 0, clip.frame_face + counts["seen"], -1)
            _add(writer, clip, frame_face)
            counts["frames"] += len(clip)
            counts["heard"] += int(clip.has_sound.sum())
            counts["seen"] += int((clip.frame_face >= 0).sum())
        gold = fitted(recording.gold, counts["frames"], reading.warn)
        writer.add(gold=gold.values)
        about = _about(recording, task.spec, reading, gold) | counts
        about |= {"fingerprint": fingerprint, "warnings": [storable(one) for one in reading.warnings]}
        writer.save(task.target, about)
    return Made(True, reading.lost)


def _add(writer: ClipWriter, clip: Clip, frame_face: np.ndarray) -> None:
    writer.add(
        sound=clip.sound,
        has_sound=clip.has_sound,
        speaker=clip.speaker,
        faces=clip.faces,
        frame_face=frame_face,
        boxes=clip.boxes,
    )


def _about(recording: Recording, spec: ClipSpec, reading: Reading, gold: Gold) -> dict[str, Any]:
    """What a clip's header says of the recording: no path, no time of day."""
    texts = [(one, storable(one.text)) for one in reading.sentences]
    return {
        "format": FORMAT,
        "name": storable(recording.label),
        "partition": recording.partition,
        "speaker": recording.speaker,
        "group": recording.group,
        "language": recording.language,
        "clip": spec.to_dict(),
        "sentences": [[one.start, one.end, text, list(split_words(text))] for one, text in texts],
        "dimensions": list(gold.dimensions),
        "whole": gold.whole,
        "labelled": int(np.isfinite(gold.values).any(axis=1).sum()),
    }


def fitted(gold: Gold | None, n_frames: int, warn: Callable[[str], None]) -> Gold:
    """Gold on a recording's frames: cropped, or masked where it ends too early; one label stands for all.

    Returns:
        (T, D) float32; D = 0 without gold.
    """
    if gold is None:
        return Gold(np.zeros((n_frames, 0), np.float32), ())
    values = np.asarray(gold.values, np.float32)
    if gold.whole:
        return replace(gold, values=np.repeat(values[:1], n_frames, axis=0))
    if abs(len(values) - n_frames) > SLACK:
        said = "cropped" if len(values) > n_frames else "the rest has no label"
        warn(f"the gold has {len(values)} frames, the recording {n_frames}; {said}")
    missing = max(0, n_frames - len(values))
    return replace(gold, values=np.pad(values[:n_frames], ((0, missing), (0, 0)), constant_values=np.nan))


# What a clip is made of


def fingerprint_of(task: Task, reading: Reading) -> str:
    """SHA-256 of all that decides how a clip comes out: files' contents, gold, settings.

    Contents and not times: a corpus that was copied is the same corpus.
    """
    one = task.recording
    gold = None
    if one.gold is not None:
        values = np.ascontiguousarray(one.gold.values, "<f4")
        gold = hashlib.sha256(values.tobytes()).hexdigest(), values.shape, one.gold.dimensions, one.gold.whole
    parts = {
        "format": FORMAT,
        "clip": task.spec.to_dict(),
        "voice": task.voice and one.turns is None,
        "files": [_digest(path) for path in (one.media, one.sound)],
        "sentences": [(said.start, said.end, storable(said.text)) for said in reading.sentences],
        "turns": None
        if reading.turns is None
        else [(turn.start, turn.end, turn.subject) for turn in reading.turns],
        "notes": [storable(note) for note in reading.warnings],
        "subject": one.subject,
        "named": [
            storable(text) if text else text
            for text in (one.label, one.partition, one.speaker, one.group, one.language)
        ],
        "gold": gold,
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _digest(path: Path | None) -> str | None:
    if path is None:
        return None
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise MediaError(f"{path}: cannot be read ({error.strerror or error})") from error


def _is_made(path: Path, fingerprint: str) -> bool:
    """Whether a clip is there, made of just this, and whole to the byte."""
    if not path.exists():
        return False
    try:
        clip = open_clip(path)
        if clip.about.get("fingerprint") != fingerprint:
            return False
        clip.verify()
    except CorpusError:  # damaged: it is made anew
        return False
    return True


# The folder


def file_names(names: Sequence[str], ending: str = ".safetensors") -> list[str]:
    """Names of recordings' files: letters, digits and a few signs, no two the same even where case is none.

    >>> file_names(["Train_01", "a/b: c", "A_b_ c"])
    ['Train_01.safetensors', 'a_b_ c.safetensors', 'A_b_ c_2.safetensors']
    """
    taken: set[str] = set()
    files = []
    for name in names:
        plain = re.sub(r"[^\w .-]", "_", storable(name))[:80].strip(" .") or "recording"
        file, number = plain, 2
        while file.casefold() in taken:
            file, number = f"{plain}_{number}", number + 1
        taken.add(file.casefold())
        files.append(f"{file}{ending}")
    return files


def _begin(out: Path, dataset: Dataset) -> None:
    """Make room for the clips, and say that nothing is complete until the end."""
    (out / CLIPS).mkdir(exist_ok=True)
    sweep(out / CLIPS)
    write_dataset(out, dataset)


def _left_out(corpus: Corpus) -> dict[str, list[str]]:
    """Recording → what its reader left out of it, without folders: a copied corpus is the same corpus."""
    notes: dict[str, list[str]] = defaultdict(list)
    for fault in corpus.faults:
        if fault.severity == "error" and fault.recording:
            notes[fault.recording].append(str(replace(fault, path=Path(fault.path.name))))
    return notes


def _check_folder(out: Path, root: Path) -> None:
    """See that a folder is the corpus' neither, nor anybody else's.

    Raises:
        CorpusError: it is.
    """
    if os.path.realpath(out) == os.path.realpath(root.parent if root.is_file() else root):
        raise CorpusError(f"{out}: is the corpus' own folder; prepare it in another, --out DIR")
    if not out.is_dir() or (out / DATASET).exists():
        return
    others = sorted(path.name for path in out.iterdir() if path.name != CLIPS and path.name[0] != ".")
    if others:
        raise CorpusError(
            f"{out}: holds {', '.join(others[:5])}, and nothing prepared; give a folder of its own, --out DIR"
        )


def _check_corpus(out: Path, kind: str) -> None:
    try:
        there = read_dataset(out).corpus
    except CorpusError:  # nothing there yet, or damaged and written anew
        return
    if there != kind:
        raise CorpusError(f"{out}: holds {there}, not {kind}; prepare each corpus in a folder of its own")


def _fault(recording: Recording, error: Exception) -> str:
    """One line that names the recording, if the error's does not."""
    text = " ".join(str(error).split())
    names = [str(path) for path in (recording.media, recording.sound, recording.label) if path]
    return text if any(name in text for name in names) else f"{recording.label}: {text}"
