"""affekt: arousal and valence ten times a second, from the text, the sound and the picture of a recording.

import affekt

model = affekt.load_model()
prediction = model.predict("talk.mp4")
prediction.trace                      # a DataFrame: name, time, arousal, valence, present
prediction.save_report("talk.html")
"""

import os
import sys

# Official builds of ONNX Runtime, from 1.29 on, tell their maker what they run, and begin when imported.
# Nothing leaves the machine here, so it is forbidden before anything of ours imports it.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
if "onnxruntime" in sys.modules:
    sys.modules["onnxruntime"].disable_telemetry_events()

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
from affekt.version import __version__ as __version__

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
