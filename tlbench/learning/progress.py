"""Who hears of training steps: displays and trackers.

A strategy's request must lead to nothing but its data, so it holds no listener: the host sets one around the call.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

OnStep = Callable[[int, float], None]
"""Takes the number of steps that are done, and the loss."""


def _ignore(step: int, loss: float) -> None:
    pass


_LISTENER: ContextVar[OnStep] = ContextVar("on_step", default=_ignore)


@contextmanager
def listening(on_step: OnStep) -> Iterator[None]:
    """Call `on_step` for each step that is reported within the block."""
    token = _LISTENER.set(on_step)
    try:
        yield
    finally:
        _LISTENER.reset(token)


def report_step(step: int, loss: float) -> None:
    """Tell the listener of a step."""
    _LISTENER.get()(step, loss)


class LossCurve:
    """Keeps the losses of training, and passes each step on."""

    def __init__(self, on_step: OnStep) -> None:
        self.on_step = on_step
        self.losses: list[float] = []

    def __call__(self, step: int, loss: float) -> None:
        self.losses.append(loss)
        self.on_step(step, loss)

    def means(self, parts: int = 20) -> tuple[float, ...]:
        """Return the mean losses of equal parts of the steps, or all losses if there are no more than `parts`."""
        bounds = [len(self.losses) * part // parts for part in range(parts + 1)]
        spans = [self.losses[start:stop] for start, stop in itertools.pairwise(bounds)]
        return tuple(sum(span) / len(span) for span in spans if span)
