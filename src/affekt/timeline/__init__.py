"""The 10 Hz clock and the things laid on it. NumPy only; knows nothing of the other rooms."""

from affekt.timeline.clip import MODALITIES, Clip, ClipSpec, Sentence, Still, Turn
from affekt.timeline.clock import FRAME_RATE, frame_count, frame_of, start_of
from affekt.timeline.prediction import FaceMap, Prediction, WordWeights
from affekt.timeline.recording import Alignment, Recording

__all__ = [
    "FRAME_RATE",
    "MODALITIES",
    "Alignment",
    "Clip",
    "ClipSpec",
    "FaceMap",
    "Prediction",
    "Recording",
    "Sentence",
    "Still",
    "Turn",
    "WordWeights",
    "frame_count",
    "frame_of",
    "start_of",
]
