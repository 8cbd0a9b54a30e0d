"""`affekt predict --corpus --format labels`: predictions in the corpus' own label format."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from affekt.cli import affekt as command
from bundles import bundle_folder
from corpora.miniatures import affwild2, avec2017, avec2019, muse, omg, recola
from corpora.tiny import tree

Affekt = Callable[..., Result]
SPOILT = b"no film"


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Affekt:
    monkeypatch.chdir(tmp_path)
    return lambda *words: CliRunner().invoke(command, [str(word) for word in words])


def predict(call: Affekt, *words: object) -> Result:
    return call("predict", "--corpus", "corpus", "--model", bundle_folder(), "--format", "labels", *words)


@pytest.mark.parametrize(
    ("build", "row"),
    [
        (avec2017.build, "0.1 s"),
        (avec2019.build, "0.1 s"),
        (recola.build, "0.04 s"),
        (affwild2.build, "pictures"),
        (muse.build, "0.25 s"),
        (omg.build, "recordings"),
    ],
)
def test_evaluate_takes_them(call: Affekt, build: Callable[[Path], object], row: str) -> None:
    """At the labels' own step."""
    build(Path("corpus"))
    result = predict(call, "--partition", "devel", "--out", "o")
    assert result.exit_code == 0, result.output
    assert [path.name for path in Path("o").iterdir()] == ["labels"]
    words = ["--gold", "corpus", "--partition", "devel", "--json", "a.json"]
    result = call("evaluate", "--predictions", "o/labels", *words)
    assert result.exit_code == 0, result.output
    data = json.loads(Path("a.json").read_text(encoding="utf-8"))
    assert {one["row"] for one in data["recordings"]} == {row}
    assert data["recordings"] and all(one["severity"] == "warning" for one in data["faults"])


def test_processes_write_the_same_and_say_what_they_wrote(call: Affekt) -> None:
    affwild2.build(Path("corpus"))
    one = predict(call, "--out", "a")
    two = predict(call, "--out", "b", "--workers", 2)
    assert one.exit_code == two.exit_code == 0, two.output
    files = tree(Path("a/labels"))
    assert files == tree(Path("b/labels"))
    assert sorted(files) == [
        "10-60-1280x720.txt",
        "10-60-1280x720_right.txt",
        "430.txt",
        "abaw/predictions.txt",
        "video59.txt",
        "Übung 7.txt",
    ]
    for result, out in ((one, "a"), (two, "b")):
        said = " ".join(result.stdout.split())
        assert f"wrote {Path(out, 'labels', 'video59.txt')}" in said
        assert said.endswith(f"wrote {Path(out, 'labels', 'abaw', 'predictions.txt')}")


def test_beside_other_formats_and_without_bad_recordings(call: Affekt) -> None:
    omg.build(Path("corpus"))
    Path("corpus/clips/train/abc123/utterance_2.mp4").write_bytes(SPOILT)
    result = call(
        *(
            "predict",
            "--corpus",
            "corpus",
            "--model",
            bundle_folder(),
            "--format",
            "csv,labels",
            "--out",
            "o",
        ),
    )
    assert result.exit_code == 1 and "1 of 4 files failed" in result.stderr
    table = Path("o/labels/omg_TrainVideos_predictions.csv").read_text(encoding="utf-8").splitlines()
    assert [line.split(",")[1] for line in table] == ["utterance", "utterance_10.mp4", "utterance_1.mp4"]
    assert "no prediction of abc123_utterance_2" in result.stdout
    assert Path("o/abc123_utterance_10.csv").is_file()


@pytest.mark.parametrize("workers", [1, 2])
def test_what_cannot_be_laid_out_is_named(call: Affekt, workers: int) -> None:
    muse.build(Path("corpus"))
    for path in Path("corpus").glob("*/label_segments/*/4.csv"):
        path.unlink()
    result = predict(call, "--out", "o", "--workers", workers)
    assert result.exit_code == 1 and "1 of 4 files failed" in result.stderr
    assert "corpus: has no label file of 4, masked or not" in result.stderr
    assert sorted(tree(Path("o/labels"))) == [
        f"{d}/{n}.csv" for d in ("arousal", "valence") for n in (10, 2, 3)
    ]


def test_predictions_move_later(call: Affekt) -> None:
    avec2017.build(Path("corpus"))
    predict(call, "--partition", "devel", "--out", "a")
    result = predict(call, "--partition", "devel", "--out", "b", "--annotation-delay", "arousal=0.5")
    assert result.exit_code == 0, result.output
    before, after = (
        np.loadtxt(f"{out}/labels/Devel_01.csv", delimiter=";", usecols=(1, 2, 3)) for out in "ab"
    )
    assert np.array_equal(after[:, 1], before[np.maximum(np.arange(30) - 5, 0), 1])
    assert np.array_equal(after[:, [0, 2]], before[:, [0, 2]])
    result = predict(call, "--annotation-delay", "arosal=0.5")
    assert result.exit_code == 2 and "there is no such dimension; there are arousal, valence" in result.stderr
    result = call("predict", "--corpus", "corpus", "--annotation-delay", "2")
    assert result.exit_code == 2 and "--annotation-delay is for --format labels" in result.stderr


def test_it_is_said_that_a_form_is_not_known(call: Affekt) -> None:
    recola.build_full(Path("corpus"))
    result = predict(call, "--out", "o")
    assert result.exit_code == 0 and "these are affekt's own tables" in result.stdout
    assert sorted(tree(Path("o/labels"))) == ["P16.csv", "P23.csv"]


def test_refused(call: Affekt) -> None:
    avec2017.build(Path("corpus"))
    result = call("predict", "corpus/audio/Devel_01.wav", "--format", "labels")
    assert result.exit_code == 2 and "--format labels is the label format of a --corpus" in result.stderr
    result = predict(call, "--out", "corpus")
    assert result.exit_code == 2 and "affekt: corpus/labels: lies in corpus, which is read" in result.stderr
