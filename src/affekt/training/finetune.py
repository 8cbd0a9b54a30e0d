"""A bundle adapted to somebody's own recordings: the second stage of section 5.3, begun with its weights.

Tens of recordings teach fusion and head, and seldom more; so the other networks are frozen unless asked for,
and their features are computed once. The text network is frozen always: its features come from the bundle's
own graph, so its encoder need not be there in PyTorch.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from safetensors.torch import load_file

from affekt.corpora.prepared.dataset import Prepared, PreparedClip, open_prepared
from affekt.corpora.prepared.lock import only_run
from affekt.errors import ConfigError, CorpusError, ModelError
from affekt.networks import MultimodalConfig
from affekt.runtime.bundle import WEIGHTS, Bundle, open_bundle, sha256
from affekt.runtime.engine import Engine
from affekt.timeline.files import finite
from affekt.training.adapted import adapted_card, write_adapted
from affekt.training.batches import Known, Looks, Windows
from affekt.training.config import FUSION, Config, Fitting, config_of
from affekt.training.devel import Score, score
from affekt.training.division import Division, divided, understood, unlabelled
from affekt.training.folder import ABOUT, BUNDLE, begin, write_json
from affekt.training.learner import Learner
from affekt.training.precision import half_networks
from affekt.training.run import Setting, kept_features, make_fabric, note
from affekt.training.stage import RESULT, Stage, finished

BESIDE = ("encoder.", "int8.")
"""What a bundle's weights file holds beside the networks': the words' encoder, tables of graphs in int8."""


def finetune(
    model: str,
    data: Path,
    run: Path,
    fitting: Fitting,
    *,
    seed: int = 0,
    threads: int | None = None,
    command: Sequence[str] = (),
) -> dict[str, Any]:
    """Adapt a bundle, or go on where that was stopped; returns the run's result.

    Besides what a run of `affekt train` has, the result says under `before` what the source reaches on the
    same devel, and under `devel` how that was chosen.

    Args:
        model: an installed bundle, a bundle's folder, or a run's.
        data: a folder that was prepared with the bundle's `ClipSpec`.
        run: folder of the run; it is made, or holds the same one.
        fitting: how it is trained; its `freeze` are networks that do not learn beside the text network.

    Raises:
        ConfigError: the folder holds another run.
        CorpusError: the clips are not such as the bundle takes, or too few have labels.
        ModelError: the bundle cannot be trained on.
    """
    bundle, prepared = open_bundle(model), open_prepared(data)
    _check_clips(prepared, bundle)
    division = divided(prepared)
    stage = FUSION if len(bundle.modalities) > 1 else bundle.modalities[0]
    frozen = tuple(one for one in bundle.modalities if one == "text" or one in fitting.freeze)
    config = _config(bundle, data, stage, replace(fitting, freeze=frozen), seed, threads)
    if threads:
        torch.set_num_threads(threads)
    fabric = make_fabric(config, run)
    with only_run(run):
        begin(config, run, prepared.dataset.corpus, fabric, command)
        setting = Setting(config, run, fabric, prepared, understood(division.parts, bundle, prepared), None)
        _note_source(setting, stage, bundle)
        if (done := finished(run)) is not None:
            return done
        with _deterministic(fabric):
            learner, before, result = _fit(setting, stage, bundle)
        return _finish(setting, bundle, learner, division, {stage: result}, before)


def _fit(setting: Setting, name: str, bundle: Bundle) -> tuple[Learner, Score, dict[str, Any]]:
    """Train the bundle's networks; returns them, what they reached before, and the stage's result."""
    fitting, config, fabric = setting.config.fitting(name), setting.config, setting.fabric
    bf16 = half_networks(config.machine.precision, fabric.device)
    # What is frozen is to say what it will say in use, which is in whole precision.
    learner = learner_of(bundle, fitting.freeze, tuple(one for one in bf16 if one not in fitting.freeze))
    learner.to(fabric.device)
    looks = _looks(setting, learner, bundle)
    devel = Windows(setting.parts.devel, fitting.frames, looks)
    before = score(learner, devel, fabric)
    stage = Stage(
        name,
        setting.run / name,
        fabric,
        learner,
        Windows(setting.parts.train, fitting.frames, looks),
        devel,
        fitting,
        seed=config.seed,
        checkpoint_seconds=config.machine.checkpoint_seconds,
    )
    return learner, before, stage.fit()


