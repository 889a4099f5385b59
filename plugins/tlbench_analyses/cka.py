"""Linear centred kernel alignment, block by block (Kornblith et al. 2019)."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor, nn

from tlbench import Analysis, AnalysisRequest
from tlbench.learning import Inputs, TransferModel, device_of
from tlbench_analyses.drawing import bars
from tlbench_analyses.examples import some_of


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

    Examples run one by one, so that none is padded. An output of positions that vary in number is averaged over them; a
    block whose outputs differ in size all the same is left out.
    """
    import numpy as np

    outputs: dict[str, list[Tensor]] = {}
    with recording(model.encoder.blocks(), outputs):
        for position in range(len(inputs)):
            batch = (part.to(device_of(model)) for part in inputs.batch(np.array([position])))
            features = model.pooled(*batch)[0].double()
            outputs.setdefault("features", []).append(features)
    grams = {}
    for name, found in outputs.items():
        if len({len(one) for one in found}) > 1:
            continue
        vectors = torch.stack(found)
        grams[name] = (vectors @ vectors.T).cpu()
    return grams


@contextlib.contextmanager
def recording(blocks: Sequence[nn.Module], outputs: dict[str, list[Tensor]]) -> Iterator[None]:
    """Collect what each block returns for each example, as one vector; blocks run once for an example."""

    def hook(name: str) -> Callable[[nn.Module, object, object], None]:
        def keep(module: nn.Module, arguments: object, output: object) -> None:
            first = output[0] if isinstance(output, tuple) else output
            if isinstance(first, Tensor):
                outputs.setdefault(name, []).append(vector(first))

        return keep

    handles = [block.register_forward_hook(hook(f"block {place}")) for place, block in enumerate(blocks, 1)]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def vector(output: Tensor) -> Tensor:
    """Return a block's output for one example, `(1, ...)`, as a vector: `(1, T, D)` is averaged over T."""
    return (output[0].mean(0) if output.dim() == 3 else output[0].flatten()).double()
