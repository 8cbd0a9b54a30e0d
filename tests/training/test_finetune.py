"""A bundle adapted to a corpus: the same graphs, other weights, and both engines agree on them."""

from __future__ import annotations

import csv
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from affekt.cli.subjects import open_source
from affekt.corpora.prepared.dataset import Dataset, Entry, Prepared, PreparedClip, open_prepared
from affekt.errors import ConfigError, CorpusError, ModelError
from affekt.networks import FUSIONS
from affekt.runtime.bundle import WEIGHTS, open_bundle, sha256
from affekt.runtime.engine import Engine
from affekt.runtime.predictor import Predictor
from affekt.scoring import ccc
from affekt.training.adapted import write_adapted
from affekt.training.config import Fitting
from affekt.training.division import divided
from affekt.training.export import FusionGraph
from affekt.training.finetune import finetune, learner_of
from bundles import SPEC, bundle_folder, change_config, scatter
from training.test_export import frames

QUICK = Fitting(lr=0.01, batch=4, frames=40, epochs=3, patience=3, freeze=("text", "audio", "visual"))


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny bundle, which is told that it knows German, as the small corpus speaks."""
    folder = tmp_path_factory.mktemp("finetune") / "tiny"
    shutil.copytree(bundle_folder(), folder)
    change_config(folder, clip={**SPEC.to_dict(), "languages": ["de"]})
    return folder


@pytest.fixture(scope="module")
def adapted(source: Path, small_prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("finetune") / "mine"
    finetune(str(source), small_prepared, run, QUICK, threads=1)
    return run


def traces(folder: Path) -> np.ndarray:
    rows: list[tuple[float, float]] = []
    for path in sorted(folder.glob("*.csv")):
        with path.open(encoding="utf-8") as file:
            rows += [(float(row["arousal"]), float(row["valence"])) for row in csv.DictReader(file)]
    return np.array(rows)


def predicted(model: Path, small_prepared: Path) -> np.ndarray:
    """What a bundle says of devel without PyTorch."""
    predictor = Predictor(open_bundle(model), 1)
    devel = sorted(open_prepared(small_prepared).of("devel"), key=lambda clip: clip.entry.name)
    said = [predictor.judge(open_source(clip, predictor)) for clip in devel]
    return np.concatenate([np.stack([one.arousal, one.valence], 1) for one in said])


@pytest.mark.parametrize("kind", FUSIONS)
def test_rewritten_weights_are_run_as_pytorch_has_them(kind: str, tmp_path: Path) -> None:
    source = open_bundle(bundle_folder(kind))
    learner = learner_of(source).eval()
    torch.manual_seed(9)
    scatter(learner.model)
    write_adapted(source, tmp_path / "new", "new", learner.model, "# New\n")
    bundle = open_bundle(tmp_path / "new")
    *features, presence, h, c = frames(2, 7)
    with torch.no_grad():
        wanted = FusionGraph(learner.model.fused_head)(*features, presence, h, c)[0].numpy()
        face = torch.randint(0, 256, (2, 32, 32, 3), dtype=torch.uint8)
        x, _ = learner.model.visual(face.permute(0, 3, 1, 2) / 255)
        sound = torch.randn(3, SPEC.window)
        heard = learner.model.audio(sound, torch.tensor([0, 1, 0])).numpy()
    text, audio, visual = (one.numpy() for one in features)
    state = (h.numpy(), c.numpy())
    engine = Engine(bundle, 1)
    np.testing.assert_allclose(
        engine.judge((text, audio, visual), presence.numpy(), state).y, wanted, rtol=0, atol=1e-4
    )
    np.testing.assert_allclose(engine.see(face.numpy())[0], x.numpy(), rtol=0, atol=1e-4)
    np.testing.assert_allclose(engine.hear(sound.numpy(), np.array([0, 1, 0])), heard, rtol=0, atol=1e-4)
    before = Engine(source, 1).judge((text, audio, visual), presence.numpy(), state).y
    assert np.abs(before - wanted).max() > 0.01
    assert (bundle.name, bundle.card) == ("new", "# New\n")


def test_what_is_frozen_is_what_it_was(source: Path, adapted: Path) -> None:
    mine = adapted / "bundle"
    a, b = load_file(source / "weights.safetensors"), load_file(mine / "weights.safetensors")
    changed = {name.split(".")[0] for name in a if not torch.equal(a[name], b[name])}
    assert a.keys() == b.keys() and changed == {"fused_head"}
    for file in source.glob("graph-*.onnx"):
        assert (mine / file.name).read_bytes() == file.read_bytes()


def test_the_bundle_says_what_training_saw(source: Path, adapted: Path, small_prepared: Path) -> None:
    # Kept features and the bundle's weights are in half precision, hence the tolerance.
    np.testing.assert_allclose(
        predicted(adapted, small_prepared), traces(adapted / "fusion" / "devel"), rtol=0, atol=3e-3
    )
    assert np.abs(predicted(source, small_prepared) - predicted(adapted, small_prepared)).max() > 0.05


def test_before_is_what_the_bundle_reaches(source: Path, adapted: Path, small_prepared: Path) -> None:
    result = json.loads((adapted / "result.json").read_text())
    devel = sorted(open_prepared(small_prepared).of("devel"), key=lambda clip: clip.entry.name)
    gold = np.concatenate([clip.gold.values[:, :2] for clip in devel])
    assert devel[0].gold.dimensions[:2] == ("arousal", "valence")
    expected = ccc(predicted(source, small_prepared), gold)
    assert [result["before"][one] for one in ("arousal", "valence")] == pytest.approx(expected, abs=2e-3)
    with (adapted / "fusion" / "log.csv").open() as file:
        losses = [float(row["loss"]) for row in csv.DictReader(file)]
    assert losses[-1] < losses[0]  # it does learn, though devel need not gain from a few steps
    assert result["learned"] == ["fusion", "head"] and result["unlabelled"] == []


def test_the_card_has_both_scores_and_the_sources_card(adapted: Path) -> None:
    card = open_bundle(adapted).card
    result = json.loads((adapted / "result.json").read_text())
    assert f"| tiny | {result['before']['arousal']:.3f} |" in card
    assert f"| mine | {result['arousal']:.3f} |" in card
    assert "> # A card\n>\n> Tests only.\n" in card


def test_sound_and_faces_learn_if_asked_to(source: Path, small_prepared: Path, tmp_path: Path) -> None:
    finetune(str(source), small_prepared, tmp_path / "run", replace(QUICK, epochs=1, freeze=()), threads=1)
    a = load_file(source / "weights.safetensors")
    b = load_file(tmp_path / "run" / "bundle" / "weights.safetensors")
    changed = {name.split(".")[0] for name in a if not torch.equal(a[name], b[name])}
    assert changed == {"audio", "visual", "fused_head"}
    np.testing.assert_allclose(
        predicted(tmp_path / "run", small_prepared),
        traces(tmp_path / "run" / "fusion" / "devel"),
        rtol=0,
        atol=5e-3,
    )


def test_another_model_or_other_recordings_are_not_mixed_in(
    source: Path, adapted: Path, small_prepared: Path, tmp_path: Path
) -> None:
    run = tmp_path / "mine"
    shutil.copytree(adapted, run)
    before = (run / "result.json").read_bytes()
    again = finetune(str(source), small_prepared, run, QUICK, threads=1)
    assert again == json.loads(before)
    other = tmp_path / "other"
    shutil.copytree(source, other)
    change_config(other, version="2")
    with pytest.raises(ConfigError, match="mine: adapts another model, or to other recordings"):
        finetune(str(other), small_prepared, run, QUICK, threads=1)
    with pytest.raises(ConfigError, match="holds a run of another config"):
        finetune(str(source), small_prepared, run, replace(QUICK, lr=0.1), threads=1)


def test_what_was_stopped_goes_on(source: Path, adapted: Path, small_prepared: Path, tmp_path: Path) -> None:
    run = tmp_path / "mine"
    finetune(str(source), small_prepared, run, replace(QUICK, epochs=1), threads=1)
    shutil.rmtree(run / "bundle")
    (run / "result.json").unlink()
    (run / "fusion" / "result.json").unlink()
    result = finetune(str(source), small_prepared, run, QUICK, threads=1)
    assert result["stages"]["fusion"]["epochs"] == 3
    assert (run / "bundle" / "weights.safetensors").read_bytes() == (
        adapted / "bundle" / "weights.safetensors"
    ).read_bytes()


def test_words_of_another_language_are_not_there(source: Path, small_prepared: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    english = str(bundle_folder())
    finetune(english, small_prepared, run, replace(QUICK, epochs=1), threads=1)
    said = traces(run / "fusion" / "devel")
    np.testing.assert_allclose(predicted(run, small_prepared), said, rtol=0, atol=3e-3)
    # With its words, the same bundle says something else.
    config = json.loads((run / "bundle" / "config.json").read_text())
    change_config(run / "bundle", clip={**config["clip"], "languages": ["de"]})
    assert np.abs(predicted(run, small_prepared) - said).max() > 0.01


def test_clips_for_another_model_are_refused(small_prepared: Path, tmp_path: Path) -> None:
    source = tmp_path / "larger"
    shutil.copytree(bundle_folder(), source)
    change_config(source, clip={**SPEC.to_dict(), "image_size": 48})
    with pytest.raises(CorpusError, match="was prepared with image_size 32, the model takes 48; prepare it"):
        finetune(str(source), small_prepared, tmp_path / "run", QUICK)


def test_the_default_model_can_be_adapted(tmp_path: Path) -> None:
    """It has graphs in int8 besides, whose tables are no weights of a network."""
    bundle = open_bundle("default")
    assert bundle.int8
    model = learner_of(bundle).model
    write_adapted(bundle, tmp_path / "same", "same", model, "# Same\n")
    same = open_bundle(tmp_path / "same")
    assert same.int8 == bundle.int8
    assert sha256(same.folder / WEIGHTS) == sha256(bundle.folder / WEIGHTS)
    with torch.no_grad():
        next(model.visual.parameters()).mul_(1.5)
    write_adapted(bundle, tmp_path / "other", "other", model, "# Other\n")
    assert "visual" not in open_bundle(tmp_path / "other").int8
    face = np.full((1, bundle.spec.image_size, bundle.spec.image_size, 3), 90, np.uint8)
    one, other = (Engine(open_bundle(tmp_path / name), 1).see(face)[0] for name in ("same", "other"))
    assert not np.allclose(one, other)


def test_weights_that_do_not_fit_are_named(small_prepared: Path, tmp_path: Path) -> None:
    folder = tmp_path / "torn"
    shutil.copytree(bundle_folder(), folder)
    bundle = open_bundle(folder)
    weights = load_file(folder / "weights.safetensors")
    gone = next(name for name in weights if name.startswith("fused_head."))
    save_file(
        {name: value for name, value in weights.items() if name != gone}, folder / "weights.safetensors"
    )
    with pytest.raises(ModelError, match=f"its weights do not fit its sizes \\({gone}"):
        learner_of(bundle)
    with pytest.raises(ModelError, match="torn: cannot be trained on"):
        learner_of(replace(bundle, sizes={**bundle.sizes, "head": {"hidden": 7}}))


# Who is learned from


def entry(name: str, **values: object) -> Entry:
    usual = {
        "name": name,
        "file": f"clips/{name}.safetensors",
        "partition": None,
        "speaker": None,
        "group": None,
        "language": None,
        "frames": 100,
        "dimensions": "arousal valence",
        "labelled": 100,
        "warned": "",
        "fingerprint": "",
        "checksum": "",
    }
    counts = dict.fromkeys(("heard", "seen", "sentences", "words", "warnings", "bytes"), 0)
    return Entry(**{**usual, **counts, **values})  # type: ignore[arg-type]


def corpus_of(entries: list[Entry]) -> Prepared:
    dataset = Dataset("made up", SPEC)
    clips = [PreparedClip(Path("made-up"), one, dataset.alignment, dataset.delays) for one in entries]
    return Prepared(Path("made-up"), dataset, clips)


def names(clips: object) -> list[str]:
    return [clip.entry.name for clip in clips]  # type: ignore[attr-defined]


def test_the_corpus_own_devel_is_taken() -> None:
    rows = [("a", "train"), ("b", "devel"), ("c", "test"), ("d", None)]
    found = divided(corpus_of([entry(n, partition=p, speaker=n) for n, p in rows]))
    assert (names(found.parts.train), names(found.parts.devel)) == (["a"], ["b"])
    assert found.said == "the corpus' own"


def test_a_fifth_of_the_speakers_becomes_devel() -> None:
    entries = [entry(f"{who}{k}", speaker=who) for who in "abcdefghij" for k in range(2)]
    found = divided(corpus_of(entries))
    assert len(found.parts.devel) == 4 and len(found.parts.train) == 16
    held, learned = ({name[0] for name in names(one)} for one in (found.parts.devel, found.parts.train))
    assert len(held) == 2 and not held & learned
    assert found.said == f"{', '.join(sorted(held))}, of whom nothing is learned"


def test_two_speakers_are_in_both() -> None:
    found = divided(corpus_of([entry(f"{who}{k}", speaker=who) for who in "ab" for k in range(5)]))
    assert (len(found.parts.train), len(found.parts.devel)) == (8, 2)
    assert "of the same people as train" in found.said


def test_nobody_knows_who_speaks() -> None:
    found = divided(corpus_of([entry(f"talk{k}") for k in range(3)]))
    assert (len(found.parts.train), len(found.parts.devel)) == (2, 1)
    assert "does not say who speaks" in found.said


def test_one_recording_is_too_few() -> None:
    entries = [
        entry("a"),
        entry("b", labelled=0),
        entry("c", partition="test"),
        entry("d", dimensions="liking"),
    ]
    with pytest.raises(CorpusError, match="1 recordings outside of test have labels"):
        divided(corpus_of(entries))


@given(
    st.lists(st.tuples(st.sampled_from("abcdef"), st.sampled_from([None, "g", "h"])), min_size=2, max_size=20)
)
def test_nobody_is_in_both_but_where_it_is_said(people: list[tuple[str, str | None]]) -> None:
    entries = [entry(f"r{k}", speaker=who, group=group) for k, (who, group) in enumerate(people)]
    found = divided(corpus_of(entries))
    train, devel = found.parts.train, found.parts.devel
    assert train and devel and sorted(names([*train, *devel])) == sorted(one.name for one in entries)
    if found.said.endswith("nothing is learned"):
        for what in ("speaker", "group"):
            sides = [{getattr(c.entry, what) for c in part} - {None} for part in (train, devel)]
            assert not sides[0] & sides[1]
