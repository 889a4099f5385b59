"""Sequences of unequal length in one array, and the order of examples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tlbench.contract.task_data import Array


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
        padded[np.arange(padded.shape[1]) < lengths[:, None]] = self.values[spans(starts, lengths)]
        return padded

    def select(self, indices: Array) -> Ragged:
        """Return a copy of the sequences."""
        starts, lengths = self.offsets[indices], self.lengths[indices]
        return Ragged(np.array(self.values[spans(starts, lengths)]), np.concatenate([[0], np.cumsum(lengths)]))


def restore_order(parts: Sequence[tuple[Array, Array, Array]]) -> Array:
    """Join (positions, units of the batch, units of each example) in the order of the examples."""
    positions = np.concatenate([part[0] for part in parts])
    units = np.concatenate([part[1] for part in parts])
    counts = np.concatenate([part[2] for part in parts])
    starts = np.cumsum(counts) - counts
    order = np.argsort(positions, kind="stable")
    restored: Array = units[spans(starts[order], counts[order])]
    return restored


def spans(starts: Array, lengths: Array) -> Array:
    """Return the positions of spans one after the other: those from `starts[i]` on, `lengths[i]` of them."""
    before = np.cumsum(lengths) - lengths
    positions: Array = np.repeat(starts - before, lengths) + np.arange(lengths.sum())
    return positions
