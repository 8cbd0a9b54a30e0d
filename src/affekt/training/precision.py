"""Half precision where the machine computes it itself."""

from __future__ import annotations

import torch

OURS = ("auto", "32", "bf16")


def fabric_precision(precision: str) -> str:
    """Lightning Fabric's name: whole where affekt itself says which networks compute in half precision."""
    return "32-true" if precision in OURS else precision


def half_networks(precision: str, device: torch.device) -> tuple[str, ...]:
    """Modalities whose networks compute in bfloat16.

    Args:
        precision: "auto", where the machine has it and it is quicker; "bf16", all; anything else, none.
    """
    if precision == "bf16":
        return ("text", "audio", "visual")
    if precision != "auto":
        return ()
    if device.type == "cuda":
        return ("text", "audio", "visual") if torch.cuda.is_bf16_supported() else ()
    quick = device.type == "cpu" and torch.cpu._is_avx512_bf16_supported()
    return ("audio", "visual") if quick else ()


def precision_said(precision: str, device: torch.device) -> str:
    """What a run's folder tells of it."""
    half = half_networks(precision, device)
    return f"bf16 in {', '.join(half)}" if half else fabric_precision(precision)
