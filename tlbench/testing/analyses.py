"""Checks of an analysis, on the toy's tasks."""

from __future__ import annotations

from typing import Any

import numpy as np

from tlbench.contract.diagnostics import AnalysisRequest, AnalysisSpec
from tlbench.engine.adaptation import adapt
from tlbench.engine.analysis import analysis_request, check_analysis
from tlbench.errors import ContractError
from tlbench.learning.model import state_hash
from tlbench.learning.ragged import Ragged
from tlbench.planning.plan import Pairing
from tlbench.testing.bench import Bench, Check, ignore
from tlbench.testing.effects import TORCH_SEED, watched
from tlbench.testing.on_toy import asking
from tlbench.testing.specs import SPEC_CHECKS, label, needs_are_known


def process_state_is_unchanged(spec: AnalysisSpec, bench: Bench) -> None:
    """Analysing changes no seed, thread, directory or variable; it may draw from torch, which the host seeds."""
    request = _request(next(asking(spec, bench)), bench)
    watched(f"{label(spec)}: analyse", lambda: spec.analyse(request), [TORCH_SEED])


def analyses_are_finite_and_reproducible(spec: AnalysisSpec, bench: Bench) -> None:
    """The same request gives the same finite numbers and the same picture, on every task of the toy that suits."""
    for pairing in asking(spec, bench):
        first, second = (spec.analyse(_request(pairing, bench)) for _ in range(2))
        check_analysis(spec, first)
        for part in ("numbers", "picture"):
            if getattr(first, part) != getattr(second, part):
                raise ContractError(
                    f"{label(spec)} returns different {part} for the same request on {pairing.task.name}: use "
                    f"request.generator, or torch's random numbers, which are seeded."
                )


def models_and_inputs_are_not_changed(spec: AnalysisSpec, bench: Bench) -> None:
    """Neither weights and buffers of the models nor the examples change; nothing is left on the models."""
    for pairing in asking(spec, bench):
        request = _request(pairing, bench)
        before = _state(request)
        spec.analyse(request)
        after = _state(request)
        if changed := [name for name in before if before[name] != after[name]]:
            raise ContractError(f"{label(spec)} changes {', '.join(changed)}: work on a copy, or restore it.")


def runs_to_a_result(spec: AnalysisSpec, bench: Bench) -> None:
    """A run that asks for it ends as a row with its numbers."""
    for pairing in asking(spec, bench):
        row, (asked,) = bench.row(pairing), pairing.analyses
        if asked.label not in row.analyses:
            spec.analyse(_request(pairing, bench))  # It may say that it does not apply.
            raise ContractError(f"{label(spec)}: the row of {pairing.title} lacks its numbers.")


def _request(pairing: Pairing, bench: Bench) -> AnalysisRequest:
    prepared, source = bench.source(pairing)
    return analysis_request(
        pairing, prepared, source, adapt(pairing, prepared, source, ignore).model, pairing.analyses[0]
    )


def _state(request: AnalysisRequest) -> dict[str, Any]:
    """Return what an analysis must leave as it is, by the names that it knows it by."""
    columns = [part for column in request.inputs.columns for part in _arrays(column)]
    state: dict[str, Any] = {
        "request.inputs": [part.tobytes() for part in columns],
        "request.targets": [request.targets.values.tobytes(), request.targets.counts.tobytes()],
    }
    for name, model in (("request.before", request.before), ("request.after", request.after)):
        modules = list(model.modules())
        state[f"weights of {name}"] = state_hash(model)
        state[f"hooks of {name}"] = sum(len(part._forward_hooks) + len(part._forward_pre_hooks) for part in modules)
        state[f"gradients of {name}"] = [part.grad is None for part in model.parameters()]
        state[f"training mode of {name}"] = [part.training for part in modules]
    return state


def _arrays(column: Any) -> list[np.ndarray[Any, Any]]:
    return [column.values, column.offsets] if isinstance(column, Ragged) else [np.asarray(column)]


CHECKS: tuple[Check[AnalysisSpec], ...] = (
    *SPEC_CHECKS,
    needs_are_known,
    process_state_is_unchanged,
    analyses_are_finite_and_reproducible,
    models_and_inputs_are_not_changed,
    runs_to_a_result,
)
