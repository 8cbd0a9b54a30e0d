"""Composed sequences: speech, faces and sentences of near meaning, joined as if one person's recording.

No corpus at hand has all three modalities with a continuous gold standard, so the fusion learns from
sequences put together from what there is. They are not real people: see the model card.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from affekt.media.sound import frames_of_array
from affekt.timeline import Alignment, ClipSpec, Sentence, Turn, frame_count
from affekt.timeline.alignment import sentence_frames, speaker_frames
from affekt.training.default.data import Speech

NEAREST = 25
"""Faces and sentences are drawn from this many nearest ones."""
MISHEARD = 0.4
"""How many training utterances stand for another feeling than they were acted for. A network knows the speech
that it learned from better than any other; a fusion that saw it know that well would trust it too much."""
MISTAKEN = np.array([0.25, 0.7])
"""How far off such a feeling is (sd of arousal, valence): voices tell valence less well than arousal."""
MISSEEN = 0.25
"""How many training utterances have the face of another feeling. Composed faces are picked to fit, and are of
the kind that the face network learned from: a fusion that saw no others would trust real ones too much."""
MISLEADING = np.array([0.5, 0.4])
"""How far off that feeling is: faces tell arousal less well than valence."""
FACE_VERSIONS = 3
"""Warps of a face whose features are kept; frames wander between them."""


@dataclass(frozen=True)
class Composed:
    """One sequence of T frames, still without features."""

    subject: str
    """Who speaks, but for a partner's turns."""
    sound: np.ndarray
    """(T, window) float32."""
    has_sound: np.ndarray
    speaker: np.ndarray
    frame_face: np.ndarray
    """(T,) int64, row of the faces' features (face × version), −1 = none."""
    frame_sentence: np.ndarray
    """(T,) int64, row of the sentences' features, −1 = none."""
    gold: np.ndarray
    """(T, 2)."""


def ranks(values: np.ndarray) -> np.ndarray:
    """Each value's place in its column, 0 to 1, ties in the middle: (N, D) → (N, D)."""
    from scipy.stats import rankdata

    return np.asarray((rankdata(values, axis=0) - 0.5) / len(values))


