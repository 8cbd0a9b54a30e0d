"""What the page's script draws: a prediction as JSON values, its arrays packed as base64."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np

from affekt.report.pictures import data_uri, png
from affekt.report.summary import judged
from affekt.timeline import FRAME_RATE, MODALITIES, FaceMap, Prediction, Sentence, Still, frame_of
from affekt.timeline.alignment import CAUSAL_SECONDS

_PICTURE_BUDGET = 1_500_000
"""Characters that the stills, and again the faces, may take: keeps the page of an hour under 5 MB."""
_CAUSAL = CAUSAL_SECONDS * FRAME_RATE
"""Frames a sentence counts for at most under causal alignment (readings 1.9)."""

_Item = TypeVar("_Item")


def payload(prediction: Prediction) -> dict[str, Any]:
    """Plain values for JSON; arrays are little-endian float32, or bytes of which 255 means 1.

    The band's half-widths are bytes too, arousal's and valence's of each frame, in hundredths.
    """
    pairs = [[MODALITIES.index(name) for name in pair] for pair in prediction.info.get("pairs") or ()]
    # Cross-modal's pair m holds the two partners of modality m, never m itself; hierarchical's pair 0 does.
    partners = bool(pairs) and all(m not in pair for m, pair in enumerate(pairs))
    return {
        "name": prediction.name,
        "frames": len(prediction),
        "start": _start(prediction),
        "limit": _limit(prediction),
        "arousal": _base64(prediction.arousal.astype("<f4")),
        "valence": _base64(prediction.valence.astype("<f4")),
        "band": _hundredths(prediction.band),
        "presence": _base64((prediction.presence @ np.array([1, 2, 4])).astype(np.uint8)),
        "weights": _bytes(prediction.modality_weights),
        "pairs": _bytes(prediction.pair_weights) if pairs else None,
        "pairShares": _bytes(prediction.pair_shares),
        "pairMembers": pairs,
        "partners": partners,
        "sentences": _sentences(prediction),
        "stills": [
            _still(still) for still in _thin(prediction.stills, lambda still: 4 * len(still.jpeg) // 3)
        ],
        "faces": [_face(face) for face in _thin(prediction.face_maps, lambda face: face.face.size)],
    }


def _base64(array: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode("ascii")


def _bytes(shares: np.ndarray | None) -> str | None:
    """Shares in [0, 1] as bytes; what is not a number is 0."""
    if shares is None:
        return None
    return _base64(np.rint(np.clip(np.nan_to_num(shares), 0, 1) * 255).astype(np.uint8))


def _hundredths(widths: np.ndarray | None) -> str | None:
    """Half-widths as bytes: 2 reaches from edge to edge, so 2.55 is enough; what is not a number is 0."""
    if widths is None:
        return None
    return _base64(np.rint(np.clip(np.nan_to_num(widths) * 100, 0, 255)).astype(np.uint8))


def _start(prediction: Prediction) -> int:
    """The frame the page opens at: of those with the most modalities present, the farthest from neutral."""
    seen = judged(prediction)
    if not seen.any():
        return 0
    distance = np.hypot(prediction.arousal, prediction.valence)
    return int(np.argmax(np.where(seen, 2 * prediction.presence.sum(axis=1) + distance, -1)))


def _limit(prediction: Prediction) -> float:
    """Where the axes end: 1, or nearer where all values and their band are small, to show changes."""
    seen = judged(prediction)
    reach = np.hypot(prediction.arousal[seen], prediction.valence[seen]).max(initial=0.0)
    if (edges := prediction.edges) is not None:
        reach = max(reach, np.abs(np.nan_to_num(np.stack(edges)[:, seen])).max(initial=0.0))
    return next((limit for limit in (0.25, 0.5) if reach <= limit), 1.0)


def _sentences(prediction: Prediction) -> list[dict[str, Any]]:
    """Sentences in order of time: the frames they count for, the weights of the mean and of each head."""
    lines = sorted(prediction.word_weights, key=lambda line: (line.sentence.start, line.sentence.end))
    causal = prediction.info.get("alignment") == "causal"
    result = []
    for i, line in enumerate(lines):
        after = lines[i + 1].sentence if i + 1 < len(lines) else None
        first, stop = _covered(line.sentence, after, causal)
        heads = np.concatenate([line.mean[None], line.heads])
        result.append(
            {
                "start": frame_of(line.sentence.start),
                "from": first,
                "to": stop,
                "words": list(line.words),
                "heads": [[round(float(weight), 3) for weight in head] for head in np.nan_to_num(heads)],
            }
        )
    return result


def _covered(sentence: Sentence, after: Sentence | None, causal: bool) -> tuple[int, int]:
    """First frame a sentence counts for, and one past the last (readings 1.9)."""
    if not causal:
        return frame_of(sentence.start), frame_of(sentence.end) + 1
    end = frame_of(sentence.end)
    return end, min(end + _CAUSAL, frame_of(after.end)) if after else end + _CAUSAL


def _still(still: Still) -> dict[str, Any]:
    box = still.box if still.box is not None and np.isfinite(still.box).all() else None
    return {
        "frame": still.frame,
        "src": data_uri(still.jpeg),
        "box": None if box is None else [round(float(edge), 4) for edge in box],
    }


def _face(face: FaceMap) -> dict[str, Any]:
    """A face and its map, the map stretched to its own least and greatest value."""
    low, high = float(face.map.min()), float(face.map.max())
    height, width = face.map.shape
    return {
        "frame": face.frame,
        "src": data_uri(png(face.face)),
        "width": width,
        "height": height,
        "map": _bytes((face.map - low) / (high - low) if high > low else np.full(face.map.shape, 0.5)),
    }


def _thin(items: Sequence[_Item], size: Callable[[_Item], int]) -> Sequence[_Item]:
    """Every n-th item, with the least n that keeps the whole within the budget."""
    step = 1
    while len(items[::step]) > 1 and sum(map(size, items[::step])) > _PICTURE_BUDGET:
        step += 1
    return items[::step]
