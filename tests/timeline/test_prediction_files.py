"""Predictions on disk: tables, JSON there and back, and nothing half-written."""

from __future__ import annotations

import copy
import errno
import json
import os
import resource
import signal
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from affekt.errors import OutputError, PredictionError
from affekt.timeline import FaceMap, Prediction, Sentence, Still, WordWeights
from affekt.timeline.files import (
    atomic,
    from_json,
    read_json,
    to_json,
    write_csv,
    write_json,
    write_parquet,
)


def made_up(frames: int = 12, weights: bool = True, name: str = "talk.mp4") -> Prediction:
    """A prediction with something in every field."""
    rng = np.random.default_rng(0)
    presence = rng.random((frames, 3)) > 0.3
    raw = rng.random((frames, 3)) * presence
    shares = raw / np.maximum(raw.sum(axis=1, keepdims=True), 1e-9)
    pairs = rng.random((frames, 3, 2))
    pairs /= pairs.sum(axis=2, keepdims=True)
    heads = np.array([[0.25, 0.75], [1.0, 0.0]], np.float32)
    some = frames > 0
    return Prediction(
        name=name,
        arousal=rng.uniform(-1, 1, frames).astype(np.float32),
        valence=rng.uniform(-1, 1, frames).astype(np.float32),
        presence=presence,
        modality_weights=shares.astype(np.float32) if weights else None,
        pair_weights=pairs.astype(np.float32) if weights else None,
        pair_shares=shares.astype(np.float32) if weights else None,
        word_weights=(WordWeights(Sentence(0.1, 0.7, "Guten <Tag>"), ("Guten", "Tag"), heads),),
        face_maps=(FaceMap(0, rng.integers(0, 256, (8, 8, 3), np.uint8), np.eye(2, 3, dtype=np.float32)),)
        * some,
        stills=(Still(0, b"\xff\xd8 jpeg", (0.1, 0.2, 0.3, 0.4)), Still(0, b"\xff\xd8")) * some,
        info={"fusion": "hierarchical", "warnings": ["none"]},
        band=np.where(presence.any(1)[:, None], rng.random((frames, 2)), np.nan).astype(np.float32)
        if weights
        else None,
    )


def assert_same(one: Prediction, other: Prediction) -> None:
    """Equal but for the rounding to six decimals."""
    assert (one.name, one.info, one.stills) == (other.name, other.info, other.stills)
    assert np.array_equal(one.presence, other.presence) and other.presence.dtype == bool
    for field in ("arousal", "valence", "modality_weights", "pair_weights", "pair_shares", "band"):
        a, b = getattr(one, field), getattr(other, field)
        assert (a is None) == (b is None)
        if a is not None:
            assert a.shape == b.shape and b.dtype == np.float32
            np.testing.assert_allclose(b, a, atol=6e-7)
    for words, again in zip(one.word_weights, other.word_weights, strict=True):
        assert (words.sentence, words.words) == (again.sentence, again.words)
        np.testing.assert_allclose(again.heads, words.heads, atol=6e-7)
    for face, again in zip(one.face_maps, other.face_maps, strict=True):
        assert face.frame == again.frame and np.array_equal(face.face, again.face)
        np.testing.assert_allclose(again.map, face.map, atol=6e-7)


def test_csv_by_hand(tmp_path):
    prediction = Prediction(
        name='a "talk", loud.mp4',
        arousal=np.array([0.5, -1e-9, 1.0], np.float32),
        valence=np.array([-0.25, 0.1, -1.0], np.float32),
        presence=np.array([[1, 0, 1], [0, 0, 0], [1, 1, 1]], bool),
        modality_weights=np.array([[0.25, 0, 0.75], [0, 0, 0], [0.2, 0.3, 0.5]], np.float32),
    )
    path = tmp_path / "talk.csv"
    write_csv(prediction, path)
    assert path.read_text() == (
        "name,time,arousal,valence\n"
        '"a ""talk"", loud.mp4",0.0,0.500000,-0.250000\n'
        '"a ""talk"", loud.mp4",0.1,0.000000,0.100000\n'
        '"a ""talk"", loud.mp4",0.2,1.000000,-1.000000\n'
    )
    write_csv(prediction, path, ("weights", "presence"))
    header, first, second, _ = path.read_text().splitlines()
    assert header == (
        "name,time,arousal,valence,text,audio,visual,present,weight_text,weight_audio,weight_visual"
    )
    assert first.endswith(",1,0,1,1,0.250000,0.000000,0.750000")
    assert second.endswith(",0,0,0,0,0.000000,0.000000,0.000000")


def test_csv_without_weights_leaves_their_cells_empty(tmp_path):
    write_csv(made_up(weights=False), tmp_path / "talk.csv", ["weights"])
    assert (tmp_path / "talk.csv").read_text().splitlines()[1].endswith(",,,")


