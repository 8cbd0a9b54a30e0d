"""The unimodal networks of section 5.3, trained as one writes it first: what affekt is measured beside.

It has the same parameters in the same networks. It is spared what would only make it look bad: HRNet's ReLUs
work in place, as affekt's do, and word vectors are computed before.
"""

from __future__ import annotations

from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from affekt.networks import AudioNetwork, Multimodal, VisualNetwork
from affekt.networks.pooling import AttentionalPooling
from affekt.training.batches import Batch


class Plain(nn.Module):
    """A model of one modality in eager single precision: every frame on its own, whatever it holds."""

    def __init__(self, model: Multimodal) -> None:
        super().__init__()
        self.model = model

    def forward(self, batch: Batch) -> Tensor:
        """A batch → arousal and valence (B, T, 2)."""
        (name,) = self.model.config.modalities
        x = {"text": self.text, "audio": self.audio, "visual": self.visual}[name](batch)
        head = self.model.fused_head.head
        y, _ = head(x, head.initial(len(x)))
        return cast(Tensor, y)

    def text(self, batch: Batch) -> Tensor:
        """The sentence of every frame encoded anew, B · T of them, as the authors' code does."""
        assert batch.sentences is not None and batch.sentences.words is not None
        assert batch.frame_sentence is not None
        rows = batch.frame_sentence.flatten()
        said = (rows >= 0).view(-1, 1)
        words, mask = batch.sentences.words[rows] * said.unsqueeze(-1), batch.sentences.mask[rows] & said
        return self.model.text.encode(words, mask)[0].unflatten(0, batch.frame_sentence.shape)

    def audio(self, batch: Batch) -> Tensor:
        """Twice as many samples, silence in the half of who does not speak; both halves are convolved."""
        assert batch.audio is not None
        other = (batch.speaker == 1).unsqueeze(-1)
        halves = torch.stack([batch.audio * ~other, batch.audio * other], 2)
        return self._sound(halves.flatten(0, 2)).view(*batch.speaker.shape, -1)

    def _sound(self, windows: Tensor) -> Tensor:
        network = cast(AudioNetwork, self.model.audio)
        blocks = zip(network.convs, network.config.kernels, network.config.pools, strict=True)
        x = windows.unsqueeze(1)
        for conv, k, pool in blocks:
            left = (k - 1) // 2
            x = network.dropout(F.max_pool1d(torch.relu(conv(F.pad(x, (left, k - 1 - left)))), pool))
        return x.transpose(1, 2).reshape(len(windows), -1)

    def visual(self, batch: Batch) -> Tensor:
        """Every frame has an image, black where there is no face, channel after channel."""
        assert batch.images is not None and batch.frame_image is not None
        network = cast(VisualNetwork, self.model.visual)
        rows = batch.frame_image.flatten()
        images = batch.images[rows] * (rows >= 0).view(-1, 1, 1, 1)
        x = (images.permute(0, 3, 1, 2).contiguous() / 255 - network.mean) / network.std
        pools = zip(network.pools, network.trunk(x), strict=True)
        y = torch.stack([_pooled(cast(AttentionalPooling, pool), one) for pool, one in pools], 1)
        assert network.between is not None
        return network.between(y, torch.ones_like(y[..., 0], dtype=torch.bool))[0].unflatten(
            0, batch.frame_image.shape
        )


def _pooled(pool: AttentionalPooling, x: Tensor) -> Tensor:
    """Y = XA of every position, then Yᵀh / n, as the equation stands (readings 3.2)."""
    positions = x.flatten(2).transpose(1, 2)
    h = (positions * pool.where).sum(-1, keepdim=True) + pool.offset
    return (pool.what(positions) * h).mean(1)
