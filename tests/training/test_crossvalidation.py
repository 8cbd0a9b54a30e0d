"""Every recording is judged once, by a model that met nobody of it; the pool is scored as one."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from affekt.corpora.prepared.dataset import open_prepared
from affekt.errors import ConfigError, CorpusError, ModelError
from affekt.scoring import ccc
from affekt.training.config import Config, Data, read_config
from affekt.training.crossvalidation import EACH, Pooled, crossvalidate, folds_in, on_cluster
from affekt.training.experiments.running import Job
from affekt.training.parts import folds_of, parts_of
from prepared import write_tiny
from training.test_finetune import corpus_of, entry, names

PEOPLE = st.tuples(st.sampled_from("abcdefgh"), st.sampled_from([None, None, "g", "h"]))


@given(st.lists(PEOPLE, min_size=3, max_size=24), st.integers(3, 5) | st.just(EACH))
def test_speakers_are_in_nobodys_two_folds(people: list[tuple[str, str | None]], several: int) -> None:
    prepared = corpus_of([entry(f"r{k}", speaker=who, group=group) for k, (who, group) in enumerate(people)])
    try:
        count = max(folds_of(list(prepared), several)) + 1
    except CorpusError as error:
        assert "folds cannot be made" in str(error)
        return
    if count < 3:
        with pytest.raises(CorpusError, match="at least 3 are needed"):
            parts_of(Data(folds=several), prepared)
        return
    judged: list[str] = []
    for fold in range(count):
        parts = parts_of(Data(folds=several, fold=fold), prepared)
        sides = [parts.train, parts.devel, parts.test]
        assert all(sides) and sorted(names(parts.all)) == sorted(names(prepared))
        judged += names(parts.test)
        for what in ("speaker", "group"):
            who = [{getattr(clip.entry, what) for clip in side} - {None} for side in sides]
            assert not (who[0] & who[1] or who[0] & who[2] or who[1] & who[2])
    assert sorted(judged) == sorted(names(prepared))


@pytest.fixture(scope="module")
def config(small_prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Config:
    """Audio alone, an epoch, three dyads: three folds; no recording is held back as the corpus' test."""
    folder = tmp_path_factory.mktemp("folds")
    copied = folder / "prepared"
    shutil.copytree(small_prepared, copied)
    manifest = copied / "manifest.csv"
    manifest.write_text(manifest.read_text().replace(",test,", ",devel,"))
    path = write_tiny(folder / "config.yaml", copied, modalities=["audio"], training={"epochs": 1})
    return read_config(path, ["data.folds=-1"])


@pytest.fixture(scope="module")
def pooled(config: Config, tmp_path_factory: pytest.TempPathFactory) -> tuple[Pooled, Path]:
    run = tmp_path_factory.mktemp("folds") / "run"
    return crossvalidate(config, run), run


def test_all_recordings_are_scored_as_one(config: Config, pooled: tuple[Pooled, Path]) -> None:
    found, run = pooled
    result = json.loads((run / "result.json").read_text())
    clips = {clip.entry.name: clip for clip in open_prepared(Path(config.data.folder))}
    assert sorted(name for one in result["folds"] for name in one["recordings"]) == sorted(clips)
    said, gold = [], []
    for fold in result["folds"]:
        for name in fold["recordings"]:
            path = run / f"fold-{fold['fold']:02}" / "test" / f"{name}.csv"
            said.append(np.loadtxt(path, delimiter=",", skiprows=1, usecols=(2, 3)))
            gold.append(clips[name].gold.values[:, :2])
    for place, name in enumerate(("arousal", "valence")):
        wanted = ccc(np.concatenate(said)[:, place], np.concatenate(gold)[:, place])
        assert result["ccc"][name]["value"] == pytest.approx(float(wanted), abs=2e-6)
        assert result["ccc"][name]["low"] <= result["ccc"][name]["high"]
    assert result["bootstrap"] == {"draws": "group", "clusters": 3}
    assert len(found.folds) == 3 and not (run / "fold-00" / "bundle").exists()


