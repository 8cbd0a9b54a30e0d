"""An inspection as a page and on the terminal: what is there, and nothing that was slipped in."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np

from affekt.corpora.corpus import Corpus, Fault
from affekt.corpora.inspection.count import inspect
from affekt.corpora.inspection.figures import Inspection
from affekt.report.corpus import render_inspection
from affekt.report.inspection import SHOWN, grouped, show_inspection
from affekt.timeline import Gold, Recording, Sentence

ATTACK = "</td><script>alert(1)</script>\x1b[2J"


def found(name: str = "Train_01", faults: tuple[Fault, ...] = ()) -> Inspection:
    root = Path("/data/SEWA")
    values = np.linspace(-1, 1, 300, dtype=np.float32).reshape(-1, 1).repeat(2, axis=1)
    values[100:110] = np.nan
    recordings = (
        Recording(None, (Sentence(0, 1, "ja"),), name=name, partition="train", group=name, gold=Gold(values)),
        Recording(
            None, (), name="Train_02", partition="train", gold=Gold(np.array([[0.25, np.nan]]), whole=True)
        ),
        Recording(None, (), name="Test_01", partition="test", speaker=name),
    )
    expected = {"train": {"recordings": 34, "frames": 54813}}
    return inspect(Corpus("SEWA <2017>", root, recordings, faults, (f"a note {name}",), 5, expected))


def text_of(found: Inspection) -> str:
    file = io.StringIO()
    show_inspection(found, file)
    return file.getvalue()


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        if tag not in ("meta", "br", "rect", "circle", "polyline", "line"):
            self.open.append(tag)
        assert not [key for key, _ in attrs if key.startswith("on") or key == "style"]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_page_is_well_formed_and_escaped() -> None:
    fault = Fault(Path("/data/SEWA") / ATTACK, f"broken {ATTACK}", 3, "error", ATTACK)
    page = render_inspection(found(ATTACK, (fault,)))
    tags = Tags()
    tags.feed(page)
    assert tags.open == [] and "script" not in tags.seen
    assert "&lt;script&gt;alert(1)" in page and "SEWA &lt;2017&gt;" in page
    assert re.search(r"[^:/]//|https?:", page) is None, "nothing is fetched"


def test_page_shows_what_was_found() -> None:
    page = render_inspection(found(faults=(Fault(Path("/data/SEWA/labels/a.csv"), "is odd", 7, "warning"),)))
    figures = ("3 recordings", "54,813", "−54,513", "train, arousal", "arousal +0.25, valence –", "0:30.0")
    for part in (*figures, "labels/a.csv, line 7", "is odd", "a note Train_01", "no recording has sound"):
        assert part in page, part
    assert page.count("<polyline") >= 4, "a gap parts a trace in two"
    assert "NaN" not in page and "nan" not in page.replace("nanosecond", "")


def test_a_dimension_has_one_colour_and_no_modality_has_it() -> None:
    names = ("liking", "valence", "dominance", "arousal")
    values = np.zeros((30, 4), np.float32)
    one = Recording(None, (Sentence(0, 1, "ja"),), name="a", partition="train", gold=Gold(values, names))
    # A recording that has fewer of them, in another order.
    other = replace(one, name="b", gold=Gold(values[:, :2], ("dominance", "liking")))
    page = render_inspection(inspect(Corpus("made up", Path("/data"), (one, other))))
    histogram, small = page.split("Recordings</h2>")
    drawn = dict(re.findall(r'<li class="(\S+)"><span>(\w+)</span></li>', histogram))
    assert set(drawn.values()) == set(names) and len(drawn) == 4
    key = dict(re.findall(r'<li class="(\S+)"><span>(\w+)</span></li>', small))
    assert key == drawn
    dots = dict(re.findall(r'<li class="dot (\S+)"><span>(\w+)</span></li>', small))
    assert list(dots.values()) == ["text", "sound", "film"] and not dots.keys() & drawn.keys()
    assert re.findall(r'<circle class="(\S+)"', small)[:3] == list(dots)
    traces = [re.findall(r'<polyline class="(\S+)"', row) for row in small.split("gold over time")[1:]]
    by_name = {name: colour for colour, name in drawn.items()}
    assert traces == [[by_name[n] for n in names], [by_name["dominance"], by_name["liking"]]]


def test_terminal_is_80_columns_wide_and_clean() -> None:
    fault = Fault(Path("/data") / ATTACK, "broken", 3, "error", ATTACK)
    text = text_of(found(ATTACK, (fault,)))
    table = text.split("missing")[0].splitlines()[1:]
    assert max(map(len, table)) <= 80
    assert "\x1b" not in text and "[2J" in text
    assert re.search(r"train +2 +300 +1 ", text) and re.search(r"published +34 +54,813", text)
    assert re.search(r"difference +−32 +−54,513", text)
    assert f"error   {fault.path.parent}" in text and text.rstrip().endswith("1 error, no warnings")


def test_like_faults_are_said_once_and_many_are_counted() -> None:
    like = tuple(Fault(Path(f"{i}.csv"), f"ends {i}.5 s early", i, "warning") for i in range(30))
    assert [(fault.path.name, count) for fault, count in grouped(like)] == [("0.csv", 30)]
    kinds = tuple(Fault(Path("a.csv"), f"fault {'x' * i}") for i in range(1, SHOWN + 6))
    text = text_of(found(faults=(*kinds, *like)))
    assert "and 35 more: --json FILE or --page FILE list all" in text
    assert text.count("error  ") == SHOWN
    assert render_inspection(found(faults=(*kinds, *like))).count("s early") == 30
