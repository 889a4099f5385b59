"""The check of a backbone's vectors of label names."""

from __future__ import annotations

import numpy as np
import torch

from tlbench.contract.backbone_specs import BackboneSpec
from tlbench.contract.requests import LabelsRequest
from tlbench.contract.task_data import Array
from tlbench.errors import ContractError
from tlbench.learning.model import state_hash
from tlbench.testing.bench import Bench
from tlbench.testing.effects import watched
from tlbench.testing.fitted import LABELS, Fitted, in_each_layout
from tlbench.testing.specs import label


def label_vectors_are_valid(spec: BackboneSpec, bench: Bench) -> None:
    """`encode_labels` gives `(C, D)` float32, finite, the same again, and does not change the encoder."""
    if spec.encode_labels is None:
        return
    for made in in_each_layout(spec, bench):
        _check(spec, made)


def _check(spec: BackboneSpec, made: Fitted) -> None:
    encode_labels, encoder = spec.encode_labels, made.build().eval()
    assert encode_labels is not None
    before = state_hash(encoder)
    request = LabelsRequest(
        names=LABELS,
        encoder=encoder,
        fitted=made.fitted,
        options=made.request.options,
        files=made.request.files,
        layout=made.layout,
    )

    def call() -> Array:
        with torch.no_grad():
            return encode_labels(request)

    first, second = watched(f"{label(spec)}: encode_labels", call), call()
    wanted = (len(LABELS), encoder.feature_dim)
    if not isinstance(first, np.ndarray) or first.shape != wanted or first.dtype != np.float32:
        found = f"{first.shape} {first.dtype}" if isinstance(first, np.ndarray) else type(first).__name__
        raise ContractError(f"{label(spec)}: encode_labels returns {found}; expected an array {wanted} float32.")
    if not np.isfinite(first).all():
        raise ContractError(f"{label(spec)}: encode_labels returns vectors that are not finite.")
    if not np.array_equal(first, second):
        raise ContractError(f"{label(spec)}: encode_labels returns different vectors for the same names.")
    if state_hash(encoder) != before:
        raise ContractError(f"{label(spec)}: encode_labels changes the encoder.")
