"""What a run's folder holds already, and whether what it was made of has been made anew since."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from affekt.errors import ConfigError
from affekt.training.loop import LAST, WEIGHTS

NETWORKS = ("faces", "text", "audio")
"""Stages whose networks fusion learns on."""


def fresh(made: Path, sources: Iterable[Path]) -> bool:
    """Is a file there, and no older than those it was made of? Sources that are not there do not count."""
    if not made.exists():
        return False
    return all(made.stat().st_mtime_ns >= one.stat().st_mtime_ns for one in sources if one.exists())


def weights(run: Path, *stages: str) -> list[Path]:
    """The weights files of stages."""
    return [run / stage / WEIGHTS for stage in stages]


def refuse_older(stage: Path, sources: Iterable[Path]) -> None:
    """Make sure that what a stage has learned, or begun to learn, is of its networks as they are now.

    Raises:
        ConfigError: they were trained anew since.
    """
    sources = list(sources)
    for made in (stage / WEIGHTS, stage / LAST):
        if made.exists() and not fresh(made, sources):
            raise ConfigError(f"{stage}: has learned on networks that were trained anew since; move it away")
