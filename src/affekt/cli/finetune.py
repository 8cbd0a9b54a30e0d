"""`affekt finetune`: adapt a bundle to one's own annotated recordings. Needs `affekt[train]`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import click

from affekt.cli.options import File, Several
from affekt.cli.train import needing_torch

LEAST = 1e-7


@click.command(options_metavar="[OPTION]…")
@click.option(
    "--corpus",
    type=File(),
    required=True,
    metavar="CORPUS",
    help="A table of recordings, a corpus' folder, or one of affekt prepare.",
)
@click.option(
    "--model",
    default="default",
    show_default=True,
    metavar="NAME",
    help="What is adapted (affekt models, a folder, or a run).",
)
@click.option(
    "--run", type=File(), metavar="DIR", show_default="runs/MODEL-CORPUS", help="Where all of it goes."
)
@click.option(
    "--freeze",
    type=Several(("none", "text", "audio", "visual")),
    default="text,audio,visual",
    show_default=True,
    metavar="LIST",
    help="Networks that do not learn; with none all do but the text network, which never does.",
)
@click.option(
    "--epochs", type=click.IntRange(1, 10_000), default=30, show_default=True, metavar="N", help="At most."
)
@click.option(
    "--patience",
    type=click.IntRange(1, 10_000),
    default=8,
    show_default=True,
    metavar="N",
    help="Epochs without a better devel CCC.",
)
@click.option(
    "--lr",
    type=click.FloatRange(LEAST, 1),
    default=1e-4,
    show_default=True,
    metavar="RATE",
    help="Learning rate.",
)
@click.option(
    "--batch",
    type=click.IntRange(1, 1_000),
    default=8,
    show_default=True,
    metavar="N",
    help="Windows of 10 s a step.",
)
@click.option(
    "--seed",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    metavar="N",
    help="Of the order of windows and of dropout.",
)
@click.option(
    "--threads", type=click.IntRange(1, 256), metavar="N", show_default="all cores", help="That work at once."
)
def finetune(
    corpus: Path,
    model: str,
    run: Path | None,
    freeze: tuple[str, ...],
    epochs: int,
    patience: int,
    lr: float,
    batch: int,
    seed: int,
    threads: int | None,
) -> None:
    """Adapt a model to your own recordings, of which some tens have labels.

    Fusion and head learn; recordings of devel, or a fifth of the speakers, decide when to stop and are not
    learned from. Both models' CCC on devel is printed, and whether the new one is worth having. A run that
    was stopped goes on with the same command. docs/finetune.md has more.

    Exit code 0: all is well; 1: some recordings could not be used; 2: there is no model.
    """
    with needing_torch():
        from affekt.training.config import Fitting
        from affekt.training.finetune import finetune as work
    run = run or Path("runs") / f"{Path(model).name}-{corpus.resolve().stem}"
    data, whole = _prepared(corpus, model, run, threads)
    frozen = tuple(one for one in freeze if one != "none")
    fitting = Fitting(lr=lr, batch=batch, epochs=epochs, patience=patience, freeze=frozen)
    words = ["affekt", *sys.argv[1:]]
    _tell(work(model, data, run, fitting, seed=seed, threads=threads, command=words), run)
    if not whole:
        sys.exit(1)


def _prepared(corpus: Path, model: str, run: Path, threads: int | None) -> tuple[Path, bool]:
    """The folder of clips, the corpus' own or one within the run's, and whether none was left out."""
    from affekt.cli.prepare import run as prepare
    from affekt.cli.prepare import say, spec_of
    from affekt.cli.subjects import is_prepared

    spec = spec_of(model)  # an unknown model is said before a long look at the corpus
    if is_prepared(corpus):
        return corpus, True
    from affekt.corpora.prepared.dataset import Dataset
    from affekt.corpora.readers import read_corpus

    found, folder = read_corpus(corpus), run / "prepared"
    for line in found.notes:
        click.echo(line)
    outcome = prepare(found, folder, Dataset("", spec), threads or os.cpu_count() or 1, None)
    say(found, outcome, folder)
    errors = any(fault.severity == "error" for fault in found.faults)
    return folder, not (errors or outcome.failed or outcome.damaged)


def _tell(result: dict[str, Any], run: Path) -> None:
    """Both models on devel, and what follows."""
    from affekt.report.summary import counted, printable
    from affekt.training.devel import figure

    before, old = result["before"], printable(result["model"])
    train, devel = (counted(result["recordings"][name], "recording") for name in ("train", "devel"))
    click.echo(f"\n{train} learned from; devel, {devel}: {printable(result['devel'])}")
    click.echo(f"devel CCC   {old:>12}   {'yours':>6}")
    for name in ("arousal", "valence", "mean"):
        click.echo(f"{name:11} {figure(before[name]):>12}   {figure(result[name]):>6}")
    for name in result["unlabelled"]:
        click.echo(f"no recording has labels of {name}: what yours says of it means nothing; take {old}'s")
    if result["mean"] > before["mean"]:
        click.echo(f"affekt predict FILE --model {run}")
    else:
        click.echo(
            f"It did not get better: keep {old}. More recordings, a lower --lr or other labels may help."
        )
