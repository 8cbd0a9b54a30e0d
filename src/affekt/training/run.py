"""A training run: the stages of section 5.3 one after the other, in a folder that tells all of it.

config.yaml, about.json         what it was told; versions, seed, git state, machine
STAGE/                          log.csv, last.pt, best.safetensors, devel/*.csv, result.json
tensorboard/                    the same curves for TensorBoard
bundle/                         what `affekt predict --model RUN` runs, without PyTorch
result.json                     devel CCC of every stage; there when the run is finished
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, cast

import torch
from lightning_fabric import Fabric
from lightning_fabric.loggers.tensorboard import TensorBoardLogger
from lightning_fabric.utilities.exceptions import MisconfigurationException
from safetensors.torch import load_file

from affekt.corpora.prepared.dataset import Prepared, PreparedClip, open_prepared
from affekt.corpora.prepared.lock import only_run
from affekt.errors import ConfigError, ModelError
from affekt.runtime.bundle import CONFIG as BUNDLE_CONFIG
from affekt.timeline import ClipSpec
from affekt.timeline.files import atomic
from affekt.training.batches import Looks, Windows
from affekt.training.config import FUSION, Config, Data, read_config
from affekt.training.devel import CHUNK, chunk_of, score
from affekt.training.evening import even_out
from affekt.training.features import FEATURES, KeptFeatures, fingerprint, keep_features
from affekt.training.folder import ABOUT, BUNDLE, CONFIG, begin, write_json
from affekt.training.learner import Learner
from affekt.training.memory import keep_freed
from affekt.training.parts import Parts, parts_of
from affekt.training.precision import fabric_precision, half_networks
from affekt.training.sentences import Reader, reader_of
from affekt.training.stage import BEST, DEVEL, LOG, RESULT, OnEpoch, Stage, finished


@dataclass(frozen=True)
class Setting:
    """What the stages of a run share."""

    config: Config
    run: Path
    fabric: Fabric
    prepared: Prepared
    parts: Parts
    reader: Reader | None
    """How sentences become numbers; None without text."""

    @property
    def model(self) -> Any:
        """Sizes of the whole model."""
        return self.config.model(self.prepared.dataset.spec, self.reader.width if self.reader else 1)

    def learner(self, stage: str) -> Learner:
        """The untrained learner of a stage, made of the seed."""
        torch.manual_seed(self.config.seed)
        sizes = self.model if stage == FUSION else self.model.alone(stage)
        learned = self.reader.learned if self.reader and "text" in sizes.modalities else None
        frozen = tuple(one for one in self.config.fitting(stage).freeze if one in sizes.modalities)
        bf16 = half_networks(self.config.machine.precision, self.fabric.device)
        try:
            return Learner(sizes, learned, frozen, bf16, self.config.fitting(stage).feature_dropout)
        except (
            ImportError,
            ValueError,
            TypeError,
        ) as error:  # a backbone's library, or a size that fits no other
            raise ModelError(f"{stage}: {' '.join(str(error).split())[:200]}") from error


def train(
    config: Config,
    run: Path,
    *,
    command: Sequence[str] = (),
    on_epoch: OnEpoch | None = None,
    export: bool = True,
) -> dict[str, Any]:
    """Train a model, or go on where its training was stopped; returns the run's result.

    Args:
        run: its folder; it is made, or holds a run of the same config.
        command: for about.json.
        on_epoch: called after each epoch of the last stage; what it raises stops the run.
        export: write the bundle.

    Raises:
        ConfigError: the folder holds another run, or the config does not fit the data or the machine.
        CorpusError: nothing is prepared, or another run is at work in the folder.
        ModelError: an encoder's or a network's weights cannot be had.
    """
    if config.machine.threads:
        torch.set_num_threads(config.machine.threads)
    keep_freed()
    fabric = make_fabric(config, run)
    prepared = prepared_of(config.data)
    config = settled(config, prepared.dataset.spec)
    with only_run(run) if fabric.is_global_zero else nullcontext():
        if fabric.is_global_zero:
            begin(config, run, prepared.dataset.corpus, fabric, command)
        fabric.barrier()
        done = finished(run)
        if done is not None and is_whole(config, run, export):
            print(f"{run}: is finished; to train it anew, delete it or give another --run", flush=True)
            return done
        setting = setting_of(config, run, fabric, prepared)
        before = torch.are_deterministic_algorithms_enabled()
        torch.use_deterministic_algorithms(fabric.device.type == "cpu", warn_only=True)
        try:
            results = {name: run_stage(setting, name, on_epoch) for name in config.names}
        finally:
            torch.use_deterministic_algorithms(before)
        return finish(setting, results, export)


def is_whole(config: Config, run: Path, export: bool) -> bool:
    """Whether nothing of a finished run was deleted, so that it would be made anew."""
    stages = all(finished(run / name) is not None for name in config.names)
    return stages and (not export or (run / BUNDLE / BUNDLE_CONFIG).exists())


def prepared_of(data: Data) -> Prepared:
    """The prepared folder, words and gold moved as a run wants them.

    Raises:
        CorpusError: nothing is prepared in it, or it is damaged.
    """
    prepared = open_prepared(Path(data.folder), alignment=data.alignment)
    delays = data.delays(prepared.dataset.delays)
    return open_prepared(prepared.folder, alignment=data.alignment, delays=delays)


def setting_of(config: Config, run: Path, fabric: Fabric, prepared: Prepared) -> Setting:
    """What the stages of a run share; word vectors that are missing are made.

    Raises:
        CorpusError: train or devel has no labels.
        ModelError: there is no such encoder.
    """
    parts = parts_of(config.data, prepared)
    torch.manual_seed(config.seed)
    reader = reader_of(config.text, prepared, parts, fabric) if "text" in config.modalities else None
    return Setting(config, run, fabric, prepared, parts, reader)


def open_run(run: Path) -> Setting:
    """The setting of a run that is finished, in this one process, to judge or export with.

    Raises:
        ConfigError: it is not finished, or its config cannot be read.
        CorpusError, ModelError: as `train`.
    """
    if finished(run) is None:
        raise ConfigError(f"{run}: is no run that is finished; affekt train makes one")
    config = read_config(run / CONFIG)
    alone = replace(config.machine, devices=1, nodes=1, strategy="auto")
    if alone.threads:
        torch.set_num_threads(alone.threads)
    return setting_of(config, run, make_fabric(replace(config, machine=alone), run), prepared_of(config.data))


def settled(config: Config, spec: ClipSpec) -> Config:
    """The config with what a published audio network says of itself, so that the run needs no hub again.

    Raises:
        ModelError: nothing can be read there.
    """
    from affekt.training.audio_weights import described

    if "audio" not in config.modalities or config.audio.get("kind") != "pretrained":
        return config
    sizes = asdict(described(config.model(spec, 1).audio))
    own = {name: value for name, value in config.audio.items() if name == "weights"}
    return replace(config, audio={**own, **sizes})


def make_fabric(config: Config, run: Path) -> Fabric:
    """Lightning Fabric for a run's machine, its processes started.

    Raises:
        ConfigError: this machine has no such devices.
    """
    machine = config.machine
    try:
        several = machine.devices != 1 or machine.nodes != 1
        # A batch without a face leaves a network without a gradient.
        ddp = machine.strategy == "ddp" or (machine.strategy == "auto" and several)
        strategy = "ddp_find_unused_parameters_true" if ddp else machine.strategy
        fabric = Fabric(
            accelerator=machine.accelerator,
            devices=machine.devices,
            num_nodes=machine.nodes,
            strategy=strategy,
            precision=cast(Any, fabric_precision(machine.precision)),
            loggers=TensorBoardLogger(run, "tensorboard", ""),
        )
        fabric.launch()
    except (ValueError, RuntimeError, TypeError, MisconfigurationException) as error:
        raise ConfigError(f"machine: {' '.join(str(error).split())[:200]}") from error
    return fabric


# The stages


def run_stage(setting: Setting, name: str, on_epoch: OnEpoch | None = None) -> dict[str, Any]:
    """Train one stage, unless it is done."""
    config, fabric, folder = setting.config, setting.fabric, setting.run / name
    if (done := finished(folder)) is not None:
        return done
    if config.unimodal and name != FUSION:
        return taken_over(setting, name)
    learner = setting.learner(name)
    start_from(setting, name, learner)
    looks = looks_of(setting, learner)
    fitting, seed = config.fitting(name), config.seed
    shuffled = seed if config.data.shuffled else None
    windows = Windows(setting.parts.train, fitting.frames, looks, shuffled)
    if fitting.even_start:
        even_out(learner, windows, fabric.device)
    stage = Stage(
        name,
        folder,
        fabric,
        learner,
        windows,
        Windows(setting.parts.devel, fitting.frames, looks, shuffled),
        fitting,
        seed=seed,
        loaders=config.machine.loaders,
        checkpoint_seconds=config.machine.checkpoint_seconds,
    )
    return stage.fit(on_epoch if name == config.names[-1] else None)


def start_from(setting: Setting, name: str, learner: Learner) -> None:
    """Weights that a stage starts with: published ones for the first, the first's for the second."""
    from affekt.training.audio_weights import load_audio_weights
    from affekt.training.visual_weights import load_visual_weights

    config = setting.config
    if name == FUSION:
        for modality in config.modalities:
            state = load_file(setting.run / modality / BEST)
            kept = {k: v for k, v in state.items() if not k.startswith("model.fused_head.")}
            own = (f"model.{modality}.", "encoder.") if modality == "text" else f"model.{modality}."
            wanted = {k: v.shape for k, v in learner.state_dict().items() if k.startswith(own)}
            if wanted != {k: v.shape for k, v in kept.items()}:
                raise ConfigError(
                    f"{setting.run / modality}: holds another network; delete it to train it anew"
                )
            learner.load_state_dict(kept, strict=False)
    elif name == "audio":
        source = config.audio.get("weights") or config.audio.get("name") or "none"
        note(setting, name, load_audio_weights(learner.model.audio, setting.model.audio, source))
    elif name == "visual":
        source = config.visual.get("weights", "none")
        note(setting, name, load_visual_weights(learner.model.visual, setting.model.visual, source))
    elif name == "text" and setting.reader:
        note(setting, name, setting.reader.said)


