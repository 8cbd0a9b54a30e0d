"""Damage to a corpus' folder as a whole: files swapped, misnamed or gone, media, turns, words, lists."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from corpora.damages import Edit, lines_of, put, replace_with_folder

Scene = Callable[[Path], tuple[set[str], Path]]
"""Damages a folder; gives the recordings whose gold may be lost by it, and the path that should be named."""


@dataclass(frozen=True)
class Folder:
    """Damage to more than the text of one label file."""

    name: str
    corpus: str
    scene: Scene


def edited(file: str, edit: Edit, *victims: str) -> Scene:
    """A scene in which one file's bytes change."""

    def scene(root: Path) -> tuple[set[str], Path]:
        path = root / file
        return set(victims), put(path, edit(path.read_bytes()))

    return scene


def removed(file: str, *victims: str) -> Scene:
    def scene(root: Path) -> tuple[set[str], Path]:
        path = root / file
        shutil.rmtree(path) if path.is_dir() else path.unlink()
        return set(victims), path

    return scene


def renamed(file: str, name: str, *victims: str) -> Scene:
    def scene(root: Path) -> tuple[set[str], Path]:
        path = root / file
        path.rename(path.with_name(name))
        return set(victims), path

    return scene


def swapped(first: str, second: str, *victims: str) -> Scene:
    def exchange(root: Path) -> tuple[set[str], Path]:
        one, other = (root / first).read_bytes(), (root / second).read_bytes()
        put(root / first, other)
        put(root / second, one)
        return set(victims), root / first

    return exchange


def in_place(file: str, change: Callable[[Path], None], *victims: str) -> Scene:
    """A scene in which a file becomes something else, as in PLACES."""

    def scene(root: Path) -> tuple[set[str], Path]:
        change(root / file)
        return set(victims), root / file

    return scene


def replaced(old: bytes, new: bytes) -> Edit:
    def edit(data: bytes) -> bytes:
        assert old in data
        return data.replace(old, new, 1)

    return edit


def in_manifest(old: bytes, new: bytes) -> Scene:
    """Damage to the line of the miniature's tones/b.wav."""
    return edited("manifest.csv", replaced(old, new), "zweiter")


def every_time(factor: float) -> Edit:
    """Times of a table of spans, start;end, in another unit."""

    def edit(data: bytes) -> bytes:
        rows = []
        for line in data.decode("utf-8-sig").splitlines():
            start, end, *rest = line.split(";", 2)
            rows.append(";".join([f"{float(start) * factor:.3f}", f"{float(end) * factor:.3f}", *rest]))
        return "\n".join(rows).encode()

    return edit


LISTED = ("Anna & Ben_left", "tones_a", "zweiter")
"""Recordings of the manifest that have gold."""

