"""`affekt reproduce`: the paper's tables and figures on a prepared corpus. Tables need `affekt[train]`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from affekt.cli.figures import fig3, fig4
from affekt.cli.options import Factor, File
from affekt.cli.train import needing_torch
from affekt.errors import ConfigError

if TYPE_CHECKING:
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


_DATA = (
    click.argument("changes", nargs=-1, metavar="[KEY=VALUE]…"),
    click.option("--data", type=File(), required=True, metavar="DIR", help="Of affekt prepare."),
    click.option("--run", type=File(), required=True, metavar="DIR", help="Where tables and runs go."),
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
        help="Work on a Ray cluster that runs already (auto, HOST:PORT). All of its machines must see both "
        "folders under the same paths.",
    ),
)
_SYSTEMS = (
    click.option(
        "--seeds",
        type=click.IntRange(1, 100),
        default=3,
        show_default=True,
        metavar="N",
        help="Runs of each model: seeds 0 to N − 1.",
    ),
    click.option(
        "--ceiling",
        type=File(),
        metavar="DIR",
        help="The synthetic corpus that the data was made of: adds what a perfect reader reaches.",
    ),
)
_ROWS = (
    click.option(
        "--weights",
        multiple=True,
        metavar="ROW=PLACE",
        help="Where a row's weights are: bert=FOLDER, fasttext=FILE.vec, visual.resnet-50=FILE …  "
        "[default: on the Hugging Face hub]",
    ),
    click.option(
        "--from-scratch",
        is_flag=True,
        help="Visual networks start from random weights, and the table says so.",
    ),
    click.option("--only", metavar="LIST", default="", help="Rows: visual,text.bert …  [default: all]"),
)
_SEARCH = (
    click.option(
        "--trials",
        type=click.IntRange(1),
        default=32,
        show_default=True,
        metavar="N",
        help="Sets of values that are tried.",
    ),
    click.option(
        "--epochs",
        type=click.IntRange(1),
        default=20,
        show_default=True,
        metavar="N",
        help="Of a trial that is not pruned.",
    ),
    click.option(
        "--reduction",
        type=Factor(),
        default="4/3",
        show_default="4/3, as in the paper",
        help="Of successive halving: 4/3 discards a quarter at each rung.",
    ),
    click.option("--space", type=File(), metavar="FILE", show_default="Table 1", help="As for affekt tune."),
)


def _add_table(name: str) -> None:
    def command(**options: Any) -> None:
        _table(name, options)

    own = {"2": (*_SYSTEMS, *_ROWS), "8": _SEARCH}.get(name, _SYSTEMS)
    for option in reversed((*_DATA, *own)):
        command = option(command)
    title = TITLES[name]
    text = f"{title}\n\nKEY=VALUE changes the config, as in training.epochs=20. docs/reproduce.md has more."
    reproduce.command(name, options_metavar="[OPTION]…", short_help=title, help=text)(command)


for _name in TITLES:
    _add_table(_name)
reproduce.add_command(fig3)
reproduce.add_command(fig4)


def _table(name: str, options: dict[str, Any]) -> None:
    """Train what a table needs, print it and write it."""
    with needing_torch():
        from affekt.training.experiments.running import Cells
    from affekt.report.reproduction import markdown, render, show_table
    from affekt.timeline.files import write_text, write_values

    base, folder = _base(options), options["run"]
    cells = Cells(folder, tuple(range(options.get("seeds", 1))), options["workers"], options["ray"])
    document = _made(name, base, cells, options).to_json()
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

        how = {key: options[key] for key in ("trials", "reduction", "epochs", "space")}
        return hyper_parameters(base, cells, **how)
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
