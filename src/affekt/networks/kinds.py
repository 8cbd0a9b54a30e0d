"""Which network listens and which one looks: every kind by the name that a config calls it (section 5.5)."""

from __future__ import annotations

from typing import Any

from torch import nn

from affekt.networks.alternatives.backbone import BackboneConfig, BackboneNetwork
from affekt.networks.alternatives.li import LiConfig, LiNetwork
from affekt.networks.alternatives.pretrained_audio import PretrainedAudioConfig, PretrainedAudioNetwork
from affekt.networks.alternatives.spectrogram import SpectrogramConfig, SpectrogramNetwork
from affekt.networks.alternatives.trigeorgis import TrigeorgisConfig, TrigeorgisNetwork
from affekt.networks.audio import AudioConfig, AudioNetwork
from affekt.networks.visual import VisualConfig, VisualNetwork

AUDIO: dict[str, tuple[type, type[nn.Module]]] = {
    "tzirakis": (AudioConfig, AudioNetwork),
    "trigeorgis": (TrigeorgisConfig, TrigeorgisNetwork),
    "li": (LiConfig, LiNetwork),
    "spectrogram": (SpectrogramConfig, SpectrogramNetwork),
    "pretrained": (PretrainedAudioConfig, PretrainedAudioNetwork),
}
"""Kind → its config and its network. A network of one of these takes windows (N, window) and speaker (N,) →
(N, D_a), each frame alone; where its config says `context`, windows (B, T, window) and speaker (B, T) →
(B, T, D_a), consecutive frames.

Such a config also says `past` and `future`. Both 0: the network hears clips of `clip` frames, cut from the
first frame given, and nothing beyond a clip (`alternatives.sound`). Else frame k depends on frames k − past …
k + future alone, what lies outside the frames given being taken as absent. Whoever cuts a recording gives
each piece the `past` frames before it and the `future` frames after it, and drops what comes of them: no cut
shows. Where a recording ends, and where nobody knows yet what follows, there is nothing to give: a network
with a future is trained to do without."""

VISUAL: dict[str, tuple[type, type[nn.Module]]] = {
    "hrnet": (VisualConfig, VisualNetwork),
    "timm": (BackboneConfig, BackboneNetwork),
}
"""Kind → its config and its network: images (F, 3, S, S) in [0, 1] → x^v (F, D_v), a map (F, h, w)."""


def config_of(kinds: dict[str, tuple[type, type[nn.Module]]], values: dict[str, Any]) -> Any:
    """The config of the kind that `values` name, the first one if they name none.

    Raises:
        ValueError: there is no such kind, or it has no such option.
    """
    kind = values.get("kind", next(iter(kinds)))
    if kind not in kinds:
        raise ValueError(f"no network is called {kind!r}: choose one of {', '.join(kinds)}")
    return made(kinds[kind][0], values)


def made(config: type, values: dict[str, Any]) -> Any:
    """A config from plain values, lists becoming tuples.

    Raises:
        ValueError: it has no such option.
    """
    known = getattr(config, "__dataclass_fields__", {})
    if unknown := sorted(set(values) - set(known)):
        raise ValueError(f"there is no option {', '.join(unknown)}: the options are {', '.join(known)}")
    return config(**{k: tuple(v) if isinstance(v, list) else v for k, v in values.items()})


def network_of(kinds: dict[str, tuple[type, type[nn.Module]]], config: Any) -> nn.Module:
    """The network of a config."""
    return kinds[config.kind][1](config)