def looks_of(setting: Setting, learner: Learner) -> Looks:
    """What a stage reads of the clips; the features of what is frozen are computed first."""
    modalities = learner.model.config.modalities
    raw = Looks(
        setting.reader.read if setting.reader and "text" in modalities else None,
        "audio" in modalities,
        "visual" in modalities,
    )
    features = {}
    for one in learner.frozen:
        features[one] = kept_features(setting, learner, one)
    return Looks(
        raw.sentences if "text" not in features else None,
        raw.audio and "audio" not in features,
        raw.images and "visual" not in features,
        features or None,
    )


def kept_features(setting: Setting, learner: Learner, name: str) -> KeptFeatures:
    """The features of a frozen network for all recordings that the run needs."""
    module = getattr(learner.model, name)
    encoder = learner.encoder if name == "text" else None
    # Equal weights may be used in different ways: pools, which half of x^a, precision.
    also = [asdict(getattr(learner.model.config, name)), name in learner.bf16]
    if name == "text" and setting.reader:
        dataset = setting.prepared.dataset
        delays = setting.config.data.delays(dataset.delays)
        alignment = setting.config.data.alignment or dataset.alignment
        also += [setting.reader.name, alignment, delays.text]
    mark = fingerprint(module, encoder, also=json.dumps(also))[:16]
    folder = setting.prepared.folder / FEATURES / f"{name}-{mark}"
    names = [clip.entry.name for clip in setting.prepared]
    kept = KeptFeatures(folder, names)
    if setting.fabric.is_global_zero:
        looks = Looks(
            setting.reader.read if setting.reader and name == "text" else None,
            name == "audio",
            name == "visual",
        )
        learner.to(setting.fabric.device)
        with torch.inference_mode():
            keep_features(
                learner,
                name,
                setting.parts.all,
                kept,
                looks,
                setting.fabric.device,
                chunk_of(learner),
                _progress(name),
            )
    setting.fabric.barrier()
    return kept


