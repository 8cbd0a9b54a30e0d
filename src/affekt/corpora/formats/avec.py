"""SEWA as the AVEC challenges hand it out: two strangers a dyad, talking about an advertisement by video.

AVEC 2017 (the paper's data): `audio/ video/ labels/ turns/ transcriptions/`, each with `Train_01` …
`Devel_14` … `Test_16`; labels `name;time;arousal;valence;liking` without a header. AVEC 2018 and 2019:
`Train_DE_01`, `Devel_HU_14`, `Test_CN_70`, in 2019 with a header; Test_HU_01 is somebody else in either
year. Labels of test were not given out. Labels alone are a corpus too.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from affekt.corpora.corpus import Corpus, Fault, Severity
from affekt.corpora.dyads import PAIRS, Partner, how_guessed, of_equal_length, read_pairs
from affekt.corpora.formats.fitting import fitted, stated_frames
from affekt.corpora.formats.folders import FILMS, SOUNDS, fault_of, here_and_below, natural, partition_of
from affekt.corpora.labels.traces import Trace, at_10hz, read_own_labels
from affekt.errors import CorpusError
from affekt.timeline import DIMENSIONS, Gold, Recording

KIND = "SEWA"

NAME = re.compile(r"(train|devel|test)_(?:(de|hu|cn)_)?(\d{2,4})", re.IGNORECASE)
LANGUAGES = {"de": "de", "hu": "hu", "cn": "zh"}
"""Of a culture; AVEC 2017 is German."""
TEXT_DELAY = 5
"""Frames by which the paper's code moves SEWA's text (readings 1.9)."""

SYNTHETIC = "synthetic.json"
"""Beside a corpus of this layout that affekt made up."""

TABLES = frozenset((".csv", ".txt"))
FOLDERS: dict[str, tuple[str, frozenset[str]]] = {
    "labels": ("labels(_.*)?", TABLES | {".arff"}),
    "audio": ("audio", SOUNDS),
    "video": ("videos?", FILMS),
    "turns": ("turns", TABLES | {".rttm", ".eaf", ".textgrid"}),
    "transcriptions": ("transcript(ion)?s", TABLES | {".srt", ".vtt", ".json", ".eaf", ".textgrid"}),
}
"""What lies in a corpus' folders: how these are called, and how the files end."""
WITHOUT = {
    "labels": "it has no gold",
    "audio": "it has no sound but the film's, if there is one",
    "video": "it has no picture",
    "turns": "all of the sound counts as the subject's",
    "transcriptions": "it has no words",
}
"""What the want of a file means for its recording."""

EXPECTED = {
    2017: {
        "train": {"recordings": 34, "frames": 54_813, "sentences": 1_329},
        "devel": {"recordings": 14, "frames": 22_556, "sentences": 604},
        "test": {"recordings": 16, "frames": 27_950, "sentences": 629},
    },
    2018: {"train": {"recordings": 34}, "devel": {"recordings": 14}, "test": {"recordings": 82}},
    2019: {"train": {"recordings": 68}, "devel": {"recordings": 28}, "test": {"recordings": 104}},
}
"""2017: the paper, section 5.1; 2018 and 2019: the lists of files in the challenges' baseline scripts."""


@dataclass
class _Found:
    """The files of a corpus, and what was seen of them on the way."""

    files: dict[str, dict[str, Path]] = field(default_factory=lambda: defaultdict(dict))
    """Kind of folder → name in lower case → file; a kind whose folder is not there is missing."""
    names: dict[str, str] = field(default_factory=dict)
    """Name in lower case → as it is spelt."""
    faults: list[Fault] = field(default_factory=list)
    headers: set[bool] = field(default_factory=set)
    """Whether label files have headers."""

    def tell(self, path: Path, message: str, name: str | None = None, severity: Severity = "warning") -> None:
        self.faults.append(Fault(path, message, severity=severity, recording=name))


def recognises(root: Path) -> bool:
    """Whether there are files called Train_01, or Devel_HU_14, in folders called as SEWA's are."""
    return root.is_dir() and _home(root) is not None


