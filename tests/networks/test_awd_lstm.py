"""AWD-LSTM: its size by hand, its layers as a plain loop, and words that do not hang on the padding."""

from __future__ import annotations

import torch
from torch import nn

from affekt.networks.alternatives.awd_lstm import AwdLstm

PIECES = torch.tensor([[1, 4, 2, 5, 3, 0], [1, 3, 6, 0, 0, 0]])
PIECE_WORD = torch.tensor([[-1, 0, 1, 1, 2, -1], [-1, 0, 1, -1, -1, -1]])
MASK = torch.tensor([[True, True, True], [True, True, False]])
PIECE_MASK = torch.tensor([[True] * 5 + [False], [True] * 3 + [False] * 3])


def small() -> AwdLstm:
    torch.manual_seed(0)
    return AwdLstm(7, width=4, hidden=6, layers=3).eval()


def test_parameters_by_hand() -> None:
    # A layer has four gates over what comes in and what comes back, and two biases.
    layers = 4 * 1152 * (400 + 1152 + 2) + 4 * 1152 * (1152 + 1152 + 2) + 4 * 400 * (1152 + 400 + 2)
    assert layers == 20_273_280
    with torch.device("meta"):
        whole = AwdLstm(60_000)
    assert sum(one.numel() for one in whole.parameters()) == layers + 60_000 * 400


def test_it_is_three_lstms_in_a_row() -> None:
    made = small()
    expected = made.table.weight[PIECES]
    for k, (before, after) in enumerate([(4, 6), (6, 6), (6, 4)]):
        cell = nn.LSTMCell(before, after)
        cell.load_state_dict({n.removesuffix("_l0"): v for n, v in made.layers[k].state_dict().items()})
        h, c = torch.zeros(2, after), torch.zeros(2, after)
        steps = []
        for s in range(6):
            h, c = cell(expected[:, s], (h, c))
            steps.append(h)
        expected = torch.stack(steps, 1)
    words = made(PIECES, PIECE_WORD, PIECE_MASK, MASK)
    assert words.shape == (2, 3, made.width)
    torch.testing.assert_close(words[0, 0], expected[0, 1])
    torch.testing.assert_close(words[0, 1], (expected[0, 2] + expected[0, 3]) / 2)
    torch.testing.assert_close(words[1, 1], expected[1, 2])
    assert torch.all(words[1, 2] == 0)


def test_padding_changes_nothing_and_order_does() -> None:
    made = small()
    short = made(PIECES[1:, :3], PIECE_WORD[1:, :3], PIECE_MASK[1:, :3], MASK[1:, :2])
    torch.testing.assert_close(made(PIECES, PIECE_WORD, PIECE_MASK, MASK)[1:, :2], short)
    other = made(PIECES[1:, [2, 1, 0]], PIECE_WORD[1:, :3], PIECE_MASK[1:, :3], MASK[1:, :2])
    assert not torch.allclose(other, short)


def test_nothing_at_all() -> None:
    none = torch.zeros(0, 1, dtype=torch.int64)
    assert small()(none, none - 1, none > 0, none > 0).shape == (0, 1, 4)
