"""What `import affekt` hands out: a model, what it says, and the errors. Joins runtime and report."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from affekt import timeline
from affekt.runtime.bundle import open_bundle
from affekt.runtime.engine import Precision
from affekt.runtime.predictor import Predictor, Progress
from affekt.timeline import Alignment, Recording, Side
from affekt.timeline.files import atomic, read_json, write_csv, write_json, write_parquet
from affekt.version import __version__

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

PathLike = str | os.PathLike[str]


class Prediction(timeline.Prediction):
    """What a model says about a recording; see `affekt.timeline.Prediction` for what it holds."""

    @classmethod
    def of(cls, plain: timeline.Prediction) -> Prediction:
        """Give a prediction the methods that write it."""
        return cls(**{f.name: getattr(plain, f.name) for f in dataclasses.fields(plain)})

    @classmethod
    def load(cls, path: PathLike) -> Prediction:
        """Read back what `save_json` wrote.

        Raises:
            PredictionError: the file is damaged or something else.
        """
        path = Path(path)
        return cls.of(_sourced(read_json(path), lambda source: path.parent / source))

    def save_csv(self, path: PathLike, columns: Sequence[str] = ()) -> None:
        """Write name, time, arousal, valence, a row a frame; `columns` adds "presence", "weights", "band".

        Raises:
            PredictionError: "band" is asked for, and the model gave none.
        """
        write_csv(self, Path(path), columns)

    def save_parquet(self, path: PathLike, columns: Sequence[str] = ()) -> None:
        """As `save_csv`, as Parquet; needs `pip install affekt[parquet]`."""
        write_parquet(self, Path(path), columns)

    def save_json(self, path: PathLike) -> None:
        """Write everything, pictures included, so that the report can be made again.

        The recording's place is written as seen from the file, so that both can move together.
        """
        path = Path(path)
        write_json(_sourced(self, lambda source: _seen_from(path.parent, source) or source), path)

    def save_elan(self, path: PathLike) -> None:
        """Write NAME.eaf for ELAN: a tier of arousal, of valence, of sentences; the recording is linked.

        NAME.elan.csv beside it holds the trace for ELAN's time-series viewer, and NAME_tsconf.xml says how it
        is drawn.
        """
        from affekt.report.elan import write_elan

        path = Path(path)
        write_elan(self, path, _seen_from(path.parent, self.info.get("source")))

    def save_report(self, path: PathLike) -> None:
        """Write the report page: one HTML file that opens from disk; the recording is linked beside it."""
        from affekt.report.page import render

        path = Path(path)
        page = render(self, _seen_from(path.parent, self.info.get("source")))
        with atomic(path) as part:
            # A file name need not be Unicode.
            part.write_bytes(page.encode("utf-8", "replace"))


def _sourced(prediction: timeline.Prediction, place: Callable[[str], PathLike]) -> timeline.Prediction:
    """The same prediction with the path of its recording put in another way."""
    source = prediction.info.get("source")
    if not isinstance(source, str):
        return prediction
    return dataclasses.replace(prediction, info={**prediction.info, "source": os.fspath(place(source))})


def _seen_from(folder: Path, source: object) -> str | None:
    """The recording's path relative to a folder, None if it is not there any more."""
    if not isinstance(source, str) or not Path(source).is_file():
        return None
    try:
        seen = os.path.relpath(Path(source).resolve(), folder.resolve())
        seen.encode("utf-8")
        return seen
    except ValueError:  # another drive on Windows, or a name that is not Unicode and cannot be linked
        return None


