"""Word tables through the one door: fastText's vectors line by line, and a table that is learned."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from affekt.errors import ModelError
from affekt.networks import WordTable
from affekt.runtime.words import Vocabulary
from affekt.training.encoders import tables, text_encoder
from text_graphs import same_graph

VEC = b"""9 3
, 9 9 9
der 0.5 -1 2
Haus 1 2 3
haus 4 5 6
Gr\xc3\xb6\xc3\x9fe -1 -2 -3\x20
z-y 7 7 7
selten 7 8 9
nie 1 1 1
"""


@pytest.fixture
def vec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A table whose two commonest words are kept whatever is said."""
    monkeypatch.setattr(tables, "COMMONEST", 2)
    (tmp_path / "wiki.de.vec").write_bytes(VEC)
    return tmp_path / "wiki.de.vec"


@pytest.mark.parametrize("header", [True, False])
def test_fasttext_by_hand(vec: Path, header: bool) -> None:
    vec.write_bytes(VEC if header else VEC.partition(b"\n")[2])
    encoder = text_encoder(f"fasttext:{vec}", ["Größe, das war selten!"])
    assert isinstance(encoder.words, Vocabulary) and encoder.kind == "vocabulary"
    assert encoder.words.words == ("der", "haus", "größe", "selten")
    assert encoder.said == "wiki.de.vec: 2 of the corpus' 4 words, width 3"
    found = encoder.encode(["Das HAUS der Größe", "selten?"])
    # "das" is not in the table: zeros, but a word. The commonest spelling of "haus" has a capital.
    assert found[0].tolist() == [[0, 0, 0], [1, 2, 3], [0.5, -1, 2], [-1, -2, -3]]
    assert found[1].tolist() == [[7, 8, 9]]
    e = encoder.words.encode(["das haus", "selten"])
    assert e.pieces.tolist() == [[1, 3], [5, 0]] and e.word_mask.tolist() == [[True, True], [True, False]]
    assert not encoder.learned and not any(one.requires_grad for one in encoder.module.parameters())
    assert encoder.about.name == "fasttext-wiki.de" and encoder.about.width == 3


def test_fasttext_stops_where_it_has_all(vec: Path) -> None:
    with vec.open("ab") as file:
        file.write(b"kaputt 1 2\n")
    assert text_encoder(f"fasttext:{vec}").said == "wiki.de.vec: 2 words, width 3"
    with pytest.raises(ModelError, match="line 10: kaputt should have 3 numbers"):
        text_encoder(f"fasttext:{vec}", ["kaputt"])


def test_fasttext_fingerprint(vec: Path) -> None:
    first = text_encoder(f"fasttext:{vec}").about
    # Of the table, not of the words that were asked for, whose vectors are the same.
    assert text_encoder(f"fasttext:{vec}", ["selten"]).about == first
    vec.write_bytes(VEC.replace(b"7 8 9", b"7 8 8"))
    assert text_encoder(f"fasttext:{vec}").about.fingerprint != first.fingerprint


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, r"cannot be read \(No such file or directory\); fasttext.cc"),
        (b"", "no line has a word and its vector"),
        (b"2 3\n", "no line has a word and its vector"),
        (b"der 1 zwei 3\n", "line 1: der has no numbers after it"),
        (b"2 3\nder 1 2 3\ndie 1 2\n", "line 3: die should have 3 numbers"),
        (b"der 1 nan 3\n", "line 1: der should have 3 numbers"),
        (b"der\n", "line 1: der should have 0 numbers"),
        (b"\x80\x04\x95 1\n\n", "no line has a word and its vector"),
    ],
)
def test_fasttext_faults(vec: Path, content: bytes | None, said: str) -> None:
    if content is None:
        vec.unlink()
    else:
        vec.write_bytes(content)
    with pytest.raises(ModelError, match=said) as raised:
        text_encoder(f"fasttext:{vec}")
    assert "\n" not in str(raised.value) and str(vec) in str(raised.value)


def test_learned_words() -> None:
    encoder = text_encoder("words", ["Good day", "good night"])
    assert encoder.learned and encoder.kind == "vocabulary" and encoder.about.width == 300
    assert isinstance(encoder.module, WordTable) and encoder.module.table.weight.shape == (5, 300)
    assert all(one.requires_grad for one in encoder.module.parameters())
    assert encoder.said == "a table of the training part's 3 words, width 300, random weights"
    rows = encoder.module.table.weight.detach().numpy()
    np.testing.assert_array_equal(encoder.encode(["Good evening"])[0], rows[[2, 1]])
    assert text_encoder("words:8", ["Good day"]).about.width == 8
    for name in ("words", "words:12"):
        with pytest.raises(ModelError, match="there are none here"):
            text_encoder(name)
    with pytest.raises(ModelError, match="words:0: a word table is at least 1 wide"):
        text_encoder("words:0", ["Good day"])


@pytest.mark.parametrize("name", ["words", "fasttext"])
def test_tables_are_exported(vec: Path, name: str, tmp_path: Path) -> None:
    wanted = name if name == "words" else f"fasttext:{vec}"
    same_graph(text_encoder(wanted, ["das Haus", "selten der Fall"]), tmp_path, ["Das Haus der Größe", "nie"])
