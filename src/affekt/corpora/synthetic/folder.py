"""The synthetic corpus on disk, laid out as AVEC 2017 hands out SEWA."""

from __future__ import annotations

import json
import wave
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from affekt.corpora.dyads import PAIRS
from affekt.corpora.formats.avec import SYNTHETIC
from affekt.corpora.prepared.lock import LOCK, only_run, sweep
from affekt.corpora.synthetic import annotators, film, latent, voice
from affekt.corpora.synthetic.conversation import Conversation, cues, hold, ratings, sound
from affekt.corpora.synthetic.plan import GENERATOR, Pair, Parameters, plan, split
from affekt.errors import CorpusError, OutputError
from affekt.timeline import DIMENSIONS, FRAME_RATE
from affekt.timeline.files import atomic, write_text
from affekt.version import __version__
from affekt.workers import spread

NAMED = "labels", "turns", "transcriptions", *(f"annotators/{dimension}" for dimension in DIMENSIONS)
"""Folders with a table for each recording."""


@dataclass(frozen=True, slots=True)
class Job:
    """One pair to be written."""

    root: Path
    parameters: Parameters
    pair: Pair
    with_cues: bool = False


def synthesize(
    root: Path,
    parameters: Parameters,
    *,
    workers: int = 1,
    with_cues: bool = False,
    progress: Callable[[int, int], object] | None = None,
) -> None:
    """Write a corpus; of one that was begun with the same parameters, only what is missing.

    Args:
        root: a folder that is not there, empty, or this very corpus.
        workers: processes.
        with_cues: also write what was put into each modality, a folder that a model must not see.
        progress: told how many recordings are done, and of how many.

    Raises:
        CorpusError: the folder holds something else, or another run is at work there.
        OutputError: it cannot be written to.
    """
    _refuse_others(root, parameters)
    folders = [root / name for name in ("audio", "video", *NAMED, *(["cues"] if with_cues else []))]
    jobs = [Job(root, parameters, pair, with_cues) for pair in plan(parameters)]
    with only_run(root):
        _begin(root, parameters, [job.pair for job in jobs], folders)
        try:
            _write(jobs, workers, progress)
        finally:
            for folder in folders:  # workers are stopped wherever they are
                sweep(folder)


def _begin(root: Path, parameters: Parameters, pairs: Sequence[Pair], folders: Sequence[Path]) -> None:
    """Make the folders, sweep what a killed run left half-written, and say what the corpus is to be."""
    # First: what is broken off after it can be finished.
    _write_text(root / SYNTHETIC, json.dumps(describe(parameters), indent=2, ensure_ascii=False) + "\n")
    try:
        for folder in folders:
            folder.mkdir(parents=True, exist_ok=True)
            sweep(folder)
    except OSError as error:
        raise OutputError(f"{root}: cannot be written to ({error.strerror or error})") from error
    _write_text(root / "README.txt", _readme(parameters))
    _write_text(root / PAIRS, _pairs_table(pairs))


def _write(jobs: Sequence[Job], workers: int, progress: Callable[[int, int], object] | None) -> None:
    done = 0
    if progress:
        progress(0, 2 * len(jobs))
    with closing(spread(write_pair, jobs, workers=min(workers, len(jobs)))) as outcomes:
        for _, result in outcomes:
            if isinstance(result, Exception):
                raise result
            done += result
            if progress:
                progress(done, 2 * len(jobs))


def describe(parameters: Parameters) -> dict[str, Any]:
    """What `synthetic.json` says: plain values."""
    return {
        "synthetic": True,
        "what": "a synthetic corpus: nobody was filmed, recorded or rated",
        "generator": GENERATOR,
        "affekt": __version__,
        "parameters": asdict(parameters),
        "pairs": split(parameters.pairs),
        "signal_to_noise": latent.SNR,
        "partners_correlate": latent.COUPLING,
        "processes": [{"bell_seconds": wide, "variance": share} for wide, share in latent.PARTS],
        "annotation_delay": {one: annotators.delay(one) for one in DIMENSIONS},
        "annotators": {
            one: {f"R{k}": seconds for k, seconds in enumerate(annotators.DELAYS[one], 1)}
            for one in DIMENSIONS
        },
        "video": {
            "size": list(film.SIZE),
            "rate": film.FILM_RATE,
            "distinct_pictures_a_second": film.FILM_RATE / film.REPEATS,
        },
        "sound": {"rate": voice.RATE, "channels": 1},
    }


def write_pair(job: Job) -> int:
    """Write the two recordings of a pair; files that are there stay. Returns 2."""
    talk = hold(job.parameters, job.pair)
    for side, name in enumerate(job.pair.names):
        for path, text in _tables(job, talk, side, name):
            _write_text(path, text)
        path = job.root / "audio" / f"{name}.wav"
        if not path.exists():
            with atomic(path) as temporary:
                _write_wav(temporary, sound(job.parameters, talk, side))
        path = job.root / "video" / f"{name}.avi"
        if not path.exists():
            show = film.perform(talk, side, job.parameters.stream(job.pair.number, f"face {side}"))
            with atomic(path) as temporary:
                film.write_film(temporary, show, talk.frames)
    return 2


