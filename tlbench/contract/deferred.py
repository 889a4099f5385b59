"""Functions that are imported when they are called, so that a light module can name heavy ones."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any


@dataclass(frozen=True)
class Deferred:
    """A callable that imports its target with the first call. Two of the same target are equal."""

    module: str
    """The module's full name."""
    name: str
    """The function's or class's name in it."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.resolve()(*args, **kwargs)

    def resolve(self) -> Any:
        """Return the target. Raises `ImportError` or `AttributeError` where there is none."""
        return getattr(import_module(self.module), self.name)


def deferred(module: str, name: str) -> Deferred:
    """Return a callable that imports `name` from `module` when it is called.

    Example:
        adapt=deferred("tlbench_mine.strategy", "adapt")
    """
    return Deferred(module, name)
