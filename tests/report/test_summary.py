"""A prediction in words."""

import io
from pathlib import Path

import numpy as np
import pytest

from affekt.report import summary
from affekt.timeline import Prediction
from report.made_up import made_up


def plain(arousal: list[float], valence: list[float], presence: list[list[bool]] | None = None) -> Prediction:
    """A prediction with nothing but values; all present unless told otherwise."""
    there = np.ones((len(arousal), 3), dtype=bool) if presence is None else np.array(presence)
    return Prediction("a.mp4", np.float32(arousal), np.float32(valence), there, None)


def test_headline_names_the_quadrant_and_its_share() -> None:
    prediction = plain([-0.5, -0.5, -0.5, 0.5], [0.5, 0.5, 0.5, -0.5])
    assert summary.headline(prediction) == "Mostly calm and pleasant: 75 % of the time"
    assert summary.mood_shares(prediction) == [("calm and pleasant", 0.75), ("excited and unpleasant", 0.25)]


def test_near_neutral_is_called_near_neutral() -> None:
    assert summary.headline(plain([0.09] * 3, [-0.09] * 3)) == "Near neutral throughout"
    assert summary.headline(plain([0.5] * 3, [0.02] * 3)) == "Excited throughout"
    assert summary.headline(plain([0.02] * 3, [-0.5] * 3)) == "Unpleasant throughout"


def test_headline_where_no_mood_leads() -> None:
    turns = plain([-0.5, -0.5, 0.5, 0.0, 0.5], [0.5, 0.5, 0.5, 0.5, -0.5])
    assert summary.headline(turns) == "Mostly pleasant: 80 % of the time, by turns calm and excited"
    mixed = plain([-0.5, 0.5, 0.0, -0.5, 0.5], [0.5, -0.5, 0.0, 0.5, 0.0])
    assert summary.headline(mixed) == "Mixed: 40 % of the time calm and pleasant, 20 % excited"


def test_frames_in_which_nothing_was_there_do_not_count() -> None:
    presence = [[True] * 3, [False] * 3, [False] * 3]
    prediction = plain([0.5, -0.5, -0.5], [0.5, -0.5, -0.5], presence)
    assert summary.mood_shares(prediction) == [("excited and pleasant", 1.0)]
    nothing = plain([0.5], [0.5], [[False] * 3])
    assert summary.headline(nothing).startswith("Nothing to judge")


def test_a_picture_has_no_time() -> None:
    assert summary.headline(plain([0.4], [0.4])) == "Excited and pleasant"
    assert "from" not in "\n".join(summary.lines(plain([0.4], [0.4])))


def test_missing_stretches_over_a_second_are_named_at_most_five() -> None:
    presence = np.ones((400, 3), dtype=bool)
    presence[:10, 2] = False  # a second: too short to name
    for k in range(6):
        presence[50 * k + 20 : 50 * k + 32, 2] = False
    presence[:, 0] = False
    rows = dict(summary.facts(plain([0.1] * 400, [0.1] * 400, presence.tolist())))
    assert rows["no face"] == (
        "0:02.0 to 0:03.2, 0:07.0 to 0:08.2, 0:12.0 to 0:13.2, 0:17.0 to 0:18.2, 0:22.0 to 0:23.2 "
        "and 1 more, 7.2 s in all"
    )
    assert rows["no text"] == "anywhere"
    assert "no audio" not in rows


def test_lines_hold_means_shares_weights_and_files() -> None:
    prediction = made_up()
    text = "\n".join(summary.lines(prediction, [Path("out/talk.csv"), Path("out/talk.html")]))
    assert text.startswith("garden talk.mp4: 1 min 0 s, 600 frames\n")
    weights = prediction.modality_weights
    assert weights is not None
    mean = weights[prediction.presence.any(axis=1)].mean(axis=0)
    assert f"present in {summary.percent(prediction.shares['text'])} of the frames" in text
    assert f"mean weight {summary.percent(float(mean[2]))}" in text
    assert str(Path("out/talk.csv")) in text and str(Path("out/talk.html")) in text


def test_warnings_and_names_cannot_move_the_cursor_of_a_terminal() -> None:
    prediction = made_up(30, name="\x1b[2Jevil.mp4", info={"warnings": ["cut\r\x1b]0;x\x07"]})
    text = "\n".join(summary.lines(prediction))
    assert "?[2Jevil.mp4" in text and "cut??]0;x?" in text
    assert all(char.isprintable() or char == "\n" for char in text)


@pytest.mark.parametrize("fusion", ["hierarchical", "cross_modal", "self_attention", "concatenation"])
@pytest.mark.parametrize("frames", [0, 1, 30])
def test_summary_never_says_nan(fusion: str, frames: int) -> None:
    prediction = made_up(frames, fusion)
    prediction.arousal[:1] = np.nan
    assert "nan" not in "\n".join(summary.lines(prediction)).lower()


def test_show_is_plain_where_there_is_no_terminal() -> None:
    buffer = io.StringIO()
    summary.show(made_up(), file=buffer)
    assert buffer.getvalue().splitlines() == summary.lines(made_up())
    raw = io.BytesIO()
    narrow = io.TextIOWrapper(raw, encoding="ascii")
    summary.show(made_up(30, name="Gespräch.mp4"), file=narrow)
    narrow.flush()
    assert raw.getvalue().startswith(b"Gespr?ch.mp4")


def test_show_is_coloured_on_a_terminal_and_takes_no_markup(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    for name in ("NO_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    terminal = Terminal()
    summary.show(made_up(name="[red]a.mp4"), [Path("x.csv")], file=terminal)
    assert "[red]a.mp4" in terminal.getvalue() and "x.csv" in terminal.getvalue()
    assert "\x1b[" in terminal.getvalue()


def test_figures_are_rounded_honestly() -> None:
    assert [summary.percent(share) for share in (0, 0.004, 0.5, 0.996, 1)] == [
        "0 %",
        "< 1 %",
        "50 %",
        "> 99 %",
        "100 %",
    ]
    assert summary.length(35_996) == "1 h 0 min"
    assert summary.length(599) == "59.9 s"
    assert [summary.signed(v) for v in (-0.004, 0.005, float("inf"))] == ["0.00", "+0.01", "-"]
