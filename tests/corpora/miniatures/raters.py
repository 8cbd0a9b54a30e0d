"""Made-up raters: folders arousal and valence of two recordings, a column a rater, every half second."""

from __future__ import annotations

from pathlib import Path

import numpy as np

RATERS = ("anna", "ben", "Zoë")
LATE = (0, 1, 2)
"""Half seconds."""
ROWS = 80


def build(root: Path) -> Path:
    """Write the folder; ben says nothing in the last two rows of session 2."""
    for dimension, slowness in (("arousal", 4), ("valence", 7)):
        folder = root / dimension
        folder.mkdir(parents=True)
        for session in (1, 2):
            time = np.arange(ROWS)
            columns = [0.6 * np.sin((time - late) / slowness + session) + 0.05 * late for late in LATE]
            lines = [",".join(("time", *RATERS))]
            for row, values in enumerate(zip(*columns, strict=True)):
                cells = [f"{value:.4f}" for value in values]
                if session == 2 and row >= ROWS - 2:
                    cells[1] = ""
                lines.append(",".join((f"{row / 2:.2f}", *cells)))
            (folder / f"session{session}.csv").write_text("\r\n".join([*lines, ""]), encoding="utf-8")
    return root
