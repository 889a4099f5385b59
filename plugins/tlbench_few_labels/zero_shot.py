"""A head from the names of the labels (Chang et al. 2008)."""

from __future__ import annotations

import numpy as np

from tlbench import NotApplicable, UsageError
from tlbench.learning import AdaptRequest, Linear, TransferModel

PLACE = "{}"
"""Where a name stands in a template."""


def zero_shot(request: AdaptRequest) -> TransferModel:
    """Answer with the label whose name has the vector of the largest cosine with the feature; read no label.

    The weights of a class are its name's vector, of unit length; the bias is 0. The length of the feature is the same
    for all classes.
    """
    model, labels, template = request.model, request.target.labels, str(request.options["template"])
    if PLACE not in template:
        raise UsageError(f'Invalid template "{template}": it needs {PLACE} where the name of a label stands.')
    vectors = request.encode_labels([template.replace(PLACE, name) for name in labels])
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    if len(np.unique(vectors, axis=0)) < len(labels) or not lengths.all():
        raise NotApplicable("The backbone does not tell the names of the labels apart.")
    Linear(vectors / lengths, np.zeros(len(labels), np.float32)).copy_into(model.heads["target"])
    return model
