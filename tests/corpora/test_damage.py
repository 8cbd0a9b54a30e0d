"""Damaged corpora: a fault that names the file, or a warning and a mask; no number is silently wrong."""

from __future__ import annotations

import importlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from affekt.cli import affekt as command
from affekt.corpora.corpus import Corpus, Fault
from affekt.corpora.inspect import inspect
from affekt.corpora.readers import read_corpus
from affekt.errors import CorpusError
from corpora.damages import PLACES, TEXTS, Text

VICTIMS = {
    "affwild2": ("10-60-1280x720", "VA_Estimation_Challenge/Train_Set/10-60-1280x720.txt"),
    "muse": ("2", "c1_muse_wilder/label_segments/arousal/2.csv"),
}
"""Miniature → a recording of it, and the file of its labels."""
UNTIMED = {"affwild2"}
NEAR = 3
"""Frames around a masked row whose mean may be taken over the rows that are left."""

Clean = tuple[Path, Corpus, tuple[Fault, ...]]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Clean]:
    """Miniatures, each made and read once."""
    known: dict[str, Clean] = {}

    def make(name: str) -> Clean:
        if name not in known:
            root = tmp_path_factory.mktemp("clean") / "Korpus ä"
            root = importlib.import_module(f"corpora.miniatures.{name}").build(root)
            corpus = read_corpus(root)
            known[name] = (root, corpus, inspect(corpus).faults)
        return known[name]

    return make


@pytest.fixture
def copied(built: Callable[[str], Clean], tmp_path: Path) -> Callable[[str], Clean]:
    """A copy of a miniature to be damaged, with the reading and the faults of the undamaged one."""

    def copy(name: str) -> Clean:
        clean, corpus, faults = built(name)
        root = tmp_path / "Korpus ä"
        # Links: what is damaged is taken away first.
        shutil.copytree(clean, root, copy_function=os.link)
        return root, corpus, faults

    return copy


def write(path: Path, data: bytes) -> None:
    """Put data in a linked file's place."""
    path.unlink()
    path.write_bytes(data)


def shape(fault: Fault, root: Path) -> tuple[str, str, str | None]:
    """A fault without the folder that it was found in."""
    return str(fault.path).replace(str(root), ""), fault.message.replace(str(root), ""), fault.recording


def is_about(path: Path, damaged: Path) -> bool:
    """Is it the damaged file, or something in or around it?"""
    return path == damaged or damaged in path.parents or path in damaged.parents


def judge(
    root: Path, clean: Clean, victims: set[str], damaged: Path, *, quiet: bool = False, near: int = NEAR
) -> str:
    """Read a damaged corpus, and say what became of it: refused, told or same. All else fails."""
    before = {shape(fault, clean[0]) for fault in clean[2]}
    try:
        corpus = read_corpus(root)
    except CorpusError as error:
        assert "\n" not in str(error) and str(root) in str(error), error
        return "refused"
    found = inspect(corpus)
    new = [fault for fault in found.faults if shape(fault, root) not in before]
    told = [fault for fault in new if fault.recording in victims or is_about(fault.path, damaged)]
    assert not [fault for fault in new if "\n" in str(fault)]
    read = {one.label: one for one in corpus.recordings}
    same = True
    for one in clean[1].recordings:
        if one.label not in victims:
            assert one.label in read, f"{one.label} was lost, {damaged.name} was damaged: {new}"
        if one.gold is None:
            continue
        gold = read[one.label].gold if one.label in read else None
        if one.label not in victims:
            assert gold is not None and np.array_equal(gold.values, one.gold.values, equal_nan=True), (
                one.label
            )
            continue
        same &= gold is not None and np.array_equal(gold.values, one.gold.values, equal_nan=True)
        if gold is None:
            continue
        for dimension in gold.dimensions:
            ours, clear = gold.column(dimension), one.gold.column(dimension)
            length = min(len(ours), len(clear))
            apart = np.isfinite(ours[:length]) & ~np.isclose(ours[:length], clear[:length], atol=2e-6)
            where = np.flatnonzero(apart)
            spread = int(np.ptp(where)) + 1 if len(where) else 0
            assert spread <= (near if told else 0), (
                f"{one.label}, {dimension}: {len(where)} wrong values; told: {list(map(str, new))}\n"
                f"{ours[where][:9]} for {clear[where][:9]}"
            )
            assert not np.isfinite(ours[length:]).any() or told, (
                f"{len(ours) - length} values more, nothing told"
            )
    assert told or same or quiet, f"nothing was told; faults: {[str(fault) for fault in new]}"
    return "told" if told else "same"


CASES = [(corpus, text) for corpus in VICTIMS for text in TEXTS if not (text.timed and corpus in UNTIMED)]


@pytest.mark.parametrize(("corpus", "text"), CASES, ids=[f"{corpus}-{text.name}" for corpus, text in CASES])
def test_text(corpus: str, text: Text, copied: Callable[[str], Clean], built: Callable[[str], Clean]) -> None:
    root, *_ = copied(corpus)
    name, file = VICTIMS[corpus]
    write(root / file, text.edit((root / file).read_bytes()))
    judge(root, built(corpus), {name}, root / file, quiet=text.quiet)


@pytest.mark.parametrize("corpus", VICTIMS)
@pytest.mark.parametrize("place", PLACES)
def test_place(
    corpus: str, place: str, copied: Callable[[str], Clean], built: Callable[[str], Clean]
) -> None:
    if place == "no permission" and os.geteuid() == 0:
        pytest.skip("nothing is locked to root")
    root, *_ = copied(corpus)
    name, file = VICTIMS[corpus]
    if place == "no permission":
        write(root / file, (root / file).read_bytes())
    PLACES[place](root / file)
    judge(root, built(corpus), {name}, root / file)
