"""From files to clips: decoding and resampling, finding and following the face, transcripts and turns."""

from affekt.media.clips import Reading, read_clips
from affekt.media.faces import Face, FaceFollower
from affekt.media.jpeg import encode_jpeg
from affekt.media.sound import frames_of_array
from affekt.media.transcripts import find_transcript, read_transcript
from affekt.media.turns import read_turns
from affekt.media.video import Picture

__all__ = [
    "Face",
    "FaceFollower",
    "Picture",
    "Reading",
    "encode_jpeg",
    "find_transcript",
    "frames_of_array",
    "read_clips",
    "read_transcript",
    "read_turns",
]
