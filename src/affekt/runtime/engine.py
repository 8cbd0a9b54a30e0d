"""The networks of a bundle, run by ONNX Runtime: arrays in, arrays out."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import onnxruntime as ort

from affekt.errors import ModelError
from affekt.runtime.bundle import Bundle
from affekt.runtime.words import Words, load_words
from affekt.timeline import MODALITIES

SENTENCES, WINDOWS, FACES = 16, 60, 32
"""Rows a run is given at most: enough to be quick, few enough to keep memory flat."""


Precision = Literal["auto", "float32", "int8"]
"""What networks multiply in; auto: int8 where the bundle has it and it is known to be quicker."""


@dataclass(frozen=True)
class Judged:
    """What fusion and head say about B sequences of T frames."""

    y: np.ndarray
    """(B, T, 2) arousal and valence."""
    modality: np.ndarray | None
    """(B, T, 3)."""
    pairs: np.ndarray | None
    """(B, T, 3, 2)."""
    shares: np.ndarray | None
    """(B, T, 3), the weight of each pair."""
    state: tuple[np.ndarray, np.ndarray]
    """The LSTM's, to go on from."""
    spread: np.ndarray | None = None
    """(B, T, 2), the absolute error that the head expects, above 0; None where it does not say."""


@dataclass(frozen=True, slots=True, eq=False)
class Past:
    """The last P frames that an audio network heard, to go on from: all there were, at most `audio_past`."""

    windows: np.ndarray
    """(P, window) float32, 0 where nothing was heard."""
    speaker: np.ndarray
    """(P,) int64."""


INPUTS = {
    "text": {"pieces": 2, "piece_word": 2, "piece_mask": 2, "word_mask": 2},
    "audio": {"windows": 2, "speaker": 1},
    "audio in context": {"windows": 3, "speaker": 2},
    "visual": {"faces": 4},
    "fusion": {"text": 3, "audio": 3, "visual": 3, "presence": 3, "h": 3, "c": 3},
}
"""What a graph may ask for, with the number of axes. One that has no use for an input lacks it: a word table
the piece mask, an audio network without interlocutor the speaker."""
OUTPUTS = {
    "text": {"x", "alpha"},
    "audio": {"x"},
    "audio in context": {"x"},
    "visual": {"x", "map"},
    "fusion": {"y", "h_out", "c_out"},
}


class Network:
    """One graph of a bundle in ONNX Runtime; whatever it cannot load or do is the bundle's fault."""

    def __init__(self, path: Path, part: str, threads: int) -> None:
        self.path = path
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        # Threads that wait in a loop would take the processor from the decoder.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 4
        try:
            self._session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        # ONNX Runtime's own exceptions share no base class but this.
        except Exception as error:
            raise ModelError(f"{path}: cannot be loaded ({_short(error)})") from error
        self.shapes: dict[str, list[Any]] = {i.name: i.shape for i in self._session.get_inputs()}
        self.outputs = [o.name for o in self._session.get_outputs()]
        axes = {name: len(shape) for name, shape in self.shapes.items()}
        if not (axes.items() <= INPUTS[part].items() and set(self.outputs) >= OUTPUTS[part]):
            raise self.unfit(f"takes {', '.join(axes)} and gives {', '.join(self.outputs)}")

    def __call__(self, **inputs: np.ndarray) -> dict[str, np.ndarray]:
        """Run on those of the inputs that the graph asks for; outputs by name."""
        try:
            values = self._session.run(None, {name: inputs[name] for name in self.shapes})
        except Exception as error:  # as above
            raise ModelError(f"{self.path}: fails on what it is given ({_short(error)})") from error
        return dict(zip(self.outputs, values, strict=True))

    def sizes(self, name: str, axes: tuple[int, ...]) -> tuple[int, ...]:
        """The fixed sizes of some axes of an input."""
        shape = self.shapes.get(name, [])
        found = tuple(shape[axis] for axis in axes if axis < len(shape))
        if len(found) < len(axes) or not all(isinstance(size, int) and size > 0 for size in found):
            raise self.unfit(f"takes {name} of shape {shape}")
        return found

    def unfit(self, what: str) -> ModelError:
        """The error for a graph that is not one of affekt's, or of another bundle."""
        return ModelError(f"{self.path}: does not fit its bundle ({what}); copy the whole bundle again")


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:120]


