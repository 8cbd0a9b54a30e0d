"""What is searched: the ranges of the paper's Table 1, or narrower ones from YAML."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from affekt.errors import ConfigError
from affekt.training.config import FUSION, Config, config_of

Values = dict[str, float]
"""Name of a hyper-parameter → its value in a trial; whole numbers are `int`."""
WHOLE = ("batch", "frames", "hidden", "layers")
"""What is counted."""
OF_HEAD = ("dropout", "hidden", "layers")
"""What belongs to the head; the rest is of the stage's training."""


@dataclass(frozen=True)
class Range:
    """Every number from `low` to `high` alike, or every logarithm of one."""

    low: float
    high: float
    log: bool = False
    bins: int = 5
    """Groups of equal width, on the logarithm where that is what is drawn, in which Table 8 counts trials."""

    def at(self, share: float) -> float:
        """The value at a share from 0 to 1 of the range, to three digits."""
        edges = self._laid((self.low, self.high))
        value = edges[0] + share * (edges[1] - edges[0])
        return min(max(float(f"{math.exp(value) if self.log else value:.3g}"), self.low), self.high)

    def groups(self) -> list[str]:
        """Names of the bins."""
        low, high = self._laid((self.low, self.high))
        laid = np.linspace(low, high, self.bins + 1)
        edges = [f"{edge:.3g}" for edge in (np.exp(laid) if self.log else laid)]
        return [f"{first} … {last}" for first, last in pairwise(edges)]

    def group(self, value: float) -> int:
        """The bin of a value; both ends belong to one."""
        low, high, there = self._laid((self.low, self.high, value))
        share = (there - low) / (high - low) if high > low else 0.0
        return min(max(int(share * self.bins + 1e-9), 0), self.bins - 1)

    def _laid(self, values: tuple[float, ...]) -> list[float]:
        return [math.log(value) if self.log else value for value in values]


@dataclass(frozen=True)
class Choice:
    """One of some values."""

    values: tuple[float, ...]

    def at(self, share: float) -> float:
        """The value at a share from 0 to 1, 1 left out."""
        return self.values[min(int(share * len(self.values)), len(self.values) - 1)]

    def groups(self) -> list[str]:
        """A group a value."""
        return [f"{value:g}" for value in self.values]

    def group(self, value: float) -> int:
        """The place of a value."""
        return self.values.index(value)


@dataclass(frozen=True)
class Space:
    """Table 1; `batch` is that of the modality or of the fusion."""

    lr: Range | Choice = Range(1e-6, 1e-3, log=True, bins=3)
    batch: Range | Choice = Choice((10, 20, 30))
    dropout: Range | Choice = Range(0.1, 0.6)
    """Of the head alone: section 5.4 fixes the others."""
    frames: Range | Choice = Choice((75, 100, 200))
    hidden: Range | Choice = Choice((64, 128, 256, 512))
    layers: Range | Choice = Choice((1, 2, 3))

    @property
    def names(self) -> tuple[str, ...]:
        """The six hyper-parameters, in the paper's order."""
        return tuple(self.__dataclass_fields__)

    def __getitem__(self, name: str) -> Range | Choice:
        found: Range | Choice = getattr(self, name)
        return found

    def draw(self, seed: int, trial: int) -> Values:
        """The values of a trial, which depend on the seed and its number alone.

        Each is drawn by itself, so narrowing one leaves the others as they were.
        """
        shares = np.random.default_rng([seed, trial]).random(len(self.names))
        return {name: self[name].at(share) for name, share in zip(self.names, shares.tolist(), strict=True)}

    def to_dict(self) -> dict[str, Any]:
        """As `--space` has it."""
        plain: dict[str, Any] = {}
        for name in self.names:
            one = self[name]
            plain[name] = list(one.values) if isinstance(one, Choice) else {"low": one.low, "high": one.high}
        return plain


def space_of(stage: str, values: Mapping[str, Any] | None = None) -> Space:
    """Table 1 for a stage, changed by what a file says.

    Args:
        stage: "visual" and "fusion" have batches of 2 or 3, "text" and "audio" of 10, 20 or 30.
        values: name → {low, high} for lr (its logarithm is drawn) and dropout; a list, or one value, for any.

    Raises:
        ConfigError: there is no such hyper-parameter, or no trial could have such a value.
    """
    space = Space(batch=Choice((2, 3))) if stage in ("visual", FUSION) else Space()
    changed = {}
    for name, value in (values or {}).items():
        if name not in space.names:
            raise ConfigError(f"{name}: is not searched; there are {', '.join(space.names)}")
        changed[name] = _narrowed(name, value, Space()[name])
    return replace(space, **changed)


def read_space(path: Path | None, stage: str) -> Space:
    """The space of a YAML file, None: Table 1.

    Raises:
        ConfigError: the file cannot be read, or as `space_of`.
    """
    import yaml

    if path is None:
        return space_of(stage)
    try:
        loaded = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror or error})") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: is no YAML ({' '.join(str(error).split())[:160]})") from error
    if not isinstance(loaded, dict):
        raise ConfigError(f"{path}: is no mapping of names to values, such as layers: [1, 2]")
    try:
        return space_of(stage, loaded)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error


def _narrowed(name: str, value: Any, usual: Range | Choice) -> Range | Choice:
    if isinstance(value, Mapping):
        if not isinstance(usual, Range) or set(value) != {"low", "high"}:
            may = "{low: …, high: …} or a list" if isinstance(usual, Range) else "a list"
            raise ConfigError(f"{name}: is {dict(value)}; give {may}")
        low, high = (_number(name, value[end]) for end in ("low", "high"))
        if low >= high:
            raise ConfigError(f"{name}: low is {low:g}, high {high:g}; the first is the smaller one")
        return replace(usual, low=low, high=high)
    several = value if isinstance(value, list) else [value]
    if not several:
        raise ConfigError(f"{name}: the list is empty")
    return Choice(tuple(dict.fromkeys(_number(name, one) for one in several)))


def _number(name: str, value: Any) -> float:
    try:  # YAML 1.1 reads 1e-4 as a word
        number = float(value) if not isinstance(value, bool) else math.nan
    except (TypeError, ValueError):
        number = math.nan
    fits = 0 <= number < 1 if name == "dropout" else 0 < number < math.inf
    if name in WHOLE:
        fits = fits and number == int(number)
    if not fits:
        what = {"dropout": "a number from 0 to below 1", "lr": "a number above 0"}
        raise ConfigError(f"{name}: is {value!r}, not {what.get(name, 'a whole number from 1')}")
    return int(number) if name in WHOLE else number


def of_trial(config: Config, values: Values, epochs: int) -> Config:
    """The config of a trial: the last stage trained with some values, for just so many epochs.

    Patience ends no trial: which ones are worth their epochs is for the scheduler to say.
    """
    return _with(config, values, {"epochs": epochs, "patience": epochs})


def best_config(config: Config, values: Values) -> Config:
    """The config of a whole training with the values of a trial."""
    return _with(config, values, {})


def _with(config: Config, values: Values, more: Mapping[str, Any]) -> Config:
    stage = config.names[-1]
    ours = {name: value for name, value in values.items() if name not in OF_HEAD} | dict(more)
    head = {**config.head, **{name: value for name, value in values.items() if name in OF_HEAD}}
    stages = {**config.stages, stage: {**config.stages.get(stage, {}), **ours}}
    return config_of({**asdict(config), "head": head, "stages": stages})
