"""Which runs a table needs: a cell is one model trained with one seed, in a folder of its own.

The first stages are cells too, so every fusion of a seed starts from the same unimodal networks, and Tables 3
to 7 share what they train.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from affekt.errors import ConfigError
from affekt.networks.fusion import FUSIONS
from affekt.networks.kinds import AUDIO, VISUAL
from affekt.networks.multimodal import NAMES
from affekt.networks.pooling import POOLS
from affekt.training.config import FUSION, Config
from affekt.training.experiments.paper import TABLES

CELLS = "cells"
"""Folder of all cells, within that of the tables."""
ENCODERS = {
    "bert": "google-bert/bert-base-uncased",
    "albert": "albert/albert-base-v2",
    "roberta": "FacebookAI/roberta-base",
    "xlnet": "xlnet/xlnet-base-cased",
}
"""Table 2's text networks → the 768-wide model on the hub that is taken where no other is named. All know
English; the paper does not say how XLNet read German (readings 1.1)."""
TABULATED = {"fasttext": "FILE.vec", "ulmfit": "FOLDER"}
"""Those that no hub has in a form that we read → what is to be named instead."""
SHARED_OPTIONS = {"visual": ("size", "grey"), "audio": ("interlocutor", "dropout")}
"""Options of the base config that every kind of network of a modality takes over."""
RANDOM = "none"


@dataclass(frozen=True)
class Model:
    """What one row of a table trains, with whichever seed."""

    name: str
    """Of its cells, which are called NAME-sSEED."""
    config: Config | None
    """None: it cannot be trained, and `reason` says why."""
    reason: str = ""
    note: str = ""
    """What a reader of the table has to know of it."""

    def cell(self, seed: int) -> str:
        """Folder of its run with a seed."""
        return f"{self.name}-s{seed}"

    def seeded(self, seed: int, cells: Path) -> Config:
        """Its config with a seed; a fusion takes the first stages of the same seed."""
        assert self.config is not None
        several = len(self.config.modalities) > 1
        first = f"{cells}/{{stage}}-s{seed}" if several else None
        return replace(self.config, seed=seed, unimodal=first)


@dataclass(frozen=True)
class Wanted:
    """How the rows of Table 2 get their weights, and which rows are wanted."""

    weights: Mapping[str, str]
    """Row → file, folder or name on a hub: bert, visual.resnet-50 …"""
    from_scratch: bool = False
    """Visual networks start from random weights where no file is named."""
    only: tuple[str, ...] = ()
    """Rows or modalities; (): all."""

    def __post_init__(self) -> None:
        rows = [row.key for row in TABLES["2"].rows]
        named = {key: key if "." in key else f"text.{key}" for key in self.weights}
        for key, row in named.items():
            if row not in rows or row.startswith("audio."):
                known = ", ".join(one for one in rows if not one.startswith("audio."))
                raise ConfigError(f"--weights {key}: there is no such row; there are {known}")
            if row.startswith("text.") and self.weights[key] in (RANDOM, "random"):
                raise ConfigError(
                    f"--weights {key}: a text encoder without its pre-training is another experiment than "
                    "the paper's; name its folder or leave the row out with --only"
                )
        object.__setattr__(self, "weights", {row: self.weights[key] for key, row in named.items()})
        for one in self.only:
            if one not in rows and one not in NAMES:
                raise ConfigError(
                    f"--only {one}: there is no such row; there are {', '.join((*NAMES, *rows))}"
                )

    def has(self, key: str) -> bool:
        """Whether a row is wanted."""
        return not self.only or key in self.only or key.partition(".")[0] in self.only


def models_of(table: str, base: Config, wanted: Wanted) -> dict[str, Model]:
    """Row of one of `paper.TABLES` → what it trains; other teams' rows have none.

    Raises:
        ConfigError: the base config names first stages of its own, or too few modalities.
    """
    if base.unimodal:
        raise ConfigError("unimodal: the first stages are trained or taken from the cells; leave it out")
    keys = [row.key for row in TABLES[table].rows if row.key]
    if table == "2":
        return {key: network(base, key, wanted) for key in keys}
    if table == "pooling":
        return {key: pooling(base, key) for key in keys}
    if table in ("6", "7") and len(base.modalities) < 2:
        raise ConfigError("modalities: a fusion needs two or three")
    if table == "6":
        return {key: fusion(base, key) for key in keys}
    return {key: proposed(base, key) for key in keys}


def proposed(base: Config, key: str) -> Model:
    """The base config's own model, of one modality or of all."""
    return fusion(base, str(base.fusion.get("kind", "cross_modal"))) if key == FUSION else alone(base, key)


