"""`affekt compare`: whether two systems differ over the same recordings."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from affekt.cli.batch import complain
from affekt.cli.comparing import draws_options, rows_options
from affekt.cli.options import File
from affekt.cli.outputs import spare_inputs
from affekt.cli.runfolder import is_run, last_stage, trained_on
from affekt.errors import CorpusError
from affekt.scoring import MEASURES

if TYPE_CHECKING:
    from affekt.corpora.compare.both import Both
    from affekt.corpora.compare.pairs import Pad
    from affekt.corpora.compare.sides import Side
    from affekt.scoring.wilcoxon import Comparison
    from affekt.timeline import Partition


@click.command(options_metavar="[OPTION]…")
@click.argument("first", metavar="A", type=File())
@click.argument("second", metavar="B", type=File())
@click.option(
    "--gold",
    type=File(),
    metavar="DIR",
    help="Label files of any layout, or a corpus' folder.  [default: of runs, what they were trained with]",
)
@click.option("--measure", type=click.Choice(MEASURES), default="ccc", show_default=True)
@rows_options
@draws_options
@click.option("--json", "output", type=File(), metavar="FILE", help="All figures in full precision.")
def compare(
    first: Path,
    second: Path,
    gold: Path | None,
    measure: str,
    dimensions: tuple[str, ...],
    select: tuple[str, ...],
    partition: Partition | None,
    pad: Pad | None,
    annotation_delay: str | None,
    groups: Path | None,
    draws: int,
    seed: int,
    confidence: float,
    output: Path | None,
) -> None:
    """Test whether B agrees better with the gold than A: Wilcoxon's signed-rank test, with its effect size.

    A and B are predictions in any layout that affekt evaluate takes, or run folders of affekt train, of which
    the devel predictions of the last stage are meant. Dyads and speakers, where known, are what is tested
    over: their recordings are not independent of each other.
    """
    from affekt.corpora.compare.both import pair_both
    from affekt.corpora.compare.clusters import read_groups
    from affekt.corpora.compare.pairs import moved_back
    from affekt.corpora.compare.sides import columns_of, read_side
    from affekt.corpora.gold.delay import Delays, check_named, parse
    from affekt.report.comparison import Compared, show_comparison, to_json
    from affekt.timeline.files import write_values

    if find_spec("scipy") is None:
        raise CorpusError("comparing needs SciPy; pip install 'affekt[train]'")
    folders, called = zip(*(_predictions(one) for one in (first, second)), strict=True)
    sides = [read_side(folder) for folder in folders]
    truth = read_side(gold, gold=True) if gold else _gold_of_runs((first, second), sides)
    table = read_groups(groups, [one.recording.name for one in truth.labelled]) if groups else None
    if annotation_delay:
        check_named(annotation_delay, columns_of(one for side in sides for one in side.labelled))
        delays = Delays(parse(annotation_delay)).annotation
        sides = [moved_back(side, delays) for side in sides]
    if output:
        spare_inputs([first, second, *([gold] if gold else []), *([groups] if groups else [])], [output])
    both = pair_both(
        sides[0], sides[1], truth, dimensions=dimensions, select=select, partition=partition, pad=pad
    )
    errors = [fault for fault in both.faults if fault.severity == "error"]
    for fault in errors:
        complain(CorpusError(str(fault)))
    if not both.first:
        raise CorpusError(
            f"nothing could be compared: no recording has gold in {truth.root} and predictions in both"
        )
    how = {"draws": draws, "seed": seed, "confidence": confidence}
    joined, tested = _tested(both, table, measure, how)
    notes = tuple(dict.fromkeys(note for side in (*sides, truth) for note in side.notes))
    compared = Compared(
        (called[0], called[1]), str(truth.root), measure, both, joined, tested, draws, seed, confidence, notes
    )
    show_comparison(compared)
    if output:
        write_values(output, to_json(compared))
        click.echo(f"wrote {output}")
    if errors:
        sys.exit(1)


def _tested(
    both: Both, table: tuple[dict[str, str], str] | None, measure: str, how: dict[str, Any]
) -> tuple[Any, tuple[Comparison, ...]]:
    """The measure over all rows, (2, D), and the tests, over independent units and then over recordings."""
    import numpy as np

    from affekt.corpora.compare.clusters import clusters_of, gathered
    from affekt.scoring import Sums
    from affekt.scoring.wilcoxon import compare as test

    units = [gathered(side) for side in (both.first, both.second)]
    recordings = [one.recording for one in units[0]]
    first, second = (Sums.stack([Sums.of(one.predictions, one.gold) for one in side]) for side in units)
    every = np.ones((1, len(recordings)))
    joined = np.stack([getattr(one.pooled(every), measure)[0] for one in (first, second)])
    clusters, what = clusters_of(recordings, table[0] if table else None)
    names = [one.name for one in recordings]
    told = (clusters, table[1] if table else what), (names, "recording")
    # Where each cluster is one recording, both questions are the same.
    asked = told if len(set(clusters)) < len(names) else told[1:]
    tests = [test((first, second), of, both.dimensions, measure, unit=unit, **how) for of, unit in asked]
    return joined, tuple(tests)


def _predictions(path: Path) -> tuple[Path, str]:
    """Where the predictions of A or B lie, and what to call them.

    Raises:
        CorpusError: as `last_stage`.
    """
    if not is_run(path):
        return path, str(path)
    stage = last_stage(path)
    return path / stage / "devel", f"{path} ({stage}, devel)"


def _gold_of_runs(paths: Sequence[Path], sides: Sequence[Side]) -> Side:
    """Devel of the prepared folder that the runs among the paths were trained with.

    Raises:
        CorpusError: none is a run, they learnt from different gold, or it cannot be read.
    """
    from affekt.corpora.compare.prepared import prepared_gold

    runs = [trained_on(path) for path in paths if is_run(path)]
    if not runs:
        raise CorpusError(f"{paths[0]}: is no run, which would know its gold; give the gold with --gold")
    if len({(os.path.realpath(one.folder), one.delays) for one in runs}) > 1:
        raise CorpusError(
            f"{paths[0]}, {paths[1]}: the runs learnt from different prepared folders, or from gold moved by "
            "different delays; give one gold for both with --gold"
        )
    one = runs[0]
    delays = None if one.delays is None else dict(one.delays)
    if not any(run.folds for run in runs):
        return prepared_gold(one.folder, "devel", delays)
    gold = prepared_gold(one.folder, None, delays)
    said = {
        name for side in sides for each in side.labelled for name in (each.trace.name, each.recording.name)
    }
    kept = tuple(each for each in gold.labelled if each.recording.name in said)
    return replace(gold, labelled=kept or gold.labelled)
