"""Finding the subject's face in a film and following it, and finding a face in a photograph."""

from __future__ import annotations

import numpy as np

from affekt.media.crop import crop_square, cut_square
from affekt.media.detector import FaceDetector
from affekt.media.follower import Face, FaceFollower, Picture
from affekt.timeline import ClipSpec

__all__ = ["Face", "FaceFollower", "Picture", "face_crop"]

SMALL = 128
"""Longest side in px of a picture so small that it is taken to be a face crop, as in FER+ (48 px)."""
SQUARE = 1.25
"""Longer over shorter side up to which a picture may be a face crop."""
FILLED = 0.8
"""A face this share of the picture's side fills it: the picture is a crop already."""
SEARCH_SIDES = (320, 640)
"""Longer side in px at which a photograph is searched; the second only if the first shows no face."""


def face_crop(image: np.ndarray, spec: ClipSpec, detector: FaceDetector) -> np.ndarray | None:
    """The largest face in a photograph, framed as `spec` says; None if there is none.

    A picture that is a face crop already is taken whole: one that is small and about square, one that is
    small and in which no face is found, and one that a face fills.

    Args:
        image: (H, W, 3) uint8 RGB.
        spec: size and framing of the crop.
        detector: kept by the caller, so that a list of photographs loads it once.

    Returns:
        (S, S, 3) uint8 RGB with S = spec.image_size.
    """
    height, width = image.shape[:2]
    longer, shorter = max(height, width), min(height, width)
    about_square = longer <= SQUARE * shorter
    if longer <= SMALL and about_square:
        return _whole(image, spec)
    box = _largest_face(image, detector)
    if box is None:
        return _whole(image, spec) if longer <= SMALL else None
    if about_square and max(box[2] - box[0], box[3] - box[1]) >= FILLED * longer:
        return _whole(image, spec)
    return cut_square(image, *crop_square(box, spec), spec.image_size)


def _whole(image: np.ndarray, spec: ClipSpec) -> np.ndarray:
    """The whole picture as a square; what its shorter side lacks is its edge going on."""
    height, width = image.shape[:2]
    side = max(height, width)
    return cut_square(image, (width - side) / 2, (height - side) / 2, side, spec.image_size)


def _largest_face(image: np.ndarray, detector: FaceDetector) -> np.ndarray | None:
    """The box in px of the largest face: searched small, then larger, then with room around it.

    The last finds faces that touch the picture's edges.
    """
    longer = max(image.shape[:2])
    for side, room in ((SEARCH_SIDES[0], 0.0), (SEARCH_SIDES[1], 0.0), (SEARCH_SIDES[0], 0.5)):
        found = _search(image, detector, side, round(room * longer))
        if len(found):
            largest: np.ndarray = found[np.argmax((found[:, 2] - found[:, 0]) * (found[:, 3] - found[:, 1]))]
            return largest
    return None


def _search(image: np.ndarray, detector: FaceDetector, side: int, border: int) -> np.ndarray:
    """(N, 4) boxes in px of `image`, searched as a square of `side` px with a border of `border` px."""
    covered = max(image.shape[:2]) + 2 * border
    square = cut_square(image, -border, -border, covered, side)
    boxes: np.ndarray = detector.find(square)[:, :4] * (covered / side) - border
    return boxes
