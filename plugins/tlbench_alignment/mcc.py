"""Minimum class confusion (Jin et al. 2020)."""

from __future__ import annotations

from torch import Tensor

from tlbench.learning import AdaptRequest, TransferModel
from tlbench_alignment.align import align


def mcc(request: AdaptRequest) -> TransferModel:
    """Minimise the source loss and the confusion of classes in the predictions for target inputs."""
    temperature = request.options["temperature"]
    return align(request, lambda known, unknown: class_confusion(unknown.units, temperature))


def class_confusion(logits: Tensor, temperature: float) -> Tensor:
    """Return how much probability `(M, C)` logits give to pairs of different classes, from 0 to 1 - 1 / C.

    1. Soften the predictions by the temperature.
    2. Weigh each by 1 + exp(-entropy), so that certain ones count more; the weights have mean 1 and no gradient.
    3. Correlate the classes over the batch, and divide each row by its sum.
    4. Return the mean over the classes of what is off the diagonal.
    """
    softened = (logits / temperature).log_softmax(1)
    probabilities = softened.exp()
    entropy = -(probabilities * softened).sum(1).detach()
    certainty = 1 + (-entropy).exp()
    weighted = probabilities * (certainty / certainty.mean())[:, None]
    confusion = weighted.T @ probabilities
    confusion = confusion / confusion.sum(1, keepdim=True)
    return 1 - confusion.trace() / len(confusion)
