"""`affekt reproduce`: the paper's tables and figures on a prepared corpus. Tables need `affekt[train]`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from affekt.cli.options import File
from affekt.cli.train import needing_torch
from affekt.errors import ConfigError, CorpusError

if TYPE_CHECKING:
    from affekt.timeline import Prediction, WordWeights
    from affekt.training.config import Config
    from affekt.training.experiments.document import Reproduction
    from affekt.training.experiments.running import Cells

TITLES = {
    "2": "Networks of each modality, on devel.",
    "3": "The text network, on test and devel.",
    "4": "The audio network, on test and devel.",
    "5": "The visual network, on test and devel.",
    "6": "Five ways to fuse, beside each modality alone.",
    "7": "All modalities, on test and devel.",
    "8": "What each hyper-parameter does.",
    "pooling": "Pooling of the visual network (section 4.1.3).",
}


@click.group(options_metavar="", subcommand_metavar="TABLE|FIGURE …")
def reproduce() -> None:
    """Reproduce the paper's tables and figures on a prepared corpus (needs `pip install affekt[train]`).

    \b
    affekt reproduce 6 --data prepared --run runs/paper    trains what Table 6 needs, writes the table
    affekt reproduce fig4 --model RUN --data prepared      the fusion's weights in one frame

    What is trained once is kept in the run folder and serves every table; a command that was stopped goes on.
    """  # noqa: D301


def _shared(command: Callable[..., Any]) -> Callable[..., Any]:
    """Options of all tables."""
    options = (
        click.argument("changes", nargs=-1, metavar="[KEY=VALUE]…"),
        click.option("--data", type=File(), required=True, metavar="DIR", help="Of affekt prepare."),
        click.option("--run", type=File(), required=True, metavar="DIR", help="Where tables and runs go."),
        click.option(
            "--seeds",
            type=click.IntRange(1, 100),
            default=3,
            show_default=True,
            metavar="N",
            help="Runs of each model: seeds 0 to N − 1.",
        ),
        click.option(
            "--config",
            type=File(),
            metavar="FILE",
            show_default="the paper's",
            help="As for affekt train: what every model is trained as, but for what its row is about.",
        ),
        click.option(
            "--workers",
            type=click.IntRange(1, 1024),
            default=1,
            show_default=True,
            metavar="N",
            help="Models trained at once; if several, each with one thread.",
        ),
        click.option(
            "--ray",
            metavar="ADDRESS",
            help="Work on a Ray cluster that runs already (auto, HOST:PORT). All of its machines must see "
            "both folders under the same paths.",
        ),
        click.option(
            "--ceiling",
            type=File(),
            metavar="DIR",
            help="The synthetic corpus that the data was made of: adds what a perfect reader reaches.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


def _add_table(name: str) -> None:
    @_shared
    def command(**options: Any) -> None:
        _table(name, options)

    if name == "2":
        command = click.option(
            "--weights",
            multiple=True,
            metavar="ROW=PLACE",
            help="Where a row's weights are: bert=FOLDER, fasttext=FILE.vec, visual.resnet-50=FILE …  "
            "[default: on the Hugging Face hub]",
        )(command)
        command = click.option(
            "--from-scratch",
            is_flag=True,
            help="Visual networks start from random weights, and the table says so.",
        )(command)
        command = click.option(
            "--only", metavar="LIST", default="", help="Rows: visual,text.bert …  [default: all]"
        )(command)
    if name == "8":
        command = _searching(command)
    title = TITLES[name]
    help_text = (
        f"{title}\n\nKEY=VALUE changes the config, as in training.epochs=20. docs/reproduce.md has more."
    )
    reproduce.command(name, options_metavar="[OPTION]…", short_help=title, help=help_text)(command)


def _searching(command: Callable[..., Any]) -> Callable[..., Any]:
    """Options of the search behind Table 8."""
    command = click.option(
        "--space", type=File(), metavar="FILE", show_default="Table 1", help="What is searched (affekt tune)."
    )(command)
    command = click.option("--trials", type=click.IntRange(1), default=32, show_default=True, metavar="N")(
        command
    )
    command = click.option(
        "--reduction",
        type=click.FloatRange(1, min_open=True),
        default=4 / 3,
        show_default="4/3, as in the paper",
        metavar="FACTOR",
        help="Of Hyperband: 4/3 discards a quarter at each rung.",
    )(command)
    return click.option("--epochs", type=click.IntRange(1), default=20, show_default=True, metavar="N")(
        command
    )


for _name in TITLES:
    _add_table(_name)


def _table(name: str, options: dict[str, Any]) -> None:
    """Train what a table needs, print it and write it."""
    with needing_torch():
        from affekt.training.experiments.running import Cells
    from affekt.report.reproduction import markdown, render, show_table
    from affekt.timeline.files import write_text, write_values

    base, folder = _base(options), options["run"]
    cells = Cells(folder, tuple(range(options["seeds"])), options["workers"], options["ray"])
    document = _made(name, base, cells, options).to_json()
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"table-{name}.{kind}" for kind in ("md", "html", "json")]
    write_text(paths[0], markdown(document))
    write_text(paths[1], render(document))
    write_values(paths[2], document)
    show_table(document)
    click.echo(f"wrote {', '.join(map(str, paths))}")
    if cells.faulty:
        sys.exit(1)


def _base(options: dict[str, Any]) -> Config:
    from affekt.training.config import read_config

    folder = options["data"].resolve()
    return read_config(options["config"], [*options["changes"], f"data.folder={_quoted(str(folder))}"])


def _quoted(text: str) -> str:
    """A text as YAML takes it for nothing else."""
    return "'" + text.replace("'", "''") + "'"


def _made(name: str, base: Config, cells: Cells, options: dict[str, Any]) -> Reproduction:
    from affekt.training.experiments.cells import Wanted
    from affekt.training.experiments.tables import reproduce as work

    if name == "8":
        from affekt.training.experiments.search import hyper_parameters

        chosen = {key: options[key] for key in ("trials", "reduction", "epochs", "space")}
        return hyper_parameters(base, cells, **chosen)
    wanted = Wanted({})
    if name == "2":
        pairs = dict(_pair(one) for one in options["weights"])
        only = tuple(one.strip() for one in options["only"].split(",") if one.strip())
        wanted = Wanted(pairs, options["from_scratch"], only)
    return work(name, base, cells, wanted, corpus=options["ceiling"])


def _pair(text: str) -> tuple[str, str]:
    row, found, place = text.partition("=")
    if not (row and found and place):
        raise ConfigError(f"--weights {text}: write ROW=PLACE, such as bert=FOLDER")
    return row, place


# Figures, without PyTorch


def _figure_options(command: Callable[..., Any]) -> Callable[..., Any]:
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


@reproduce.command(options_metavar="[OPTION]…", short_help="How the selector weighs the words of sentences.")
@_figure_options
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
    out.mkdir(parents=True, exist_ok=True)
    written = draw_words(chosen, out / "fig3")
    write_text(out / "fig3.html", words_page(chosen, called))
    click.echo(f"wrote {', '.join(map(str, [*written, out / 'fig3.html']))}")


@reproduce.command(options_metavar="[OPTION]…", short_help="How the fusion weighs the modalities of a frame.")
@_figure_options
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
    out.mkdir(parents=True, exist_ok=True)
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
