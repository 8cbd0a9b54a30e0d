"""How steady the traces of a bundle are: on neutral speech, at a step, and when a recording is disturbed.

    python benchmarks/steadiness.py [--model BUNDLE] [--only neutral steps …] [--quick] [--json FILE]

neutral       mean |arousal| and |valence| of the neutral utterances of RAVDESS' devel actors
spread        frames beyond ±.9, deviation and mean beside the gold's: devel utterances, composed devel films
steps         seconds until half of a step shows, of composed recordings with 8 s before it and after it
disturbances  clips and composed devel films as they are, and louder, mirrored, with a fan …: mean absolute
              difference of the traces and their CCC, over the frames of all recordings of a group

All of it goes the way that a user's recordings go: a file is written, `predict` reads it. Voices and faces
are devel's; those of a composed film are of different people. Prints Markdown.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from steady_disturbances import PICTURES, SOUNDS, WANTED, Recording, disturbed
from steady_measures import DIMENSIONS, Pair, answer, change, spread
from steady_media import with_sound, write
from steady_scenes import FILM_RATE, STEP_FRAME, STEPS, Scene, film, step_scene, talk

import affekt
from affekt.timeline.files import write_text
from affekt.training.default.data import Faces, Speech, read_faces, read_speech

PARTS = ("neutral", "spread", "steps", "disturbances")
NEUTRAL, HALF_WAY, SMALLEST_STEP = 0.12, 1.0, 0.2
"""What is asked of the means, of the seconds; and the least step that is looked at."""
TALKS = 2
"""Composed films of each devel actor."""


@dataclass
class Bench:
    """The bundle and what it is tried on."""

    model: affekt.Model
    shared: Path
    folder: Path
    quick: bool

    @cached_property
    def speech(self) -> list[Speech]:
        """The devel utterances."""
        return read_speech(self.shared / "data", "devel")

    @cached_property
    def faces(self) -> Faces:
        """The devel faces."""
        return read_faces(self.shared / "data", "devel")

    @cached_property
    def actors(self) -> dict[str, list[Speech]]:
        """RAVDESS' devel actors and their utterances."""
        actors: dict[str, list[Speech]] = {}
        for one in self.speech:
            if one.corpus == "ravdess":
                actors.setdefault(one.speaker, []).append(one)
        return dict(list(actors.items())[: 2 if self.quick else None])

    @cached_property
    def talks(self) -> list[tuple[Recording, Scene]]:
        """Composed devel films of 20 to 30 s, and what is in them."""
        films = []
        for actor, utterances in self.actors.items():
            for k in range(1 if self.quick else TALKS):
                scene = talk(f"{actor}-{k}", utterances, self.faces, 22.0, seed=k)
                films.append((Recording(self.filmed(scene)), scene))
        return films

    def filmed(self, scene: Scene) -> Path:
        """A scene as a film."""
        path = self.folder / f"{scene.name}.mp4"
        pictures = film(scene, self.faces.images, seed=len(scene.sound))
        write(path, pictures, FILM_RATE, scene.sound, scene.rate)
        return path

    def trace(self, recording: Recording) -> np.ndarray:
        """(T, 2), arousal and valence."""
        said = self.model.predict(recording.path, transcript=recording.transcript, pictures=False)
        return np.stack([said.arousal, said.valence], axis=1)


def neutral(bench: Bench) -> dict[str, Any]:
    """Mean absolute values of the actors' neutral utterances, each the mean of its trace."""
    means = {}
    for actor, utterances in bench.actors.items():
        sounds = [u for u in utterances if u.emotion == "neutral"]
        means[actor] = bench.model.predict_sounds([u.samples for u in sounds], sounds[0].rate).to_numpy()
    everybody = {**means, "all": np.concatenate(list(means.values()))}
    return {
        name: {"utterances": len(y), **_named(np.abs(y).mean(0)), "mean": _named(y.mean(0))}
        for name, y in everybody.items()
    }


