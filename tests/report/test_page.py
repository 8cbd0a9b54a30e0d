"""The page: whole, safe, small, the same each time."""

import base64
import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest

from affekt.report.page import render
from affekt.report.payload import payload
from affekt.timeline import Sentence, WordWeights
from report.made_up import HIERARCHY, banded, made_up

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(1)>\"'&{{style}}<!--\u2028.mp4"


class Reader(HTMLParser):
    """Tags with their attributes, the text that is shown, and what stands in scripts and styles."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.raw: list[tuple[dict[str, str | None], str]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1][0] in ("script", "style") and self.cdata_elem:
            self.raw.append((self.tags[-1][1], data))
        else:
            self.text += data


def data_of(page: str) -> dict[str, Any]:
    """What the script reads."""
    match = re.search(r'id="data">(.*?)</script>', page, re.S)
    assert match is not None
    return json.loads(match[1])


def unpack(packed: str, kind: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(packed), dtype=kind)


CASES = {
    "whole": lambda: made_up(),
    "cross-modal": lambda: made_up(fusion="cross_modal"),
    "concatenation": lambda: made_up(fusion="concatenation"),
    "no faces, no stills": lambda: made_up(face_maps=(), stills=()),
    "no words": lambda: made_up(word_weights=()),
    "one frame": lambda: made_up(1),
    "empty": lambda: made_up(0),
    "with a band": lambda: banded(made_up()),
    "an empty band": lambda: banded(made_up(0)),
    "nothing present, with a band": lambda: banded(made_up(60, presence=np.zeros((60, 3), dtype=bool))),
    "nothing present": lambda: made_up(60, presence=np.zeros((60, 3), dtype=bool)),
}


@pytest.mark.parametrize("case", CASES)
def test_every_kind_of_prediction_makes_a_page(case: str) -> None:
    page = render(CASES[case](), None)
    reader = Reader(page)
    shown = reader.text.lower()
    assert page.startswith("<!DOCTYPE html>") and page.rstrip().endswith("</html>")
    assert "{{" not in page
    assert "nan" not in shown and "none" not in shown and "inf" not in shown.replace("info", "")
    assert "not what they feel" in shown and "at work, at school" in shown


def test_nothing_is_fetched_from_anywhere() -> None:
    page = render(made_up(), "../talk.mp4")
    assert not re.search(
        r"https?:|//[a-z]|@import|url\((?!\"#)",
        re.sub(r"base64,[^\"]*|\"[A-Za-z0-9+/=]{40,}\"|sha256-[\w+/]*", "", page),
    )
    links = [v for _, a in Reader(page).tags for k, v in a.items() if k in ("src", "href")]
    assert set(links) == {"./../talk.mp4"}


def test_policy_lets_only_our_own_script_and_style_run() -> None:
    page = render(made_up(), None)
    reader = Reader(page)
    policy = next(a["content"] for t, a in reader.tags if a.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None and policy.startswith("default-src 'none'; ") and "unsafe" not in policy
    code = [text for attributes, text in reader.raw if attributes.get("type") != "application/json"]
    assert len(code) == 2
    for text in code:
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy
    assert not any(name.startswith("on") or name == "style" for _, a in reader.tags for name in a)


def test_names_words_and_warnings_are_escaped() -> None:
    words = WordWeights(Sentence(0.0, 1.0, HOSTILE), (HOSTILE,), np.ones((1, 1), np.float32))
    info = {"model": HOSTILE, "fusion": HOSTILE, "warnings": [HOSTILE]}
    page = render(made_up(60, name=HOSTILE, word_weights=(words,), info=info), HOSTILE)
    plain = render(made_up(60, name="a", word_weights=(words,), info={**info, "warnings": ["w"]}), "a")
    reader = Reader(page)
    assert [tag for tag, _ in reader.tags] == [tag for tag, _ in Reader(plain).tags]
    assert sum(tag == "script" for tag, _ in reader.tags) == 2
    assert not any("onerror" in a for _, a in reader.tags)
    assert data_of(page)["name"] == HOSTILE and data_of(page)["sentences"][0]["words"] == [HOSTILE]
    assert HOSTILE in reader.text


@pytest.mark.parametrize(
    ("path", "url"),
    [
        ("../talk.mp4", "./../talk.mp4"),
        ("..\\clips\\my talk #1.mp4", "./../clips/my%20talk%20%231.mp4"),
        ("javascript:alert(1)", "./javascript%3Aalert%281%29"),
        ('a" onerror="x.mp4', "./a%22%20onerror%3D%22x.mp4"),
        ("/films/é.mp4", "file:///films/%C3%A9.mp4"),
        ("C:\\films\\a b.mp4", "file:///C:/films/a%20b.mp4"),
    ],
)
def test_the_recording_is_linked_by_a_quoted_path(path: str, url: str) -> None:
    tags = Reader(render(made_up(30), path)).tags
    assert [a["src"] for tag, a in tags if tag == "source"] == [url]
    assert [a["href"] for tag, a in tags if tag == "a"] == [url]


def test_without_a_recording_there_is_no_link() -> None:
    tags = [tag for tag, _ in Reader(render(made_up(30), None)).tags]
    assert "video" not in tags and "a" not in tags


def test_the_same_prediction_gives_the_same_page() -> None:
    assert render(made_up(), "a.mp4") == render(made_up(), "a.mp4")


def test_an_hour_stays_small() -> None:
    prediction = made_up(36_000)
    noise = np.random.default_rng(0).integers(0, 256, (96, 96, 3), dtype=np.uint8)
    faces = tuple(replace(prediction.face_maps[0], frame=k, face=noise) for k in range(0, 36_000, 300))
    stills = tuple(
        replace(prediction.stills[0], frame=k, jpeg=noise.tobytes()) for k in range(0, 36_000, 100)
    )
    page = render(replace(prediction, face_maps=faces, stills=stills), None)
    assert len(page.encode()) < 5_000_000
    kept = [still["frame"] for still in data_of(page)["stills"]]
    assert len(kept) > 10 and len(set(np.diff(kept))) == 1


def test_the_script_is_given_the_values_themselves() -> None:
    prediction = made_up()
    values = payload(prediction)
    assert np.array_equal(unpack(values["arousal"], "<f4"), prediction.arousal)
    assert np.array_equal(unpack(values["valence"], "<f4"), prediction.valence)
    bits = unpack(values["presence"], "u1")
    assert np.array_equal(bits[:, None] >> np.arange(3) & 1, prediction.presence)
    assert prediction.modality_weights is not None and prediction.pair_weights is not None
    weights = unpack(values["weights"], "u1").reshape(-1, 3) / 255
    assert np.abs(weights - prediction.modality_weights).max() <= 0.5 / 255 + 1e-6
    pairs = unpack(values["pairs"], "u1").reshape(-1, 3, 2) / 255
    assert np.abs(pairs - prediction.pair_weights).max() <= 0.5 / 255 + 1e-6
    assert values["pairMembers"] == [[2, 0], [2, 1], [0, 1]] and not values["partners"]
    assert payload(made_up(fusion="cross_modal"))["partners"]
    assert payload(made_up(fusion="self_attention"))["pairs"] is None


def test_sentences_count_for_the_frames_of_their_alignment() -> None:
    lines = [(0.0, 1.0), (1.2, 2.0), (9.0, 9.5)]
    words = tuple(
        WordWeights(Sentence(start, end, "a b"), ("a", "b"), np.float32([[0.25, 0.75], [0.5, 0.5]]))
        for start, end in reversed(lines)
    )
    spread = payload(made_up(100, word_weights=words))["sentences"]
    assert [(line["from"], line["to"]) for line in spread] == [(0, 11), (12, 21), (90, 96)]
    assert spread[0]["heads"] == [[0.375, 0.625], [0.25, 0.75], [0.5, 0.5]]
    causal = payload(made_up(100, word_weights=words, info={"alignment": "causal"}))["sentences"]
    assert [(line["from"], line["to"]) for line in causal] == [(10, 20), (20, 70), (95, 145)]


def test_axes_end_where_the_values_can_be_seen() -> None:
    for scale, limit in ((0.2, 0.25), (0.3, 0.5), (0.9, 1.0)):
        values = np.array([0.0, scale, -scale], np.float32)
        prediction = made_up(
            3, arousal=values, valence=np.zeros(3, np.float32), presence=np.ones((3, 3), dtype=bool)
        )
        assert payload(prediction)["limit"] == limit


def test_a_band_is_given_in_hundredths() -> None:
    assert data_of(render(made_up(), None))["band"] is None
    band = np.float32([[0.184, 0.5], [3.0, 0.0], [np.nan, np.nan]])
    presence = np.array([[1, 1, 1], [1, 1, 1], [0, 0, 0]], bool)
    packed = payload(made_up(3, presence=presence, band=band))["band"]
    assert unpack(packed, "u1").tolist() == [18, 50, 255, 0, 0, 0]


def test_axes_have_room_for_the_band() -> None:
    here = np.ones((2, 3), bool)
    for width, limit in ((0.1, 0.25), (0.3, 0.5), (0.41, 1.0), (7.0, 1.0)):
        prediction = made_up(2, arousal=np.float32([0.1, 0]), valence=np.float32([0, 0]), presence=here)
        band = np.full((2, 2), width, np.float32)
        assert payload(replace(prediction, band=band))["limit"] == limit


@pytest.mark.parametrize(
    ("share", "said"),
    [
        (0.9, "90 % band Light areas around the lines: expected to hold 90 % of the true values."),
        (None, "band Light areas around the lines: how far off it may be."),
        ("<b>", "band Light areas around the lines: how far off it may be."),
        (float("nan"), "band Light areas around the lines: how far off it may be."),
    ],
)
def test_the_legend_says_what_the_band_is(share: object, said: str) -> None:
    prediction = banded(made_up(60))
    prediction.info["band"] = share
    text = re.sub(r"<[^>]*>", " ", render(prediction, None))
    assert said in re.sub(r"\s+", " ", text)
    assert "Light areas" not in render(made_up(60), None)


def test_the_table_has_the_bands_half_width() -> None:
    presence = np.ones((60, 3), dtype=bool)
    presence[30:] = False
    band = np.repeat(np.float32([[0.25, 0.5], [np.nan, np.nan]]), 30, axis=0)
    page = render(made_up(60, presence=presence, band=band), None)
    rows = [re.findall("<td>(.*?)</td>", row) for row in re.findall(r'<tr><th scope="row">(.*?)</tr>', page)]
    assert rows[0][-2:] == ["0.25", "0.50"] and rows[5][-2:] == ["–", "–"]


def test_the_table_averages_what_was_judged() -> None:
    presence = np.ones((60, 3), dtype=bool)
    presence[30:] = False
    values = np.repeat(np.float32([0.5, -0.25]), 30)
    prediction = made_up(60, arousal=values, valence=-values, presence=presence)
    page = render(prediction, None)
    rows = re.findall(r'<tr><th scope="row">(.*?)</th>(.*?)</tr>', page)
    assert [row[0] for row in rows] == [f"0:0{k}.0" for k in range(6)]
    cells = [re.findall("<td>(.*?)</td>", row[1]) for row in rows]
    assert cells[0][:3] == ["+0.50", "−0.50", "100 %"] and cells[4][:3] == ["–", "–", "0 %"]
    assert cells[5][5:] == ["–", "–", "–"]


def test_missing_values_are_gaps_not_numbers() -> None:
    prediction = made_up(50, info={"pairs": HIERARCHY})
    prediction.arousal[10:20] = np.nan
    box = (float("nan"), 0.0, 1.0, 1.0)
    page = render(replace(prediction, stills=(replace(prediction.stills[0], box=box),)), None)
    assert data_of(page)["stills"][0]["box"] is None
    assert "nan" not in Reader(page).text.lower()


def test_a_flat_map_is_even() -> None:
    prediction = made_up()
    flat = replace(prediction.face_maps[0], map=np.full((6, 4), 2.0, np.float32))
    face = payload(replace(prediction, face_maps=(flat,)))["faces"][0]
    assert (face["width"], face["height"]) == (4, 6)
    assert set(unpack(face["map"], "u1").tolist()) == {128}
