"""`affekt synthesize`: a synthetic corpus with SEWA's shape."""

from __future__ import annotations

from pathlib import Path

import click

from affekt.cli.options import File
from affekt.cli.progress import progress_bar


@click.command(options_metavar="[OPTION]…")
@click.argument("folder", type=File(), metavar="DIR")
@click.option(
    "--pairs", type=int, default=32, show_default=True, metavar="N", help="Dyads, two recordings each."
)
@click.option(
    "--seconds", type=float, default=161.0, show_default=True, metavar="S", help="Length of each recording."
)
@click.option("--seed", type=int, default=1, show_default=True, metavar="K", help="Another, another corpus.")
@click.option(
    "--workers", type=click.IntRange(1, 256), default=1, show_default=True, metavar="N", help="Processes."
)
@click.option("--cues", is_flag=True, help="Write into DIR/cues what was put into each modality as well.")
def synthesize(folder: Path, pairs: int, seconds: float, seed: int, workers: int, cues: bool) -> None:
    """Make a synthetic corpus, laid out as AVEC 2017 hands out SEWA.

    Drawn faces, computed voices, composed German and English sentences, made-up annotators: nobody was
    filmed, recorded or rated. Arousal and valence lie in all of them, with known signal-to-noise ratios. The
    same seed gives the same corpus. What was begun and not finished is finished by the same command.
    """
    from affekt.corpora.synthetic import Parameters
    from affekt.corpora.synthetic import synthesize as make
    from affekt.corpora.synthetic.plan import split

    parameters = Parameters(pairs, seconds, seed)
    with progress_bar(f"synthetic corpus {folder.name}") as progress:
        make(folder, parameters, workers=workers, with_cues=cues, progress=progress)
    shares = ", ".join(f"{2 * count} {partition}" for partition, count in split(pairs).items())
    click.echo(f"{folder}: a synthetic corpus, {2 * pairs} recordings of {parameters.seconds:g} s ({shares})")
