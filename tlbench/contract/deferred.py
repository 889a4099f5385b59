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
    name: str = ""
    """The function's or class's name in it; empty for the module itself."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        target = self.resolve()
        return target(*args, **kwargs) if self.name else target

    def resolve(self) -> Any:
        """Return the target. Raises `ImportError` or `AttributeError` if it does not exist."""
        module = import_module(self.module)
        return getattr(module, self.name) if self.name else module


def deferred(module: str, name: str = "") -> Deferred:
    """Return a callable that imports `name` from `module` when it is called, and then calls it.

    Without a name, the callable returns the module itself, as `preprocess` of a backbone must.

    Example:
        StrategySpec(name="mine", ..., adapt=deferred("tlbench_mine.strategy", "adapt"))
        BackboneSpec(name="image/mine", ..., preprocess=deferred("tlbench_mine.preprocess"))
    """
    return Deferred(module, name)