def read(root: Path) -> Corpus:
    """Read labels, and whatever lies beside them; media are not decoded.

    Partners of a dyad are taken from `pairs.csv`, or else guessed from equal lengths, on the safe side.

    Raises:
        CorpusError: no file is called Train_01, Devel_DE_01 or the like.
    """
    home = _home(root)
    if home is None:
        raise CorpusError(
            f"{root}: holds neither labels/Train_01.csv nor Train_DE_01.csv, nor audio/ of such"
        )
    found = _find(home)
    lengths: dict[str, int] = {}
    read_ = (_recording(key, found, lengths) for key in sorted(found.names, key=natural))
    recordings = [one for one in read_ if one is not None]
    partners, note = _dyads(root, home, found, recordings, lengths)
    recordings = [_with_partner(one, partners.get(one.name)) for one in recordings]
    notes = [note]
    unlabelled = sum(one.gold is None for one in recordings if one.partition == "test")
    if unlabelled and "labels" in found.files:
        notes.append(f"{unlabelled} recordings of test have no labels, which the challenge kept to itself")
    if absent := [kind for kind in FOLDERS if kind not in found.files]:
        notes.append(f"there is no folder of {', '.join(absent)}")
    year = _year(found)
    synthetic = (home / SYNTHETIC).is_file()
    unfinished = synthetic and _unfinished(home, recordings, found)
    made = f"synthetic{' (unfinished)' if unfinished else ''}, laid out as AVEC 2017"
    return Corpus(
        kind=made if synthetic else f"{KIND} (AVEC {year or '2018 or 2019'})",
        root=root,
        recordings=tuple(recordings),
        faults=tuple(found.faults),
        notes=tuple(notes),
        text_delay=0 if synthetic else TEXT_DELAY,
        expected={} if synthetic else EXPECTED.get(year or 0, {}),
    )


def _unfinished(home: Path, recordings: list[Recording], found: _Found) -> bool:
    """Whether a synthetic corpus has fewer recordings than it says it was to have; that is told."""
    try:
        planned = 2 * int(json.loads((home / SYNTHETIC).read_text(encoding="utf-8"))["parameters"]["pairs"])
    except (OSError, ValueError, TypeError, KeyError):
        return False
    whole = sum(None not in (one.media, one.sound, one.gold) for one in recordings)
    if whole < planned:
        found.tell(
            home / SYNTHETIC,
            f"says that this is unfinished: {whole} of {planned} recordings are whole; "
            "affekt synthesize finishes it",
            severity="error",
        )
    return whole < planned


def _dyads(
    root: Path, home: Path, found: _Found, recordings: list[Recording], lengths: dict[str, int]
) -> tuple[dict[str, Partner], str]:
    """Recording → partner, and what to say of how they were found."""
    for folder in (root, home):
        if (folder / PAIRS).is_file():
            try:
                names = [one.name for one in recordings]
                return read_pairs(folder / PAIRS, names, found.faults), f"dyads are those of {PAIRS}"
            except CorpusError as error:
                found.faults.append(fault_of(error, folder / PAIRS))
    guessed = {name: Partner(group) for name, group in of_equal_length(lengths).items()}
    return guessed, how_guessed(one.group for one in guessed.values())


def _with_partner(recording: Recording, partner: Partner | None) -> Recording:
    if partner is None:
        return recording
    language = partner.language or recording.language
    return replace(recording, group=partner.group, speaker=partner.speaker, language=language)


def _home(root: Path) -> Path | None:
    """The folder that holds the corpus: this one, or the only one in it, such as AVEC2017_SEWA.

    Labels alone are known from their own folder or the one above: any results may be called Devel_01.csv.
    """
    if _kinds(root):
        return root
    inside = [one for one in here_and_below(root)[1:] if {kind for kind, _ in _kinds(one)} - {"labels"}]
    return inside[0] if len(inside) == 1 else None