def learner_of(bundle: Bundle, frozen: tuple[str, ...] = (), bf16: tuple[str, ...] = ()) -> Learner:
    """The networks of a bundle with its weights, without the encoder of words.

    Raises:
        ModelError: the weights do not fit the sizes, or a backbone's library is not installed.
    """
    try:
        sizes = MultimodalConfig.from_dict({**bundle.sizes, "modalities": list(bundle.modalities)})
        learner = Learner(sizes, None, frozen, bf16)
        weights = load_file(bundle.folder / WEIGHTS)
        own = {name: value for name, value in weights.items() if not name.startswith(BESIDE)}
        missing, unexpected = learner.model.load_state_dict(own, strict=False)
    except (ImportError, ValueError, TypeError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise ModelError(f"{bundle.folder}: cannot be trained on ({reason})") from error
    lost = [one for one in missing if not one.endswith("num_batches_tracked")]
    if lost or unexpected:
        raise ModelError(f"{bundle.folder}: its weights do not fit its sizes ({[*lost, *unexpected][0]})")
    return learner


# Clips


def _check_clips(prepared: Prepared, bundle: Bundle) -> None:
    """Raises CorpusError if the clips are not such as the bundle takes."""
    here, there = prepared.dataset.spec.to_dict(), bundle.spec.to_dict()
    # Which languages a text network knows changes nothing in a clip.
    for key in here.keys() - {"languages"}:
        if here[key] != there[key]:
            raise CorpusError(
                f"{prepared.folder}: was prepared with {key} {here[key]}, the model takes {there[key]}; "
                f"prepare it for this model (affekt prepare --model {bundle.name}), or name the corpus itself"
            )


# Features


class Spoken:
    """x^t of a recording's frames, as the bundle's own text graph has them."""

    def __init__(self, bundle: Bundle, clips: Sequence[PreparedClip], threads: int | None = None) -> None:
        """Encode every distinct sentence of the recordings once."""
        engine = Engine(bundle, threads)
        texts = sorted({one.text for clip in clips for one in clip.sentences})
        vectors, _ = engine.encode(texts)
        self._rows = dict(zip(texts, vectors, strict=True))
        self._width = engine.widths[0]

    def __call__(self, clip: PreparedClip, first: int, count: int) -> np.ndarray:
        """(count, D_t) float32, 0 where nothing is said; fewer at the end."""
        spoken = clip.window(first, count)[0].frame_sentence
        x = np.zeros((len(spoken), self._width), np.float32)
        for row in np.unique(spoken[spoken >= 0]):
            x[spoken == row] = self._rows[clip.sentences[row].text]
        return x


def _looks(setting: Setting, learner: Learner, bundle: Bundle) -> Looks:
    """What is read of the clips: features of what is frozen, sound and faces for what learns."""
    features: dict[str, Known] = {}
    for one in learner.frozen:
        if one == "text":
            features[one] = Spoken(bundle, setting.parts.all, setting.config.machine.threads)
        else:
            features[one] = kept_features(setting, learner, one)
    learned = [one for one in bundle.modalities if one not in features]
    return Looks(None, "audio" in learned, "visual" in learned, features or None)


# The folder


def _config(
    bundle: Bundle, data: Path, stage: str, fitting: Fitting, seed: int, threads: int | None
) -> Config:
    """The run as a config: what `affekt runs` shows, and by which another run in the folder is told."""
    sizes = {name: dict(bundle.sizes.get(name, {})) for name in ("text", "audio", "visual", "fusion", "head")}
    sizes["text"]["encoder"] = f"that of {bundle.name}"
    return config_of(
        {
            "data": {"folder": str(data)},
            "modalities": list(bundle.modalities),
            **sizes,
            "stages": {stage: asdict(fitting)},
            "machine": {"threads": threads},
            "seed": seed,
        }
    )


def _note_source(setting: Setting, stage: str, bundle: Bundle) -> None:
    """Keep in about.json what is adapted and to which recordings; see that a folder holds just this.

    Raises:
        ConfigError: it holds another one.
    """
    clips = "".join(clip.entry.checksum for clip in setting.parts.all)
    said = (
        f"{bundle.name} {bundle.version} (weights {sha256(bundle.folder / WEIGHTS)[:12]}), to "
        f"{len(setting.parts.all)} recordings ({hashlib.sha256(clips.encode()).hexdigest()[:12]})"
    )
    there = json.loads((setting.run / ABOUT).read_text(encoding="utf-8"))["weights"].get(stage, said)
    if there != said:
        raise ConfigError(f"{setting.run}: adapts another model, or to other recordings; give another --run")
    note(setting, stage, said)


def _finish(
    setting: Setting,
    bundle: Bundle,
    learner: Learner,
    division: Division,
    stages: dict[str, dict[str, Any]],
    before: Score,
) -> dict[str, Any]:
    """Write the adapted bundle and the run's result."""
    (stage, best), name = next(iter(stages.items())), setting.run.resolve().name
    learned = [one for one in bundle.modalities if one not in learner.frozen]
    learned += ["fusion", "head"] if stage == FUSION else ["head"]
    parts, after = division.parts, Score.of(best)
    counts = len(parts.train), len(parts.devel)
    scores = {bundle.name: before, name: after}
    card = adapted_card(bundle, name, setting.prepared.dataset.corpus, counts, learned, division.said, scores)
    write_adapted(bundle, setting.run / BUNDLE, name, learner.model, card)
    result = {
        "stages": stages,
        "final": stage,
        **{key: finite(getattr(after, key)) for key in ("arousal", "valence", "mean")},
        "before": {key: finite(getattr(before, key)) for key in ("arousal", "valence", "mean")},
        "model": bundle.name,
        "learned": learned,
        "recordings": {"train": counts[0], "devel": counts[1]},
        "devel": division.said,
        "unlabelled": unlabelled(parts.train),
    }
    write_json(result, setting.run / RESULT)
    return result


@contextmanager
def _deterministic(fabric: Fabric) -> Iterator[None]:
    """As `run.train`: exact on a CPU."""
    before = torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(fabric.device.type == "cpu", warn_only=True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before)
