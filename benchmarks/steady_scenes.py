"""Recordings put together from devel people: a voice in pieces, and faces of near coordinates beside it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image
from steady_sounds import trimmed, white

from affekt.timeline import FRAME_RATE, frame_count
from affekt.training.default.data import Faces, Speech

SIDE, FACE = 320, 170
"""Pixels: of the picture, and of the face in it."""
FILM_RATE = 25
ROOM = -65.0
"""dBFS of the quiet room behind a composed voice."""
NEAREST = 25
"""A face is drawn from so many of near coordinates."""
HALF = 8.0
"""Seconds before a step, and after it."""
STEPS = (("calm", "angry"), ("sad", "happy"), ("angry", "calm"), ("happy", "sad"))


@dataclass(frozen=True)
class Scene:
    """A recording of one voice and its faces, still unwritten."""

    name: str
    rate: int
    sound: np.ndarray
    """(N,) float32 at `rate`."""
    said: tuple[tuple[float, float, np.ndarray], ...]
    """Each utterance's start and end in seconds, and its coordinates (2,)."""
    faces: tuple[tuple[float, int], ...]
    """From when on, in seconds, which face is shown."""

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return len(self.sound) / self.rate

    def gold(self) -> np.ndarray:
        """(T, 2): each utterance's coordinates on the frames in which it is said, else NaN."""
        gold = np.full((frame_count(self.seconds), 2), np.nan)
        for start, end, value in self.said:
            gold[frame_count(start) : frame_count(end)] = value
        return gold


def talk(name: str, utterances: Sequence[Speech], faces: Faces, seconds: float, seed: int) -> Scene:
    """One person's utterances in any order, a face of near coordinates with each."""
    rng = np.random.default_rng(seed)
    pieces, said, shown, rate, at = [], [], [], utterances[0].rate, 0.0
    while at < seconds:
        one = utterances[int(rng.integers(len(utterances)))]
        voice, pause = trimmed(one.samples, rate), rng.uniform(0.2, 0.8)
        pieces += [voice, np.zeros(round(pause * rate), np.float32)]
        shown.append((at, near_face(faces, one.gold, rng)))
        said.append((at, at + len(voice) / rate, one.gold))
        at += (len(voice) + len(pieces[-1])) / rate
    return Scene(name, rate, _in_room(np.concatenate(pieces), seed), tuple(said), tuple(shown))


def step_scene(name: str, sides: tuple[Sequence[Speech], Sequence[Speech]], faces: Faces, seed: int) -> Scene:
    """8 s of one emotion of one person, then 8 s of another, small pauses between; a face with each."""
    rng, rate = np.random.default_rng(seed), sides[0][0].rate
    voices, said, shown = [], [], []
    for half, utterances in enumerate(sides):
        pieces, at = [], 0.0
        for k in rng.permutation(len(utterances)):
            voice = trimmed(utterances[k].samples, rate)
            pieces += [voice, np.zeros(round(0.15 * rate), np.float32)]
            start, end = (half * HALF + min(t, HALF) for t in (at, at + len(voice) / rate))
            said.append((start, end, utterances[k].gold))
            at += (len(voice) + len(pieces[-1])) / rate
            if at >= HALF:
                break
        voice = np.concatenate(pieces)[: round(HALF * rate)]
        voices.append(np.pad(voice, (0, round(HALF * rate) - len(voice))))
        shown.append((half * HALF, near_face(faces, np.mean([u.gold for u in utterances], axis=0), rng)))
    return Scene(name, rate, _in_room(np.concatenate(voices), seed), tuple(said), tuple(shown))


def near_face(faces: Faces, wanted: np.ndarray, rng: np.random.Generator) -> int:
    """One of the faces that lie nearest to coordinates (2,)."""
    distances = np.square(faces.gold - wanted).sum(axis=1)
    return int(np.argsort(distances, kind="stable")[rng.integers(NEAREST)])


def _in_room(voice: np.ndarray, seed: int) -> np.ndarray:
    return (voice + 10 ** (ROOM / 20) * white(len(voice), seed)).astype(np.float32)


def film(scene: Scene, images: np.ndarray, seed: int, rate: int = FILM_RATE) -> Iterator[np.ndarray]:
    """The pictures of a scene, (320, 320, 3) uint8, its faces gently moving before a plain wall.

    Args:
        images: (F, 48, 48) uint8 grey; a scene's faces count in them.
    """
    rng = np.random.default_rng(seed)
    phases, wall = rng.uniform(0, 2 * np.pi, 3), np.linspace(150, 110, SIDE)[:, None] * np.ones(SIDE)
    grain = rng.normal(0, 2.0, (2 * SIDE, 2 * SIDE))
    for k in range(round(scene.seconds * rate)):
        time = k / rate
        image = images[[face for start, face in scene.faces if start <= time][-1]]
        across, down, near = np.sin(2 * np.pi * time * np.array([0.23, 0.31, 0.11]) + phases)
        side = FACE * (1 + 0.03 * near)
        picture = place(image, wall, (SIDE - side) / 2 + 6 * across, (SIDE - side) / 2 + 4 * down, side)
        top, left = rng.integers(0, SIDE, 2)
        noisy = np.clip(picture + grain[top : top + SIDE, left : left + SIDE], 0, 255).astype(np.uint8)
        yield np.repeat(noisy[..., None], 3, axis=2)


def place(image: np.ndarray, wall: np.ndarray, left: float, top: float, side: float) -> np.ndarray:
    """A square grey image drawn `side` px wide on a wall (H, W), its edge blending into it; float."""
    height, width = wall.shape
    scale = len(image) / side
    affine = (scale, 0, -left * scale, 0, scale, -top * scale)
    drawn = Image.fromarray(image).transform(
        (width, height), Image.Transform.AFFINE, affine, Image.Resampling.BICUBIC
    )
    across, down = ((np.arange(n) + 0.5 - start) / side for n, start in ((width, left), (height, top)))
    cover = np.minimum.outer(*(np.clip(16 * np.minimum(x, 1 - x), 0, 1) for x in (down, across)))
    return np.asarray(wall + cover * (np.asarray(drawn, float) - wall))


STEP_FRAME = round(HALF * FRAME_RATE)
"""The frame with which the second half of a scene with a step begins."""
