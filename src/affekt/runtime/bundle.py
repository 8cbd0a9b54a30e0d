"""A model bundle on disk: graphs, weights, words, and a config that says what belongs together.

A bundle is a folder:

    config.json           format, name, what it asks of a clip, sizes, checksums of the files below
    weights.safetensors   every weight once, in half precision (word tables in 8 bits)
    graph-*.onnx          structure only; their weights point into weights.safetensors by offset
    tokenizer.json        how the text network cuts words (vocabulary.json: the words it has a table of)
    card.md               what it was trained on, how well it does, what it must not be used for

Nothing in it is ever unpickled.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from affekt.errors import ModelError
from affekt.runtime.words import FILES, Kind
from affekt.timeline import ClipSpec

FORMAT = 1
GRAPHS = ("text", "audio", "visual", "fusion")
CONFIG, WEIGHTS, CARD = "config.json", "weights.safetensors", "card.md"
MOST_BYTES = 2_000_000_000


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

    def graph(self, part: str) -> Path:
        """Path of the graph of `text`, `audio`, `visual` or `fusion`."""
        return self.folder / f"graph-{part}.onnx"

    @property
    def card(self) -> str:
        """The model card, Markdown."""
        return (self.folder / CARD).read_text(encoding="utf-8")


def installed() -> dict[str, Path]:
    """Bundles that came with the package, by name."""
    root = Path(str(resources.files("affekt"))) / "bundles"
    return {p.parent.name: p.parent for p in sorted(root.glob(f"*/{CONFIG}"))}


def find_bundle(model: str | Path) -> Path:
    """The folder of a bundle, by the name of an installed one or by its path.

    Raises:
        ModelError: there is no such bundle.
    """
    bundles = installed()
    if str(model) in bundles:
        return bundles[str(model)]
    folder = Path(model)
    if (folder / CONFIG).is_file():
        return folder
    names = ", ".join(bundles) or "none"
    raise ModelError(f"{model}: no such model; give a bundle's folder or one of the installed: {names}")


def open_bundle(model: str | Path) -> Bundle:
    """Open a bundle and check that every file is the one it was made with.

    Raises:
        ModelError: unknown, damaged, of a newer format, or not a bundle of affekt's.
    """
    folder = find_bundle(model)
    try:
        config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        if config["format"] > FORMAT:
            raise ModelError(f"{folder}: is of bundle format {config['format']}; update affekt to read it")
        words: Kind = "vocabulary" if config["words"] == "vocabulary" else "wordpieces"
        _check_files(folder, config["files"], FILES[words])
        pairs = config["pairs"]
        return Bundle(
            folder=folder,
            name=str(config["name"]),
            version=str(config["version"]),
            spec=_checked_spec(ClipSpec.from_dict(config["clip"])),
            fusion=str(config["fusion"]),
            pairs=None if pairs is None else tuple((str(a), str(b)) for a, b in pairs),
            words=words,
            sizes=dict(config["sizes"]),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ModelError(f"{folder}: not a model bundle of affekt's, or damaged ({_short(error)})") from error


def _check_files(folder: Path, files: dict[str, str], words: str) -> None:
    wanted = {WEIGHTS, words, *(f"graph-{part}.onnx" for part in GRAPHS)}
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


def _checked_spec(spec: ClipSpec) -> ClipSpec:
    if not (8_000 <= spec.sample_rate <= 96_000 and 16 <= spec.image_size <= 1_024):
        raise ValueError(f"asks for {spec.sample_rate} Hz and faces of {spec.image_size} pixels")
    if not spec.hop <= spec.window <= 2 * spec.hop:
        raise ValueError(f"asks for windows of {spec.window} samples")
    return spec


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:120] or type(error).__name__


def sha256(path: Path) -> str:
    """Hex digest of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
