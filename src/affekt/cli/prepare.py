"""`affekt prepare`: a corpus → prepared clips, as training takes them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import click

from affekt.cli.batch import complain, one_line
from affekt.cli.options import File
from affekt.cli.progress import progress_bar
from affekt.errors import AffektError
from affekt.timeline import FRAME_RATE, Alignment, ClipSpec, frame_of

if TYPE_CHECKING:
    from affekt.corpora.corpus import Corpus
    from affekt.corpora.gold.delay import Delays
    from affekt.corpora.prepared.build import Outcome
    from affekt.corpora.prepared.dataset import Dataset
    from affekt.corpora.prepared.vectors import Encode, Encoder

SHOWN = 10
"""Warnings that are shown on the terminal."""


@click.command(options_metavar="[OPTION]…")
@click.argument("folder", type=File(), metavar="CORPUS")
@click.option("--out", type=File(), metavar="DIR", required=True, help="Where the clips go.")
@click.option(
    "--kind", metavar="NAME", show_default="recognised", help="Which corpus it is (affekt corpus kinds)."
)
@click.option(
    "--model",
    metavar="NAME",
    show_default="as in the paper",
    help="Rate of the sound and size of the faces as this bundle wants them (affekt models, or a folder).",
)
@click.option(
    "--workers",
    type=click.IntRange(1, 1024),
    metavar="N",
    show_default="one a core",
    help="Processes on this machine.",
)
@click.option(
    "--ray",
    metavar="ADDRESS",
    help="Work on a Ray cluster that runs already (auto, HOST:PORT). All of its machines must see the corpus "
    "and DIR under the same paths.",
)
@click.option(
    "--alignment",
    type=click.Choice(get_args(Alignment)),
    default="sentence",
    show_default=True,
    help="A sentence counts while it is spoken, or from its end on.",
)
@click.option(
    "--annotation-delay",
    metavar="SECONDS",
    help="How late annotators were: 2, or arousal=2.3,valence=0.8 (affekt delay finds it).  [default: 0]",
)
@click.option(
    "--text-delay",
    type=click.FloatRange(0, 30),
    metavar="SECONDS",
    show_default="as the corpus' authors did: .5 for SEWA; else 0",
    help="Move all words later.",
)
@click.option("--both-delays", is_flag=True, help="Yes, both delays at once.")
@click.option("--vad", is_flag=True, help="Without a turn file, find out in the sound when somebody speaks.")
@click.option(
    "--encoder",
    metavar="NAME",
    help="Keep its word vectors as well: minilm, an encoder's folder or name on the Hugging Face hub, "
    "fasttext:FILE.vec, ulmfit:FOLDER.",
)
@click.pass_context
def prepare(
    ctx: click.Context,
    folder: Path,
    out: Path,
    kind: str | None,
    model: str | None,
    workers: int | None,
    ray: str | None,
    alignment: Alignment,
    annotation_delay: str | None,
    text_delay: float | None,
    both_delays: bool,
    vad: bool,
    encoder: str | None,
) -> None:
    """Decode a corpus once: sound, faces, words, turns and gold on one clock, ready for training.

    What DIR has already, of the same files and settings, is kept; after an interruption it goes on. Changed
    delays or another alignment cost nothing: they apply when a clip is read. Exit code 0: all is prepared;
    1: some recordings could not be; 2: none.
    """
    from affekt.corpora.gold.delay import check_named
    from affekt.corpora.prepared.dataset import Dataset
    from affekt.corpora.readers import read_corpus

    delays = agreed(annotation_delay, text_delay or 0.0, both_delays)
    spec = spec_of(model)
    if encoder:
        word_vectors(encoder)  # what cannot be loaded is told before the work
    corpus = read_corpus(folder, kind)
    if annotation_delay:
        check_named(annotation_delay, corpus.dimensions)
    elif text_delay is None:
        delays = replace(delays, text=corpus.text_delay)
    dataset = Dataset("", spec, alignment, delays, voice=vad)
    for note in corpus.notes:
        click.echo(note)
    if text_delay is None and delays.text:
        moved = delays.text / FRAME_RATE
        click.echo(f"words are moved {moved:g} s later, as in the paper's code; --text-delay 0 leaves them")
    outcome = run(corpus, out, dataset, workers or os.cpu_count() or 1, ray)
    say(corpus, outcome, out)
    if encoder:
        keep_vectors(out, encoder)
    faulty = outcome.failed or outcome.damaged or any(one.severity == "error" for one in corpus.faults)
    ctx.exit((1 if outcome.prepared + outcome.kept else 2) if faulty else 0)


def agreed(annotation: str | None, text: float, both: bool) -> Delays:
    """The delays.

    Raises:
        CorpusError: one is out of range, or both are given and the answer is not yes: on words they add up.
    """
    from affekt.corpora.gold.delay import Delays, parse

    delays = parse(annotation) if annotation else {}
    if text and any(delays.values()) and not both:
        question = "Both delays at once make up twice for the annotators' lag on words. Are both meant?"
        try:
            both = click.confirm(question, err=True)
        except click.Abort:  # nobody is there to be asked
            click.echo(err=True)
    return Delays(delays, frame_of(text), both)


def spec_of(model: str | None) -> ClipSpec:
    """What a bundle asks of a clip, or the paper's numbers."""
    if model is None:
        return ClipSpec()
    from affekt.runtime.bundle import open_bundle

    return open_bundle(model).spec


