"""What a training run is told: one typed object, from YAML, changed by KEY=VALUE, kept in the run folder.

Every default is the paper's, or readings 7's where it is silent; a file that names its data alone trains the
paper's model, but for the encoder of words: MiniLM, which needs no hub and reads English.
"""

from __future__ import annotations

import math
import typing
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, is_dataclass, replace
from pathlib import Path
from types import UnionType
from typing import Any, Literal

from affekt.corpora.gold.delay import Delays
from affekt.errors import ConfigError
from affekt.networks import FusionConfig, HeadConfig, MultimodalConfig, TextConfig
from affekt.networks.kinds import AUDIO, VISUAL
from affekt.networks.multimodal import NAMES
from affekt.timeline import DIMENSIONS, Alignment, ClipSpec, frame_of

FUSION = "fusion"
"""The second stage; the first ones are called as their modality."""
STAGES = (*NAMES, FUSION)


@dataclass(frozen=True)
class Data:
    """What is learned from."""

    folder: str = "prepared"
    """Of `affekt prepare`."""
    alignment: Alignment | None = None
    """None: as the folder was prepared."""
    annotation_delay: dict[str, float] | None = None
    """Dimension → seconds by which gold moves earlier; None: as the folder was prepared."""
    text_delay: float | None = None
    """Seconds by which words move later; None: as the folder was prepared."""
    folds: int = 0
    """0: the corpus' own partitions. K: train and devel together, dealt into K folds that share no speaker,
    dyad or film; −1: as many as there are, which leaves one out at a time."""
    fold: int = 0
    """Which one is test; the next one is devel, the others are train."""
    shuffled: bool = False
    """A negative control: sound and faces come from other recordings than words and gold."""

    def delays(self, prepared: Delays) -> Delays:
        """The delays, where they differ from those that the folder was prepared with."""
        changed: dict[str, Any] = {}
        if self.annotation_delay is not None:
            changed["annotation"] = self.annotation_delay
        if self.text_delay is not None:
            changed["text"] = frame_of(self.text_delay)
        return replace(prepared, **changed) if changed else prepared


@dataclass(frozen=True)
class Fitting:
    """How a stage is trained (section 5.3)."""

    lr: float = 5e-4
    """Of Adam, constant; β = (.9, .99) as in the authors' code."""
    batch: int = 20
    """Windows a step, over all processes together."""
    frames: int = 100
    """Frames a window."""
    epochs: int = 100
    """At most."""
    patience: int = 15
    """Epochs without a better devel CCC after which it ends."""
    clip: float = 5.0
    """Largest norm of the gradient."""
    weight_decay: float = 0.0
    freeze: tuple[str, ...] = ()
    """Networks that do not learn; their features are computed once and kept."""
    feature_dropout: float = 0.0
    """Share of the features of frozen networks that drop out, instead of what would within them."""
    even_start: bool = False
    """Before the first step, scale what reads the features: all arrive at one size (`training.evening`)."""
    steps: int | None = None
    """Steps an epoch at most; None: all windows. Fewer, and devel is looked at more often."""


@dataclass(frozen=True)
class Machine:
    """On what it runs; nothing here changes what is learned, but for rounding."""

    accelerator: str = "auto"
    devices: int = 1
    nodes: int = 1
    strategy: str = "auto"
    """As Lightning Fabric calls them: auto, ddp. Those that share out one model, as fsdp, are untried."""
    precision: str = "auto"
    """auto: bfloat16 where the machine has it; 32; bf16."""
    threads: int | None = None
    loaders: int = 0
    """Processes that read windows; 0: the one that trains."""
    checkpoint_seconds: float = 60.0
    """Between two checkpoints within an epoch."""


