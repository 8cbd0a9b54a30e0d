"""A bundle with other weights: the same graphs, the same layout of the weights file, other numbers in it.

The graphs point into the weights file by offset. Who keeps each weight's name, type and shape can therefore
put new values in its place and copy all else byte for byte: nothing is exported anew, and what was not
trained is what it was.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import torch

from affekt.errors import ModelError
from affekt.networks import Multimodal
from affekt.runtime.bundle import CARD, CONFIG, WEIGHTS, Bundle, sha256
from affekt.training.devel import Score, figure
from affekt.training.export import offsets, stored


def write_adapted(source: Bundle, folder: Path, name: str, model: Multimodal, card: str) -> None:
    """Write a bundle like `source` with the weights of `model`, which has the same sizes.

    The text encoder's weights, which `model` does not have, stay; `config.json` comes last, so a folder
    without it is not a bundle.

    Raises:
        ModelError: a weight of `model` is no number, too large for half precision, or of another shape.
    """
    weights = bytearray((source.folder / WEIGHTS).read_bytes())
    state, sees_anew = model.state_dict(), False
    for key, (offset, length) in offsets(source.folder / WEIGHTS).items():
        if key in state:
            value = stored(state[key].cpu())
            if value.is_floating_point() and not torch.isfinite(value).all():
                raise ModelError(f"{folder}: {key} does not fit into half precision; try a lower --lr")
            content = value.numpy().tobytes()
            if len(content) != length:
                raise ModelError(f"{source.folder}: {key} is of another size than its config says")
            sees_anew |= key.startswith("visual.") and content != weights[offset : offset + length]
            weights[offset : offset + length] = content
    folder.mkdir(parents=True, exist_ok=True)
    (folder / CONFIG).unlink(missing_ok=True)
    config = json.loads((source.folder / CONFIG).read_text(encoding="utf-8"))
    if sees_anew and "visual" in config.get("int8", []):
        # Its table in int8 is of the old weights. The text encoder's is the only one there is.
        config["int8"].remove("visual")
        del config["files"]["graph-visual-int8.onnx"]
    for file in config["files"]:
        (folder / file).write_bytes(weights if file == WEIGHTS else (source.folder / file).read_bytes())
    (folder / CARD).write_text(card, encoding="utf-8")
    # How far off its source is says nothing of this one.
    config.pop("band", None)
    config |= {
        "name": name,
        "version": "1",
        "files": {file: sha256(folder / file) for file in config["files"]},
    }
    (folder / CONFIG).write_text(json.dumps(config, indent=1) + "\n", encoding="utf-8")


def adapted_card(
    source: Bundle,
    name: str,
    corpus: str,
    counts: tuple[int, int],
    learned: Sequence[str],
    said: str,
    scores: dict[str, Score],
) -> str:
    """The card of an adapted bundle; that of its source follows in full, for licence and limits.

    Args:
        corpus: what it was adapted to, for people.
        counts: recordings that were learned from, and those of devel.
        learned: what was trained.
        said: how devel was chosen.
        scores: devel CCC of the source and of this one, by what they are called.
    """
    rows = [
        f"| {who} | {figure(one.arousal)} | {figure(one.valence)} | {figure(one.mean)} |"
        for who, one in scores.items()
    ]
    quoted = [f"> {line}".rstrip() for line in source.card.splitlines()]
    lines = [
        f"# {name}",
        "",
        f"{source.name} {source.version}, adapted by `affekt finetune` to {corpus}: {counts[0]} recordings "
        f"were learned from, {counts[1]} decided when to stop.",
        f"Devel: {said}.",
        f"Trained: {', '.join(learned)}; all else is as it was.",
        "",
        "CCC over the concatenated frames of devel, which also chose the epoch, to the last row's advantage.",
        "",
        "| | arousal | valence | mean |",
        "|---|---|---|---|",
        *rows,
        "",
        "It knows people like those it was adapted to; of others it was not measured again.",
        "",
        "## Licence and limits",
        f"Those of {source.name} hold for this model as well, since most of it is that one's; the",
        f"recordings' licence, and what their people were promised, come on top. The card of {source.name}:",
        "",
        *quoted,
        "",
    ]
    return "\n".join(lines)
