"""Runs a script beside timm, in a process of its own.

PyTorch's CPU build and the torchvision that timm wants do not fit each other, and one that is half imported
breaks `transformers`. So both lie in a folder that no other process looks into.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
BACKBONES = Path(sys.prefix) / "backbones"


def facts(script: Path, folder: Path) -> dict[str, Any]:
    """What a script prints as JSON; it is given a folder to write to. Skips the test where timm is absent."""
    if not (BACKBONES / "timm").is_dir():
        message = f"{BACKBONES} has no timm: `make dev` puts it there"
        if os.environ.get("AFFEKT_REQUIRE_SHARED") == "1":
            pytest.fail(message)
        pytest.skip(message)
    path = os.pathsep.join(map(str, (ROOT / "src", ROOT / "tests", BACKBONES)))
    env = os.environ | {"PYTHONPATH": path, "HF_HUB_OFFLINE": "1"}
    words = [sys.executable, str(script), str(folder)]
    done = subprocess.run(words, env=env, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr[-3_000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def make_torchvision_importable() -> None:
    """Import torchvision, without its compiled half where that does not fit; no backbone needs it."""
    import torch

    try:
        import torchvision
    except RuntimeError:
        for name in [one for one in sys.modules if one.partition(".")[0] == "torchvision"]:
            del sys.modules[name]
        library = torch.library.Library("torchvision", "DEF")
        for name in ("nms", "qnms"):
            library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        KEPT.append(library)
        import torchvision  # noqa: F401


KEPT: list[Any] = []
"""What a library defines goes with it."""
