"""Prepared clips on disk as training takes them: any window of any recording, with its gold.

A folder that `affekt prepare` made holds

    dataset.json     format, corpus, ClipSpec, alignment and delays, what failed, whether all is there
    manifest.csv     a row a recording
    clips/*.safetensors
    vectors/…        word vectors, a folder an encoder (`corpora.prepared.vectors`)

Alignment and delays are applied here, when a window is read, and nowhere else: changing them prepares nothing
anew.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Any, get_args, overload

import numpy as np

from affekt.corpora.gold.delay import Delays
from affekt.corpora.prepared.clipfile import ClipFile, open_clip
from affekt.errors import CorpusError
from affekt.timeline import Alignment, Clip, ClipSpec, Gold, Partition, Sentence
from affekt.timeline.alignment import sentence_frames
from affekt.timeline.files import atomic
from affekt.timeline.words import storable

FORMAT = "affekt-prepared-1"
DATASET, MANIFEST, CLIPS, VECTORS = "dataset.json", "manifest.csv", "clips", "vectors"


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of the manifest: one prepared recording."""

    name: str
    file: str
    """Within the folder, with forward slashes."""
    partition: Partition | None
    speaker: str | None
    group: str | None
    language: str | None
    frames: int
    heard: int
    """Frames with sound."""
    seen: int
    """Frames with a face."""
    sentences: int
    words: int
    dimensions: str
    """Of the gold, joined by blanks; "" = no gold."""
    labelled: int
    """Frames with any label."""
    warnings: int
    warned: str
    """The warnings themselves, with " | " between them."""
    bytes: int
    fingerprint: str
    """Of the recording's files and gold and of the settings it was prepared with."""
    checksum: str
    """SHA-256 of the file's header, which holds those of its arrays."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """What holds for all clips of a folder."""

    corpus: str
    """For people: "SEWA (AVEC 2017)"."""
    spec: ClipSpec
    alignment: Alignment = "sentence"
    delays: Delays = field(default_factory=Delays)
    voice: bool = False
    """Whether recordings without a turn file got their turns from a voice-activity detector."""
    complete: bool = False
    """False: `affekt prepare` is at work, or was stopped."""
    failed: tuple[tuple[str, str], ...] = ()
    """Names of the recordings that could not be prepared, and why."""


class PreparedClip:
    """One prepared recording; its frames are read when they are asked for."""

    def __init__(self, folder: Path, entry: Entry, alignment: Alignment, delays: Delays) -> None:
        self.entry = entry
        self._path = folder / entry.file
        self.alignment, self._delays = alignment, delays

    def __len__(self) -> int:
        return self.entry.frames

    @cached_property
    def file(self) -> ClipFile:
        """The file, known to be the one that the manifest means.

        Raises:
            CorpusError: it is missing, damaged, or another one.
        """
        file = open_clip(self._path)
        if file.checksum != self.entry.checksum:
            raise CorpusError(
                f"{self._path}: is not the clip that {MANIFEST} lists; run affekt prepare again"
            )
        return file

    @cached_property
    def sentences(self) -> tuple[Sentence, ...]:
        """The transcript's lines."""
        return tuple(Sentence(start, end, text) for start, end, text, _ in self.file.about["sentences"])

    @property
    def words(self) -> tuple[tuple[str, ...], ...]:
        """Each sentence's words, as `timeline.words` splits them."""
        return tuple(tuple(words) for *_, words in self.file.about["sentences"])

    @property
    def warnings(self) -> tuple[str, ...]:
        """What was wrong with the recording."""
        return tuple(self.file.about["warnings"])

    @cached_property
    def gold(self) -> Gold:
        """(T, D), moved earlier by the annotation delay; NaN = no label."""
        about = self.file.about
        gold = Gold(self.file.rows("gold"), tuple(about["dimensions"]))
        if about["whole"]:  # one label stands for every frame, wherever it lies
            return gold
        return self._delays.for_training(gold)

    @cached_property
    def _frame_sentence(self) -> np.ndarray:
        rows = sentence_frames(self.sentences, len(self), self.alignment)
        late = min(self._delays.text, len(self))
        return np.concatenate([np.full(late, -1, np.int64), rows[: len(self) - late]])

    @cached_property
    def _frame_face(self) -> np.ndarray:
        return self.file.rows("frame_face")

    def window(self, first: int = 0, count: int | None = None) -> tuple[Clip, np.ndarray]:
        """Frames `first` … `first + count` − 1, fewer at the end, and their gold (T, D) float32.

        The clip's `frame_sentence` counts in `sentences`; its `faces` are those of the window alone.

        Raises:
            CorpusError: the file is missing, damaged, or another one.
            ValueError: `first` is not a frame of the recording, or `count` is below 1.
        """
        if not 0 <= first < len(self) or (count is not None and count < 1):
            raise ValueError(f"{count} frames from {first} on, of a recording of {len(self)}")
        last = len(self) if count is None else min(len(self), first + count)
        frame_face = self._frame_face[first:last].copy()
        seen = frame_face >= 0
        begin = int(frame_face[seen][0]) if seen.any() else 0
        frame_face[seen] -= begin
        clip = Clip(
            first=first,
            sound=self.file.rows("sound", first, last - first),
            has_sound=self.file.rows("has_sound", first, last - first),
            speaker=self.file.rows("speaker", first, last - first),
            faces=self.file.rows("faces", begin, int(seen.sum())),
            frame_face=frame_face,
            boxes=self.file.rows("boxes", first, last - first),
            frame_sentence=self._frame_sentence[first:last].copy(),
        )
        return clip, self.gold.values[first:last].copy()


