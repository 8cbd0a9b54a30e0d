"""A recording, or a list of sentences, pictures or sounds, through a bundle's networks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Generic, TypeVar

import numpy as np

from affekt.media.clips import Reading, read_clips
from affekt.media.detector import FaceDetector
from affekt.media.faces import face_crop
from affekt.media.language import understands
from affekt.media.sound import frames_of_array
from affekt.runtime.bundle import Bundle
from affekt.runtime.engine import Engine, Judged, Past, Precision
from affekt.runtime.inputs import checked_images, checked_sounds, checked_texts
from affekt.runtime.sources import Source, with_following
from affekt.timeline import MODALITIES, Clip, FaceMap, Prediction, Recording, Still, WordWeights

Progress = Callable[[int, int | None], None]
"""Called with the frames done and the frames expected, None = unknown."""

SENTENCE_FRAMES = 30
"""A sentence without a recording is taken to last 3 s."""
CLIP = 100
"""Frames judged at a time: 10 s, so that memory stays low and progress shows."""
KEPT = 24
"""Pictures of a recording that are kept for its report, at most twice as many."""

Item = TypeVar("Item", Still, FaceMap)


@dataclass
class Album(Generic[Item]):
    """A few items spread evenly over a recording of unknown length: when full, every other one goes."""

    items: list[Item] = field(default_factory=list)
    step: int = 10

    def offer(self, item: Item) -> None:
        """Keep the item if its frame is one of the kept grid."""
        if item.frame % self.step == 0:
            self.items.append(item)
            if len(self.items) > 2 * KEPT:
                self.step *= 2
                self.items = [i for i in self.items if i.frame % self.step == 0]

    def wants(self, frame: int) -> bool:
        """Would an item of this frame be kept?"""
        return frame % self.step == 0


@dataclass(frozen=True, slots=True, eq=False)
class Said:
    """What the text network made of the sentences of a source."""

    known: bool
    """False: they are in a language it does not know, or it is not there."""
    vectors: np.ndarray
    """(U, D_t) float32."""
    weights: list[tuple[tuple[str, ...], np.ndarray]]
    """Of each sentence its words, and the selector's weights (P, L) on them."""


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """A clip of T frames that has been judged."""

    clip: Clip
    presence: np.ndarray
    """(T, 3) bool: what it was judged by."""
    features: tuple[np.ndarray, np.ndarray, np.ndarray]
    """x^t, x^a, x^v, (1, T, ·) float32, 0 where absent (the paper's sections 4.1.1 to 4.1.3)."""
    judged: Judged
    maps: np.ndarray
    """(F, H, W) float32, of each of the clip's faces where the visual network looked."""