def spreads(bench: Bench) -> dict[str, Any]:
    """How widely traces spread, of each corpus' utterances and of the composed films."""
    groups: dict[str, list[Pair]] = {}
    for one in bench.speech[:: 10 if bench.quick else 1]:
        recording = Recording(bench.shared / "data" / one.path)
        groups.setdefault(one.corpus, []).append((bench.trace(recording), one.gold))
    groups["composed"] = [(bench.trace(recording), scene.gold()) for recording, scene in bench.talks]
    return {
        name: {key: _named(value) for key, value in vars(spread(pairs)).items()}
        for name, pairs in groups.items()
    }


def steps(bench: Bench) -> dict[str, Any]:
    """When half of a step shows: by voice, by face, by both."""
    found: dict[str, list[dict[str, Any]]] = {"voice": [], "face": [], "both": []}
    for seed, (actor, utterances) in enumerate(bench.actors.items()):
        for before, after in STEPS:
            sides = [[u for u in utterances if u.emotion == emotion] for emotion in (before, after)]
            name = f"{actor}-{before}-{after}"
            scene = step_scene(name, (sides[0], sides[1]), bench.faces, seed)
            files = {by: bench.folder / f"{name}-{by}.{'flac' if by == 'voice' else 'mkv'}" for by in found}
            files["both"] = bench.filmed(scene)
            write(files["voice"], (), FILM_RATE, scene.sound, scene.rate)
            with_sound(files["both"], files["face"], None, scene.rate, 0.0)
            for by, path in files.items():
                trace = bench.trace(Recording(path))
                answers = {d: asdict(answer(trace[:, k], STEP_FRAME)) for k, d in enumerate(DIMENSIONS)}
                found[by].append({"name": name, **answers})
                path.unlink()
    return {
        by: {"recordings": rows, **{d: _delays(rows, d) for d in DIMENSIONS}} for by, rows in found.items()
    }


def _delays(rows: Sequence[dict[str, Any]], dimension: str) -> dict[str, Any]:
    """Median and 90th percentile of the delays of one dimension's steps; one that never shows is endless."""
    seen = [row[dimension] for row in rows if abs(row[dimension]["size"]) >= SMALLEST_STEP]
    summary: dict[str, Any] = {"steps": len(seen), "too_small": len(rows) - len(seen)}
    for kind in ("first", "lasting"):
        delays = [np.inf if one[kind] is None else one[kind] for one in seen]
        # The percentile is one of the delays: between a number and none there is nothing to interpolate.
        values = np.quantile(delays, (0.5, 0.9), method="higher") if delays else (np.nan, np.nan)
        summary[kind] = {q: _number(v) for q, v in zip(("median", "p90"), values, strict=True)}
    return summary


def disturbances(bench: Bench) -> dict[str, Any]:
    """What each disturbance changes in the traces of clips and of composed films."""
    clips = [p for p in sorted((bench.shared / "clips").iterdir()) if p.suffix not in (".csv", ".srt")]
    if bench.quick:
        clips = sorted(clips, key=lambda path: path.stat().st_size)[:3]
    groups = {
        "clips": [Recording.beside_transcript(path) for path in clips],
        "composed": [recording for recording, _ in bench.talks],
    }
    results: dict[str, Any] = {}
    for group, recordings in groups.items():
        pairs: dict[str, dict[str, Pair]] = {name: {} for name in (*SOUNDS, *PICTURES)}
        for recording in recordings:
            print(f"{recording.path.name} …", file=sys.stderr, flush=True)
            clean = bench.trace(recording)
            for name, other in disturbed(recording, bench.folder):
                pairs[name][recording.path.name] = clean, bench.trace(other)
        results[group] = {
            name: {
                "all": _changed(list(of.values())),
                "each": {file: _changed([pair]) for file, pair in of.items()},
            }
            for name, of in pairs.items()
            if of
        }
    return results


def _changed(pairs: Sequence[Pair]) -> dict[str, Any]:
    both = change(pairs)
    return {"difference": _named(both.difference), "ccc": _named(both.agreement)}


