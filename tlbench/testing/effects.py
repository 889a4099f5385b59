"""What a plugin's functions must leave as they found it: seeds, threads, numerics, and the process around them."""

from __future__ import annotations

import os
import random
import sys
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import torch

from tlbench.errors import ContractError

T = TypeVar("T")


@dataclass(frozen=True)
class _Part:
    """One part of the process's state; `write` puts back what `read` gave."""

    name: str
    read: Callable[[], Any]
    write: Callable[[Any], object]


def _set_environment(values: dict[str, str]) -> None:
    os.environ.clear()
    os.environ.update(values)


def _set_path(values: list[str]) -> None:
    sys.path[:] = values


def _set_filters(values: list[Any]) -> None:
    warnings.filters[:] = values  # type: ignore[index]


def _numpy_state() -> Any:
    name, keys, *rest = np.random.get_state(legacy=True)  # noqa: NPY002 - the global state is what is watched
    return name, np.asarray(keys).tobytes(), *rest


def _set_numpy_state(values: Any) -> None:
    name, keys, *rest = values
    np.random.set_state((name, np.frombuffer(keys, np.uint32), *rest))  # noqa: NPY002


def _set_torch_state(values: bytes) -> None:
    torch.set_rng_state(torch.tensor(list(values), dtype=torch.uint8))


def _files() -> list[str]:
    """Return what lies in the working directory; what is hidden is of tools, such as pytest, that run beside."""
    return sorted(name for name in os.listdir() if not name.startswith("."))


def _remove_new(values: list[str]) -> None:
    """What somebody wrote stays: it is theirs to remove."""


TORCH_SEED = "torch's random state"
_FLAGS = ("benchmark", "deterministic", "allow_tf32")


def _flags() -> tuple[bool, ...]:
    return torch.are_deterministic_algorithms_enabled(), *(getattr(torch.backends.cudnn, name) for name in _FLAGS)


def _set_flags(values: tuple[bool, ...]) -> None:
    torch.use_deterministic_algorithms(values[0])
    for name, value in zip(_FLAGS, values[1:], strict=True):
        setattr(torch.backends.cudnn, name, value)


_PARTS = (
    _Part("Python's random state", random.getstate, random.setstate),
    _Part("NumPy's random state", _numpy_state, _set_numpy_state),
    _Part(TORCH_SEED, lambda: torch.get_rng_state().numpy().tobytes(), _set_torch_state),
    _Part("torch's threads", torch.get_num_threads, torch.set_num_threads),
    _Part("torch's default dtype", torch.get_default_dtype, torch.set_default_dtype),
    _Part("torch's grad mode", torch.is_grad_enabled, torch.set_grad_enabled),
    _Part("torch's deterministic mode", _flags, _set_flags),
    _Part("the working directory", os.getcwd, os.chdir),
    _Part("the environment", lambda: dict(os.environ), _set_environment),
    _Part("sys.path", lambda: list(sys.path), _set_path),
    _Part("the filters of warnings", lambda: list(warnings.filters), _set_filters),
    _Part("the files in the working directory", _files, _remove_new),
)
BY_IMPORTS = ("the environment", "sys.path", "the filters of warnings", "Python's random state")
"""Parts that libraries change when they are imported, which the first call of a function may do."""


def watched(what: str, call: Callable[[], T], apart: Iterable[str] = ()) -> T:
    """Return the result of a call. Raises `ContractError` where it changed the process.

    What was changed is put back, so that the next check meets the process as it should be. Where it may have been an
    import that changed something, a second call shows.
    """
    result, changed = _once(call)
    if set(changed) & set(BY_IMPORTS):
        result, changed = _once(call)
    if wrong := [name for name in changed if name not in apart]:
        raise ContractError(f"{what} changes {', '.join(wrong)}: do not change the process, or restore it.")
    return result


def _once(call: Callable[[], T]) -> tuple[T, list[str]]:
    """Call, put back what changed, and return the result with the names of what changed."""
    before = [(part, part.read()) for part in _PARTS]
    try:
        result = call()
        return result, [part.name for part, was in before if part.read() != was]
    finally:
        for part, was in reversed(before):
            part.write(was)