class Prepared(Sequence[PreparedClip]):
    """The prepared recordings of a folder, in the corpus' order."""

    def __init__(self, folder: Path, dataset: Dataset, clips: Sequence[PreparedClip]) -> None:
        self.folder, self.dataset = folder, dataset
        self._clips = tuple(clips)

    def __len__(self) -> int:
        return len(self._clips)

    @overload
    def __getitem__(self, place: int) -> PreparedClip: ...
    @overload
    def __getitem__(self, place: slice) -> Prepared: ...
    def __getitem__(self, place: int | slice) -> PreparedClip | Prepared:
        if isinstance(place, slice):
            return Prepared(self.folder, self.dataset, self._clips[place])
        return self._clips[place]

    def of(self, partition: Partition) -> Prepared:
        """One partition alone."""
        kept = [clip for clip in self._clips if clip.entry.partition == partition]
        return Prepared(self.folder, self.dataset, kept)

    def texts(self) -> list[str]:
        """The distinct sentences, in alphabetical order."""
        return sorted({sentence.text for clip in self._clips for sentence in clip.sentences})


def open_prepared(
    folder: Path, *, alignment: Alignment | None = None, delays: Delays | None = None
) -> Prepared:
    """Open what `affekt prepare` made.

    Args:
        alignment, delays: instead of those that the folder was prepared with.

    Raises:
        CorpusError: there is nothing prepared in the folder, not all of it, or it is damaged.
    """
    dataset = read_dataset(folder)
    if not dataset.complete:
        raise CorpusError(f"{folder}: was not prepared to the end; run affekt prepare again, it goes on")
    used = alignment or dataset.alignment, delays or dataset.delays
    return Prepared(folder, dataset, [PreparedClip(folder, one, *used) for one in read_manifest(folder)])


def read_dataset(folder: Path) -> Dataset:
    """Read dataset.json.

    Raises:
        CorpusError: it is missing or damaged.
    """
    path = folder / DATASET
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if data["format"] != FORMAT:
            raise CorpusError(f"{path}: is of format {data['format']!r}; prepare the corpus again")
        if data["alignment"] not in get_args(Alignment):
            raise ValueError(data["alignment"])
        return Dataset(
            corpus=data["corpus"],
            spec=ClipSpec.from_dict(data["clip"]),
            alignment=data["alignment"],
            delays=Delays(data["annotation_delay"], data["text_delay"], data["both_delays"]),
            voice=data["voice"],
            complete=data["complete"],
            failed=tuple((one["name"], one["error"]) for one in data["failed"]),
        )
    except FileNotFoundError as error:
        raise CorpusError(f"{folder}: nothing was prepared in this folder; run affekt prepare") from error
    except OSError as error:
        raise CorpusError(f"{path}: cannot be read ({error.strerror or error})") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise CorpusError(f"{path}: is damaged; run affekt prepare again") from error


def write_dataset(folder: Path, dataset: Dataset) -> None:
    """Write dataset.json.

    Raises:
        OutputError: it cannot be written.
    """
    data: dict[str, Any] = {
        "format": FORMAT,
        "corpus": dataset.corpus,
        "complete": dataset.complete,
        "clip": dataset.spec.to_dict(),
        "voice": dataset.voice,
        "alignment": dataset.alignment,
        "annotation_delay": dict(dataset.delays.annotation),
        "text_delay": dataset.delays.text,
        "both_delays": dataset.delays.both,
        "failed": [{"name": storable(name), "error": storable(why)} for name, why in dataset.failed],
    }
    with atomic(folder / DATASET) as part:
        part.write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def entry_of(file: ClipFile, name: str) -> Entry:
    """The manifest's row for a file, from what it says of itself; `name` is its place in the folder."""
    about = file.about
    same = ("name", "partition", "speaker", "group", "language", "fingerprint")
    counts = ("frames", "heard", "seen", "labelled")
    copied: dict[str, Any] = {key: about[key] for key in (*same, *counts)}
    return Entry(
        **copied,
        file=name,
        sentences=len(about["sentences"]),
        words=sum(len(words) for *_, words in about["sentences"]),
        dimensions=" ".join(about["dimensions"]),
        warnings=len(about["warnings"]),
        warned=" | ".join(" ".join(one.split()) for one in about["warnings"]),
        bytes=file.size,
        checksum=file.checksum,
    )


def read_manifest(folder: Path) -> list[Entry]:
    """Read manifest.csv.

    Raises:
        CorpusError: it is missing or damaged, or a clip is missing or of another size.
    """
    path = folder / MANIFEST
    try:
        with path.open(encoding="utf-8", newline="") as file:
            entries = [_entry(row) for row in csv.DictReader(file)]
        for entry in entries:
            if (folder / entry.file).stat().st_size != entry.bytes:
                raise CorpusError(
                    f"{folder / entry.file}: was changed or cut short; run affekt prepare again"
                )
        return entries
    except OSError as error:
        where = error.filename or path
        raise CorpusError(
            f"{where}: cannot be read ({error.strerror or error}); run affekt prepare again"
        ) from error
    except (ValueError, KeyError, TypeError, csv.Error) as error:
        raise CorpusError(f"{path}: is damaged; run affekt prepare again") from error


def _entry(row: Mapping[str, str]) -> Entry:
    values: dict[str, Any] = {}
    for column in fields(Entry):
        text, kind = row[column.name], str(column.type)
        values[column.name] = int(text) if kind == "int" else text or (None if "None" in kind else "")
    if values["partition"] not in (None, *get_args(Partition)):
        raise ValueError(values["partition"])
    return Entry(**values)


def write_manifest(folder: Path, entries: Sequence[Entry]) -> None:
    """Write manifest.csv.

    Raises:
        OutputError: it cannot be written.
    """
    with atomic(folder / MANIFEST) as part, part.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, [column.name for column in fields(Entry)], lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(entry) for entry in entries)
