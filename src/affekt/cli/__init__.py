"""The command line: `affekt predict FILE…`, or `affekt FILE…` for short."""

from __future__ import annotations

import sys

import click

from affekt.cli.models import models
from affekt.cli.predict import predict
from affekt.cli.report import report
from affekt.cli.train import train
from affekt.errors import AffektError


class Affekt(click.Group):
    """A group whose first word may be a file instead of a command."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Take `affekt talk.mp4` for `affekt predict talk.mp4`."""
        if args and args[0] not in self.commands and args[0] not in ("--help", "--version"):
            args = ["predict", *args]
        return super().parse_args(ctx, args)


@click.group(cls=Affekt, context_settings={"help_option_names": ["--help", "-h"]})
@click.version_option(package_name="affekt")
def affekt() -> None:
    """Arousal and valence ten times a second, from the text, the sound and the picture of a recording.

    `affekt talk.mp4` is short for `affekt predict talk.mp4`.
    """


for command in (predict, report, models, train):
    affekt.add_command(command)


def main() -> None:
    """Run the command line; what is wrong with the input is one line and exit code 2."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            # A terminal without Unicode gets a question mark instead of a traceback.
            stream.reconfigure(errors="replace")
    try:
        affekt.main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("stopped; what was finished is kept, nothing is half-written", err=True)
        sys.exit(130)
    except AffektError as error:
        click.echo(f"affekt: {error}", err=True)
        sys.exit(2)
    except BrokenPipeError:
        # Whoever read our output has gone, as in `affekt talk.mp4 | head`.
        sys.stderr.close()
        sys.exit(141)
