"""The whole model: three feature networks, a fusion, a head (paper, section 4)."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from affekt.networks.audio import AudioConfig
from affekt.networks.fusion import (
    AUDIO,
    TEXT,
    VISUAL,
    Alone,
    Fused,
    Fusion,
    FusionConfig,
    absent_to_zero,
    build_fusion,
)
from affekt.networks.head import Head, HeadConfig, State
from affekt.networks.kinds import AUDIO as AUDIO_KINDS
from affekt.networks.kinds import VISUAL as VISUAL_KINDS
from affekt.networks.kinds import config_of, made, network_of
from affekt.networks.text import TextConfig, TextNetwork
from affekt.networks.visual import VisualConfig

NAMES = ("text", "audio", "visual")
"""The modalities in the order of every axis over them."""


@dataclass(frozen=True)
class MultimodalConfig:
    """Sizes of every part; the defaults are the paper's, or readings 8's where it is silent."""

    text: TextConfig = field(default_factory=TextConfig)
    audio: Any = field(default_factory=AudioConfig)
    """The config of a network in `kinds.AUDIO`."""
    visual: Any = field(default_factory=VisualConfig)
    """The config of a network in `kinds.VISUAL`."""
    fusion: FusionConfig = field(default_factory=FusionConfig)
    head: HeadConfig = field(default_factory=HeadConfig)
    modalities: tuple[str, ...] = NAMES
    """Those the model has. Two are fused as three are, the third being absent always; one goes straight to
    the head, as in the first stage of section 5.3."""

    def __post_init__(self) -> None:
        if not self.modalities or self.modalities != tuple(n for n in NAMES if n in self.modalities):
            raise ValueError(f"modalities are some of {', '.join(NAMES)}, in this order: {self.modalities}")

    @property
    def sizes(self) -> tuple[int, int, int]:
        """Widths of x^t, x^a, x^v; 1 for a modality that the model does not have."""
        text, audio, visual = (
            part.size if name in self.modalities else 1
            for name, part in zip(NAMES, (self.text, self.audio, self.visual), strict=True)
        )
        return text, audio, visual

    def to_dict(self) -> dict[str, Any]:
        """Plain values for a config file."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> MultimodalConfig:
        """Read back what `to_dict` wrote; a part that is left out has its defaults.

        Raises:
            ValueError: a part or an option is not one of the model's.
        """
        plain = {"text": TextConfig, "fusion": FusionConfig, "head": HeadConfig}
        chosen = {"audio": AUDIO_KINDS, "visual": VISUAL_KINDS}
        parts = (*plain, *chosen, "modalities")
        if unknown := sorted(set(values) - set(parts)):
            raise ValueError(f"the model has no part {', '.join(unknown)}: its parts are {', '.join(parts)}")
        found: dict[str, Any] = {name: made(part, values.get(name, {})) for name, part in plain.items()}
        found |= {name: config_of(kinds, values.get(name, {})) for name, kinds in chosen.items()}
        return cls(**found, modalities=tuple(values.get("modalities", NAMES)))

    def alone(self, modality: str) -> MultimodalConfig:
        """The first stage's model of one modality: its network and a head of its own."""
        return replace(self, modalities=(modality,))


class Judged(NamedTuple):
    """Arousal and valence of every frame, the fusion's weights, and the state to go on from."""

    y: Tensor
    fused: Fused
    state: State
    spread: Tensor | None = None
    """(B, T, 2), the absolute error to be expected, above 0; None of a head that does not say."""


class FusedHead(nn.Module):
    """Fusion and head: the features of frames → arousal and valence. Stage 2 trains it on cached features."""

    def __init__(self, config: MultimodalConfig) -> None:
        super().__init__()
        self.fusion: Fusion | Alone
        if len(config.modalities) == 1:
            self.fusion = Alone(config.sizes, NAMES.index(config.modalities[0]))
        else:
            self.fusion = build_fusion(config.sizes, config.fusion)
        self.head = Head(self.fusion.size, config.head)

    def forward(self, text: Tensor, audio: Tensor, visual: Tensor, presence: Tensor, state: State) -> Judged:
        """x^t, x^a, x^v (B, T, ·), presence (B, T, 3) bool, state → y (B, T, 2), weights, state, spread."""
        fused = self.fusion((text, audio, visual), presence)
        y, spread, state = self.head.judge(fused.x, state)
        return Judged(y, fused, state, spread)


