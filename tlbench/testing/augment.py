"""The check of how a backbone varies training batches."""

from __future__ import annotations

from typing import get_args

import numpy as np
import torch
from torch import Tensor

from tlbench.contract.backbone_specs import BackboneSpec
from tlbench.contract.requests import AugmentRequest, Strength
from tlbench.errors import ContractError
from tlbench.testing.bench import Bench
from tlbench.testing.effects import watched
from tlbench.testing.fitted import Fitted, in_each_layout
from tlbench.testing.specs import label


def augment_keeps_shape_and_type(spec: BackboneSpec, bench: Bench) -> str | None:
    """`augment` draws from its generator alone, keeps shapes and types, does not write into what it is given, and goes
    further with the strength `strong`."""
    if spec.augment is None:
        return None
    sample = in_each_layout(spec, bench)[0]
    batch = sample.inputs().batch(np.arange(8))
    alike = []
    for names in _named_transformations(spec, bench):
        weak, strong = (_varied(sample, batch, names, strength) for strength in get_args(Strength))
        if all(map(torch.equal, weak, strong)):
            alike.append(", ".join(names))
    return f"augment does the same for weak and strong with {'; '.join(alike)}" if alike else None


def _varied(
    sample: Fitted, batch: tuple[Tensor, ...], names: tuple[str, ...], strength: Strength
) -> tuple[Tensor, ...]:
    """Return the batch varied. Raises `ContractError` if that breaks a rule."""
    spec, augment = sample.spec, sample.spec.augment
    assert augment is not None

    def call() -> tuple[Tensor, ...]:
        generator = torch.Generator().manual_seed(3)
        return augment(
            AugmentRequest(inputs=batch, names=names, generator=generator, strength=strength, fitted=sample.fitted)
        )

    kept = tuple(part.clone() for part in batch)
    first, second = watched(f"{label(spec)}: augment", call), call()
    if [(part.shape, part.dtype) for part in first] != [(part.shape, part.dtype) for part in batch]:
        raise ContractError(f"{label(spec)}: augment changes shape or type with {', '.join(names)} ({strength}).")
    if not all(map(torch.equal, first, second)):
        raise ContractError(
            f"{label(spec)}: augment gives different results with the same generator: use only that generator."
        )
    if not all(map(torch.equal, kept, batch)):
        raise ContractError(f"{label(spec)}: augment writes into its inputs: work on a copy.")
    return first


def _named_transformations(spec: BackboneSpec, bench: Bench) -> list[tuple[str, ...]]:
    """Return what tasks of the modality ask for: any of them may be paired with this backbone."""
    return sorted({task.augment for task in bench.catalog.tasks.values() if task.modality == spec.modality} - {()})
