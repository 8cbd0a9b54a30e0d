"""A model under training: the word encoder, the networks, fusion and head, and what is frozen."""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from affekt.networks import Judged, Multimodal, MultimodalConfig
from affekt.networks.head import State
from affekt.networks.multimodal import NAMES
from affekt.training.batches import Batch

EVERY = slice(None)
"""Frame of a batch."""


class Learner(nn.Module):
    """Batches → arousal and valence."""

    def __init__(
        self,
        config: MultimodalConfig,
        encoder: nn.Module | None = None,
        frozen: tuple[str, ...] = (),
        bf16: tuple[str, ...] = (),
        feature_dropout: float = 0.0,
    ) -> None:
        """Build the model.

        Args:
            encoder: of words, if it learns with the model; None: batches have vectors.
            frozen: modalities whose networks do not learn.
            bf16: modalities whose networks compute in bfloat16; weights, fusion, head, loss never do.
        """
        super().__init__()
        self.encoder = encoder
        self.model = Multimodal(config)
        self.feature_dropout = feature_dropout
        self.frozen, self.bf16 = frozen, bf16
        if encoder is not None:
            # The stages of a run share it, and an earlier one may have frozen it.
            encoder.requires_grad_(True)
        for parameter in self._frozen_parameters():
            parameter.requires_grad_(False)

    def _frozen_modules(self) -> Iterator[nn.Module]:
        for name in self.frozen:
            yield getattr(self.model, name)
            if name == "text" and self.encoder is not None:
                yield self.encoder

    def _frozen_parameters(self) -> Iterator[nn.Parameter]:
        for module in self._frozen_modules():
            yield from module.parameters()

    def train(self, mode: bool = True) -> Learner:
        """As `nn.Module.train`; what is frozen stays as it is in use, without dropout or batch statistics."""
        super().train(mode)
        for module in self._frozen_modules():
            module.eval()
        return self

    def forward(self, batch: Batch, state: State | None = None, judged: slice = EVERY) -> Judged:
        """A batch and the head's state before it (None = the beginning) → y (B, T, 2), weights, state.

        Args:
            judged: the batch's frames that are judged, T in number; those around them are only heard. `state`
                is that at the first of them.
        """
        config = self.model.config
        has = torch.tensor([name in config.modalities for name in NAMES], device=batch.presence.device)
        features = [
            (
                self.features(batch, name)
                if name in config.modalities
                else self.model.nothing(m, batch.speaker.shape)
            )[:, judged]
            for m, name in enumerate(NAMES)
        ]
        if state is None:
            state = self.model.fused_head.head.initial(len(batch.gold))
        text, audio, visual = (one.to(self.dtype) for one in features)
        presence = batch.presence[:, judged] & has
        said: Judged = self.model.fused_head(text, audio, visual, presence, state)
        return said

    @property
    def dtype(self) -> torch.dtype:
        """Of the weights."""
        return self.model.fused_head.head.out.weight.dtype

    def features(self, batch: Batch, name: str) -> Tensor:
        """Features (B, T, D_m) of a modality: from its network, or those that were kept."""
        if batch.features is not None and name in batch.features:
            return F.dropout(batch.features[name], self.feature_dropout, self.training)
        if name not in self.bf16:
            return self._features(batch, name)
        with torch.autocast(batch.gold.device.type, torch.bfloat16):
            return self._features(batch, name)

    def _features(self, batch: Batch, name: str) -> Tensor:
        if name == "text":
            assert batch.sentences is not None and batch.frame_sentence is not None
            words = batch.sentences.words
            if words is None:
                assert self.encoder is not None and batch.sentences.pieces is not None
                words = self.encoder(*batch.sentences.pieces, batch.sentences.mask)
            return self.model.embed_sentences(
                words.to(self.dtype), batch.sentences.mask, batch.frame_sentence
            )
        if name == "audio":
            assert batch.audio is not None
            return self.model.embed_sound(batch.audio.to(self.dtype), batch.speaker, batch.presence[..., 1])
        assert batch.images is not None and batch.frame_image is not None
        # The decoder's layout (F, S, S, 3), seen as (F, 3, S, S), is what convolutions are quickest in.
        images = batch.images.permute(0, 3, 1, 2).to(self.dtype) / 255
        return self.model.embed_faces(images, batch.frame_image)
