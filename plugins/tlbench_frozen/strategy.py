"""Frozen features: a linear head on an encoder that does not change."""

from __future__ import annotations

from tlbench.learning import AdaptRequest, TransferModel, encode


def frozen(request: AdaptRequest) -> TransferModel:
    """Fit the head `target` to features of the label budget.

    1. Encode the labelled target examples in evaluation mode.
    2. Fit a linear probe, for classes L2-regularised logistic regression; its strength is chosen on folds of the
       budget.
    3. Put its weights into the head.
    """
    model, target = request.model, request.target
    features = encode(model, target.train.inputs)
    probe = target.kind.probe(features, target.train.targets.values, len(target.labels))
    probe.copy_into(model.heads["target"])
    return model
