"""Deep CORAL (Sun & Saenko 2016): the covariances of source and target features are brought together."""

from __future__ import annotations

from torch import Tensor

from tlbench.learning import AdaptRequest, TransferModel
from tlbench_alignment.align import align


def coral(request: AdaptRequest) -> TransferModel:
    """Minimise the source loss and the CORAL loss of the features that the head is given."""
    return align(request, lambda known, unknown: coral_loss(known.features, unknown.features))


def coral_loss(source: Tensor, target: Tensor) -> Tensor:
    """Return |C_s - C_t|^2 / (4 D^2), C the covariances of features `(M, D)`: equation 1 of the paper."""
    difference = source.T.cov() - target.T.cov()
    return difference.square().sum() / (4 * source.shape[1] ** 2)
