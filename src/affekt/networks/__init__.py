"""The paper's networks: tensors in, tensors out. PyTorch only; they know no file, no clip, no other room."""

from affekt.networks.audio import AudioConfig, AudioNetwork
from affekt.networks.encoder import (
    QuantisedEmbedding,
    QuantisedLinear,
    TransformerEncoder,
    WordTable,
    quantise_linears,
)
from affekt.networks.fusion import FUSIONS, Fused, FusionConfig, build_fusion
from affekt.networks.head import Head, HeadConfig
from affekt.networks.multimodal import FusedHead, Judged, Multimodal, MultimodalConfig
from affekt.networks.text import TextConfig, TextNetwork
from affekt.networks.visual import VisualConfig, VisualNetwork, load_imagenet_trunk

__all__ = [
    "FUSIONS",
    "AudioConfig",
    "AudioNetwork",
    "Fused",
    "FusedHead",
    "FusionConfig",
    "Head",
    "HeadConfig",
    "Judged",
    "Multimodal",
    "MultimodalConfig",
    "QuantisedEmbedding",
    "QuantisedLinear",
    "TextConfig",
    "TextNetwork",
    "TransformerEncoder",
    "VisualConfig",
    "VisualNetwork",
    "WordTable",
    "build_fusion",
    "load_imagenet_trunk",
    "quantise_linears",
]
