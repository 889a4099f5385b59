"""Checks of what `Encoder.blocks` returns."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from tlbench.contract.backbone_specs import BackboneSpec
from tlbench.errors import ContractError
from tlbench.learning.model import Encoder
from tlbench.testing.bench import Bench
from tlbench.testing.fitted import in_each_layout
from tlbench.testing.specs import label


def blocks_run_in_order(spec: BackboneSpec, bench: Bench) -> None:
    """`blocks` gives disjoint submodules that have parameters, in the order in which they run."""
    for made in in_each_layout(spec, bench):
        encoder = made.build().eval()
        if problem := wrong_blocks(encoder) or wrong_order(encoder, made.inputs().batch(np.arange(2))):
            raise ContractError(f"{label(spec)}: Encoder.blocks {problem}.")


def wrong_blocks(encoder: Encoder) -> str:
    """Return what is wrong with the blocks themselves, or an empty string."""
    blocks, names = encoder.blocks(), _names(encoder)
    if not isinstance(blocks, Sequence) or not blocks:
        return "returns no block: return a list of submodules"
    seen: dict[int, str] = {}
    for position, block in enumerate(blocks):
        if id(block) not in names:
            return f"returns a {type(block).__name__} at position {position} that is not a submodule of the encoder"
        name = names[id(block)]
        if not any(True for _ in block.parameters()):
            return f'returns "{name}", which has no parameters'
        for part in block.modules():
            if id(part) in seen:
                return f'returns "{seen[id(part)]}" and "{name}", which overlap'
        seen |= {id(part): name for part in block.modules()}
    return ""


@torch.no_grad()
def wrong_order(encoder: Encoder, batch: tuple[Tensor, ...]) -> str:
    """Return which block does not run, or not in its place, or an empty string."""
    names, blocks = _names(encoder), encoder.blocks()
    ran: list[str] = []

    def note(module: nn.Module, *arguments: object) -> None:
        if names[id(module)] not in ran:
            ran.append(names[id(module)])

    # Before the block runs: a nested call of one block by another is then seen in its order too.
    hooks = [block.register_forward_pre_hook(note) for block in blocks]
    encoder(*batch)
    for hook in hooks:
        hook.remove()
    expected = [names[id(block)] for block in blocks]
    if idle := [name for name in expected if name not in ran]:
        return f'returns "{idle[0]}", which does not run in forward'
    if ran != expected:
        wrong = next(name for name, at in zip(expected, ran, strict=True) if name != at)
        return f'returns "{wrong}" in the wrong place: the blocks run in the order {", ".join(ran)}'
    return ""


def _names(encoder: Encoder) -> dict[int, str]:
    return {id(module): name for name, module in encoder.named_modules() if name}
