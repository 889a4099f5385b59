"""Test examples that are training examples too: a model may know their labels by heart."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from tlbench.learning.data import Inputs
from tlbench.learning.ragged import Ragged


def count_copies(training: Inputs, test: Inputs) -> int:
    """Return how many test examples have model inputs that are equal, byte for byte, to those of a training example."""
    known = set(_contents(training))
    return sum(content in known for content in _contents(test))


def _contents(inputs: Inputs) -> Iterator[bytes]:
    """Yield a digest of each example's inputs; with memory-mapped columns, one example at a time is in memory."""
    for place in range(len(inputs)):
        content = hashlib.blake2b(digest_size=16)
        for column in inputs.columns:
            if isinstance(column, Ragged):
                # The length stands before the values, so that those of two columns cannot be taken for each other.
                content.update(int(column.offsets[place + 1] - column.offsets[place]).to_bytes(8, "little"))
                content.update(column.values[column.offsets[place] : column.offsets[place + 1]].tobytes())
            else:
                content.update(column[place].tobytes())
        yield content.digest()
