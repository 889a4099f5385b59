"""Targets and predictions, each with its own number of values for each example."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from tlbench.contract.task_data import Array, ExampleSequence
from tlbench.errors import BadInputError, ContractError
from tlbench.learning.ragged import restore_order, spans


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
        """Accept an index for each example, or a sequence of them, one for each unit. Raises `BadInputError`."""
        counts = np.array([np.size(label) for label in labels], np.int64)
        values = np.concatenate([np.atleast_1d(np.asarray(label)) for label in labels])
        indices = values.astype(np.int64)
        if not np.array_equal(indices, values):
            raise BadInputError(f"a label is {values[indices != values][0]}; labels are indices, whole numbers from 0")
        return cls(indices, counts)

    def __len__(self) -> int:
        return len(self.counts)

    def split(self, values: Array | None = None) -> list[Array]:
        """Return the values example by example."""
        return np.split(self.values if values is None else values, np.cumsum(self.counts)[:-1])

    def select(self, indices: Array) -> Targets:
        """Return a copy of the targets of those examples, without references."""
        counts = self.counts[indices]
        if len(self.values) == len(self.counts) and self._one_each:
            return Targets(self.values[indices], counts)
        return Targets(self.values[spans(self._starts[indices], counts)], counts)

    @functools.cached_property
    def _one_each(self) -> bool:
        return bool((self.counts == 1).all())

    @functools.cached_property
    def _starts(self) -> Array:
        starts: Array = np.cumsum(self.counts) - self.counts
        return starts

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

    def followed_by(self, parts: Sequence[Array]) -> Predictions:
        """Return predictions with an array behind those of each example, in their type."""
        pairs = zip(self.split(), parts, strict=True)
        return Predictions.of([np.append(own, part).astype(own.dtype) for own, part in pairs], self.counts)

    @classmethod
    def join(cls, parts: Sequence[tuple[Array, Predictions]]) -> Predictions:
        """Join (positions, predictions of a batch) in the order of the examples."""
        values = restore_order([(positions, part.values, part.counts) for positions, part in parts])
        counts = np.concatenate([part.counts for _, part in parts])
        return cls(values, counts[np.argsort(np.concatenate([positions for positions, _ in parts]), kind="stable")])
