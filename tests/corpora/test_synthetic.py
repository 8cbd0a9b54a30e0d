"""The synthetic corpus: laid out as said, the same for the same seed, as much signal as written down."""

from __future__ import annotations

import json
import re
import shutil
import wave
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from affekt.cli import affekt as command
from affekt.corpora.prepared.lock import only_run
from affekt.corpora.readers import read_corpus
from affekt.corpora.synthetic import Parameters, annotators, film, latent, synthesize
from affekt.corpora.synthetic.ceiling import Scores, fitted, perfect, shown
from affekt.corpora.synthetic.conversation import Conversation, cues, hold, ratings, sound
from affekt.corpora.synthetic.folder import Job, describe, write_pair
from affekt.corpora.synthetic.plan import Language, plan, split
from affekt.corpora.synthetic.sentences import FILLER, compose, value_of, vocabulary
from affekt.errors import CorpusError
from affekt.media.clips import read_clips
from affekt.media.language import guess_language
from affekt.media.transcripts import read_transcript
from affekt.media.turns import read_turns
from affekt.timeline import DIMENSIONS, MODALITIES, ClipSpec, Recording

TINY = Parameters(pairs=3, seconds=10.0, seed=7)
DOCS = Path(__file__).parents[2] / "docs" / "synthetic.md"


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six recordings of ten seconds; only ever read."""
    root = tmp_path_factory.mktemp("synthetic") / "für jeden"
    told: list[tuple[int, int]] = []
    synthesize(root, TINY, workers=2, progress=lambda done, total: told.append((done, total)))
    assert told == [(0, 6), (2, 6), (4, 6), (6, 6)]
    return root


@pytest.fixture(scope="module")
def talk() -> Conversation:
    """A minute."""
    parameters = Parameters(3, 60.0, 11)
    return hold(parameters, plan(parameters)[0])


@pytest.mark.parametrize("pairs", [3, 4, 7, 32, 50])
def test_partners_share_a_partition_and_are_not_neighbours(pairs: int) -> None:
    planned = plan(Parameters(pairs, 10.0, 5))
    assert sum(split(pairs).values()) == pairs == len(planned) and min(split(pairs).values()) >= 1
    names = [name for pair in planned for name in pair.names]
    for partition, count in split(pairs).items():
        expected = {f"{partition.capitalize()}_{k:02}" for k in range(1, 2 * count + 1)}
        assert {name for name in names if name.lower().startswith(partition)} == expected
    assert len(names) == len(set(names)) == 2 * pairs
    for pair in planned:
        places = [int(name[-2:]) for name in pair.names]
        assert abs(places[0] - places[1]) > 1 or split(pairs)[pair.partition] == 1
    assert {pair.language for pair in planned} == {"de", "en"}


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ((2, 10.0, 0), "cannot be split"),
        ((3, 9.9, 0), "between 10 and 3600 s"),
        ((3, float("nan"), 0), "between"),
        ((3, 10.0, -1), "negative"),
    ],
)
def test_parameters_that_make_no_corpus(wrong: tuple[int, float, int], says: str) -> None:
    with pytest.raises(CorpusError, match=says):
        Parameters(*wrong)


def test_is_read_as_a_corpus(tiny: Path) -> None:
    corpus = read_corpus(tiny)
    assert "synthetic" in corpus.kind and not corpus.faults
    by_name = {one.name: one for one in corpus.recordings}
    assert len(by_name) == 6
    for pair in plan(TINY):
        talk = hold(TINY, pair)
        groups = {by_name[name].group for name in pair.names}
        assert len(groups) == 1 and groups != {None}
        for side, name in enumerate(pair.names):
            one = by_name[name]
            assert (one.partition, one.speaker) == (pair.partition, pair.speakers[side])
            assert one.gold is not None and one.gold.dimensions == ("arousal", "valence", "liking")
            np.testing.assert_allclose(one.gold.values, ratings(TINY, talk, side).gold, atol=1e-6)
            turns = read_turns(tiny / "turns" / f"{name}.csv")
            expected = [(start, end) for who, start, end in talk.turns if who == side]
            assert [(turn.start, turn.end) for turn in turns] == [pytest.approx(one) for one in expected]
            lines = read_transcript(tiny / "transcriptions" / f"{name}.csv")
            said = [re.sub(r"<filler> ", "", one.text) for one in talk.sentences(side) if one.text != FILLER]
            assert [line.text for line in lines] == said


def test_annotators_on_disk_fuse_to_the_labels(tiny: Path) -> None:
    for labels in sorted((tiny / "labels").iterdir()):
        gold = np.loadtxt(labels, delimiter=";", usecols=(2, 3))
        for column, dimension in enumerate(DIMENSIONS):
            table = np.loadtxt(tiny / "annotators" / dimension / labels.name, delimiter=";", skiprows=1)
            assert table.shape == (100, 1 + len(annotators.DELAYS[dimension]))
            np.testing.assert_allclose(table[:, 0], np.arange(100) / 10)
            np.testing.assert_allclose(table[:, 1:].mean(axis=1), gold[:, column], atol=2e-6)


def test_media_have_sewas_shape(tiny: Path) -> None:
    for path in sorted((tiny / "video").iterdir())[::3]:
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            assert not container.streams.audio and "synthetic" in container.metadata["title"]
            assert (stream.width, stream.height, stream.average_rate) == (320, 240, 50)
            assert (stream.codec_context.name, stream.codec_context.codec_tag) == ("mpeg4", "XVID")
            pictures = [frame.to_ndarray(format="gray") for frame in container.decode(stream)]
        assert len(pictures) == 500
        changes = [
            k for k, (a, b) in enumerate(pairwise(pictures), 1) if np.abs(a.astype(int) - b).max() > 24
        ]
        assert {k % film.REPEATS for k in changes} == {0}
        with wave.open(str(tiny / "audio" / f"{path.stem}.wav")) as file:
            assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 22_050)
            assert file.getnframes() == 220_500
            samples = np.frombuffer(file.readframes(220_500), "<i2")
        assert 2_000 < np.abs(samples).max() < 32_767


def test_the_follower_finds_the_drawn_face(tiny: Path) -> None:
    found, there = 0, 0
    for pair in plan(TINY)[:2]:
        recording = Recording(tiny / "video" / f"{pair.names[0]}.avi", transcript=(), turns=())
        frames = np.concatenate([clip.frame_face for clip in read_clips(recording, ClipSpec(), threads=1)])
        seen = cues(hold(TINY, pair), 0).present["visual"]
        found, there = found + np.sum((frames >= 0) & seen), there + np.sum(seen)
    assert found >= 0.95 * there > 0


def test_the_same_seed_gives_the_same_bytes(tiny: Path, tmp_path: Path) -> None:
    pair = plan(TINY)[1]
    for folder in sorted(path for path in tiny.rglob("*") if path.is_dir()):
        (tmp_path / folder.relative_to(tiny)).mkdir(parents=True)
    assert write_pair(Job(tmp_path, TINY, pair)) == 2
    written = [path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file()]
    assert len(written) == 2 * 7
    for path in written:
        assert (tmp_path / path).read_bytes() == (tiny / path).read_bytes(), path


def test_another_seed_gives_another_talk() -> None:
    pair = plan(TINY)[0]
    other = Parameters(3, 10.0, 8)
    assert hold(TINY, pair).sentences(0) != hold(other, pair).sentences(0)
    assert np.abs(hold(TINY, pair).minds[0].latent - hold(other, pair).minds[0].latent).max() > 0.01


def test_a_corpus_that_was_begun_is_finished_and_no_other_is_touched(tiny: Path, tmp_path: Path) -> None:
    root = tmp_path / "begun"
    shutil.copytree(tiny, root)
    lost = [root / "audio" / "Devel_01.wav", root / "labels" / "Test_02.csv", root / "README.txt"]
    whole = [path.read_bytes() for path in lost]
    for path in lost:
        path.unlink()
    others = {path: path.stat().st_mtime_ns for path in root.rglob("*") if path.is_file()}
    synthesize(root, TINY)
    assert [path.read_bytes() for path in lost] == whole
    assert others == {path: path.stat().st_mtime_ns for path in others}
    with pytest.raises(
        CorpusError, match=r"holds another synthetic corpus \(pairs 3, seconds 10.0, seed 7\)"
    ):
        synthesize(root, replace(TINY, seed=8))
    (root / "synthetic.json").write_text("[]")
    with pytest.raises(CorpusError, match="is not empty and holds no synthetic corpus"):
        synthesize(root, TINY)
    with pytest.raises(CorpusError, match="is a file"):
        synthesize(root / "pairs.csv", TINY)


def test_what_was_broken_off_leaves_nothing_half_written(tiny: Path, tmp_path: Path) -> None:
    root = tmp_path / "begun"
    shutil.copytree(tiny, root)
    for name in ("audio/Devel_01.wav", "video/Devel_01.avi"):
        (root / name).unlink()
    half = root / "video" / ".affekt-0123.part"
    half.touch()

    def stop(done: int, total: int) -> None:
        assert not half.exists()  # of a run that was killed
        half.touch()  # what a worker leaves that is stopped
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        synthesize(root, TINY, progress=stop)
    assert not list(root.rglob("*.part"))
    found = CliRunner().invoke(command, ["corpus", "inspect", str(root)])
    assert found.exit_code == 1, found.output
    assert "synthetic (unfinished), laid out as AVEC 2017" in found.output
    assert "unfinished: 5 of 6 recordings are whole; affekt synthesize finishes it" in " ".join(
        found.output.split()
    )
    shutil.rmtree(root / "video")
    with only_run(root), pytest.raises(CorpusError, match="another run of affekt is at work there"):
        synthesize(root, TINY)


def test_a_run_that_was_killed_at_once_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / ".affekt-lock").touch()

    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            synthesize(tmp_path, TINY, progress=stop)
    assert (tmp_path / "synthetic.json").is_file()


def test_on_the_command_line(tiny: Path, tmp_path: Path) -> None:
    def run(*words: object) -> tuple[int, str]:
        done = CliRunner().invoke(command, ["synthesize", *map(str, words)])
        return done.exit_code, done.output

    size = "--pairs", 3, "--seconds", 10
    said = f"{tiny}: a synthetic corpus, 6 recordings of 10 s (2 train, 2 devel, 2 test)\n"
    assert run(tiny, *size, "--seed", 7) == (0, said)
    for words, fault in (
        ((tiny, *size, "--seed", 8), "affekt: .*: holds another synthetic corpus"),
        ((tmp_path / "new", "--pairs", 2), "affekt: 2 pairs cannot be split"),
        ((Path(__file__).parent, *size), "affekt: .*: is not empty"),
    ):
        code, output = run(*words)
        assert code == 2 and re.match(fault, output) and output.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_everything_says_synthetic(tiny: Path) -> None:
    about = json.loads((tiny / "synthetic.json").read_text(encoding="utf-8"))
    assert about == json.loads(json.dumps(describe(TINY))) and about["synthetic"] is True
    assert about["annotation_delay"] == {"arousal": 2.0, "valence": 2.8}
    assert "SYNTHETIC" in (tiny / "README.txt").read_text(encoding="utf-8").splitlines()[0]
    still = next(film.pictures(film.perform(hold(TINY, plan(TINY)[0]), 0, np.random.default_rng(0))))
    height, width = len(film.CAPTION), len(film.CAPTION[0])
    corner = still[-height - 5 : -5, 6 : 6 + width, 0] == 225
    assert np.array_equal(corner, [[pixel == "#" for pixel in row] for row in film.CAPTION])


def test_turns_take_turns(talk: Conversation) -> None:
    for (who, start, end), (other, begins, ends) in pairwise(talk.turns):
        assert who != other and start < end and begins < ends and end - begins <= 0.4
    covered = sum(end - start for _, start, end in talk.turns)
    assert 0.7 * 60 < covered < 60
    for side in (0, 1):
        own = [(start, end) for who, start, end in talk.turns if who == side]
        for one in talk.spoken(side):
            assert any(start <= one.start and one.end <= end for start, end in own)
        for one, after in pairwise(talk.spoken(side)):
            assert one.end < after.start
    both = [cues(talk, side).present["audio"] for side in (0, 1)]
    assert np.mean(both[0] & both[1]) < 0.1


def test_pitch_and_loudness_follow_arousal_and_brightness_valence(talk: Conversation) -> None:
    parameters = Parameters(3, 60.0, 11)
    for side in (0, 1):
        frames = sound(parameters, talk, side).reshape(-1, 2205)
        spectrum = np.abs(np.fft.rfft(frames * np.hanning(2205), 8192)) ** 2
        hertz = np.fft.rfftfreq(8192, 1 / 22_050)
        loudness = np.log(np.mean(frames**2, axis=1))
        echo = np.fft.irfft(spectrum, axis=1)[:, 55:315]  # 400 to 70 Hz
        pitch = -np.log(55 + np.argmax(echo, axis=1))
        bright = np.log(
            spectrum[:, (hertz > 1000) & (hertz < 4000)].sum(1) / spectrum[:, hertz < 1000].sum(1)
        )
        inside = np.zeros(600, bool)
        for one in talk.spoken(side):
            inside[int(one.start * 10) + 1 : int(one.end * 10)] = True

        def heard(track: np.ndarray, inside: np.ndarray = inside) -> np.ndarray:
            """Averaged over 1.5 s of speech."""
            box = np.ones(15)
            return (
                np.convolve(track * inside, box, "same") / np.maximum(np.convolve(inside, box, "same"), 1)
            )[inside]

        cue = talk.minds[side].cues["audio"][inside]
        assert np.corrcoef(heard(loudness), cue[:, 0])[0, 1] > 0.9
        assert np.corrcoef(heard(pitch), cue[:, 0])[0, 1] > 0.5
        fit = np.linalg.lstsq(np.column_stack([cue, np.ones(len(cue))]), heard(bright), rcond=None)[0]
        assert fit[1] > max(0.5, abs(fit[0]))


def test_the_face_shows_both(talk: Conversation) -> None:
    show = film.perform(talk, 0, np.random.default_rng(1))
    every = np.arange(0, len(show.moods), 5)
    some = replace(show, moods=tuple(show.moods[k] for k in every), mouth=show.mouth[every])
    some = replace(some, blink=np.zeros(len(every)), seen=np.ones(len(every), bool))
    pixels = np.stack([one[60:180:4, 110:210:4].mean(-1).ravel() for one in film.pictures(some)])
    at = np.minimum((every + 0.5) * film.REPEATS / film.FILM_RATE * 10, 599).astype(int)
    cue = talk.minds[0].cues["visual"][at]
    known = np.arange(len(every)) % 20 < 10
    x = pixels - pixels[known].mean(0)
    weights = np.linalg.solve(x[known].T @ x[known] + 3000 * np.eye(x.shape[1]), x[known].T @ cue[known])
    guess = x[~known] @ weights
    for column in (0, 1):
        assert np.corrcoef(guess[:, column], cue[~known, column])[0, 1] > 0.7


def test_words_follow_their_cue(talk: Conversation) -> None:
    pairs = []
    for side in (0, 1):
        for one in talk.spoken(side):
            if one.text != FILLER:
                frames = slice(int(one.start * 10), int(one.end * 10) + 1)
                found = value_of(one.text, talk.pair.language)
                assert found == pytest.approx((one.arousal, one.valence))
                pairs.append((*found, *talk.minds[side].cues["text"][frames].mean(axis=0)))
    table = np.corrcoef(np.array(pairs).T)
    assert table[0, 2] > 0.85 and table[1, 3] > 0.85


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(["de", "en"]), st.floats(-1, 1), st.floats(-1, 1), st.integers(0, 2**32))
def test_sentences_fit_a_transcript_and_their_values(
    language: Language, arousal: float, valence: float, seed: int
) -> None:
    said = compose(language, arousal, valence, np.random.default_rng(seed))
    assert not re.search(r"[;'\"\n{}]|  ", said.text)
    assert set(re.findall(r"\w+", said.text.lower())) <= vocabulary(language)
    assert value_of(said.text, language) == pytest.approx((said.arousal, said.valence))
    assert abs(said.valence - valence) < 0.45 and abs(said.arousal - arousal) < 0.6


@pytest.mark.parametrize("language", ["de", "en"])
def test_a_language_has_a_few_hundred_words_and_is_recognised(language: Language) -> None:
    rng = np.random.default_rng(3)
    texts = [compose(language, *rng.uniform(-1, 1, 2), rng).text for _ in range(200)]
    assert len(set(texts)) > 190 and 150 <= len(vocabulary(language)) <= 400
    assert guess_language(" ".join(texts[:20])) == language


def test_cues_are_as_noisy_as_stated() -> None:
    parameters = Parameters(60, 60.0, 3)
    minds = [mind for pair in plan(parameters) for mind in latent.minds(parameters, pair)]
    truth = np.concatenate([latent.straightened(mind.latent) for mind in minds])
    for modality in MODALITIES:
        cue = np.concatenate([latent.straightened(mind.cues[modality]) for mind in minds])
        for column, dimension in enumerate(DIMENSIONS):
            ratio = latent.SNR[modality][dimension]
            expected = np.sqrt(ratio / (1 + ratio))
            assert np.corrcoef(truth[:, column], cue[:, column])[0, 1] == pytest.approx(expected, abs=0.08)


def test_gold_is_as_late_as_stated() -> None:
    parameters = Parameters(12, 80.0, 3)
    talks = [hold(parameters, pair) for pair in plan(parameters)]
    pairs = [
        (one.minds[side].latent, ratings(parameters, one, side).gold) for one in talks for side in (0, 1)
    ]
    for column, dimension in enumerate(DIMENSIONS):
        agreement = []
        for late in range(50):
            x = np.concatenate([felt[50 - late : 750 - late, column] for felt, _ in pairs])
            y = np.concatenate([gold[50:750, column] for _, gold in pairs])
            agreement.append(np.corrcoef(x, y)[0, 1])
        assert int(np.argmax(agreement)) / 10 == pytest.approx(annotators.delay(dimension), abs=0.15)
        assert max(agreement) > 0.9


def documented(title: str) -> dict[str, list[float]]:
    """The numbers of a table in docs/synthetic.md, row by row."""
    section = DOCS.read_text(encoding="utf-8").split(f"## {title}\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| ([\w+]+) ((?:\| [\d.]+ )+)\|$", section, re.MULTILINE)
    return {name: [float(cell) for cell in cells.split("|")[1:]] for name, cells in rows}


def test_the_documented_ratios_are_those_in_use() -> None:
    stated = documented("Signal and noise")
    assert stated == {one: [ratios[d] for d in DIMENSIONS] for one, ratios in latent.SNR.items()}


def flat(scores: Scores) -> dict[str, list[float]]:
    return {
        reader: [parts[partition][dimension] for partition in ("devel", "test") for dimension in DIMENSIONS]
        for reader, parts in scores.items()
    }


@pytest.mark.parametrize(
    ("title", "read"),
    [
        ("What a linear reader learns", fitted),
        pytest.param("What can be reached", perfect, marks=pytest.mark.slow),
    ],
)
def test_the_documented_ceilings_are_those_found(title: str, read: Callable[..., Scores]) -> None:
    found = flat(read(list(shown(Parameters(32, 161.0, 2021)))))
    stated = documented(title)
    assert stated.keys() == found.keys()
    for reader, values in found.items():
        assert stated[reader] == pytest.approx(values, abs=0.01), reader


def test_fusion_gains() -> None:
    scores = perfect(list(shown(Parameters(12, 30.0, 1))))
    for dimension in DIMENSIONS:
        mean = {one: np.mean([parts[dimension] for parts in each.values()]) for one, each in scores.items()}
        assert mean["all"] > max(mean[one] for one in MODALITIES) + 0.03
