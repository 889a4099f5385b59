"""LEEP and NCE: what the source model's own labels say of the target's."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tlbench import EstimateRequest, NotApplicable


def leep(request: EstimateRequest) -> float:
    """Return the mean log-likelihood of the target labels y under P(y | z) P(z | x), z a label of the source."""
    return log_likelihood(_probabilities(request), request.targets, request.classes)


def nce(request: EstimateRequest) -> float:
    """Return -H(Y | Z): the same, if z is the source model's decision and not a probability."""
    source = _probabilities(request)
    return log_likelihood(np.eye(source.shape[1])[source.argmax(1)], request.targets, request.classes)


def log_likelihood(source: NDArray[np.float64], targets: NDArray[np.int64], classes: int) -> float:
    """Return mean log sum_z P(y | z) P(z | x) for probabilities `(M, Z)` of source labels and targets `(M,)`."""
    joint = np.eye(classes)[targets].T @ source
    given = joint / np.maximum(joint.sum(0), np.finfo(float).tiny)
    return float(np.log((source * given[targets]).sum(1)).mean())


def _probabilities(request: EstimateRequest) -> NDArray[np.float64]:
    """Return the softmax of the source head's outputs, `(M, Z)`."""
    if request.source_outputs is None or len(request.source_labels) < 2:
        raise NotApplicable("The source model has no head with several labels.")
    logits = request.source_outputs.astype(np.float64)
    powers = np.exp(logits - logits.max(1, keepdims=True))
    probabilities: NDArray[np.float64] = powers / powers.sum(1, keepdims=True)
    return probabilities
