"""Post-processing of what is scored, by a chain that was chosen on a partition of the same corpus."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from affekt.corpora.compare.clusters import clusters_of
from affekt.corpora.compare.pairs import Pair
from affekt.errors import CorpusError
from affekt.scoring import ccc
from affekt.scoring.postprocessing import Chain, fit_chain, left_out
from affekt.timeline import FRAME_RATE, Partition


@dataclass(frozen=True, slots=True, eq=False)
class Chained:
    """What was done to the predictions, and what it is worth; each CCC (D,) over all rows laid end to end."""

    chain: Chain
    partition: Partition
    """What it was chosen on."""
    fitted: tuple[str, ...]
    """The recordings that it was chosen on."""
    on_itself: bool
    """Some of these are scored, so that the scores are too good."""
    without: np.ndarray
    """Of what is scored, as predicted."""
    scored: np.ndarray
    """Of what is scored, post-processed."""
    unseen: np.ndarray | None = None
    """Of what is scored, each cluster by a chain that was chosen without it; None: nothing is scored that a
    chain was chosen on, or there is one cluster alone."""
    cluster: str = "recording"


def chained(
    pairs: Sequence[Pair],
    fitted: Sequence[Pair],
    dimensions: Sequence[str],
    partition: Partition,
    groups: Mapping[str, str] | None = None,
) -> tuple[tuple[Pair, ...], Chained]:
    """Choose a chain on some pairs and apply it to others.

    Rows that do not count, as they have no label, take no part in either.

    Args:
        pairs: what is scored, at 10 Hz.
        fitted: what the chain is chosen on.
        dimensions: names of the columns.
        partition: of the fitted ones.
        groups: as `clusters_of`; what is left out together.

    Raises:
        CorpusError: rows are not at 10 Hz, or there is nothing to choose on.
    """
    if not fitted:
        raise CorpusError(f"post-processing: no recording of {partition} could be compared, to choose it on")
    for pair in (*pairs, *fitted):
        if pair.rows != f"{1 / FRAME_RATE:g} s":
            raise CorpusError(
                f"{pair.recording.name}: post-processing is of traces over time, and a row here is one of "
                f"{pair.rows}; leave --post-fit out"
            )
    chain = fit_chain([one.predictions for one in fitted], [one.gold for one in fitted], dimensions)
    done = tuple(replace(one, predictions=chain.apply(one.predictions)) for one in pairs)
    names = tuple(one.recording.name for one in fitted)
    gold = [one.gold for one in pairs]
    on_itself = any(one.recording.name in names for one in pairs)
    unseen, cluster = None, "recording"
    if on_itself:
        clusters, cluster = clusters_of([one.recording for one in pairs], groups)
        if len(set(clusters)) > 1:
            unseen = _ccc(left_out([one.predictions for one in pairs], gold, clusters, dimensions), gold)
    return done, Chained(
        chain,
        partition,
        names,
        on_itself,
        without=_ccc([one.predictions for one in pairs], gold),
        scored=_ccc([one.predictions for one in done], gold),
        unseen=unseen,
        cluster=cluster,
    )


def _ccc(predictions: Sequence[np.ndarray], gold: Sequence[np.ndarray]) -> np.ndarray:
    """(D,) over the rows that have both values, dimension by dimension."""
    x, y = np.concatenate(predictions), np.concatenate(gold)
    known = ~(np.isnan(x) | np.isnan(y))
    columns = range(x.shape[1])
    return np.array([float(ccc(x[known[:, k], k], y[known[:, k], k])) for k in columns])
