"""Following one person's face from frame to frame.

The whole picture is searched only while the face is lost. While it is followed, the detector sees a small
window around its last place (an eighth of the work), and not even that while the face looks much as it did
when it was last detected.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import numpy as np

from affekt.media.crop import crop_square, cut_square
from affekt.media.detector import FaceDetector
from affekt.timeline import ClipSpec, Side

SEARCH_SIDE = 320
"""Longer side in px at which the whole picture is searched."""
SEARCH_EVERY = 3
"""Frames from one search to the next once the face has been gone for longer than `GONE`."""
WINDOW_SIDE = 96
"""Side in px of the window around a followed face as the detector sees it."""
WINDOW_ROOM = 2.0
"""The window's side over the crop's."""
DETECT_EVERY = 5
"""Frames after which a followed face is detected again even if it looks the same."""
FOUND, KEPT = 0.5, 0.35
"""Least score of a new face, and of one that is followed."""
STIRRED = 8.0
"""Mean change of the crop's look, in grey levels, from which on the face is detected again at once."""
ALIKE = 0.7
"""Least correlation of the look with that at the last detection for a face that is not found to be held."""
CUT = 0.4
"""Correlation of a picture with the one before it below which a new shot has begun."""
HELD, GONE = 5, 10
"""Frames for which a face that is not found is held, and after which another may take its place."""
NEAR, NEARISH = 0.6, 1.5
"""Distance (see `_distances`) within which a face is the same from frame to frame, and after a long gap."""
CELLS = 16
"""Cells along each side of a look: the crop's grey means, by which changes are judged."""


class Picture(Protocol):
    """One decoded frame that is converted to RGB only at the size asked for."""

    @property
    def width(self) -> int:
        """Pixels."""

    @property
    def height(self) -> int:
        """Pixels."""

    def at(self, scale: float) -> np.ndarray:
        """(H, W, 3) uint8 RGB, each side `scale` times the picture's, rounded."""


@dataclass(frozen=True, slots=True)
class Face:
    """The subject's face in one frame."""

    crop: np.ndarray
    """(S, S, 3) uint8 RGB, S = spec.image_size."""
    box: tuple[float, float, float, float]
    """Left, top, right, bottom as shares of the picture; beyond [0, 1] where it is cut off by the edge."""
    score: float
    """The detector's score when the face was last detected, in (0, 1)."""


