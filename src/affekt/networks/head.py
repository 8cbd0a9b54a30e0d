"""What every network ends in (paper, sections 4.3 and 5.3; readings 5): LSTM → dropout → linear → tanh."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

State = tuple[Tensor, Tensor]

LOG_SPREAD = (-6.0, 1.0)
"""Bounds of the spread's logarithm: a loss that divides by it must not run away, and no error is above 2."""


@dataclass(frozen=True)
class HeadConfig:
    """Sizes of the head; the defaults are the paper's."""

    hidden: int = 256
    layers: int = 1
    dropout: float = 0.5
    tanh: bool = True
    spread: bool = False
    """Also say how far off it expects to be; not in the paper."""


class Head(nn.Module):
    """Frames → arousal and valence, carrying its LSTM's state so that cuts leave no trace."""

    def __init__(self, size: int, config: HeadConfig | None = None) -> None:
        super().__init__()
        self.config = c = config or HeadConfig()
        self.lstm = nn.LSTM(size, c.hidden, c.layers, batch_first=True)
        # nn.LSTM's own dropout does nothing with one layer.
        self.dropout = nn.Dropout(c.dropout)
        self.out = nn.Linear(c.hidden, 2)
        if c.spread:
            self.log_spread = nn.Linear(c.hidden, 2)
        for name, parameter in self.lstm.named_parameters():
            if name.startswith("weight"):
                nn.init.xavier_uniform_(parameter)
            else:
                nn.init.zeros_(parameter)
                if name.startswith("bias_ih"):
                    # PyTorch adds two biases: the forget gate's 1 goes into one of them.
                    nn.init.ones_(parameter.data[c.hidden : 2 * c.hidden])

    def initial(self, batch: int) -> State:
        """The state before the first frame: two zeros (layers, B, hidden)."""
        shape = self.config.layers, batch, self.config.hidden
        zero = self.out.weight.new_zeros(shape)
        return zero, zero.clone()

    def forward(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """x (B, T, D), state → (B, T, 2) arousal and valence in [−1, 1], state after the last frame."""
        y, _, state = self.judge(x, state)
        return y, state

    def judge(self, x: Tensor, state: State) -> tuple[Tensor, Tensor | None, State]:
        """As `forward`, with the spread (B, T, 2) between the two; None for a head without one.

        The spread is the absolute error to be expected of each frame's y, above 0. It is read off the hidden
        states as they are, without dropout, and learning it changes nothing but its own linear: the trace of
        a head with a spread is that of a head without.
        """
        h, state = self.lstm(x, state)
        y = self.out(self.dropout(h))
        spread = self.log_spread(h.detach()).clamp(*LOG_SPREAD).exp() if self.config.spread else None
        return torch.tanh(y) if self.config.tanh else y, spread, state
