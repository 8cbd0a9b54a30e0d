"""Runs → one of the paper's tables of systems, in its form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from textwrap import shorten

from affekt.corpora.prepared.dataset import open_prepared
from affekt.errors import ModelError
from affekt.timeline import DIMENSIONS, Partition
from affekt.training.config import Config
from affekt.training.experiments.cells import Model, Wanted, models_of
from affekt.training.experiments.document import OURS, PRINTED, Line, Reproduction, described
from affekt.training.experiments.extras import EPOCHS, below_fusions, ceilings, epochs
from affekt.training.experiments.judged import (
    AVERAGE,
    Difference,
    Figure,
    Judged,
    differences_of,
    gold_of,
    judge,
)
from affekt.training.experiments.paper import TABLES, Row, Table
from affekt.training.experiments.running import TEST, Cells

Results = dict[str, dict[str, Judged]]
"""Row → partition → what its runs reached."""


def reproduce(
    table: str, base: Config, cells: Cells, wanted: Wanted, *, corpus: Path | None = None
) -> Reproduction:
    """Train what one of `paper.TABLES` needs, and lay it out.

    Args:
        base: what every model is trained as, but for what its row is about.
        corpus: the synthetic corpus that the data was made of; adds what a perfect reader reaches.

    Raises:
        AffektError: the data, the config or an option is bad. What fails in training is a row's reason.
    """
    paper, models = TABLES[table], models_of(table, base, wanted)
    prepared = open_prepared(Path(base.data.folder))
    above = ceilings(table, paper, corpus, prepared, cells.folder) if corpus else []
    has_test = paper.test and (base.data.folds != 0 or len(prepared.of("test")) > 0)
    cells.train(models.values(), test=has_test, bundle=paper.test or table == "6")
    results = _judged(paper, base, cells, models)
    lines = [_line(paper, row, models, results, cells) for row in paper.rows]
    notes = _notes(table, base)
    if paper.test and gold_of(base.data, "test") is None:
        notes += _untested(has_test, cells, next(iter(models.values())))
    if table == "6":
        lines += below_fusions(base, cells, {key: one["devel"] for key, one in results.items() if one})
    if table == "pooling":
        lines = [
            replace(line, ours=line.ours | epochs(cells, models[row.key]))
            for line, row in zip(lines, paper.rows, strict=True)
        ]
    columns = columns_of(paper) + (list(EPOCHS) if table == "pooling" else [])
    heading = (table, paper.where, paper.title)
    tests = _tests(paper, results)
    return described(base, cells.seeds, heading, columns, [*lines, *above], tests, notes)


def columns_of(paper: Table) -> list[str]:
    """Names of a table's figures: test before devel, as the paper has them."""
    questions = (*DIMENSIONS, AVERAGE) if paper.average else DIMENSIONS
    return [
        f"{part} {one}" for part in (("test", "devel") if paper.test else ("devel",)) for one in questions
    ]


def _judged(paper: Table, base: Config, cells: Cells, models: Mapping[str, Model]) -> Results:
    partitions: tuple[Partition, ...] = ("devel", "test") if paper.test else ("devel",)
    found: Results = {key: {} for key in models}
    for partition in partitions:
        gold = gold_of(base.data, partition)
        if gold is None:
            continue
        for key, model in models.items():
            if folders := cells.predictions(model, partition):
                found[key][partition] = judge(folders, gold)
    return found


def _line(paper: Table, row: Row, models: Mapping[str, Model], results: Results, cells: Cells) -> Line:
    devel = zip((f"devel {one}" for one in (*DIMENSIONS, AVERAGE)), row.devel, strict=False)
    test = zip((f"test {one}" for one in DIMENSIONS), row.test or (), strict=False)
    printed = {column: Figure(value) for column, value in (*devel, *test)}
    group = row.key.partition(".")[0] if "." in row.key else ""
    if not row.key:
        return Line(row.name, PRINTED, printed, {}, best=row.best)
    model, wanted = models[row.key], columns_of(paper)
    ours: dict[str, Figure] = {
        f"{part} {question}": figure
        for part, judged in results[row.key].items()
        for question, figure in judged.figures().items()
        if f"{part} {question}" in wanted
    }
    reason = cells.reason(model)
    if group in ("text", "visual") and isinstance(cells.failed.get(model.cell(cells.seeds[0])), ModelError):
        where = f"--weights {row.key.removeprefix('text.')}={'FOLDER' if group == 'text' else 'FILE'}"
        reason = f"{shorten(reason, 120, placeholder=' …')}; {where} names weights of your own"
    return Line(row.name, OURS, printed, ours, group, reason, model.note, row.best)


def _tests(paper: Table, results: Results) -> list[Difference]:
    """What the paper claims as best against the others of its group, on devel."""
    groups: dict[str, dict[str, Judged]] = {}
    best: dict[str, str] = {}
    for row in paper.rows:
        if row.key and "devel" in results[row.key]:
            group = row.key.partition(".")[0] if "." in row.key else ""
            groups.setdefault(group, {})[row.name] = results[row.key]["devel"]
            if row.best:
                best[group] = row.name
    return differences_of([(best[name], judged) for name, judged in groups.items() if name in best])


def _notes(table: str, base: Config) -> list[str]:
    """What the base config's own networks start from, and which gold it is."""
    told = {
        "text": f"text encoder: {base.text.get('encoder', 'minilm')} (the paper's: XLNet)",
        "visual": f"visual network: {_visual(base)}",
    }
    about = {"2": ("text", "visual"), "3": ("text",), "4": (), "5": ("visual",), "pooling": ("visual",)}
    notes = [told[one] for one in about.get(table, base.modalities) if one in told]
    gold = gold_of(base.data, "devel")
    return notes + list(gold.notes if gold else ())


def _visual(base: Config) -> str:
    kind = base.visual.get("name" if base.visual.get("kind") == "timm" else "kind", "hrnet")
    source = base.visual.get("weights", "none")
    return f"{kind}, starting from {'random weights' if source == 'none' else source}"


def _untested(has_test: bool, cells: Cells, model: Model) -> list[str]:
    if not has_test:
        return ["test: the corpus has no test partition"]
    run, written = cells.cells / model.cell(cells.seeds[0]), cells.folder / TEST
    if not cells.predictions(model, "test"):
        return ["test: the corpus has no labels of test"]
    return [
        f"test: the corpus has no labels of test; predictions of each seed are in {written} as CSV, and "
        f"affekt predict --corpus CORPUS --partition test --format labels --model {run} writes those of the "
        "first seed in the corpus' own format, to be handed in"
    ]