def run(corpus: Corpus, out: Path, dataset: Dataset, workers: int, ray: str | None) -> Outcome:
    """Prepare, with a bar where somebody looks on."""
    from affekt.corpora.prepared.build import prepare as work

    with progress_bar(corpus.kind) as progress:
        return work(corpus, out, dataset, workers=workers, ray=ray, progress=progress)


def say(corpus: Corpus, outcome: Outcome, out: Path) -> None:
    """What was done, and at the end what could not be."""
    from affekt.corpora.prepared.dataset import MANIFEST

    parts = [f"{outcome.prepared} prepared"]
    parts += [f"{outcome.kept} there already"] if outcome.kept else []
    warned = len({name for name, _ in outcome.warnings})
    parts += [f"{warned} with warnings"] if warned else []
    click.echo(f"{corpus.kind}: {', '.join(parts)}; {out / MANIFEST} has a row for each")
    for name, warning in outcome.warnings[:SHOWN]:
        click.echo(f"  {one_line(AffektError(f'{name}: {warning}'))}")
    if more := outcome.warnings[SHOWN:]:
        click.echo(f"  and {len(more)} more in {out / MANIFEST}")
    errors = [str(fault) for fault in corpus.faults if fault.severity == "error"]
    if left_out := [*errors, *outcome.damaged]:
        click.echo("\nLeft out:", err=True)
        for line in left_out:
            complain(AffektError(line))
    if outcome.failed:
        click.echo(f"\n{len(outcome.failed)} of {len(corpus.recordings)} recordings failed:", err=True)
        for _, why in outcome.failed:
            complain(AffektError(why))


def word_vectors(encoder: str, texts: Sequence[str] = ()) -> tuple[Encoder, Encode]:
    """An encoder of words, and what it is.

    Args:
        texts: the corpus' sentences, whose words a table must have.

    Raises:
        AffektError: it cannot be loaded, or an extra is not installed.
    """
    try:
        from affekt.training.encoders import text_encoder
    except ModuleNotFoundError as error:
        raise AffektError(f"word vectors need {error.name}; pip install 'affekt[train]'") from error
    loaded = text_encoder(encoder, texts)
    return loaded.about, loaded.encode


def keep_vectors(out: Path, encoder: str) -> None:
    """Fill the cache of an encoder's word vectors with the sentences of all clips."""
    from affekt.corpora.prepared.dataset import VECTORS, open_prepared
    from affekt.corpora.prepared.vectors import open_vectors

    texts = open_prepared(out).texts()
    about, encode = word_vectors(encoder, texts)
    vectors = open_vectors(out / VECTORS / about.name, about)
    with progress_bar(f"word vectors of {about.name}") as progress:
        new = vectors.fill(texts, encode, progress)
    click.echo(
        f"word vectors of {about.name}: {new} sentences encoded, {len(vectors)} kept; {vectors.folder}"
    )
