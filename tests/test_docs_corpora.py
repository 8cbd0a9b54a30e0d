"""The commands on the pages of docs/corpora do what they say, on miniatures of the corpora they are about."""

from __future__ import annotations

import importlib
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from pympi.Elan import Eaf

import affekt
from affekt.cli import affekt as command
from cli.conftest import write_sound

PAGES = sorted((Path(__file__).parents[1] / "docs" / "corpora").glob("*.md"))
LONGEST = 60
"""Lines that somebody with five minutes reads."""

FOLDERS = {
    "sewa": {"SEWA": "avec2017"},
    "avec-cross-cultural": {"AVEC2019": "avec2019"},
    "recola": {"RECOLA": "recola.build_full", "AVEC2016": "recola"},
    "aff-wild2": {"AffWild2": "affwild2"},
    "muse": {"MuSe2021": "muse"},
    "omg": {"OMG": "omg"},
    "your-own": {"corpus": "manifest", "database": "audformat_tables"},
}
"""Page → folder that its commands name → miniature that stands in for it."""

TEXTGRID = """\
File type = "ooTextFile"
Object class = "TextGrid"

xmin = 0
xmax = 2
tiers? <exists>
size = 1
item []:
    item [1]:
        class = "IntervalTier"
        name = "subject"
        xmin = 0
        xmax = 2
        intervals: size = 1
        intervals [1]:
            xmin = 0
            xmax = 2
            text = "guten Tag"
"""


def commands(page: Path) -> list[str]:
    """The lines `$ affekt …` of a page's console blocks, without the dollar."""
    blocks = re.findall(r"^```console\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    return [line[2:] for block in blocks for line in block.splitlines() if line.startswith("$ affekt ")]


def lay_out(page: str, here: Path) -> None:
    """Put what a page takes for granted where its commands run."""
    for name, miniature in FOLDERS.get(page, {}).items():
        module, _, function = miniature.partition(".")
        build = getattr(importlib.import_module(f"corpora.miniatures.{module}"), function or "build")
        build(here / name)
    time = np.arange(60) / 10
    if page in ("annotation-tools", "muse"):
        for dimension in ("arousal", "valence"):
            folder = here / ("raters" if page == "annotation-tools" else "annotations") / dimension
            folder.mkdir(parents=True)
            rows = [
                f"{t:.1f},{np.sin(t):.4f},{0.9 * np.sin(t - 0.2):.4f},{0.5 * np.sin(t):.4f}" for t in time
            ]
            (folder / "session1.csv").write_text("\n".join(["time,1,2,3", *rows, ""]))
    if page == "annotation-tools":
        write_trace(here / "predictions" / "session1.csv", 60)
        write_sound(here / "talks" / "anna.wav", 2.0)
        (here / "talks" / "anna.TextGrid").write_text(TEXTGRID)
        elan = Eaf()
        elan.add_tier("words")
        elan.add_annotation("words", 200, 1500, "guten Tag")
        elan.to_file(str(here / "talks" / "anna.eaf"))


def write_trace(path: Path, frames: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = (
        f"{path.stem},{k / 10:.1f},{np.sin(k / 9) / 5:.6f},{np.cos(k / 9) / 5:.6f}" for k in range(frames)
    )
    path.write_text("\n".join(["name,time,arousal,valence", *rows, ""]))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_commands_run(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: affekt.Model
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("affekt.api.load_model", lambda name="default", **_: model)
    lay_out(page.stem, tmp_path)
    for line in commands(page):
        result = CliRunner().invoke(command, shlex.split(line)[1:])
        said = f"$ {line}\n{result.output}"
        # Miniatures have faults on purpose: what finds or leaves out a recording exits with 1.
        good = (0, 1) if " corpus inspect " in line or " prepare " in line else (0,)
        assert result.exit_code in good and (
            result.exception is None or isinstance(result.exception, SystemExit)
        ), said


@pytest.mark.parametrize("page", [page for page in PAGES if page.stem in FOLDERS], ids=lambda page: page.stem)
def test_every_corpus_has_its_recipe(page: Path) -> None:
    """In this order; utterances with one value each have no delay."""
    steps = ["corpus inspect", "prepare", "delay", "predict --corpus", "evaluate"]
    steps = [step for step in steps if page.stem != "omg" or step != "delay"]
    said = [step for line in commands(page) for step in steps if line.startswith(f"affekt {step} ")]
    assert list(dict.fromkeys(said)) == steps


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_page_is_short_and_links_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= LONGEST
    for link in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (page.parent / link).is_file(), link
    assert page.stem == "index" or commands(page)
    assert page.stem == "index" or f"({page.name})" in (page.parent / "index.md").read_text(encoding="utf-8")
