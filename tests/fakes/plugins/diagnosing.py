"""An estimator and an analysis, and some that fail."""

from __future__ import annotations

import io
from typing import Any

from tlbench import Analysis, AnalysisRequest, AnalysisSpec, EstimateRequest, EstimatorSpec, Option, hookimpl


def separation(request: EstimateRequest) -> float:
    """Return how much of the features' variance is between the classes, to a power."""
    import numpy as np

    features, labels = request.features, request.targets
    means = np.stack([features[labels == label].mean(0) for label in labels])
    return float((means.var(0).sum() / features.var(0).sum()) ** request.options["power"])


def likeness(request: AnalysisRequest) -> Analysis:
    """Return how alike the examples' similarities are before and after, and a picture if the option asks for it."""
    import numpy as np

    from tlbench.learning import encode

    before, after = (encode(model, request.inputs).astype(np.float64) for model in (request.before, request.after))
    drawn = _drawn(before, after) if request.options["picture"] else None
    first, second = before @ before.T, after @ after.T
    alike = np.vdot(first, second) / (np.linalg.norm(first) * np.linalg.norm(second))
    return Analysis(numbers={"features": float(alike)}, picture=drawn)


def _drawn(before: Any, after: Any) -> bytes:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(2, 2))
    figure.subplots().scatter(before[:, 0], after[:, 0], s=1)
    stream = io.BytesIO()
    figure.savefig(stream, format="png")
    return stream.getvalue()


def falls(request: object) -> Any:
    raise ArithmeticError("no such number")


def _estimator(name: str, estimate: Any, **more: Any) -> EstimatorSpec:
    return EstimatorSpec(name=name, title=name, summary="For tests.", paper="unpublished", estimate=estimate, **more)


def _analysis(name: str, analyse: Any, **more: Any) -> AnalysisSpec:
    return AnalysisSpec(name=name, title=name, summary="For tests.", paper="unpublished", analyse=analyse, **more)


@hookimpl
def tlbench_estimators() -> list[EstimatorSpec]:
    power = Option(name="power", default=1.0, summary="power of the share of variance")
    return [
        _estimator("separation", separation, options=(power,)),
        _estimator("falls", falls),
        _estimator("not-a-number", lambda request: float("nan")),
        _estimator("needs-wings", separation, needs=("wings",)),
        _estimator("needs-absent", separation, requires=("a_module_that_is_nowhere",)),
    ]


@hookimpl
def tlbench_analyses() -> list[AnalysisSpec]:
    picture = Option(name="picture", default=True, summary="draw a picture")
    return [
        _analysis("likeness", likeness, options=(picture,)),
        _analysis("falls-later", falls),
        _analysis("infinite", lambda request: Analysis(numbers={"size": float("inf")})),
        _analysis("no-picture", lambda request: Analysis(numbers={}, picture=b"GIF89a")),
    ]
