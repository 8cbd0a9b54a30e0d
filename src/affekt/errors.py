"""Every error affekt raises on bad input. Each is one line that names the file and says what to do.

AffektError
├── MediaError          the recording: missing, not media, damaged, nothing in it
├── TranscriptError     the transcript: unreadable, out of order, beginning after the end
├── TurnsError          the turn file
├── CorpusError         a corpus' folder, its labels, raters' traces: unknown layout, damaged, not fitting
├── ConfigError         a training config: unknown option, value of another type, run folder of another config
├── ClusterError        the Ray cluster: cannot be reached, or lost its workers
├── ModelError          the bundle: unknown, damaged, foreign
├── PredictionError     a saved prediction: damaged, or not one of affekt's
└── OutputError         the output: folder not writable, disk full
"""

from __future__ import annotations


class AffektError(Exception):
    """Base of all errors of affekt; the command line prints it as one line and exits with 2."""


class MediaError(AffektError):
    """The recording cannot be read, or there is nothing in it to judge."""


class TranscriptError(AffektError):
    """The transcript cannot be read or does not fit the recording."""


class TurnsError(AffektError):
    """The turn file cannot be read."""


class CorpusError(AffektError):
    """A corpus' folder or one of its files cannot be read, or does not fit the others."""


class ConfigError(AffektError):
    """A training config says what no run can be told, or a run folder holds another run."""


class ClusterError(AffektError):
    """The Ray cluster cannot be reached, or what ran there was lost."""


class ModelError(AffektError):
    """The model bundle is unknown, damaged, or not one of affekt's."""


class PredictionError(AffektError):
    """A saved prediction is damaged, or not one of affekt's."""


class OutputError(AffektError):
    """The output could not be written; nothing half-written is left behind."""
