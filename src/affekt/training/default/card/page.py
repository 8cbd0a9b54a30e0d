"""The card itself: a template whose slots are filled from the run's folder.

Slots of single items come from what the bundle says of devel; every other slot NAME from RUN/NAME.json, which
whoever measures it writes: a list of rows, each a dict of column → value, or {"note": text, "rows": […]}.
What was not measured says so. steadiness.json is as benchmarks/steadiness.py writes
it, pairs.json as the recipe's comparison on real pairs does.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from affekt.errors import ConfigError
from affekt.networks import Multimodal
from affekt.runtime.bundle import CARD, open_bundle
from affekt.runtime.predictor import Predictor
from affekt.timeline import ClipSpec
from affekt.timeline.files import write_text
from affekt.training.default.card import drawing
from affekt.training.default.card.inside import measure
from affekt.training.default.card.items import Item, judge_devel, write_items
from affekt.training.default.card.markdown import table
from affekt.training.default.card.pairs import pairs
from affekt.training.default.card.steadiness import steadiness
from affekt.training.default.card.tables import NAMES, from_items

TEMPLATE = Path(__file__).with_name("template.md")
ITEMS = "items.csv"
UNKNOWN = "Not measured."
_SLOT = re.compile(r"\{\{(\w+)\}\}")
_SHOWN: dict[str, Callable[[Any], str]] = {"steadiness": steadiness, "pairs": pairs}
"""Slots whose files are no list of rows."""


def write(data: Path, run: Path, spec: ClipSpec, model: Multimodal) -> str:
    """The card that a bundle is first written with: single items take a bundle and come later."""
    measure(data, run, spec, model)
    return render(run)


def finish(data: Path, run: Path, threads: int | None = None) -> None:
    """Judge devel with RUN/bundle and put the finished card into it; a few minutes.

    Beside it the run's folder gets items.csv, every devel item with its gold and its prediction, and the
    pictures that docs/ shows.

    Raises:
        ModelError: there is no bundle, or it is damaged.
        ConfigError: one of the run's figures is not what the card can show.
    """
    bundle = open_bundle(run / "bundle")
    items: list[Item] = []
    for part in judge_devel(Predictor(bundle, threads), data):
        items += part
        print(f"{NAMES.get(part[0].set, part[0].set)}: {len(part)} items judged", flush=True)
    write_items(run / ITEMS, items)
    drawing.draw(items, NAMES, run)
    write_text(bundle.folder / CARD, render(run, items))


def render(run: Path, items: Sequence[Item] = ()) -> str:
    """The card as Markdown.

    Args:
        run: the folder with the JSON files.
        items: of `judge_devel`; without them their slots say that nothing was measured.

    Raises:
        ConfigError: a JSON file is damaged or holds something else.
    """
    known = from_items(items) if items else {}

    def fill(slot: re.Match[str]) -> str:
        name = slot[1]
        return known[name] if known.get(name) else _measured(run / f"{name}.json")

    return _SLOT.sub(fill, TEMPLATE.read_text(encoding="utf-8"))


def _measured(path: Path) -> str:
    """What a JSON file says, `UNKNOWN` where there is none."""
    if not path.exists():
        return UNKNOWN
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        return _SHOWN.get(path.stem, _table_and_note)(values)
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        message = f"{path}: is not what the card can show; measure it anew, or remove it"
        raise ConfigError(message) from error


def _table_and_note(values: Any) -> str:
    """Rows as a table, then what is to be said of them."""
    rows, note = (values, "") if isinstance(values, list) else (values["rows"], values.get("note", ""))
    return "\n\n".join(filter(None, [_rows(rows), note]))


def _rows(rows: list[dict[str, Any]]) -> str:
    """A table whose columns are the keys of all rows, in the order in which they come up."""
    head = list(dict.fromkeys(key for row in rows for key in row))
    return table(head, [[row.get(key) for key in head] for row in rows]) if rows else ""
