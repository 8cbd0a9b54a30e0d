"""The networks of a bundle, run by ONNX Runtime: arrays in, arrays out."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import onnxruntime as ort

from affekt.errors import ModelError
from affekt.runtime.bundle import Bundle
from affekt.runtime.words import Encoded, Words, load_words

SENTENCES, WINDOWS, FACES = 16, 60, 32
"""Rows a run is given at most: enough to be quick, few enough to keep memory flat."""


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


class Engine:
    """Runs a bundle's graphs. Each is loaded when it is first needed: no transcript, no text network."""

    def __init__(self, bundle: Bundle, threads: int | None = None) -> None:
        self.bundle = bundle
        self.threads = threads or min(4, os.cpu_count() or 1)

    def _session(self, part: str) -> ort.InferenceSession:
        options = ort.SessionOptions()
        options.intra_op_num_threads = self.threads
        options.inter_op_num_threads = 1
        # Threads that wait in a loop would take the processor from the decoder.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 4
        path = self.bundle.graph(part)
        try:
            return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        # ONNX Runtime's own exceptions share no base class but this.
        except Exception as error:
            raise ModelError(f"{path}: cannot be loaded ({' '.join(str(error).split())[:120]})") from error

    @cached_property
    def words(self) -> Words:
        """What cuts sentences into the encoder's pieces."""
        return load_words(self.bundle.folder, self.bundle.words)

    @cached_property
    def _text(self) -> ort.InferenceSession:
        return self._session("text")

    @cached_property
    def _audio(self) -> ort.InferenceSession:
        return self._session("audio")

    @cached_property
    def _visual(self) -> ort.InferenceSession:
        return self._session("visual")

    @cached_property
    def _fusion(self) -> ort.InferenceSession:
        return self._session("fusion")

    @cached_property
    def widths(self) -> tuple[int, int, int]:
        """Widths of x^t, x^a, x^v."""
        shapes = {i.name: i.shape[-1] for i in self._fusion.get_inputs()}
        return shapes["text"], shapes["audio"], shapes["visual"]

    def encode(self, texts: list[str]) -> tuple[np.ndarray, list[tuple[tuple[str, ...], np.ndarray]]]:
        """Sentences → x^t (U, D_t), and for each its words and the selector's weights (P, L) on them."""
        vectors = np.zeros((len(texts), self.widths[0]), np.float32)
        weights: list[tuple[tuple[str, ...], np.ndarray]] = [((), np.zeros((0, 0), np.float32))] * len(texts)
        order = np.argsort([len(t) for t in texts], kind="stable")
        for start in range(0, len(order), SENTENCES):
            rows = order[start : start + SENTENCES]
            encoded = self.words.encode([texts[r] for r in rows])
            wanted = {i.name for i in self._text.get_inputs()}  # a word table has no use for the piece mask
            inputs = {name: array for name, array in _text_inputs(encoded).items() if name in wanted}
            x, alpha = self._text.run(None, inputs)
            for i, row in enumerate(rows):
                words = encoded.words[i]
                vectors[row] = x[i]
                weights[row] = words, alpha[i, :, : len(words)]
        return vectors, weights

    def hear(self, windows: np.ndarray, speaker: np.ndarray) -> np.ndarray:
        """windows (N, window) float32, speaker (N,) int64 → x^a (N, D_a)."""
        parts = [
            self._audio.run(None, {"windows": windows[i : i + WINDOWS], "speaker": speaker[i : i + WINDOWS]})[
                0
            ]
            for i in range(0, len(windows), WINDOWS)
        ]
        return np.concatenate([np.zeros((0, self.widths[1]), np.float32), *parts])

    def see(self, faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """faces (F, S, S, 3) uint8 → x^v (F, D_v), maps of where it looked (F, S/4, S/4)."""
        side = self.bundle.spec.image_size // 4
        vectors, maps = [np.zeros((0, self.widths[2]), np.float32)], [np.zeros((0, side, side), np.float32)]
        for i in range(0, len(faces), FACES):
            x, heat = self._visual.run(None, {"faces": faces[i : i + FACES]})
            vectors.append(x)
            maps.append(heat)
        return np.concatenate(vectors), np.concatenate(maps)

    def initial(self, batch: int) -> tuple[np.ndarray, np.ndarray]:
        """The LSTM's state before the first frame."""
        h = next(i for i in self._fusion.get_inputs() if i.name == "h")
        zero = np.zeros((h.shape[0], batch, h.shape[2]), np.float32)
        return zero, zero

    def judge(
        self,
        features: tuple[np.ndarray, np.ndarray, np.ndarray],
        presence: np.ndarray,
        state: tuple[np.ndarray, np.ndarray],
    ) -> Judged:
        """x^t, x^a, x^v (B, T, ·) and presence (B, T, 3) bool, T ≥ 1 → arousal and valence."""
        inputs: dict[str, Any] = dict(zip(("text", "audio", "visual"), features, strict=True))
        inputs |= {"presence": presence, "h": state[0], "c": state[1]}
        names = [o.name for o in self._fusion.get_outputs()]
        out = dict(zip(names, self._fusion.run(None, inputs), strict=True))
        state = out["h_out"], out["c_out"]
        return Judged(out["y"], out.get("modality"), out.get("pairs"), out.get("shares"), state)


def _text_inputs(encoded: Encoded) -> dict[str, np.ndarray]:
    return {
        "pieces": encoded.pieces,
        "piece_word": encoded.piece_word,
        "piece_mask": encoded.piece_mask,
        "word_mask": encoded.word_mask,
    }
