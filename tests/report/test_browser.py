"""The page in a real browser: its script runs through, draws, and runs nothing that was slipped in."""

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from affekt.report.page import render
from affekt.timeline import Prediction, Sentence, WordWeights
from report.made_up import banded, made_up

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine"),
]
QUIET = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --virtual-time-budget=2000"
)


def dom(folder: Path, prediction: Prediction, anchor: str = "") -> str:
    """The document after its script has run."""
    page = folder / "page.html"
    page.write_text(render(prediction, None), encoding="utf-8")
    command = [
        str(CHROMIUM),
        *QUIET.split(),
        f"--user-data-dir={folder / 'profile'}",
        "--dump-dom",
        page.as_uri() + anchor,
    ]
    done = subprocess.run(command, capture_output=True, check=True)
    return done.stdout.decode("utf-8")


def test_the_script_draws_everything(tmp_path: Path) -> None:
    document = dom(tmp_path, made_up(), "#t=12.3")
    assert 'data-ready=""' in document
    assert '<b id="clock">0:12.3</b>' in document
    for part in (
        'class="line arousal"',
        'class="line valence"',
        'class="gap"',
        'id="trail"',
        'id="pair-rows"',
    ):
        assert part in document
    shown = re.sub(r"<script.*?</script>|base64,[^\"]*", "", document, flags=re.S)
    assert "NaN" not in shown and "undefined" not in shown


def test_the_band_is_drawn_and_read_out(tmp_path: Path) -> None:
    presence = np.ones((4, 3), dtype=bool)
    presence[2] = False
    half = np.array([[0.2, 0.5], [0.2, 0.5], [np.nan, np.nan], [0.2, 0.5]], np.float32)
    values = np.float32([0.5, 0.5, 0.5, 0.5])
    prediction = banded(made_up(4, arousal=values, valence=values, presence=presence))
    document = dom(tmp_path, replace(prediction, band=half), "#t=0.1")
    assert 'data-ready=""' in document
    assert '<b id="arousal">+0.50 ± 0.20</b>' in document and '<b id="valence">+0.50 ± 0.50</b>' in document
    areas = {name: d for d, name in re.findall(r'<path d="([^"]*)" class="band (\w+)"', document)}
    zero = re.search(r'd="M46 ([\d.]+)H[\d.]+" class="zero"', document)
    assert zero is not None
    middle = float(zero[1])
    for name, low, high in (("arousal", 0.3, 0.7), ("valence", 0.0, 1.0)):
        # Frames 0 and 1 in one piece, 3 in another; heights between the plot's top (+1) and its middle (0).
        pieces = [re.findall(r"([\d.]+) ([\d.]+)", piece) for piece in areas[name].strip("Mz").split("zM")]
        assert [len(piece) for piece in pieces] == [4, 4]
        heights = {float(y) for piece in pieces for _, y in piece}
        assert {round((middle - y) / (middle - 10), 2) for y in heights} == {low, high}


def test_the_script_runs_through_where_parts_are_missing(tmp_path: Path) -> None:
    for i, prediction in enumerate((made_up(0), made_up(1, "concatenation", stills=(), face_maps=()))):
        folder = tmp_path / str(i)
        folder.mkdir()
        assert 'data-ready=""' in dom(folder, prediction)


def test_nothing_slipped_in_runs(tmp_path: Path) -> None:
    attack = (
        "</script><script>document.body.id='taken'</script><img src=x onerror=\"document.body.id='taken'\">"
    )
    words = WordWeights(Sentence(0.0, 2.0, attack), (attack,), np.ones((1, 1), np.float32))
    document = dom(tmp_path, made_up(60, name=attack, word_weights=(words,), info={"warnings": [attack]}))
    assert 'data-ready=""' in document
    assert (
        '<body id="taken"' not in document and "<img src=x" not in document and '<img src="x"' not in document
    )
