"""Where the weights of an audio network start from: a hub, a folder, or chance.

A model of a hub or in a folder is described in the config first (`described`), so that the network is built,
trained, saved and later made again from the config alone; then its weights are read (`load_audio_weights`).
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from torch import nn

from affekt.errors import ModelError
from affekt.networks.alternatives.pretrained_audio import (
    ARCHITECTURE,
    CLASSES,
    PretrainedAudioConfig,
    PretrainedAudioNetwork,
)

NONE = "none"
"""The source of weights drawn at random."""
UNREADABLE = (OSError, ValueError, RuntimeError, SafetensorError)


def described(config: Any) -> Any:
    """The config of an audio network with what its `name` says of its architecture.

    Configs of other kinds, without a name, or with an architecture already, stay as they are.

    Raises:
        ModelError: nothing can be read there, or it is no model of a kind that is known.
    """
    if not isinstance(config, PretrainedAudioConfig) or not config.name or config.architecture:
        return config
    from transformers import AutoConfig

    try:
        values = AutoConfig.from_pretrained(config.name, trust_remote_code=False).to_dict()
    except UNREADABLE as error:
        raise unreadable(config.name, error) from error
    model = values["model_type"]
    if model not in CLASSES:
        raise ModelError(f"{config.name}: is a {model} model; audio takes {', '.join(CLASSES)}")
    architecture = {name: values[name] for name in ARCHITECTURE if name in values}
    return replace(
        config, model=model, architecture=plain(architecture), normalise=expects_normalised(config)
    )


def expects_normalised(config: PretrainedAudioConfig) -> bool:
    """What the model's `preprocessor_config.json` says of its input; the config's own where there is none.

    Raises:
        ModelError: there is one and it cannot be read.
    """
    from transformers.utils.hub import cached_file

    file = "preprocessor_config.json"
    try:
        path = cached_file(config.name, file, _raise_exceptions_for_missing_entries=False)
        if path is None:
            return config.normalise
        values = json.loads(Path(path).read_text(encoding="utf-8"))
    except UNREADABLE as error:
        raise unreadable(config.name, error) from error
    return bool(values.get("do_normalize", config.normalise))


def load_audio_weights(network: nn.Module, config: Any, source: str) -> str:
    """Start an audio network from weights that are there already.

    Args:
        config: the network's.
        source: a hub's name or a folder, as `transformers` finds it; "none" leaves the random weights.

    Returns:
        A sentence for the log: what was loaded, from where.

    Raises:
        ModelError: nothing can be read there, it does not fit the network, or this kind has no such weights.
    """
    if source == NONE:
        return f"audio: {config.kind} starts from random weights"
    if not isinstance(network, PretrainedAudioNetwork):
        raise ModelError(f"{source}: no weights of a {config.kind} network are to be had; say {NONE}")
    import transformers
    from transformers.utils import logging

    logging.disable_progress_bar()
    # It would warn of what is left out on purpose: heads, and the mask of its own training.
    logging.set_verbosity_error()
    model_class = getattr(transformers, CLASSES[config.model][1])
    try:
        loaded, report = model_class.from_pretrained(
            source, config=network.encoder.config, attn_implementation="eager", output_loading_info=True
        )
    except UNREADABLE as error:
        raise unreadable(source, error) from error
    if missing := sorted(report["missing_keys"]):
        raise ModelError(f"{source}: lacks {len(missing)} weights of a {config.model} model, as {missing[0]}")
    network.encoder.load_state_dict(loaded.state_dict())
    count = sum(p.numel() for p in network.encoder.parameters())
    state = "frozen" if config.freeze else "trained on"
    return f"audio: {config.model} of {count:,} weights from {place(source)}, {state}"


def place(source: str) -> str:
    """How a source is called in a sentence."""
    return f"the folder {source}" if Path(source).is_dir() else f"the hub's {source}"


def plain(value: Any) -> Any:
    """Tuples as lists, as they come back from a config file."""
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    return [plain(v) for v in value] if isinstance(value, list | tuple) else value


def unreadable(source: str, error: Exception) -> ModelError:
    """The error for a name or folder that gives no model."""
    reason = " ".join(str(error).split())[:160]
    return ModelError(f"{source}: no audio model could be read; name a folder, or reach the hub ({reason})")
