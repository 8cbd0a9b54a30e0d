"""Damaged corpora: a fault that names the file, or a warning and a mask; no number is silently wrong."""

from __future__ import annotations

import importlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from affekt.cli import affekt as command
from affekt.corpora.corpus import Corpus, Fault
from affekt.corpora.inspection.count import inspect
from affekt.corpora.readers import read_corpus
from affekt.errors import CorpusError
from affekt.timeline import Gold
from corpora.damages import PLACES, TEXTS, Text, put
from corpora.scenes import FOLDERS, Folder

VICTIMS = {
    "avec2017": ("Train_01", "labels/Train_01.csv"),
    "avec2019": ("Train_HU_02", "labels/Train_HU_02.csv"),
    "recola": ("train_2", "ratings_gold_standard/arousal/train_2.arff"),
    "recola.build_full": ("P16", "RECOLA-Annotation/emotional_behaviour/arousal/P16.csv"),
    "affwild2": ("10-60-1280x720", "VA_Estimation_Challenge/Train_Set/10-60-1280x720.txt"),
    "muse": ("2", "c1_muse_wilder/label_segments/arousal/2.csv"),
    "manifest": ("Anna & Ben_left", "gold/Anna.csv"),
}
"""Miniature → a recording of it, and the file of its labels."""
UNTIMED = {"affwild2"}
UNKNOWN = {("affwild2", "gone"), ("affwild2", "a folder in its place")}
"""What a folder cannot tell: that it once held labels of a film."""
WEIGHED = {"recola.build_full": 0.01}
"""By how much a fused trace may move where the weight of a rater changes with one masked value."""
NEAR = 3
"""Frames around a masked row whose mean may be taken over the rows that are left."""


class Read:
    """What was read of a folder: the corpus, all faults, and these without the folder they were found in."""

    def __init__(self, root: Path, name: str = "") -> None:
        self.root, self.name = root, name
        self.corpus: Corpus = read_corpus(root)
        self.faults: tuple[Fault, ...] = inspect(self.corpus).faults
        self.gold: dict[str, Gold | None] = {one.label: one.gold for one in self.corpus.recordings}

    @property
    def labelled(self) -> list[str]:
        return [name for name, gold in self.gold.items() if gold is not None]

    def shape(self, fault: Fault) -> tuple[str, str | None]:
        return str(fault).replace(str(self.root), ""), fault.recording


Build = Callable[[str], Read]


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """Miniatures, each made and read once."""
    known: dict[str, Read] = {}

    def make(name: str) -> Read:
        if name not in known:
            module, _, function = name.partition(".")
            build = getattr(importlib.import_module(f"corpora.miniatures.{module}"), function or "build")
            known[name] = Read(build(tmp_path_factory.mktemp("clean") / "Korpus ä"), name)
        return known[name]

    return make


@pytest.fixture
def copy(clean: Build, tmp_path: Path) -> Callable[[str], Path]:
    """A miniature to be damaged. Its files are links: what is damaged has to be put in their place."""

    def make(name: str) -> Path:
        return shutil.copytree(clean(name).root, tmp_path / "Korpus ä", copy_function=os.link)

    return make


def is_about(fault: Fault, damaged: Path) -> bool:
    """Does it name the damaged file, or something in or around it?"""
    path = fault.path
    return (
        path == damaged or damaged in path.parents or path in damaged.parents or damaged.name in fault.message
    )


def equal(one: Gold | None, other: Gold | None) -> bool:
    """Value for value, gaps included."""
    if one is None or other is None or one.dimensions != other.dimensions:
        return one is other
    return np.array_equal(one.values, other.values, equal_nan=True)


