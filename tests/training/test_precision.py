"""Half precision where the machine computes it itself, and where it is asked for."""

from __future__ import annotations

import pytest
import torch

from affekt.training.precision import fabric_precision, half_networks, precision_said

ALL = ("text", "audio", "visual")
CPU, CUDA, OTHER = torch.device("cpu"), torch.device("cuda"), torch.device("mps")


@pytest.mark.parametrize(
    ("able", "half"),
    [
        ({"avx512_bf16": True, "amx_bf16": False}, ALL),
        ({"avx512_bf16": False, "amx_bf16": True}, ALL),
        ({"avx512_bf16": False, "amx_bf16": False, "avx512_f": True}, ()),
        ({"neon": True}, ()),
    ],
)
def test_auto_asks_the_processor(
    able: dict[str, bool], half: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: able)
    assert half_networks("auto", CPU) == half
    assert half_networks("auto", OTHER) == ()
    assert half_networks("32", CPU) == ()
    assert half_networks("bf16", CPU) == ALL


@pytest.mark.parametrize("able", [True, False])
def test_auto_wants_no_imitation_on_a_gpu(able: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        torch.cuda, "is_bf16_supported", lambda including_emulation: able or including_emulation
    )
    assert half_networks("auto", CUDA) == (ALL if able else ())


def test_fabric_is_told_of_its_own_precisions_only() -> None:
    assert [fabric_precision(one) for one in ("auto", "32", "bf16", "16-mixed")] == ["32-true"] * 3 + [
        "16-mixed"
    ]
    assert half_networks("16-mixed", CPU) == ()


def test_what_the_run_folder_says() -> None:
    assert precision_said("bf16", CPU) == "bf16 in text, audio, visual"
    assert precision_said("32", CPU) == "32-true"
