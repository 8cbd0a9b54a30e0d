"""The paper's tables: its printed figures, which runs a table needs, what is made of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from affekt.corpora.prepared.lock import only_run
from affekt.corpora.prepared.vectors import Encoder, open_vectors
from affekt.errors import AffektError, ConfigError, CorpusError, ModelError
from affekt.scoring import Sums, ccc
from affekt.training.config import FUSION, Config, config_of
from affekt.training.experiments import running
from affekt.training.experiments.cells import Model, Wanted, alone, fusion, models_of
from affekt.training.experiments.extras import below_fusions, epochs
from affekt.training.experiments.judged import AVERAGE, Judged, differences_of
from affekt.training.experiments.paper import HYPER_PARAMETERS, TABLES
from affekt.training.experiments.running import Cells, Job

ALL = Wanted({})


# The paper


def test_the_printed_figures_are_the_papers(shared: Path) -> None:
    printed = yaml.safe_load((shared / "paper_tables.yaml").read_text(encoding="utf-8"))
    for number in "2345678":
        rows = printed[f"table{number}"]["rows"]
        if number == "8":
            told = [(row["name"], tuple(row["arousal"]), tuple(row["valence"])) for row in rows]
            assert list(HYPER_PARAMETERS.values()) == told
            continue
        ours = TABLES[number].rows
        assert len(ours) == len(rows)
        for row, one in zip(rows, ours, strict=True):
            devel = row.get("dev", [row.get(name) for name in ("arousal", "valence", "avg") if name in row])
            test = row.get("test", [None])
            assert one.devel == tuple(devel), one.name
            assert one.test == (None if test[0] is None else tuple(test)), one.name
            bold = {"dev": "devel", "test": "test", "arousal": "devel", "valence": "devel", "avg": "devel"}
            assert set(one.best) == {bold[name] for name in row.get("bold", [])}, one.name


# Which runs a table needs


def test_every_row_of_table_2_is_another_cell() -> None:
    models = models_of("2", Config(), ALL)
    names = [model.name for model in models.values()]
    assert len(set(names)) == len(names) == 14


def test_the_papers_own_networks_share_the_cells_of_the_other_tables() -> None:
    base = Config(text={"encoder": "/weights/xlnet"})
    two = models_of("2", base, Wanted({"xlnet": "/weights/xlnet"}, from_scratch=True))
    assert two["text.xlnet"] == models_of("3", base, ALL)["text"]
    assert two["audio.tzirakis"] == models_of("4", base, ALL)["audio"]
    assert two["visual.hrnet"].config == models_of("5", base, ALL)["visual"].config
    assert models_of("pooling", base, ALL)["between"] == models_of("5", base, ALL)["visual"]
    assert models_of("6", base, ALL)["cross_modal"] == models_of("7", base, ALL)["fusion"]


def test_weights_say_where_a_row_starts() -> None:
    wanted = Wanted({"visual.vgg-16": "vgg.safetensors", "bert": "folder", "fasttext": "wiki.vec"})
    models = models_of("2", Config(), wanted)
    options = {key: model.config for key, model in models.items() if model.config}
    assert options["visual.vgg-16"].visual == {"kind": "timm", "name": "vgg-16", "weights": "vgg.safetensors"}
    assert options["visual.densenet"].visual["weights"] == "imagenet"
    assert options["text.bert"].text["encoder"] == "folder"
    assert options["text.fasttext"].text["encoder"] == "fasttext:wiki.vec"
    assert options["text.xlnet"].text["encoder"] == "xlnet/xlnet-base-cased"
    assert models["text.ulmfit"].config is None
    assert "--weights ulmfit=FOLDER" in models["text.ulmfit"].reason


def test_from_scratch_is_said_and_a_named_file_comes_before_it() -> None:
    wanted = Wanted({"visual.vgg-16": "vgg.safetensors"}, from_scratch=True)
    models = models_of("2", Config(), wanted)
    vgg, resnet = models["visual.vgg-16"], models["visual.resnet-50"]
    assert vgg.config and vgg.config.visual["weights"] == "vgg.safetensors" and not vgg.note
    assert resnet.config and "weights" not in resnet.config.visual
    assert resnet.note == "starts from random weights"


@pytest.mark.parametrize("random", ["none", "random"])
def test_a_text_encoder_is_never_random(random: str) -> None:
    with pytest.raises(ConfigError, match="--weights bert"):
        Wanted({"bert": random})


@pytest.mark.parametrize("row", ["bart", "audio.li", "visual.vgg", ""])
def test_weights_of_no_row_are_refused(row: str) -> None:
    with pytest.raises(ConfigError, match="there is no such row"):
        Wanted({row: "x"})


def test_only_leaves_the_others_out_with_a_reason() -> None:
    models = models_of("2", Config(), Wanted({}, only=("audio", "text.bert")))
    kept = {key for key, model in models.items() if model.config}
    assert kept == {"audio.trigeorgis", "audio.li", "audio.tzirakis", "text.bert"}
    assert models["visual.hrnet"].reason
    with pytest.raises(ConfigError, match="--only sound"):
        Wanted({}, only=("sound",))


def test_what_a_unimodal_run_does_not_have_does_not_change_it() -> None:
    one = alone(Config(), "text")
    other = alone(
        config_of({"fusion": {"size": 8}, "visual": {"width": 2}, "stages": {"fusion": {"lr": 1}}}), "text"
    )
    assert one == other
    assert one != alone(config_of({"stages": {"text": {"lr": 1}}}), "text")


def test_a_unimodal_config_comes_back_from_its_file_as_it_was() -> None:
    base = config_of({"stages": {"text": {"lr": 0.01}, "fusion": {"lr": 1}}})
    config = alone(base, "text").config
    assert config and config_of(config.to_dict()) == config


def test_fusions_start_from_the_cells_of_their_seed(tmp_path: Path) -> None:
    config = fusion(Config(), "residual").seeded(3, tmp_path)
    assert config.unimodal == f"{tmp_path}/{{stage}}-s3"
    assert (config.seed, config.fusion["kind"], config.data.shuffled) == (3, "residual", False)
    assert fusion(Config(), "residual", shuffled=True).seeded(3, tmp_path).data.shuffled
    text = alone(Config(), "text").seeded(3, tmp_path)
    assert text.unimodal is None and text.modalities == ("text",)


def test_a_fusion_of_one_modality_and_foreign_first_stages_are_refused() -> None:
    with pytest.raises(ConfigError, match="two or three"):
        models_of("6", Config(modalities=("text",)), ALL)
    with pytest.raises(ConfigError, match="unimodal"):
        models_of("3", Config(unimodal="run"), ALL)


# Training them


class Trainer:
    """Stands in for `running.work`: writes a result, or fails for some cells."""

    def __init__(self, failing: Sequence[str] = ()) -> None:
        self.failing, self.done = failing, list[str]()

    def __call__(self, job: Job) -> None:
        name = job.folder.name
        self.done.append(name)
        if name in self.failing:
            raise ModelError(f"{name}: no weights")
        job.folder.mkdir()
        result = {"final": FUSION if name.startswith(FUSION) else name.partition("-")[0]}
        (job.folder / "result.json").write_text(json.dumps(result), encoding="utf-8")


def trained(
    folder: Path, monkeypatch: pytest.MonkeyPatch, models: Sequence[Model], failing: Sequence[str] = ()
) -> tuple[Cells, list[str]]:
    trainer = Trainer(failing)
    monkeypatch.setattr(running, "work", trainer)
    cells = Cells(folder, (0, 1))
    cells.train(models)
    return cells, trainer.done


def test_first_stages_come_first_and_nothing_is_trained_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = Config(modalities=("text", "audio"))
    models = [fusion(base, "residual"), fusion(base, "concatenation")]
    _, done = trained(tmp_path, monkeypatch, models)
    assert done[:4] == ["text-s0", "audio-s0", "text-s1", "audio-s1"]
    assert sorted(done[4:]) == [
        f"fusion-{kind}-s{k}" for kind in ("concatenation", "residual") for k in (0, 1)
    ]
    cells, done = trained(tmp_path, monkeypatch, [*models, alone(base, "text")])
    assert done == []
    assert len(cells.runs(models[0])) == 2


def test_what_cannot_be_had_is_tried_once_and_leaves_a_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = Config(modalities=("text", "audio"))
    model = fusion(base, "residual")
    cells, done = trained(tmp_path, monkeypatch, [model], failing=["text-s0"])
    assert done == ["text-s0", "audio-s0", "audio-s1"]
    assert cells.reason(model) == cells.reason(alone(base, "text")) == "text-s0: no weights"
    assert cells.runs(model) == [] and not cells.faulty
    assert cells.reason(alone(base, "audio")) == ""


def test_runs_beside_each_other_may_look_at_the_same_word_vectors(tmp_path: Path) -> None:
    about = Encoder("an encoder", "0" * 64, 2)
    texts = ["one two", "three"]

    def encode(some: Sequence[str]) -> list[np.ndarray]:
        return [np.zeros((len(text.split()), 2), np.float32) for text in some]

    assert open_vectors(tmp_path, about).fill(texts, encode) == 2
    with only_run(tmp_path):  # another run is at work
        assert open_vectors(tmp_path, about).fill(texts, encode) == 0
        with pytest.raises(CorpusError, match="another run"):
            open_vectors(tmp_path, about).fill([*texts, "four"], encode)


# What is made of them


def judged(seeds: Sequence[Sequence[tuple[np.ndarray, np.ndarray]]], units: Sequence[str]) -> Judged:
    """Of each seed the predictions and gold, (N, 2) each, of every recording."""
    sums = tuple(Sums.stack([Sums.of(x, y) for x, y in pairs]) for pairs in seeds)
    return Judged(sums, ("arousal", "valence"), tuple(units), "dyad")


def noisy(gold: Sequence[np.ndarray], noise: float, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    rng = np.random.default_rng(seed)
    return [(y + noise * rng.standard_normal(y.shape), y) for y in gold]


@pytest.fixture(scope="module")
def gold() -> list[np.ndarray]:
    """Of 16 recordings, 40 frames each."""
    return list(np.random.default_rng(0).standard_normal((16, 40, 2)))


def test_a_figure_is_the_mean_over_seeds_of_the_joined_frames_ccc(gold: list[np.ndarray]) -> None:
    seeds = [noisy(gold, 0.5, 1), noisy(gold, 0.8, 2)]
    found = judged(seeds, [f"{k // 2}" for k in range(16)]).figures()
    for d, name in enumerate(("arousal", "valence")):
        each = [
            float(ccc(np.concatenate([x[:, d] for x, _ in one]), np.concatenate([y[:, d] for _, y in one])))
            for one in seeds
        ]
        assert found[name].seeds == pytest.approx(each)
        assert found[name].mean == pytest.approx(sum(each) / 2)
        assert found[name].std == pytest.approx(abs(each[0] - each[1]) / 2**0.5)
        low, high = found[name].low, found[name].high
        assert low is not None and high is not None and low < found[name].mean < high
    both = [found["arousal"].mean, found["valence"].mean]
    assert found[AVERAGE].mean == pytest.approx(sum(both) / 2)


def test_one_seed_has_no_deviation_and_one_dyad_no_interval(gold: list[np.ndarray]) -> None:
    found = judged([noisy(gold, 0.5, 1)], ["one"] * 16).figures()["arousal"]
    assert (found.std, found.low, found.high) == (None, None, None)


def test_eight_dyads_that_agree_are_significant_and_five_cannot_be(gold: list[np.ndarray]) -> None:
    # All on one side: p of eight is 2/2⁸ = .0078, of five 2/2⁵ = .0625; Holm doubles it for two dimensions.
    for count, p, significant in ((8, 2 / 2**8, True), (5, 2 / 2**5, False)):
        some = gold[: 2 * count]
        units = [f"{k // 2}" for k in range(2 * count)]
        good, bad = (judged([noisy(some, noise, 1)], units) for noise in (0.1, 3.0))
        tests = differences_of([("good", {"good": good, "bad": bad})])
        assert [(test.best, test.other, test.dimension) for test in tests] == [
            ("good", "bad", "arousal"),
            ("good", "bad", "valence"),
        ]
        for test in tests:
            assert (test.n, test.p) == (count, pytest.approx(p))
            assert test.corrected == pytest.approx(2 * p)
            assert test.significant is significant
            assert test.median is not None and test.median > 0


def test_a_model_does_not_differ_from_itself(gold: list[np.ndarray]) -> None:
    pairs = noisy(gold, 0.5, 1)
    one, same = (judged([pairs], [str(k) for k in range(16)]) for _ in range(2))
    for test in differences_of([("one", {"one": one, "same": same})]):
        assert (test.n, test.p, test.corrected, test.significant) == (0, None, None, False)
    assert differences_of([("missing", {"one": one, "same": same})]) == []


def with_log(folder: Path, means: Sequence[float]) -> None:
    (folder / "visual").mkdir(parents=True)
    rows = "".join(f"{k},{mean}\n" for k, mean in enumerate(means, 1))
    (folder / "visual" / "log.csv").write_text(f"epoch,mean\n{rows}", encoding="utf-8")
    (folder / "result.json").write_text('{"final": "visual"}', encoding="utf-8")


def test_epochs_to_the_best_and_to_95_percent_of_it(tmp_path: Path) -> None:
    cells, model = Cells(tmp_path, (0, 1)), alone(Config(), "visual")
    with_log(cells.cells / "visual-s0", [0.1, 0.495, 0.4, 0.52])  # 95 % of .52 is .494
    with_log(cells.cells / "visual-s1", [-0.3, -0.2, -0.1])
    found = epochs(cells, model)
    assert found["epoch of 95 %"].seeds == (2.0, 3.0)
    assert found["best epoch"].seeds == (4.0, 3.0)
    assert epochs(Cells(tmp_path, (0, 2)), model) == {}


@given(st.lists(st.floats(-1, 1), min_size=1, max_size=20))
def test_95_percent_never_come_after_the_best(means: list[float]) -> None:
    from affekt.training.experiments.extras import _first

    assert 1 <= _first(means, 0.05) <= _first(means, 0.0) == 1 + means.index(max(means))


def test_gains_are_over_the_best_modality_of_each_dimension(
    monkeypatch: pytest.MonkeyPatch, gold: list[np.ndarray], tmp_path: Path
) -> None:
    def of(arousal: float, valence: float) -> Judged:
        rng = np.random.default_rng(1)
        noise = np.array([arousal, valence])
        return judged(
            [[(y + noise * rng.standard_normal(y.shape), y) for y in gold]], list("abcdefghijklmnop")
        )

    base = Config(modalities=("text", "audio"))
    known = {"text": of(1, 3), "audio": of(3, 1), "fusion-residual-shuffled": of(2, 2)}
    monkeypatch.setattr("affekt.training.experiments.extras._devel", lambda _, model, __: known[model.name])
    asked: list[Any] = []
    monkeypatch.setattr(Cells, "train", lambda _, models: asked.extend(models))
    lines = below_fusions(base, Cells(tmp_path, (0,)), {"residual": of(0.5, 0.5), "concatenation": of(1, 1)})
    by_name = {line.name: line for line in lines}
    assert list(by_name) == [
        *("Text alone", "Audio alone", "Gain of residual self-attention"),
        *("Residual self-attention, shuffled", "Gain, shuffled"),
    ]
    assert [model.name for model in asked] == ["fusion-residual-shuffled"]
    fused, singles = of(0.5, 0.5).figures(), {name: known[name].figures() for name in ("text", "audio")}
    gain = by_name["Gain of residual self-attention"]
    assert "arousal: text, valence: audio" in gain.note
    for name, best in (("arousal", "text"), ("valence", "audio")):
        expected = fused[name].mean - singles[best][name].mean
        assert gain.ours[f"devel {name}"].mean == pytest.approx(expected)
        assert by_name["Gain, shuffled"].ours[f"devel {name}"].mean < 0 < expected


def test_an_error_that_is_no_weights_makes_the_command_fail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def work(job: Job) -> None:
        raise AffektError("bad")

    monkeypatch.setattr(running, "work", work)
    cells = Cells(tmp_path, (0,))
    cells.train([alone(Config(), "text")])
    assert cells.faulty
