"""The tables of how steady the traces are, from what benchmarks/steadiness.py writes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from affekt.training.default.card.markdown import MISSING, number, table

DIMENSIONS = ("arousal", "valence")


def steadiness(results: Mapping[str, Any]) -> str:
    """Neutral speech, steps and disturbed recordings, those of them that were measured.

    Args:
        results: part → its figures, and `quick`, whether only some of the recordings were looked at.

    Raises:
        KeyError, TypeError, AttributeError: these are other results.
    """
    show = {"neutral": _neutral, "steps": _steps, "disturbances": _disturbances}
    tables = [table_of(results[part]) for part, table_of in show.items() if part in results]
    if results["quick"]:
        tables.append("Of a part of the recordings only.")
    return "\n\n".join(tables)


def _neutral(result: Mapping[str, Any]) -> str:
    rows = [[_plain(who), one["utterances"], *(one[d] for d in DIMENSIONS)] for who, one in result.items()]
    return table(("neutral speech, mean absolute", "n", *DIMENSIONS), rows)


def _steps(result: Mapping[str, Any]) -> str:
    """Median and 90th percentile of the seconds until half of a step shows."""
    rows = []
    for by, one in result.items():
        for dimension in DIMENSIONS:
            first = one[dimension]["first"]
            delays = ["never" if first[q] is None else number(first[q], 1) for q in ("median", "p90")]
            rows.append([f"{by}, {dimension}", one[dimension]["steps"], *delays])
    return table(("seconds until half of a step shows", "steps", "median", "90 %"), rows)


def _disturbances(result: Mapping[str, Any]) -> str:
    """A table a group of recordings: arousal / valence over the frames of all of them."""
    return "\n\n".join(
        table(
            (f"disturbed: {group}", "mean difference", "CCC to the clean trace"),
            [
                [name, _pair(of["all"]["difference"], 3), _pair(of["all"]["ccc"], 2)]
                for name, of in one.items()
            ],
        )
        for group, one in result.items()
    )


def _pair(values: Mapping[str, float | None], digits: int) -> str:
    shown: Sequence[float | None] = [values[d] for d in DIMENSIONS]
    return " / ".join(MISSING if value is None else number(value, digits) for value in shown)


def _plain(name: str) -> str:
    """An actor's name as people read it.

    >>> _plain("ravdess_17")
    'RAVDESS 17'
    """
    corpus, _, number_of = name.partition("_")
    return f"{corpus.upper()} {number_of}" if number_of else name
