"""From a recording's files to a stream of clips: everything on one clock, with masks for what is missing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from av.error import FFmpegError

from affekt.errors import MediaError, TranscriptError
from affekt.media.container import Contents, Warn, probe, with_sound
from affekt.media.jpeg import encode_jpeg
from affekt.media.rows import TRUST, Row, read_rows
from affekt.media.sound import follower_of, normalise
from affekt.media.transcripts import find_transcript, read_transcript
from affekt.media.turns import read_turns
from affekt.media.video import Picture
from affekt.timeline.alignment import sentence_frames, speaker_frames
from affekt.timeline.clip import Clip, ClipSpec, Sentence, Still, Turn
from affekt.timeline.clock import FRAME_RATE, frame_count
from affekt.timeline.recording import Recording

if TYPE_CHECKING:
    from affekt.media.faces import Face

TRANSCRIPTS = {".srt", ".vtt"}
"""Files of this kind are recordings by themselves: a transcript alone."""

LONGEST_TRANSCRIPT = 86_400.0
"""Seconds."""

STILL_WIDTH = 320
"""Largest width in pixels of the pictures kept for the report."""


class Follower(Protocol):
    """What finds the subject's face in one picture after the other (`media.faces.FaceFollower`)."""

    def follow(self, picture: Picture) -> Face | None:
        """The subject's face in the next frame's picture."""

    def miss(self) -> object:
        """The next frame has no picture."""


@dataclass(frozen=True, slots=True)
class _Watched:
    """A frame whose picture has been looked at: its sound, its face, and its picture for the report."""

    window: np.ndarray | None
    face: Face | None
    still: Still | None


@dataclass
class Reading:
    """A recording being read: iterate once to get its clips; nothing longer than a clip stays in memory."""

    recording: Recording
    spec: ClipSpec
    contents: Contents | None
    """None: a transcript alone."""
    transcript: Path | None
    """The file of the sentences; None if there is none, or they came without a file."""
    sentences: tuple[Sentence, ...]
    """The transcript's lines; a clip's `frame_sentence` counts in them."""
    turns: tuple[Turn, ...] | None
    stated: float | None
    """Seconds that the recording is said to last; the truth is known when it has been read."""
    length: int = 300
    stills: bool = False
    follower: Follower | None = None
    threads: int | None = None
    warnings: list[str] = field(default_factory=list)
    """What was wrong with the recording; grows while it is read."""
    lost: str | None = None
    """The first of the warnings, if it is that the film, or its own sound file, could not be used."""
    text_delay: int = 0
    """Frames by which all words come later than they are said (readings 1.9)."""

    @property
    def name(self) -> str:
        """What the recording is called: by its corpus, or by its file."""
        return self.recording.label

    @property
    def expected_frames(self) -> int | None:
        """Frames to come, as far as the file says; what comes may differ."""
        return None if self.stated is None else max(1, frame_count(self.stated))

    def __iter__(self) -> Iterator[Clip]:
        """Yield clips of `length` frames, the last one shorter.

        Raises:
            MediaError: nothing in the file can be decoded, or it is shorter than half a frame.
            TranscriptError: the transcript has a line that begins after the recording's end.
        """
        follower, level, first = self.follower or self._face_follower(), follower_of(self.spec), 0
        for rows in _chunks(self._watched(follower), self.length):
            windows = np.zeros((len(rows), self.spec.window), np.float32)
            for k, row in enumerate(rows):
                if row.window is not None:
                    windows[k] = row.window
            present = np.array([row.window is not None for row in rows])
            sound, has_sound = normalise(windows, present, self.spec, level)
            faces, frame_face, boxes, stills = self._seen(rows)
            late = first - self.text_delay
            spoken = sentence_frames(self.sentences, len(rows), self.recording.alignment, late)
            speaker = speaker_frames(self.turns, len(rows), first)
            yield Clip(first, sound, has_sound, speaker, faces, frame_face, boxes, spoken, stills)
            first += len(rows)
        if self.contents and not self.contents.exact:
            self._fit_sentences(first / FRAME_RATE)

    def warn(self, message: str) -> None:
        """Note once what is wrong with the recording."""
        if message not in self.warnings:
            self.warnings.append(message)

    def _fit_sentences(self, duration: float) -> None:
        where = self.transcript or self.name
        self.sentences = fit_sentences(self.sentences, duration, self.warn, where)

    def _rows(self) -> Iterator[Row]:
        if self.contents is None:
            return (Row() for _ in range(frame_count(self.stated or 0.0)))
        return read_rows(self.contents, self.spec, self.warn, self.threads)

    def _face_follower(self) -> Follower | None:
        if self.contents is None or self.contents.video is None:
            return None
        from affekt.media.faces import FaceFollower  # loads ONNX Runtime: not for sound alone

        return FaceFollower(self.spec, self.recording.subject, self.threads)

    def _watched(self, follower: Follower | None) -> Iterator[_Watched]:
        """The rows with the face found in each; the pictures, a few MB each, are let go at once."""
        for k, row in enumerate(self._rows()):
            face, still = None, None
            if row.picture is not None and follower is not None:
                try:
                    face = follower.follow(row.picture)
                    if self.stills and k % FRAME_RATE == 0:
                        small = row.picture.at(STILL_WIDTH / row.picture.width)
                        still = Still(k, encode_jpeg(small), face.box if face else None)
                except FFmpegError:
                    self.warn("some of its pictures are damaged and were left out")
            elif follower is not None:
                follower.miss()
            yield _Watched(row.window, face, still)

    def _seen(self, rows: list[_Watched]) -> tuple[np.ndarray, np.ndarray, np.ndarray, tuple[Still, ...]]:
        """What was seen in some rows: `faces`, `frame_face`, `boxes`, `stills`."""
        crops: list[np.ndarray] = []
        frame_face = np.full(len(rows), -1, np.int64)
        boxes = np.full((len(rows), 4), np.nan, np.float32)
        for k, row in enumerate(rows):
            if row.face is not None:
                frame_face[k], boxes[k] = len(crops), row.face.box
                crops.append(row.face.crop)
        size = self.spec.image_size
        faces = np.stack(crops) if crops else np.zeros((0, size, size, 3), np.uint8)
        return faces, frame_face, boxes, tuple(row.still for row in rows if row.still is not None)