def _named(values: np.ndarray) -> dict[str, float]:
    return {d: round(float(v), 4) for d, v in zip(DIMENSIONS, values, strict=True)}


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _both(values: dict[str, Any], digits: int = 2) -> str:
    return " / ".join(f"{values[d]:.{digits}f}" for d in DIMENSIONS)


def _table(header: str, rows: Sequence[Sequence[str]]) -> None:
    print(f"\n| {header} |\n|{'---|' * (header.count('|') + 1)}")
    for row in rows:
        print(f"| {' | '.join(row)} |")


def show_neutral(result: dict[str, Any]) -> None:
    print(f"\n## Neutral speech (asked: at most {NEUTRAL})")
    rows = [(name, str(r["utterances"]), _both(r, 3), _both(r["mean"], 3)) for name, r in result.items()]
    _table("RAVDESS devel | utterances | mean abs. arousal / valence | mean", rows)


def show_spread(result: dict[str, Any]) -> None:
    print("\n## Spread of the traces (arousal / valence)")
    keys = ("saturated", "deviation", "gold_deviation", "mean", "gold_mean")
    rows = [(name, *(_both(r[key], 3) for key in keys)) for name, r in result.items()]
    _table("frames of | beyond ±.9 | deviation | of the gold | mean | of the gold", rows)


def show_steps(result: dict[str, Any]) -> None:
    print(f"\n## Seconds until half of a step shows: median, 90th percentile (asked: at most {HALF_WAY})")
    rows = []
    for by, r in result.items():
        for dimension in DIMENSIONS:
            one = r[dimension]
            delays = [", ".join(_seconds(v) for v in one[kind].values()) for kind in ("first", "lasting")]
            rows.append((by, dimension, str(one["steps"]), str(one["too_small"]), *delays))
    _table(f"by | dimension | steps | below {SMALLEST_STEP} | first | for 0.5 s", rows)


def _seconds(value: float | None) -> str:
    return "never" if value is None else f"{value:.1f}"


def show_disturbances(result: dict[str, Any]) -> None:
    print("\n## Disturbed recordings: mean absolute difference, CCC to the clean trace (arousal / valence)")
    rows = []
    for name in (*SOUNDS, *PICTURES):
        row = [name]
        for group in result.values():
            one = group.get(name)
            row += [_both(one["all"]["difference"], 3), _both(one["all"]["ccc"])] if one else ["", ""]
        most, least = WANTED.get(name, (None, None))
        asked = [f"≤ {most}"] * (most is not None) + [f"≥ {least}"] * (least is not None)
        rows.append((*row, ", ".join(asked)))
    _table("disturbance" + "".join(f" | {g}: difference | CCC" for g in result) + " | asked", rows)


def main() -> None:
    """Measure the parts and print them."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="default", help="bundle [%(default)s]")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, help="parts [all]")
    parser.add_argument("--shared", type=Path, default=Path(os.environ.get("AFFEKT_SHARED", "../shared")))
    parser.add_argument("--threads", type=int, default=1, help="[%(default)s]")
    parser.add_argument("--quick", action="store_true", help="a part of it: does it work?")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures as well")
    arguments = parser.parse_args()
    measure = {"neutral": neutral, "spread": spreads, "steps": steps, "disturbances": disturbances}
    show = {
        "neutral": show_neutral,
        "spread": show_spread,
        "steps": show_steps,
        "disturbances": show_disturbances,
    }
    model = affekt.load_model(arguments.model, threads=arguments.threads)
    results: dict[str, Any] = {"model": model.name, "quick": arguments.quick}
    with tempfile.TemporaryDirectory(prefix="affekt-steadiness-") as folder:
        bench = Bench(model, arguments.shared, Path(folder), arguments.quick)
        for part in arguments.only:
            start = time.process_time()
            results[part] = measure[part](bench)
            show[part](results[part])
            print(f"{part}: {time.process_time() - start:.0f} s of CPU time", file=sys.stderr, flush=True)
    if arguments.json:
        write_text(arguments.json, json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
