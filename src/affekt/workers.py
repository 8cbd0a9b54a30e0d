"""One piece of work for each of many items, spread over processes here or over a Ray cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def spread(
    work: Callable[[Item], Result], items: Sequence[Item], *, workers: int = 1, ray: str | None = None
) -> Iterator[tuple[Item, Result | Exception]]:
    """Yield each item with its result, in the order in which they are done.

    What a piece of work raises as an `AffektError`, or that its process died of it, comes in its result's
    place and does not keep the others from theirs. The same `work` runs either way, one item a process at a
    time, single-threaded.

    Args:
        work: a function at the top of a module; it, the items and the results must be picklable.
        workers: processes on this machine.
        ray: address of an existing Ray cluster ("auto", "HOST:PORT", "ray://…"); files must lie on a file
            system that all of its machines share, under the same paths.

    Raises:
        ClusterError: the cluster cannot be reached, or Ray is not installed (pip install affekt[cluster]).
    """
    raise NotImplementedError
