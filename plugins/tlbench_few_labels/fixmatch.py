"""FixMatch (Sohn et al. 2020)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from tlbench.learning import AdaptRequest, TransferModel


def fixmatch(request: AdaptRequest) -> TransferModel:
    """Train on the label budget, and on confident predictions of unlabelled inputs.

    1. Predict weakly augmented inputs; the most probable label of a confident prediction is a pseudo-label.
    2. Minimise the loss of the labelled batch + weight * the cross-entropy between the pseudo-labels and what the model
       predicts for the same inputs, strongly augmented.
    """
    model, options, kind = request.model, request.options, request.target.kind
    labelled = request.batches(request.target.train)
    unlabelled = request.batches(
        request.target.unlabelled, augment=("weak", "strong"), size=options["ratio"] * options["batch_size"]
    )

    def loss(progress: float) -> Tensor:
        inputs, targets, _ = next(labelled)
        (weak, strong), _, _ = next(unlabelled)
        with torch.no_grad():
            predicted = model(*weak).units
        agreement = pseudo_label_loss(predicted, model(*strong).units, options["threshold"])
        return kind.loss(model(*inputs), targets) + float(options["weight"]) * agreement

    request.train([model.encoder, model.heads["target"]], loss)
    return model


def pseudo_label_loss(weak: Tensor, strong: Tensor, threshold: float) -> Tensor:
    """Return the mean over all units of the cross-entropy with the pseudo-labels, 0 for units without one.

    `weak` and `strong` are outputs `(M, C)` of the same units. A unit has a pseudo-label if the largest probability of
    `weak` is at least the threshold.
    """
    confidence, labels = weak.softmax(1).max(1)
    errors = functional.cross_entropy(strong, labels, reduction="none")
    return (errors * (confidence >= threshold)).mean()
