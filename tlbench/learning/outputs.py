"""What a model says of some examples: one row of outputs for each unit of prediction, and which example it belongs to.

Works on numpy arrays and on torch tensors alike, and imports numpy alone: an exported model comes with a copy.
"""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np


class Outputs:
    """Outputs of N examples with M units of prediction in all; C values for each unit.

    Simple kinds read `units`; kinds that need whole examples (spans, transcripts, boxes on a map) read `values` and
    `mask`, or `split()`.
    """

    units: Any
    """`(M, C)`: one row for each unit, example by example."""
    mask: Any
    """`(N, T)` bool: which positions are units; None if all are."""
    shape: tuple[int, ...]
    """`(N, *positions)`: `(N,)`, `(N, T)` or `(N, H, W)`."""
    features: Any
    """`(M, D)`: what the head was given for each unit; None if the outputs come from a file."""

    def __init__(self, units: Any, mask: Any = None, shape: tuple[int, ...] = (), features: Any = None) -> None:
        self.units, self.mask, self.features = units, mask, features
        self.shape = tuple(shape) if mask is None else tuple(mask.shape)

    @classmethod
    def packed(cls, units: Any, counts: Any, positions: tuple[int, ...] | None = None) -> Outputs:
        """Return numpy outputs of examples with `counts` units each.

        `positions` is the shape of one example's units if it is the same for all, such as `(H, W)`; None: sequences.
        """
        if positions is not None:
            return cls(units, shape=(len(counts), *positions))
        return cls(units, mask=np.arange(max(counts, default=0)) < np.asarray(counts)[:, None])

    def __len__(self) -> int:
        return self.shape[0]

    def __getattr__(self, name: str) -> Any:
        # A kind or metric of the first edition of the plugin API takes them for an array of units.
        raise AttributeError(f"Outputs has no attribute {name!r}; it is no array: read outputs.units.")

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        raise TypeError("Outputs are no array: read outputs.units.")

    @classmethod
    def __torch_function__(cls, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        raise TypeError(f"{function.__name__} takes no Outputs: read outputs.units.")

    @property
    def values(self) -> Any:
        """`(N, *positions, C)`; positions that are no units hold 0."""
        width = self.units.shape[-1]
        if self.mask is None:
            return self.units.reshape(*self.shape, width)
        size = (*self.mask.shape, width)
        numpy = isinstance(self.units, np.ndarray)
        values = np.zeros(size, self.units.dtype) if numpy else self.units.new_zeros(size)
        values[self.mask] = self.units
        return values

    @property
    def counts(self) -> Any:
        """`(N,)`: how many units each example has."""
        if self.mask is None:
            return np.full(len(self), math.prod(self.shape[1:]))
        return self.mask.sum(1)

    def split(self) -> list[Any]:
        """Return the units of each example, `(m, C)`."""
        ends = [0, *np.cumsum([int(count) for count in self.counts]).tolist()]
        return [self.units[start:end] for start, end in itertools.pairwise(ends)]

    def __getitem__(self, examples: slice) -> Outputs:
        """Return the outputs of a range of examples."""
        if not isinstance(examples, slice):
            raise TypeError(
                "Outputs can be cut into ranges of examples only, outputs[:n]; read outputs.units for rows."
            )
        start, stop, step = examples.indices(len(self))
        if step != 1:
            raise ValueError("Outputs can be cut into ranges of examples only: outputs[:n].")
        first, last = int(self.counts[:start].sum()), int(self.counts[:stop].sum())
        features = None if self.features is None else self.features[first:last]
        mask = None if self.mask is None else self.mask[start:stop]
        return Outputs(self.units[first:last], mask, (stop - start, *self.shape[1:]), features)
