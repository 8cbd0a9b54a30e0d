"""RECOLA: French-speaking dyads solving a task by video, 300 s of each rated every 40 ms by six people.

The full release: `RECOLA-Annotation/emotional_behaviour/{arousal,valence}/P16.csv`, a column a rater,
`RECOLA-Audio-recordings/P16.wav`. AVEC 2016: `ratings_gold_standard/{arousal,valence}/train_1.arff`,
`recordings_audio/`, `recordings_video/`, with `train_1`, `dev_1`, `test_1`, which nothing ties to the P16.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from affekt.corpora.corpus import Corpus, Fault, LabelFiles
from affekt.corpora.formats.fitting import fitted, stated_frames
from affekt.corpora.formats.folders import FILMS, SOUNDS, fault_of, here_and_below, natural, partition_of
from affekt.corpora.gold.raters import avec_centred
from affekt.corpora.labels.traces import Trace, at_10hz, gold_of, read_own_labels
from affekt.errors import CorpusError
from affekt.timeline import DIMENSIONS, Gold, Partition, Recording

KIND = "RECOLA"
AVEC = "RECOLA (AVEC 2016)"

GOLD, RATERS, FULL = "ratings_gold_standard", "ratings_individual", "RECOLA-Annotation/emotional_behaviour"
"""Folders with a folder for each dimension; the first of them that is there is read."""
TABLES = frozenset((".arff", ".csv"))
EXPECTED = {one: {"recordings": 9} for one in ("train", "devel", "test")}
"""AVEC 2016's names: train_1 to train_9, dev_1 to dev_9, test_1 to test_9."""

_NAME = re.compile(r"P\d+|(train|dev|devel|test)_\d+", re.IGNORECASE)
_AUDIO = re.compile(r"recordings_audio|RECOLA-Audio-recordings", re.IGNORECASE)
_VIDEO = re.compile(r"recordings_video|RECOLA-Video-recordings", re.IGNORECASE)


def recognises(root: Path) -> bool:
    """Whether there is a folder of RECOLA's ratings."""
    return root.is_dir() and _home(root) is not None


def read(root: Path) -> Corpus:
    """Read gold, or six raters' traces, which are fused as AVEC 2016 did.

    A row's time is taken for its start, so that each 10 Hz frame is the mean of two and a half rows and the
    7,501st, at 300 s, falls away.

    Raises:
        CorpusError: there are no ratings of arousal and valence.
    """
    found = _home(root)
    if found is None:
        raise CorpusError(f"{root}: holds neither {GOLD}/arousal nor {FULL}/arousal")
    home, ratings = found
    labels = {dimension: _files([ratings / dimension], TABLES) for dimension in DIMENSIONS}
    audio = _files((path for path in home.iterdir() if _AUDIO.fullmatch(path.name)), SOUNDS)
    video = _files((path for path in home.iterdir() if _VIDEO.fullmatch(path.name)), FILMS)
    keys = {key for files in (*labels.values(), audio, video) for key in files}
    faults: list[Fault] = []
    recordings = []
    own: dict[str, LabelFiles] = {}
    for key in sorted(keys, key=natural):
        media, sound = video.get(key), audio.get(key)
        of_it = {dimension: files[key] for dimension, files in labels.items() if key in files}
        name = next(path.stem for path in (*of_it.values(), sound, media) if path)
        partition = partition_of(name.partition("_")[0])
        if partition != "test":
            faults += _missing(name, labels, of_it, {"audio": audio, "video": video}, key)
        gold = _gold(of_it, name, stated_frames((sound, media)), faults)
        if gold is None and media is None and sound is None:
            continue
        recordings.append(_recording(name, partition, media, sound, gold))
        if ratings.name == GOLD:
            own[name] = {(dimension,): path for dimension, path in of_it.items()}
    avec = any(one.partition for one in recordings)
    return Corpus(
        kind=AVEC if avec else KIND,
        root=root,
        recordings=tuple(recordings),
        faults=tuple(faults),
        notes=_notes(ratings, avec),
        expected=EXPECTED if avec else {},
        labels=own,
    )


