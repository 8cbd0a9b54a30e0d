"""How wide the band around the trace must be: split conformal prediction, measured on people left out.

The head expects an absolute error for every frame (`networks.head`), and is as sure of itself as of what it
learned by heart. Conformal prediction (Vovk, Gammerman and Shafer, Algorithmic Learning in a Random World,
2005; locally weighted as in Lei et al., Distribution-Free Predictive Inference for Regression, JASA 113,
2018, section 5.2) sets that right: of frames nobody learned from, the ratios |error| / spread are sorted, and
the one that a share of them does not exceed is the scale. The band reaches scale × spread to either side.

Its promise, that the next frame lies within as often, needs frames that could have come in any order. Frames
of one speaker resemble each other and could not, so nothing is promised here, and their number says more than
is known. What holds for a speaker who was not there is therefore measured, each being left out of the scale
once (`leave_one_out`).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import numpy as np


@dataclass(frozen=True)
class Coverage:
    """Share of the frames whose target lay in a band made without their group, of each dimension."""

    groups: dict[str, np.ndarray]
    """Of each group, in order of name, (D,) float64 in [0, 1]; NaN where it has no frame."""
    pooled: np.ndarray
    """Of all frames of all groups, (D,): a group counts by its frames."""


def conformal_scale(errors: np.ndarray, spreads: np.ndarray, share: float) -> np.ndarray:
    """What to multiply spreads by so that a share of the errors lies within: (D,) float64.

    Of n ratios |error| / spread it is the ⌈(n + 1) · share⌉-th smallest, which corrects for n being finite.

    Args:
        errors: (N, D) target less prediction, in the trace's units; D = 2, arousal and valence. A NaN, here
            or in `spreads`, leaves this frame out of this dimension.
        spreads: (N, D), above 0, the error that was expected.
        share: that the band is to hold, in (0, 1).

    Raises:
        ValueError: the shapes differ, a spread is not above 0, or there are too few frames for such a share.
    """
    if errors.shape != spreads.shape or errors.ndim != 2:
        raise ValueError(f"errors are {errors.shape} and spreads {spreads.shape}, not both (N, D)")
    if np.any(spreads <= 0):
        raise ValueError("a spread is not above 0")
    ratios = np.abs(errors.astype(np.float64)) / spreads
    return np.array([_quantile(column[~np.isnan(column)], share) for column in ratios.T])


def _quantile(values: np.ndarray, share: float) -> float:
    if not 0 < share < 1:
        raise ValueError(f"the share is {share}; it is between 0 and 1")
    # Rounding must not make the 9th of 0.9 × 10 the 10th.
    rank = ceil((len(values) + 1) * share - 1e-9)
    if rank > len(values):
        raise ValueError(f"{len(values)} frames are too few for a band that holds {share:.0%}")
    return float(np.partition(values, rank - 1)[rank - 1])


def scale_of_kind(
    errors: np.ndarray, spreads: np.ndarray, kinds: np.ndarray, kind: int, share: float
) -> np.ndarray:
    """The scale of one kind of frames, (D,); that of all where there are too few of it.

    Args:
        errors, spreads, share: as `conformal_scale`; kinds: (N,).
    """
    here = kinds == kind
    try:
        return conformal_scale(errors[here], spreads[here], share)
    except ValueError:
        return conformal_scale(errors, spreads, share)


def leave_one_out(
    errors: np.ndarray, spreads: np.ndarray, groups: np.ndarray, share: float, kinds: np.ndarray | None = None
) -> Coverage:
    """How much of each group's frames a band holds whose scale comes from all other groups.

    Args:
        errors, spreads, share: as `conformal_scale`.
        groups: (N,) who each frame is of: speakers, so that nobody measures their own band.
        kinds: (N,) of which kind each frame is; each kind has a scale of its own, if there are
            enough. None: one for all.

    Raises:
        ValueError: as `conformal_scale`, or there is one group only.
    """
    names = np.unique(groups)
    if len(names) < 2:
        raise ValueError("leaving one group out needs two")
    kinds = np.zeros(len(groups), int) if kinds is None else kinds
    known = ~np.isnan(errors + spreads)
    within = np.zeros(errors.shape, bool)
    for name in names:
        others = groups != name
        for kind in np.unique(kinds[~others]):
            own = (kinds == kind) & ~others
            scale = scale_of_kind(errors[others], spreads[others], kinds[others], kind, share)
            within[own] = np.abs(errors[own]) <= scale * spreads[own]
    return Coverage(
        {str(name): _share(within[groups == name], known[groups == name]) for name in names},
        _share(within, known),
    )


def _share(within: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Of the frames (N, D) that are known, how many lie within: (D,), NaN where none is known."""
    count = known.sum(0)
    return np.where(count > 0, (within & known).sum(0) / np.maximum(count, 1), np.nan)
