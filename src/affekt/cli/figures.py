"""`affekt reproduce fig3` and `fig4`: what a model paid attention to. No PyTorch is needed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from affekt.cli.options import File
from affekt.cli.outputs import output_folder
from affekt.errors import ConfigError, CorpusError

if TYPE_CHECKING:
    from affekt.timeline import Prediction, WordWeights


def _options(command: Callable[..., Any]) -> Callable[..., Any]:
    options = (
        click.option(
            "--model",
            default="default",
            show_default=True,
            metavar="NAME",
            help="A bundle, its folder, or a run's.",
        ),
        click.option(
            "--data",
            type=File(),
            metavar="DIR|FILE",
            help="A recording, a corpus, or a folder of affekt prepare.",
        ),
        click.option("--recording", metavar="NAME", show_default="the first of devel", help="Of a folder."),
        click.option(
            "--out", type=File(), default="figures", show_default=True, metavar="DIR", help="Where they go."
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


@click.command(options_metavar="[OPTION]…", short_help="How the selector weighs the words of sentences.")
@_options
@click.option(
    "--sentence",
    "sentences",
    multiple=True,
    metavar="TEXT",
    show_default="those of the recording in which text weighs most",
    help="May be said again.",
)
def fig3(model: str, data: Path | None, recording: str | None, out: Path, sentences: tuple[str, ...]) -> None:
    """Draw how the text network's selector weighs the words of sentences, each head and their mean."""
    from affekt.report.attention import draw_words, most_weighted, words_page
    from affekt.timeline.files import write_text

    called = Path(model).name
    if sentences:
        chosen = _weighed(model, sentences)
    else:
        prediction = _judged(model, data, recording)
        chosen, called = most_weighted(prediction), f"{called}, {prediction.name}"
    with output_folder(out):
        written = draw_words(chosen, out / "fig3")
        write_text(out / "fig3.html", words_page(chosen, called))
    click.echo(f"wrote {', '.join(map(str, [*written, out / 'fig3.html']))}")


@click.command(options_metavar="[OPTION]…", short_help="How the fusion weighs the modalities of a frame.")
@_options
@click.option(
    "--frame",
    type=click.IntRange(0),
    metavar="K",
    show_default="one in which most modalities are there",
    help="Tenths of a second from the start.",
)
def fig4(model: str, data: Path | None, recording: str | None, out: Path, frame: int | None) -> None:
    """Draw both levels of the fusion's weights in one frame of a recording."""
    from affekt.report.attention import draw_levels, fullest_frame, levels, levels_page
    from affekt.timeline.files import write_text

    prediction = _judged(model, data, recording)
    at = fullest_frame(prediction) if frame is None else frame
    found = levels(prediction, at)
    with output_folder(out):
        written = draw_levels(found, prediction, at, out / "fig4")
        write_text(out / "fig4.html", levels_page(found, prediction, at, Path(model).name))
    click.echo(f"wrote {', '.join(map(str, [*written, out / 'fig4.html']))}")


def _judged(model: str, data: Path | None, name: str | None) -> Prediction:
    """A recording as a bundle judges it.

    Raises:
        CorpusError: there is no such recording.
    """
    from affekt.cli.subjects import label, open_source, predictor_of, subjects
    from affekt.timeline import Recording

    if data is None:
        raise click.UsageError("--data DIR|FILE: whose recording?")
    predictor = predictor_of(model, None)
    if not data.is_dir():
        return predictor.judge(open_source(Recording(data), predictor))
    found = subjects(data, model, None)
    by_name = {label(one): one for one in found}
    if name is not None and name not in by_name:
        some = ", ".join(list(by_name)[:3])
        raise CorpusError(
            f"{data}: has no recording {name}; there are {some}{' …' if len(by_name) > 3 else ''}"
        )
    devel = [
        one
        for one in found
        if (one.partition if isinstance(one, Recording) else one.entry.partition) == "devel"
    ]
    chosen = by_name[name] if name is not None else (devel or found)[0]
    return predictor.judge(open_source(chosen, predictor))


def _weighed(model: str, texts: tuple[str, ...]) -> list[WordWeights]:
    """Sentences as a bundle's text network weighs them.

    Raises:
        ConfigError: it has none, or there is no word in one.
    """
    from affekt.cli.subjects import predictor_of
    from affekt.timeline import Sentence, WordWeights

    predictor = predictor_of(model, None)
    if "text" not in predictor.bundle.modalities:
        raise ConfigError(f"{model}: has no text network; choose another --model")
    _, weights = predictor.engine.encode(list(texts))
    for text, (words, _) in zip(texts, weights, strict=True):
        if not words:
            raise ConfigError(f"--sentence {text}: there is no word in it")
    return [
        WordWeights(Sentence(0.0, 0.0, text), words, heads)
        for text, (words, heads) in zip(texts, weights, strict=True)
    ]
