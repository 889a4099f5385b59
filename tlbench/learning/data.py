"""Model inputs and examples in batches."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import torch

from tlbench.contract.requests import PrepareRequest
from tlbench.contract.task_data import Array
from tlbench.errors import BadInputError
from tlbench.learning.mapped import copy_rows, is_mapped, read_rows
from tlbench.learning.ragged import Ragged
from tlbench.learning.targets import Targets

Column: TypeAlias = "Array | Ragged"
Columns = tuple[Column, ...]
"""One column for each argument of the encoder: an array `(N, ...)`, or `Ragged` sequences."""
COPIED_BYTES = 2**26
"""A selection that takes more than these 64 MiB is copied to a file, not into memory."""
BATCH_VALUES = 2**22
"""Most values of inputs in an evaluation batch: 27 RGB images of 224 pixels. What a network makes of them is larger."""


def _rows(column: Column, indices: Array) -> Array:
    if isinstance(column, Ragged):
        return column.take(indices)
    return read_rows(column, indices)


def _select(column: Column, indices: Array) -> Column:
    if isinstance(column, Ragged):
        return column.select(indices)
    large = len(indices) * (column.nbytes // len(column)) > COPIED_BYTES
    return copy_rows(column, indices) if large and is_mapped(column) else read_rows(column, indices)


@contextlib.contextmanager
def as_bad_input() -> Iterator[None]:
    """Raise `BadInputError` for a `ValueError`: what a module of preprocessing, which knows no tlbench, has to say."""
    try:
        yield
    except ValueError as error:
        raise BadInputError(str(error)) from error


def prepare_each(preprocessor: Callable[..., Callable[[Any], tuple[Array, ...]]], request: PrepareRequest) -> Any:
    """Return for each model input the arrays of all examples, made by the `preprocessor` that exports carry."""
    prepare = preprocessor(request.fitted, request.options, request.layout)
    with as_bad_input():
        return tuple(zip(*map(prepare, request.inputs), strict=True))


@dataclass(frozen=True)
class Inputs:
    """Prepared examples as a map-style sequence: one column for each argument of the encoder."""

    columns: Columns
    """What a backbone's `prepare` returned."""

    def __len__(self) -> int:
        return len(self.columns[0])

    def batch(self, indices: Array) -> tuple[torch.Tensor, ...]:
        """Return the encoder's arguments for those examples, sequences padded to the longest of the batch."""
        return tuple(torch.from_numpy(_rows(column, indices)) for column in self.columns)

    def select(self, indices: Array) -> Inputs:
        """Return a copy of those examples: a view would lead back to the whole array.

        What takes more than `COPIED_BYTES` is copied to a file without a name, and read when a batch asks for it.
        """
        return Inputs(tuple(_select(column, indices) for column in self.columns))

    @property
    def lengths(self) -> Array:
        """Length of each example's first sequence; 0 where all examples have one shape."""
        for column in self.columns:
            if isinstance(column, Ragged):
                return column.lengths
        return np.zeros(len(self), np.int64)

    def by_length(self, size: int) -> Iterator[tuple[Array, tuple[torch.Tensor, ...]]]:
        """Yield (positions, batch) until every example was there once; alike lengths together, to pad little.

        A batch has `size` examples at the most, fewer where they are so large that it would have more than
        `BATCH_VALUES`. Batches have nearly the same size: a mean over batches is then close to that over examples.
        """
        values = sum(int(np.prod(column.shape[1:])) for column in self.columns if not isinstance(column, Ragged))
        most = max(1, min(size, BATCH_VALUES // max(1, values)))
        # Stable, so that the batches, and with them the bits of the outputs, are always the same.
        order = np.argsort(self.lengths, kind="stable")
        for positions in np.array_split(order, math.ceil(len(order) / most)) if len(order) else ():
            yield positions, self.batch(positions)


@dataclass(frozen=True)
class Examples:
    """Inputs with their targets."""

    inputs: Inputs
    """What the encoder takes."""
    targets: Targets
    """What the loss takes beside the outputs."""

    def __len__(self) -> int:
        return len(self.inputs)

    def select(self, indices: Array) -> Examples:
        """Return a copy of those examples."""
        return Examples(self.inputs.select(indices), self.targets.select(indices))


def concatenate(first: tuple[torch.Tensor, ...], second: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
    """Join two batches; the shorter sequences are zero-padded on the right."""

    def join(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        if a.shape[1:] == b.shape[1:]:
            return torch.cat([a, b])
        width = max(a.shape[1], b.shape[1])
        return torch.cat([torch.nn.functional.pad(part, (0, width - part.shape[1])) for part in (a, b)])

    return tuple(join(a, b) for a, b in zip(first, second, strict=True))
