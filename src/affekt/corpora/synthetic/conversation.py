"""Two synthetic people in a talk: who says what when, how it sounds, when a face is out of the picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from affekt.corpora.synthetic.annotators import Ratings, rate
from affekt.corpora.synthetic.latent import Mind, minds
from affekt.corpora.synthetic.phones import phones_of, seconds_of
from affekt.corpora.synthetic.plan import Pair, Parameters
from affekt.corpora.synthetic.sentences import FILLER, compose
from affekt.corpora.synthetic.voice import HASTE, RATE, Throat, Utterance, breath, speak
from affekt.timeline import FRAME_RATE, Sentence, Turn
from affekt.timeline.alignment import sentence_frames, speaker_frames

Array = np.ndarray
TURN_LENGTHS = (0.35, 0.40, 0.25)
"""Shares of turns of one, two and three sentences."""
HESITATION = 0.08
"""Share of sentences before which a turn has a line that is nothing but a filler."""
OVERLAP = 0.12
"""Share of turns that begin before the other's has ended."""
AHEAD = 1.2
"""Seconds from a sentence's start over which its words' cue is averaged, and again from there to its end."""
PARTNER = -9.0
"""Decibels of the partner's voice in one's own recording."""
ROOM = 3e-4
"""Root mean square of the room's noise."""
AWAY_EVERY, AWAY = 32.0, (1.5, 4.0)
"""Mean seconds that a face stays in the picture, and how long it is out of it."""


@dataclass(frozen=True, slots=True, eq=False)
class Conversation:
    """All that a pair's files are made of."""

    pair: Pair
    frames: int
    minds: tuple[Mind, Mind]
    throats: tuple[Throat, Throat]
    utterances: tuple[Utterance, ...]
    """In the order of their starts."""
    turns: tuple[tuple[int, float, float], ...]
    """Who, start and end in seconds."""
    away: tuple[tuple[tuple[float, float], ...], tuple[tuple[float, float], ...]]
    """Of each person: spans in seconds in which no face is seen."""

    def spoken(self, side: int) -> tuple[Utterance, ...]:
        """What one of the two says."""
        return tuple(one for one in self.utterances if one.side == side)

    def sentences(self, side: int) -> tuple[Sentence, ...]:
        """The same as a transcript's lines."""
        return tuple(Sentence(one.start, one.end, one.text) for one in self.spoken(side))

    def seen(self, side: int, times: Array) -> Array:
        """(N,) bool: is the face in the picture at these seconds?"""
        shown = np.ones(len(times), bool)
        for start, end in self.away[side]:
            shown &= (times < start) | (times >= end)
        return shown


@dataclass(frozen=True, slots=True, eq=False)
class Cues:
    """What one recording shows to a reader who understands each modality perfectly."""

    values: dict[str, Array]
    """Modality → (T, 2): arousal and valence as they were put in; 0 where absent."""
    present: dict[str, Array]
    """Modality → (T,) bool: text while a sentence with a word is spoken, sound in the subject's turns, a face
    in the picture."""


def hold(parameters: Parameters, pair: Pair) -> Conversation:
    """Let a pair talk. Takes milliseconds: nothing is drawn or sounded yet."""
    people = minds(parameters, pair)
    rng = parameters.stream(pair.number, "talk")
    throats = Throat.of(rng), Throat.of(rng)
    utterances: list[Utterance] = []
    turns: list[tuple[int, float, float]] = []
    time, side = rng.uniform(0.3, 1.2), int(rng.integers(2))
    while True:
        # In the first two turns just a sentence, so that both have said something in a short recording.
        lines = 1 if len(turns) < 2 else 1 + int(rng.choice(3, p=TURN_LENGTHS))
        said = _turn(pair, side, round(time, 3), lines, people[side], throats[side], rng)
        kept = [one for one in said if one.end < parameters.seconds - 0.2]
        if kept:
            utterances += kept
            turns.append((side, kept[0].start, kept[-1].end))
        if len(kept) < len(said):
            break
        overlap = rng.random() < OVERLAP
        time = kept[-1].end + (rng.uniform(-0.4, -0.1) if overlap else rng.uniform(0.1, 0.9))
        side = 1 - side
    away = tuple(_away(parameters.seconds, parameters.stream(pair.number, f"away {k}")) for k in (0, 1))
    ordered = tuple(sorted(utterances, key=lambda one: one.start))
    return Conversation(pair, parameters.frames, people, throats, ordered, tuple(turns), (away[0], away[1]))


