"""A table as data: lines of our figures beside the printed ones, and all that tells how they came about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from affekt.corpora.prepared.dataset import open_prepared
from affekt.training.config import Config
from affekt.training.experiments.judged import Difference, Figure
from affekt.training.folder import git_state
from affekt.version import __version__

FORMAT = "affekt-table-1"
"""What the JSON says it is; the number grows when old readers would misread it."""
OURS, PRINTED, EXTRA = "ours", "printed", "extra"
"""A row of the paper that is trained here; another team's, as printed; a line of ours below."""


@dataclass(frozen=True)
class Line:
    """A row: what the paper prints, and what came out here; both by column, such as "devel arousal"."""

    name: str
    kind: str
    paper: dict[str, Figure]
    ours: dict[str, Figure]
    group: str = ""
    """Modality, in Table 2."""
    reason: str = ""
    """Why there are no figures of ours."""
    note: str = ""
    best: tuple[str, ...] = ()
    """Partitions on which the paper claims that it is the best of its kind."""


@dataclass(frozen=True)
class Reproduction:
    """A table, and how it was made."""

    table: str
    """What `affekt reproduce` calls it."""
    where: str
    """In the paper."""
    title: str
    columns: tuple[str, ...]
    lines: tuple[Line, ...]
    tests: tuple[Difference, ...]
    notes: tuple[str, ...]
    corpus: str
    synthetic: bool
    recordings: dict[str, int]
    """Of each partition."""
    seeds: tuple[int, ...]
    date: str
    commit: str
    """Of the checkout that it was made in; "" outside of one."""
    config: dict[str, Any]
    """What every model is trained as, but for what its row is about."""
    affekt: str = __version__
    format: str = FORMAT

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def is_synthetic(corpus: str) -> bool:
    """Whether the corpus of a prepared folder is one of `affekt synthesize`."""
    return corpus.startswith("synthetic")


def described(
    base: Config,
    seeds: Sequence[int],
    heading: tuple[str, str, str],
    columns: Sequence[str],
    lines: Sequence[Line],
    tests: Sequence[Difference] = (),
    notes: Sequence[str] = (),
) -> Reproduction:
    """A table with the corpus, the seeds, the date and the commit that it was made with.

    Args:
        base: what every model is trained as.
        heading: `table`, `where` and `title` of a `Reproduction`.
    """
    prepared = open_prepared(Path(base.data.folder))
    counts = {part: len(prepared.of(part)) for part in ("train", "devel", "test")}
    git = git_state()
    return Reproduction(
        *heading,
        tuple(columns),
        tuple(lines),
        tuple(tests),
        tuple(notes),
        prepared.dataset.corpus,
        is_synthetic(prepared.dataset.corpus),
        counts,
        tuple(seeds),
        datetime.now(UTC).isoformat(timespec="minutes"),
        "" if git is None else f"{git['commit'][:12]}{' and changes' if git['dirty'] else ''}",
        base.to_dict(),
    )
