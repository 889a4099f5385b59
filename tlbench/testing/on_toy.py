"""The toy's pairings that ask for an estimator or an analysis, for their checks."""

from __future__ import annotations

from collections.abc import Iterator

from tlbench.contract.diagnostics import AnalysisSpec, EstimatorSpec
from tlbench.planning.plan import Pairing
from tlbench.testing.bench import STRATEGY, Bench, NotApplicableError, need
from tlbench.testing.specs import label

TASKS = ("toy/blobs", "toy/shapes", "toy/rare", "toy/names")
"""Transductive and inductive, examples and words."""


def asking(spec: EstimatorSpec | AnalysisSpec, bench: Bench) -> Iterator[Pairing]:
    """Yield the pairings of the toy's tasks that the spec suits, each asking for it alone.

    Raises `NotApplicableError` if there is none.
    """
    need(spec)
    options = {f"{spec.name}.{name}": value for name, value in bench.options.items()}
    estimators, analyses = ([spec.name], []) if isinstance(spec, EstimatorSpec) else ([], [spec.name])
    found = False
    for task in map(bench.catalog.task, TASKS):
        pairing = bench.pairing(task.name, task.backbone, STRATEGY, options, estimators, analyses)
        if not pairing.left_out:
            found = True
            yield pairing
    if not found:
        raise NotApplicableError(f"{label(spec)} is not applicable to any of the toy's tasks: {', '.join(TASKS)}.")