class FaceFollower:
    """Follows one face through the frames of one recording, in order.

    Args:
        spec: size and framing of the crops.
        subject: which face, counted by size in the first frame that has so many (1 = largest), and again when
            it has been gone for long; None: 1; "left" or "right": the one whose centre is furthest to that
            side of the picture.
        threads: for the detector; None: ONNX Runtime's choice.
    """

    def __init__(self, spec: ClipSpec, subject: int | Side | None = None, threads: int | None = None) -> None:
        self._spec = spec
        self._rank = subject if isinstance(subject, int) else 1
        self._side = subject if isinstance(subject, str) else None
        self._detector = FaceDetector(threads)
        self._box: np.ndarray | None = (
            None  # last known, shares of the picture; None until the first is found
        )
        self._score = 0.0
        self._look: np.ndarray | None = None  # of the crop at the last detection
        self._scene: np.ndarray | None = None  # of the picture before
        self._gap = 0  # frames since the face was last found or rightly held
        self._age = 0  # frames since the last detection or search

    def follow(self, picture: Picture) -> Face | None:
        """The subject's face in the next frame, or None where it cannot be seen."""
        self._age += 1
        if self._new_shot(picture):
            self._gap = max(self._gap, GONE)  # whoever is in the new shot may be taken at once
        if self._box is not None and self._gap == 0:
            if self._age < DETECT_EVERY and self._change(held := self._cut(picture)) < STIRRED:
                return held
            if self._track(picture):
                return self._seen(picture)
        if self._gap <= GONE or self._age >= SEARCH_EVERY:
            self._age = 0
            if self._search(picture):
                return self._seen(picture)
        return self._hold(picture)

    def miss(self) -> None:
        """A frame without a picture."""
        self._gap += 1
        self._age += 1

    def _seen(self, picture: Picture) -> Face:
        """The face just detected; what it looks like is what later frames are compared with."""
        self._gap = self._age = 0
        face = self._cut(picture)
        self._look = _look(face.crop)
        return face

    def _hold(self, picture: Picture) -> Face | None:
        """The face at its old place for a short while, if what is there still looks like it."""
        self._gap += 1
        if self._box is None or self._look is None or self._gap > HELD:
            return None
        face = self._cut(picture)
        return face if _correlation(_look(face.crop), self._look) >= ALIKE else None

    def _track(self, picture: Picture) -> bool:
        """Detect in the window around the face's last place."""
        assert self._box is not None
        rgb, size = self._scaled(picture)
        left, top, side = crop_square(self._box * size, self._spec)
        room = side * (WINDOW_ROOM - 1) / 2
        left, top, side = left - room, top - room, side * WINDOW_ROOM
        found = self._detector.find(cut_square(rgb, left, top, side, WINDOW_SIDE), KEPT)
        boxes = found[:, :4] * (side / WINDOW_SIDE) + np.array([left, top, left, top])
        return self._accept(boxes / size, found[:, 4], picture, NEAR)

    def _search(self, picture: Picture) -> bool:
        """Detect in the whole picture."""
        rgb = picture.at(min(1.0, SEARCH_SIDE / max(picture.width, picture.height)))
        found = self._detector.find(rgb, FOUND)
        boxes, scores = found[:, :4] / _sides(rgb), found[:, 4]
        if self._box is None:
            if len(boxes) < self._rank:
                return False
            self._take(rgb, boxes, scores, self._rank)
            return True
        if self._accept(boxes, scores, picture, NEAR if self._gap < GONE else NEARISH):
            return True
        if self._gap < GONE or len(boxes) < self._rank:
            return False
        self._take(rgb, boxes, scores, self._rank)
        return True

    def _take(self, rgb: np.ndarray, boxes: np.ndarray, scores: np.ndarray, rank: int) -> None:
        """Follow the face furthest to the subject's side or, if it has none, the rank-th largest."""
        middles = boxes[:, 0] + boxes[:, 2]
        order = {"left": middles, "right": -middles}[self._side] if self._side else -self._sizes(rgb, boxes)
        chosen = np.argsort(order, kind="stable")[rank - 1]
        self._box, self._score = boxes[chosen].astype(np.float64), float(scores[chosen])

    def _sizes(self, rgb: np.ndarray, boxes: np.ndarray) -> np.ndarray:
        """Areas of (N, 4) boxes by which the largest is chosen.

        The detector makes a face a little larger or smaller in the mirror; of several, the mean of both
        counts, so that the same one is followed either way.
        """
        areas = _areas(boxes)
        if len(boxes) > 1 and len(found := self._detector.find(np.ascontiguousarray(rgb[:, ::-1]), KEPT)):
            left, top, right, bottom = (found[:, :4] / _sides(rgb)).T
            mirrored = np.stack([1 - right, top, 1 - left, bottom], 1)
            distances = np.stack([_distances(box, mirrored) for box in boxes])
            nearest = distances.argmin(1)
            alike = distances.min(1) < NEAR
            areas[alike] = (areas[alike] + _areas(mirrored)[nearest[alike]]) / 2
        return areas

    def _accept(self, boxes: np.ndarray, scores: np.ndarray, picture: Picture, limit: float) -> bool:
        """Take the box nearest to the last one if it is near enough, smoothed lightly while followed."""
        assert self._box is not None
        size = np.array([picture.width, picture.height] * 2)
        if not len(boxes):
            return False
        distances = _distances(self._box * size, boxes * size)
        nearest = int(np.argmin(distances))
        if distances[nearest] > limit:
            return False
        # A still head is averaged over a few detections, a moving one is followed at once.
        weight = min(1.0, 0.4 + 4 * float(distances[nearest])) if self._gap == 0 else 1.0
        self._box = self._box + weight * (boxes[nearest] - self._box)
        self._score = float(scores[nearest])
        return True

    def _cut(self, picture: Picture) -> Face:
        """The crop at the face's place."""
        assert self._box is not None
        rgb, size = self._scaled(picture)
        crop = cut_square(rgb, *crop_square(self._box * size, self._spec), self._spec.image_size)
        left, top, right, bottom = self._box.tolist()
        return Face(crop, (left, top, right, bottom), self._score)

    def _scaled(self, picture: Picture) -> tuple[np.ndarray, np.ndarray]:
        """The picture halved as often as leaves the crop its pixels, and its width, height, width, height.

        Steps of two, because the converter is set up anew for every size.
        """
        assert self._box is not None
        side = crop_square(self._box * np.array([picture.width, picture.height] * 2), self._spec)[2]
        halvings = max(0, math.floor(math.log2(max(side, 1.0) / self._spec.image_size)))
        rgb = picture.at(0.5**halvings)
        return rgb, _sides(rgb)

    def _change(self, face: Face) -> float:
        """Mean change of the look since the last detection, in grey levels."""
        return math.inf if self._look is None else float(np.abs(_look(face.crop) - self._look).mean())

    def _new_shot(self, picture: Picture) -> bool:
        """Is this picture unlike the one before?"""
        rgb = self._scaled(picture)[0] if self._box is not None else picture.at(1.0)
        before, self._scene = self._scene, rgb[_sample(rgb.shape[0], rgb.shape[1])].sum(axis=2) / 3
        return before is not None and _correlation(before, self._scene) < CUT


@lru_cache(maxsize=8)
def _sample(height: int, width: int) -> tuple[np.ndarray, ...]:
    """Which 24 × 32 pixels, spread evenly over a picture, tell one shot from the next."""
    rows, columns = (np.linspace(0, side - 1, n).astype(int) for side, n in ((height, 24), (width, 32)))
    return np.ix_(rows, columns)


def _sides(rgb: np.ndarray) -> np.ndarray:
    height, width = rgb.shape[:2]
    return np.array([width, height, width, height], float)


def _areas(boxes: np.ndarray) -> np.ndarray:
    areas: np.ndarray = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    return areas


def _distances(box: np.ndarray, others: np.ndarray) -> np.ndarray:
    """How far (N, 4) boxes are from one: shift of the centre over the box's side, plus |ln of size ratio|."""
    side, sides = math.sqrt(_areas(box[None])[0]), np.sqrt(_areas(others))
    shift = np.hypot(*((others[:, :2] + others[:, 2:] - box[:2] - box[2:]) / 2).T)
    distances: np.ndarray = shift / side + np.abs(np.log(sides / side))
    return distances


def _look(crop: np.ndarray) -> np.ndarray:
    """(16, 16) grey means of a crop's cells."""
    cell = len(crop) // CELLS
    # Whole numbers summed row by row: the same means, in a third of the time of `mean` over two axes.
    rows = crop.reshape(CELLS, cell, -1).sum(axis=1, dtype=np.uint32)
    means: np.ndarray = rows.reshape(CELLS, CELLS, -1).sum(axis=2) / (3 * cell * cell)
    return means


def _correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Pearson's r of two grey pictures; 0 if either is flat."""
    one, other = one - one.mean(), other - other.mean()
    scale = math.sqrt(float((one * one).sum() * (other * other).sum()))
    return float((one * other).sum()) / scale if scale > 1e-6 else 0.0
