"""Predictions that take several passes of a model: each token of a text depends on those before it.

A kind says so by a method `generate` of its `postprocess`: see `Generating`. The same method runs the torch model, the
exported file, and the file in an export.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from torch import nn

from tlbench.contract.task_data import Array
from tlbench.learning import arithmetic
from tlbench.learning.arithmetic import FP32, computing_in
from tlbench.learning.data import Inputs
from tlbench.learning.kinds.protocol import Kind
from tlbench.learning.model import EVALUATION_BATCH, TransferModel, device_of
from tlbench.learning.targets import Predictions

OUTPUTS_AT_ONCE = 2**25
"""Outputs of a batch: 128 MiB."""

Run = Callable[[Sequence[Array]], Array]
"""Model inputs of a batch, an array `(N, ...)` for each -> the dense outputs `(N, ..., C)`."""


@runtime_checkable
class Generating(Protocol):
    """A `Postprocess` whose predictions need more passes than the one that `predict` reads."""

    def generate(self, run: Run, inputs: Sequence[Array], labels: Sequence[str]) -> Sequence[Array]:
        """Return an array for each example of a batch; for a score they are appended to what `predict` returned.

        `inputs` are the model inputs of the batch, padded; `run` may be called as often as it takes, with inputs of
        other lengths or of fewer examples. What is made of an example must not depend on its targets.
        """
        ...


def with_generated(
    kind: Kind, made: Predictions, run: Run, inputs: Sequence[Array], labels: Sequence[str]
) -> Predictions:
    """Return the predictions of a batch, with what the kind generates behind them, if it generates anything."""
    process = kind.postprocess
    return made.followed_by(process.generate(run, inputs, labels)) if isinstance(process, Generating) else made


@torch.no_grad()
@computing_in(FP32)
def generate_split(
    model: TransferModel, head: str, kind: Kind, labels: Sequence[str], inputs: Inputs
) -> list[Array] | None:
    """Return what a kind generates for each example of a split with a torch model; None for one that does not."""
    process = kind.postprocess
    if not isinstance(process, Generating):
        return None
    model.eval()
    last, device = model.heads[head], device_of(model)
    generated: dict[int, Array] = {}

    def run(batch: Sequence[Array]) -> Array:
        tensors = [torch.from_numpy(np.ascontiguousarray(part)).to(device) for part in batch]
        outputs: Array = last(arithmetic.call(model.encoder, *tensors)).cpu().numpy()
        return outputs

    for places, batch in inputs.by_length(dense_batch_size(last, inputs)):
        made = process.generate(run, [part.numpy() for part in batch], labels)
        generated.update(zip(places.tolist(), made, strict=True))
    return [generated[place] for place in range(len(inputs))]


def dense_batch_size(head: nn.Module, inputs: Inputs) -> int:
    """Return how many examples are run at once: fewer if a vocabulary of outputs is computed at every position.

    A head has as many outputs as its `out_features` says, as `nn.Linear` does; one if it has no such attribute.
    """
    longest = max(1, int(inputs.lengths.max()))
    outputs = int(getattr(head, "out_features", 1))
    return max(1, min(EVALUATION_BATCH, OUTPUTS_AT_ONCE // (outputs * longest)))
