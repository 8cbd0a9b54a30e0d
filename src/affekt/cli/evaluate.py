"""`affekt evaluate`: how well predictions agree with a gold standard."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from affekt.cli.batch import complain
from affekt.cli.comparing import draws_options, judging_options, rows_options
from affekt.cli.judging import How, Sides, judged_sides, tell_failed
from affekt.cli.options import File
from affekt.cli.outputs import spare_inputs
from affekt.errors import CorpusError
from affekt.timeline import DIMENSIONS

if TYPE_CHECKING:
    from affekt.corpora.compare.chained import Chained
    from affekt.corpora.compare.pairs import Pad, Pair, Pairing
    from affekt.corpora.compare.sides import Side
    from affekt.timeline import Partition

FEW = 20
"""Recordings that are listed one by one without being asked to."""


@click.command(options_metavar="[OPTION]…")
@click.argument("judged", nargs=-1, type=File(), metavar="MODEL CORPUS | --predictions DIR --gold DIR")
@click.option("--predictions", type=File(), metavar="DIR", help="affekt's tables, or any label files.")
@click.option("--gold", type=File(), metavar="DIR", help="Label files of any layout, or a corpus' folder.")
@rows_options
@judging_options
@draws_options
@click.option(
    "--post-fit",
    type=click.Choice(["train", "devel"]),
    help="Filter, centre, scale and shift the predictions first, at 10 Hz, as far as each helps on this "
    "partition.",
)
@click.option(
    "--per-recording/--no-per-recording",
    default=None,
    help=f"List each recording.  [default: up to {FEW} of them]",
)
@click.option("--json", "output", type=File(), metavar="FILE", help="All figures in full precision.")
def evaluate(
    judged: tuple[Path, ...],
    predictions: Path | None,
    gold: Path | None,
    dimensions: tuple[str, ...],
    select: tuple[str, ...],
    partition: Partition | None,
    pad: Pad | None,
    annotation_delay: str | None,
    groups: Path | None,
    draws: int,
    seed: int,
    confidence: float,
    post_fit: Partition | None,
    per_recording: bool | None,
    output: Path | None,
    **how: Any,
) -> None:
    """Compare predictions with gold: CCC, Pearson, RMSE, sign agreement.

    MODEL, a bundle or a run of affekt train, is run over the recordings of CORPUS that have labels: a corpus
    as it was handed out, a manifest, or what affekt prepare made of it. Else predictions are there already:
    recordings are matched by name, and either side may be in any layout that affekt reads: its own CSV, SEWA,
    RECOLA, Aff-Wild2, MuSe, OMG-Emotion, a folder for each dimension, or one file.
    """
    from affekt.corpora.compare.clusters import clusters_of, gathered, read_groups
    from affekt.report.scores import Scores, show_scores, to_json
    from affekt.scoring import evaluate as score
    from affekt.timeline.files import write_values

    if post_fit and not partition:
        raise click.UsageError("--post-fit needs --partition, to know what is scored and what is chosen on")
    if judged:
        _check_first(judged[-1], output, annotation_delay)
    partitions = [one for one in dict.fromkeys((partition, post_fit)) if one]
    sides = _sides(judged, predictions, gold, partitions, select, how)
    ours, theirs = sides.predictions, sides.gold
    names = [one.recording.name for one in theirs.labelled]
    table, called = read_groups(groups, names) if groups else (None, "")
    ours = _moved(ours, annotation_delay, on_clock=bool(post_fit))
    if output:
        # Scores may well be kept in the folder of the run that they are of.
        read = [theirs, *([] if judged else [ours])]
        files = [path for side in read for path in (side.root, *(one.path for one in side.labelled))]
        spare_inputs([*files, *([groups] if groups else [])], [output])
    pairing, pairs, done, faulty = _compared(
        ours, theirs, table, dimensions, partition, post_fit, {"select": select, "pad": pad}
    )
    units = gathered(pairs)
    clusters, what = clusters_of([one.recording for one in units], table)
    result = score(
        [(one.predictions, one.gold) for one in units],
        clusters,
        draws=draws,
        seed=seed,
        confidence=confidence,
    )
    what = called or what
    scores = Scores(ours, theirs, pairing, units, clusters, what, result, draws, seed, confidence, done)
    show_scores(scores, each=len(units) <= FEW if per_recording is None else per_recording)
    if output:
        write_values(output, to_json(scores))
        click.echo(f"wrote {output}")
    if sides.failed:
        tell_failed(sides)
    if faulty or sides.failed:
        sys.exit(1)


def _check_first(corpus: Path, output: Path | None, delays: str | None) -> None:
    """See that options make sense before a bundle works for hours.

    Raises:
        CorpusError, OutputError: one does not.
    """
    from affekt.corpora.gold.delay import check_named

    if delays:
        check_named(delays, DIMENSIONS)
    if output:
        spare_inputs([corpus], [output])


def _compared(
    ours: Side,
    theirs: Side,
    table: Mapping[str, str] | None,
    dimensions: Sequence[str],
    partition: Partition | None,
    post_fit: Partition | None,
    how: Mapping[str, Any],
) -> tuple[Pairing, Sequence[Pair], Chained | None, bool]:
    """What is compared, its pairs, post-processed if that was asked for, and whether some do not fit.

    These are told on standard error.

    Raises:
        CorpusError: nothing can be compared.
    """
    from affekt.corpora.compare.chained import chained
    from affekt.corpora.compare.pairs import pair_up

    pairing = fitted = pair_up(ours, theirs, dimensions=dimensions, partition=partition, **how)
    if post_fit:
        fitted = pair_up(ours, theirs, dimensions=pairing.dimensions, partition=post_fit, **how)
    faults = dict.fromkeys((*pairing.faults, *fitted.faults))
    errors = [fault for fault in faults if fault.severity == "error"]
    for fault in errors:
        complain(CorpusError(str(fault)))
    if not pairing.pairs:
        raise CorpusError(_nothing(theirs.root, pairing))
    pairs, done = pairing.pairs, None
    if post_fit:
        pairs, done = chained(pairs, fitted.pairs, pairing.dimensions, post_fit, table)
    return pairing, pairs, done, bool(errors)


def _sides(
    judged: Sequence[Path],
    predictions: Path | None,
    gold: Path | None,
    partitions: Sequence[Partition],
    select: Sequence[str],
    how: dict[str, Any],
) -> Sides:
    """Both sides: read, or a bundle run over a corpus.

    Raises:
        UsageError: it is not clear which of the two is meant.
    """
    if judged and len(judged) == 2 and not (predictions or gold):
        model, corpus = judged
        return judged_sides(str(model), corpus, How(**how), partitions=partitions, select=select)
    if judged or not (predictions and gold):
        raise click.UsageError("give MODEL and CORPUS, or --predictions DIR and --gold DIR")
    if How(**how) != How():
        raise click.UsageError("--alignment, --threads, --workers and --keep are for MODEL CORPUS")
    from affekt.corpora.compare.sides import read_side

    return Sides(read_side(predictions), read_side(gold, gold=True))


def _moved(side: Side, delays: str | None, *, on_clock: bool) -> Side:
    """Predictions moved later by --annotation-delay, or at 10 Hz, as asked for."""
    from affekt.corpora.compare import pairs
    from affekt.corpora.compare.sides import columns_of
    from affekt.corpora.gold.delay import Delays, check_named, parse

    if delays:
        check_named(delays, columns_of(side.labelled))
        return pairs.moved_back(side, Delays(parse(delays)).annotation)
    return pairs.on_clock(side) if on_clock else side


def _nothing(gold: Path, pairing: Pairing) -> str:
    if pairing.unlabelled:
        return (
            f"{gold}: there are no labels in it for {', '.join(pairing.dimensions)}, nothing to compare with"
        )
    return "nothing could be compared; the lines above say why"
