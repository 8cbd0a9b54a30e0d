"""Finding faces in one picture: CenterFace (Xu et al. 2020, arXiv 1911.03599) on ONNX Runtime.

`benchmarks/face_detectors.py` says why this one; `scripts/convert_face_detector.py` made `centerface.onnx`.
"""

from __future__ import annotations

from importlib.resources import files

import numpy as np

WEIGHTS = "centerface.onnx"
STRIDE = 4
"""Pixels of the picture per cell of the network's maps."""
MULTIPLE = 32
"""The network halves the picture five times and adds it up again, so both sides must be multiples of this."""


class FaceDetector:
    """Finds all faces in a picture whose sides are a few hundred pixels.

    `threads` is the number of threads ONNX Runtime may use, None for its own choice.
    """

    def __init__(self, threads: int | None = None) -> None:
        import onnxruntime  # late: predicting from text alone never needs it here

        options = onnxruntime.SessionOptions()
        if threads is not None:
            options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        # Threads that wait in a busy loop for the next picture would burn the time saved by not detecting.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        weights = files("affekt.media").joinpath(WEIGHTS).read_bytes()
        self._session = onnxruntime.InferenceSession(weights, options, providers=["CPUExecutionProvider"])

    def find(self, picture: np.ndarray, threshold: float = 0.5) -> np.ndarray:
        """Faces in an (H, W, 3) uint8 RGB picture.

        Returns (N, 5) float32: left, top, right, bottom in pixels (they may reach beyond the picture) and the
        score in (threshold, 1), best first, no two overlapping by an IoU of 0.3 or more.
        """
        height, width = picture.shape[:2]
        padded = np.zeros((1, 3, _round_up(height), _round_up(width)), np.float32)
        padded[0, :, :height, :width] = picture.transpose(2, 0, 1)
        heat, size, offset = self._session.run(["heat", "size", "offset"], {"image": padded})
        return _suppress(_decode(heat[0, 0], size[0], offset[0], threshold))


def _round_up(side: int) -> int:
    return -(-side // MULTIPLE) * MULTIPLE


def _decode(heat: np.ndarray, size: np.ndarray, offset: np.ndarray, threshold: float) -> np.ndarray:
    """Maps → (N, 5) boxes with scores: the centre's cell plus its offset, and exp of the size."""
    rows, columns = np.nonzero(heat > threshold)
    heights, widths = np.exp(size[:, rows, columns]) * STRIDE
    middle_y = (rows + offset[0, rows, columns] + 0.5) * STRIDE
    middle_x = (columns + offset[1, rows, columns] + 0.5) * STRIDE
    return np.stack(
        [
            middle_x - widths / 2,
            middle_y - heights / 2,
            middle_x + widths / 2,
            middle_y + heights / 2,
            heat[rows, columns],
        ],
        axis=1,
    ).astype(np.float32)


def _suppress(boxes: np.ndarray, limit: float = 0.3) -> np.ndarray:
    """Greedy non-maximum suppression: of boxes that overlap by `limit` or more the best-scored stays."""
    boxes = boxes[np.argsort(-boxes[:, 4], kind="stable")]
    kept = []
    while len(boxes):
        kept.append(boxes[0])
        boxes = boxes[1:][overlap(boxes[0], boxes[1:]) < limit]
    return np.array(kept, np.float32).reshape(-1, 5)


def overlap(box: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Intersection over union of one box (4+,) with (N, 4+) others; left, top, right, bottom first.

    >>> overlap(np.array([0, 0, 2, 2]), np.array([[1, 0, 3, 2], [5, 5, 6, 6]])).round(2).tolist()
    [0.33, 0.0]
    """
    width = np.minimum(box[2], others[:, 2]) - np.maximum(box[0], others[:, 0])
    height = np.minimum(box[3], others[:, 3]) - np.maximum(box[1], others[:, 1])
    shared = np.clip(width, 0, None) * np.clip(height, 0, None)
    areas = (others[:, 2] - others[:, 0]) * (others[:, 3] - others[:, 1])
    ratio: np.ndarray = shared / ((box[2] - box[0]) * (box[3] - box[1]) + areas - shared)
    return ratio
