"""Strategies that break what their specs, or good manners, promise; each in a way of its own."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from tlbench import Access, StrategySpec, hookimpl, training_options

if TYPE_CHECKING:
    from tlbench.learning import AdaptRequest


def _moves_statistics(request: AdaptRequest) -> Any:
    """One pass in training mode: every parameter stays, BatchNorm's statistics move."""
    model = request.model.train()
    inputs, *_ = next(request.batches(request.target.train))
    model(*inputs)
    return model


def _peeks(request: AdaptRequest) -> Any:
    return request.target.train and request.model


def _returns_rubbish(request: AdaptRequest) -> Any:
    return {"model": request.model}


def _loses_a_head(request: AdaptRequest) -> Any:
    del request.model.heads["source"]
    return request.model


def _changes_shapes(request: AdaptRequest) -> Any:
    from torch import nn

    request.model.heads["target"] = nn.Linear(request.model.encoder.feature_dim, 7)
    return request.model


def _raises(request: AdaptRequest) -> Any:
    raise ArithmeticError("no fixed point")


class Panic(BaseException):
    """As libraries written in Rust raise it."""


class MuteError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no message")


def _exits(request: AdaptRequest) -> Any:
    sys.exit(0)


def _panics(request: AdaptRequest) -> Any:
    raise Panic("index out of bounds")


def _mute(request: AdaptRequest) -> Any:
    raise MuteError


def _walks_away(request: AdaptRequest) -> Any:
    os.chdir("elsewhere")
    return request.model


def _diverges(request: AdaptRequest) -> Any:
    batches = request.batches(request.target.train)

    def loss(progress: float) -> Any:
        inputs, targets, _ = next(batches)
        return request.target.kind.loss(request.model(*inputs), targets) * float("nan")

    request.train([request.model], loss)
    return request.model


def _spoils_weights(request: AdaptRequest) -> Any:
    """NaN that no training loop sees."""
    request.model.heads["target"].weight.data.fill_(float("nan"))
    return request.model


def _spec(name: str, adapt: Callable[[AdaptRequest], Any], access: Iterable[Access] = (), **more: Any) -> StrategySpec:
    return StrategySpec(
        name=name,
        title=name,
        summary=adapt.__doc__ or "",
        access=frozenset(access),
        adapt=adapt,
        options=training_options(steps=5, learning_rate=1e-3),
        **{"trains_encoder": True, **more},
    )


@hookimpl
def tlbench_strategies() -> list[StrategySpec]:
    labels = (Access.TARGET_LABELS,)
    return [
        _spec("moves-statistics", _moves_statistics, labels, trains_encoder=False),
        _spec("peeks", _peeks, {Access.TARGET_INPUTS}),
        _spec("returns-rubbish", _returns_rubbish),
        _spec("loses-a-head", _loses_a_head),
        _spec("changes-shapes", _changes_shapes),
        _spec("raises", _raises),
        _spec("exits", _exits),
        _spec("panics", _panics),
        _spec("mute", _mute),
        _spec("walks-away", _walks_away),
        _spec("diverges", _diverges, labels),
        _spec("spoils-weights", _spoils_weights),
    ]