def _progress(name: str) -> Any:
    def tell(done: int, of: int) -> None:
        if done == of:
            print(f"{name:7} features of {of} recordings are kept", flush=True)

    return tell


def taken_over(setting: Setting, name: str) -> dict[str, Any]:
    """A first stage of another run, whose network and data are the same.

    Raises:
        ConfigError: they are not, or that run is not finished.
    """
    source = Path((setting.config.unimodal or "").replace("{stage}", name))
    result = finished(source / name)
    if result is None:
        raise ConfigError(f"{source / name}: is no finished stage; train it first")
    theirs = read_config(source / CONFIG)
    ours = setting.config
    same = replace(ours.data, shuffled=False) == replace(theirs.data, shuffled=False)
    if theirs.to_dict()[name] != ours.to_dict()[name] or not same:
        raise ConfigError(f"{source}: its {name} stage has another config or other data")
    if setting.fabric.is_global_zero:
        folder = setting.run / name
        (folder / DEVEL).mkdir(parents=True, exist_ok=True)
        traces = sorted((source / name / DEVEL).glob("*.csv"))
        for file in (source / name / BEST, source / name / LOG, *traces, source / name / RESULT):
            with atomic(folder / file.relative_to(source / name)) as part:
                shutil.copyfile(file, part)
    setting.fabric.barrier()
    return result


def note(setting: Setting, stage: str, said: str) -> None:
    """Keep in about.json what a network started from."""
    if setting.fabric.is_global_zero:
        about = json.loads((setting.run / ABOUT).read_text(encoding="utf-8"))
        about["weights"][stage] = said
        write_json(about, setting.run / ABOUT)
        print(f"{stage:7} {said}", flush=True)


def finish(setting: Setting, results: dict[str, dict[str, Any]], export: bool) -> dict[str, Any]:
    """Export the bundle and write the run's result."""
    from affekt.training.bundling import bundle_of

    final = setting.config.names[-1]
    best = results[final]
    result = {"stages": results, "final": final, **{key: best[key] for key in ("arousal", "valence", "mean")}}
    if setting.fabric.is_global_zero:
        if export:
            bundle_of(setting, result)
        write_json(result, setting.run / RESULT)
    setting.fabric.barrier()
    return result


def judge_partition(setting: Setting, clips: Sequence[PreparedClip], folder: Path) -> Any:
    """Write the finished run's traces of some recordings, with or without gold; returns their CCC."""
    final = setting.config.names[-1]
    learner = setting.learner(final)
    learner.load_state_dict(load_file(setting.run / final / BEST))
    learner.to(setting.fabric.device)
    looks = looks_of(setting, learner)
    return score(learner, Windows(clips, CHUNK, looks), setting.fabric, folder)
