"""Strategies that run to a row and yet break what a strategy must keep; each in a way of its own."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tlbench import Access, Option, StrategySpec, hookimpl

if TYPE_CHECKING:
    from tlbench.learning import AdaptRequest


def _looks_past(request: AdaptRequest) -> Any:
    """Finds the test labels where nobody handed them over: in the variables of a caller, past the request."""
    frame: Any = sys._getframe()
    while "prepared" not in frame.f_locals:
        frame = frame.f_back
    labels = frame.f_locals["prepared"].split("target-test").targets.values
    request.model.heads["target"].bias.data[int(labels[0])] += 1
    return request.model


def _restless(request: AdaptRequest) -> Any:
    import numpy as np

    request.model.heads["target"].bias.data += float(np.random.default_rng().normal())
    return request.model


def _stops_gradients(request: AdaptRequest) -> Any:
    import torch

    torch.set_grad_enabled(False)
    return request.model


def _reads_nothing(request: AdaptRequest) -> Any:
    return request.model


def _needs_many(request: AdaptRequest) -> Any:
    import numpy as np

    if np.bincount(request.target.train.targets.values).min() < 2:
        raise ValueError("a fold lacks a class")
    return request.model


def _spec(name: str, adapt: Callable[[AdaptRequest], Any], *access: Access, **more: Any) -> StrategySpec:
    fields = {"trains_encoder": True, "paper": "unpublished", **more}
    return StrategySpec(name=name, title=name, summary="Broken.", access=frozenset(access), adapt=adapt, **fields)


@hookimpl
def tlbench_strategies() -> list[StrategySpec]:
    steps = (Option(name="steps", default=5, summary="steps"),)
    return [
        _spec("looks-past", _looks_past),
        _spec("restless", _restless),
        _spec("stops-gradients", _stops_gradients),
        _spec("greedy-eyes", _reads_nothing, Access.SOURCE),
        _spec("needs-many", _needs_many, Access.TARGET_LABELS),
        _spec("silent", _reads_nothing, options=steps),
        _spec("no-paper", _reads_nothing, paper=""),
        _spec("no-setting", _reads_nothing, settings=("inductiv",)),
        _spec("suits-nothing", _reads_nothing, needs=("wings",)),
    ]
