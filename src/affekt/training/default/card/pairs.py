"""The table of real pairs of face and voice, from what the recipe's `pairs` leaves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from affekt.training.default.card.markdown import number, table


def pairs(results: Mapping[str, Any]) -> str:
    """A row a model and what it was given: mean over the seeds ± their standard deviation.

    Raises:
        KeyError, TypeError, ValueError: these are other results.
    """
    rows = []
    for one in results["outcomes"]:
        scores = np.array(one["ccc"], np.float64)  # (seeds, 2)
        spread = zip(scores.mean(0), scores.std(0), strict=True)
        figures = [f"{number(mean)} ± {number(deviation)}" for mean, deviation in spread]
        rows.append([one["model"], " + ".join(one["given"]), *figures])
    return table((f"CCC of {results['takes']} takes", "given", "arousal", "valence"), rows)
