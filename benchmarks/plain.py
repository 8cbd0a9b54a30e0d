"""A plain rendering of the job that affekt does, as one writes it first: the same networks, nothing saved.

Every picture of the film is converted to RGB at its full size, MTCNN searches every 10 Hz picture, the
networks run in eager PyTorch in single precision, and the words are encoded once a frame. Nothing is made
slower than that: the networks run in batches, and FFmpeg decodes with threads.
"""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import torch
from face_detectors import largest
from mtcnn import MTCNN
from safetensors.torch import load_file

from affekt.media.crop import crop_square, cut_square
from affekt.media.sound import frames_of_array
from affekt.media.transcripts import read_transcript
from affekt.networks import Multimodal, MultimodalConfig
from affekt.networks.encoder import quantise_linears
from affekt.runtime.bundle import WEIGHTS, Bundle
from affekt.runtime.words import load_words
from affekt.timeline import Prediction
from affekt.timeline.alignment import sentence_frames
from affekt.timeline.files import write_csv
from affekt.training.encoders import load_minilm

SENTENCES, FACES, WINDOWS = 16, 32, 60
"""Batches as large as affekt's own."""


class Plain:
    """The default model, whose encoder is MiniLM, and MTCNN.

    `threads` is the number FFmpeg decodes with, None for its own choice; PyTorch's is set by the caller.
    """

    def __init__(self, bundle: Bundle, wheel: Path, threads: int | None = None) -> None:
        self._bundle, self._find, self._threads = bundle, MTCNN(wheel), threads
        self._words = load_words(bundle.folder, bundle.words)
        self._model = Multimodal(MultimodalConfig.from_dict(bundle.sizes)).eval()
        self._encoder = load_minilm().eval()
        quantise_linears(self._encoder.transformer.encoder)
        weights = {
            name: value.float() if value.is_floating_point() else value for name, value in self._weights()
        }
        encoder = {
            name.removeprefix("encoder."): value for name, value in weights.items() if name[:8] == "encoder."
        }
        known = self._encoder.load_state_dict(encoder, strict=False)
        # What the int8 graphs have besides is left out: plain computes in single precision.
        own = self._model.state_dict()
        rest = {name: value for name, value in weights.items() if name in own}
        other = self._model.load_state_dict(rest, strict=False)
        # Batch normalisation counts the batches it has seen, which no bundle keeps.
        missing = [
            n for n in (*known.missing_keys, *other.missing_keys) if not n.endswith("num_batches_tracked")
        ]
        if missing or known.unexpected_keys or other.unexpected_keys:
            raise SystemExit(
                f"{bundle.folder}: the weights are not those of the default model's networks: {missing[:3]}"
            )

    def _weights(self) -> list[tuple[str, torch.Tensor]]:
        return list(load_file(self._bundle.folder / WEIGHTS).items())

    @torch.no_grad()
    def predict(self, film: Path, output: Path) -> Prediction:
        """Judge a film that has a picture, sound and NAME.srt, and write the CSV."""
        faces, frame_face = self._faces(film)
        x_a, heard = self._sound(film, len(frame_face))
        x_t, spoken = self._text(film.with_suffix(".srt"), len(frame_face))
        x_v = torch.zeros(len(frame_face), self._model.config.visual.size)
        seen = torch.from_numpy(frame_face >= 0)
        batches = [self._model.visual(batch / 255)[0] for batch in faces.split(FACES)]
        x_v[seen] = torch.cat(batches)
        presence = torch.stack([torch.from_numpy(spoken), torch.from_numpy(heard), seen], -1)
        features = x_t[None], x_a[None], x_v[None]
        head = self._model.fused_head
        y, fused, *_ = head(*features, presence[None], head.head.initial(1))
        arousal, valence = y[0].T.numpy()
        modality = None if fused.modality is None else fused.modality[0].numpy()
        prediction = Prediction(film.name, arousal, valence, presence.numpy(), modality)
        write_csv(prediction, output)
        return prediction

    def _faces(self, film: Path) -> tuple[torch.Tensor, np.ndarray]:
        """Crops (F, 3, S, S), float32 in [0, 255], of each frame's largest face, and their rows (T,)."""
        spec, crops, rows = self._bundle.spec, [], []
        last: tuple[float, np.ndarray] | None = None
        with av.open(str(film)) as container:
            stream = container.streams.video[0]
            stream.thread_type = "AUTO"
            stream.codec_context.thread_count = self._threads or 0
            for frame in container.decode(stream):
                time, picture = float(frame.time), frame.to_ndarray(format="rgb24")
                while (len(rows) + 0.5) / 10 < time:
                    middle = (len(rows) + 0.5) / 10
                    nearest = last[1] if last and middle - last[0] <= time - middle else picture
                    box = largest(self._find(nearest))
                    rows.append(-1 if np.isnan(box[0]) else len(crops))
                    if rows[-1] >= 0:
                        crops.append(cut_square(nearest, *crop_square(box, spec), spec.image_size))
                last = time, picture
        return torch.from_numpy(np.stack(crops)).permute(0, 3, 1, 2).float(), np.array(rows)

    def _sound(self, film: Path, frames: int) -> tuple[torch.Tensor, np.ndarray]:
        """x^a (T, D_a) and where there is sound (T,)."""
        with av.open(str(film)) as container:
            rate = container.streams.audio[0].rate
            mono = av.AudioResampler("fltp", "mono", rate)
            parts = [
                out.to_ndarray()[0] for frame in container.decode(audio=0) for out in mono.resample(frame)
            ]
        windows, heard = frames_of_array(np.concatenate(parts), rate, self._bundle.spec)
        windows, heard = windows[:frames], heard[:frames]
        x = torch.zeros(frames, self._model.config.audio.size)
        batches = torch.from_numpy(windows).split(WINDOWS)
        network = self._model.audio
        if self._model.config.audio.context:
            sound = torch.from_numpy(np.where(heard[:, None], windows, np.float32(0)))[None]
            x[: len(windows)] = network(sound, torch.zeros(1, len(windows), dtype=torch.int64))[0]
        else:
            x[: len(windows)] = torch.cat(
                [network(batch, torch.zeros(len(batch), dtype=torch.int64)) for batch in batches]
            )
        return x, np.pad(heard, (0, frames - len(heard)))

    def _text(self, transcript: Path, frames: int) -> tuple[torch.Tensor, np.ndarray]:
        """x^t (T, D_t), each frame's sentence encoded for itself, and where there is one (T,)."""
        sentences = tuple(read_transcript(transcript))
        row = sentence_frames(sentences, frames, "sentence", 0)
        spoken = np.flatnonzero(row >= 0)
        x = torch.zeros(frames, self._model.config.text.size)
        for start in range(0, len(spoken), SENTENCES):
            places = spoken[start : start + SENTENCES]
            encoded = self._words.encode([sentences[k].text for k in row[places]])
            pieces, piece_word, piece_mask, mask = (
                torch.from_numpy(array)
                for array in (encoded.pieces, encoded.piece_word, encoded.piece_mask, encoded.word_mask)
            )
            x[torch.from_numpy(places)] = self._model.text(
                self._encoder(pieces, piece_word, piece_mask, mask), mask
            )[0]
        return x, row >= 0
