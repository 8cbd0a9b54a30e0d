"""Table 8: what each hyper-parameter of Table 1 does to the multimodal model, by `affekt.training.tuning`."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from affekt.timeline import DIMENSIONS
from affekt.training.config import FUSION, Config
from affekt.training.experiments.cells import alone, fusion
from affekt.training.experiments.document import OURS, Line, Reproduction, described
from affekt.training.experiments.judged import Figure
from affekt.training.experiments.paper import HYPER_PARAMETERS
from affekt.training.experiments.running import Cells

SEARCH = "search"
"""Folder of the search, as `affekt tune` makes it, within that of the tables."""


def hyper_parameters(
    base: Config, cells: Cells, *, trials: int, reduction: float, epochs: int, space: Path | None = None
) -> Reproduction:
    """Search, or go on with a search, and lay Table 8 out.

    Args:
        base: of the model whose second stage is tuned; its first stages are cells of the first seed.
        trials, reduction, epochs: of `tuning.folder.Search`.
        space: YAML that narrows Table 1; None: as in the paper.

    Raises:
        AffektError: a first stage cannot be trained, Ray is not there, or no trial ran to its end.
    """
    from affekt.training.tuning.folder import Search
    from affekt.training.tuning.search import tune
    from affekt.training.tuning.space import read_space

    first = Cells(cells.folder, cells.seeds[:1], cells.workers, cells.ray)
    first.train([alone(base, one) for one in base.modalities])
    for error in first.failed.values():
        raise error
    model = fusion(base, str(base.fusion.get("kind", "cross_modal")))
    config = model.seeded(first.seeds[0], first.cells)
    search = Search(
        config, read_space(space, FUSION), trials, epochs, reduction=reduction, seed=first.seeds[0]
    )
    outcome = tune(search, cells.folder / SEARCH, workers=cells.workers, ray=cells.ray)
    lines = []
    for key, (name, *printed) in HYPER_PARAMETERS.items():
        paper = {f"devel {one}": Figure(*both) for one, both in zip(DIMENSIONS, printed, strict=True)}
        found = outcome.effects.get(key)
        ours = {}
        if found is not None:
            ours = {
                f"devel {one}": Figure(float(found.mean[d]), _known(float(found.std[d])))
                for d, one in enumerate(DIMENSIONS)
            }
        lines.append(
            Line(name, OURS, paper, ours, reason="" if ours else "had one value alone in the search")
        )
    notes = [
        "±: mean and sample standard deviation over the mean CCC of each of its values (or ranges of them), "
        f"over the {len(outcome.full)} of {trials} trials that ran to the full budget of {epochs} epochs; "
        "the paper does not say what its ± is",
        f"the other trials were pruned, with a reduction factor of {reduction:.3g}; all are in "
        f"{cells.folder / SEARCH}",
    ]
    heading = ("8", "Table 8", "What each hyper-parameter does")
    columns = [f"devel {one}" for one in DIMENSIONS]
    return described(base, first.seeds, heading, columns, lines, notes=notes)


def _known(value: float) -> float | None:
    return value if np.isfinite(value) else None
