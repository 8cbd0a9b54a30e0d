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
        precision: "auto", all where the machine computes it itself; "bf16", all; anything else, none.
    """
    half = precision == "bf16" or (precision == "auto" and quick_half(device))
    return ("text", "audio", "visual") if half else ()


def quick_half(device: torch.device) -> bool:
    """Whether the machine computes bfloat16 itself: imitating it is slower than single precision."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    able = torch.cpu.get_capabilities()
    return device.type == "cpu" and any(able.get(name, False) for name in ("avx512_bf16", "amx_bf16"))


def precision_said(precision: str, device: torch.device) -> str:
    """What a run's folder tells of it."""
    half = half_networks(precision, device)
    return f"bf16 in {', '.join(half)}" if half else fabric_precision(precision)
