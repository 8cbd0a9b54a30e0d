"""MuSe in small: a task of 2021 (segment before value) with whole films, one of 2020 with cut sounds."""

from __future__ import annotations

from pathlib import Path

from media.films import make_film, tone


def trace(path: Path, rows: list[tuple[int, int, str]], *, before: bool, newline: str = "\n") -> Path:
    """A label file of (ms, segment, value) rows; `before`: the segment stands before the value."""
    path.parent.mkdir(parents=True, exist_ok=True)
    head = "timestamp,segment_id,value" if before else "timestamp,value,segment_id"
    lines = [
        f"{ms},{segment},{value}" if before else f"{ms},{value},{segment}" for ms, segment, value in rows
    ]
    path.write_bytes((newline.join([head, *lines]) + newline).encode())
    return path


def segment(number: int, first: int, values: list[float], step: int = 250) -> list[tuple[int, int, str]]:
    """Rows of one segment, `step` ms apart."""
    return [(first + k * step, number, f"{value:.4f}") for k, value in enumerate(values)]


def _partitions(folder: Path, text: str) -> None:
    (folder / "metadata").mkdir(parents=True)
    (folder / "metadata" / "partition.csv").write_bytes(text.encode("utf-8-sig"))


def build(root: Path) -> Path:
    """Write a root as of 2021: c1_muse_wilder with traces, c2_muse_sent with classes, films beside them."""
    wild, sent = root / "c1_muse_wilder", root / "c2_muse_sent"
    _partitions(wild, "Id,duration,partition\r\n2,3,train\r\n10,2,train\r\n3,2,devel\r\n4,2,test\r\n")
    arousal, valence = wild / "label_segments" / "arousal", wild / "label_segments" / "valence"
    rows = segment(1, 500, [0.1, 0.2, 0.3, 0.4]) + segment(2, 2000, [-0.5, -0.5, -0.5, -0.5])
    trace(arousal / "2.csv", rows, before=True)
    trace(
        valence / "2.csv", [(ms, one, f"-{value}".replace("--", "")) for ms, one, value in rows], before=True
    )
    for folder in (arousal, valence):
        trace(folder / "10.csv", segment(1, 0, [0.25] * 8), before=True, newline="\r\n")
        trace(folder / "3.csv", segment(1, 0, [0.5] * 4) + segment(2, 1000, [0.75] * 4), before=True)
        trace(folder / "4.csv", [(k * 250, 1, "") for k in range(8)], before=True)
    _partitions(sent, "Id,partition\n2,train\n")
    classes = sent / "label_segments" / "arousal"
    classes.mkdir(parents=True)
    (classes / "2.csv").write_text("segment_id,class_id\n1,0\n2,2\n")
    raw = root / "raw" / "Videos"
    raw.mkdir(parents=True)
    for name, pictures in (("2", 30), ("10", 20), ("3", 20), ("4", 20)):
        make_film(
            raw / f"{name}.mp4",
            [k / 10 for k in range(pictures)],
            [(0.0, tone(pictures / 10, 22_050))],
            rate=22_050,
        )
    features = wild / "feature_segments" / "vggish"
    features.mkdir(parents=True)
    (features / "2.csv").write_text("timestamp,segment_id,f0\n500,1,0.0\n")
    return root


def build_segments(root: Path) -> Path:
    """Write one task as of 2020: `Id,Proposal`, the value before the segment, sounds cut into segments."""
    _partitions(root, "Id,Proposal\n7,train\n8,test\n")
    labels = root / "label_segments"
    rows = segment(1, 5000, [0.1, 0.1, 0.6, 0.6]) + segment(2, 9000, [-0.2] * 8)
    trace(labels / "trustworthiness" / "7.csv", rows, before=False)
    trace(labels / "arousal" / "7.csv", rows, before=False)
    topic = labels / "topic"
    topic.mkdir()
    (topic / "7.csv").write_text("start,end,segment_id,class_id\n5000,6000,1,3\n")
    for stem, seconds in (("7_1", 1.0), ("7_2", 2.0), ("8_1", 1.0)):
        folder = root / "audio_segments" / stem[0]
        folder.mkdir(parents=True, exist_ok=True)
        make_film(
            folder / f"{stem}.wav", sounds=[(0.0, tone(seconds, 16_000))], rate=16_000, sound="pcm_s16le"
        )
    return root
