"""How batches reach a GPU: of inputs that lie there whole, or drawn and copied while it computes."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from tlbench.contract.task_data import Array
from tlbench.learning.data import Column, Inputs
from tlbench.learning.ragged import Ragged

T = TypeVar("T")
LARGEST_PART = 0.25
"""Part of the device's free memory that inputs may take: the rest is for the model, its gradients and activations."""


def to_device(tensor: Tensor, device: torch.device) -> Tensor:
    """Return a tensor of the CPU on a device. The copy to a GPU goes on beside what it computes."""
    if device.type != "cuda":
        return tensor.to(device)
    # From pageable memory the host would wait for the copy.
    return tensor.pin_memory().to(device, non_blocking=True)


def free_memory(device: torch.device) -> int:
    """Return the bytes that are free on a device; 0 on the CPU, whose batches are read where they lie."""
    return torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else 0


def ahead(items: Iterator[T]) -> Iterator[T]:
    """Yield the items of an endless iterator, each made in a thread while the caller works with the one before."""
    with ThreadPoolExecutor(1) as thread:
        made = thread.submit(next, items)
        while True:
            item, made = made.result(), thread.submit(next, items)
            yield item


@dataclass(frozen=True)
class Resident:
    """The columns of inputs on a device."""

    inputs: Inputs
    columns: tuple[Tensor, ...]
    device: torch.device

    @classmethod
    def of(cls, inputs: Inputs, device: torch.device) -> Resident | None:
        """Return the inputs on the device, or None if they would take more than a quarter of its free memory."""
        values = [_values(column) for column in inputs.columns]
        if sum(part.nbytes for part in values) > LARGEST_PART * free_memory(device):
            return None
        return cls(inputs, tuple(torch.from_numpy(np.array(part)).to(device) for part in values), device)

    def batch(self, indices: Array) -> tuple[Tensor, ...]:
        """Return what `Inputs.batch` does, on the device."""
        return tuple(map(self._rows, self.inputs.columns, self.columns, [indices] * len(self.columns)))

    def _rows(self, column: Column, values: Tensor, indices: Array) -> Tensor:
        if not isinstance(column, Ragged):
            return values.index_select(0, to_device(torch.from_numpy(indices), self.device))
        # The lengths are known on the host: a GPU that were asked for them would be waited for.
        lengths = column.lengths[indices]
        spans = to_device(torch.from_numpy(np.stack([column.offsets[indices], lengths])), self.device)
        steps = torch.arange(max(1, int(lengths.max(initial=0))), device=self.device)
        places = (spans[0][:, None] + steps).clamp(max=max(0, len(values) - 1))
        return torch.where(steps < spans[1][:, None], values[places], 0)


def _values(column: Column) -> Array:
    return column.values if isinstance(column, Ragged) else column
