"""What an encoder takes: the modality, and the type and shape of each model input."""

from __future__ import annotations

from dataclasses import dataclass

from tlbench.contract.requests import Layout
from tlbench.learning.data import Column, Inputs
from tlbench.learning.ragged import Ragged


@dataclass(frozen=True)
class InputSpec:
    """Type and shape of one model input."""

    dtype: str
    """The name of numpy's type, such as `uint8`."""
    shape: tuple[int, ...] | None
    """The shape of one example; of images of any size, that of the first training example. None: sequences of any
    length, `(T,)`."""


@dataclass(frozen=True, kw_only=True)
class Signature:
    """What an encoder takes and gives, for strategies that put another encoder in its place."""

    modality: str
    """Of the backbone: `image`, `text`, `audio`, `series` or `tabular`."""
    layout: Layout
    """The layout of the features."""
    inputs: tuple[InputSpec, ...]
    """One for each argument of the encoder."""
    sample_rate: int | None = None
    """Of the task's audio, in Hz."""


def input_specs(inputs: Inputs) -> tuple[InputSpec, ...]:
    """Return type and shape of each model input."""
    return tuple(map(_spec, inputs.columns))


def _spec(column: Column) -> InputSpec:
    if isinstance(column, Ragged):
        return InputSpec(str(column.values.dtype), None)
    return InputSpec(str(column.dtype), tuple(column.shape[1:]))
