"""Whose face is followed where two people are in the picture: the one furthest to a side."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from affekt.media.container import probe
from affekt.media.faces import FaceFollower
from affekt.media.follower import GONE
from affekt.media.video import VideoTrack
from affekt.timeline import ClipSpec, Side

SPEC = ClipSpec(image_size=16)
LEFT, MIDDLE, RIGHT = (10, 40, 30, 60), (90, 20, 150, 80), (170, 40, 200, 70)
"""Left, top, right, bottom of three faces in a picture of 240 × 100; the one in the middle is largest."""


class Plain:
    """A grey picture; who is in it, the detector is told."""

    width, height = 240, 100

    def at(self, scale: float) -> np.ndarray:
        ramp = np.linspace(0, 255, round(self.width * scale), dtype=np.uint8)
        return np.tile(ramp[None, :, None], (round(self.height * scale), 1, 3))


def follow(
    subject: int | Side | None, *seen: tuple[tuple[int, ...], ...], monkeypatch: pytest.MonkeyPatch
) -> list[int | None]:
    """Left edges of the faces followed, in px, in frames in which these faces are found."""
    follower = FaceFollower(SPEC, subject, threads=1)
    found: list[int | None] = []
    for faces in seen:
        boxes = np.array([(*face, 0.9) for face in faces], np.float32).reshape(-1, 5)
        monkeypatch.setattr(follower, "_track", lambda picture: False)
        monkeypatch.setattr(follower._detector, "find", lambda picture, least, boxes=boxes: boxes)
        follower._look = None  # nothing is held because it looks the same
        face = follower.follow(Plain())
        found.append(None if face is None else round(face.box[0] * Plain.width))
    return found


@pytest.mark.parametrize(
    ("subject", "edge"), [(None, 90), (1, 90), (2, 170), (3, 10), ("left", 10), ("right", 170)]
)
def test_of_three_faces(subject: int | Side | None, edge: int, monkeypatch: pytest.MonkeyPatch) -> None:
    # The two small ones are 20 and 30 px wide.
    assert follow(subject, (LEFT, MIDDLE, RIGHT), monkeypatch=monkeypatch) == [edge]


def test_the_first_frame_with_a_face_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = follow("right", (), (LEFT, MIDDLE), (LEFT, MIDDLE, RIGHT), monkeypatch=monkeypatch)
    assert seen == [None, 90, 90]


def test_who_is_gone_for_long_is_sought_on_the_same_side(monkeypatch: pytest.MonkeyPatch) -> None:
    away = [()] * (GONE + 6)
    seen = follow("left", (LEFT, MIDDLE), *away, *[(RIGHT, MIDDLE)] * 6, monkeypatch=monkeypatch)
    assert seen[0] == 10 and seen[-1] == 90


def test_who_is_gone_for_long_is_sought_by_the_same_rank(monkeypatch: pytest.MonkeyPatch) -> None:
    away = [(MIDDLE,)] * (GONE + 6)  # the other one alone is not taken for the second largest
    back = (10, 70, 34, 94)  # elsewhere, and the second largest still
    seen = follow(2, (MIDDLE, RIGHT), *away, *[(MIDDLE, back)] * 6, monkeypatch=monkeypatch)
    assert seen[0] == 170 and seen[GONE + 3] is None and seen[-1] == 10


@pytest.mark.parametrize("side", ["left", "right"])
def test_of_a_real_picture(side: Side, shared: Path) -> None:
    """Two copies of one speaker side by side."""
    contents = probe(shared / "clips" / "latentsync_demo2_lowq.webm")
    picture = next(iter(VideoTrack(contents, print, 1)))
    assert picture is not None

    class Twice:
        width, height = 2 * picture.width, picture.height

        def at(self, scale: float) -> np.ndarray:
            return np.tile(picture.at(scale), (1, 2, 1))

    face = FaceFollower(ClipSpec(image_size=48), side, threads=1).follow(Twice())
    assert face is not None and (face.box[2] < 0.5 if side == "left" else face.box[0] > 0.5)
