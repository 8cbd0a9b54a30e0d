"""The commands on the pages of docs/corpora do what they say, on miniatures of the corpora they are about."""

from __future__ import annotations

import importlib
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import affekt
from affekt.cli import affekt as command

PAGES = sorted((Path(__file__).parents[1] / "docs" / "corpora").glob("*.md"))
LONGEST = 60
"""Lines that somebody with five minutes reads."""

FOLDERS = {
    "sewa": {"SEWA": "avec2017"},
    "avec-cross-cultural": {"AVEC2019": "avec2019"},
    "recola": {"RECOLA": "recola", "AVEC2016": "avec2016"},
    "aff-wild2": {"AffWild2": "affwild2"},
    "muse": {"c1_muse_wilder": "muse"},
    "omg": {"OMG": "omg"},
}
"""Page → folder that its commands name → miniature that stands in for it."""


def commands(page: Path) -> list[str]:
    """The lines `$ affekt …` of a page's console blocks, without the dollar."""
    blocks = re.findall(r"^```console\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    return [line[2:] for block in blocks for line in block.splitlines() if line.startswith("$ affekt ")]


def lay_out(page: str, here: Path) -> None:
    """Put what a page takes for granted where its commands run."""
    for name, miniature in FOLDERS.get(page, {}).items():
        built = importlib.import_module(f"corpora.miniatures.{miniature}").build(here / "built" / miniature)
        built.rename(here / name)


def write_predictions(gold: Path, folder: Path) -> None:
    """Traces such as `affekt predict --out DIR` writes, one for each recording of a corpus."""
    from affekt.corpora.readers import read_corpus

    folder.mkdir()
    for one in read_corpus(gold).recordings:
        frames = 60 if one.gold is None or one.gold.whole else len(one.gold)
        time = np.arange(frames) / 10
        rows = (f"{one.label},{t:.1f},{0.1 * np.sin(t):.6f},{0.1 * np.cos(t):.6f}" for t in time)
        (folder / f"{one.label}.csv").write_text("\n".join(["name,time,arousal,valence", *rows, ""]))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_commands_run(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: affekt.Model
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("affekt.api.load_model", lambda name="default", threads=None: model)
    lay_out(page.stem, tmp_path)
    for line in commands(page):
        if "--predictions predictions" in line and not Path("predictions").exists():
            write_predictions(Path(next(iter(FOLDERS[page.stem]))), Path("predictions"))
        result = CliRunner().invoke(command, shlex.split(line)[1:])
        said = f"$ {line}\n{result.output}"
        # Miniatures have faults on purpose, and an inspection that finds them exits with 1.
        good = (0, 1) if " corpus inspect " in line else (0,)
        assert result.exit_code in good and (
            result.exception is None or isinstance(result.exception, SystemExit)
        ), said


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_page_is_short_and_links_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= LONGEST
    for link in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (page.parent / link).is_file(), link
    assert page.stem == "index" or commands(page)
    assert page.stem == "index" or f"({page.name})" in (page.parent / "index.md").read_text(encoding="utf-8")
