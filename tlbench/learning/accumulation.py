"""The loss of a batch in parts, for batches that do not fit into memory: the parts have the gradient of the whole."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from tlbench.contract.task_data import Array
from tlbench.errors import TlbenchError
from tlbench.learning.kinds.protocol import Kind, has_mean_loss
from tlbench.learning.outputs import Outputs
from tlbench.learning.targets import BatchTargets


class CannotSplitError(TlbenchError):
    """A batch cannot be computed in parts: its gradient would be another one."""


def check_splits(kind: Kind, modules: Iterable[nn.Module]) -> None:
    """Raise `CannotSplitError` if the parts of a batch would not have its gradient."""
    if not has_mean_loss(kind):
        raise CannotSplitError(
            f"The batch cannot be split to save memory: the loss of {type(kind).__name__} is no mean over targets. "
            f"Use a smaller batch_size."
        )
    if any(isinstance(part, _BatchNorm) for module in modules for part in module.modules()):
        raise CannotSplitError(
            "The batch cannot be split to save memory: the model has batch normalisation, which takes its statistics "
            "from the whole batch. Use a smaller batch_size, or a backbone without it."
        )


def shares(
    kind: Kind,
    forward: Callable[..., Outputs],
    inputs: tuple[Tensor, ...],
    targets: BatchTargets,
    counts: Array,
    parts: int,
) -> Iterator[Tensor]:
    """Yield the loss of each part of a batch, times its share of the targets: they sum up to the loss of the batch.

    `counts` `(N,)` are those of the targets, on the CPU: to read them on a GPU would wait for it.
    """
    ends = np.cumsum([0, *counts]).tolist()
    for places in np.array_split(np.arange(len(counts)), min(parts, len(counts))):
        start, stop = int(places[0]), int(places[-1]) + 1
        first, last = ends[start], ends[stop]
        if first == last:  # The mean over no targets is not a number.
            continue
        wanted = BatchTargets(targets.values[first:last], targets.counts[start:stop])
        outputs = forward(*(part[start:stop] for part in inputs), unit_count=last - first)
        yield kind.loss(outputs, wanted) * ((last - first) / ends[-1])
