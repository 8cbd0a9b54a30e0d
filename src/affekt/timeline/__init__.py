"""The 10 Hz clock and the things laid on it. NumPy only; knows nothing of the other rooms."""

from affekt.timeline.clip import MODALITIES, Clip, ClipSpec, Sentence, Still, Turn
from affekt.timeline.clock import FRAME_RATE, frame_count, frame_of, start_of
from affekt.timeline.gold import DIMENSIONS, Gold
from affekt.timeline.prediction import FaceMap, Prediction, WordWeights
from affekt.timeline.recording import Alignment, Partition, Recording, Side

__all__ = [
    "DIMENSIONS",
    "FRAME_RATE",
    "MODALITIES",
    "Alignment",
    "Clip",
    "ClipSpec",
    "FaceMap",
    "Gold",
    "Partition",
    "Prediction",
    "Recording",
    "Sentence",
    "Side",
    "Still",
    "Turn",
    "WordWeights",
    "frame_count",
    "frame_of",
    "start_of",
]