def _home(root: Path) -> tuple[Path, Path] | None:
    """The corpus' folder, which may lie in this one, if no other does, and that of its ratings."""
    found = {
        home: home / name
        for home in here_and_below(root)
        for name in (FULL, RATERS, GOLD)
        if all(any(_files([home / name / one], TABLES)) for one in DIMENSIONS)
    }
    if root in found:
        return root, found[root]
    return next(iter(found.items())) if len(found) == 1 else None


def _files(folders: Iterable[Path], suffixes: frozenset[str]) -> dict[str, Path]:
    """Name in lower case → file; train_all.arff and the like are no recording's."""
    return {
        path.stem.casefold(): path
        for folder in folders
        if folder.is_dir()
        for path in sorted(folder.iterdir())
        if path.suffix.lower() in suffixes and _NAME.fullmatch(path.stem)
    }


def _missing(
    name: str,
    labels: dict[str, dict[str, Path]],
    of_it: dict[str, Path],
    media: dict[str, dict[str, Path]],
    key: str,
) -> Iterable[Fault]:
    """What there is of other recordings, and not of this one."""
    for dimension, files in labels.items():
        if dimension not in of_it:
            some = next(iter(files.values()))
            message = f"there is no such file: the recording has no {dimension}"
            yield Fault(some.with_name(name + some.suffix), message, recording=name)
    for kind, files in media.items():
        if files and key not in files:
            some = next(iter(files.values()))
            message = f"there is no such file: the recording has no {kind}"
            yield Fault(some.with_name(name + some.suffix), message, severity="warning", recording=name)


def _recording(
    name: str, partition: Partition | None, media: Path | None, sound: Path | None, gold: Gold | None
) -> Recording:
    # The names of AVEC 2016 hide who it is; nothing says who talked with whom.
    speaker = name if partition is None else None
    return Recording(
        media=media,
        sound=sound,
        language="fr",
        name=name,
        partition=partition,
        speaker=speaker,
        group=speaker,
        gold=gold,
    )


def _gold(paths: dict[str, Path], name: str, n_frames: int | None, faults: list[Fault]) -> Gold | None:
    """Arousal and valence side by side; a dimension that cannot be read is left out."""
    columns = {}
    for dimension, path in paths.items():
        try:
            trace = _trace(path, dimension, name, faults)
            columns[dimension] = fitted(at_10hz(trace), n_frames, path, name, faults)
        except CorpusError as error:
            faults.append(fault_of(error, path, name))
    return gold_of(columns)


def _trace(path: Path, dimension: str, name: str, faults: list[Fault]) -> Trace:
    """One dimension of one recording, raters fused.

    Raises:
        CorpusError: as `read_own_labels`, or it is of the other dimension.
    """
    trace = read_own_labels(path, name)
    if wrong := [one for one in DIMENSIONS if one in trace.columns and one != dimension]:
        raise CorpusError(f"{path}: holds {wrong[0]} in a folder of {dimension}")
    faults += trace.faults_of(name)
    values = trace.values
    if len(trace.columns) > 1:
        fusion = avec_centred(values)
        faults += [Fault(path, message, severity="warning", recording=name) for message in fusion.warnings]
        values = fusion.values[:, None]
    return replace(trace, columns=(dimension,), values=values)


def _notes(ratings: Path, avec: bool) -> tuple[str, ...]:
    notes = [
        "labels every 40 ms, a row's time being its start: a frame is the mean of its two and a half rows"
    ]
    if ratings.name != GOLD:
        notes.append(
            "there is no gold standard: the raters were brought to one level and averaged, as AVEC 2016 did"
        )
    who = ", nor which recordings are one person's" if avec else ""
    notes.append(f"nothing says who talked with whom{who}: partners may land in different folds")
    return tuple(notes)
