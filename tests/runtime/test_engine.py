"""The engine says the same however its inputs are cut, on however many threads, and again."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from affekt.errors import ModelError
from affekt.runtime.bundle import open_bundle
from affekt.runtime.engine import FACES, SENTENCES, WINDOWS, Engine, Judged, Network
from affekt.training.export import graphs_of, write_graph, write_weights
from bundles import CONFIG, SPEC, bundle_folder, make_encoder, make_model

FUSIONS = ("concatenation", "hierarchical", "self_attention", "residual", "cross_modal")
TEXTS = ["the good day", "No!", "", "I don't know why it went on for so long, honestly.", "...", "bad night"]


@cache
def engine(kind: str = "cross_modal", threads: int = 1) -> Engine:
    return Engine(open_bundle(bundle_folder(kind)), threads)


def frames(b: int, t: int, seed: int = 0) -> tuple[tuple[np.ndarray, np.ndarray, np.ndarray], np.ndarray]:
    """Features and presence; every seventh frame has nothing at all."""
    draw = np.random.default_rng(seed)
    text, audio, visual = (draw.standard_normal((b, t, w)).astype(np.float32) for w in CONFIG.sizes)
    presence = draw.random((b, t, 3)) < 0.6
    presence[:, ::7] = False
    return (text, audio, visual), presence


def judge(kind: str, b: int = 2, t: int = 40, threads: int = 1) -> tuple[Judged, np.ndarray]:
    features, presence = frames(b, t)
    one = engine(kind, threads)
    return one.judge(features, presence, one.initial(b)), presence


def sounds(n: int) -> tuple[np.ndarray, np.ndarray]:
    windows = np.random.default_rng(n).uniform(-1, 1, (n, SPEC.window)).astype(np.float32)
    return windows, np.arange(n, dtype=np.int64) % 2


def faces(n: int) -> np.ndarray:
    return np.random.default_rng(n).integers(0, 256, (n, 32, 32, 3), np.uint8)


def test_widths() -> None:
    assert engine().widths == CONFIG.sizes
    h, c = engine().initial(3)
    assert h.shape == c.shape == (1, 3, CONFIG.head.hidden) and not h.any()


def test_sentences_one_by_one() -> None:
    texts = TEXTS * 4
    assert len(texts) > SENTENCES
    vectors, weights = engine().encode(texts)
    assert vectors.shape == (len(texts), CONFIG.text.size)
    for i, text in enumerate(texts):
        (vector,), ((words, heads),) = engine().encode([text])
        np.testing.assert_allclose(vectors[i], vector, rtol=0, atol=1e-5)
        assert weights[i][0] == words and heads.shape == (CONFIG.text.heads, len(words))
        np.testing.assert_allclose(weights[i][1], heads, rtol=0, atol=1e-5)
        if words:
            np.testing.assert_allclose(heads.sum(1), 1, atol=1e-5)
    assert [len(words) > 0 for words, _ in weights[:6]] == [True, True, False, True, False, True]


def test_windows_one_by_one() -> None:
    windows, speaker = sounds(WINDOWS + 5)
    together = engine().hear(windows, speaker)
    assert together.shape == (WINDOWS + 5, CONFIG.audio.size)
    one_by_one = [engine().hear(windows[i : i + 1], speaker[i : i + 1]) for i in range(len(windows))]
    np.testing.assert_allclose(together, np.concatenate(one_by_one), rtol=0, atol=1e-5)


def test_faces_one_by_one() -> None:
    pictures = faces(FACES + 3)
    together, heat = engine().see(pictures)
    assert together.shape == (FACES + 3, CONFIG.visual.size) and heat.shape == (FACES + 3, 8, 8)
    alone = [engine().see(pictures[i : i + 1]) for i in range(len(pictures))]
    np.testing.assert_allclose(together, np.concatenate([x for x, _ in alone]), rtol=0, atol=1e-5)
    np.testing.assert_allclose(heat, np.concatenate([m for _, m in alone]), rtol=0, atol=1e-5)


def test_a_graph_is_given_what_it_asks_for(tmp_path: Path) -> None:
    """An audio network without interlocutor has no use for the speaker, and its graph no such input."""
    model = make_model(config=replace(CONFIG, audio=replace(CONFIG.audio, interlocutor=False)))
    graph, path = graphs_of(make_encoder(), model, SPEC)["audio"], tmp_path / "graph-audio.onnx"
    write_weights([graph.module], tmp_path / "weights.safetensors")
    write_graph(graph, tmp_path / "weights.safetensors", path)
    network, (windows, speaker) = Network(path, "audio", 1), sounds(3)
    assert list(network.shapes) == ["windows"]
    x = network(windows=windows, speaker=speaker)["x"]
    np.testing.assert_array_equal(x, network(windows=windows, speaker=1 - speaker)["x"])
    with pytest.raises(ModelError, match=r"graph-audio.onnx: fails on what it is given \(.*\)$"):
        network(windows=windows[:, 1:])


def test_nothing_gives_nothing() -> None:
    vectors, weights = engine().encode([])
    assert vectors.shape == (0, CONFIG.text.size) and weights == []
    assert engine().hear(*sounds(0)).shape == (0, CONFIG.audio.size)
    vectors, heat = engine().see(faces(0))
    assert vectors.shape == (0, CONFIG.visual.size) and len(heat) == 0


@pytest.mark.parametrize("kind", FUSIONS)
def test_sequences_one_by_one_and_in_pieces(kind: str) -> None:
    whole, _ = judge(kind)
    features, presence = frames(2, 40)
    for row in range(2):
        state, parts = engine(kind).initial(1), []
        for start in range(0, 40, 13):
            cut = np.s_[row : row + 1, start : start + 13]
            text, audio, visual = (x[cut] for x in features)
            part = engine(kind).judge((text, audio, visual), presence[cut], state)
            state = part.state
            parts.append(part.y[0])
        np.testing.assert_allclose(np.concatenate(parts), whole.y[row], rtol=0, atol=1e-5)


@pytest.mark.parametrize("kind", FUSIONS)
def test_weights(kind: str) -> None:
    judged, presence = judge(kind)
    assert judged.y.shape == (2, 40, 2)
    assert np.isfinite(judged.y).all() and np.abs(judged.y).max() <= 1
    if kind == "concatenation":
        assert judged.modality is None
    else:
        assert judged.modality is not None
        assert (judged.modality[~presence] == 0).all() and judged.modality.min() >= 0
        np.testing.assert_allclose(judged.modality.sum(-1), presence.any(-1), atol=1e-5)
    pairs = open_bundle(bundle_folder(kind)).pairs
    assert (pairs is not None) == (kind in ("hierarchical", "cross_modal")) == (judged.pairs is not None)
    if judged.pairs is not None:
        assert judged.pairs.shape == (2, 40, 3, 2)
        total = judged.pairs.sum(-1)
        assert (np.isclose(total, 1, atol=1e-5) | (total == 0)).all()
    assert (judged.shares is not None) == (kind == "hierarchical")
    if judged.shares is not None:
        np.testing.assert_allclose(judged.shares.sum(-1), presence.any(-1), atol=1e-5)


@pytest.mark.parametrize("kind", ["cross_modal", "concatenation"])
def test_absent_features_do_not_matter(kind: str) -> None:
    features, presence = frames(2, 40)
    text, audio, visual = (np.where(presence[..., m, None], x, np.nan) for m, x in enumerate(features))
    found = engine(kind).judge((text, audio, visual), presence, engine(kind).initial(2))
    np.testing.assert_array_equal(found.y, judge(kind)[0].y)


def test_the_same_again_to_the_bit() -> None:
    again = Engine(open_bundle(bundle_folder()), 1)
    windows, speaker = sounds(9)
    for first, second in (
        (engine().encode(TEXTS)[0], again.encode(TEXTS)[0]),
        (engine().hear(windows, speaker), again.hear(windows, speaker)),
        (engine().see(faces(9))[0], again.see(faces(9))[0]),
        (judge("cross_modal")[0].y, judge("cross_modal")[0].y),
    ):
        np.testing.assert_array_equal(first, second)


def test_threads_do_not_matter() -> None:
    two, (windows, speaker) = engine(threads=2), sounds(9)
    for first, second in (
        (engine().encode(TEXTS)[0], two.encode(TEXTS)[0]),
        (engine().hear(windows, speaker), two.hear(windows, speaker)),
        (engine().see(faces(9))[0], two.see(faces(9))[0]),
        (judge("cross_modal")[0].y, judge("cross_modal", threads=2)[0].y),
    ):
        np.testing.assert_allclose(first, second, rtol=0, atol=1e-4)
