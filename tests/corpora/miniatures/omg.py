"""OMG-Emotion in small: three films cut into utterances, some of which could not be fetched."""

from __future__ import annotations

from pathlib import Path

from media.films import make_film, tone

HEAD = "link,start,end,video,utterance,arousal,valence,EmotionMaxVote"
TUBE = "https://www.youtube.com/watch?v="

TRAIN = f"""\
{HEAD}
{TUBE}AAAAAAAAAAA,12.40,14.90,abc123,utterance_2.mp4,0.31,-0.12,4
{TUBE}AAAAAAAAAAA,0.00,2.00,abc123,utterance_10.mp4,0.5,0.25,3
{TUBE}AAAAAAAAAAA,20.0,22.0,abc123_1,utterance_1.mp4,0.75,nan,3
{TUBE}BBBBBBBBBBB,5.0,9.5,über-uns,utterance_1.mp4,0.0,1.0,3
"""
VALIDATION = f"""\
{HEAD}
{TUBE}CCCCCCCCCCC,1.0,3.5,ccc,utterance_4.mp4,0.2,-0.5,5
{TUBE}CCCCCCCCCCC,4.0,6.0,ccc,utterance_5.mp4,1.4,0.1,5
"""
TEST = f"""\
link,start,end,video,utterance
{TUBE}DDDDDDDDDDD,1.0,3.0,ddd,utterance_1.mp4
"""
SAID = f"""\
link,video,utterance,transcript
{TUBE}AAAAAAAAAAA,abc123,utterance_2.mp4,"well, I said ""no""; twice"
{TUBE}AAAAAAAAAAA,abc123,utterance_10.mp4,""
{TUBE}BBBBBBBBBBB,über-uns,utterance_1.mp4,the naïve café
"""
CLIPS = (
    "train/abc123/utterance_2",
    "train/abc123/utterance_10",
    "train/über-uns/utterance_1",
    "val/ccc/utterance_4",
)


def build(root: Path) -> Path:
    """Write the folder: CRLF and a BOM in one list, four clips of seven."""
    root.mkdir(parents=True, exist_ok=True)
    (root / "omg_TrainVideos.csv").write_bytes(b"\xef\xbb\xbf" + TRAIN.replace("\n", "\r\n").encode())
    (root / "omg_ValidationVideos.csv").write_text(VALIDATION, encoding="utf-8")
    (root / "omg_TestVideos_WithoutLabels.csv").write_text(TEST, encoding="utf-8")
    (root / "omg_TrainTranscripts.csv").write_text(SAID, encoding="utf-8")
    for name in CLIPS:
        path = root / "clips" / f"{name}.mp4"
        path.parent.mkdir(parents=True, exist_ok=True)
        make_film(path, [k / 10 for k in range(20)], [(0.0, tone(2.0, 22_050))], rate=22_050)
    return root
