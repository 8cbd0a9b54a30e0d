"""`affekt features`: what the networks make of each frame, on disk."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from safetensors.numpy import load_file

from affekt.cli import affekt as group
from affekt.cli.features import features as command
from affekt.cli.subjects import predictor_of
from affekt.corpora.prepared.build import prepare
from affekt.corpora.prepared.dataset import Dataset
from affekt.corpora.readers import read_corpus
from affekt.runtime.bundle import open_bundle
from affekt.runtime.predictor import Predictor
from affekt.timeline import MODALITIES, Recording, Sentence
from bundles import CONFIG, SPEC, bundle_folder
from corpora.miniatures import avec2017
from corpora.tiny import DEMO, film, tree

Extract = Callable[..., Result]
SIZES = dict(zip(MODALITIES, CONFIG.sizes, strict=True))


@pytest.fixture
def extract(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Extract:
    """Runs `affekt features … --model TINY --out o`."""
    monkeypatch.chdir(tmp_path)
    if "features" not in group.commands:
        monkeypatch.setitem(group.commands, "features", command)
    words = ["features", "--model", str(bundle_folder())]
    return lambda *more, out="o": CliRunner().invoke(group, [*words, "--out", out, *map(str, more)])


def load(path: str | Path) -> dict[str, np.ndarray]:
    with np.load(path, allow_pickle=False) as file:
        return dict(file)


def test_they_are_what_the_networks_say(extract: Extract, tmp_path: Path) -> None:
    result = extract(DEMO)
    assert result.exit_code == 0, result.output
    got = load("o/demo.npz")
    predictor = Predictor(open_bundle(bundle_folder()), 1)
    source = predictor.read(Recording(DEMO))
    plain = predictor.predict(Recording(DEMO), pictures=False)
    np.testing.assert_allclose(got["arousal"], plain.arousal, rtol=0, atol=1e-5)
    np.testing.assert_allclose(got["valence"], plain.valence, rtol=0, atol=1e-5)
    assert np.array_equal(got["presence"], plain.presence) and got["presence"].any(0).all()
    assert got["time"].tolist() == plain.time.tolist()
    # Each network by itself, on the whole recording at once.
    vectors, _ = predictor.engine.encode([one.text for one in source.sentences])
    clips = list(source)
    rows = np.concatenate([clip.frame_sentence for clip in clips])
    text = np.where((rows >= 0)[:, None], vectors[rows], 0)
    np.testing.assert_allclose(got["text"], text, rtol=0, atol=1e-5)
    sound, speaker, heard = (
        np.concatenate([getattr(clip, name) for clip in clips]) for name in ("sound", "speaker", "has_sound")
    )
    audio = predictor.engine.hear(sound, speaker) * heard[:, None]
    np.testing.assert_allclose(got["audio"], audio, rtol=0, atol=1e-5)
    seen, _ = predictor.engine.see(np.concatenate([clip.faces for clip in clips]))
    there = np.concatenate([clip.frame_face for clip in clips]) >= 0
    np.testing.assert_allclose(got["visual"][there], seen, rtol=0, atol=1e-5)
    assert not got["visual"][~there].any()
    for name, width in SIZES.items():
        assert got[name].shape == (len(plain), width) and got[name].dtype == np.float32


def test_formats_hold_the_same(extract: Extract, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    film(tmp_path / "talk.mp4", 1.5)
    for kind in ("npz", "safetensors", "csv", "parquet"):
        assert extract("talk.mp4", "--format", kind).exit_code == 0
    npz = load("o/talk.npz")
    other = load_file("o/talk.safetensors")
    assert npz.keys() == other.keys() and all(np.array_equal(npz[key], other[key]) for key in npz)
    with Path("o/talk.csv").open(encoding="utf-8", newline="") as file:
        head, *rows = csv.reader(file)
    table = np.array(rows, np.float64)
    assert head[:7] == ["time", "arousal", "valence", "has_text", "has_audio", "has_visual", "text_0"]
    assert table.shape == (15, 6 + sum(SIZES.values()))
    audio = table[:, [head.index(f"audio_{k}") for k in range(SIZES["audio"])]]
    assert np.array_equal(audio.astype(np.float32), npz["audio"])  # nine digits are enough
    assert np.array_equal(table[:, 3:6].astype(bool), npz["presence"])
    from pyarrow import parquet

    stored = parquet.read_table("o/talk.parquet")
    assert stored.column_names == head
    assert np.array_equal(stored["visual_0"].to_numpy(), npz["visual"][:, 0])
    assert stored["has_audio"].to_pylist() == npz["presence"][:, 1].tolist()


def test_about(extract: Extract, tmp_path: Path) -> None:
    film(tmp_path / "films" / "a.mp4", 1.0)
    film(tmp_path / "films" / "b.mp4", 1.2)
    assert extract("films", "--alignment", "causal").exit_code == 0
    about = json.loads(Path("o/features.json").read_text(encoding="utf-8"))
    assert about["format"] == "affekt-frame-features-1" and about["model"] == "tiny"
    assert about["frames_per_second"] == 10 and about["alignment"] == "causal"
    assert list(about["features"].items()) == list(SIZES.items())
    assert about["presence"] == ["text", "audio", "visual"]
    assert about["recordings"] == [
        {"name": "a.mp4", "file": "a.npz", "frames": 10},
        {"name": "b.mp4", "file": "b.npz", "frames": 12},
    ]


def test_a_corpus_films_clips_and_processes_are_alike(extract: Extract) -> None:
    avec2017.build(Path("SEWA"))
    prepare(read_corpus(Path("SEWA")), Path("clips"), Dataset("", SPEC))
    for words, out in (
        (["SEWA"], "a"),
        (["clips"], "b"),
        (["SEWA", "--workers", "2"], "c"),
    ):
        result = extract("--corpus", *words, "--select", "*_01", out=out)
        assert result.exit_code == 0, result.output
    names = sorted(path.name for path in Path("a").iterdir())
    assert names == ["Devel_01.npz", "Test_01.npz", "Train_01.npz", "features.json"]  # labelled or not
    about = [json.loads(Path(out, "features.json").read_text()) for out in "abc"]
    assert about[0] == about[1] == about[2] and len(about[0]["recordings"]) == 3
    for name in names[:-1]:
        a, b, c = (load(Path(out, name)) for out in "abc")
        for key in a:
            np.testing.assert_allclose(a[key], b[key], rtol=0, atol=1e-6)
            np.testing.assert_allclose(a[key], c[key], rtol=0, atol=1e-5)
    result = extract("--corpus", "SEWA", "--partition", "test", out="d")
    assert sorted(path.stem for path in Path("d").glob("*.npz")) == ["Test_01", "Test_02"]


def test_a_bad_file_keeps_no_other_from_its_features(extract: Extract, tmp_path: Path) -> None:
    film(tmp_path / "good.mp4", 1.0)
    Path("bad.mp4").write_bytes(b"nothing")
    result = extract("bad.mp4", "good.mp4")
    assert result.exit_code == 1 and "1 of 2 files failed" in result.stderr
    assert sorted(tree(Path("o"))) == ["features.json", "good.npz"]
    assert extract("bad.mp4", out="p").exit_code == 2 and not Path("p").exists()


def test_words_of_another_language_are_absent(tmp_path: Path) -> None:
    """What the tiny bundle, which knows English, does not understand is not in its features either."""
    from affekt.cli.subjects import open_source
    from affekt.runtime.features import features_of

    said = (Sentence(0.0, 1.0, "wir gehen heute in den Wald und der Tag war schön"),)
    one = Recording(film(tmp_path / "a.mp4", 1.0), said, language="de")
    predictor = predictor_of(str(bundle_folder()), 1)
    made = features_of(predictor, open_source(one, predictor), tmp_path)
    assert not made.presence[:, 0].any() and not made.features["text"].any()
    assert "German" in made.warnings[0]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "give either FILE… or --corpus DIR"),
        (["a.mp4", "--corpus", "x"], "give either FILE… or --corpus DIR"),
        (["a.mp4", "--partition", "test"], "--partition and --select choose"),
        (["--corpus", "nowhere"], "affekt: nowhere: no such file or folder"),
        (["nowhere.mp4", "--model", "nothing"], "affekt: nothing: no such model"),
        (["a.mp4", "--out", "a.mp4/x"], "affekt: a.mp4/x: cannot be made"),
    ],
)
def test_refused(extract: Extract, tmp_path: Path, words: list[str], message: str) -> None:
    film(tmp_path / "a.mp4", 0.5)
    result = extract(*words)
    assert result.exit_code == 2 and message in result.stderr
