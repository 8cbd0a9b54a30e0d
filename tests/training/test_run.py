"""A whole run: what lies in its folder, where its second stage starts, and what it refuses."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from lightning_fabric import Fabric
from safetensors.torch import load_file, save_file

from affekt import __version__
from affekt.cli import affekt as command
from affekt.corpora.prepared.dataset import open_prepared, read_manifest, write_manifest
from affekt.errors import AffektError, ConfigError, CorpusError, ModelError, OutputError
from affekt.runtime.bundle import open_bundle
from affekt.scoring import ccc
from affekt.timeline import DIMENSIONS
from affekt.training.batches import Looks, Windows
from affekt.training.concordance import concordance_loss
from affekt.training.config import Config, read_config
from affekt.training.run import make_fabric, open_run, setting_of, start_from, train
from prepared import write_tiny
from trained import run_of

STAGES = ("text", "audio", "visual", "fusion")
# Another process that is at work in a run's folder until its input ends.
HOLDS = """
import sys
from pathlib import Path
from affekt.corpora.prepared.lock import only_run
with only_run(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture(scope="module")
def whole(small_prepared: Path) -> Path:
    return run_of("cross_modal", small_prepared)


def tiny(folder: Path, prepared: Path, *changes: str, **values: Any) -> Config:
    return read_config(write_tiny(folder / "tiny.yaml", prepared, **values), changes)


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_the_folder_holds_what_was_told_and_what_came_out(whole: Path, small_prepared: Path) -> None:
    devel = {clip.entry.name for clip in open_prepared(small_prepared).of("devel")}
    assert len(devel) == 2
    kept = ("log.csv", "last.pt", "best.safetensors", "result.json", *(f"devel/{name}.csv" for name in devel))
    graphs = {f"bundle/graph-{part}.onnx" for part in (*STAGES[:3], "fusion")}
    assert files(whole) - {one for one in files(whole) if one.startswith("tensorboard/")} == {
        "config.yaml",
        "about.json",
        "result.json",
        ".affekt-lock",
        *(f"{stage}/{file}" for stage in STAGES for file in kept),
        *graphs,
        *(f"bundle/{file}" for file in ("config.json", "weights.safetensors", "vocabulary.json", "card.md")),
    }
    assert any(one.startswith("tensorboard/events") for one in files(whole))
    about = json.loads((whole / "about.json").read_text())
    assert (about["affekt"], about["seed"], about["precision"]) == (__version__, 0, "32-true")
    assert about["command"] == ["affekt", "train", "tiny.yaml"]
    assert {"torch", "numpy", "lightning-fabric"} <= about["versions"].keys()
    assert set(about["git"]) == {"commit", "dirty"} and set(about["weights"]) == set(STAGES[:3])
    assert read_config(whole / "config.yaml").data.folder == str(small_prepared)


def test_results_are_those_of_the_best_epoch_in_the_log(whole: Path) -> None:
    result = json.loads((whole / "result.json").read_text())
    assert (result["final"], list(result["stages"])) == ("fusion", list(STAGES))
    for stage, found in result["stages"].items():
        assert found == json.loads((whole / stage / "result.json").read_text())
        with (whole / stage / "log.csv").open() as file:
            rows = list(csv.DictReader(file))
        assert [row["epoch"] for row in rows] == ["1", "2"]
        best = max(rows, key=lambda row: float(row["mean"]))
        assert found["epoch"] == int(best["epoch"]) and found["stopped"] == "epochs"
        for name in ("arousal", "valence", "mean"):
            assert found[name] == pytest.approx(float(best[name]), abs=1e-5)
        weights = load_file(whole / stage / "best.safetensors")
        learned = [v for k, v in weights.items() if "running" not in k and "tracked" not in k]
        assert found["parameters"] == sum(one.numel() for one in learned)
        assert found["frames_per_second"] > 0 and found["peak_memory_mb"] > 0
    assert result["mean"] == result["stages"]["fusion"]["mean"]


def test_its_ccc_is_what_affekt_evaluate_finds_in_its_traces(
    whole: Path, small_corpus: tuple[Path, Path], tmp_path: Path
) -> None:
    sides = ["--predictions", whole / "fusion" / "devel", "--gold", small_corpus[0], "--partition", "devel"]
    words = ["evaluate", *sides, "--json", tmp_path / "scores.json"]
    found = CliRunner().invoke(command, [str(word) for word in words])
    assert found.exit_code == 0, found.output
    scores = json.loads((tmp_path / "scores.json").read_text())["concatenated"]
    result = json.loads((whole / "result.json").read_text())
    for name in ("arousal", "valence"):
        # The tables have six digits, and so does the gold.
        assert scores[name]["ccc"]["value"] == pytest.approx(result[name], abs=2e-5)


def test_the_second_stage_starts_from_the_first_ones_without_their_heads(whole: Path) -> None:
    setting = open_run(whole)
    learner = setting.learner("fusion")
    fresh = {name: value.clone() for name, value in learner.state_dict().items()}
    start_from(setting, "fusion", learner)
    compared, moved = set(), 0
    for name, value in learner.state_dict().items():
        stage = "text" if name.startswith("encoder.") else name.split(".")[1]
        if stage == "fused_head":
            assert torch.equal(value, fresh[name]), name
        else:
            assert torch.equal(value, load_file(whole / stage / "best.safetensors")[name]), name
            moved += not torch.equal(value, fresh[name])
        compared.add(stage)
    assert compared == {"text", "audio", "visual", "fused_head"} and moved > 50


@pytest.mark.parametrize("damage", ["other sizes", "fewer", "more"])
def test_a_first_stage_of_another_network_is_refused(whole: Path, tmp_path: Path, damage: str) -> None:
    for stage in STAGES[:3]:
        shutil.copytree(whole / stage, tmp_path / stage)
    weights = load_file(whole / "audio" / "best.safetensors")
    name = "model.audio.convs.0.bias"
    if damage == "other sizes":
        weights[name] = torch.zeros(99)
    elif damage == "fewer":
        del weights[name]
    else:
        weights["model.audio.convs.9.bias"] = torch.zeros(3)
    save_file(weights, tmp_path / "audio" / "best.safetensors")
    setting = replace(open_run(whole), run=tmp_path)
    with pytest.raises(ConfigError, match="audio: holds another network; delete it to train it anew"):
        start_from(setting, "fusion", setting.learner("fusion"))


def test_stages_that_are_taken_over_are_the_other_runs(whole: Path, small_prepared: Path) -> None:
    other = run_of("residual", small_prepared)
    for stage in STAGES[:3]:
        assert files(other / stage) == files(whole / stage) - {"last.pt"}
        for file in files(other / stage):
            assert (other / stage / file).read_bytes() == (whole / stage / file).read_bytes()
    # Its fusion learned on kept features: the networks are those of the first stage, to the bit.
    fused = load_file(other / "fusion" / "best.safetensors")
    visual = load_file(whole / "visual" / "best.safetensors")
    kept = [name for name in visual if name.startswith("model.visual.")]
    assert kept and all(torch.equal(fused[name], visual[name]) for name in kept)
    assert any((small_prepared / "features").glob("visual-*/*.safetensors"))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("audio.channels=[3, 4, 6]", "its audio stage has another config or other data"),
        ("data.alignment=causal", "its audio stage has another config or other data"),
        ("unimodal=nowhere", "nowhere/audio: is no finished stage; train it first"),
    ],
)
def test_stages_of_a_run_that_differs_are_not_taken(
    whole: Path, small_prepared: Path, tmp_path: Path, change: str, said: str
) -> None:
    config = tiny(tmp_path, small_prepared, f"unimodal={whole}", change, modalities=["audio"])
    with pytest.raises(ConfigError, match=said):
        train(config, tmp_path / "run")