def judge(
    root: Path, clean: Read, victims: set[str], damaged: Path, *, quiet: bool = False, must: bool = False
) -> None:
    """Read a damaged corpus; see that the damage was told, others are as before, and values right or absent.

    Args:
        victims: recordings that may lose what the damaged file was to give.
        quiet: the damage need not be told.
        must: it has to be, even if all gold is as before.
    """
    known = set(map(clean.shape, clean.faults))
    try:
        found = Read(root)
    except CorpusError as error:
        assert "\n" not in str(error) and str(root) in str(error), str(error)[:300]
        assert set(clean.labelled) <= victims, f"one fault lost all: {error}"
        return
    new = [fault for fault in found.faults if found.shape(fault) not in known]
    told: list[object] = [fault for fault in new if fault.recording in victims or is_about(fault, damaged)]
    told += [note for note in found.corpus.notes if note not in clean.corpus.notes and damaged.name in note]
    said = "\n".join(["told:", *map(str, new)])
    same = True
    for name, right in clean.gold.items():
        ours = found.gold.get(name)
        if name in victims:
            same = same and equal(ours, right)
            wrong = wrong_values(ours, right, WEIGHED.get(clean.name, 2e-6))
            if wrong and (wrong > NEAR or not told):
                pytest.fail(f"{wrong} frames of {name} are wrong; {said}")
        elif name not in found.gold or not equal(ours, right):
            pytest.fail(f"{name} was changed, and {damaged.name} was damaged; {said}")
    if not (told or quiet or (same and not must)):
        pytest.fail(f"values are missing and nothing was told of {damaged.name}; {said}")
    if any("\n" in str(fault) for fault in new):
        pytest.fail(f"more than a line: {said}")


def wrong_values(ours: Gold | None, right: Gold | None, near: float) -> int:
    """Frames from the first to the last that has another value than it should, or one that it should not."""
    if ours is None:
        return 0
    widest = 0
    for name in ours.dimensions:
        column = ours.column(name)
        should = np.full(len(column), np.nan) if right is None else right.column(name)[: len(column)]
        should = np.pad(should, (0, len(column) - len(should)), constant_values=np.nan)
        where = np.flatnonzero(np.isfinite(column) & ~np.isclose(column, should, rtol=0, atol=near))
        widest = max(widest, int(np.ptp(where)) + 1 if len(where) else 0)
    return widest


CASES = [(corpus, text) for corpus in VICTIMS for text in TEXTS if not (text.timed and corpus in UNTIMED)]


@pytest.mark.parametrize(("corpus", "text"), CASES, ids=[f"{corpus}-{text.name}" for corpus, text in CASES])
def test_text(corpus: str, text: Text, copy: Callable[[str], Path], clean: Build) -> None:
    root = copy(corpus)
    name, file = VICTIMS[corpus]
    put(root / file, text.edit((root / file).read_bytes()))
    judge(root, clean(corpus), {name}, root / file, quiet=text.quiet)


@pytest.mark.parametrize("corpus", VICTIMS)
@pytest.mark.parametrize("place", PLACES)
def test_place(corpus: str, place: str, copy: Callable[[str], Path], clean: Build) -> None:
    if place == "no permission" and os.geteuid() == 0:
        pytest.skip("nothing is locked to root")
    root = copy(corpus)
    name, file = VICTIMS[corpus]
    if place == "no permission":
        put(root / file, (root / file).read_bytes())
    PLACES[place](root / file)
    judge(root, clean(corpus), {name}, root / file, quiet=(corpus, place) in UNKNOWN)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: f"{folder.corpus}-{folder.name}")
def test_folder(folder: Folder, copy: Callable[[str], Path], clean: Build) -> None:
    root = copy(folder.corpus)
    victims, damaged = folder.scene(root)
    judge(root, clean(folder.corpus), victims, damaged, must=True)


SAMPLE = (
    "empty file",
    "noise",
    "a number that is text",
    "NaN",
    "all values times 100",
    "the second half gone",
)


@pytest.mark.parametrize("edit", [one for one in TEXTS if one.name in SAMPLE], ids=lambda text: text.name)
def test_the_command_says_so(edit: Text, copy: Callable[[str], Path], tmp_path: Path) -> None:
    root = copy("avec2017")
    put(root / "labels/Train_01.csv", edit.edit((root / "labels/Train_01.csv").read_bytes()))
    page, data = tmp_path / "page.html", tmp_path / "data.json"
    words = ["corpus", "inspect", str(root), "--page", str(page), "--json", str(data)]
    result = CliRunner().invoke(command, words)
    assert result.exception is None or isinstance(result.exception, SystemExit)
    assert page.is_file()
    told = [one for one in json.loads(data.read_text("utf-8"))["faults"] if one["recording"] == "Train_01"]
    assert told and (result.exit_code == 1) == any(one["severity"] == "error" for one in told)
    assert "Train_01" in result.output
