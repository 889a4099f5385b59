"""Diagnostics: estimators, which say before adaptation how well it may go, and analyses, which say what it changed.

Neither moves a score: a row with and without them answers the same question.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tlbench.contract.options import Option
from tlbench.contract.task_data import Array

if TYPE_CHECKING:
    import torch

    from tlbench.learning.data import Inputs
    from tlbench.learning.model import TransferModel
    from tlbench.learning.targets import Targets


SOURCE_FEATURES = "source-features"
"""The trait of a task whose source has a feature for each target, and the need of an estimator that reads them."""


@dataclass(frozen=True, kw_only=True)
class EstimateRequest:
    """What an estimator is given: the label budget, as the source model sees it. Arrays alone, copies of its own.

    Test examples are no part of it.
    """

    features: Array
    """`(M, D)` float32: features of the units under the source encoder; of very many units a fixed part."""
    targets: Array
    """`(M, ...)`: the targets of these units; `(M,)` int64 label indices where labels are classes."""
    classes: int
    """C, how many outputs the target has: classes, or values of a regression."""
    source_features: Array | None = None
    """`(N, D)` float32: features of the source's training units under the same encoder; of very many a fixed part. None
    if the estimator does not name `source-features` in its `needs`."""
    source_outputs: Array | None
    """`(M, Cs)` float32: what the head of the source model gives for these units, before any softmax; None without a
    source head."""
    source_labels: tuple[str, ...]
    """The names of the Cs outputs of the source."""
    target_labels: tuple[str, ...]
    """The names of the C outputs of the target."""
    options: Mapping[str, Any]
    """Every option of the estimator by name."""


@dataclass(frozen=True, kw_only=True)
class AnalysisRequest:
    """What an analysis is given: the model before and after adaptation, and the target test examples."""

    before: TransferModel
    """The source model, with the head `source`, in evaluation mode."""
    after: TransferModel
    """The adapted model, with the heads `source` and `target`, in evaluation mode."""
    inputs: Inputs
    """The N target test inputs."""
    targets: Targets
    """Their targets: `values` `(M, ...)` of the units, `counts` `(N,)` of units in each example."""
    source_inputs: Inputs | None
    """The source test inputs; None if the task has no source."""
    labels: tuple[str, ...]
    """The names of the outputs of the target."""
    generator: torch.Generator
    """The only source of randomness, on the CPU: what it draws depends on the seed."""
    options: Mapping[str, Any]
    """Every option of the analysis by name."""
    columns: tuple[str, ...] | None = None
    """The names of the F columns of rows `(F,)`; None if the task gives none."""


@dataclass(frozen=True, kw_only=True)
class Analysis:
    """What an analysis found."""

    numbers: Mapping[str, float]
    """Finite numbers by name; the row has them."""
    picture: bytes | None = None
    """A picture as the bytes of a PNG file, which lies on the board; None for no picture."""


@dataclass(frozen=True, kw_only=True)
class EstimatorSpec:
    """A number that says, before anything is adapted, how well a source model may transfer to the target."""

    name: str
    """One word, by which users ask for it and rows name it."""
    title: str
    """A heading of a few words."""
    summary: str
    """One sentence."""
    estimate: Callable[[EstimateRequest], float]
    """Returns a finite number, the same for the same request. A higher one means: expected to transfer better."""
    paper: str = ""
    """Authors, year, title and address of where it comes from."""
    needs: tuple[str, ...] = ()
    """Traits that the backbone or the task's kind must have; elsewhere it is left out. With `source-features` it is
    given `EstimateRequest.source_features`, and left out on tasks without a source."""
    requires: tuple[str, ...] = ()
    """Top-level import names of packages that it needs beside those of tlbench."""
    extra: str = ""
    """The extra of tlbench that installs them; empty where pip installs them by their names."""
    options: tuple[Option, ...] = ()
    """Settings, which `EstimateRequest.options` holds."""


@dataclass(frozen=True, kw_only=True)
class AnalysisSpec:
    """What adaptation changed inside a model: numbers, and a picture."""

    name: str
    """One word, by which users ask for it and rows name it."""
    title: str
    """A heading of a few words."""
    summary: str
    """One sentence."""
    analyse: Callable[[AnalysisRequest], Analysis]
    """Returns numbers and a picture, the same for the same request; it leaves both models as they are."""
    paper: str = ""
    """Authors, year, title and address of where it comes from."""
    needs: tuple[str, ...] = ()
    """Traits that the backbone or the task's kind must have; elsewhere it is left out."""
    requires: tuple[str, ...] = ()
    """Top-level import names of packages that it needs beside those of tlbench."""
    extra: str = ""
    """The extra of tlbench that installs them; empty where pip installs them by their names."""
    options: tuple[Option, ...] = ()
    """Settings, which `AnalysisRequest.options` holds."""
    reading: str = ""
    """How to read numbers and picture, in a few sentences: which direction is better, and what colours mean. It stands
    on the page of `tlbench explain`."""