def quick_int8() -> bool:
    """Is int8 known to be quicker here? On x86-64, with VNNI and without (`benchmarks/precision.py`)."""
    return platform.machine().lower() in ("x86_64", "amd64")


class Engine:
    """Runs a bundle's graphs. Each is loaded when it is first needed: no transcript, no text network."""

    def __init__(self, bundle: Bundle, threads: int | None = None, precision: Precision = "auto") -> None:
        """Take a bundle.

        Raises:
            ValueError: no such precision.
            ModelError: int8 is asked for, and the bundle has no graph for it.
        """
        if precision not in get_args(Precision):
            raise ValueError(f"precision is {precision!r}; it may be {', '.join(get_args(Precision))}")
        if precision == "int8" and not bundle.int8:
            raise ModelError(f"{bundle.folder}: has nothing in int8; leave --precision at auto, or float32")
        self.bundle = bundle
        self.threads = threads or min(4, os.cpu_count() or 1)
        self.int8 = bundle.int8 if precision == "int8" or (precision == "auto" and quick_int8()) else ()
        """Parts that run in int8."""

    def _network(self, part: str) -> Network:
        return Network(self.bundle.graph(part, part in self.int8), part, self.threads)

    @cached_property
    def words(self) -> Words:
        """What cuts sentences into the encoder's pieces."""
        return load_words(self.bundle.folder, self.bundle.words)

    @cached_property
    def _text(self) -> Network:
        return self._network("text")

    @cached_property
    def _audio(self) -> Network:
        part = "audio" if self.bundle.audio_context is None else "audio in context"
        audio = Network(self.bundle.graph("audio"), part, self.threads)
        samples = INPUTS[part]["windows"] - 1
        if audio.sizes("windows", (samples,)) != (self.bundle.spec.window,):
            raise audio.unfit(f"takes windows of {audio.shapes['windows'][samples]} samples")
        return audio

    @cached_property
    def _visual(self) -> Network:
        visual, size = self._network("visual"), self.bundle.spec.image_size
        if visual.sizes("faces", (1, 2, 3)) != (size, size, 3):
            raise visual.unfit(f"takes faces of shape {visual.shapes['faces'][1:]}")
        return visual

    @cached_property
    def _fusion(self) -> Network:
        fusion = self._network("fusion")
        lacks_spread = self.bundle.band is not None and "spread" not in fusion.outputs
        if ("pairs" in fusion.outputs) != (self.bundle.pairs is not None) or lacks_spread:
            raise fusion.unfit(f"gives {', '.join(fusion.outputs)}")
        return fusion

    @cached_property
    def widths(self) -> tuple[int, int, int]:
        """Widths of x^t, x^a, x^v; 1 for what the bundle does not judge by."""
        text, audio, visual = (
            self._fusion.sizes(name, (2,))[0] if name in self.bundle.modalities else 1 for name in MODALITIES
        )
        return text, audio, visual

    def encode(self, texts: list[str]) -> tuple[np.ndarray, list[tuple[tuple[str, ...], np.ndarray]]]:
        """Sentences → x^t (U, D_t), and for each its words and the selector's weights (P, L) on them."""
        vectors = np.zeros((len(texts), self.widths[0]), np.float32)
        weights: list[tuple[tuple[str, ...], np.ndarray]] = [((), np.zeros((0, 0), np.float32))] * len(texts)
        order = np.argsort([len(t) for t in texts], kind="stable")
        for start in range(0, len(order), SENTENCES):
            rows = order[start : start + SENTENCES]
            encoded = self.words.encode([texts[r] for r in rows])
            out = self._text(
                pieces=encoded.pieces,
                piece_word=encoded.piece_word,
                piece_mask=encoded.piece_mask,
                word_mask=encoded.word_mask,
            )
            x, alpha = _rows(self._text, out["x"], vectors.shape[1:]), out["alpha"]
            for i, row in enumerate(rows):
                words = encoded.words[i]
                vectors[row] = x[i]
                weights[row] = words, alpha[i, :, : len(words)]
        return vectors, weights

    def listen(
        self,
        windows: np.ndarray,
        speaker: np.ndarray,
        heard: np.ndarray,
        past: Past | None = None,
        ahead: int = 0,
    ) -> tuple[np.ndarray, Past | None]:
        """Consecutive frames → x^a (T, D_a), 0 where nothing is heard, and what to go on from.

        Where the network looks around (`audio_past`, `audio_future`), a recording may be cut anywhere, each
        piece being given the past that the one before returned, and what follows; where it hears clips, a
        piece begins where one of those does.

        Args:
            windows: (T + ahead, window) float32; speaker: (T + ahead,) int64; heard: (T + ahead,) bool.
            past: None where the recording begins.
            ahead: how many of the last frames are only there for what they tell of those before: as many as
                `audio_future`, fewer where the recording ends, 0 where nobody knows yet what follows.
        """
        frames, count = self.bundle.audio_context, len(windows) - ahead
        x = np.zeros((count, self.widths[1]), np.float32)
        if frames is None:
            rows = np.flatnonzero(heard[:count])
            x[rows] = self.hear(windows[rows], speaker[rows])
            return x, None
        windows, begin, back = np.where(heard[:, None], windows, np.float32(0)), 0, self.bundle.audio_past
        if past is not None:
            begin = len(past.speaker)
            windows = np.concatenate([past.windows, windows])
            speaker = np.concatenate([past.speaker, speaker])
        end, heard = begin + count, heard[:count, None]
        for here in range(begin, end if heard.any() else begin, frames):
            last = min(here + frames, end)
            cut = np.s_[max(0, here - back) : last + self.bundle.audio_future]
            out = self._audio(windows=windows[None, cut], speaker=speaker[None, cut])
            found = _rows(self._audio, out["x"], (len(speaker[cut]), self.widths[1]))[0]
            x[here - begin : last - begin] = found[here - cut.start : last - cut.start]
        rest = np.s_[max(0, end - back) : end]
        # Copies: a view would keep the whole clip alive.
        return np.where(heard, x, np.float32(0)), Past(windows[rest].copy(), speaker[rest].copy())

    def hear(self, windows: np.ndarray, speaker: np.ndarray) -> np.ndarray:
        """Frames that are heard alone: windows (N, window) float32, speaker (N,) int64 → x^a (N, D_a)."""
        width = self.widths[1:2]
        vectors = [np.zeros((0, *width), np.float32)]
        for i in range(0, len(windows), WINDOWS):
            out = self._audio(windows=windows[i : i + WINDOWS], speaker=speaker[i : i + WINDOWS])
            vectors.append(_rows(self._audio, out["x"], width))
        return np.concatenate(vectors)

    def see(self, faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """faces (F, S, S, 3) uint8 → x^v (F, D_v), maps of where it looked (F, S/r, S/r) for some whole r."""
        width, size = self.widths[2:], self.bundle.spec.image_size
        vectors, maps = [np.zeros((0, *width), np.float32)], []
        for i in range(0, len(faces), FACES):
            out = self._visual(faces=faces[i : i + FACES])
            vectors.append(_rows(self._visual, out["x"], width))
            side = out["map"].shape[-1] or size + 1
            if size % side:
                raise self._visual.unfit(f"gives maps of shape {out['map'].shape[1:]}")
            maps.append(_rows(self._visual, out["map"], (side, side)))
        return np.concatenate(vectors), np.concatenate(maps or [np.zeros((0, 1, 1), np.float32)])

    def initial(self, batch: int) -> tuple[np.ndarray, np.ndarray]:
        """The LSTM's state before the first frame."""
        layers, hidden = self._fusion.sizes("h", (0, 2))
        zero = np.zeros((layers, batch, hidden), np.float32)
        return zero, zero

    def judge(
        self,
        features: tuple[np.ndarray, np.ndarray, np.ndarray],
        presence: np.ndarray,
        state: tuple[np.ndarray, np.ndarray],
    ) -> Judged:
        """x^t, x^a, x^v (B, T, ·) and presence (B, T, 3) bool, T ≥ 1 → arousal and valence."""
        text, audio, visual = features
        h, c = state
        out = self._fusion(text=text, audio=audio, visual=visual, presence=presence, h=h, c=c)
        state = out["h_out"], out["c_out"]
        weights = out.get("modality"), out.get("pairs"), out.get("shares")
        return Judged(out["y"], *weights, state, out.get("spread"))


def _rows(network: Network, x: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """x (N, *shape) as it is."""
    if x.shape[1:] != shape:
        raise network.unfit(f"gives rows of shape {x.shape[1:]} where {shape} are taken")
    return x