class Predictor:
    """Runs one bundle over recordings."""

    def __init__(self, bundle: Bundle, threads: int | None = None, precision: Precision = "auto") -> None:
        self.bundle = bundle
        self.engine = Engine(bundle, threads, precision)
        self.threads = threads

    @cached_property
    def _judges_by(self) -> np.ndarray:
        """(3,) bool: which modalities the bundle has networks for."""
        return np.array([name in self.bundle.modalities for name in MODALITIES])

    @cached_property
    def _detector(self) -> FaceDetector:
        return FaceDetector(self.threads)

    def predict(
        self, recording: Recording, *, pictures: bool = True, progress: Progress | None = None
    ) -> Prediction:
        """Judge a recording, streaming it clip by clip.

        Args:
            pictures: keep a few stills and faces for the report.

        Raises:
            MediaError, TranscriptError, TurnsError: as `media.read_clips`.
        """
        return self.judge(self.read(recording, stills=pictures), pictures=pictures, progress=progress)

    @property
    def length(self) -> int:
        """Frames that a source's clips are to have: what the audio network hears at once is not cut."""
        return self.bundle.audio_context or CLIP

    def read(self, recording: Recording, *, stills: bool = False) -> Reading:
        """Open a recording's files as this bundle wants them read.

        Raises:
            MediaError, TranscriptError, TurnsError: as `media.read_clips`.
        """
        reading = read_clips(
            recording, self.bundle.spec, length=self.length, stills=stills, threads=self.threads
        )
        reading.text_delay = self.bundle.text_delay
        return reading

    def judge(
        self, source: Source, *, pictures: bool = False, progress: Progress | None = None
    ) -> Prediction:
        """Judge what a source has, as `predict`."""
        said, parts, presences = self.encode(source), [], []
        stills, faces = Album[Still](), Album[FaceMap]()
        done = 0
        for step in self.steps(source, said):
            parts.append(step.judged)
            presences.append(step.presence)
            if pictures:
                _collect(step, stills, faces)
            done += len(step.clip)
            if progress:
                progress(done, source.expected_frames)
        words = [
            WordWeights(sentence, found, heads)
            for sentence, (found, heads) in zip(source.sentences, said.weights, strict=False)
            if found
        ]
        return self._prediction(source, parts, np.concatenate(presences), tuple(words), stills, faces)

    def encode(self, source: Source) -> Said:
        """What the text network makes of a source's sentences; nothing of a language it does not know."""
        known, why = understands(source.recording.language, source.sentences, self.bundle.spec.languages)
        if not known and why and self._judges_by[0]:
            source.warn(why)
        known &= bool(self._judges_by[0])
        vectors, weights = self.engine.encode([s.text for s in source.sentences] if known else [])
        return Said(known, vectors, weights)

    def steps(self, source: Source, said: Said) -> Iterator[Step]:
        """Judge clip after clip; `said` is what `encode` made of the same source.

        A clip waits until as much of what follows has been read as its sound's features depend on.
        """
        state, past = self.engine.initial(1), None
        for clip, following in with_following(source, self.bundle.audio_future):
            if not self._judges_by[2]:
                clip = replace(clip, faces=clip.faces[:0], frame_face=np.full(len(clip), -1, np.int64))
            presence = clip.presence & self._judges_by
            presence[:, 0] &= said.known
            audio, past = self._listen(clip, following, past)
            features, heat = self._features(clip, said.vectors, presence, audio)
            judged = self.engine.judge(features, presence[None], state)
            state = judged.state
            yield Step(clip, presence, features, judged, heat)

    def _listen(self, clip: Clip, following: list[Clip], past: Past | None) -> tuple[np.ndarray, Past | None]:
        """x^a (T, D_a) of a clip, zero where absent, and what the next one is to be heard with."""
        clips, end = [clip, *following], len(clip) + self.bundle.audio_future
        windows = np.concatenate([one.sound for one in clips])[:end]
        speaker = np.concatenate([one.speaker for one in clips])[:end]
        heard = np.concatenate([one.has_sound for one in clips])[:end] & self._judges_by[1]
        return self.engine.listen(windows, speaker, heard, past, ahead=len(windows) - len(clip))

    def _features(
        self, clip: Clip, vectors: np.ndarray, presence: np.ndarray, audio: np.ndarray
    ) -> tuple[tuple[np.ndarray, np.ndarray, np.ndarray], np.ndarray]:
        """x^t, x^a, x^v (1, T, ·) of a clip, zero where absent, and its faces' maps."""
        text, visual = (np.zeros((len(clip), width), np.float32) for width in self.engine.widths[::2])
        spoken, _, seen = presence.T
        text[spoken] = vectors[clip.frame_sentence[spoken]]
        embedded, heat = self.engine.see(clip.faces)
        visual[seen] = embedded[clip.frame_face[seen]]
        return (text[None], audio[None], visual[None]), heat

    def _prediction(
        self,
        source: Source,
        parts: list[Judged],
        presence: np.ndarray,
        words: tuple[WordWeights, ...],
        stills: Album[Still],
        faces: Album[FaceMap],
    ) -> Prediction:
        y = np.concatenate([p.y[0] for p in parts])
        pairs = self.bundle.pairs
        recording = source.recording
        file = recording.media or recording.sound
        info: dict[str, Any] = {
            "model": self.bundle.name,
            "model_version": self.bundle.version,
            "modalities": list(self.bundle.modalities),
            "fusion": self.bundle.fusion,
            "pairs": None if pairs is None else [list(pair) for pair in pairs],
            "alignment": recording.alignment,
            "source": None if file is None else str(file),
            "transcript": None if source.transcript is None else str(source.transcript),
            "warnings": list(source.warnings),
        }
        if self.bundle.band:
            info["band"] = self.bundle.band.share
        return Prediction(
            name=source.name,
            arousal=y[:, 0],
            valence=y[:, 1],
            presence=presence,
            modality_weights=_joined([p.modality for p in parts]),
            pair_weights=_joined([p.pairs for p in parts]),
            pair_shares=_joined([p.shares for p in parts]),
            band=self._band(parts, presence),
            word_weights=words,
            face_maps=tuple(faces.items),
            stills=tuple(stills.items),
            info=info,
        )

    def _band(self, parts: list[Judged], presence: np.ndarray) -> np.ndarray | None:
        """The band's half-widths (T, 2), NaN where nothing is present; None of a bundle without one."""
        spread = _joined([p.spread for p in parts])
        if self.bundle.band is None or spread is None:
            return None
        band = spread * self.bundle.band.at(presence)
        return np.where(presence.any(1, keepdims=True), band, np.float32(np.nan))

    def texts(self, texts: Sequence[str]) -> np.ndarray:
        """Mean arousal and valence (N, 2) of sentences, each held for 3 s; NaN where there is no word.

        Raises:
            ValueError: it is not a list of texts.
        """
        texts = checked_texts(texts)
        if not self._judges_by[0]:
            return np.full((len(texts), 2), np.nan, np.float32)
        vectors, weights = self.engine.encode(texts)
        out = np.full((len(texts), 2), np.nan, np.float32)
        rows = [i for i, (words, _) in enumerate(weights) if words]
        for part in _parts(rows, 64):
            features = np.repeat(vectors[part][:, None], SENTENCE_FRAMES, 1)
            out[part] = self._judge_one(0, features).mean(1)
        return out

    def images(self, images: Sequence[np.ndarray]) -> np.ndarray:
        """Arousal and valence (N, 2) of photographs or face crops; NaN where no face is found.

        Args:
            images: (H, W, 3) RGB or (H, W) grey, uint8.

        Raises:
            ValueError: one is something else.
        """
        images = checked_images(images)
        out = np.full((len(images), 2), np.nan, np.float32)
        for part in _parts(list(range(len(images))), 256):
            crops = {i: face_crop(images[i], self.bundle.spec, self._detector) for i in part}
            found = {i: crop for i, crop in crops.items() if crop is not None}
            if found and self._judges_by[2]:
                vectors, _ = self.engine.see(np.stack(list(found.values())))
                out[list(found)] = self._judge_one(2, vectors[:, None])[:, 0]
        return out

    def sounds(self, sounds: Sequence[np.ndarray], rate: int) -> np.ndarray:
        """Mean arousal and valence (N, 2) of sounds; NaN where all is silent.

        Args:
            sounds: (N,) float with full scale ±1, or int16, at `rate` Hz.

        Raises:
            ValueError: one is something else, or the rate is none of sound.
        """
        sounds = checked_sounds(sounds, rate)
        out = np.full((len(sounds), 2), np.nan, np.float32)
        for i, sound in enumerate(sounds):
            windows, heard = frames_of_array(sound, rate, self.bundle.spec)
            if heard.any() and self._judges_by[1]:
                features, _ = self.engine.listen(windows, np.zeros(len(windows), np.int64), heard)
                out[i] = self._judge_one(1, features[None], heard[None])[0].mean(0)
        return out

    def _judge_one(self, modality: int, x: np.ndarray, present: np.ndarray | None = None) -> np.ndarray:
        """(B, T, 2) from one modality's features (B, T, ·) alone."""
        shape = x.shape[:2]
        text, audio, visual = (
            x if m == modality else np.zeros((*shape, width), np.float32)
            for m, width in enumerate(self.engine.widths)
        )
        presence = np.zeros((*shape, 3), bool)
        presence[..., modality] = True if present is None else present
        return self.engine.judge((text, audio, visual), presence, self.engine.initial(len(x))).y


def _parts(rows: list[int], size: int) -> list[list[int]]:
    return [rows[i : i + size] for i in range(0, len(rows), size)]


def _joined(parts: list[np.ndarray | None]) -> np.ndarray | None:
    kept = [part[0] for part in parts if part is not None]
    return np.concatenate(kept) if kept else None


def _collect(step: Step, stills: Album[Still], faces: Album[FaceMap]) -> None:
    clip = step.clip
    for still in clip.stills:
        stills.offer(still)
    for k in np.flatnonzero(clip.frame_face >= 0):
        frame, row = clip.first + int(k), int(clip.frame_face[k])
        if faces.wants(frame):
            faces.offer(FaceMap(frame, clip.faces[row].copy(), step.maps[row].copy()))
