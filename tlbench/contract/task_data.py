"""Raw data: examples and labels of both sides as a task loads them, and the parts that a strategy may access."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

if TYPE_CHECKING:
    from numpy.typing import NDArray

Array: TypeAlias = "NDArray[Any]"
"""A numpy array; shapes stand in docstrings."""


class Access(enum.StrEnum):
    """A part of the data that a strategy may be given."""

    SOURCE = "source"
    """The labelled source training split."""
    TARGET_LABELS = "target-labels"
    """The labelled examples drawn under the task's label budget."""
    TARGET_INPUTS = "target-inputs"
    """The target training split without labels, shuffled."""
    TARGET_ALL_LABELS = "target-all-labels"
    """The whole labelled target training split: for upper bounds only."""


class ExampleSequence(Protocol):
    """A sequence by position: a list, an array, or something that reads an example when it is asked for."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> Any: ...

    def __iter__(self) -> Iterator[Any]: ...


@dataclass(frozen=True, kw_only=True)
class Split:
    """Raw examples with their labels."""

    inputs: ExampleSequence
    """What the modality's backbones prepare: images `(H, W, C)` uint8, texts, lists of words, waveforms float32, series
    `(T, C)` or rows `(F,)`, float32 or float64."""
    labels: ExampleSequence
    """For each example an index into the side's labels, or an array of them, one a word."""
    references: ExampleSequence | None = None
    """For each example a JSON value for metrics alone, such as accepted answers, a transcript or the size of a pixel.
    They are kept with the predictions and never given to a strategy."""
    groups: ExampleSequence | None = None
    """For each example the name of its group, a text or a whole number: the speaker, patient, document, recording or
    session that it comes from. No group is in both splits of a side. With groups of the target's test split, intervals
    draw whole groups, and the row names the worst one. No strategy is given them."""


@dataclass(frozen=True, kw_only=True)
class Side:
    """One side of a task."""

    labels: tuple[str, ...]
    """Names of the labels, in the order of their indices."""
    train: Split
    """What models learn from; of the target, budgets are drawn from it."""
    test: Split
    """What scores are measured on; no strategy sees it."""


@dataclass(frozen=True, kw_only=True)
class TaskLabels:
    """The labels of both sides, known before the run: the setting of a pairing follows from them."""

    source: tuple[str, ...] | None
    """Those of the source, in the order of their indices; None for a task without a source."""
    target: tuple[str, ...]
    """Those of the target, in the order of their indices."""


@dataclass(frozen=True, kw_only=True)
class TaskData:
    """All raw data of a task."""

    source: Side | None
    """Where the source model learns; None for a task without a source: its backbone starts as it comes."""
    target: Side
    """Where it is to be adapted to."""
    sample_rate: int | None = None
    """Of audio, in Hz."""
    columns: tuple[str, ...] | None = None
    """Names of the F columns of rows `(F,)`, for people; None if they have none, or inputs are no rows."""
    reading: Mapping[str, Any] | None = None
    """JSON values that the task's `reader` needs to read a file as `load` did, such as the size of images."""
