"""What one would try today (beyond the paper): wav2vec 2.0, HuBERT or WavLM, as `transformers` builds them.

A clip is brought to 16 kHz, the encoder gives 50 vectors a second, and the five vectors of a frame are
averaged. The network is built from its config alone, without a hub or a file; `training.audio_weights` reads
a model's architecture into the config, and its weights into the network.

Baevski et al. 2020 (wav2vec 2.0), Hsu et al. 2021 (HuBERT), Chen et al. 2022 (WavLM).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod
from typing import Any, Self

import torch
import torch.nn.functional as F
from torch import Tensor

from affekt.networks.alternatives.resample import Resample
from affekt.networks.alternatives.sound import ClipConfig, ClipNetwork

RATE = 16_000
"""Hz that all these encoders were trained at."""
HOP = 320
"""Samples of theirs for a vector: five vectors a frame."""
CLASSES = {
    "wav2vec2": ("Wav2Vec2Config", "Wav2Vec2Model"),
    "hubert": ("HubertConfig", "HubertModel"),
    "wavlm": ("WavLMConfig", "WavLMModel"),
}
"""Which of `transformers`' classes make a model of each type."""
ARCHITECTURE = (
    "hidden_size",
    "num_hidden_layers",
    "num_attention_heads",
    "intermediate_size",
    "hidden_act",
    "hidden_dropout",
    "activation_dropout",
    "attention_dropout",
    "feat_proj_dropout",
    "feat_proj_layer_norm",
    "layer_norm_eps",
    "feat_extract_norm",
    "feat_extract_activation",
    "conv_dim",
    "conv_stride",
    "conv_kernel",
    "conv_bias",
    "conv_pos_batch_norm",
    "num_conv_pos_embeddings",
    "num_conv_pos_embedding_groups",
    "do_stable_layer_norm",
    "num_buckets",
    "max_bucket_distance",
)
"""Options of `transformers`' configs that say how a model is built; what is not given is the base model's."""
WHOLE = {"apply_spec_augment": False, "mask_time_prob": 0.0, "mask_feature_prob": 0.0, "layerdrop": 0.0}
"""Nothing is masked or left out while training: masks are drawn by NumPy, whose state no checkpoint brings
back, and layers that are left out have no gradient that several processes could add up."""


@dataclass(frozen=True)
class PretrainedAudioConfig(ClipConfig):
    """A pre-trained encoder, the base model of its type unless `architecture` says more."""

    kind: str = "pretrained"
    name: str = ""
    """Where its weights and architecture are from: a hub's name or a folder; empty: nowhere."""
    model: str = "wav2vec2"
    """`wav2vec2`, `hubert` or `wavlm`."""
    architecture: dict[str, Any] = field(default_factory=dict)
    """Options in `ARCHITECTURE`, so that a bundle's network can be built where no hub is."""
    normalise: bool = True
    """Bring each clip's sound to mean 0 and variance 1 (do_normalize of its preprocessor_config.json)."""
    freeze: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.model not in CLASSES:
            raise ValueError(f"audio.model is one of {', '.join(CLASSES)}, not {self.model!r}")
        if unknown := sorted(set(self.architecture) - set(ARCHITECTURE)):
            raise ValueError(f"audio.architecture has no option {', '.join(unknown)}")

    @property
    def frame_size(self) -> int:
        """Features of one half: the encoder's width (768 in base models)."""
        return int(self.architecture.get("hidden_size", 768))


class PretrainedAudioNetwork(ClipNetwork):
    """The encoder's vectors, averaged over each frame, in the half of who speaks."""

    config: PretrainedAudioConfig

    def __init__(self, config: PretrainedAudioConfig | None = None) -> None:
        c = config or PretrainedAudioConfig()
        super().__init__(c)
        self.resample = Resample(c.rate, RATE, c.margin)
        self.encoder = encoder_of(c)
        # A vector's field is wider than its step: half of the rest lies to either side.
        beyond = field_of(self.encoder.config.conv_kernel, self.encoder.config.conv_stride) - HOP
        self.around = (beyond // 2, beyond - beyond // 2)
        if c.freeze:
            self.encoder.requires_grad_(False)
            self.encoder.eval()

    def train(self, mode: bool = True) -> Self:
        """As `nn.Module.train`; what is frozen keeps its dropout off."""
        super().train(mode)
        if self.config.freeze:
            self.encoder.eval()
        return self

    def clip_features(self, wave: Tensor) -> Tensor:
        """wave (N, margin + clip · hop + margin) → (N, clip, frame_size)."""
        heard = normalised(wave) if self.config.normalise else wave
        samples = F.pad(self.resample(heard), self.around)
        vectors = self.encoder(samples).last_hidden_state
        return torch.as_tensor(vectors.unflatten(1, (self.config.clip, -1)).mean(2))


def normalised(wave: Tensor) -> Tensor:
    """wave (N, S) with mean 0 and variance 1 over what is not digital silence, which stays 0."""
    sound = (wave != 0).to(wave.dtype)
    count = sound.sum(1, keepdim=True).clamp(min=1)
    centred = (wave - wave.sum(1, keepdim=True) / count) * sound
    variance = (centred * centred).sum(1, keepdim=True) / count
    return centred / torch.sqrt(variance + 1e-7)


def encoder_of(config: PretrainedAudioConfig) -> Any:
    """`transformers`' model of a config, its weights drawn at random.

    Raises:
        ValueError: it does not give five vectors a frame, or cannot be built.
    """
    import transformers

    config_class, model_class = (getattr(transformers, name) for name in CLASSES[config.model])
    values = config_class(**config.architecture, **WHOLE)
    if prod(values.conv_stride) != HOP:
        raise ValueError(
            f"audio: an encoder of strides {tuple(values.conv_stride)} gives no vector each {HOP} samples"
        )
    # Eager attention is the kind that the exporter traces faithfully.
    values._attn_implementation = "eager"
    return model_class(values)


def field_of(kernels: list[int], strides: list[int]) -> int:
    """Samples that one vector of a stack of convolutions sees: 400 in these encoders."""
    return 1 + sum((kernel - 1) * prod(strides[:i]) for i, kernel in enumerate(kernels))