def spread(vectors: Tensor, rows: Tensor) -> Tensor:
    """Lay vectors (U, D) on frames: rows (B, T) int64, −1 = none → (B, T, D), zero where there is none."""
    padded = torch.cat([vectors, vectors.new_zeros(1, vectors.shape[1])])
    rows = torch.where(rows < 0, torch.full_like(rows, vectors.shape[0]), rows)
    return padded.index_select(0, rows.flatten()).unflatten(0, rows.shape)


class Multimodal(nn.Module):
    """Words, sound windows and faces of B sequences of T frames → arousal and valence.

    Each distinct sentence and each face is encoded once and then laid on its frames (readings 1.10, 0). A
    modality that the config does not have has no network here, and is absent everywhere.
    """

    text: TextNetwork
    audio: nn.Module
    visual: nn.Module

    def __init__(self, config: MultimodalConfig | None = None) -> None:
        super().__init__()
        self.config = c = config or MultimodalConfig()
        if "text" in c.modalities:
            self.text = TextNetwork(c.text)
        if "audio" in c.modalities:
            self.audio = network_of(AUDIO_KINDS, c.audio)
        if "visual" in c.modalities:
            self.visual = network_of(VISUAL_KINDS, c.visual)
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
        has = self.config.modalities
        features = [self.nothing(m, speaker.shape) for m in range(3)]
        if "text" in has:
            features[TEXT] = self.embed_sentences(words, word_mask, frame_sentence)
        if "audio" in has:
            features[AUDIO] = self.embed_sound(audio, speaker, audio_present)
        if "visual" in has:
            features[VISUAL] = self.embed_faces(images, frame_image)
        present = frame_sentence >= 0, audio_present, frame_image >= 0
        known = [p if n in has else torch.zeros_like(p) for n, p in zip(NAMES, present, strict=True)]
        return self.fused_head(*features, torch.stack(known, -1), state)

    def nothing(self, modality: int, frames: torch.Size) -> Tensor:
        """Features (B, T, D_m) of a modality that is absent in all frames (B, T)."""
        return self.fused_head.head.out.weight.new_zeros(*frames, self.config.sizes[modality])

    def embed_sentences(self, words: Tensor, word_mask: Tensor, frame_sentence: Tensor) -> Tensor:
        """Sentences laid on their frames: x^t (B, T, D_t)."""
        # One dummy row keeps the network away from batches of size 0, which the runtimes cannot do.
        words = torch.cat([words, words.new_zeros(1, *words.shape[1:])])
        word_mask = torch.cat([word_mask, word_mask.new_zeros(1, word_mask.shape[1])])
        return spread(self.text(words, word_mask)[0][:-1], frame_sentence)

    def embed_sound(self, audio: Tensor, speaker: Tensor, audio_present: Tensor) -> Tensor:
        """Sound of every frame: x^a (B, T, D_a)."""
        audio = absent_to_zero(audio, audio_present)
        if self.config.audio.context:
            return torch.as_tensor(self.audio(audio, speaker))
        return torch.as_tensor(self.audio(audio.flatten(0, 1), speaker.flatten()).unflatten(0, speaker.shape))

    def embed_faces(self, images: Tensor, frame_image: Tensor) -> Tensor:
        """Faces laid on their frames; in training no dummy face may enter the batch statistics."""
        if images.shape[0] == 0 and self.training:
            return self.nothing(VISUAL, frame_image.shape)
        if not self.training:
            images = torch.cat([images, images.new_zeros(1, *images.shape[1:])])
            return spread(self.visual(images)[0][:-1], frame_image)
        return spread(self.visual(images)[0], frame_image)
