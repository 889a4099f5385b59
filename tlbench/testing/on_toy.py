"""The toy's pairings that a strategy, an estimator or an analysis is checked on."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tlbench.contract.diagnostics import AnalysisSpec, EstimatorSpec
from tlbench.contract.specs import StrategySpec
from tlbench.errors import NotApplicable
from tlbench.planning.plan import Pairing
from tlbench.planning.teachers import teacher_option
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


STRATEGY_TASKS = ("toy/blobs", "toy/shapes", "toy/alone", "toy/rare", "toy/names")
"""Transductive, inductive and without a source, and every kind that the toy has."""
BACKBONES = ("toy/mlp-batchnorm", "words/window")
"""Tried first: where there is BatchNorm, a frozen encoder has statistics that could move."""


def pairings(spec: StrategySpec, bench: Bench) -> Iterator[Pairing]:
    """Yield the strategy's pairings with the toy's tasks, each with the first backbone that suits both.

    Raises `NotApplicableError` where there is none.
    """
    need(spec)
    options = {f"{spec.name}.{name}": value for name, value in bench.options.items()}
    found = False
    for task in map(bench.catalog.task, STRATEGY_TASKS):
        fitting = [b.name for b in bench.catalog.backbones.values() if b.modality == task.modality]
        fitting.sort(key=lambda name: name not in BACKBONES)
        made = (bench.pairing(task.name, name, spec.name, {**_teachers(spec, name), **options}) for name in fitting)
        if suitable := next((pairing for pairing in made if not pairing.skip), None):
            found = True
            yield suitable
    if not found:
        raise NotApplicableError(
            f"{label(spec)} is not applicable to any of the toy's tasks: {', '.join(STRATEGY_TASKS)}."
        )


def _teachers(spec: StrategySpec, backbone: str) -> dict[str, str]:
    """Return the backbone itself as the one that a strategy learns from."""
    option = teacher_option(spec)
    return {f"{spec.name}.{option}": backbone} if option else {}


def on_each(spec: StrategySpec, bench: Bench, check: Callable[[Pairing], object]) -> None:
    """Check each of the strategy's pairings; those that it says it cannot work on do not count.

    Raises `NotApplicableError` with the reasons if it works on none.
    """
    reasons, worked = dict[str, None](), False
    for pairing in pairings(spec, bench):
        try:
            check(pairing)
            worked = True
        except NotApplicable as error:
            reasons[str(error)] = None
    if not worked:
        raise NotApplicableError(f"{label(spec)} works on none of the toy's tasks: {' '.join(reasons)}")
