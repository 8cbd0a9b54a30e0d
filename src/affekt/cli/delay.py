"""`affekt delay`: how late the annotators were."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from affekt.cli.options import File
from affekt.errors import CorpusError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from affekt.corpora.delay import Found
    from affekt.timeline import Partition


@click.command(options_metavar="[OPTION]…")
@click.argument("prepared", type=File(), metavar="[PREPARED]", required=False)
@click.option("--predictions", type=File(), metavar="DIR", help="Of a model, not moved in time.")
@click.option("--gold", type=File(), metavar="DIR", help="Their gold: labels of any layout, or a corpus.")
@click.option(
    "--partition",
    type=click.Choice(["train", "devel", "test"]),
    help="Of the gold, where the corpus says.  [default: all; of PREPARED: devel]",
)
@click.option(
    "--select",
    multiple=True,
    metavar="PATTERN",
    help="Recordings by name, such as 'Devel_*'; may be repeated.",
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

    PREPARED is what `affekt prepare` made: a quick reader of simple cues learns on its train partition at
    each delay, and what reads devel best is taken. Or give a model's predictions and their gold.
    """
    from affekt.corpora.delay import spell

    if prepared and not predictions and not gold and not select and partition in (None, "devel"):
        found = _by_probe(prepared, longest)
    elif predictions and gold and not prepared:
        found = _by_predictions(predictions, gold, partition, select, longest)
    else:
        raise click.UsageError("give either PREPARED alone, or --predictions and --gold")
    _show(found)
    trusted = {one.dimension: one.delay for one in found if one.ccc > 0}
    if trusted:
        click.echo(f"\n--annotation-delay {spell(trusted)}")
    if output:
        from affekt.timeline.files import write_values

        write_values(output, [_plain(one) for one in found])
        click.echo(f"wrote {output}")


def _by_probe(folder: Path, longest: float | None) -> tuple[Found, ...]:
    from affekt.cli.progress import progress_bar
    from affekt.corpora.delay import Delays
    from affekt.corpora.prepared import open_prepared
    from affekt.corpora.probe import probe, read_cues

    # The words count where they are spoken and the gold where it was given, whatever it was prepared for.
    clips = open_prepared(folder, alignment="sentence", delays=Delays())
    sides = [
        [clip for clip in clips.of(part) if clip.entry.dimensions and not clip.gold.whole]
        for part in ("train", "devel")
    ]
    for part, side in zip(("train", "devel"), sides, strict=True):
        if not side:
            raise CorpusError(
                f"{folder}: no recording of {part} has labels over time, so no delay can be read"
            )
    shared = set.intersection(*(set(clip.gold.dimensions) for side in sides for clip in side))
    dimensions = [name for name in sides[0][0].gold.dimensions if name in shared]
    if not dimensions:
        raise CorpusError(f"{folder}: there is no dimension that all of its recordings are labelled in")
    examples: list[list[tuple[np.ndarray, np.ndarray]]] = [[], []]
    total, done = sum(map(len, sides)), 0
    with progress_bar(folder.name) as progress:
        for side, kept in zip(sides, examples, strict=True):
            for clip in side:
                columns = [clip.gold.dimensions.index(name) for name in dimensions]
                kept.append((read_cues(clip, clips.dataset.spec.sample_rate), clip.gold.values[:, columns]))
                done += 1
                if progress:
                    progress(done, total)
    candidates = _candidates([len(values) for _, values in examples[1]], longest)
    return probe(examples[0], examples[1], candidates, dimensions)


def _candidates(frames: Sequence[int], longest: float | None) -> np.ndarray:
    """Delays to try on recordings of so many frames."""
    from affekt.corpora.delay import grid
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
    from affekt.corpora.delay import search
    from affekt.corpora.pairs import on_clock, pair_up
    from affekt.corpora.sides import read_side

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
    for one in found:
        for remark in one.remarks:
            console.print(f"{one.dimension}: {remark}", style="yellow")


def _plain(one: Found) -> dict[str, Any]:
    return {
        "dimension": one.dimension,
        "delay": one.delay,
        "ccc": one.ccc,
        "as_good": list(one.near),
        "frames": one.n_frames,
        "remarks": list(one.remarks),
        "candidates": one.candidates.tolist(),
        "curve": one.curve.tolist(),
    }
