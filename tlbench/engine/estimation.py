"""What the stage estimate computes: the label budget as the source model sees it, and what an estimator says of it."""

from __future__ import annotations

import math
from numbers import Real

import numpy as np

from tlbench.contract.diagnostics import SOURCE_FEATURES, EstimateRequest, EstimatorSpec
from tlbench.contract.task_data import Access
from tlbench.engine.given import labelled_positions
from tlbench.engine.prepared import Prepared
from tlbench.errors import ContractError, NotApplicable
from tlbench.learning.model import TransferModel, apply_head
from tlbench.learning.probe import encode_some, some_units
from tlbench.planning.plan import Pairing
from tlbench.planning.plan_parts import Asked
from tlbench.results.parts import EstimatePart


def estimate(pairing: Pairing, prepared: Prepared, source: TransferModel) -> EstimatePart:
    """Return what the one estimator of the pairing says. Raises `ContractError` if that is no finite number."""
    (asked,) = pairing.estimators
    value = asked.spec.estimate(estimate_request(pairing, prepared, source, asked))
    check_estimate(asked.spec, value)
    return EstimatePart(estimates={asked.label: float(value)})


def estimate_request(
    pairing: Pairing, prepared: Prepared, source: TransferModel, asked: Asked[EstimatorSpec]
) -> EstimateRequest:
    """Return what an estimator is given; nothing of it depends on a strategy."""
    # The same labels that every strategy of this seed and budget sees.
    examples = prepared.split("target-train")
    seen = examples.select(labelled_positions(pairing, examples, Access.TARGET_LABELS))
    targets = seen.targets.values[some_units(len(seen.targets.values))]
    compares_domains = SOURCE_FEATURES in asked.spec.needs  # It can do with one class.
    if not compares_domains and "class-probabilities" in pairing.task.kind.traits and len(np.unique(targets)) < 2:
        raise NotApplicable("What is looked at of the label budget has one class alone: use a larger --label-budget.")
    features = encode_some(source, seen)
    return EstimateRequest(
        features=features,
        targets=targets,
        classes=len(prepared.target_labels),
        source_features=encode_some(source, prepared.split("source-train")) if compares_domains else None,
        source_outputs=apply_head(source.heads["source"], features) if "source" in source.heads else None,
        source_labels=tuple(prepared.source_labels or ()),
        target_labels=tuple(prepared.target_labels),
        options=dict(asked.options),
    )


def check_estimate(spec: EstimatorSpec, value: object) -> None:
    """Raise `ContractError` for a value that is no finite number."""
    # numpy's bool and an array of one value would pass as numbers, and be mistakes.
    if not isinstance(value, Real) or isinstance(value, bool):
        raise ContractError(f'Estimator "{spec.name}" returned a {type(value).__name__}: return one number.')
    if not math.isfinite(value):
        raise ContractError(
            f'Estimator "{spec.name}" returned {float(value)}: return a finite number, or raise why not.'
        )
