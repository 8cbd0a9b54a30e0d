"""A model bundle on disk: graphs, weights, words, and a config that says what belongs together.

A bundle is a folder:

    config.json           format, name, what it asks of a clip, sizes, checksums of the files below
    weights.safetensors   every weight once, in half precision (word tables in 8 bits)
    graph-*.onnx          structure only; their weights point into weights.safetensors by offset
    graph-*-int8.onnx     of some parts: the same in int8, quicker where `engine.quick_int8` says so
    tokenizer.json        how the text network cuts words (vocabulary.json: the words it has a table of)
    card.md               what it was trained on, how well it does, what it must not be used for

Nothing in it is ever unpickled.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open

from affekt.errors import ModelError
from affekt.runtime.words import FILES, Kind
from affekt.timeline import MODALITIES, ClipSpec

FORMAT = 1
CONFIG, WEIGHTS, CARD = "config.json", "weights.safetensors", "card.md"
MOST_BYTES = 2_000_000_000
MOST_CONFIG_BYTES = 1_000_000
MOST_FRAMES = 1_000
"""That a network may hear at once, which are as many as a recording is read in: 100 s."""
MOST_REACH = 600
"""Frames before a frame, and after it, that its features may depend on: 60 s."""
MOST_DELAY = 300
"""Frames by which words may come later."""


MOST_SCALE = 1e6
"""That a spread may be multiplied by: far above any sensible one, and no float32 runs over."""


@dataclass(frozen=True)
class Band:
    """How the spread that the head expects becomes a band around what it says."""

    share: float
    """Of the errors, in (0, 1), that lay inside it for people it had not learned from."""
    scale: tuple[float, float]
    """Half-width over spread, of arousal and of valence."""
    scales: dict[str, tuple[float, float]] = field(default_factory=dict)
    """The same where exactly these modalities are there ("audio visual"), if it was measured for them."""

    def at(self, presence: np.ndarray) -> np.ndarray:
        """The scale of each frame: presence (T, 3) bool → (T, 2) float32."""
        found = np.tile(np.array(self.scale, np.float32), (len(presence), 1))
        for names, scale in self.scales.items():
            here = np.array([name in names.split() for name in MODALITIES])
            found[(presence == here).all(1)] = scale
        return found


@dataclass(frozen=True)
class Bundle:
    """An opened bundle whose files are known to be whole."""

    folder: Path
    name: str
    version: str
    spec: ClipSpec
    fusion: str
    pairs: tuple[tuple[str, str], ...] | None
    """Names of the fusion's pair weights, two rows of modalities a pair; None where it has no first level."""
    words: Kind
    """How its text network cuts words: `wordpieces` or `vocabulary`."""
    sizes: dict[str, Any]
    """Network sizes, as `networks.MultimodalConfig.to_dict` writes them."""
    audio_context: int | None = None
    """Frames its audio network hears at once; None: each frame alone."""
    audio_past: int = 0
    """Frames before a frame that its features depend on."""
    audio_future: int = 0
    """Frames after a frame that its features depend on, where they are known. A network with a past or a
    future may hear any number of frames at once; without, it hears each alone, or clips knowing no other."""
    text_delay: int = 0
    """Frames by which words come later, as they did where it learned (readings 1.9)."""
    modalities: tuple[str, ...] = MODALITIES
    """Those that it judges by, in this order; it has no graph for another."""
    band: Band | None = None
    """None: it does not say how far off it may be."""
    int8: tuple[str, ...] = ()
    """Parts, of `text` and `visual`, that have a second graph, which multiplies in int8."""

    def graph(self, part: str, int8: bool = False) -> Path:
        """Path of the graph of `text`, `audio`, `visual` or `fusion`; in int8 of those in `int8`."""
        return self.folder / (f"graph-{part}-int8.onnx" if int8 else f"graph-{part}.onnx")

    @property
    def card(self) -> str:
        """The model card, Markdown.

        Raises:
            ModelError: it is missing.
        """
        path = self.folder / CARD
        try:
            return path.read_text(encoding="utf-8", errors="replace")
        except OSError as error:
            raise ModelError(f"{path}: is missing; copy the whole bundle again") from error