def test_the_bundle_says_what_it_judges_by(small_prepared: Path) -> None:
    for way, modalities, fusion in (
        ("residual", ("text", "audio", "visual"), "residual"),
        ("pair", ("text", "visual"), "hierarchical"),
        ("audio", ("audio",), "none"),
    ):
        bundle = open_bundle(run_of(way, small_prepared))
        assert (bundle.name, bundle.modalities, bundle.fusion) == (way, modalities, fusion)
        assert f"Modalities: {', '.join(modalities)}." in bundle.card
        assert "2 recordings; 2 others decided when to stop. Nobody is in both" in bundle.card


def test_a_finished_run_is_left_alone_and_a_lost_bundle_made_again(
    small_prepared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "audio"
    shutil.copytree(run_of("audio", small_prepared), run)
    config = read_config(run / "config.yaml")
    before = {file: (run / file).stat().st_mtime_ns for file in files(run)}
    result = train(config, run)
    assert "audio: is finished; to train it anew, delete it or give another --run" in capsys.readouterr().out
    assert result == json.loads((run / "result.json").read_text())
    train(replace(config, training=replace(config.training, epochs=9)), run)
    assert {file: (run / file).stat().st_mtime_ns for file in files(run)} == before
    (run / "bundle" / "config.json").unlink()
    train(config, run)
    assert open_bundle(run).modalities == ("audio",)


def test_one_run_at_a_time(small_prepared: Path, tmp_path: Path) -> None:
    config = tiny(tmp_path, small_prepared, modalities=["audio"])
    words = [sys.executable, "-c", HOLDS, str(tmp_path / "run")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment) as other:
        assert other.stdout is not None and other.stdout.readline() == b"held\n"
        with pytest.raises(CorpusError, match=r"run: another run of affekt is at work there; wait for it"):
            train(config, tmp_path / "run")
        other.communicate()
    assert files(tmp_path / "run") == {".affekt-lock"}


def test_a_folder_that_cannot_be_written_to(small_prepared: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match=r"file/run: cannot be written to \(Not a directory\)"):
        train(tiny(tmp_path, small_prepared, modalities=["audio"]), tmp_path / "file" / "run")


def test_two_processes_judge_devel_with_the_weights_that_are_kept(
    small_corpus: tuple[Path, Path], tmp_path: Path
) -> None:
    """Batch statistics are each process' own; those of the first are kept, and are to be scored."""
    config = write_tiny(tmp_path / "tiny.yaml", small_corpus[1], modalities=["visual"])
    machine = ["machine.accelerator=cpu", "machine.devices=2"]
    words = [
        "train",
        str(config),
        *machine,
        "stages.visual.batch=2",
        "training.epochs=1",
        "--run",
        str(tmp_path / "two"),
    ]
    subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "affekt", *words],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        check=True,
    )
    result = json.loads((tmp_path / "two" / "result.json").read_text())
    clips = open_prepared(small_corpus[1]).of("devel")
    said, gold = [], []
    for clip in clips:
        path = tmp_path / "two" / "visual" / "devel" / f"{clip.entry.name}.csv"
        said.append(np.loadtxt(path, delimiter=",", skiprows=1, usecols=(2, 3)))
        gold.append(clip.gold.values[:, :2])
    x, y = np.concatenate(said), np.concatenate(gold)
    known = np.isfinite(y).all(1)
    assert len(clips) == 2 and known.sum() > 200  # one recording for each process
    assert clips[0].gold.dimensions[:2] == DIMENSIONS
    assert ccc(x[known], y[known]).tolist() == pytest.approx([result[one] for one in DIMENSIONS], abs=2e-5)