def test_csv_times_have_no_dust_and_no_frames_no_rows(tmp_path):
    write_csv(made_up(36_000), tmp_path / "hour.csv")
    times = [line.split(",")[1] for line in (tmp_path / "hour.csv").read_text().splitlines()[1:]]
    assert times == [f"{k // 10}.{k % 10}" for k in range(36_000)]
    write_csv(made_up(0), tmp_path / "none.csv")
    assert (tmp_path / "none.csv").read_text() == "name,time,arousal,valence\n"


def test_a_name_that_is_no_unicode(tmp_path):
    write_csv(made_up(2, name="caf\udce9.mp4"), tmp_path / "talk.csv")
    assert (tmp_path / "talk.csv").read_text().splitlines()[1].startswith("caf?.mp4,")


def banded() -> Prediction:
    """Three frames, of which the last has nothing to judge; the band of the first reaches beyond 1."""
    return Prediction(
        name="talk.mp4",
        arousal=np.float32([0.9, -0.25, 0.5]),
        valence=np.float32([-0.5, 0.0, 0.5]),
        presence=np.array([[1, 1, 1], [0, 1, 0], [0, 0, 0]], bool),
        modality_weights=None,
        band=np.float32([[0.2, 0.75], [0.0, 0.125], [np.nan, np.nan]]),
    )


def test_edges_of_the_band_by_hand(tmp_path):
    write_csv(banded(), tmp_path / "talk.csv", ["band"])
    assert (tmp_path / "talk.csv").read_text().splitlines() == [
        "name,time,arousal,valence,arousal_low,arousal_high,valence_low,valence_high",
        "talk.mp4,0.0,0.900000,-0.500000,0.700000,1.000000,-1.000000,0.250000",
        "talk.mp4,0.1,-0.250000,0.000000,-0.250000,-0.250000,-0.125000,0.125000",
        "talk.mp4,0.2,0.500000,0.500000,,,,",
    ]
    with pytest.raises(PredictionError, match=r"^talk.mp4: the model gave no band; ask for other columns$"):
        write_csv(made_up(weights=False), tmp_path / "none.csv", ["band"])
    assert not (tmp_path / "none.csv").exists()


def test_a_band_in_json_and_none_in_older_files():
    data = to_json(banded())
    assert data["band"] == [[0.2, 0.75], [0.0, 0.125], None]
    assert np.array_equal(from_json(data).band, banded().band, equal_nan=True)
    del data["band"]
    assert from_json(data).band is None


def test_unknown_columns(tmp_path):
    with pytest.raises(ValueError, match="no such columns: colour"):
        write_csv(made_up(), tmp_path / "talk.csv", ["colour"])