def read_clips(
    recording: Recording,
    spec: ClipSpec,
    *,
    length: int = 300,
    stills: bool = False,
    follower: Follower | None = None,
    threads: int | None = None,
) -> Reading:
    """Open a recording: its film, sound file, picture, or transcript, and what lies beside it.

    Args:
        recording: the files.
        spec: what the model asks for.
        length: frames of a clip, 300 = 30 s.
        stills: keep a small picture of every second for the report.
        follower: finds the face; None: a `FaceFollower`.
        threads: for decoding and face detection; None: as many as there are cores.

    Returns:
        A reading to iterate over.

    Raises:
        MediaError: the file is missing, empty, or no recording; of a film and its own sound file, both are.
        TranscriptError, TurnsError: the file cannot be read or does not fit the recording.
    """
    media, words = recording.media, recording.transcript
    if media and media.suffix.lower() in TRANSCRIPTS:
        media, words = None, media
    contents, lost = _probe(media, recording.sound)
    if words is None and contents and not contents.still:
        words = find_transcript(contents.path)
    if words is None and contents is None:
        raise MediaError(f"{recording.label}: has neither film nor sound nor transcript to be read")
    path = words if isinstance(words, Path) else None
    notes: list[str] = [] if lost is None else [lost]
    sentences = read_transcript(words, notes.append) if isinstance(words, Path) else words or ()
    turns = recording.turns
    turns = read_turns(turns, notes.append) if isinstance(turns, Path) else turns
    stated = contents.stated if contents else _last_end(path or recording.label, sentences)
    reading = Reading(
        recording,
        spec,
        contents,
        path,
        sentences,
        turns,
        stated,
        length,
        stills,
        follower,
        threads,
        notes,
        lost,
    )
    if contents and contents.exact and stated is not None:
        reading._fit_sentences(stated)
    return reading


def _probe(media: Path | None, sound: Path | None) -> tuple[Contents | None, str | None]:
    """What is in a recording's film and in its own sound file, if it has one; None without either.

    Returns:
        The contents, and what is to be said if one of the two cannot be used: the other is read alone.
    """
    if media is None or sound is None:
        film = None if media is None else probe(media)
        return film if sound is None else with_sound(film, probe(sound)), None
    try:
        film = probe(media)
    except MediaError as error:
        return with_sound(None, probe(sound)), f"{_without_folder(error, media)}; its sound alone was read"
    try:
        heard = with_sound(None, probe(sound))
    except MediaError as error:
        return film, f"{_without_folder(error, sound)}; the film was read without it"
    return with_sound(film, heard), None


def _without_folder(error: MediaError, path: Path) -> str:
    """The error's line with the file's bare name: a recording is the same wherever it lies."""
    return f"{path.name}{str(error).removeprefix(str(path))}"


def _last_end(where: Path | str, sentences: tuple[Sentence, ...]) -> float:
    """Seconds that a transcript alone lasts."""
    end = max((one.end for one in sentences), default=0.0)
    if frame_count(end) == 0:
        raise TranscriptError(f"{where}: there is no sentence in it")
    if end > LONGEST_TRANSCRIPT:
        raise TranscriptError(f"{where}: a line ends at {end:.0f} s; a day is the longest that is read")
    return end


def fit_sentences(
    sentences: tuple[Sentence, ...], duration: float, warn: Warn, where: Path | str
) -> tuple[Sentence, ...]:
    """Clip the lines of a transcript that run past a recording's end.

    Args:
        where: the transcript's file or, where it came without one, the recording's name.

    Raises:
        TranscriptError: a line begins after the end.
    """
    for one in sentences:
        if one.start > duration + TRUST:
            raise TranscriptError(
                f"{where}: a line begins at {one.start:.1f} s, but the recording ends at {duration:.1f} s; "
                "is it another recording's transcript?"
            )
    over = [one for one in sentences if one.end > duration]
    if any(one.end > duration + 1 / FRAME_RATE for one in over):
        warn(f"the transcript runs past the recording's end at {duration:.1f} s and was clipped there")
    return tuple(replace(one, end=max(one.start, duration)) if one in over else one for one in sentences)


def _chunks(rows: Iterable[_Watched], length: int) -> Iterator[list[_Watched]]:
    chunk: list[_Watched] = []
    for row in rows:
        chunk.append(row)
        if len(chunk) == length:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
