"""Which sentence, and whose turn, each frame has."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from affekt.timeline import Sentence, Turn, frame_of
from affekt.timeline.alignment import sentence_frames, speaker_frames

times = st.floats(0, 20, allow_nan=False)
spans = st.tuples(times, times).map(sorted)
sentences = st.lists(spans.map(lambda span: Sentence(span[0], span[1], "well")), max_size=8)
turns = st.lists(st.builds(lambda span, who: Turn(span[0], span[1], who), spans, st.booleans()), max_size=8)


def test_a_sentence_covers_its_frames_with_both_ends():
    said = [Sentence(0.24, 0.45, "half is rounded up: 2 to 5")]
    assert sentence_frames(said, 8).tolist() == [-1, -1, 0, 0, 0, 0, -1, -1]


def test_what_overruns_the_recording_is_clipped():
    said = [Sentence(0.0, 99.0, "on and on"), Sentence(100.0, 101.0, "too late")]
    assert sentence_frames(said, 3).tolist() == [0, 0, 0]
    assert sentence_frames([Sentence(0.0, 0.2, "before")], 3, first=10).tolist() == [-1, -1, -1]


def test_the_later_start_wins_whatever_the_order():
    long, short = Sentence(0.0, 0.6, "long"), Sentence(0.2, 0.3, "short")
    assert sentence_frames([long, short], 7).tolist() == [0, 0, 1, 1, 0, 0, 0]
    assert sentence_frames([short, long], 7).tolist() == [1, 1, 0, 0, 1, 1, 1]


def test_causal_counts_from_the_end_until_the_next_end_five_seconds_at_most():
    said = [Sentence(0.0, 1.0, "one"), Sentence(1.0, 2.0, "two")]
    rows = sentence_frames(said, 80, "causal")
    assert rows.tolist() == [-1] * 10 + [0] * 10 + [1] * 50 + [-1] * 10


def test_causal_goes_by_the_ends_where_sentences_overlap():
    said = [Sentence(0.0, 3.0, "long"), Sentence(1.0, 2.0, "short")]
    assert sentence_frames(said, 90, "causal").tolist() == [-1] * 20 + [1] * 10 + [0] * 50 + [-1] * 10


def test_a_sentence_without_a_word_is_none():
    said = [Sentence(0.0, 0.4, "yes"), Sentence(0.2, 0.4, "… ?!")]
    assert sentence_frames(said, 6).tolist() == [0, 0, 0, 0, 0, -1]
    assert sentence_frames(said, 6, "causal").tolist() == [-1, -1, -1, -1, 0, 0]


@given(sentences, st.sampled_from(["sentence", "causal"]), st.integers(1, 60))
@settings(deadline=None)
def test_chunked_is_unchunked(said, alignment, size):
    whole = sentence_frames(said, 180, alignment)
    parts = [sentence_frames(said, min(size, 180 - k), alignment, k) for k in range(0, 180, size)]
    assert whole.dtype == np.int64 and np.array_equal(np.concatenate(parts), whole)


@given(sentences)
@settings(deadline=None)
def test_causal_never_knows_a_sentence_before_its_end(said):
    for frame, row in enumerate(sentence_frames(said, 260, "causal")):
        if row >= 0:
            assert 0 <= frame - frame_of(said[row].end) < 50
            assert not any(frame_of(said[row].end) < frame_of(one.end) <= frame for one in said)


@given(sentences)
@settings(deadline=None)
def test_every_frame_in_a_span_has_a_sentence_and_no_other(said):
    covered = {k for one in said for k in range(frame_of(one.start), frame_of(one.end) + 1)}
    rows = sentence_frames(said, 210)
    assert {k for k in range(210) if rows[k] >= 0} == covered


def test_all_is_the_subjects_without_turns_and_nothing_with_none_of_them():
    assert speaker_frames(None, 3).tolist() == [0, 0, 0]
    assert speaker_frames((), 3).tolist() == [1, 1, 1]


def test_overlap_counts_as_the_subject():
    both = [Turn(0.1, 0.3, True), Turn(0.2, 0.5, False)]
    assert speaker_frames(both, 6).tolist() == [1, 0, 0, 0, 1, 1]
    assert speaker_frames(both[::-1], 6).tolist() == [1, 0, 0, 0, 1, 1]


@given(turns, st.integers(1, 60))
@settings(deadline=None)
def test_turns_chunked_are_unchunked(spoken, size):
    whole = speaker_frames(spoken, 180)
    parts = [speaker_frames(spoken, min(size, 180 - k), k) for k in range(0, 180, size)]
    assert whole.dtype == np.int64 and np.array_equal(np.concatenate(parts), whole)