def _refuse_others(root: Path, parameters: Parameters) -> None:
    try:
        if not root.exists() or all(path.name == LOCK for path in root.iterdir()):
            return
        there = json.loads((root / SYNTHETIC).read_text(encoding="utf-8"))
        known = there["generator"], there["parameters"]
    except (OSError, ValueError, TypeError, KeyError) as error:
        if isinstance(error, NotADirectoryError):
            raise CorpusError(f"{root}: is a file; name a folder that is empty or not there") from error
        raise CorpusError(
            f"{root}: is not empty and holds no synthetic corpus; name a folder that is empty or not there"
        ) from error
    if known != (GENERATOR, asdict(parameters)):
        said = ", ".join(f"{name} {value}" for name, value in _items(known[1]))
        raise CorpusError(f"{root}: holds another synthetic corpus ({said}); name another folder")


def _items(parameters: Any) -> list[tuple[Any, Any]]:
    return list(parameters.items()) if isinstance(parameters, dict) else []


def _tables(job: Job, talk: Conversation, side: int, name: str) -> list[tuple[Path, str]]:
    """Path and content of a recording's text files."""
    rated = ratings(job.parameters, talk, side)
    seconds = np.arange(talk.frames) / FRAME_RATE
    turns = [(start, end) for who, start, end in talk.turns if who == side]
    lines = [f"{one.start:.3f};{one.end:.3f};'{one.text}'" for one in talk.sentences(side)]
    texts = {
        "labels": _rows([f"'{name}'"] * talk.frames, seconds, rated.gold),
        "turns": "".join(f"{start:.3f};{end:.3f}\n" for start, end in turns),
        "transcriptions": "".join(f"{line}\n" for line in lines),
    }
    for dimension, traces in rated.traces.items():
        header = ";".join(["time", *(f"R{k}" for k in range(1, traces.shape[1] + 1))])
        texts[f"annotators/{dimension}"] = f"{header}\n" + _rows(None, seconds, traces)
    if job.with_cues:
        texts["cues"] = _cue_table(talk, side, seconds)
    return [(job.root / folder / f"{name}.csv", text) for folder, text in texts.items()]


def _rows(names: Sequence[str] | None, seconds: np.ndarray, values: np.ndarray) -> str:
    """`name;time;value;…`, six decimals, no header; NaN as nothing."""
    rows = []
    for k, row in enumerate(np.column_stack([seconds, values]).tolist()):
        cells = ["" if np.isnan(value) else f"{value + 0.0:.6f}" for value in row]
        rows.append(";".join([names[k], *cells] if names else cells))
    return "\n".join(rows) + "\n"


def _cue_table(talk: Conversation, side: int, seconds: np.ndarray) -> str:
    shown = cues(talk, side)
    columns = [talk.minds[side].latent]
    header = ["time", *(f"latent_{one}" for one in DIMENSIONS)]
    for modality, values in shown.values.items():
        columns.append(np.where(shown.present[modality][:, None], values, np.nan))
        header += [f"{modality}_{one}" for one in DIMENSIONS]
    return ";".join(header) + "\n" + _rows(None, seconds, np.hstack(columns))


def _pairs_table(pairs: Sequence[Pair]) -> str:
    rows = sorted(
        (name, f"P{pair.number + 1:03}", speaker, pair.language)
        for pair in pairs
        for name, speaker in zip(pair.names, pair.speakers, strict=True)
    )
    return "recording;pair;speaker;language\n" + "".join(";".join(row) + "\n" for row in rows)


def _write_wav(path: Path, samples: np.ndarray) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(voice.RATE)
        file.writeframes(np.round(samples * 32767).astype("<i2").tobytes())


def _write_text(path: Path, text: str) -> None:
    if not path.exists():
        write_text(path, text)


def _readme(parameters: Parameters) -> str:
    delays = "\n".join(
        f"    {one}: {', '.join(f'{seconds:g}' for seconds in annotators.DELAYS[one])} s; "
        f"the labels are {annotators.delay(one):g} s late"
        for one in DIMENSIONS
    )
    return f"""\
A SYNTHETIC corpus, made by affekt {__version__}
(affekt synthesize DIR --pairs {parameters.pairs} --seconds {parameters.seconds:g} --seed {parameters.seed})

Nobody was filmed, recorded or rated: faces are drawn, voices computed, sentences composed. Say "synthetic"
wherever you give a figure that was measured on it. It has the shape of SEWA as handed out for AVEC 2017, and
none of its content.

    audio/X.wav            both voices, the subject's louder; mono, {voice.RATE} Hz
    video/X.avi            the subject, {film.SIZE[0]} x {film.SIZE[1]}, {film.FILM_RATE} pictures a second, \
{film.FILM_RATE / film.REPEATS:g} of them distinct
    labels/X.csv           'name';seconds;arousal;valence;liking: the mean of the annotators
    turns/X.csv            start;end of the subject's turns, in seconds
    transcriptions/X.csv   start;end;'text' of the subject's sentences, German or English
    annotators/D/X.csv     time and one column an annotator, for each dimension D
    pairs.csv              who talked with whom; partners are in the same partition
    synthetic.json         seed, parameters, signal-to-noise ratios, delays

Annotators R1, R2, ... are late by
{delays}
and add errors of their own.
"""
