"""The face is found, followed, dropped when it goes, and framed as asked."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from affekt.media import follower
from affekt.media.crop import crop_square, cut_square
from affekt.media.detector import FaceDetector, _suppress, overlap
from affekt.media.faces import FaceFollower, face_crop
from affekt.timeline import ClipSpec

SPEC = ClipSpec(image_size=48, crop_margin=0.1, crop_shift=0.0)


class Shown:
    """A picture that is in memory already."""

    def __init__(self, rgb: np.ndarray) -> None:
        self.rgb = rgb
        self.height, self.width = rgb.shape[:2]

    def at(self, scale: float) -> np.ndarray:
        width, height = max(1, round(self.width * scale)), max(1, round(self.height * scale))
        frame = av.VideoFrame.from_ndarray(self.rgb, format="rgb24")
        return frame.reformat(width, height, interpolation="AREA").to_ndarray()


def shots(path: Path, longer: int = 480) -> Iterator[Shown]:
    """About ten pictures a second of a clip, no larger than need be."""
    due = 0.0
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            if frame.time is None or frame.time < due:
                continue
            due += 0.1
            scale = min(1.0, longer / max(frame.width, frame.height))
            yield Shown(
                frame.reformat(round(frame.width * scale), round(frame.height * scale), "rgb24").to_ndarray()
            )


@pytest.fixture(scope="module")
def detector() -> FaceDetector:
    return FaceDetector(threads=1)


@pytest.fixture(scope="module")
def portrait(shared: Path) -> np.ndarray:
    """One picture of one person, the whole body in it."""
    return next(shots(shared / "clips" / "latentsync_demo1.mp4")).rgb


def test_crop_of_the_whole_is_the_whole() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (48, 48, 3), dtype=np.uint8)
    assert np.array_equal(cut_square(picture, 0, 0, 48, 48), picture)


def test_crop_by_hand() -> None:
    picture = np.array([[0, 100], [200, 40]], np.uint8)[:, :, None].repeat(3, axis=2)
    assert cut_square(picture, 0, 0, 2, 1)[0, 0, 0] == 85  # mean of the block
    assert cut_square(picture, 0.5, 0, 1, 1)[0, 0, 0] == 50  # half way between two columns
    beyond = cut_square(picture, -2, 0, 2, 2)
    assert beyond[:, :, 0].tolist() == [[0, 0], [200, 200]]  # the edge goes on


@settings(deadline=None, max_examples=60)
@given(
    st.floats(-900, 900), st.floats(-900, 900), st.floats(0.1, 2000), st.integers(1, 40), st.integers(1, 40)
)
def test_crop_stays_within_the_pictures_range(
    left: float, top: float, side: float, height: int, width: int
) -> None:
    picture = np.random.default_rng(height * 41 + width).integers(60, 180, (height, width, 3), dtype=np.uint8)
    crop = cut_square(picture, left, top, side, 16)
    assert crop.shape == (16, 16, 3) and crop.dtype == np.uint8
    assert picture.min() <= crop.min() and crop.max() <= picture.max()


def test_crop_of_a_slope_is_a_slope() -> None:
    slope = np.arange(0, 200, 2, dtype=np.uint8)[None, :, None] * np.ones((100, 1, 3), np.uint8)
    for side in (30.0, 61.5, 90.0):
        crop = cut_square(slope, 4, 4, side, 16).astype(float)[:, :, 0]
        want = 2 * (4 + (np.arange(16) + 0.5) * side / 16 - 0.5)
        assert np.abs(crop - want).max() < 2.5


def test_square_is_shifted_and_widened() -> None:
    spec = ClipSpec(crop_margin=0.5, crop_shift=-0.1)
    assert crop_square(np.array([0.0, 0.0, 10.0, 20.0]), spec) == (-10.0, -7.0, 30.0)


def test_overlap_and_suppression_by_hand() -> None:
    boxes = np.array([[0, 0, 10, 10, 0.6], [1, 0, 11, 10, 0.9], [20, 0, 30, 10, 0.7]], np.float32)
    assert overlap(boxes[0], boxes)[1] == pytest.approx(90 / 110)
    assert _suppress(boxes)[:, 4].tolist() == pytest.approx([0.9, 0.7])
    assert _suppress(boxes[:0]).shape == (0, 5)


def test_nothing_in_an_empty_picture(detector: FaceDetector) -> None:
    for shape in ((1, 1, 3), (33, 47, 3), (240, 320, 3)):
        assert detector.find(np.zeros(shape, np.uint8)).shape == (0, 5)


def test_detector_finds_a_face_wherever_it_is(detector: FaceDetector, portrait: np.ndarray) -> None:
    (first,) = detector.find(portrait)
    moved = np.pad(portrait, ((32, 0), (64, 0), (0, 0)))
    (second,) = detector.find(moved)
    assert second[:4] - first[:4] == pytest.approx([64, 32, 64, 32], abs=1)


def test_follows_a_moving_face(portrait: np.ndarray) -> None:
    track = FaceFollower(SPEC, threads=1)
    canvas = np.pad(portrait, ((0, 0), (0, 200), (0, 0)), mode="edge")
    shifts = [0, 0, 5, 15, 30, 50, 60, 60, 60, 60]
    faces = [track.follow(Shown(np.roll(canvas, shift, axis=1))) for shift in shifts]
    lefts = [face.box[0] * canvas.shape[1] for face in faces if face]
    assert len(lefts) == len(shifts)
    assert np.array(lefts) - lefts[0] == pytest.approx(shifts, abs=6)


def test_still_face_gives_the_same_crop(portrait: np.ndarray) -> None:
    track = FaceFollower(SPEC, threads=1)
    crops = [face.crop for face in (track.follow(Shown(portrait)) for _ in range(4)) if face]
    assert len(crops) == 4 and all(np.array_equal(crop, crops[0]) for crop in crops)


@pytest.mark.parametrize("after", ["black", "noise"])
def test_gone_face_is_dropped_at_once_and_found_again(portrait: np.ndarray, after: str) -> None:
    noise = np.random.default_rng(0).integers(0, 256, portrait.shape, dtype=np.uint8)
    other = Shown(np.zeros_like(portrait) if after == "black" else noise)
    track = FaceFollower(SPEC, threads=1)
    assert track.follow(Shown(portrait))
    assert [track.follow(other) for _ in range(20)] == [None] * 20
    assert any(track.follow(Shown(portrait)) for _ in range(follower.SEARCH_EVERY))


def test_face_is_held_while_the_detector_misses_it(
    portrait: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    track = FaceFollower(SPEC, threads=1)
    assert track.follow(Shown(portrait))
    monkeypatch.setattr(track._detector, "find", lambda *_: np.zeros((0, 5), np.float32))
    quiet = follower.DETECT_EVERY - 1  # frames for which nobody asks the detector
    seen = [track.follow(Shown(portrait)) is not None for _ in range(quiet + follower.HELD + 3)]
    assert seen == [True] * (quiet + follower.HELD) + [False] * 3


def test_missing_pictures_are_bridged(portrait: np.ndarray) -> None:
    track = FaceFollower(SPEC, threads=1)
    track.miss()
    assert track.follow(Shown(portrait))
    for _ in range(30):
        track.miss()
    assert track.follow(Shown(portrait))


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_subject_is_counted_by_size_and_kept(shared: Path, rank: int) -> None:
    track = FaceFollower(SPEC, subject=rank, threads=1)
    pictures = [
        shown
        for shown, _ in zip(shots(shared / "clips" / "openface_multi_face.avi"), range(30), strict=False)
    ]
    found = FaceDetector(1).find(pictures[0].at(320 / pictures[0].width))
    order = np.argsort(-(found[:, 2] - found[:, 0]) * (found[:, 3] - found[:, 1]))
    wanted = found[order[rank - 1], :4] / np.array([320, 240, 320, 240])
    boxes = np.array([face.box for face in map(track.follow, pictures) if face])
    assert boxes[0] == pytest.approx(wanted, abs=0.01)
    assert len(boxes) >= 0.95 * len(pictures)
    width = boxes[:, 2] - boxes[:, 0]
    middle = (boxes[:, 0] + boxes[:, 2]) / 2
    assert np.abs(np.diff(middle)).max() < 0.5 * np.median(width)  # no jump to a neighbour


def test_the_same_of_two_is_followed_in_the_mirror(shared: Path) -> None:
    """Two people whose faces are of nearly one size, the larger of whom depends on the side."""
    pictures = list(shots(shared / "clips" / "visualvoice_interview.mp4"))[::10]
    assert len(pictures) >= 10
    for shown in pictures:
        mirrored = Shown(np.ascontiguousarray(shown.rgb[:, ::-1]))
        one, other = (FaceFollower(SPEC, threads=1).follow(each) for each in (shown, mirrored))
        assert one and other
        assert one.box[0] + one.box[2] == pytest.approx(2 - other.box[0] - other.box[2], abs=0.1)


@pytest.mark.parametrize(
    "name",
    ["grid_lrwp9a.mpg", "latentsync_demo2_lowq.webm", "openface_default.wmv", "visualvoice_interview.mp4"],
)
def test_faces_are_found_in_clips(shared: Path, name: str) -> None:
    track = FaceFollower(SPEC, threads=1)
    seen = [
        track.follow(shown) is not None
        for shown, _ in zip(shots(shared / "clips" / name), range(60), strict=False)
    ]
    assert np.mean(seen) >= 0.95


def test_face_then_none(shared: Path) -> None:
    track = FaceFollower(SPEC, threads=1)
    seen = [track.follow(shown) is not None for shown in shots(shared / "clips" / "pyfeat_face_noface.mov")]
    assert np.mean(seen[:24]) >= 0.95
    assert np.mean(seen[25:]) <= 0.05


def test_photograph(portrait: np.ndarray, detector: FaceDetector) -> None:
    crop = face_crop(portrait, SPEC, detector)
    assert crop is not None and crop.shape == (48, 48, 3)
    (box,) = detector.find(portrait)
    want = cut_square(portrait, *crop_square(box, SPEC), 48)
    assert np.abs(crop.astype(int) - want).mean() < 12
    assert face_crop(np.zeros((300, 400, 3), np.uint8), SPEC, detector) is None


def test_photograph_that_is_a_crop(portrait: np.ndarray, detector: FaceDetector) -> None:
    box = detector.find(portrait)[0]
    tight = cut_square(portrait, *crop_square(box, ClipSpec(crop_margin=0.0)), 200)
    crop = face_crop(tight, SPEC, detector)
    assert crop is not None and np.array_equal(crop, cut_square(tight, 0, 0, 200, 48))
    assert face_crop(np.zeros((40, 100, 3), np.uint8), SPEC, detector) is not None  # small: taken whole


def test_face_crops_of_48_px_are_taken_whole(shared: Path) -> None:
    asleep = FaceDetector.__new__(FaceDetector)  # would fail if it were asked
    with zipfile.ZipFile(shared / "data" / "ferplus" / "devel.zip") as archive:
        names = [name for name in archive.namelist() if not name.endswith("/")]
        assert len(names) == 3444
        for name in names[::50]:
            grey = np.array(Image.open(io.BytesIO(archive.read(name))).convert("L"))
            image = grey[:, :, None].repeat(3, axis=2)
            crop = face_crop(image, SPEC, asleep)
            assert crop is not None and np.array_equal(crop, image)
