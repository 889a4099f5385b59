"""The transformations that a task names, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from tlbench.contract.requests import AugmentRequest
from tlbench.errors import UnknownNameError

F = TypeVar("F", bound=Callable[..., object])


def named(request: AugmentRequest, transformations: Mapping[str, F]) -> list[F]:
    """Return the functions of the names in a request, in their order. Raises `UnknownNameError`."""
    for name in request.names:
        if name not in transformations:
            raise UnknownNameError("transformation", name, list(transformations))
    return [transformations[name] for name in request.names]
