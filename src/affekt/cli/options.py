"""Kinds of values that options take."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

if TYPE_CHECKING:
    from affekt.timeline import Side


class File(click.Path):
    """A path; an empty one, such as an unset shell variable leaves, is not the current folder."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Refuse the empty path."""
        if not str(value):
            self.fail("the name is empty", param, ctx)
        return super().convert(value, param, ctx)


class Several(click.ParamType[tuple[str, ...]]):
    """A comma-separated choice of several words."""

    name = "list"

    def __init__(self, choices: tuple[str, ...], least: int = 0) -> None:
        self.choices, self.least = choices, least

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        """Split, check, and leave out what is said twice."""
        words = [word.strip().lower() for word in value.split(",") if word.strip()]
        for word in words:
            if word not in self.choices:
                self.fail(f"{word!r} is not one of {', '.join(self.choices)}", param, ctx)
        if len(words) < self.least:
            self.fail(f"name at least one of {', '.join(self.choices)}", param, ctx)
        return tuple(dict.fromkeys(words))


class Subject(click.ParamType["int | Side | None"]):
    """`largest`, `left`, `right`, or which face."""

    name = "face"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> int | Side | None:
        """None = largest."""
        if value in (None, "largest"):
            return None
        if value in ("left", "right"):
            return cast("Side", value)
        if not (value.isdecimal() and 1 <= int(value) <= 100):
            self.fail(
                f"{value!r} is neither largest, left, right nor a number from 1 (the largest face) to 100",
                param,
                ctx,
            )
        return int(value)


class Factor(click.ParamType[float]):
    """A number above 1, also as a fraction."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Take 4/3 and 3 and 1.5."""
        try:
            number = float(Fraction(str(value)))
        except (ValueError, ZeroDivisionError, OverflowError):
            number = 0.0
        if not 1 < number <= 100:
            self.fail(f"{value!r} is no number above 1, such as 4/3 or 3", param, ctx)
        return number
