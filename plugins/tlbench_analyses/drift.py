"""How far weights moved from those of the source model."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from tlbench import Analysis, AnalysisRequest, NotApplicable
from tlbench.learning import Encoder, outside_blocks
from tlbench_analyses.drawing import bars


def drift(request: AnalysisRequest) -> Analysis:
    """Return |after - before| / |before| over the parameters of each block, of what is outside, and of the encoder.

    Parameters that only one of both has, such as adapters, are not compared.
    """
    before, after = request.before.encoder, request.after.encoder
    start = dict(before.named_parameters())
    pairs = {name: (start[name], end) for name, end in after.named_parameters() if _comparable(start.get(name), end)}
    if not pairs:
        raise NotApplicable("Before and after have no parameters of the same name and shape.")
    numbers = {}
    for part, names in parts(after).items():
        if moved := [pairs[name] for name in names if name in pairs]:
            numbers[part] = relative_distance(moved)
    numbers["encoder"] = relative_distance(list(pairs.values()))
    return Analysis(numbers=numbers, picture=bars(numbers, "Relative change of weights"))


def relative_distance(pairs: Sequence[tuple[Tensor, Tensor]]) -> float:
    """Return |b - a| / |a| over pairs (a, b) of tensors of one shape; 0 if both are 0."""
    moved = sum(float((end.double() - start.double()).square().sum()) for start, end in pairs)
    size = sum(float(start.double().square().sum()) for start, _ in pairs)
    # Weights that are 0 at the start, such as an adapter's, have no relative change: their size after it counts.
    size = size or sum(float(end.double().square().sum()) for _, end in pairs)
    return float((moved / size) ** 0.5) if size else 0.0


def parts(encoder: Encoder) -> dict[str, list[str]]:
    """Return the names of the parameters of each block and of those outside all blocks."""
    names = {id(parameter): name for name, parameter in encoder.named_parameters()}
    blocks: list[nn.Module] = list(encoder.blocks())
    found = {f"block {place}": [names[id(one)] for one in block.parameters()] for place, block in enumerate(blocks, 1)}
    return {**found, "outside blocks": [names[id(one)] for one in outside_blocks(encoder, blocks)]}


def _comparable(start: Tensor | None, end: Tensor) -> bool:
    return start is not None and start.shape == end.shape and torch.is_floating_point(end)
