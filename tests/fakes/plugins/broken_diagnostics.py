"""Estimators and analyses that each break one rule."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

from tlbench import Analysis, AnalysisRequest, AnalysisSpec, EstimateRequest, EstimatorSpec, hookimpl

_calls = itertools.count()


def spread(request: EstimateRequest) -> float:
    from tlbench.testing.toy.diagnostics import class_share

    return class_share(request)


def counts_calls(request: object) -> float:
    return float(next(_calls))


def sorts_in_place(request: EstimateRequest) -> float:
    request.targets.sort()
    return 0.5


def far(request: EstimateRequest) -> float:
    assert request.source_features is not None
    return float(abs(request.source_features.mean() - request.features.mean()))


def seeds_numpy(request: EstimateRequest) -> float:
    import numpy as np

    np.random.seed(3)  # noqa: NPY002
    return spread(request)


def moves_weights(request: AnalysisRequest) -> Analysis:
    next(request.after.parameters()).data.add_(1)
    return Analysis(numbers={"zero": 0.0})


def leaves_hooks(request: AnalysisRequest) -> Analysis:
    request.before.encoder.register_forward_hook(lambda *parts: None)
    return Analysis(numbers={"zero": 0.0})


def trains(request: AnalysisRequest) -> Analysis:
    request.after.train()
    return Analysis(numbers={"zero": 0.0})


def _estimator(name: str, estimate: Callable[[EstimateRequest], Any], **more: Any) -> EstimatorSpec:
    fields = {"paper": "unpublished", **more}
    return EstimatorSpec(name=name, title=name, summary="Broken.", estimate=estimate, **fields)


def _analysis(name: str, analyse: Callable[[AnalysisRequest], Any]) -> AnalysisSpec:
    return AnalysisSpec(name=name, title=name, summary="Broken.", paper="unpublished", analyse=analyse)


@hookimpl
def tlbench_estimators() -> list[EstimatorSpec]:
    return [
        _estimator("upside-down", lambda request: -spread(request)),
        _estimator("counts-calls", counts_calls),
        _estimator("sorts-in-place", sorts_in_place),
        _estimator("sets-seed", seeds_numpy),
        _estimator("gives-text", lambda request: "0.5"),
        _estimator("unnamed", spread, paper=""),
        _estimator("nowhere", spread, needs=("wings",)),
        _estimator("likes-distance", far, needs=("source-features",)),
    ]


@hookimpl
def tlbench_analyses() -> list[AnalysisSpec]:
    return [
        _analysis("moves-weights", moves_weights),
        _analysis("leaves-hooks", leaves_hooks),
        _analysis("trains", trains),
        _analysis("draws-freely", lambda request: Analysis(numbers={"call": counts_calls(request)})),
        _analysis("gives-dict", lambda request: {"numbers": {}}),
        _analysis("says-nothing", lambda request: Analysis(numbers={})),
        _analysis("nan", lambda request: Analysis(numbers={"size": float("nan")})),
    ]
