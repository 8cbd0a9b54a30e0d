"""A finished run → a bundle with its card: what `affekt predict --model RUN` runs without PyTorch."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError
from safetensors.torch import load_file

from affekt.errors import ModelError, OutputError
from affekt.training.devel import figure
from affekt.training.export import write_bundle
from affekt.training.folder import ABOUT, BUNDLE
from affekt.training.parts import Parts, in_both
from affekt.training.stage import BEST

if TYPE_CHECKING:
    from affekt.training.run import Setting


def bundle_of(setting: Setting, result: dict[str, Any]) -> None:
    """Write the bundle of a run's last stage.

    Args:
        result: of the run.

    Raises:
        ModelError: a weight is too large for half precision, or a network cannot be exported.
        OutputError: the folder cannot be written to.
    """
    final = result["final"]
    learner = setting.learner(final)
    learner.load_state_dict(load_file(setting.run / final / BEST))
    learner.eval()
    reader = setting.reader
    encoder = None
    if reader is not None and "text" in learner.model.config.modalities:
        encoder = learner.encoder or reader.encoder.module
        encoder.eval()
    folder = setting.run / BUNDLE
    try:
        write_bundle(
            folder,
            setting.run.resolve().name,
            encoder,
            learner.model,
            setting.prepared.dataset.spec,
            reader.encoder.tokenizer if reader else b"",
            reader.encoder.kind if reader else "wordpieces",
            card(setting, result),
            text_delay=setting.config.data.delays(setting.prepared.dataset.delays).text,
        )
    except (ValueError, SafetensorError, OSError) as error:
        kind = ModelError if isinstance(error, ValueError) else OutputError
        raise kind(f"{folder}: cannot be written ({' '.join(str(error).split())[:160]})") from error


def card(setting: Setting, result: dict[str, Any]) -> str:
    """The model card: what the model was trained on, what it started from, how well it does on devel."""
    about = json.loads((setting.run / ABOUT).read_text(encoding="utf-8"))
    parts, model = setting.parts, setting.model
    rows = [
        f"| {name} | {figure(one['arousal'])} | {figure(one['valence'])} | "
        f"{one['epoch']} of {one['epochs']} | {one['parameters']:,} |"
        for name, one in result["stages"].items()
    ]
    started = [f"- {name}: {said}" for name, said in about["weights"].items()]
    delays = setting.config.data.delays(setting.prepared.dataset.delays)
    late = ", ".join(f"{name} {seconds:g} s" for name, seconds in delays.annotation.items() if seconds)
    lines = [
        f"# {setting.run.resolve().name}",
        "",
        f"Trained by `affekt train` {about['affekt']} on {about['corpus']}: {len(parts.train)} recordings; "
        f"{len(parts.devel)} others decided when to stop. {who_is_in_both(parts)}",
        "",
        f"Modalities: {', '.join(model.modalities)}."
        + (f" Fusion: {model.fusion.kind}." if len(model.modalities) > 1 else ""),
        f"Gold was moved earlier by {late}; what the model says is that much earlier than annotators would."
        if late
        else "Gold was not moved in time: what the model says comes as late as the annotators did.",
        "",
        "CCC over the concatenated frames of devel, which also chose the epoch, so it flatters a little:",
        "",
        "| stage | arousal | valence | epoch | parameters |",
        "|---|---|---|---|---|",
        *rows,
        "",
        *(["Started from:", "", *started, ""] if started else []),
        "The licence of these weights is for whoever trained them to say; the corpus' licence may bind it.",
        "It estimates how people like those of the corpus appear. It is not for judging anybody; in the EU,",
        "inferring emotions at work and in education is forbidden (AI Act, Article 5).",
        "",
    ]
    return "\n".join(lines)


def who_is_in_both(parts: Parts) -> str:
    """A sentence on who is in train and in devel."""
    if not (shared := in_both(parts)):
        return "Nobody is in both, as far as the corpus says who is who."
    names = ", ".join(shared[:5]) + (" …" if len(shared) > 5 else "")
    return f"The corpus has {len(shared)} speakers or dyads in both ({names}), so devel flatters the model."