def alone(base: Config, modality: str, options: dict[str, Any] | None = None, name: str = "") -> Model:
    """One modality's network with its own head.

    Args:
        options: of the network, instead of the base config's; where they are the same, so is the cell.
        name: of the alternative.

    The config says nothing of what this run does not have, so a changed fusion does not ask for new cells.
    """
    own = getattr(base, modality)
    changed = options is not None and options != own
    usual = Config().stages
    stages = {**usual, **({modality: base.stages[modality]} if modality in base.stages else {})}
    parts: dict[str, Any] = {one: {} for one in (*NAMES, FUSION)}
    parts[modality] = own if options is None else options
    config = replace(base, modalities=(modality,), stages=stages, **parts)
    return Model(f"{modality}-{name}" if changed else modality, config)


def fusion(base: Config, kind: str, *, shuffled: bool = False) -> Model:
    """A fusion of the base config's modalities; `shuffled`: with sound and faces of other recordings."""
    if kind not in FUSIONS:
        raise ConfigError(f"fusion.kind: there is no {kind}; there are {', '.join(FUSIONS)}")
    data = replace(base.data, shuffled=shuffled)
    config = replace(base, data=data, fusion={**base.fusion, "kind": kind})
    return Model(f"fusion-{kind}{'-shuffled' if shuffled else ''}", config)


def pooling(base: Config, pool: str) -> Model:
    """The base config's visual network with another pooling (section 4.1.3)."""
    assert pool in POOLS
    kind = VISUAL[base.visual.get("kind", "hrnet")][0]
    usual = kind().pool if "pool" not in base.visual else base.visual["pool"]
    options = base.visual if usual == pool else {**base.visual, "pool": pool}
    return alone(base, "visual", options, f"pool-{pool}")


def network(base: Config, key: str, wanted: Wanted) -> Model:
    """A row of Table 2."""
    modality, _, name = key.partition(".")
    if not wanted.has(key):
        return Model(f"{modality}-{name}", None, "not asked for (--only)")
    if modality == "text":
        return _text(base, name, wanted.weights.get(key))
    kinds = {"visual": VISUAL, "audio": AUDIO}[modality]
    kind = name if name in kinds else "timm"
    own: dict[str, Any] = getattr(base, modality)
    same = kind == own.get("kind", next(iter(kinds))) and (kind != "timm" or own.get("name") == name)
    options = dict(own)
    if not same:
        options = {one: own[one] for one in SHARED_OPTIONS[modality] if one in own} | {"kind": kind}
        options |= {"name": name} if kind == "timm" else {}
    if modality == "audio":
        return alone(base, modality, options, name)
    options.pop("weights", None)
    source = wanted.weights.get(key) or (own.get("weights") if same else None)
    source = source or (RANDOM if wanted.from_scratch else "imagenet")
    if source != RANDOM or "weights" in own:
        options["weights"] = source
    model = alone(base, modality, options, name)
    return replace(model, note="starts from random weights") if source == RANDOM else model


def _text(base: Config, name: str, source: str | None) -> Model:
    if name in TABULATED:
        if source is None:
            what = TABULATED[name]
            return Model(f"text-{name}", None, f"no weights: name them with --weights {name}={what}")
        encoder = f"{name}:{source.removeprefix(f'{name}:')}"
    else:
        encoder = source or ENCODERS[name]
    return alone(base, "text", {**base.text, "encoder": encoder}, name)
