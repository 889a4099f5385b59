"""Who hears of training steps: displays and trackers.

A strategy's request must lead to nothing but its data, so it holds no listener: the host sets one around the call.
"""

from __future__ import annotations

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
