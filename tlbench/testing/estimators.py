"""Checks of an estimator, on the toy's tasks."""

from __future__ import annotations

import copy
import dataclasses

import numpy as np

from tlbench.contract.diagnostics import EstimateRequest, EstimatorSpec
from tlbench.engine.estimation import check_estimate, estimate_request
from tlbench.errors import ContractError
from tlbench.planning.plan import Pairing
from tlbench.testing.bench import Bench, Check
from tlbench.testing.effects import watched
from tlbench.testing.on_toy import asking
from tlbench.testing.specs import SPEC_CHECKS, label, needs_are_known


def process_state_is_unchanged(spec: EstimatorSpec, bench: Bench) -> None:
    """Estimating changes no seed, thread, directory or variable."""
    request = _request(next(asking(spec, bench)), bench)
    watched(f"{label(spec)}: estimate", lambda: spec.estimate(request))


def estimates_are_finite_and_reproducible(spec: EstimatorSpec, bench: Bench) -> None:
    """The same request gives the same finite number, on every task of the toy that suits."""
    for pairing in asking(spec, bench):
        first, second = (spec.estimate(_request(pairing, bench)) for _ in range(2))
        check_estimate(spec, first)
        if first != second:
            raise ContractError(
                f"{label(spec)} returns {first} and {second} for the same request on {pairing.task.name}: draw random "
                f"numbers from a generator with a fixed seed."
            )


def request_is_not_changed(spec: EstimatorSpec, bench: Bench) -> None:
    """What an estimator is given stays as it is."""
    for pairing in asking(spec, bench):
        request = _request(pairing, bench)
        before = copy.deepcopy(request)
        spec.estimate(request)
        for field in dataclasses.fields(request):
            if not _same(getattr(before, field.name), getattr(request, field.name)):
                raise ContractError(f"{label(spec)} changes request.{field.name}: copy what you change.")


def higher_is_expected_to_transfer_better(spec: EstimatorSpec, bench: Bench) -> str | None:
    """Targets that fit the features get a higher number than the same targets in another order.

    What is given source features may look at these alone: it must prefer a source that has the target's features to one
    that is far from them.
    """
    for pairing in asking(spec, bench):
        request = _request(pairing, bench)
        if request.source_features is None:
            found = _fault(spec, pairing, *_shuffled(request))
        else:
            found = _fault(spec, pairing, *_moved(request))
            better, worse, how = _shuffled(request)
            if not found and spec.estimate(better) != spec.estimate(worse):  # It looks at the targets too.
                found = _fault(spec, pairing, better, worse, how)
        if found:
            return found
    return None


def _fault(
    spec: EstimatorSpec, pairing: Pairing, better: EstimateRequest, worse: EstimateRequest, how: str
) -> str | None:
    right, wrong = spec.estimate(better), spec.estimate(worse)
    if right > wrong:
        return None
    return (
        f"{label(spec)} is {right:.4g} on {pairing.task.name} and {wrong:.4g} with {how}: a higher number must mean "
        f"that better transfer is expected."
    )


def _shuffled(request: EstimateRequest) -> tuple[EstimateRequest, EstimateRequest, str]:
    order = np.random.default_rng(0).permutation(len(request.targets))
    return request, dataclasses.replace(request, targets=request.targets[order]), "shuffled targets"


def _moved(request: EstimateRequest) -> tuple[EstimateRequest, EstimateRequest, str]:
    near, spread = request.features, float(request.features.std())
    far = 3 * near + np.float32(10 * spread + 1)  # Elsewhere, and wider.
    return (
        dataclasses.replace(request, source_features=near.copy()),
        dataclasses.replace(request, source_features=far),
        "source features far from those of the target",
    )


def runs_to_a_result(spec: EstimatorSpec, bench: Bench) -> None:
    """A run that asks for it ends as a row with its number."""
    for pairing in asking(spec, bench):
        row, (asked,) = bench.row(pairing), pairing.estimators
        if asked.label not in row.estimates:
            spec.estimate(_request(pairing, bench))  # It may say that it does not apply.
            raise ContractError(f"{label(spec)}: the row of {pairing.title} lacks its number.")


def _request(pairing: Pairing, bench: Bench) -> EstimateRequest:
    return estimate_request(pairing, *bench.source(pairing), pairing.estimators[0])


def _same(before: object, after: object) -> bool:
    if isinstance(before, np.ndarray) and isinstance(after, np.ndarray):
        return before.dtype == after.dtype and np.array_equal(before, after)
    return before == after


CHECKS: tuple[Check[EstimatorSpec], ...] = (
    *SPEC_CHECKS,
    needs_are_known,
    process_state_is_unchanged,
    estimates_are_finite_and_reproducible,
    request_is_not_changed,
    higher_is_expected_to_transfer_better,
    runs_to_a_result,
)
