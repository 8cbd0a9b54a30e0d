"""What stands beside the paper's own rows: ceilings, single modalities, gains, the control, epochs."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import numpy as np

from affekt.corpora.prepared.dataset import Prepared
from affekt.errors import ConfigError
from affekt.timeline import DIMENSIONS
from affekt.timeline.files import write_values
from affekt.training.config import Config
from affekt.training.experiments.cells import Model, alone, fusion
from affekt.training.experiments.document import EXTRA, Line, is_synthetic
from affekt.training.experiments.judged import AVERAGE, Figure, Judged, gold_of, judge
from affekt.training.experiments.paper import TABLES, Table
from affekt.training.experiments.running import Cells

EPOCHS = {"epoch of 95 %": 0.05, "best epoch": 0.0}
"""Columns of the pooling ablation → share of the best devel CCC that the first such epoch may lack."""
BELOW = "not in the paper"
"""What these lines stand under."""
CEILING = "ceiling.json"


def below_fusions(base: Config, cells: Cells, devel: Mapping[str, Judged]) -> list[Line]:
    """Lines below Table 6: each modality alone, the best fusion's gain over them, and its negative control.

    The control trains the best fusion, from the same first stages, on words and gold of one recording with
    sound and faces of another: what it gains over the best modality is not what the three say together.
    """
    names = {row.key: row.name for row in TABLES["6"].rows}
    singles = {one: _devel(cells, alone(base, one), base) for one in base.modalities}
    figures = {one: judged.figures() for one, judged in singles.items() if judged}
    lines = [
        Line(f"{one.capitalize()} alone", EXTRA, {}, _named(values), BELOW) for one, values in figures.items()
    ]
    if not devel or len(figures) < len(base.modalities):
        return lines
    reached = {key: judged.figures() for key, judged in devel.items()}
    best = max(reached, key=lambda key: np.mean([one.mean for one in reached[key].values()]))
    lines.append(_gain(f"Gain of {names[best].lower()}", reached[best], figures))
    control = fusion(base, best, shuffled=True)
    cells.train([control])
    judged = _devel(cells, control, base)
    if judged is None:
        return [*lines, Line("Negative control", EXTRA, {}, {}, BELOW, cells.reason(control))]
    name, shuffled = f"{names[best]}, shuffled", judged.figures()
    note = "negative control: trained and judged with sound and faces of other recordings"
    lines.append(Line(name, EXTRA, {}, _named(shuffled), BELOW, note=note))
    return [*lines, _gain("Gain, shuffled", shuffled, figures)]


def _devel(cells: Cells, model: Model, base: Config) -> Judged | None:
    gold = gold_of(base.data, "devel")
    folders = cells.predictions(model, "devel")
    return judge(folders, gold) if gold and folders else None


def _named(figures: Mapping[str, Figure]) -> dict[str, Figure]:
    return {f"devel {name}": one for name, one in figures.items()}


def _gain(name: str, reached: Mapping[str, Figure], singles: Mapping[str, Mapping[str, Figure]]) -> Line:
    """Over the best single modality, in each dimension the best in that one, seed by seed."""
    gains, over = {}, []
    for one in DIMENSIONS:
        if one in reached:
            best = max(singles, key=lambda single: singles[single][one].mean)
            pairs = zip(reached[one].seeds, singles[best][one].seeds, strict=True)
            gains[one] = _over_seeds([x - y for x, y in pairs])
            over.append(f"{one}: {best}")
    return Line(
        name, EXTRA, {}, _named(gains), BELOW, note=f"over the best single modality ({', '.join(over)})"
    )


def _over_seeds(values: list[float]) -> Figure:
    std = float(np.std(values, ddof=1)) if len(values) > 1 else None
    return Figure(float(np.mean(values)), std, seeds=tuple(values))


def epochs(cells: Cells, model: Model) -> dict[str, Figure]:
    """How soon a model's runs reached their devel CCC: `EPOCHS`, counted from 1."""
    runs = cells.runs(model)
    logs = [
        _means(run / result["final"] / "log.csv")
        for run, result in zip(runs, cells.results(model), strict=True)
    ]
    if not logs:
        return {}
    return {name: _over_seeds([_first(log, lack) for log in logs]) for name, lack in EPOCHS.items()}


def _means(path: Path) -> list[float]:
    with path.open(encoding="utf-8", newline="") as file:
        return [float(row["mean"]) for row in csv.DictReader(file)]


def _first(log: list[float], lack: float) -> float:
    best = max(log)
    return float(1 + next(k for k, value in enumerate(log) if value >= best - lack * abs(best)))


def ceilings(table: str, paper: Table, corpus: Path, prepared: Prepared, folder: Path) -> list[Line]:
    """What a perfect reader of a synthetic corpus reaches (`corpora.synthetic.ceiling`), a line a group.

    Args:
        corpus: of `affekt synthesize`.
        prepared: what it was prepared into.
        folder: where the figures are kept; they take a minute for a corpus of SEWA's size.

    Raises:
        ConfigError: it is no synthetic corpus, or not the one that was prepared.
    """
    readers = {"2": ("visual", "text", "audio"), "3": ("text",), "4": ("audio",), "5": ("visual",)}
    readers |= {"6": ("all",), "7": ("all",), "pooling": ("visual",)}
    scores = _ceiling(corpus, prepared, folder / CEILING)
    lines = []
    for reader in readers[table]:
        found = {
            f"{part} {one}": Figure(float(value))
            for part, values in scores[reader].items()
            if part == "devel" or paper.test
            for one, value in values.items()
        }
        if paper.average:
            both = [found[f"devel {one}"].mean for one in DIMENSIONS]
            found[f"devel {AVERAGE}"] = Figure(float(np.mean(both)))
        name = "Perfect reader" + (f" of {reader}" if reader != "all" else "")
        note = "ceiling: the cues themselves and how the corpus was made are known to it"
        lines.append(Line(name, EXTRA, {}, found, BELOW, note=note))
    return lines


def _ceiling(corpus: Path, prepared: Prepared, kept: Path) -> dict[str, dict[str, dict[str, float]]]:
    from affekt.corpora.formats.avec import SYNTHETIC
    from affekt.corpora.synthetic.ceiling import perfect, shown
    from affekt.corpora.synthetic.plan import Parameters

    path = corpus / SYNTHETIC
    try:
        parameters = Parameters(**json.loads(path.read_text(encoding="utf-8"))["parameters"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"{corpus}: is no corpus of affekt synthesize; leave --ceiling out") from error
    of = prepared.dataset.corpus
    if not is_synthetic(of) or len(prepared) != 2 * parameters.pairs:
        raise ConfigError(
            f"{corpus}: has {2 * parameters.pairs} recordings of nobody, the data {len(prepared)} of {of}; "
            "name the corpus that was prepared"
        )
    try:
        there = json.loads(kept.read_text(encoding="utf-8"))
        if there["parameters"] == asdict(parameters):
            return there["ccc"]
    except (OSError, ValueError, KeyError, TypeError):
        pass  # it is found anew
    scores = perfect(list(shown(parameters)))
    kept.parent.mkdir(parents=True, exist_ok=True)
    write_values(kept, {"parameters": asdict(parameters), "ccc": scores})
    return scores