def test_parquet_holds_the_same_table(tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    prediction = made_up()
    write_parquet(prediction, tmp_path / "talk.parquet", ["presence", "weights"])
    columns = parquet.read_table(tmp_path / "talk.parquet").to_pydict()
    assert columns["name"] == ["talk.mp4"] * 12 and columns["time"][:3] == [0.0, 0.1, 0.2]
    assert columns["arousal"] == prediction.arousal.tolist()
    assert columns["visual"] == prediction.presence[:, 2].tolist()
    assert columns["weight_text"] == prediction.modality_weights[:, 0].tolist()


def test_parquet_without_pyarrow_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(OutputError, match=r"pip install 'affekt\[parquet\]'"):
        write_parquet(made_up(), tmp_path / "talk.parquet")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("frames", [0, 1, 12])
@pytest.mark.parametrize("weights", [True, False])
def test_json_there_and_back(tmp_path, frames, weights):
    prediction = made_up(frames, weights)
    write_json(prediction, tmp_path / "talk.json")
    again = read_json(tmp_path / "talk.json")
    assert_same(prediction, again)
    assert to_json(again) == to_json(prediction)


def test_json_takes_what_info_holds(tmp_path):
    prediction = made_up()
    prediction.info.update(source=tmp_path, seconds=np.float32(0.5))
    write_json(prediction, tmp_path / "talk.json")
    info = read_json(tmp_path / "talk.json").info
    assert (info["source"], info["seconds"]) == (str(tmp_path), 0.5)


def test_the_same_prediction_gives_the_same_bytes(tmp_path):
    for name in ("one", "two"):
        write_json(made_up(), tmp_path / f"{name}.json")
        write_csv(made_up(), tmp_path / f"{name}.csv")
    for kind in ("json", "csv"):
        assert (tmp_path / f"one.{kind}").read_bytes() == (tmp_path / f"two.{kind}").read_bytes()


def change(path: str, value: object) -> dict:
    """The JSON of a prediction with one value replaced."""
    data = copy.deepcopy(to_json(made_up()))
    place = data
    *steps, last = [int(step) if step.isdigit() else step for step in path.split("/")]
    for step in steps:
        place = place[step]
    place[last] = value
    return data


@pytest.mark.parametrize(
    ("path", "value", "what"),
    [
        ("format", "affekt-prediction-2", "not a prediction of this version"),
        ("name", 3, "name should be a text"),
        ("arousal", "loud", "arousal should be numbers"),
        ("arousal/0", 1.5, "arousal should be numbers from -1 to 1"),
        ("arousal/0", None, "arousal should be numbers"),
        ("arousal/0", float("nan"), "arousal should be numbers"),
        ("arousal/0", 10**400, "arousal should be numbers"),
        ("valence", [0.0], "shape 12"),
        ("valence", [], "shape 12"),
        ("presence/0", [1, 0], "presence should be numbers"),
        ("modality_weights", [[1, 0, 0]], "shape 12 × 3"),
        ("pair_weights/0/0/0", "x", "shape 12 × 3 × 2"),
        ("band", [], "band should be of 12 frames"),
        ("band", 0.5, "band should be a list"),
        ("band/0", [0.5], "band should be numbers"),
        ("band/0", [0.5, -0.1], "band should be numbers from 0"),
        ("band/0", [0.5, None], "band should be numbers"),
        ("word_weights", {}, "word_weights should be a list"),
        ("word_weights/0", "x", "list of tables"),
        ("word_weights/0/words/0", 1, "words should be texts"),
        ("word_weights/0/heads", [], "heads should not be empty"),
        ("word_weights/0/start", None, "start should be numbers"),
        ("face_maps/0/size", 9, "face should hold 9"),
        ("face_maps/0/face", "%", "face should be base64"),
        ("face_maps/0/map", [[]], "map should not be empty"),
        ("face_maps/0/frame", 12, "one of the 12 frames"),
        ("stills/0/jpeg", "AAAA", "JPEG"),
        ("stills/0/box", [0.1], "box should be"),
        ("stills/0/frame", True, "frame should be a whole number"),
        ("info", None, "info should be a table"),
    ],
)
def test_what_is_wrong_is_named_in_one_line(tmp_path, path, value, what):
    file = tmp_path / "talk.json"
    file.write_text(json.dumps(change(path, value)))
    with pytest.raises(PredictionError) as raised:
        read_json(file)
    message = str(raised.value)
    assert message.startswith(f"{file}: ") and what in message and "\n" not in message


@pytest.mark.parametrize("content", [b"", b"[]", b"null", b"\xff", b"[" * 100_000, b'{"format": 1}'])
def test_other_files_are_refused(tmp_path, content):
    (tmp_path / "talk.json").write_bytes(content)
    with pytest.raises(PredictionError):
        read_json(tmp_path / "talk.json")
    with pytest.raises(PredictionError, match="cannot be read"):
        read_json(tmp_path / "nothing.json")


plain_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
fields = st.sampled_from(
    [*to_json(made_up()), *(f"word_weights/0/{key}" for key in ("start", "end", "text", "words", "heads"))]
    + [f"face_maps/0/{key}" for key in ("frame", "size", "face", "map")]
    + [f"stills/0/{key}" for key in ("frame", "jpeg", "box")]
)


@given(fields, plain_values)
@settings(deadline=None)
def test_any_value_anywhere_is_taken_or_refused(path, value):
    try:
        prediction = from_json(change(path, value))
    except PredictionError as error:
        assert "\n" not in str(error)
    else:
        assert np.isfinite(prediction.arousal).all() and len(prediction.valence) == len(prediction)


def test_atomic_replaces_as_a_whole_with_ordinary_rights(tmp_path):
    path = tmp_path / "talk.csv"
    path.write_text("old")
    with atomic(path) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old" and temporary.parent == tmp_path
    assert path.read_text() == "new" and list(tmp_path.iterdir()) == [path]
    (tmp_path / "plain").touch()
    assert path.stat().st_mode == (tmp_path / "plain").stat().st_mode


@pytest.mark.parametrize("fault", [KeyboardInterrupt, ValueError])
def test_atomic_leaves_nothing_of_what_was_broken_off(tmp_path, fault):
    path = tmp_path / "talk.csv"
    path.write_text("old")
    with pytest.raises(fault), atomic(path) as temporary:
        temporary.write_text("half")
        raise fault
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("write", [write_csv, write_json])
def test_a_full_disk_leaves_the_old_file_and_no_litter(tmp_path, write):
    """The system's own limit on a file's size stands in for the disk's end."""
    path = tmp_path / "talk.csv"
    path.write_text("old")
    limits, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.getsignal(signal.SIGXFSZ)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with pytest.raises(OutputError) as raised:
            write(made_up(500), path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert str(path) in str(raised.value) and "\n" not in str(raised.value)
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


def test_a_refused_replacement_leaves_no_litter(tmp_path, monkeypatch):
    def refuse(*_):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(OutputError, match="Permission denied"):
        write_csv(made_up(), tmp_path / "talk.csv")
    assert list(tmp_path.iterdir()) == []


def test_places_that_cannot_be_written(tmp_path):
    with pytest.raises(OutputError, match="No such file or directory"):
        write_csv(made_up(), tmp_path / "nowhere" / "talk.csv")
    (tmp_path / "folder").mkdir()
    with pytest.raises(OutputError, match="choose another name"):
        write_csv(made_up(), tmp_path / "folder")
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(OutputError, match="choose another name"):
        write_csv(made_up(), pipe)
    assert sorted(tmp_path.iterdir()) == [tmp_path / "folder", pipe]
