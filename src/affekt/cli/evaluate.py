"""`affekt evaluate`: how well predictions agree with a gold standard."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from affekt.cli.batch import complain
from affekt.cli.options import File
from affekt.cli.outputs import spare_inputs
from affekt.errors import CorpusError

if TYPE_CHECKING:
    from affekt.corpora.compare.pairs import Pad, Pairing
    from affekt.timeline import Partition

FEW = 20
"""Recordings that are listed one by one without being asked to."""


def words(text: str) -> tuple[str, ...]:
    """A comma-separated list, each once.

    >>> words("arousal, valence,arousal")
    ('arousal', 'valence')
    """
    return tuple(dict.fromkeys(word.strip() for word in text.split(",") if word.strip()))


@click.command(options_metavar="[OPTION]…")
@click.option(
    "--predictions", type=File(), required=True, metavar="DIR", help="affekt's tables, or any label files."
)
@click.option(
    "--gold",
    type=File(),
    required=True,
    metavar="DIR",
    help="Label files of any layout, or a corpus' folder.",
)
@click.option(
    "--dimension",
    "dimensions",
    callback=lambda _ctx, _param, text: words(text or ""),
    metavar="LIST",
    show_default="all that both have",
    help="Such as arousal,valence.",
)
@click.option(
    "--select",
    multiple=True,
    metavar="PATTERN",
    help="Recordings by name, such as 'Devel_DE_*'; may be said again.",
)
@click.option(
    "--partition",
    type=click.Choice(["train", "devel", "test"]),
    help="Of the gold, where the corpus says.  [default: all]",
)
@click.option(
    "--pad",
    type=click.Choice(["last", "mask"]),
    help="Where a prediction is too short or has gaps: hold the value before, or do not count.",
)
@click.option(
    "--annotation-delay",
    metavar="LIST",
    help="Move predictions later first, arousal=2.3,valence=0.8 (seconds): they were learnt from gold moved "
    "earlier by as much.",
)
@click.option(
    "--groups",
    type=File(),
    metavar="FILE",
    help="What is drawn together: a CSV of two columns, name and dyad (or speaker …), or a pairs.csv.",
)
@click.option(
    "--draws",
    type=click.IntRange(0, 1_000_000),
    default=1_000,
    show_default=True,
    metavar="N",
    help="Of the bootstrap; 0: no intervals.",
)
@click.option(
    "--seed", type=click.IntRange(0), default=0, show_default=True, metavar="N", help="Of the bootstrap."
)
@click.option(
    "--confidence",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=0.95,
    show_default=True,
    metavar="SHARE",
    help="Of the intervals.",
)
@click.option(
    "--per-recording/--no-per-recording",
    default=None,
    help=f"List each recording.  [default: up to {FEW} of them]",
)
@click.option("--json", "output", type=File(), metavar="FILE", help="All figures in full precision.")
def evaluate(
    predictions: Path,
    gold: Path,
    dimensions: tuple[str, ...],
    select: tuple[str, ...],
    partition: Partition | None,
    pad: Pad | None,
    annotation_delay: str | None,
    groups: Path | None,
    draws: int,
    seed: int,
    confidence: float,
    per_recording: bool | None,
    output: Path | None,
) -> None:
    """Compare predictions with gold: CCC, Pearson, RMSE, sign agreement.

    Recordings are matched by name. Either side may be in any layout that affekt reads: its own CSV, SEWA,
    RECOLA, Aff-Wild2, MuSe, OMG-Emotion, a folder for each dimension, or one file.
    """
    from affekt.corpora.compare.clusters import clusters_of, gathered, read_groups
    from affekt.corpora.compare.pairs import moved_back, pair_up
    from affekt.corpora.compare.sides import columns_of, read_side
    from affekt.corpora.gold.delay import Delays, check_named, parse
    from affekt.report.scores import Scores, show_scores, to_json
    from affekt.scoring import evaluate as score
    from affekt.timeline.files import write_values

    ours, theirs = read_side(predictions), read_side(gold, gold=True)
    names = [one.recording.name for one in theirs.labelled]
    table, called = read_groups(groups, names) if groups else (None, "")
    if annotation_delay:
        check_named(annotation_delay, columns_of(ours.labelled))
        ours = moved_back(ours, Delays(parse(annotation_delay)).annotation)
    if output:
        read = [one.path for side in (ours, theirs) for one in side.labelled]
        spare_inputs([predictions, gold, *read, *([groups] if groups else [])], [output])
    pairing = pair_up(ours, theirs, dimensions=dimensions, select=select, partition=partition, pad=pad)
    errors = [fault for fault in pairing.faults if fault.severity == "error"]
    for fault in errors:
        complain(CorpusError(str(fault)))
    if not pairing.pairs:
        raise CorpusError(_nothing(gold, pairing))
    units = gathered(pairing.pairs)
    clusters, what = clusters_of([one.recording for one in units], table)
    result = score(
        [(one.predictions, one.gold) for one in units],
        clusters,
        draws=draws,
        seed=seed,
        confidence=confidence,
    )
    scores = Scores(ours, theirs, pairing, units, clusters, called or what, result, draws, seed, confidence)
    show_scores(scores, each=len(units) <= FEW if per_recording is None else per_recording)
    if output:
        write_values(output, to_json(scores))
        click.echo(f"wrote {output}")
    if errors:
        sys.exit(1)


def _nothing(gold: Path, pairing: Pairing) -> str:
    if pairing.unlabelled:
        return (
            f"{gold}: there are no labels in it for {', '.join(pairing.dimensions)}, nothing to compare with"
        )
    return "nothing could be compared; the lines above say why"
