"""Prepared clips: what is in them, that they are the same however they were made, what is refused."""

from __future__ import annotations

import fcntl
import os
import random
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from affekt.corpora.corpus import Corpus
from affekt.corpora.gold.delay import Delays
from affekt.corpora.prepared.build import Outcome, file_names, fitted, prepare
from affekt.corpora.prepared.dataset import Dataset, open_prepared, read_dataset
from affekt.errors import CorpusError, OutputError
from affekt.media import read_clips
from affekt.timeline import ClipSpec, Recording
from conftest import ROOT
from corpora.tiny import SPEC, film, gold, tiny_corpus, tree

SETTINGS = Dataset("", SPEC)
WARNINGS = (("Devel ö", "the gold has 30 frames, the recording 35; the rest has no label"),)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return tiny_corpus(tmp_path_factory.mktemp("corpus"), faces=True)


@pytest.fixture(scope="module")
def made(corpus: Corpus, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The corpus, prepared without a disturbance."""
    out = tmp_path_factory.mktemp("made") / "out"
    assert prepare(corpus, out, SETTINGS, workers=2) == Outcome(6, 0, (), WARNINGS)
    return out


def again(corpus: Corpus, out: Path, how: Dataset = SETTINGS) -> list[str]:
    """Prepare once more; the names of what was made anew."""

    def places() -> dict[str, tuple[int, int]]:
        return {path.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in out.glob("clips/*")}

    before = places()
    outcome = prepare(corpus, out, how)
    new = {name for name, place in places().items() if before.get(name) != place}
    assert len(new) == outcome.prepared
    return sorted(one.entry.name for one in open_prepared(out) if Path(one.entry.file).name in new)


# What comes out


def test_what_is_in_a_clip_is_what_was_read(corpus: Corpus, made: Path) -> None:
    prepared = open_prepared(made)
    assert [one.entry.name for one in prepared] == [one.name for one in corpus.recordings]
    for recording, one in zip(corpus.recordings, prepared, strict=True):
        parts = list(read_clips(recording, SPEC, threads=1, length=7))
        clip, _ = one.window()
        for name in ("sound", "has_sound", "speaker", "faces", "boxes", "frame_sentence"):
            joined = np.concatenate([getattr(part, name) for part in parts])
            np.testing.assert_array_equal(getattr(clip, name), joined)
            assert getattr(clip, name).dtype == joined.dtype
        np.testing.assert_array_equal(
            clip.frame_face >= 0, np.concatenate([p.frame_face for p in parts]) >= 0
        )
        one.file.verify()


def test_the_manifest(made: Path) -> None:
    first, second, third, fourth, fifth, face = (one.entry for one in open_prepared(made))
    assert (first.partition, first.group, first.frames, first.heard, first.seen) == ("train", "a", 20, 20, 0)
    assert (first.sentences, first.words, first.dimensions, first.labelled) == (2, 10, "arousal valence", 20)
    assert (second.sentences, second.labelled, second.warnings) == (0, 25, 0)
    assert (third.dimensions, third.labelled, third.file) == ("valence", 30, "clips/Train_10.safetensors")
    assert (fourth.speaker, fourth.language, fourth.labelled, fourth.warnings) == ("Ä", "de", 30, 1)
    assert (fourth.warned, third.warned) == (WARNINGS[0][1], "")
    assert (fifth.partition, fifth.dimensions, fifth.file) == ("test", "", "clips/train_01_2.safetensors")
    assert (face.frames, face.seen, face.sentences) == (158, 158, 5)
    lines = (made / "manifest.csv").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 7 and lines[4].startswith("Devel ö,clips/Devel ö.safetensors,devel,Ä,,de,35,35,0,2,")


def test_words_and_sentences(made: Path) -> None:
    one = open_prepared(made)[0]
    assert [said.text for said in one.sentences] == ['Größe; "so was"', "I don't know!"]
    assert one.words == (("Größe", ";", '"', "so", "was", '"'), ("I", "don't", "know", "!"))


def test_turns_and_gold(corpus: Corpus, made: Path) -> None:
    prepared = open_prepared(made)
    assert prepared[1].window()[0].speaker.tolist() == [0] * 11 + [1] * 14
    np.testing.assert_array_equal(prepared[1].window()[1], gold(27).values[:25])
    assert prepared[2].window(3, 4)[1].tolist() == [[0.5]] * 4
    assert prepared[3].window(28, 4)[1][:2].tolist() == gold(30).values[28:].tolist()
    assert np.isnan(prepared[3].window(30)[1]).all()
    assert prepared[4].window()[1].shape == (40, 0)


def test_partitions(made: Path) -> None:
    prepared = open_prepared(made)
    assert [one.entry.name for one in prepared.of("devel")] == ["Devel ö", "Devel_face"]
    assert [one.entry.name for one in prepared[1:3]] == ["Train_02", "Train/10"]
    assert prepared.of("train").texts() == sorted(said.text for said in prepared[0].sentences)


def test_the_same_bytes_however_it_is_spread(corpus: Corpus, made: Path, tmp_path: Path) -> None:
    prepare(corpus, tmp_path / "o", SETTINGS, workers=1)
    assert tree(tmp_path / "o") == tree(made)


def test_a_copied_corpus_is_the_same_corpus(corpus: Corpus, made: Path, tmp_path: Path) -> None:
    other = tiny_corpus(tmp_path / "copy")
    for mine, theirs in zip(other.recordings, corpus.recordings, strict=False):
        assert mine.media and theirs.media
        mine.media.write_bytes(theirs.media.read_bytes())
        os.utime(mine.media, (0, 0))
    other = replace(other, recordings=(*other.recordings, corpus.recordings[-1]))
    prepare(other, tmp_path / "o", SETTINGS)
    assert tree(tmp_path / "o") == tree(made)


# Windows


def test_delays_and_alignment_are_applied_when_read(made: Path) -> None:
    plain, moved = open_prepared(made)[0], open_prepared(made, delays=Delays({"valence": 0.3}))[0]
    whole, late = plain.window()[1], moved.window()[1]
    np.testing.assert_array_equal(late[:, 0], whole[:, 0])
    np.testing.assert_array_equal(late[:17, 1], whole[3:, 1])
    assert np.isnan(late[17:, 1]).all()
    np.testing.assert_array_equal(moved.window(5, 4)[1], late[5:9])
    text = open_prepared(made, delays=Delays(text=4))[0].window()[0].frame_sentence
    assert text.tolist() == [-1] * 4 + plain.window()[0].frame_sentence.tolist()[:-4]
    causal = open_prepared(made, alignment="causal")[0].window()[0].frame_sentence
    assert causal.tolist() == [-1] * 9 + [0] * 9 + [1] * 2


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, 5), first=st.integers(0, 157), count=st.integers(1, 200))
def test_a_window_is_a_part_of_the_whole(made: Path, place: int, first: int, count: int) -> None:
    one = open_prepared(made)[place]
    first = min(first, len(one) - 1)
    (whole, all_gold), (part, some) = one.window(), one.window(first, count)
    here = slice(first, first + count)
    for name in ("sound", "has_sound", "speaker", "boxes", "frame_sentence"):
        np.testing.assert_array_equal(getattr(part, name), getattr(whole, name)[here])
    np.testing.assert_array_equal(some, all_gold[here])
    seen = part.frame_face >= 0
    np.testing.assert_array_equal(seen, whole.frame_face[here] >= 0)
    np.testing.assert_array_equal(
        part.faces[part.frame_face[seen]], whole.faces[whole.frame_face[here][seen]]
    )
    assert part.first == first and len(part.faces) == seen.sum()


@pytest.mark.parametrize(("first", "count"), [(-1, 3), (20, 3), (0, 0)])
def test_a_window_outside_is_refused(made: Path, first: int, count: int) -> None:
    with pytest.raises(ValueError, match="recording of 20"):
        open_prepared(made)[0].window(first, count)


# Again


def test_nothing_is_done_twice(corpus: Corpus, made: Path) -> None:
    before = tree(made)
    times = {path: path.stat().st_mtime_ns for path in made.glob("clips/*")}
    assert prepare(corpus, made, SETTINGS) == Outcome(0, 6, (), WARNINGS)
    assert tree(made) == before
    assert {path: path.stat().st_mtime_ns for path in made.glob("clips/*")} == times


def test_what_is_settled_when_read_prepares_nothing_anew(tmp_path: Path) -> None:
    corpus = tiny_corpus(tmp_path)
    out = tmp_path / "o"
    assert len(again(corpus, out)) == 5
    other = replace(SETTINGS, alignment="causal", delays=Delays({"arousal": 2.0}))
    assert again(corpus, out, other) == []
    assert read_dataset(out) == replace(other, corpus="tiny", complete=True)


def test_what_has_changed_is_prepared_anew(tmp_path: Path) -> None:
    corpus, out = tiny_corpus(tmp_path), tmp_path / "o"
    again(corpus, out)
    first, second, third, *others = corpus.recordings
    film(tmp_path / "ein Körper" / "film 1.mp4", 2.0, 999.0)
    (tmp_path / "ein Körper" / "film 4.srt").write_text("1\n00:00:00,000 --> 00:00:01,000\nYes\n")
    changed = replace(first, gold=gold(20, seed=1)), second, replace(third, turns=())
    corpus = replace(corpus, recordings=(*changed, *others))
    assert again(corpus, out) == ["Train/10", "Train_01", "Train_02", "train_01"]
    assert again(corpus, out) == []
    assert len(again(corpus, out, replace(SETTINGS, spec=replace(SPEC, cutoff=3_000)))) == 5


def test_a_damaged_clip_is_prepared_anew(tmp_path: Path) -> None:
    corpus, out = tiny_corpus(tmp_path), tmp_path / "o"
    again(corpus, out)
    before = tree(out)
    clip = out / "clips" / "Train_01.safetensors"
    whole = clip.read_bytes()
    middle = len(whole) // 2
    clip.write_bytes(whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :])
    assert again(corpus, out) == ["Train_01"]
    assert tree(out) == before
    for damaged in (b"", clip.read_bytes()[:-1], b"x" * 100):
        clip.write_bytes(damaged)
        with pytest.raises(CorpusError, match="Train_01"):
            open_prepared(out)
        assert again(corpus, out) == ["Train_01"]
        assert tree(out) == before
    (out / "dataset.json").write_bytes(b"{")
    assert again(corpus, out) == []
    assert tree(out) == before


def test_without_turns_a_detector_marks_speech_and_says_so(corpus: Corpus, tmp_path: Path) -> None:
    _, told, *_, face = corpus.recordings
    recordings = (told, face)
    for out, how in (("p", SETTINGS), ("v", replace(SETTINGS, voice=True))):
        prepare(replace(corpus, recordings=recordings), tmp_path / out, how)
    plain, voiced = (list(open_prepared(tmp_path / out)) for out in "pv")
    # Told turns stay as they are; the demo speaks from .4 s on, with pauses, and is silent at its end.
    np.testing.assert_array_equal(plain[0].window()[0].speaker, voiced[0].window()[0].speaker)
    assert not plain[1].window()[0].speaker.any()
    speaker = voiced[1].window()[0].speaker
    assert speaker[:3].all() and speaker[-2:].all() and 0.6 < (speaker == 0).mean() < 0.95
    assert "voice-activity detector" in " ".join(voiced[1].warnings)


# Faults


def test_faulty_recordings_cost_themselves_only(made: Path, corpus: Corpus, tmp_path: Path) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"nothing of the kind")
    bad = (
        Recording(broken, name="Train_03"),
        Recording(tmp_path / "gone.mp4", name="x"),
        Recording(None, name="y"),
    )
    first, *others = corpus.recordings
    outcome = prepare(replace(corpus, recordings=(first, *bad, *others)), tmp_path / "o", SETTINGS, workers=2)
    assert (outcome.prepared, [name for name, _ in outcome.failed]) == (6, ["Train_03", "x", "y"])
    assert all(
        word in why for word, (_, why) in zip(("broken.mp4", "gone.mp4", "y"), outcome.failed, strict=True)
    )
    left = tree(tmp_path / "o")
    assert {name: left[name] for name in tree(made) if name != "dataset.json"} == {
        name: content for name, content in tree(made).items() if name != "dataset.json"
    }
    assert read_dataset(tmp_path / "o").failed == outcome.failed


def test_one_run_at_a_time(corpus: Corpus, tmp_path: Path) -> None:
    with (tmp_path / ".affekt-lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(CorpusError, match="another run of affekt"):
            prepare(corpus, tmp_path, SETTINGS)
    assert tree(tmp_path) == {".affekt-lock": b""}


def test_one_corpus_a_folder(corpus: Corpus, made: Path) -> None:
    before = tree(made)
    with pytest.raises(CorpusError, match="holds tiny, not RECOLA"):
        prepare(replace(corpus, kind="RECOLA"), made, SETTINGS)
    assert tree(made) == before


def test_a_folder_that_is_a_file(corpus: Corpus, tmp_path: Path) -> None:
    (tmp_path / "o").write_text("mine")
    with pytest.raises(OutputError, match="cannot be written"):
        prepare(corpus, tmp_path / "o", SETTINGS)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("dataset.json", None),
        ("dataset.json", b""),
        ("dataset.json", b"[]"),
        ("dataset.json", b'{"format": "other"}'),
        ("manifest.csv", None),
        ("manifest.csv", b"name,file\n1,2\n"),
        ("manifest.csv", b"\xff\xfe"),
        ("clips/Train_02.safetensors", None),
    ],
)
def test_a_damaged_folder_is_refused(made: Path, tmp_path: Path, name: str, content: bytes | None) -> None:
    for path, kept in tree(made).items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_bytes(kept)
    (tmp_path / name).unlink()
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(CorpusError, match=r"affekt prepare|prepare the corpus again"):
        open_prepared(tmp_path)


def test_a_clip_of_another_making_is_seen(made: Path, tmp_path: Path, corpus: Corpus) -> None:
    out = tmp_path / "o"
    prepare(corpus, out, replace(SETTINGS, spec=replace(SPEC, level=-20.0)))
    manifest = (made / "manifest.csv").read_bytes()
    sizes = {row.entry.name: row.entry.bytes for row in open_prepared(out)}
    assert sizes["Train_02"]
    (out / "manifest.csv").write_bytes(manifest)
    with pytest.raises(CorpusError, match="Train_01"):
        open_prepared(out)[0].window()


# Gold


def test_gold_is_fitted() -> None:
    said: list[str] = []
    assert len(fitted(gold(12), 10, said.append)) == 10 and not said
    short = fitted(gold(8), 10, said.append).values
    assert not said and np.isnan(short[8:]).all() and np.isfinite(short[:8]).all()
    fitted(gold(13), 10, said.append)
    fitted(gold(7), 10, said.append)
    assert said == [
        "the gold has 13 frames, the recording 10; cropped",
        "the gold has 7 frames, the recording 10; the rest has no label",
    ]


def test_names_of_files() -> None:
    names = ["a", "A", "a_2", "..", "x" * 200, "ä/ö"]
    assert file_names(names) == [
        f"{one}.safetensors" for one in ("a", "A_2", "a_2_2", "recording", "x" * 80, "ä_ö")
    ]


# Killed

SCRIPT = """
import sys
from pathlib import Path
from affekt.corpora.prepared.build import prepare
from corpora.tiny import tiny_corpus
from corpora.test_prepare import SETTINGS
if __name__ == "__main__":
    prepare(tiny_corpus(Path(sys.argv[1]), faces=True), Path(sys.argv[2]), SETTINGS, workers=2)
"""


def started(script: Path, corpus: Corpus, out: Path) -> subprocess.Popen[bytes]:
    script.write_text(SCRIPT)
    env = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT / 'tests'}"}
    return subprocess.Popen([sys.executable, str(script), str(corpus.root.parent), str(out)], env=env)


def kill_and_go_on(corpus: Corpus, made: Path, folder: Path, kills: int) -> None:
    """Kill runs at random instants; after each, what is there can be read or is refused, and goes on."""
    draw, script = random.Random(9), folder / "script.py"
    began = time.monotonic()
    assert started(script, corpus, folder / "whole").wait() == 0
    lasts = time.monotonic() - began
    assert tree(folder / "whole") == tree(made)
    killed = 0
    for kill in range(kills):
        out = folder / f"killed {kill}"
        with started(script, corpus, out) as run:
            time.sleep(draw.uniform(0.1, 1.0) * lasts)
            run.kill()
            killed += run.wait() < 0
        if out.exists() and (out / "dataset.json").exists() and not read_dataset(out).complete:
            with pytest.raises(CorpusError, match="run affekt prepare again"):
                open_prepared(out)
        prepare(corpus, out, SETTINGS, workers=2)
        assert tree(out) == tree(made)
    assert killed


def test_killed_and_gone_on(corpus: Corpus, made: Path, tmp_path: Path) -> None:
    kill_and_go_on(corpus, made, tmp_path, 3)


@pytest.mark.slow
def test_killed_at_twenty_instants(corpus: Corpus, made: Path, tmp_path: Path) -> None:
    kill_and_go_on(corpus, made, tmp_path, 20)


def test_leftovers_are_swept(corpus: Corpus, made: Path) -> None:
    before = tree(made)
    (made / ".affekt-0123.part").write_bytes(b"x")
    (made / "clips" / ".affekt-4567.part").write_bytes(b"x")
    prepare(corpus, made, SETTINGS)
    assert tree(made) == before


def test_the_default_settings_are_the_papers() -> None:
    assert Dataset("x", ClipSpec()).delays == Delays()
