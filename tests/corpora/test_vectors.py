"""Word vectors on disk: each sentence encoded once, found again, and never another encoder's."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from affekt.corpora.prepared import vectors
from affekt.corpora.prepared.vectors import Encoder, open_vectors
from affekt.errors import CorpusError
from affekt.timeline.words import split_words

ME = Encoder("letters", "1", 3)


class Letters:
    """A word's vector: how long it is, its first and its last letter; notes what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, texts: Sequence[str]) -> list[np.ndarray]:
        self.asked += texts
        words = [split_words(text) for text in texts]
        return [np.array([[len(w), ord(w[0]), ord(w[-1])] for w in one], np.float32) for one in words]


def test_each_sentence_is_encoded_once(tmp_path: Path) -> None:
    encode, folder = Letters(), tmp_path / "new" / "letters"
    kept = open_vectors(folder, ME)
    assert kept.fill(["Good day", "Größe!", "...", "", "Good day"], encode) == 2
    assert kept.fill(["Good day", "No"], encode) == 1
    assert encode.asked == ["Good day", "Größe!", "No"]
    again = open_vectors(folder)
    assert again.encoder == ME and len(again) == 3 and "No" in again and "..." not in again
    assert again["Good day"].tolist() == [[4, ord("G"), ord("d")], [3, ord("d"), ord("y")]]
    assert again["Größe!"].shape == (2, 3) and again["No"].dtype == np.float32
    with pytest.raises(KeyError):
        again["Yes"]


def test_many_shards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vectors, "SHARD", 5)
    monkeypatch.setattr(vectors, "BATCH", 2)
    texts = [f"word{k} and {k}" for k in range(12)]
    seen: list[tuple[int, int]] = []
    open_vectors(tmp_path, ME).fill(texts, Letters(), lambda *done: seen.append(done))
    assert seen == [(2, 12), (4, 12), (5, 12), (7, 12), (9, 12), (10, 12), (12, 12)]
    kept = open_vectors(tmp_path, ME)
    for text in texts:
        np.testing.assert_array_equal(kept[text], Letters()([text])[0])


def test_what_was_finished_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vectors, "SHARD", 2)
    encode = Letters()

    def broken(texts: Sequence[str]) -> list[np.ndarray]:
        if "c" in texts:
            raise KeyboardInterrupt
        return encode(texts)

    with pytest.raises(KeyboardInterrupt):
        open_vectors(tmp_path, ME).fill(["a", "b", "c", "d"], broken)
    (tmp_path / ".affekt-77.part").touch()
    assert open_vectors(tmp_path, ME).fill(["a", "b", "c", "d"], encode) == 2
    assert encode.asked == ["a", "b", "c", "d"]
    assert not list(tmp_path.glob("*.part"))


def test_anothers_vectors_are_not_mixed_in(tmp_path: Path) -> None:
    open_vectors(tmp_path, ME)
    with pytest.raises(CorpusError, match="letters with other weights"):
        open_vectors(tmp_path, Encoder("letters", "2", 3))


@pytest.mark.parametrize("content", [None, "", "[]", '{"name": "x"}'])
def test_damage(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "encoder.json").write_text(content)
    with pytest.raises(CorpusError, match="affekt prepare"):
        open_vectors(tmp_path)