def installed() -> dict[str, Path]:
    """Bundles that came with the package, by name."""
    root = Path(str(resources.files("affekt"))) / "bundles"
    return {p.parent.name: p.parent for p in sorted(root.glob(f"*/{CONFIG}"))}


def find_bundle(model: str | Path) -> Path:
    """The folder of a bundle, by the name of an installed one, by its path, or by that of a training run.

    Raises:
        ModelError: there is no such bundle.
    """
    bundles = installed()
    if str(model) in bundles:
        return bundles[str(model)]
    folder = Path(model)
    for place in (folder, folder / "bundle"):  # a run of `affekt train` keeps its bundle in there
        if os.path.isfile(place / CONFIG):
            return place
    names = ", ".join(bundles) or "none"
    raise ModelError(f"{model}: no such model; give a bundle's folder or one of the installed: {names}")


def open_bundle(model: str | Path) -> Bundle:
    """Open a bundle and check that every file is the one it was made with.

    Raises:
        ModelError: unknown, damaged, of a newer format, or not a bundle of affekt's.
    """
    folder = find_bundle(model)
    try:
        config = _read_config(folder / CONFIG)
        words: Kind = config["words"]
        modalities = _checked_modalities(config.get("modalities", list(MODALITIES)))
        int8 = _checked_int8(config.get("int8", []), modalities)
        parts = {*modalities, "fusion", *(f"{part}-int8" for part in int8)}
        _check_files(folder, config["files"], parts, FILES[words])
        pairs = config["pairs"]
        return Bundle(
            folder=folder,
            name=_text(config["name"]),
            version=_text(config["version"]),
            spec=_checked_spec(config["clip"]),
            fusion=_text(config["fusion"]),
            pairs=None if pairs is None else _checked_pairs(pairs),
            words=words,
            sizes=dict(config["sizes"]),
            audio_context=_checked_context(config.get("audio_context")),
            audio_past=_checked_reach(config, "audio_past", "before"),
            audio_future=_checked_reach(config, "audio_future", "after"),
            text_delay=_checked_delay(config.get("text_delay", 0)),
            modalities=modalities,
            band=checked_band(config.get("band")),
            int8=int8,
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ModelError(f"{folder}: not a model bundle of affekt's, or damaged ({_short(error)})") from error


def _read_config(path: Path) -> dict[str, Any]:
    if path.stat().st_size > MOST_CONFIG_BYTES:
        raise ValueError(f"{CONFIG} is too large")
    config = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(config, dict) or type(config["format"]) is not int:
        raise ValueError(f"{CONFIG} has no format")
    if config["format"] > FORMAT:
        raise ModelError(f"{path.parent}: is of bundle format {config['format']}; update affekt to read it")
    return config


def _check_files(folder: Path, files: dict[str, str], parts: set[str], words: str) -> None:
    wanted = {WEIGHTS, *(f"graph-{part}.onnx" for part in parts), *({words} if "text" in parts else ())}
    if set(files) != wanted:
        raise ValueError(f"files of {CONFIG} are {sorted(files)}")
    for name, digest in files.items():
        path = folder / name
        if not path.is_file():
            raise ModelError(f"{path}: is missing; copy the whole bundle again")
        if path.stat().st_size > MOST_BYTES:
            raise ModelError(f"{path}: is larger than a bundle's file may be")
        if sha256(path) != digest:
            raise ModelError(f"{path}: is damaged (its checksum differs); copy the bundle again")
    _check_weights(folder / WEIGHTS)


def _check_weights(path: Path) -> None:
    """See that the file's header tells the truth: every tensor inside the file, as long as its shape says."""
    try:
        with safe_open(path, "numpy"):
            pass
    except SafetensorError as error:
        raise ModelError(f"{path}: is damaged ({_short(error)}); copy the bundle again") from error


def _checked_spec(values: dict[str, Any]) -> ClipSpec:
    if not isinstance(values["languages"], list):
        raise ValueError("languages is not a list")
    spec = ClipSpec.from_dict(values)
    for language in spec.languages:
        _text(language)
    whole = (spec.sample_rate, spec.window, spec.image_size, spec.cutoff or 1)
    if any(type(value) is not int for value in whole):
        raise ValueError(f"asks for {whole}, not whole numbers")
    if not (8_000 <= spec.sample_rate <= 96_000 and 16 <= spec.image_size <= 1_024):
        raise ValueError(f"asks for {spec.sample_rate} Hz and faces of {spec.image_size} pixels")
    if not spec.hop <= spec.window <= 2 * spec.hop:
        raise ValueError(f"asks for windows of {spec.window} samples")
    if not (-1 < spec.crop_margin <= 4 and -2 <= spec.crop_shift <= 2):
        raise ValueError(f"asks for crops {spec.crop_margin} wider and {spec.crop_shift} lower than the face")
    if spec.cutoff is not None and not 500 <= spec.cutoff <= 48_000:
        raise ValueError(f"asks for sound up to {spec.cutoff} Hz")
    if spec.level is not None and not -60 <= spec.level <= 0:
        raise ValueError(f"asks for a level of {spec.level} dBFS")
    if not -120 <= spec.level_floor <= 0:
        raise ValueError(f"asks for a level of no less than {spec.level_floor} dBFS")
    return spec


def _checked_pairs(pairs: list[list[str]]) -> tuple[tuple[str, str], ...]:
    known = tuple((MODALITIES[MODALITIES.index(a)], MODALITIES[MODALITIES.index(b)]) for a, b in pairs)
    if len(known) != len(MODALITIES):
        raise ValueError(f"names {len(known)} pairs of modalities")
    return known


def _checked_modalities(names: list[str]) -> tuple[str, ...]:
    known = tuple(name for name in MODALITIES if name in names)
    if not known or list(known) != names:
        raise ValueError(f"judges by {names}")
    return known


def _checked_int8(parts: list[str], modalities: tuple[str, ...]) -> tuple[str, ...]:
    known = tuple(part for part in ("text", "visual") if part in modalities and part in parts)
    if list(known) != parts:
        raise ValueError(f"has {parts} in int8")
    return known


def _checked_delay(frames: Any) -> int:
    if type(frames) is not int or not 0 <= frames <= MOST_DELAY:
        raise ValueError(f"moves words by {frames!r} frames")
    return frames


def _checked_context(frames: Any) -> int | None:
    if frames is not None and not (type(frames) is int and 1 <= frames <= MOST_FRAMES):
        raise ValueError(f"hears {frames!r} frames at once")
    return frames


def _checked_reach(config: dict[str, Any], name: str, side: str) -> int:
    frames = config.get(name, 0)
    if type(frames) is not int or not 0 <= frames <= MOST_REACH:
        raise ValueError(f"hears {frames!r} frames {side} a frame")
    if frames and config.get("audio_context") is None:
        raise ValueError(f"hears each frame alone, and {frames} {side} it")
    return frames


def checked_band(values: dict[str, Any] | None) -> Band | None:
    """A band as `config.json` has it: `share`, `scale` for arousal and valence, `scales`; None = none.

    Raises:
        KeyError, TypeError, ValueError: something is missing, of another type, or out of range.
    """
    if values is None:
        return None
    share, scale, scales = values["share"], values["scale"], values.get("scales", {})
    known = {" ".join(n for n in MODALITIES if n in names.split()) for names in scales}
    if type(share) not in (int, float) or not 0 < share < 1 or known != set(scales) or "" in known:
        raise ValueError(f"makes a band of {values}")
    return Band(share, _checked_scale(scale), {names: _checked_scale(one) for names, one in scales.items()})


def _checked_scale(values: Any) -> tuple[float, float]:
    arousal, valence = values
    for one in (arousal, valence):
        # NaN is in no range.
        if type(one) not in (int, float) or not 0 < one <= MOST_SCALE:
            raise ValueError(f"makes a band of {values}")
    return float(arousal), float(valence)


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError(f"{value!r} is not a name")
    return value


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:120] or type(error).__name__


def sha256(path: Path) -> str:
    """Hex digest of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
