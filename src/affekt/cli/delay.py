"""`affekt delay`: how late the annotators were."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from affekt.cli.options import File
from affekt.cli.outputs import spare_inputs
from affekt.errors import CorpusError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from affekt.corpora.gold.delay import Found
    from affekt.timeline import Partition


@click.command(options_metavar="[OPTION]…")
@click.argument("prepared", type=File(), metavar="[PREPARED]", required=False)
@click.option("--predictions", type=File(), metavar="DIR", help="Of a model, not moved in time.")
@click.option("--gold", type=File(), metavar="DIR", help="Their gold: labels of any layout, or a corpus.")
@click.option(
    "--partition",
    type=click.Choice(["train", "devel", "test"]),
    help="Of --gold, where the corpus says.  [default: all]",
)
@click.option(
    "--select",
    multiple=True,
    metavar="PATTERN",
    help="Recordings of --gold by name, such as 'Devel_*'; may be repeated.",
)
@click.option(
    "--longest",
    type=click.FloatRange(0.1, 30),
    metavar="SECONDS",
    show_default="8, at most half of the longest recording",
    help="The longest delay to try; from 0 on in steps of 0.1.",
)
@click.option("--json", "output", type=File(), metavar="FILE", help="The delays and their curves.")
def delay(
    prepared: Path | None,
    predictions: Path | None,
    gold: Path | None,
    partition: Partition | None,
    select: tuple[str, ...],
    longest: float | None,
    output: Path | None,
) -> None:
    """Search the delay of the annotators in each dimension.

    PREPARED is what `affekt prepare` made: a quick reader of simple cues learns from some of its train and
    devel recordings at each delay and reads the others, in turn; what reads best is taken. Or give a model's
    predictions and their gold. An option for `affekt prepare` follows where the data tell a delay.
    """
    from affekt.corpora.gold.delay import spell

    read = [path for path in (prepared, predictions, gold) if path]
    if output:
        spare_inputs(read, [output])
    if prepared and not (predictions or gold or select or partition):
        found = _by_probe(prepared, longest)
    elif predictions and gold and not prepared:
        found = _by_predictions(predictions, gold, partition, select, longest)
    else:
        raise click.UsageError(
            "give either PREPARED alone, or --predictions and --gold (--partition and --select are for these)"
        )
    _show(found)
    trusted = {one.dimension: one.delay for one in found if not one.remarks}
    if trusted:
        click.echo(f"\n--annotation-delay {spell(trusted)}")
    if output:
        from affekt.timeline.files import write_values

        write_values(output, [_plain(one) for one in found])
        click.echo(f"wrote {output}")


def _by_probe(folder: Path, longest: float | None) -> tuple[Found, ...]:
    from affekt.cli.progress import progress_bar
    from affekt.corpora.gold.delay import Delays
    from affekt.corpora.gold.probe import deal, probe, read_cues
    from affekt.corpora.prepared.dataset import open_prepared

    # The words count where they are spoken and the gold where it was given, whatever it was prepared for.
    clips = open_prepared(folder, alignment="sentence", delays=Delays())
    learnt = [clip for clip in clips if clip.entry.partition != "test"]
    labelled = [clip for clip in learnt if clip.entry.dimensions and not clip.gold.whole]
    if not labelled:
        raise CorpusError(
            f"{folder}: no recording of train or devel has labels over time, so no delay can be read"
        )
    shared = set.intersection(*(set(clip.gold.dimensions) for clip in labelled))
    dimensions = [name for name in labelled[0].gold.dimensions if name in shared]
    if not dimensions:
        raise CorpusError(f"{folder}: there is no dimension that all of its recordings are labelled in")
    folds, done = [], 0
    with progress_bar(folder.name) as progress:
        for fold in deal(labelled, folder):
            examples = []
            for clip in fold:
                columns = [clip.gold.dimensions.index(name) for name in dimensions]
                examples.append(
                    (read_cues(clip, clips.dataset.spec.sample_rate), clip.gold.values[:, columns])
                )
                done += 1
                if progress:
                    progress(done, len(labelled))
            folds.append(examples)
    lengths = [len(gold) for fold in folds for _, gold in fold]
    return probe(folds, _candidates(lengths, longest), dimensions)


def _candidates(frames: Sequence[int], longest: float | None) -> np.ndarray:
    """Delays to try on recordings of so many frames."""
    from affekt.corpora.gold.delay import grid
    from affekt.timeline import start_of

    return grid(longest or max(0.1, min(8.0, start_of(max(frames) // 2))))


def _by_predictions(
    predictions: Path,
    gold: Path,
    partition: Partition | None,
    select: Sequence[str],
    longest: float | None,
) -> tuple[Found, ...]:
    from affekt.cli.batch import complain
    from affekt.corpora.compare.pairs import on_clock, pair_up
    from affekt.corpora.compare.sides import read_side
    from affekt.corpora.gold.delay import search

    ours, theirs = on_clock(read_side(predictions)), on_clock(read_side(gold, gold=True))
    pairing = pair_up(ours, theirs, select=select, partition=partition, pad="mask")
    for fault in pairing.faults:
        if fault.severity == "error":
            complain(CorpusError(str(fault)))
    if not pairing.pairs:
        raise CorpusError(f"{predictions}: nothing in it can be compared with {gold}")
    said, gold_values = ([getattr(one, side) for one in pairing.pairs] for side in ("predictions", "gold"))
    return search(said, gold_values, _candidates([len(one) for one in said], longest), pairing.dimensions)


def _show(found: Sequence[Found]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("dimension")
    for name in ("delay", "CCC", "CCC at 0 s", "as good", "frames"):
        table.add_column(name, justify="right", no_wrap=True)
    for one in found:
        low, high = one.near
        table.add_row(
            one.dimension,
            f"{one.delay:.1f} s",
            f"{one.ccc:.3f}",
            f"{one.curve[0]:.3f}",
            f"{low:.1f} to {high:.1f} s",
            f"{one.n_frames:,}",
        )
    console = Console(highlight=False, markup=False, emoji=False)
    console.print(table)
    console.print("as good: within 0.01 of the best CCC, which is no confidence interval", style="dim")
    for one in found:
        if one.remarks:
            line = f"{one.dimension}: no delay is suggested: {'; '.join(one.remarks)}"
            console.print(line, style="yellow", soft_wrap=not console.is_terminal)
    for text in dict.fromkeys(one.few for one in found if one.few):
        click.echo(f"affekt: warning: {text}", err=True)


def _plain(one: Found) -> dict[str, Any]:
    return {
        "dimension": one.dimension,
        "delay": one.delay,
        "ccc": one.ccc,
        "as_good": list(one.near),
        "frames": one.n_frames,
        "recordings": one.n_recordings,
        "remarks": list(one.remarks),
        "candidates": one.candidates.tolist(),
        "curve": one.curve.tolist(),
    }
