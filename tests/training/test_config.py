"""Configs: what YAML and KEY=VALUE may say, what they may not, and that a run's copy says the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from affekt.corpora.gold.delay import Delays
from affekt.errors import ConfigError
from affekt.timeline import ClipSpec
from affekt.training.config import Config, Data, config_of, read_config, to_yaml, write_config


def written(folder: Path, text: str) -> Path:
    path = folder / "config.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_file_that_says_nothing_is_the_papers_model(tmp_path: Path) -> None:
    config = read_config(written(tmp_path, ""))
    assert config == Config() == read_config(None)
    assert config.names == ("text", "audio", "visual", "fusion")
    assert [config.fitting(stage).batch for stage in config.names] == [20, 20, 3, 3]
    assert {(config.fitting(stage).lr, config.fitting(stage).frames) for stage in config.names} == {
        (5e-4, 100)
    }
    model = config.model(ClipSpec(), 768)
    assert model.sizes == (1024, 4500, 256)
    assert (model.fusion.kind, model.head.hidden) == ("cross_modal", 256)


def test_yaml_and_changes_after_it(tmp_path: Path) -> None:
    path = written(tmp_path, "seed: 3\nfusion: {kind: residual, size: 16}\ntraining: {lr: 5e-4}\n")
    config = read_config(path, ["fusion.kind=hierarchical", "training.lr=1e-3", "modalities=[text, audio]"])
    assert config.seed == 3
    assert config.fusion == {"kind": "hierarchical", "size": 16}
    assert config.training.lr == 0.001  # YAML 1.1 has 1e-3 for a word
    assert config.modalities == ("text", "audio")
    assert config.names == ("text", "audio", "fusion")
    assert read_config(path, ["modalities=[visual]"]).names == ("visual",)


def test_a_number_may_be_written_as_yaml_reads_it_for_a_word(tmp_path: Path) -> None:
    head = read_config(written(tmp_path, "head: {dropout: 1e-1}")).model(ClipSpec(), 1).head
    assert head.dropout == 0.1 and type(head.dropout) is float


def test_a_stage_changes_what_it_says_and_keeps_the_rest() -> None:
    config = config_of(
        {"training": {"lr": 0.1, "batch": 7}, "stages": {"fusion": {"lr": 0.2}, "text": {"batch": 4}}}
    )
    said = {stage: (config.fitting(stage).lr, config.fitting(stage).batch) for stage in config.names}
    # The file says nothing of visual's batch, nor of fusion's: they keep their defaults of 3.
    assert said == {"text": (0.1, 4), "audio": (0.1, 7), "visual": (0.1, 3), "fusion": (0.2, 3)}
    assert config_of({"stages": {"fusion": {"freeze": ["text"]}}}).fitting("fusion").freeze == ("text",)


def test_delays_are_those_of_the_folder_unless_said() -> None:
    there = Delays({"arousal": 2.0}, both=True)
    assert Data().delays(there) is there
    assert Data(annotation_delay={"valence": 1.5}).delays(there).of(("arousal", "valence")) == (0.0, 1.5)
    assert Data(text_delay=0.5).delays(there).text == 5
    assert Data(text_delay=0.5).delays(there).of(("arousal",)) == (2.0,)


FAULTS = [
    ("lr: 1", r"lr: there is no such option; there are data, modalities"),
    ("training: {lrate: 1}", r"training\.lrate: there is no such option; there are lr, batch"),
    ("training: {batch: 2.5}", r"training\.batch: is 2\.5, not of type int"),
    ("training: {batch: true}", r"training\.batch: is True, not of type int"),
    ("training: {lr: fast}", r"training\.lr: is 'fast', not of type float"),
    ("training: {lr: .nan}", r"training\.lr: is nan, not of type float"),
    ("training: {lr: .inf}", r"training of text: lr and clip are above 0"),
    ("training: {feature_dropout: 1}", r"stages\.text\.feature_dropout: is 1\.0; it is from 0 to below 1"),
    ("training: {lr: 0}", r"training of text: lr and clip are above 0"),
    ("training: {epochs: 0}", r"training\.epochs: is 0; at least 1"),
    ("training: {steps: 0}", r"training\.steps: is 0; at least 1"),
    ("training: 3", r"training: is a mapping of names to values"),
    ("stages: {words: {lr: 1}}", r"there is no stage words; the stages are text, audio, visual, fusion"),
    ("stages: {text: {lrate: 1}}", r"stages\.text\.lrate: there is no such option"),
    ("stages: {text: {batch: 0}}", r"stages\.text\.batch: is 0; at least 1"),
    ("stages: {text: 3}", r"stages\.text: is 3, not of type dict"),
    ("training: {freeze: [words]}", r"freeze: words is none of text, audio, visual"),
    ("training: {freeze: text}", r"training\.freeze: is 'text', not of type tuple"),
    ("modalities: [audio, text]", r"modalities are some of text, audio, visual, in this order"),
    ("modalities: []", r"modalities are some of"),
    ("modalities: audio", r"modalities: is 'audio', not of type tuple"),
    ("head: {hidden: abc}", r"head\.hidden: is 'abc', not of type int"),
    ("head: {units: 3}", r"head\.units: there is no such option; there are hidden, layers"),
    ("fusion: {size: 8.5}", r"fusion\.size: is 8\.5, not of type int"),
    ("fusion: {kind: sum}", r"no fusion is called 'sum'"),
    ("fusion: {size: 9, heads: 2}", r"size 9 does not divide into 2 heads"),
    ("audio: {kind: ear}", r"audio\.kind: no network is called 'ear'; choose one of tzirakis"),
    ("audio: {kind: [li]}", r"audio\.kind: no network is called \['li'\]"),
    ("audio: {channels: [1, two]}", r"audio\.channels: is 'two', not of type int"),
    ("audio: {kind: trigeorgis, channels: [1]}", r"audio\.channels: there is no such option"),
    ("visual: {pool: max}", r"pool"),
    ("text: {hidden: '4'}", r"text\.hidden: is '4', not of type int"),
    ("data: {alignment: live}", r"data\.alignment: is 'live'; it may be sentence, causal"),
    (
        "data: {annotation_delay: {arousl: 2}}",
        r"annotation_delay: arousl is no dimension; it is of arousal and",
    ),
    ("machine: {threads: 0}", r"machine: loaders are 0 or more, threads 1 or more"),
    ("machine: {loaders: -1}", r"machine: loaders are 0 or more"),
    ("seed: -1", r"seed: is -1; it is a whole number from 0 on"),
    ("- 1\n- 2", r"is no mapping of names to values"),
    ("a: [", r"is no YAML"),
    ("a: !!python/object/apply:os.getcwd []", r"is no YAML"),
]


@pytest.mark.parametrize(("text", "said"), FAULTS, ids=[text for text, _ in FAULTS])
def test_a_fault_is_one_line_that_names_file_and_option(tmp_path: Path, text: str, said: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(ConfigError, match=said) as caught:
        read_config(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.yaml: cannot be read \(No such file"):
        read_config(tmp_path / "none.yaml")
    with pytest.raises(ConfigError, match="cannot be read"):
        read_config(tmp_path)
    (tmp_path / "bytes.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="is no YAML"):
        read_config(tmp_path / "bytes.yaml")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("seed", "seed: is no change; write KEY=VALUE"),
        ("=3", "=3: is no change; write KEY=VALUE"),
        ("seed.more=3", "seed.more=3: seed holds one value, no others within it"),
        ("seed=[", "is no YAML value"),
        ("sed=3", "sed: there is no such option"),
        ("head.hidden=abc", "head.hidden: is 'abc', not of type int"),
    ],
)
def test_changes_that_are_none(tmp_path: Path, change: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_config(written(tmp_path, "seed: 1"), [change])
    assert said in str(caught.value)


positive = st.floats(1e-6, 10)
some = st.lists(st.sampled_from(["text", "audio", "visual"]), min_size=1, unique=True)
ordered = some.map(lambda names: [one for one in ("text", "audio", "visual") if one in names])
fittings = st.fixed_dictionaries(
    {},
    optional={
        "lr": positive,
        "batch": st.integers(1, 99),
        "steps": st.none() | st.integers(1, 9),
        "freeze": ordered,
    },
)
configs = st.fixed_dictionaries(
    {},
    optional={
        "seed": st.integers(0, 2**63 - 1),
        "modalities": ordered,
        "data": st.fixed_dictionaries(
            {"folder": st.text("ab/ :#'\"äß", min_size=1)},
            optional={
                "alignment": st.sampled_from(["sentence", "causal", None]),
                "annotation_delay": st.none() | st.fixed_dictionaries({"arousal": st.floats(0, 30)}),
                "shuffled": st.booleans(),
            },
        ),
        "head": st.fixed_dictionaries({}, optional={"hidden": st.integers(1, 9), "dropout": st.floats(0, 1)}),
        "audio": st.fixed_dictionaries({"weights": st.text(max_size=3)}),
        "training": fittings,
        "stages": st.dictionaries(st.sampled_from(["text", "audio", "visual", "fusion"]), fittings),
        "unimodal": st.none() | st.text("ab{}", min_size=1),
    },
)


@settings(max_examples=40, deadline=None)
@given(configs)
@example({"audio": {"weights": "\x85"}})
def test_a_config_comes_back_from_yaml(values: dict[str, Any]) -> None:
    config = config_of(values)
    plain = yaml.safe_load(to_yaml(config))
    assert plain == config.to_dict()
    back = config_of(plain)
    assert back.to_dict() == config.to_dict()
    assert all(back.fitting(stage) == config.fitting(stage) for stage in config.names)


def test_a_config_comes_back_from_its_file(tmp_path: Path) -> None:
    changes = ["seed=5", "audio.channels=[3, 4, 5]", "stages.text.freeze=[text]"]
    config = read_config(None, changes)
    write_config(config, tmp_path / "kept.yaml")
    assert read_config(tmp_path / "kept.yaml") == config
