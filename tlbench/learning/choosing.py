"""Choosing among candidates of a training by a rule that the user names: the host's part, which no strategy sees.

A chooser leads to the data of its rule and to its scores, so a strategy's request does not hold it: the host sets one
around the call, as it does with listeners.
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from torch import nn

from tlbench.learning.model import TransferModel

CANDIDATES = 10
"""Models of a training that are compared, at equal distances, the last one among them."""


class Chooser:
    """Keeps the candidate with the highest score, and puts it into the model behind the last step."""

    def __init__(self, model: TransferModel, score: Callable[[TransferModel, str], float]) -> None:
        self.model, self.score = model, score
        """Takes the model and the head that is trained."""
        self.scores: list[float] = []
        self._best: dict[str, Any] = {}

    def watches(self, modules: Iterable[nn.Module]) -> bool:
        """Return whether these modules are parts of the model that is chosen."""
        own = set(self.model.modules())
        return any(module in own for module in modules)

    def candidate(self, modules: Iterable[nn.Module]) -> None:
        """Compare the model as it is with the best so far; its parts stay in the mode that they are in."""
        trained = {part for module in modules for part in module.modules()}
        head = "target" if self.model.heads["target"] in trained or "source" not in self.model.heads else "source"
        modes = {part: part.training for part in self.model.modules()}
        score = self.score(self.model.eval(), head)
        for part, training in modes.items():
            part.training = training
        if not self.scores or score > max(self.scores):
            self._best = copy.deepcopy(self.model.state_dict())
        self.scores.append(score)

    def behind(
        self, after_step: Callable[[float], None], modules: list[nn.Module], steps: int
    ) -> Callable[[float], None]:
        """Return what a loop calls behind each step: `after_step`, and `CANDIDATES` times in all the comparison."""
        done, number = itertools.count(1), min(CANDIDATES, steps)

        def compare(progress: float) -> None:
            after_step(progress)
            step = next(done)
            if step * number // steps > (step - 1) * number // steps:
                self.candidate(modules)

        return compare

    def put_best(self) -> None:
        """Put the weights of the best candidate into the model."""
        self.model.load_state_dict(self._best)


_CHOOSER: ContextVar[Chooser | None] = ContextVar("chooser", default=None)


@contextmanager
def choosing_by(chooser: Chooser | None) -> Iterator[None]:
    """Let this chooser choose among the models of each training of the block; None: the last one is kept."""
    token = _CHOOSER.set(chooser)
    try:
        yield
    finally:
        _CHOOSER.reset(token)


def chooser_of(modules: Iterable[nn.Module]) -> Chooser | None:
    """Return what chooses among the models that these modules are parts of, if anything does."""
    chooser = _CHOOSER.get()
    return chooser if chooser and chooser.watches(modules) else None
