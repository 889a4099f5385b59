"""Linear centred kernel alignment, block by block (Kornblith et al. 2019)."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from tlbench import Analysis, AnalysisRequest
from tlbench.learning import Inputs, TransferModel, device_of
from tlbench_analyses.drawing import bars
from tlbench_analyses.examples import some_of

MOST_VALUES = 2**18
"""Of a block's output for one example that are compared; the first maps of a large network have millions."""


def cka(request: AnalysisRequest) -> Analysis:
    """Return the CKA of each block's outputs, and of the features, before and after adaptation.

    Blocks are compared by their place if both encoders have the same number of them; else only the features are.
    """
    inputs = some_of(request.inputs, request.options["examples"], request.generator)
    before, after = (gram_matrices(model, inputs) for model in (request.before, request.after))
    shared = [name for name in before if name in after] if len(before) == len(after) else ["features"]
    numbers = {name: alignment(before[name], after[name]) for name in shared}
    return Analysis(numbers=numbers, picture=bars(numbers, "CKA of before and after", (0, 1)))


def alignment(first: Tensor, second: Tensor) -> float:
    """Return the cosine of two Gram matrices `(N, N)` after centring: 0 to 1; 1 if neither varies over examples."""
    one, other = centred(first), centred(second)
    norms = one.norm() * other.norm()
    return float((one * other).sum() / norms) if norms > 0 else float(one.norm() == other.norm())


def centred(gram: Tensor) -> Tensor:
    """Return the Gram matrix of the same vectors with their mean subtracted."""
    return gram - gram.mean(0) - gram.mean(1, keepdim=True) + gram.mean()


@torch.no_grad()
def gram_matrices(model: TransferModel, inputs: Inputs) -> dict[str, Tensor]:
    """Return the products of all pairs of examples, `(N, N)` float64, by the outputs of each block and by features.

    Examples run one by one, so that none is padded. Outputs are compared whole, channels and positions; only axes whose
    length depends on the example, such as the tokens of a text, are averaged. A block whose outputs differ in size all
    the same is left out.
    """
    lengths = inputs.lengths
    ends = inputs.select(np.array([lengths.argmin(), lengths.argmax()]))
    uneven = {name: axes_that_differ(*found) for name, found in outputs_of(model, ends).items() if len(found) == 2}
    outputs = outputs_of(model, inputs, lambda name, output: vector(output, uneven.get(name, ())))
    grams = {}
    for name, found in outputs.items():
        if len({len(one) for one in found}) > 1:
            continue
        vectors = torch.stack(found).double()
        grams[name] = (vectors @ vectors.T).cpu()
    return grams


def outputs_of(
    model: TransferModel, inputs: Inputs, change: Callable[[str, Tensor], Tensor] = lambda name, output: output
) -> dict[str, list[Tensor]]:
    """Return what each block, and the encoder as `features`, gives for each example, `(1, ...)`, changed."""
    outputs: dict[str, list[Tensor]] = {}

    def keep(name: str, output: Tensor) -> None:
        # A copy: what comes next may work in place.
        outputs.setdefault(name, []).append(change(name, output.clone()))

    with recording(model.encoder.blocks(), keep):
        for position in range(len(inputs)):
            batch = (part.to(device_of(model)) for part in inputs.batch(np.array([position])))
            keep("features", model.pooled(*batch))
    return outputs


@contextlib.contextmanager
def recording(blocks: Sequence[nn.Module], keep: Callable[[str, Tensor], None]) -> Iterator[None]:
    """Hand on what each block returns for each example; blocks run once for an example."""

    def hook(name: str) -> Callable[[nn.Module, object, object], None]:
        def after(module: nn.Module, arguments: object, output: object) -> None:
            first = output[0] if isinstance(output, tuple) else output
            if isinstance(first, Tensor):
                keep(name, first)

        return after

    handles = [block.register_forward_hook(hook(f"block {place}")) for place, block in enumerate(blocks, 1)]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def axes_that_differ(one: Tensor, other: Tensor) -> tuple[int, ...]:
    """Return the axes in which two outputs have different lengths."""
    return tuple(axis for axis, (a, b) in enumerate(zip(one.shape, other.shape, strict=False)) if a != b)


def vector(output: Tensor, averaged: tuple[int, ...] = ()) -> Tensor:
    """Return a block's output for one example, `(1, ...)`, as a vector, averaged over some axes.

    Of more than `MOST_VALUES` it has as many, at equal distances.
    """
    values = (output.mean(averaged) if averaged else output).flatten()
    if len(values) <= MOST_VALUES:
        return values
    return values[torch.linspace(0, len(values) - 1, MOST_VALUES, dtype=torch.float64).long()]