def test_what_is_there_is_not_trained_again(config: Config, pooled: tuple[Pooled, Path]) -> None:
    _, run = pooled
    before = {path: path.stat().st_mtime_ns for path in run.glob("fold-*/audio/*")}
    wanted = (run / "result.json").read_bytes()
    (run / "result.json").unlink()
    crossvalidate(config, run)
    assert (run / "result.json").read_bytes() == wanted
    assert {path: path.stat().st_mtime_ns for path in run.glob("fold-*/audio/*")} == before


def test_a_fold_that_fails_is_named_and_the_others_are_kept(
    config: Config, pooled: tuple[Pooled, Path], tmp_path: Path
) -> None:
    run = tmp_path / "run"
    shutil.copytree(pooled[1], run)
    (run / "result.json").unlink()
    (run / "fold-01" / "result.json").unlink()
    (run / "fold-01" / "audio" / "result.json").unlink()
    (run / "fold-01" / "audio" / "last.pt").write_text("nothing")
    with pytest.raises(ConfigError, match=r"run: 1 of 3 folds failed; fold-01: .*last\.pt: is no checkpoint"):
        crossvalidate(config, run)
    assert not (run / "result.json").exists()
    shutil.rmtree(run / "fold-01" / "audio")
    crossvalidate(config, run)
    assert (run / "result.json").read_bytes() == (pooled[1] / "result.json").read_bytes()


def test_predictions_that_were_cut_short_are_named(
    config: Config, pooled: tuple[Pooled, Path], tmp_path: Path
) -> None:
    run = tmp_path / "run"
    shutil.copytree(pooled[1], run)
    path = next((run / "fold-02" / "test").glob("*.csv"))
    path.write_text("\n".join(path.read_text().splitlines()[:-1]))
    with pytest.raises(
        CorpusError, match=r"has 119 rows for 120 frames; delete .*test, and it is made again"
    ):
        crossvalidate(config, run)


def test_what_no_folds_can_be_made_of(config: Config, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="unimodal: every fold trains first stages of its own"):
        folds_in(replace(config, unimodal="runs/paper"), tmp_path)
    with pytest.raises(ConfigError, match=r"data\.folds: is 0"):
        folds_in(replace(config, data=replace(config.data, folds=0)), tmp_path)
    with pytest.raises(CorpusError, match="4 folds cannot be made of 3"):
        folds_in(replace(config, data=replace(config.data, folds=4)), tmp_path)


def test_on_a_cluster_folders_mean_the_same_everywhere(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = Path(config.data.folder)
    monkeypatch.chdir(data.parent)
    job = folds_in(replace(config, data=replace(config.data, folder=data.name)), Path("run"))[0].job
    placed = on_cluster(job)
    assert (placed.config.data.folder, placed.folder) == (str(data), data.parent / "run" / "fold-00")
    assert placed.test == placed.folder / "test"


def test_word_vectors_are_made_before_folds_run_at_once(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "words.vec").write_text("2 3\nich 1 2 3\nand 3 2 1\n")
    text = {**config.text, "encoder": f"fasttext:{tmp_path / 'words.vec'}"}
    others = len(list(Path(config.data.folder).glob("vectors/*/shard-*")))
    there: list[str] = []

    def stopped(work: object, jobs: Sequence[Job], **how: object) -> Iterator[tuple[Job, Exception]]:
        there.extend(one.name for one in Path(config.data.folder).glob("vectors/*/shard-*"))
        yield from ((job, ModelError("stopped")) for job in jobs)

    monkeypatch.setattr("affekt.training.crossvalidation.spread", stopped)
    with pytest.raises(ConfigError, match="3 of 3 folds failed; fold-00: stopped"):
        crossvalidate(replace(config, modalities=("text",), text=text), tmp_path / "run", workers=2)
    assert len(there) == others + 1
