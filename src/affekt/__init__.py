"""affekt: arousal and valence ten times a second, from the text, the sound and the picture of a recording.

    import affekt

    model = affekt.load_model()
    prediction = model.predict("talk.mp4")
    prediction.trace                      # a DataFrame: name, time, arousal, valence, present
    prediction.save_report("talk.html")
"""

from affekt.api import Model, Prediction, load_model
from affekt.errors import (
    AffektError,
    MediaError,
    ModelError,
    OutputError,
    PredictionError,
    TranscriptError,
    TurnsError,
)

__version__ = "0.1.0"

__all__ = [
    "AffektError",
    "MediaError",
    "Model",
    "ModelError",
    "OutputError",
    "Prediction",
    "PredictionError",
    "TranscriptError",
    "TurnsError",
    "load_model",
]
