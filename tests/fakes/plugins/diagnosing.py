"""Published estimators and analyses, and some that fail."""

from __future__ import annotations

import io
from typing import Any

from tlbench import Analysis, AnalysisRequest, AnalysisSpec, EstimateRequest, EstimatorSpec, Option, hookimpl


def log_evidence(features: Any, targets: Any, rounds: int = 50) -> float:
    """Return the largest log evidence of a Bayesian linear model of targets `(M,)`, for each of M units."""
    import numpy as np

    size = len(features)
    left, singular, _ = np.linalg.svd(features.astype(np.float64), full_matrices=False)
    seen, squares = left.T @ targets, singular**2
    outside = float(targets @ targets - seen @ seen)
    alpha = beta = 1.0
    for _ in range(rounds):
        shares = beta * squares / (alpha + beta * squares)
        mean = beta * singular * seen / (alpha + beta * squares)
        error = float(np.square(seen - singular * mean).sum()) + max(outside, 0.0)
        effective = float(shares.sum())
        alpha = effective / max(float(mean @ mean), 1e-12)
        beta = max(size - effective, 1e-12) / max(error, 1e-12)
    mean = beta * singular * seen / (alpha + beta * squares)
    error = float(np.square(seen - singular * mean).sum()) + max(outside, 0.0)
    volume = np.log(alpha + beta * squares).sum() - len(squares) * np.log(alpha)
    total = size * np.log(beta / (2 * np.pi)) - volume - beta * error - alpha * float(mean @ mean)
    return float(total) / (2 * size)


def logme(request: EstimateRequest) -> float:
    """Return the mean log evidence over the classes."""
    import numpy as np

    members = np.eye(request.classes)[request.targets]
    present = members[:, members.any(0)]
    return float(np.mean([log_evidence(request.features, column, request.options["rounds"]) for column in present.T]))


def linear_cka(first: Any, second: Any) -> float:
    """Return the linear CKA of features `(M, D)` and `(M, E)`."""
    import numpy as np

    first, second = first - first.mean(0), second - second.mean(0)
    sizes = np.linalg.norm(first.T @ first) * np.linalg.norm(second.T @ second)
    return float(np.square(np.linalg.norm(first.T @ second)) / sizes)


def cka(request: AnalysisRequest) -> Analysis:
    """Return the CKA of the features before and after, and a picture if the option asks for it."""
    import numpy as np

    from tlbench.learning import encode

    before, after = (encode(model, request.inputs).astype(np.float64) for model in (request.before, request.after))
    drawn = _drawn(before, after) if request.options["picture"] else None
    return Analysis(numbers={"features": linear_cka(before, after)}, picture=drawn)


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
    rounds = Option(name="rounds", default=50, summary="rounds of the fixed-point iteration")
    return [
        _estimator("logme", logme, options=(rounds,)),
        _estimator("falls", falls),
        _estimator("not-a-number", lambda request: float("nan")),
        _estimator("needs-wings", logme, needs=("wings",)),
        _estimator("needs-absent", logme, requires=("a_module_that_is_nowhere",)),
    ]


@hookimpl
def tlbench_analyses() -> list[AnalysisSpec]:
    picture = Option(name="picture", default=True, summary="draw a picture")
    return [
        _analysis("cka", cka, options=(picture,)),
        _analysis("falls-later", falls),
        _analysis("infinite", lambda request: Analysis(numbers={"size": float("inf")})),
        _analysis("no-picture", lambda request: Analysis(numbers={}, picture=b"GIF89a")),
    ]
