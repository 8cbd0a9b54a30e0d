"""Which post-processing was used and what it was worth, for the terminal and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from affekt.report.summary import counted, printable
from affekt.timeline import FRAME_RATE

if TYPE_CHECKING:
    from rich.table import Table

    from affekt.corpora.compare.chained import Chained
    from affekt.scoring.postprocessing import Steps


def in_words(steps: Steps) -> str:
    """What is done to one dimension, in order.

    >>> from affekt.scoring.postprocessing import Steps
    >>> in_words(Steps(median=31, bias=-0.04, shift=12)), in_words(Steps())
    ('median of 3.1 s, -0.040, 1.2 s later', 'nothing helped')
    """
    said = {
        "median": f"median of {steps.median / FRAME_RATE:g} s",
        "centring": f"{steps.bias:+.3f}",
        "scaling": f"× {steps.scale:.2f}",
        "shift": f"{steps.shift / FRAME_RATE:g} s later",
    }
    return ", ".join(said[name] for name in steps.kept) or "nothing helped"


def heading(chained: Chained) -> str:
    """What the table is about, and how far to trust it."""
    on = f"chosen on {chained.partition} ({counted(len(chained.fitted), 'recording')})"
    if not chained.on_itself:
        return f"Post-processing, {on}: CCC over all rows"
    rest = (
        f"unseen: of chains chosen without the {chained.cluster}"
        if chained.unseen is not None
        else "one alone cannot be left out, so nothing says how much"
    )
    return f"Post-processing, CHOSEN ON THESE VERY RECORDINGS: scores with it are too good; {rest}"


def table(chained: Chained) -> Table:
    """CCC without and with it, that of chains that had not seen what they were scored on, and the steps."""
    from rich.table import Table
    from rich.text import Text

    from affekt.report.scores import short

    result = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    figures = [("without", chained.without), ("with", chained.scored)]
    figures += [("unseen", chained.unseen)] if chained.unseen is not None else []
    for head in ("", *(head for head, _ in figures)):
        result.add_column(head, no_wrap=True)
    result.add_column("steps")
    for k, (name, steps) in enumerate(zip(chained.chain.dimensions, chained.chain.steps, strict=True)):
        cells = [short(float(values[k])) for _, values in figures]
        result.add_row(Text(printable(name), "bold"), *cells, Text(in_words(steps)))
    return result


def to_json(chained: Chained) -> dict[str, Any]:
    """Plain values; docs/evaluate.md says what each key is."""
    unseen = chained.unseen
    return {
        "chosen_on": chained.partition,
        "recordings": list(chained.fitted),
        "on_what_is_scored": chained.on_itself,
        "left_out_together": chained.cluster if unseen is not None else None,
        "dimensions": {
            name: {
                "steps": steps,
                "without": float(chained.without[k]),
                "with": float(chained.scored[k]),
                "unseen": None if unseen is None else float(unseen[k]),
            }
            for k, (name, steps) in enumerate(chained.chain.to_dict().items())
        },
    }