FOLDERS = (
    # SEWA: labels
    Folder(
        "labels of two recordings swapped",
        "avec2017",
        swapped("labels/Train_01.csv", "labels/Train_02.csv", "Train_01", "Train_02"),
    ),
    Folder(
        "labels of a longer recording",
        "avec2019",
        edited(
            "labels/Devel_DE_01.csv",
            lambda data: (
                data + b"".join(b"'Devel_DE_01';%.6f;0.1;0.1;0.1\n" % (k / 10) for k in range(25, 400))
            ),
            "Devel_DE_01",
        ),
    ),
    Folder(
        "a label file that is misnamed",
        "avec2017",
        renamed("labels/Train_01.csv", "Train-01.csv", "Train_01"),
    ),
    Folder(
        "a label file twice",
        "avec2017",
        lambda root: (set(), Path(shutil.copy(root / "labels/Train_01.csv", root / "labels/Train_01.txt"))),
    ),
    Folder(
        "no labels at all",
        "avec2017",
        removed("labels", "Train_01", "Train_02", "Train_03", "Train_04", "Devel_01", "Devel_02"),
    ),
    # Media
    Folder("a sound file of no bytes", "avec2017", edited("audio/Train_01.wav", lambda data: b"")),
    Folder(
        "a sound file cut short",
        "avec2017",
        edited("audio/Train_01.wav", lambda data: data[: len(data) // 2]),
    ),
    Folder(
        "sound shorter than the labels",
        "avec2017",
        lambda root: (set(), put(root / "audio/Train_02.wav", (root / "audio/Train_03.wav").read_bytes())),
    ),
    Folder(
        "labels longer than all media",
        "avec2019",
        lambda root: (
            {"Train_HU_02"},
            put(root / "audio/Train_HU_02.wav", (root / "audio/Train_DE_01.wav").read_bytes()),
        ),
    ),
    Folder(
        "a film cut short", "avec2017", edited("video/Train_01.avi", lambda data: data[: len(data) * 2 // 3])
    ),
    Folder("a film of noise", "avec2017", edited("video/Train_01.avi", lambda data: bytes(range(256)) * 40)),
    Folder(
        "a film that is text", "avec2017", edited("video/Train_01.avi", lambda data: b"0.1;0.2;'ja'\n" * 50)
    ),
    Folder("a folder for a sound file", "avec2017", in_place("audio/Train_01.wav", replace_with_folder)),
    Folder("a sound file gone", "avec2017", removed("audio/Train_01.wav")),
    Folder("all sound gone", "avec2017", removed("audio")),
    Folder(
        "a film gone",
        "affwild2",
        removed("batch2/10-60-1280x720.avi", "10-60-1280x720", "10-60-1280x720_right"),
    ),
    Folder(
        "a film of other length",
        "affwild2",
        lambda root: (
            {"10-60-1280x720", "10-60-1280x720_right"},
            put(root / "batch2/10-60-1280x720.avi", (root / "batch1/430.mp4").read_bytes()),
        ),
    ),
    Folder(
        "a film cut in half", "affwild2", edited("batch1/430.mp4", lambda data: data[: len(data) // 2], "430")
    ),
    # Turns and transcripts
    Folder(
        "a turn that ends before it starts",
        "avec2017",
        edited("turns/Train_01.csv", replaced(b"0.240;1.870", b"1.870;0.240")),
    ),
    Folder("a turn without an end", "avec2017", edited("turns/Train_01.csv", replaced(b";1.870", b""))),
    Folder(
        "a turn that starts before the recording",
        "avec2017",
        edited("turns/Train_01.csv", replaced(b"0.240", b"-0.240")),
    ),
    Folder("turns in milliseconds", "avec2017", edited("turns/Train_01.csv", every_time(1000))),
    Folder(
        "text for a time in a turn file", "avec2017", edited("turns/Train_01.csv", replaced(b"2.100", b"two"))
    ),
    Folder("turns of noise", "avec2017", edited("turns/Train_01.csv", lambda data: bytes(range(256)) * 8)),
    Folder(
        "a transcript in milliseconds", "avec2017", edited("transcriptions/Train_01.csv", every_time(1000))
    ),
    Folder(
        "a transcript of a longer recording",
        "avec2017",
        edited("transcriptions/Train_01.csv", lambda data: data + b"61.2;64.0;'auf Wiedersehen'\n"),
    ),
    Folder(
        "sentences out of order",
        "avec2017",
        edited("transcriptions/Train_01.csv", lambda data: b"".join(reversed(lines_of(data)))),
    ),
    Folder(
        "a transcript that is a film",
        "avec2017",
        lambda root: (
            set(),
            put(root / "transcriptions/Train_01.csv", (root / "video/Train_01.avi").read_bytes()),
        ),
    ),
    Folder(
        "a transcript without times",
        "avec2017",
        edited("transcriptions/Train_01.csv", lambda data: b"ja also\n"),
    ),
    Folder("an empty transcript", "avec2017", edited("transcriptions/Train_01.csv", lambda data: b"")),
    Folder("a transcript gone", "avec2017", removed("transcriptions/Train_01.csv")),
    # Dyads and partitions
    Folder(
        "partners in two partitions",
        "avec2019",
        edited("pairs.csv", lambda data: b"Train_DE_01;Devel_DE_01\n"),
    ),
    Folder("a pair with oneself", "avec2019", edited("pairs.csv", lambda data: b"Train_DE_01;Train_DE_01\n")),
    Folder(
        "a pair of nobody", "avec2019", edited("pairs.csv", lambda data: data + b"Train_DE_98;Train_DE_99\n")
    ),
    Folder(
        "a person in two pairs",
        "avec2019",
        edited("pairs.csv", lambda data: data + b"Train_DE_01;Train_HU_01\n"),
    ),
    Folder(
        "pairs with a short line",
        "avec2019",
        edited("pairs.csv", lambda data: b"pair,recording\nd1,Train_DE_01\nd1\n"),
    ),
    Folder("pairs of noise", "avec2019", edited("pairs.csv", lambda data: bytes(range(256)))),
    Folder(
        "a partition nobody knows",
        "muse",
        edited("c1_muse_wilder/metadata/partition.csv", replaced(b"train", b"tarin"), "2"),
    ),
    Folder(
        "a partition for an unknown recording",
        "muse",
        edited("c1_muse_wilder/metadata/partition.csv", lambda data: data + b"77,2,train\r\n"),
    ),
    Folder(
        "a recording in two partitions",
        "muse",
        edited("c1_muse_wilder/metadata/partition.csv", lambda data: data + b"2,3,devel\r\n"),
    ),
    Folder(
        "a recording that no partition lists",
        "muse",
        edited("c1_muse_wilder/metadata/partition.csv", replaced(b"2,3,train\r\n", b""), "2"),
    ),
    Folder(
        "an empty list of partitions",
        "muse",
        edited("c1_muse_wilder/metadata/partition.csv", lambda data: b"", "2", "10", "3", "4"),
    ),
    Folder(
        "segments out of order",
        "muse.build_segments",
        edited("label_segments/arousal/7.csv", lambda data: data.replace(b",1\n", b",9\n"), "7_1"),
    ),
    Folder(
        "a segment that is no number",
        "muse.build_segments",
        edited("label_segments/arousal/7.csv", replaced(b",1\n", b",x\n"), "7_1", "7_2"),
    ),
    Folder("a segment's sound gone", "muse.build_segments", removed("audio_segments/7/7_1.wav", "7_1")),
    # Manifest
    Folder("a file that is not there", "manifest", in_manifest(b"tones/b.wav", b"tones/c.wav")),
    Folder("a path out of the folder", "manifest", in_manifest(b"tones/b.wav", b"../../b.wav")),
    Folder("an absolute path", "manifest", in_manifest(b"tones/b.wav", b"/etc/passwd")),
    Folder("a value beyond the scale in a manifest", "manifest", in_manifest(b";;;;;1;;;", b";;;;;50;;;")),
    Folder("a value that is text in a manifest", "manifest", in_manifest(b";;;;;1;;;", b";;;;;viel;;;")),
    Folder("a field too few in a manifest", "manifest", in_manifest(b";;;;;1;;;", b";;;;1;;;")),
    Folder(
        "a partition nobody knows in a manifest", "manifest", in_manifest(b"zweiter;Test", b"zweiter;oops")
    ),
    Folder("a transcript that is not there", "manifest", in_manifest(b";;;;;1;;;", b";;;weg.srt;;1;;;")),
    Folder("a line twice", "manifest", edited("manifest.csv", lambda data: data + lines_of(data)[4])),
    Folder(
        "a column named twice", "manifest", edited("manifest.csv", replaced(b"remark", b"arousal"), *LISTED)
    ),
    Folder(
        "a manifest in UTF-16 with a header cut",
        "manifest",
        edited("manifest.csv", lambda data: data.decode("cp1252")[3:].encode("utf-16"), *LISTED),
    ),
    # OMG-Emotion
    Folder(
        "values swapped for text",
        "omg",
        edited("omg_TrainVideos.csv", replaced(b"0.31", b"n/b"), "abc123_utterance_2"),
    ),
    Folder("an utterance twice", "omg", edited("omg_TrainVideos.csv", lambda data: data + lines_of(data)[1])),
    Folder(
        "a list without its header",
        "omg",
        edited(
            "omg_TrainVideos.csv",
            lambda data: b"".join(lines_of(data)[1:]),
            "abc123_utterance_2",
            "abc123_utterance_10",
            "abc123_1_utterance_1",
            "über-uns_utterance_1",
        ),
    ),
    Folder("a clip of no bytes", "omg", edited("clips/train/abc123/utterance_2.mp4", lambda data: b"")),
    Folder(
        "an end before the start",
        "omg",
        edited("omg_TrainVideos.csv", replaced(b"12.40,14.90", b"14.90,12.40")),
    ),
    # RECOLA
    Folder(
        "an ARFF without @data",
        "recola",
        edited("ratings_gold_standard/arousal/train_2.arff", replaced(b"@data", b"@date"), "train_2"),
    ),
    Folder(
        "an ARFF of another recording",
        "recola",
        swapped(
            "ratings_gold_standard/arousal/train_2.arff",
            "ratings_gold_standard/arousal/dev_1.arff",
            "train_2",
            "dev_1",
        ),
    ),
    Folder(
        "an ARFF with an attribute too few",
        "recola",
        edited(
            "ratings_gold_standard/arousal/train_2.arff",
            replaced(b"@attribute frameTime numeric\r\n", b""),
            "train_2",
        ),
    ),
    Folder(
        "valence of all gone",
        "recola",
        removed("ratings_gold_standard/valence", "train_1", "train_2", "train_10", "dev_1"),
    ),
)
"""Damage to whatever else a folder holds."""
