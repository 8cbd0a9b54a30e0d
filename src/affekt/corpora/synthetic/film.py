"""The picture of a synthetic recording: the drawn face, moved by cues and by what is said, as an AVI."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.codec.context import Flags

from affekt.corpora.synthetic.brushes import Colour
from affekt.corpora.synthetic.conversation import Conversation
from affekt.corpora.synthetic.drawn_body import grid, wall
from affekt.corpora.synthetic.drawn_face import Mood, Person, developed, draw_face
from affekt.corpora.synthetic.voice import mouth
from affekt.timeline import FRAME_RATE

Array = np.ndarray
SIZE = 320, 240
"""SEWA's, for chats."""
FILM_RATE, REPEATS = 50, 4
"""Pictures a second that the file holds, as SEWA's do, and how often each drawn one stands in it: there are
12.5 distinct pictures a second."""
BIT_RATE = 300_000

SKINS: tuple[Colour, ...] = (
    (0.66, 0.44, 0.34),
    (0.60, 0.37, 0.265),
    (0.50, 0.29, 0.19),
    (0.38, 0.205, 0.125),
    (0.25, 0.13, 0.08),
    (0.16, 0.08, 0.05),
)
HAIRS: tuple[Colour, ...] = (
    (0.015, 0.012, 0.011),
    (0.060, 0.034, 0.021),
    (0.13, 0.07, 0.035),
    (0.33, 0.21, 0.095),
    (0.22, 0.065, 0.025),
    (0.36, 0.35, 0.34),
)
IRISES: tuple[Colour, ...] = (
    (0.13, 0.20, 0.16),
    (0.12, 0.20, 0.33),
    (0.10, 0.055, 0.025),
    (0.17, 0.15, 0.06),
)

CAPTION = (
    ".............#..#........#..#.....",
    ".##.#.#.##..###.##...#..###....##.",
    "#...#.#.#.#..#..#.#.#.#..#..#.#...",
    ".#..#.#.#.#..#..#.#.###..#..#.#...",
    "..#..##.#.#..#..#.#.#....#..#.#...",
    "##....#.#.#...#.#.#..##...#.#..##.",
    "....##............................",
)
"""Pixels of the word that every picture bears."""


@dataclass(frozen=True, slots=True, eq=False)
class Performance:
    """What a face does, in each distinct picture."""

    person: Person
    moods: tuple[Mood, ...]
    mouth: Array
    """(P,) from 0 to 1."""
    blink: Array
    """(P,) from 0 to 1."""
    seen: Array
    """(P,) bool: False where nobody sits before the camera."""


def somebody(rng: np.random.Generator) -> Person:
    """A face's colours: nobody's in particular."""
    place = int(rng.integers(len(SKINS)))
    skin = tuple(float(c * rng.uniform(0.93, 1.07)) for c in SKINS[place])
    lips = skin[0] * 0.78, skin[1] * 0.48, skin[2] * 0.55
    # Dark skin rarely comes with fair hair.
    hair = HAIRS[int(rng.integers(len(HAIRS) if place < 3 else 2))]
    iris = IRISES[int(rng.integers(len(IRISES)) if place < 3 else 2)]
    shirt = tuple(float(c) for c in rng.uniform(0.02, 0.35, 3))
    return Person((skin[0], skin[1], skin[2]), lips, hair, iris, (shirt[0], shirt[1], shirt[2]))


def perform(talk: Conversation, side: int, rng: np.random.Generator) -> Performance:
    """Smile and lips by valence; brows, lids, and the mouth's and head's liveliness by arousal."""
    count = math.ceil(talk.frames / FRAME_RATE * FILM_RATE / REPEATS)
    times = (np.arange(count) + 0.5) * REPEATS / FILM_RATE
    cue = talk.minds[side].cues["visual"]
    frames = (np.arange(talk.frames) + 0.5) / FRAME_RATE
    arousal, valence = (np.interp(times, frames, cue[:, k]) for k in (0, 1))
    opening = sum((mouth(one, times) for one in talk.spoken(side)), np.zeros(count))
    opening = np.clip(opening * (0.55 + 0.35 * arousal), 0, 1)
    pace = rng.uniform([[0.08], [0.2], [0.45]], [[0.16], [0.35], [0.6]], (3, 3))  # Hz, three waves an angle
    phase = rng.uniform(0, 2 * math.pi, (3, 3))
    waves = np.sin(2 * math.pi * pace[..., None] * times + phase[..., None])
    sway = np.einsum("wap,w->ap", waves, (0.035, 0.022, 0.012)) * (1 + 0.5 * arousal)
    moods = tuple(
        Mood(
            smile=0.9 * v,
            inner_brow=0.35 * a - 0.15 * v,
            outer_brow=0.75 * a,
            lids=0.6 * a,
            press=max(0.0, -0.5 * v),
            yaw=1.5 * yaw,
            pitch=0.7 * pitch + 0.03 * open_,
            roll=0.7 * roll,
        )
        for a, v, open_, yaw, pitch, roll in zip(
            *(track.tolist() for track in (arousal, valence, opening, *sway)), strict=True
        )
    )
    return Performance(somebody(rng), moods, opening, _blinks(rng, count), talk.seen(side, times))


def _blinks(rng: np.random.Generator, count: int) -> Array:
    shut, shape, at = np.zeros(count), (0.6, 1.0, 0.4), 0
    second = FILM_RATE / REPEATS
    while (at := at + int(rng.uniform(2 * second, 5 * second))) < count - len(shape):
        shut[at : at + len(shape)] = shape
    return shut


def pictures(show: Performance) -> Iterator[Array]:
    """Every distinct picture, (height, width, 3) uint8, "synthetic" written at the bottom."""
    empty = developed(wall(*grid(SIZE)))
    caption = _caption()
    for mood, opening, blink, seen in zip(
        show.moods, show.mouth.tolist(), show.blink.tolist(), show.seen.tolist(), strict=True
    ):
        picture = draw_face(mood, opening, blink, SIZE, show.person) if seen else empty.copy()
        picture[caption] = 225
        yield picture


def _caption() -> Array:
    """(height, width) bool."""
    drawn = np.array([[pixel == "#" for pixel in row] for row in CAPTION])
    marked = np.zeros(SIZE[::-1], bool)
    height, width = drawn.shape
    marked[-height - 5 : -5, 6 : 6 + width] = drawn
    return marked


def write_film(path: Path, show: Performance, frames: int) -> None:
    """MPEG-4 in an AVI, without sound, as SEWA's film lies beside its sound: `frames` tenths of a second.

    Single-threaded and bit-exact.
    """
    with av.open(str(path), "w", format="avi", options={"fflags": "+bitexact"}) as container:
        stream = container.add_stream("mpeg4", rate=FILM_RATE, options={"threads": "1"})
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        stream.bit_rate = BIT_RATE
        stream.codec_context.codec_tag = "XVID"
        stream.codec_context.gop_size = 12 * REPEATS  # a key picture is a new one
        stream.codec_context.flags |= Flags.bitexact
        container.metadata["title"] = "affekt: synthetic (drawn face)"
        total = frames * FILM_RATE // FRAME_RATE
        for place, picture in enumerate(pictures(show)):
            image = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format="yuv420p")
            for k in range(place * REPEATS, min((place + 1) * REPEATS, total)):
                image.pts, image.time_base = k, Fraction(1, FILM_RATE)
                container.mux(stream.encode(image))
        container.mux(stream.encode(None))