def test_weights_too_large_for_a_bundle(whole: Path, small_prepared: Path, tmp_path: Path) -> None:
    run = tmp_path / "large"
    shutil.copytree(run_of("audio", small_prepared), run)
    weights = load_file(run / "audio" / "best.safetensors")
    weights["model.audio.convs.0.bias"] += 1e6
    save_file(weights, run / "audio" / "best.safetensors")
    (run / "result.json").unlink()
    with pytest.raises(
        ModelError, match=r"bundle: cannot be written \(.*convs\.0\.bias does not fit into half"
    ):
        train(read_config(run / "config.yaml"), run)
    assert not (run / "result.json").exists() and not (run / "bundle" / "config.json").exists()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("machine.accelerator=xyz", r"machine: You selected an invalid accelerator name"),
        ("machine.devices=0", r"machine: `Fabric\(devices=0\)`"),
        ("machine.nodes=0", r"machine: `num_nodes` must be a positive"),
        ("machine.strategy=magic", r"machine: You selected an invalid strategy name"),
        ("machine.precision=half", r"machine: Precision 'half' is invalid"),
        ("data.folder=nowhere", r"nowhere: nothing was prepared in this folder; run affekt prepare"),
        ("data.folds=9", r"9 folds cannot be made of 2"),
        ("text.encoder=words:0", r"words:0: a word table is at least 1 wide"),
        ("head.hidden=0", r"text: hidden_size must be greater than zero"),
        ("head.dropout=2", r"text: dropout probability has to be between 0 and 1"),
    ],
)
def test_what_no_machine_and_no_network_can_do_is_one_line(
    small_prepared: Path, tmp_path: Path, change: str, said: str
) -> None:
    with pytest.raises(AffektError, match=said) as caught:
        train(tiny(tmp_path, small_prepared, change), tmp_path / "run")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "run" / "result.json").exists()


def test_devices_that_are_not_there(tmp_path: Path) -> None:
    if torch.cuda.is_available():
        pytest.skip("they are")
    with pytest.raises(ConfigError, match="machine: ") as caught:
        make_fabric(read_config(None, ["machine.accelerator=cuda", "machine.devices=3"]), tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("missing", ["train", "devel"])
def test_a_corpus_without_gold_to_learn_from(small_prepared: Path, tmp_path: Path, missing: str) -> None:
    folder = tmp_path / "prepared"
    shutil.copytree(small_prepared, folder, copy_function=_linked)
    rows = read_manifest(folder)
    (folder / "manifest.csv").unlink()
    write_manifest(folder, [replace(one, labelled=0) if one.partition == missing else one for one in rows])
    with pytest.raises(
        CorpusError, match=f"prepared: no recording of {missing} has labels of arousal or valence"
    ):
        train(tiny(tmp_path, folder, modalities=["audio"]), tmp_path / "run")


def _linked(source: str, target: str) -> str:
    Path(target).symlink_to(source)
    return target


def test_a_dimension_without_gold_is_not_learned_from(small_prepared: Path, tmp_path: Path) -> None:
    config = tiny(tmp_path, small_prepared, modalities=["audio"])
    fabric = Fabric(accelerator="cpu", devices=1)
    setting = setting_of(config, tmp_path, fabric, open_prepared(small_prepared))
    learner = setting.learner("audio")
    batch = Windows(setting.parts.train, 25, Looks(audio=True))[[0, 1]]
    batch = replace(batch, mask=batch.mask & torch.tensor([True, False]))
    concordance_loss(learner(batch).y, batch.gold, batch.mask).backward()
    out = learner.model.fused_head.head.out.weight.grad
    assert out is not None
    assert out[0].abs().sum() > 0 and not out[1].any()
    assert np.isfinite(out.numpy()).all()
