"""The command line: `affekt predict FILE…`, or `affekt FILE…` for short."""

from __future__ import annotations

import os
import sys
from typing import Any

import click

from affekt import __version__
from affekt.cli.batch import complain
from affekt.cli.compare import compare
from affekt.cli.corpus import corpus
from affekt.cli.crossvalidate import crossvalidate
from affekt.cli.delay import delay
from affekt.cli.evaluate import evaluate
from affekt.cli.features import features
from affekt.cli.finetune import finetune
from affekt.cli.gold import gold
from affekt.cli.models import models
from affekt.cli.predict import predict
from affekt.cli.prepare import prepare
from affekt.cli.report import report
from affekt.cli.reproduce import reproduce
from affekt.cli.runs import runs
from affekt.cli.synthesize import synthesize
from affekt.cli.train import train
from affekt.cli.tune import tune
from affekt.errors import AffektError


class Affekt(click.Group):
    """A group whose first word may be a file instead of a command, and whose faults are one line each."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Take `affekt talk.mp4` for `affekt predict talk.mp4`."""
        first = args[0] if args else "--help"
        if first.isidentifier() and first not in self.commands and not os.path.lexists(first):
            commands = ", ".join(sorted(self.commands))
            raise click.UsageError(f"{first} is no file that is here, and no command ({commands})", ctx)
        if first not in self.commands and first not in ("--help", "-h", "--version"):
            args = ["predict", *args]
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; what stops it is one line on standard error and an exit code."""
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
            return result
        except KeyboardInterrupt:
            click.echo("affekt: stopped; what was finished is kept, nothing is half-written", err=True)
            ctx.exit(130)
        except AffektError as error:
            complain(error)
            ctx.exit(2)
        except BrokenPipeError:
            # Whoever read our output has gone, as in `affekt talk.mp4 | head`.
            _mute()
            ctx.exit(141)
        except OSError as error:
            # Such as a full disk behind `affekt talk.mp4 > summary.txt`.
            complain(error)
            _mute()
            ctx.exit(2)


def _mute() -> None:
    """Let what is still in standard output's buffer go nowhere: Python flushes it once more at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@click.group(
    cls=Affekt,
    options_metavar="",
    subcommand_metavar="FILE… | COMMAND …",
    context_settings={"help_option_names": ["--help", "-h"]},
)
@click.version_option(__version__, prog_name="affekt")
def affekt() -> None:
    """Arousal and valence ten times a second, from the text, the sound and the picture of a recording.

    \b
    affekt talk.mp4           a trace (CSV) and a report (HTML) in affekt-out
    affekt recordings/        the same for each recording in a folder
    affekt predict --help     what else can be asked for

    Nothing leaves this machine.
    """  # noqa: D301


COMMANDS = (
    *(predict, report, models, features),
    *(corpus, prepare, gold, delay, synthesize, evaluate, compare),
    *(train, tune, finetune, crossvalidate, reproduce, runs),
)

for command in COMMANDS:
    affekt.add_command(command)


def main() -> None:
    """Run the command line: 0 all is well, 1 some of several files were bad, 2 fault, 130 stopped."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by the shell, `>&-`
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115
        # A terminal without Unicode gets a question mark instead of a traceback.
        getattr(sys, name).reconfigure(errors="replace")
    affekt()
