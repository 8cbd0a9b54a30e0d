"""The whole model: three feature networks, a fusion, a head (paper, section 4)."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from affekt.networks.audio import AudioConfig, AudioNetwork
from affekt.networks.fusion import Fused, FusionConfig, absent_to_zero, build_fusion
from affekt.networks.head import Head, HeadConfig, State
from affekt.networks.text import TextConfig, TextNetwork
from affekt.networks.visual import VisualConfig, VisualNetwork


@dataclass(frozen=True)
class MultimodalConfig:
    """Sizes of every part; the defaults are the paper's, or readings 8's where it is silent."""

    text: TextConfig = field(default_factory=TextConfig)
    audio: AudioConfig = field(default_factory=AudioConfig)
    visual: VisualConfig = field(default_factory=VisualConfig)
    fusion: FusionConfig = field(default_factory=FusionConfig)
    head: HeadConfig = field(default_factory=HeadConfig)

    @property
    def sizes(self) -> tuple[int, int, int]:
        """Widths of x^t, x^a, x^v."""
        return self.text.size, self.audio.size, self.visual.size

    def to_dict(self) -> dict[str, Any]:
        """Plain values for a config file."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> MultimodalConfig:
        """Read back what `to_dict` wrote; a part that is left out has its defaults.

        Raises:
            ValueError: a part is not one of the model's.
        """
        parts = {
            "text": TextConfig,
            "audio": AudioConfig,
            "visual": VisualConfig,
            "fusion": FusionConfig,
            "head": HeadConfig,
        }
        if unknown := sorted(set(values) - set(parts)):
            raise ValueError(f"the model has no part {', '.join(unknown)}: its parts are {', '.join(parts)}")
        made = {}
        for name, part in parts.items():
            plain = {k: tuple(v) if isinstance(v, list) else v for k, v in values.get(name, {}).items()}
            made[name] = part(**plain)
        return cls(**made)


class Judged(NamedTuple):
    """Arousal and valence of every frame, the fusion's weights, and the state to go on from."""

    y: Tensor
    fused: Fused
    state: State


class FusedHead(nn.Module):
    """Fusion and head: the features of frames → arousal and valence. Stage 2 trains it on cached features."""

    def __init__(self, config: MultimodalConfig) -> None:
        super().__init__()
        self.fusion = build_fusion(config.sizes, config.fusion)
        self.head = Head(self.fusion.size, config.head)

    def forward(self, text: Tensor, audio: Tensor, visual: Tensor, presence: Tensor, state: State) -> Judged:
        """x^t, x^a, x^v (B, T, ·), presence (B, T, 3) bool, state → y (B, T, 2), weights, state."""
        fused = self.fusion((text, audio, visual), presence)
        y, state = self.head(fused.x, state)
        return Judged(y, fused, state)


def spread(vectors: Tensor, rows: Tensor) -> Tensor:
    """Lay vectors (U, D) on frames: rows (B, T) int64, −1 = none → (B, T, D), zero where there is none."""
    padded = torch.cat([vectors, vectors.new_zeros(1, vectors.shape[1])])
    rows = torch.where(rows < 0, torch.full_like(rows, vectors.shape[0]), rows)
    return padded.index_select(0, rows.flatten()).unflatten(0, rows.shape)


class Multimodal(nn.Module):
    """Words, sound windows and faces of B sequences of T frames → arousal and valence.

    Each distinct sentence and each face is encoded once and then laid on its frames (readings 1.10, 0).
    """

    def __init__(self, config: MultimodalConfig | None = None) -> None:
        super().__init__()
        self.config = c = config or MultimodalConfig()
        self.text = TextNetwork(c.text)
        self.audio = AudioNetwork(c.audio)
        self.visual = VisualNetwork(c.visual)
        self.fused_head = FusedHead(c)

    def forward(
        self,
        words: Tensor,
        word_mask: Tensor,
        frame_sentence: Tensor,
        audio: Tensor,
        speaker: Tensor,
        audio_present: Tensor,
        images: Tensor,
        frame_image: Tensor,
        state: State,
    ) -> Judged:
        """The tensor contract of readings 0; U and F may be 0.

        Args:
            words: (U, L, D) vectors of each distinct sentence's words; word_mask: (U, L) bool.
            frame_sentence: (B, T) int64, row of `words`, −1 = none.
            audio: (B, T, window); speaker: (B, T) int64 in {0 subject, 1 other}; audio_present: (B, T) bool.
            images: (F, 3, S, S) in [0, 1]; frame_image: (B, T) int64, row of `images`, −1 = none.
            state: the head's state before the first frame.
        """
        # One dummy row keeps every network away from batches of size 0, which the runtimes cannot do.
        words = torch.cat([words, words.new_zeros(1, *words.shape[1:])])
        word_mask = torch.cat([word_mask, word_mask.new_zeros(1, word_mask.shape[1])])
        x_t = spread(self.text(words, word_mask)[0][:-1], frame_sentence)
        audio = absent_to_zero(audio, audio_present)
        x_a = self.audio(audio.flatten(0, 1), speaker.flatten()).unflatten(0, speaker.shape)
        x_v = self.embed_faces(images, frame_image)
        presence = torch.stack([frame_sentence >= 0, audio_present, frame_image >= 0], -1)
        return self.fused_head(x_t, x_a, x_v, presence, state)

    def embed_faces(self, images: Tensor, frame_image: Tensor) -> Tensor:
        """Faces laid on their frames; in training no dummy face may enter the batch statistics."""
        if images.shape[0] == 0 and self.training:
            return images.new_zeros(*frame_image.shape, self.config.visual.size)
        if not self.training:
            images = torch.cat([images, images.new_zeros(1, *images.shape[1:])])
            return spread(self.visual(images)[0][:-1], frame_image)
        return spread(self.visual(images)[0], frame_image)
