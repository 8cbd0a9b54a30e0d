"""A running average of the weights a network passes through, steadier than where it stops."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class Average:
    """A running average of a model's floating-point state; without one (decay 0), the state as it is."""

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.model, self.decay, self.steps = model, decay, 0
        self.state = {k: v.clone() for k, v in self._learning().items()} if decay else {}

    def _learning(self) -> dict[str, Tensor]:
        state = self.model.state_dict()
        constant = {k for k, p in self.model.named_parameters() if not p.requires_grad}
        return {k: v for k, v in state.items() if v.is_floating_point() and k not in constant}

    def load(self, state: dict[str, Tensor], steps: int) -> None:
        """Go on from a checkpoint's average."""
        self.state, self.steps = state, steps

    @torch.no_grad()
    def update(self) -> None:
        """Take in the weights after a step; the first ones are soon forgotten."""
        self.steps += 1
        learning = self._learning()
        share = 1 - min(self.decay, self.steps / (self.steps + 9))
        for name, mean in self.state.items():
            mean.lerp_(learning[name], share)

    @torch.no_grad()
    def keep(self) -> None:
        """Put the average in the place of the model's weights."""
        for name, value in self._learning().items():
            if name in self.state:
                value.copy_(self.state[name])

    @contextmanager
    def shown(self) -> Iterator[None]:
        """The model with the averaged weights, for as long as it is looked at."""
        own = {k: v.clone() for k, v in self._learning().items()}
        self.keep()
        yield
        with torch.no_grad():
            for name, value in self._learning().items():
                value.copy_(own[name])
