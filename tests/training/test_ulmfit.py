"""ULMFiT's encoder through the one door: fastai's names and words, vectors by hand, and faults."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from affekt.errors import ModelError
from affekt.networks.alternatives.awd_lstm import AwdLstm
from affekt.training.encoders import text_encoder
from text_graphs import same_graph

ITOS = [
    "xxunk",
    "xxpad",
    "xxbos",
    "xxeos",
    "the",
    "do",
    "n't",
    "know",
    "'s",
    "it",
    "!",
    "...",
    "xxfake",
    "xxfake",
]


def save_fastai(folder: Path, prefix: str, raw: str = "weight_hh_l0_raw") -> AwdLstm:
    """A tiny AWD-LSTM in a folder, its weights under fastai's names, with a decoder beside them."""
    torch.manual_seed(0)
    made = AwdLstm(len(ITOS), width=4, hidden=6)
    saved = {
        f"{prefix}encoder.weight": made.table.weight,
        f"{prefix}encoder_dp.emb.weight": made.table.weight,
    }
    for k, layer in enumerate(made.layers):
        for name, value in layer.named_parameters():
            own = raw if name == "weight_hh_l0" else f"module.{name}"
            saved[f"{prefix}rnns.{k}.{own}"] = value
    saved["1.decoder.bias"] = torch.zeros(len(ITOS))
    folder.mkdir(exist_ok=True)
    state = {name: value.detach() for name, value in saved.items()}
    torch.save({"model": state, "opt": {}} if prefix == "0." else state, folder / "lstm_fwd.pth")
    (folder / "itos_wt103.json").write_text(json.dumps(ITOS))
    return made.eval()


@pytest.mark.parametrize(
    ("prefix", "raw"),
    [
        ("0.", "weight_hh_l0_raw"),
        ("", "module.weight_hh_l0_raw"),
        ("0.module.", "module.weight_hh_l0"),
    ],
)
def test_ulmfit_by_hand(tmp_path: Path, prefix: str, raw: str) -> None:
    made = save_fastai(tmp_path / "wt103", prefix, raw)
    encoder = text_encoder(f"ulmfit:{tmp_path / 'wt103'}")
    assert encoder.about.name == "ulmfit-wt103" and encoder.about.width == 4
    assert encoder.said.startswith("AWD-LSTM of 3 layers, 14 words, width 4, from ")
    e = encoder.words.encode(["Don’t know it's THE..."])
    # xxbos, then do n't, know, it 's, the, ...
    assert e.words == (("Don’t", "know", "it's", "THE", "..."),)
    assert e.pieces.tolist() == [[2, 5, 6, 7, 9, 8, 4, 11]]
    assert e.piece_word.tolist() == [[-1, 0, 0, 1, 2, 2, 3, 4]]
    hidden = made.table.weight[e.pieces]
    with torch.no_grad():
        for layer in made.layers:
            hidden, _ = layer(hidden)
    found = encoder.encode(["Don’t know it's THE..."])[0]
    np.testing.assert_allclose(found[0], hidden[0, 1:3].mean(0).numpy(), atol=1e-6)
    np.testing.assert_allclose(found[1], hidden[0, 3].numpy(), atol=1e-6)
    assert encoder.words.encode(["xylophone!"]).pieces.tolist() == [[2, 0, 10]]


def test_ulmfit_from_safetensors_and_a_plain_list(tmp_path: Path) -> None:
    save_fastai(tmp_path, "0.module.")
    first = text_encoder(f"ulmfit:{tmp_path}")
    saved = torch.load(tmp_path / "lstm_fwd.pth", weights_only=True)
    save_file({name: value.clone() for name, value in saved.items()}, tmp_path / "weights.safetensors")
    (tmp_path / "vocab.txt").write_text("\n".join(ITOS) + "\n")
    (tmp_path / "lstm_fwd.pth").unlink()
    (tmp_path / "itos_wt103.json").unlink()
    assert text_encoder(f"ulmfit:{tmp_path}").about == first.about
    same_graph(first, tmp_path / "graph", ["Don't know it's the...", "it!"])


class Evil:
    """What a pickle could do."""

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str]]:
        return (exec, ("raise SystemExit('unpickled')",))


def spoil_weights(content: Any) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        path = folder / "lstm_fwd.pth"
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            torch.save(content, path)

    return spoil


def only_a_pickle(folder: Path) -> None:
    (folder / "itos_wt103.json").rename(folder / "itos_wt103.pkl")


def backwards_too(folder: Path) -> None:
    path = folder / "lstm_fwd.pth"
    saved = torch.load(path, weights_only=True)["model"]
    torch.save(saved | {"0.rnns.0.module.weight_ih_l0_reverse": torch.zeros(2)}, path)


def without(part: str) -> Callable[[Path], None]:
    def remove(folder: Path) -> None:
        saved = torch.load(folder / "lstm_fwd.pth", weights_only=True)["model"]
        torch.save({k: v for k, v in saved.items() if part not in k}, folder / "lstm_fwd.pth")

    return remove


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (only_a_pickle, "is a pickle, which could run anything; if you trust it, make JSON of it: python -c"),
        (lambda f: (f / "itos_wt103.json").unlink(), "no list of words; put a .pth or .safetensors"),
        (lambda f: (f / "itos_wt103.json").write_text("{"), "is no list of words ("),
        (lambda f: (f / "itos_wt103.json").write_text('["a"]'), "is no list of words with xxunk among them"),
        (lambda f: (f / "itos_wt103.json").write_text('{"xxunk": 1}'), "is no list of words with xxunk"),
        (lambda f: (f / "itos_wt103.json").write_text('["xxunk"]'), "1 words for 14 rows of lstm_fwd.pth"),
        (lambda f: (f / "lstm_fwd.pth").unlink(), "0 files of weights; put a .pth"),
        (lambda f: (f / "b.pth").touch(), "2 files of weights"),
        (spoil_weights(b"junk"), "is damaged, or holds more than weights"),
        (spoil_weights(b""), "is damaged, or holds more than weights"),
        (spoil_weights(Evil()), "is damaged, or holds more than weights"),
        (spoil_weights([1]), "holds no state dict"),
        (spoil_weights({"model": 3}), "holds no state dict"),
        (spoil_weights({"model": {"encoder.weight": 3}}), "is no AWD-LSTM as fastai saves it"),
        (spoil_weights({}), "is no AWD-LSTM as fastai saves it"),
        (without("rnns.1.module.bias_ih"), "is no AWD-LSTM as fastai saves it"),
        (without("rnns.1."), "is no AWD-LSTM as fastai saves it"),
        (backwards_too, "lstm_fwd.pth: reads in both directions"),
    ],
)
def test_ulmfit_faults(tmp_path: Path, damage: Callable[[Path], object], said: str) -> None:
    save_fastai(tmp_path, "0.")
    damage(tmp_path)
    with pytest.raises(ModelError, match=re.escape(said)) as raised:
        text_encoder(f"ulmfit:{tmp_path}")
    assert "\n" not in str(raised.value) and str(tmp_path) in str(raised.value)


def test_ulmfit_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"no list of words; put a \.pth"):
        text_encoder(f"ulmfit:{tmp_path / 'none'}")
