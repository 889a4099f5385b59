"""Some of the test examples, drawn by the seed."""

from __future__ import annotations

import torch

from tlbench.learning import Inputs


def some_of(inputs: Inputs, most: int, generator: torch.Generator) -> Inputs:
    """Return at most so many examples, in their order."""
    if len(inputs) <= most:
        return inputs
    return inputs.select(torch.randperm(len(inputs), generator=generator)[:most].sort().values.numpy())