class Model:
    """A bundle, ready to judge recordings. Nothing is downloaded, nothing leaves the machine."""

    def __init__(
        self, bundle: PathLike = "default", threads: int | None = None, precision: Precision = "auto"
    ) -> None:
        if threads is not None and threads < 1:
            raise ValueError(f"threads is {threads}; at least 1 is needed")
        self._predictor = Predictor(open_bundle(os.fspath(bundle)), threads, precision)

    @property
    def name(self) -> str:
        """The bundle's name."""
        return self._predictor.bundle.name

    @property
    def card(self) -> str:
        """The model card: what it was trained on, how well it does, what not to use it for (Markdown)."""
        return self._predictor.bundle.card

    def predict(
        self,
        media: PathLike,
        *,
        transcript: PathLike | None = None,
        language: str | None = None,
        alignment: Alignment = "sentence",
        turns: PathLike | None = None,
        subject: int | Side | None = None,
        pictures: bool = True,
        progress: Progress | None = None,
    ) -> Prediction:
        """Judge a recording ten times a second.

        Args:
            media: a film, a sound file, a picture, or a transcript alone (.srt, .vtt).
            transcript: .srt, .vtt, start;end;text CSV, words JSON, ELAN's .eaf or Praat's .TextGrid;
                None takes NAME.srt, or another of these, beside `media`.
            language: of the transcript, ISO 639-1; None guesses.
            alignment: "sentence" lays a sentence on the frames it is spoken in, "causal" after its end.
            turns: who speaks when (CSV, RTTM, .eaf, .TextGrid); without it every frame is the subject's.
            subject: which face, 1 = the largest in the first frame that has one; "left" or "right" = the one
                furthest to that side of the picture; None = the largest.
            pictures: keep a few stills and faces for the report.

        Raises:
            MediaError, TranscriptError, TurnsError: bad input, in one line that names the file.
            ValueError: no such alignment, no such side, or a face below 1.
        """
        if alignment not in get_args(Alignment):
            raise ValueError(f"alignment is {alignment!r}; it may be {' or '.join(get_args(Alignment))}")
        if isinstance(subject, str) and subject not in get_args(Side):
            raise ValueError(f"subject is {subject!r}; it may be a number or {' or '.join(get_args(Side))}")
        if isinstance(subject, int) and subject < 1:
            raise ValueError(f"subject is {subject}; the first face is 1")
        recording = Recording(
            Path(media),
            None if transcript is None else Path(transcript),
            None if turns is None else Path(turns),
            language,
            alignment,
            subject,
        )
        return self.predict_recording(recording, pictures=pictures, progress=progress)

    def predict_recording(
        self, recording: Recording, *, pictures: bool = True, progress: Progress | None = None
    ) -> Prediction:
        """Judge one of a corpus' recordings, as `affekt.corpora.readers.read_corpus` hands them out.

        Raises:
            MediaError, TranscriptError, TurnsError: bad input, in one line that names the file.
        """
        plain = self._predictor.predict(recording, pictures=pictures, progress=progress)
        plain.info["version"] = __version__
        return Prediction.of(plain)

    def predict_texts(self, texts: Sequence[str]) -> pd.DataFrame:
        """Judge sentences, each held for 3 s.

        Returns:
            One row a sentence, columns arousal and valence; NaN where there is no word.

        Raises:
            ValueError: it is not a list of texts.
        """
        return _frame(self._predictor.texts(texts))

    def predict_images(self, images: Sequence[np.ndarray]) -> pd.DataFrame:
        """Judge photographs.

        Args:
            images: (H, W, 3) RGB or (H, W) grey uint8 arrays. The largest face of each is found; a face crop,
                down to 48 × 48, is taken whole.

        Returns:
            One row a picture, columns arousal and valence; NaN where no face is found.

        Raises:
            ValueError: one of the images is of another shape or type.
        """
        return _frame(self._predictor.images(images))

    def predict_sounds(self, sounds: Sequence[np.ndarray], rate: int) -> pd.DataFrame:
        """Judge voice notes.

        Args:
            sounds: (N,) arrays, float with full scale ±1, or int16.
            rate: their sample rate in Hz.

        Returns:
            One row a sound, columns arousal and valence (mean over its frames); NaN where all is silent.

        Raises:
            ValueError: one of the sounds is of another shape, type or scale.
        """
        return _frame(self._predictor.sounds(sounds, rate))


def _frame(values: np.ndarray) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(values, columns=["arousal", "valence"])


def load_model(
    model: PathLike = "default", *, threads: int | None = None, precision: Precision = "auto"
) -> Model:
    """Load a model bundle by name or folder.

    Args:
        model: "default", another installed bundle's name (`affekt models` lists them), or a bundle's folder.
        threads: for decoding and the networks; None = up to four of the machine's cores.
        precision: what networks multiply in, "float32" or "int8"; "auto" = int8 for those parts that the
            bundle has it of, where that is known to be quicker (x86-64).

    Raises:
        ModelError: unknown, damaged or foreign bundle; int8 is asked for and it has none.
        ValueError: less than one thread, or no such precision.
    """
    return Model(model, threads, precision)