@dataclass(frozen=True)
class Config:
    """All of a run."""

    data: Data = field(default_factory=Data)
    modalities: tuple[str, ...] = NAMES
    text: dict[str, Any] = field(default_factory=dict)
    """`encoder`, the rest as `networks.TextConfig`; its width is the encoder's."""
    audio: dict[str, Any] = field(default_factory=dict)
    """`kind` and its options as in `networks.kinds.AUDIO`; `weights`: what it starts from."""
    visual: dict[str, Any] = field(default_factory=dict)
    """`kind` and its options as in `networks.kinds.VISUAL`; `weights`: what it starts from."""
    fusion: dict[str, Any] = field(default_factory=dict)
    head: dict[str, Any] = field(default_factory=dict)
    training: Fitting = field(default_factory=Fitting)
    stages: dict[str, dict[str, Any]] = field(
        default_factory=lambda: {"visual": {"batch": 3}, FUSION: {"batch": 3}}
    )
    """Stage → what differs from `training`."""
    unimodal: str | None = None
    """Folder of a run whose first stages are taken instead of trained; `{stage}` in it stands for the stage,
    where each has a run of its own. None: they are trained."""
    machine: Machine = field(default_factory=Machine)
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.seed < 2**63:
            raise ConfigError(f"seed: is {self.seed}; it is a whole number from 0 on")
        if unknown := set(self.data.annotation_delay or ()) - set(DIMENSIONS):
            known = " and ".join(DIMENSIONS)
            raise ConfigError(f"data.annotation_delay: {min(unknown)} is no dimension; it is of {known}")
        machine = self.machine
        if machine.loaders < 0 or (machine.threads is not None and machine.threads < 1):
            raise ConfigError("machine: loaders are 0 or more, threads 1 or more")
        self.model(ClipSpec(), 1)
        for stage in dict.fromkeys((*self.names, *self.stages)):
            self.fitting(stage)

    @property
    def names(self) -> tuple[str, ...]:
        """The stages of this run: one for each modality, and the fusion where there are two or three."""
        return (*self.modalities, FUSION) if len(self.modalities) > 1 else self.modalities

    def fitting(self, stage: str) -> Fitting:
        """How a stage is trained.

        Raises:
            ConfigError: there is no such stage or option, or a number is out of range.
        """
        if stage not in STAGES:
            raise ConfigError(f"stages: there is no stage {stage}; the stages are {', '.join(STAGES)}")
        changed = _typed(Fitting, {**asdict(self.training), **self.stages.get(stage, {})}, f"stages.{stage}.")
        for name in ("batch", "frames", "epochs", "patience", "steps"):
            number = getattr(changed, name)
            if number is not None and number < 1:
                where = f"stages.{stage}" if name in self.stages.get(stage, {}) else "training"
                raise ConfigError(f"{where}.{name}: is {number}; at least 1 is needed")
        if not (math.inf > changed.lr > 0 and changed.clip > 0 and changed.weight_decay >= 0):
            raise ConfigError(f"training of {stage}: lr and clip are above 0, weight_decay is not below")
        if not 0 <= changed.feature_dropout < 1:
            raise ConfigError(
                f"stages.{stage}.feature_dropout: is {changed.feature_dropout}; it is from 0 to below 1"
            )
        if unknown := [one for one in changed.freeze if one not in NAMES]:
            raise ConfigError(f"stages.{stage}.freeze: {unknown[0]} is none of {', '.join(NAMES)}")
        return changed

    def model(self, spec: ClipSpec, width: int) -> MultimodalConfig:
        """Sizes of the whole model, for clips of a kind and word vectors of a width.

        Raises:
            ConfigError: a network has no such option, or one of another type.
        """
        audio, visual = _kind(AUDIO, self.audio, "audio"), _kind(VISUAL, self.visual, "visual")
        values = {
            "text": _options(TextConfig, self.text, "text.", ("encoder", "width")) | {"width": width},
            "audio": _options(audio, self.audio, "audio.", ("weights",)) | sound_of(self.audio, spec),
            "visual": _options(visual, self.visual, "visual.", ("weights",)),
            "fusion": _options(FusionConfig, self.fusion, "fusion."),
            "head": _options(HeadConfig, self.head, "head."),
            "modalities": self.modalities,
        }
        try:
            return MultimodalConfig.from_dict(values)
        except (TypeError, ValueError) as error:
            raise ConfigError(f"{error}") from error

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as YAML writes them."""
        return _plain(asdict(self))


def sound_of(audio: Mapping[str, Any], spec: ClipSpec) -> dict[str, Any]:
    """What the clips decide of an audio network: samples of a frame, and their rate where it asks."""
    sound = {"window": spec.window}
    if audio.get("kind", "tzirakis") in ("li", "pretrained"):
        sound["rate"] = spec.sample_rate
    return sound


def read_config(path: Path | None, changes: Sequence[str] = ()) -> Config:
    """Read a YAML file and apply KEY=VALUE changes, such as fusion.kind=residual.

    Args:
        path: None: the defaults.
        changes: dotted keys; values are YAML.

    Raises:
        ConfigError: the file cannot be read, or says what no run can be told.
    """
    values: dict[str, Any] = {}
    if path is not None:
        try:
            loaded = _yaml().safe_load(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise ConfigError(f"{path}: cannot be read ({error.strerror or error})") from error
        except (_yaml().YAMLError, UnicodeDecodeError) as error:
            raise ConfigError(f"{path}: is no YAML ({' '.join(str(error).split())[:160]})") from error
        if loaded is not None and not isinstance(loaded, dict):
            raise ConfigError(f"{path}: is no mapping of names to values")
        values = loaded or {}
    for change in changes:
        _change(values, change)
    try:
        return config_of(values)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}" if path else str(error)) from error


def config_of(values: Mapping[str, Any]) -> Config:
    """A config from plain values.

    Raises:
        ConfigError: an option is unknown or of another type.
    """
    return _typed(Config, values, "")


def write_config(config: Config, path: Path) -> None:
    """Write a config as YAML.

    Raises:
        OutputError: it cannot be written.
    """
    from affekt.timeline.files import atomic

    with atomic(path) as part:
        part.write_text(to_yaml(config), encoding="utf-8")


def to_yaml(config: Config) -> str:
    """A config as YAML; what is not ASCII is escaped, since YAML takes some of it for the end of a line."""
    return str(_yaml().safe_dump(config.to_dict(), sort_keys=False))


def _change(values: dict[str, Any], change: str) -> None:
    key, found, text = change.partition("=")
    if not found or not key:
        raise ConfigError(f"{change}: is no change; write KEY=VALUE, such as fusion.kind=residual")
    *path, last = key.split(".")
    for name in path:
        inner = values.setdefault(name, {})
        if not isinstance(inner, dict):
            raise ConfigError(f"{change}: {name} holds one value, no others within it")
        values = inner
    try:
        values[last] = _yaml().safe_load(text)
    except _yaml().YAMLError as error:
        raise ConfigError(f"{change}: {text!r} is no YAML value") from error


def _kind(kinds: Mapping[str, tuple[type, type]], values: Mapping[str, Any], part: str) -> type[Any]:
    """The config class of the network that `values` name, the first one if they name none."""
    kind = values.get("kind", next(iter(kinds)))
    if not isinstance(kind, str) or kind not in kinds:
        raise ConfigError(f"{part}.kind: no network is called {kind!r}; choose one of {', '.join(kinds)}")
    return kinds[kind][0]


def _options(kind: type[Any], values: object, where: str, beside: Sequence[str] = ()) -> dict[str, Any]:
    """Plain values as the fields of a dataclass, each checked against the type that the class says.

    Args:
        beside: names that may be among them and are not the dataclass'.
    """
    if not isinstance(values, Mapping):
        raise ConfigError(f"{where.rstrip('.')}: is a mapping of names to values")
    hints = typing.get_type_hints(kind)
    known = [one.name for one in fields(kind)]
    if unknown := [str(name) for name in values if name not in (*known, *beside)]:
        names = ", ".join(dict.fromkeys((*beside, *known)))
        raise ConfigError(f"{where}{unknown[0]}: there is no such option; there are {names}")
    return {k: _value(hints[k], value, where + k) for k, value in values.items() if k not in beside}


def _typed(kind: type[Any], values: object, where: str) -> Any:
    """A dataclass from plain values."""
    made = _options(kind, values, where)
    if "stages" in made:  # what a file does not say of a stage keeps its default
        usual = Config().stages
        both = dict.fromkeys((*usual, *made["stages"]))
        made["stages"] = {one: {**usual.get(one, {}), **made["stages"].get(one, {})} for one in both}
    return kind(**made)


def _value(hint: Any, value: object, where: str) -> Any:
    if is_dataclass(hint) and isinstance(hint, type):
        return _typed(hint, value, f"{where}.")
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin in (UnionType, typing.Union):
        if value is None:
            return None
        return _value(next(one for one in inner if one is not type(None)), value, where)
    if origin is Literal:
        if value not in inner:
            raise ConfigError(f"{where}: is {value!r}; it may be {', '.join(map(str, inner))}")
        return value
    if origin is tuple and isinstance(value, list | tuple):
        return tuple(_value(inner[0], one, where) for one in value)
    if origin is dict and isinstance(value, Mapping):
        return {str(k): _value(inner[1], one, f"{where}.{k}") for k, one in value.items()}
    if hint is float and isinstance(value, int | float | str) and not isinstance(value, bool):
        try:  # YAML 1.1 reads 5e-4 as a word
            number = float(value)
        except ValueError:
            number = math.nan
        if not math.isnan(number):
            return number
    if hint is Any or (hint is not float and isinstance(hint, type) and type(value) is hint):
        return value
    what = getattr(hint, "__name__", str(hint))
    raise ConfigError(f"{where}: is {value!r}, not of type {what}")


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    return [_plain(v) for v in value] if isinstance(value, list | tuple) else value


def _yaml() -> Any:
    try:
        import yaml
    except ModuleNotFoundError as error:
        raise ConfigError("configs need PyYAML; pip install 'affekt[train]'") from error
    return yaml