def _turn(
    pair: Pair, side: int, time: float, lines: int, mind: Mind, throat: Throat, rng: np.random.Generator
) -> list[Utterance]:
    said: list[Utterance] = []
    for _ in range(lines):
        rate = throat.speed * (1 + HASTE * _mean(mind.cues["audio"][:, 0], time, time + AHEAD))
        if rng.random() < HESITATION:
            said.append(_utterance(side, time, FILLER, rate))
            time = round(said[-1].end + rng.uniform(0.1, 0.3), 3)
        until = time + 2 * AHEAD
        arousal, valence = (_mean(mind.cues["text"][:, k], time, until) for k in (0, 1))
        line = compose(pair.language, arousal, valence, rng)
        said.append(_utterance(side, time, line.text, rate, line.arousal, line.valence))
        time = round(said[-1].end + rng.uniform(0.12, 0.4), 3)
    return said


def _utterance(side: int, start: float, text: str, rate: float, *worth: float) -> Utterance:
    phones = phones_of(text)
    return Utterance(side, start, text, phones, rate, round(seconds_of(phones, rate), 3), *worth)


def _mean(values: Array, start: float, end: float) -> float:
    first = min(round(start * FRAME_RATE), len(values) - 1)
    return float(np.mean(values[first : max(round(end * FRAME_RATE), first + 1)]))


def _away(seconds: float, rng: np.random.Generator) -> tuple[tuple[float, float], ...]:
    spans = []
    time = rng.exponential(AWAY_EVERY) + 1
    while time < seconds:
        gone = rng.uniform(*AWAY)
        spans.append((time, time + gone))
        time += gone + rng.exponential(AWAY_EVERY) + 1
    return tuple(spans)


def cues(talk: Conversation, side: int) -> Cues:
    """What one person's recording shows."""
    said, frames = talk.spoken(side), talk.frames
    place = sentence_frames(talk.sentences(side), frames)
    worth = np.array([[one.arousal, one.valence] for one in said] + [[np.nan] * 2])[place]
    turns = [Turn(start, end, who == side) for who, start, end in talk.turns]
    middles = (np.arange(frames) + 0.5) / FRAME_RATE
    present = {
        "text": ~np.isnan(worth[:, 1]),
        "audio": speaker_frames(turns, frames) == 0,
        "visual": talk.seen(side, middles),
    }
    shown = {**talk.minds[side].cues, "text": worth}
    return Cues({name: np.where(present[name][:, None], shown[name], 0.0) for name in present}, present)


def ratings(parameters: Parameters, talk: Conversation, side: int) -> Ratings:
    """What the raters noted of one of a pair's recordings."""
    return rate(talk.minds[side].latent, parameters.stream(talk.pair.number, f"raters {side}"))


def sound(parameters: Parameters, talk: Conversation, side: int) -> Array:
    """(seconds · RATE,) float32: both voices as one person's microphone hears them, the own one louder."""
    pair = talk.pair.number
    count = round(parameters.seconds * RATE)
    total = parameters.stream(pair, f"room {side}").normal(0, ROOM, count).astype(np.float32)
    times = (np.arange(talk.frames) + 0.5) / FRAME_RATE
    starts = {(who, start) for who, start, _ in talk.turns}
    for number, one in enumerate(talk.utterances):
        rng = parameters.stream(pair, f"voice {number}")
        shown = talk.minds[one.side].cues["audio"]
        piece = speak(one, talk.throats[one.side], times, shown[:, 0], shown[:, 1], rng)
        loudness = 1.0 if one.side == side else 10 ** (PARTNER / 20)
        _add(total, loudness * piece, one.start)
        if (one.side, one.start) in starts:
            air = breath(0.22, 0.06, rng)
            _add(total, loudness * air, one.start - 0.26)
    return np.clip(total, -1, 1)


def _add(total: Array, piece: Array, seconds: float) -> None:
    """Lay a piece over the whole, from some time on; what lies outside is cut."""
    first = round(seconds * RATE)
    piece = piece[max(0, -first) :]
    part = total[max(0, first) : max(0, first) + len(piece)]
    part += piece[: len(part)]
