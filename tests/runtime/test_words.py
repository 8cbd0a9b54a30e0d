"""Sentences as words and pieces: every word has its pieces, and company changes nothing."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from affekt.errors import ModelError
from affekt.runtime.words import (
    MAX_PIECES_OF_WORD,
    Encoded,
    Vocabulary,
    WordPieces,
    load_words,
)
from affekt.timeline.words import split_words

TABLE = [
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "i",
    "don",
    "'",
    "t",
    "know",
    "good",
    "morn",
    "##ing",
    "!",
    ".",
    "a",
]


def small_tokenizer() -> str:
    """A WordPiece tokenizer of BERT's kind over a dozen pieces, with the padding and cutting MiniLM's has."""
    tokenizer = Tokenizer(
        models.WordPiece({piece: row for row, piece in enumerate(TABLE)}, unk_token="[UNK]")
    )
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    tokenizer.enable_truncation(5)
    tokenizer.enable_padding(length=9)
    return tokenizer.to_str()


TOKENIZER = small_tokenizer()
PIECES = WordPieces(TOKENIZER)
VOCABULARY = Vocabulary.of(["Good morning, good people", "I know"])
texts = st.lists(
    st.text(max_size=30) | st.sampled_from(["Good morning!", "I don't know.", "...", ""]), max_size=5
)
either = st.sampled_from([PIECES, VOCABULARY])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Good morning", ("Good", "morning")),
        ("I don't, won’t!", ("I", "don't", ",", "won’t", "!")),
        ("'quoted' -- well...", ("'", "quoted", "'", "--", "well", "...")),
        ("größer 3.5", ("größer", "3", ".", "5")),
        ("", ()),
        (" ?! ", ()),
    ],
)
def test_split(text, words):
    assert split_words(text) == words


def test_pieces_by_hand():
    encoded = PIECES.encode(["Good morning!", "I don't xylophone"])
    assert encoded.words == (("Good", "morning", "!"), ("I", "don't", "xylophone"))
    assert encoded.pieces.tolist() == [[2, 9, 10, 11, 12, 3, 0], [2, 4, 5, 6, 7, 1, 3]]
    assert encoded.piece_word.tolist() == [[-1, 0, 1, 1, 2, -1, -1], [-1, 0, 1, 1, 1, 2, -1]]
    assert encoded.piece_mask.tolist() == [[True] * 6 + [False], [True] * 7]
    assert encoded.word_mask.tolist() == [[True] * 3] * 2


def test_vocabulary_by_hand():
    assert VOCABULARY.words == ("good", "i", "know", "morning", "people")
    assert len(VOCABULARY) == 7
    encoded = VOCABULARY.encode(["GOOD evening, people!", "..."])
    assert encoded.pieces.tolist() == [[2, 1, 6], [0, 0, 0]]
    assert encoded.words == (("GOOD", "evening", "people"), ())
    assert encoded.word_mask.tolist() == [[True] * 3, [False] * 3]


@pytest.mark.parametrize("words", [PIECES, VOCABULARY])
def test_nothing_has_a_place_all_the_same(words):
    none = words.encode([])
    assert none.pieces.shape == none.piece_word.shape == (0, none.pieces.shape[1])
    assert none.pieces.shape[1] >= 1 and none.word_mask.shape == (0, 1) and none.words == ()
    empty = words.encode(["", "?!"])
    assert empty.word_mask.tolist() == [[False], [False]] and (empty.piece_word == -1).all()


def check(encoded: Encoded, n_texts: int) -> None:
    """What holds for every encoding."""
    assert len(encoded.pieces) == len(encoded.words) == n_texts
    assert encoded.pieces.dtype == encoded.piece_word.dtype == np.int64
    assert encoded.word_mask.sum(axis=1).tolist() == [len(words) for words in encoded.words]
    assert (encoded.pieces[~encoded.piece_mask] == 0).all()
    assert (encoded.piece_word[~encoded.piece_mask] == -1).all()
    for owners, words in zip(encoded.piece_word, encoded.words, strict=True):
        own = owners[owners >= 0]
        assert sorted(set(own)) == list(range(len(words)))  # every word has a piece, no piece a word too many
        assert (np.diff(own) >= 0).all()
        assert not words or np.bincount(own).max() <= MAX_PIECES_OF_WORD


@given(either, texts)
@settings(deadline=None)
def test_every_word_has_its_pieces(words, said):
    check(words.encode(said), len(said))


@given(either, texts)
@settings(deadline=None)
def test_alone_or_in_company_is_the_same(words, said):
    together = words.encode(said)
    for row, text in enumerate(said):
        alone = words.encode([text])
        size, length = int(alone.piece_mask.sum()), len(alone.words[0])
        assert alone.words[0] == together.words[row]
        assert int(together.piece_mask[row].sum()) == size
        assert np.array_equal(alone.pieces[0, :size], together.pieces[row, :size])
        assert np.array_equal(alone.piece_word[0, :size], together.piece_word[row, :size])
        assert int(together.word_mask[row].sum()) == length


def test_long_sentences_are_cut_and_punctuation_does_not_crowd_words_out():
    encoded = PIECES.encode(["good " * 300, "!" * 999 + " good", "a'" * 500 + "a"])
    check(encoded, 3)
    assert len(encoded.words[0]) == 128
    assert encoded.words[1] == ("!" * 999, "good")
    short = WordPieces(TOKENIZER, max_words=3, max_pieces=4).encode(["good morning know", "a a a a a"])
    assert short.words == (("good", "morning"), ("a", "a")) and short.pieces.shape == (2, 4)
    check(short, 2)


def test_words_a_tokenizer_wipes_out_are_unknown():
    encoded = PIECES.encode(["a \u0301\u0301 good \u200b", "\ud800 a"])
    check(encoded, 2)
    assert encoded.words[0] == ("a", "\u0301\u0301", "good", "\u200b")
    assert encoded.pieces[0, 1:5].tolist() == [14, 1, 9, 1]


def test_saved_and_loaded(tmp_path):
    (tmp_path / "tokenizer.json").write_text(TOKENIZER)
    (tmp_path / "vocabulary.json").write_text(VOCABULARY.to_json())
    for kind, words in (("wordpieces", PIECES), ("vocabulary", VOCABULARY)):
        again = load_words(tmp_path, kind)
        assert np.array_equal(again.encode(["good morning"]).pieces, words.encode(["good morning"]).pieces)
    assert load_words(TOKENIZER.encode(), "wordpieces").encode(["good"]).pieces.tolist() == [[2, 9, 3]]


@pytest.mark.parametrize("kind", ["wordpieces", "vocabulary"])
@pytest.mark.parametrize(
    "content", [b"", b"{}", b"[]", b'{"words": [1]}', b'{"words": ["a", "a"]}', b"\xff\xfe"]
)
def test_damaged_files_are_refused_in_one_line(tmp_path, kind, content):
    with pytest.raises(ModelError) as raised:
        load_words(content, kind)
    assert "\n" not in str(raised.value)
    with pytest.raises(ModelError, match="cannot be read"):
        load_words(tmp_path, kind)


def test_other_kinds_of_tokenizers():
    """Byte pieces with marks of their own, as RoBERTa has: the words keep their pieces apart."""
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    table = {piece: row for row, piece in enumerate(["<s>", "<pad>", "</s>", "<unk>", *sorted(alphabet)])}
    tokenizer = Tokenizer(models.BPE(vocab=table, merges=[], unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    encoded = WordPieces(tokenizer.to_str()).encode(["ab c"])
    check(encoded, 1)
    assert encoded.piece_word.tolist() == [[-1, 0, 0, 0, 1, 1, -1]]
    assert encoded.pieces[0, [0, -1]].tolist() == [0, 2] and encoded.piece_mask.all()


def test_words_are_cut_as_in_the_running_sentence():
    """After a space a byte piece begins with it, after a bracket or at the start it does not."""
    table = ["<s>", "</s>", "<unk>", "Ġ", "(", ")", "n", "o", "no", "Ġno", "Ġ("]
    rows = {piece: row for row, piece in enumerate(table)}
    tokenizer = Tokenizer(models.BPE(rows, [("n", "o"), ("Ġ", "no"), ("Ġ", "(")], unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 1), ("<s>", 0), add_prefix_space=False)
    encoded = WordPieces(tokenizer.to_str()).encode(["no \t no\xa0(no)  "])
    assert encoded.words == (("no", "no", "(", "no", ")"),)
    assert [table[row] for row in encoded.pieces[0]] == ["<s>", "no", "Ġno", "Ġ(", "no", ")", "</s>"]
    assert encoded.piece_word.tolist() == [[-1, 0, 1, 2, 3, 4, -1]]


def test_a_lone_mark_of_a_space_belongs_to_the_word_after_it():
    table = ["<unk>", "▁", "a", "▁b", "!"]
    tokenizer = Tokenizer(models.Unigram([(piece, -1.0) for piece in table], unk_id=0))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="$A <sep>:0", special_tokens=[("<sep>", 0)]
    )
    encoded = WordPieces(tokenizer.to_str()).encode(["a b a!"])
    assert [table[row] for row in encoded.pieces[0, :-1]] == ["▁", "a", "▁b", "▁", "a", "!"]
    assert encoded.piece_word.tolist() == [[0, 0, 1, 2, 2, 3, -1]]


def test_marks_that_are_said_are_letters():
    tokenizer = Tokenizer.from_str(TOKENIZER)
    tokenizer.add_special_tokens(["[SEP]"])
    encoded = WordPieces(tokenizer.to_str()).encode(["a [SEP] a"])
    assert encoded.words == (("a", "[", "SEP", "]", "a"),)
    assert encoded.pieces.tolist() == [[2, 14, 1, 1, 1, 14, 3]]


def test_words_that_melt_into_one_piece_have_one_each():
    """A soft hyphen within a word is one of our words and nothing to the encoder."""
    encoded = PIECES.encode(["go\xadod good"])
    assert encoded.words == (("go", "\xad", "od", "good"),)
    assert encoded.pieces.tolist() == [[2, 9, 1, 1, 9, 3]]
    assert encoded.piece_word.tolist() == [[-1, 0, 1, 2, 3, -1]]
    check(encoded, 1)


def test_vocabulary_file_is_plain():
    assert json.loads(VOCABULARY.to_json()) == {"words": list(VOCABULARY.words)}
