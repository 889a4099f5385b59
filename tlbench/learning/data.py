"""Model inputs in batches, and the draw of the label budget."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import torch

from tlbench.contract.requests import PrepareRequest
from tlbench.contract.task_data import Array, ExampleSequence
from tlbench.errors import BadInputError, ContractError
from tlbench.learning.mapped import copy_rows, is_mapped, read_rows


@dataclass(frozen=True)
class Ragged:
    """Sequences of unequal length: `values[offsets[i]:offsets[i + 1]]` is sequence i. Zero means padding."""

    values: Array
    """All sequences one after the other."""
    offsets: Array
    """`(N + 1,)` int64: where each begins, and the end."""

    @classmethod
    def of(cls, sequences: Sequence[Any], dtype: str = "int32") -> Ragged:
        """Join sequences."""
        lengths = [len(sequence) for sequence in sequences]
        offsets = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
        return cls(np.concatenate([np.asarray(sequence, dtype) for sequence in sequences]), offsets)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def lengths(self) -> Array:
        """Length of each sequence, `(N,)`."""
        lengths: Array = self.offsets[1:] - self.offsets[:-1]
        return lengths

    def split(self) -> list[Array]:
        """Return the sequences one by one."""
        return np.split(self.values, self.offsets[1:-1])

    def take(self, indices: Array) -> Array:
        """Return the sequences `(N, T)`, zero-padded on the right to the longest of them."""
        starts, lengths = self.offsets[indices], self.lengths[indices]
        padded = np.zeros((len(indices), max(1, int(lengths.max(initial=0)))), self.values.dtype)
        padded[np.arange(padded.shape[1]) < lengths[:, None]] = self.values[_spans(starts, lengths)]
        return padded

    def select(self, indices: Array) -> Ragged:
        """Return a copy of the sequences."""
        starts, lengths = self.offsets[indices], self.lengths[indices]
        return Ragged(np.array(self.values[_spans(starts, lengths)]), np.concatenate([[0], np.cumsum(lengths)]))


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

        A batch has `size` examples, or fewer where they are so large that it would have more than `BATCH_VALUES`.
        """
        values = sum(int(np.prod(column.shape[1:])) for column in self.columns if not isinstance(column, Ragged))
        size = max(1, min(size, BATCH_VALUES // max(1, values)))
        # Stable, so that the batches, and with them the bits of the outputs, are always the same.
        order = np.argsort(self.lengths, kind="stable")
        for start in range(0, len(self), size):
            yield order[start : start + size], self.batch(order[start : start + size])


@dataclass(frozen=True)
class Targets:
    """Labels of the examples: for most kinds one for each unit of prediction, example by example."""

    values: Array
    """`(K, ...)`: what the kind's `targets` made, such as the label index of each unit, `(M,)` int64."""
    counts: Array
    """`(N,)` int64: how many of the values belong to each example; 0 is allowed."""
    references: Sequence[Any] = ()
    """One for each example, for metrics alone: `Split.references`. Of what strategies are given, only examples for
    validation have them."""

    @classmethod
    def of(cls, labels: ExampleSequence) -> Targets:
        """Accept an index for each example, or a sequence of them, one for each unit."""
        counts = np.array([np.size(label) for label in labels], np.int64)
        values = np.concatenate([np.atleast_1d(np.asarray(label, np.int64)) for label in labels])
        return cls(values, counts)

    def __len__(self) -> int:
        return len(self.counts)

    def split(self, values: Array | None = None) -> list[Array]:
        """Return the values example by example."""
        return np.split(self.values if values is None else values, np.cumsum(self.counts)[:-1])

    def select(self, indices: Array) -> Targets:
        """Return a copy of the targets of those examples, without references."""
        starts, counts = np.cumsum(self.counts) - self.counts, self.counts[indices]
        return Targets(self.values[_spans(starts[indices], counts)], counts)

    def batch(self) -> BatchTargets:
        """Return them as tensors on the CPU."""
        return BatchTargets(torch.from_numpy(self.values), torch.from_numpy(self.counts))


@dataclass(frozen=True)
class BatchTargets:
    """Targets of a training batch, as tensors."""

    values: torch.Tensor
    """`(K, ...)`: those of all examples, one after the other."""
    counts: torch.Tensor
    """`(N,)` int64: how many of the values belong to each example; 0 is allowed."""

    def __len__(self) -> int:
        return len(self.counts)

    @classmethod
    def __torch_function__(cls, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        # A kind of the first edition of the plugin API takes them for a tensor.
        raise TypeError(f"{function.__name__} takes no BatchTargets: read targets.values.")

    def split(self) -> tuple[torch.Tensor, ...]:
        """Return the values example by example."""
        return torch.split(self.values, self.counts.tolist())

    def to(self, device: torch.device) -> BatchTargets:
        """Return them on a device."""
        return BatchTargets(self.values.to(device), self.counts.to(device))


@dataclass(frozen=True)
class Predictions:
    """What a kind made of a model's outputs, example by example."""

    values: Array
    """`(K, ...)`: for most kinds one row for each unit, such as probabilities `(M, C)`."""
    counts: Array
    """`(N,)` int64: how many of the values belong to each example; 0 is allowed."""

    def __getattr__(self, name: str) -> Any:
        # A metric of the first edition of the plugin API takes them for an array.
        raise AttributeError(f"Predictions has no attribute {name!r}; it is no array: read predictions.values.")

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        raise TypeError("Predictions are no array: read predictions.values.")

    @classmethod
    def of(cls, made: Array | Sequence[Array], counts: Array) -> Predictions:
        """Accept what `predict` returns: a row for each unit, `counts` for each example, or an array for each example.

        Raises `ContractError` if their number is wrong.
        """
        if isinstance(made, np.ndarray):
            if len(made) != int(np.sum(counts)):
                raise ContractError(
                    f"`predict` returned {len(made)} rows for {int(np.sum(counts))} units: return a row for each unit, "
                    f"or a list with an array for each example."
                )
            return cls(made, np.asarray(counts, np.int64))
        if len(made) != len(counts):
            raise ContractError(f"`predict` returned {len(made)} arrays for {len(counts)} examples.")
        return cls(np.concatenate(made), np.array([len(part) for part in made], np.int64))

    def __len__(self) -> int:
        return len(self.counts)

    def split(self) -> list[Array]:
        """Return the predictions example by example."""
        return np.split(self.values, np.cumsum(self.counts)[:-1])

    @classmethod
    def join(cls, parts: Sequence[tuple[Array, Predictions]]) -> Predictions:
        """Join (positions, predictions of a batch) in the order of the examples."""
        values = restore_order([(positions, part.values, part.counts) for positions, part in parts])
        counts = np.concatenate([part.counts for _, part in parts])
        return cls(values, counts[np.argsort(np.concatenate([positions for positions, _ in parts]), kind="stable")])


def restore_order(parts: Sequence[tuple[Array, Array, Array]]) -> Array:
    """Join (positions, units of the batch, units of each example) in the order of the examples."""
    positions = np.concatenate([part[0] for part in parts])
    units = np.concatenate([part[1] for part in parts])
    counts = np.concatenate([part[2] for part in parts])
    starts = np.cumsum(counts) - counts
    order = np.argsort(positions, kind="stable")
    restored: Array = units[_spans(starts[order], counts[order])]
    return restored


def _spans(starts: Array, lengths: Array) -> Array:
    """Return the positions of spans one after the other: those from `starts[i]` on, `lengths[i]` of them."""
    before = np.cumsum(lengths) - lengths
    positions: Array = np.repeat(starts - before, lengths) + np.arange(lengths.sum())
    return positions


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


def draw_budget(strata: Array, budget: int, generator: np.random.Generator) -> Array:
    """Return the indices of `budget` examples in random order, each stratum in proportion and none left out.

    Quotas are rounded by largest remainder, after one example for each stratum; ties go to the smaller stratum.
    """
    groups = [np.flatnonzero(strata == stratum) for stratum in np.unique(strata)]
    budget = min(budget, len(strata))
    # Fewer labels than classes: which classes are left out is left to chance.
    if budget < len(groups):
        return np.sort(generator.choice(len(strata), budget, replace=False))
    exact = np.array([len(group) * budget / len(strata) for group in groups])
    quotas = np.maximum(1, np.floor(exact)).astype(int)
    # Rounding, and one for each stratum, may come to more or to less than the budget.
    while quotas.sum() != budget:
        step = 1 if quotas.sum() < budget else -1
        room = quotas < [len(group) for group in groups] if step > 0 else quotas > 1
        gap = np.where(room, step * (exact - quotas), -np.inf)
        quotas[int(np.argmax(gap))] += step
    drawn = [generator.choice(group, quota, replace=False) for group, quota in zip(groups, quotas, strict=True)]
    return generator.permutation(np.concatenate(drawn))


def draw_per_class(strata: Array, size: int, generator: np.random.Generator) -> Array:
    """Return the indices of `size` examples of each stratum, or of all it has, in random order."""
    groups = [np.flatnonzero(strata == stratum) for stratum in np.unique(strata)]
    drawn = [generator.choice(group, min(size, len(group)), replace=False) for group in groups]
    return generator.permutation(np.concatenate(drawn))
