"""CONTRIBUTING's table of rooms names what is in src/affekt, and nothing else."""

import re

from conftest import ROOT

NOT_ROOMS = {"__init__.py", "__main__.py"}


def test_the_map_is_true() -> None:
    package = ROOT / "src" / "affekt"
    modules = {path.name for path in package.glob("*.py")} - NOT_ROOMS
    folders = {
        f"{path.parent.name}/"
        for path in package.glob("*/__init__.py")
        if len(list(path.parent.glob("*.py"))) > 1
    }
    contributing = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = set(re.findall(r"^\| `([a-z_]+(?:/|\.py))` \|", contributing, re.MULTILINE))
    assert named == modules | folders