def _kinds(home: Path) -> list[tuple[str, Path]]:
    """Folders that hold SEWA's files, and of which kind; a folder of nothing but labels is one itself."""
    inside = [path for path in sorted(home.iterdir()) if path.is_dir()]
    kinds = [
        (kind, path)
        for kind, (called, suffixes) in FOLDERS.items()
        for path in inside
        if re.fullmatch(called, path.name, re.IGNORECASE) and _holds(path, suffixes)
    ]
    return kinds or ([("labels", home)] if _holds(home, TABLES) else [])


def _holds(folder: Path, suffixes: frozenset[str]) -> bool:
    return any(path.suffix.lower() in suffixes and NAME.fullmatch(path.stem) for path in folder.iterdir())


def _find(home: Path) -> _Found:
    found = _Found()
    for kind, folder in _kinds(home):
        suffixes = FOLDERS[kind][1]
        for path in sorted(folder.iterdir(), key=lambda one: natural(one.name)):
            if path.name.startswith(".") or path.suffix.lower() not in suffixes or not path.is_file():
                continue
            key = path.stem.casefold()
            if not NAME.fullmatch(path.stem):
                if folder != home:
                    found.tell(path, "is not called as a recording is (Train_01, Devel_DE_01); left out")
            elif key in found.files[kind]:
                found.tell(
                    path, f"there is {found.files[kind][key].name} as well, which was taken", path.stem
                )
            else:
                found.files[kind][key] = path
                found.names.setdefault(key, path.stem)
    return found


def _year(found: _Found) -> int | None:
    matches = [NAME.fullmatch(name) for name in found.names.values()]
    if not any(match and match[2] for match in matches):
        return 2017
    if len(found.headers) != 1:
        return None
    return 2019 if True in found.headers else 2018


def _recording(key: str, found: _Found, lengths: dict[str, int]) -> Recording | None:
    """A recording; None if there is nothing of it that could be read."""
    name = found.names[key]
    match = NAME.fullmatch(name)
    assert match is not None
    partition = partition_of(match[1])
    paths = {kind: files.get(key) for kind, files in found.files.items()}
    labels, video, audio = (paths.get(kind) for kind in ("labels", "video", "audio"))
    if labels is None and video is None and audio is None:
        lone = next(path for path in paths.values() if path)
        found.tell(lone, "there are neither labels nor media of this name; left out", name, "error")
        return None
    for kind, path in paths.items():
        if path is None and not (kind == "labels" and partition == "test"):
            some = next(iter(found.files[kind].values()))
            severity: Severity = "error" if kind == "labels" else "warning"
            missing = some.with_name(name + some.suffix)
            found.tell(missing, f"there is no such file: {WITHOUT[kind]}", name, severity)
    n_frames = stated_frames((audio, video))
    gold = None if labels is None else _gold(labels, name, n_frames, found, lengths)
    if n_frames is not None:
        lengths.setdefault(name, n_frames)
    if gold is None and video is None and audio is None:
        return None
    return Recording(
        media=video,
        sound=audio,
        transcript=paths.get("transcriptions"),
        turns=paths.get("turns"),
        language=LANGUAGES[(match[2] or "de").casefold()],
        name=name,
        partition=partition,
        gold=gold,
    )


def _gold(path: Path, name: str, n_frames: int | None, found: _Found, lengths: dict[str, int]) -> Gold | None:
    """The labels of a recording; None if they cannot be trusted, or there are none in the file."""
    try:
        trace = _labels(path, name)
        found.faults += trace.faults_of(name)
        values = at_10hz(trace)
        lengths[name] = len(values)
        values = fitted(values, n_frames, path, name, found.faults)
    except CorpusError as error:
        found.faults.append(fault_of(error, path, name))
        return None
    found.headers.add(trace.dialect == "SEWA, header")
    return Gold(values, trace.columns) if np.isfinite(values).any() else None


def _labels(path: Path, name: str) -> Trace:
    """The trace of a label file.

    Raises:
        CorpusError: as `read_own_labels`, or it lacks arousal or valence.
    """
    trace = read_own_labels(path, name)
    if not set(DIMENSIONS) <= set(trace.columns):
        raise CorpusError(f"{path}, line 1: holds {', '.join(trace.columns)}, not arousal and valence")
    return trace