class Composer:
    """Draws sequences from the utterances, faces and sentences of one split."""

    def __init__(
        self,
        speech: Sequence[Speech],
        face_gold: np.ndarray,
        sentence_gold: np.ndarray,
        spec: ClipSpec,
        misheard: float = 0.0,
        misseen: float = 0.0,
    ) -> None:
        """Match faces by coordinates and sentences by rank, since EmoBank's spread is small.

        Args:
            face_gold: (F, 2); sentence_gold: (S, 2), NaN where a sentence has no word.
            misheard: share of the utterances that stand for what another one was acted for.
            misseen: share of them whose face does.
        """
        self.spec, self.misheard, self.misseen = spec, misheard, misseen
        self.by_speaker: dict[str, list[int]] = {}
        for i, utterance in enumerate(speech):
            self.by_speaker.setdefault(utterance.speaker, []).append(i)
        self.speakers = sorted(self.by_speaker)
        self.speech = speech
        self.gold = gold = np.stack([u.gold for u in speech])
        usable = np.flatnonzero(np.isfinite(sentence_gold).all(1))
        self.faces = nearest(gold, face_gold)
        self.sentences = usable[nearest(ranks(gold), ranks(sentence_gold[usable]))]

    def draw(self, draw: np.random.Generator) -> Composed:
        """One sequence of 20–60 s of one speaker, in a third of the cases with a partner's turns."""
        (eyes,) = draw.spawn(1)  # what is misseen changes nothing else
        me = self.speakers[draw.integers(len(self.speakers))]
        rate = self.speech[self.by_speaker[me][0]].rate
        partner = self._partner(me, rate, draw) if draw.random() < 1 / 3 else None
        sound: list[np.ndarray] = []
        turns: list[Turn] = []
        said: list[tuple[float, float, int]] = []
        length, at = draw.uniform(20, 60), 0.0
        while at < length:
            other = partner is not None and turns and turns[-1].subject and draw.random() < 0.35
            pool = self.by_speaker[partner if other and partner else me]
            i = pool[draw.integers(len(pool))]
            samples = self.speech[i].samples
            seconds = len(samples) / rate
            sound.append(samples)
            turns.append(Turn(at, at + seconds, subject=not other))
            if not other:
                said.append((at, at + seconds, self._taken(i, self.misheard, MISTAKEN, draw)))
            pause = draw.uniform(0.1, 1.2)
            sound.append(np.zeros(round(pause * rate), np.float32))
            at += seconds + pause
        wave = np.concatenate(sound)
        wave = wave + draw.standard_normal(len(wave)).astype(np.float32) * 10 ** (draw.uniform(-75, -50) / 20)
        windows, has_sound = frames_of_array(wave * 10 ** (draw.uniform(-15, 3) / 20), rate, self.spec)
        n = len(windows)
        speaker = speaker_frames(turns if partner else None, n)
        faces, sentences = self._faces(said, n, draw, eyes), self._sentences(said, n, draw)
        return Composed(me, windows, has_sound, speaker, faces, sentences, self._gold(said, n))

    def _taken(self, i: int, share: float, far: np.ndarray, draw: np.random.Generator) -> int:
        """The utterance itself or, with this probability, one whose feeling it could be taken for."""
        if draw.random() >= share:
            return i
        likely = np.exp(-0.5 * (((self.gold - self.gold[i]) / far) ** 2).sum(1))
        return int(draw.choice(len(likely), p=likely / likely.sum()))

    def _partner(self, me: str, rate: int, draw: np.random.Generator) -> str | None:
        others = [s for s in self.speakers if s != me and self.speech[self.by_speaker[s][0]].rate == rate]
        return others[draw.integers(len(others))] if others else None

    def _gold(self, said: list[tuple[float, float, int]], n: int) -> np.ndarray:
        """The utterances' coordinates; pauses and the partner's turns bridged, joins smoothed over 0.5 s."""
        known_at, known = [], []
        for start, end, i in said:
            for t in range(frame_count(start), max(frame_count(start) + 1, min(n, frame_count(end)))):
                known_at.append(t)
                known.append(self.gold[i])
        values = np.array(known)
        gold = np.stack([np.interp(np.arange(n), known_at, values[:, d]) for d in range(2)], 1)
        padded = np.pad(gold, ((2, 2), (0, 0)), mode="edge")
        return np.mean([padded[i : i + n] for i in range(5)], axis=0).astype(np.float32)

    def _faces(
        self,
        said: list[tuple[float, float, int]],
        n: int,
        draw: np.random.Generator,
        eyes: np.random.Generator,
    ) -> np.ndarray:
        """A face held from each utterance to the next, gently changing, gone for a while now and then."""
        rows = np.full(n, -1, np.int64)
        version = np.cumsum(draw.random(n) < 0.15) + draw.integers(FACE_VERSIONS)
        starts = [0, *(frame_count(start) for start, _, _ in said[1:]), n]
        for (_, _, i), first, stop in zip(said, starts, starts[1:], strict=False):
            shown = self._taken(i, self.misseen, MISLEADING, eyes)
            face = self.faces[shown, draw.integers(NEAREST)]
            rows[first:stop] = face * FACE_VERSIONS + version[first:stop] % FACE_VERSIONS
        for _ in range(draw.poisson(0.7)):
            first = int(draw.integers(n))
            rows[first : first + draw.integers(5, 60)] = -1
        return rows

    def _sentences(
        self, said: list[tuple[float, float, int]], n: int, draw: np.random.Generator
    ) -> np.ndarray:
        """A sentence on most utterances, aligned either way."""
        alignment: Alignment = "causal" if draw.random() < 0.4 else "sentence"
        spoken = [
            (s, e, self.sentences[i, draw.integers(NEAREST)]) for s, e, i in said if draw.random() < 0.85
        ]
        lines = [Sentence(s, e, "x") for s, e, _ in spoken]
        rows = sentence_frames(lines, n, alignment)
        chosen = np.array([row for _, _, row in spoken] + [-1], np.int64)
        return chosen[rows]


def nearest(wanted: np.ndarray, offered: np.ndarray) -> np.ndarray:
    """Rows of the NEAREST offered points (M, 2) to each wanted point (N, 2): (N, NEAREST) int64."""
    from scipy.spatial import KDTree

    return np.asarray(KDTree(offered).query(wanted, k=NEAREST)[1], np.int64)
