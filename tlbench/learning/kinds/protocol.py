"""What the host asks of a kind of problem.

A *unit* is what a head gives one row of outputs for: an example in classification, a word in token classification, a
frame of a sound, a pixel. Outputs, targets and predictions each know how many of their values belong to each example,
so that a kind may read units alone, or examples as a whole: a span, a transcript, the boxes of an image.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from torch import Tensor, nn

from tlbench.contract.task_data import Array, ExampleSequence
from tlbench.learning.metrics.metric import Metric
from tlbench.learning.outputs import Outputs
from tlbench.learning.probe import Linear
from tlbench.learning.targets import BatchTargets, Targets

F = TypeVar("F", bound=Callable[..., Any])


class Postprocess(Protocol):
    """Turns outputs into predictions: for scoring, and beside an exported model.

    The module of its class is copied beside an export, so it imports numpy alone; the class is created without
    arguments. `tlbench.learning.kinds.postprocess` has those of the kinds that tlbench ships.
    """

    outputs: str
    """A sentence on what a model's outputs mean, for those who serve its file."""
    parts: str
    """What the elements of an example are that is a list of texts: `texts` or `words`."""

    def predict(self, outputs: Outputs, targets: Array | None = None) -> Array | Sequence[Array]:
        """Return a row for each unit `(M, ...)`, or a list with an array for each example, which may be empty.

        Called with whole examples, some at a time. Targets are given for scoring: they are for a class whose
        predictions are too many to be kept, and which returns those of the targets alone.
        """
        ...

    def decide(self, outputs: Outputs) -> Array | Sequence[Any]:
        """Return what parity compares exactly: a decision for each unit, or one for each example; empty for none."""
        ...

    def crop(self, outputs: Array, example: Any, prepared: Sequence[Array]) -> Array:
        """Return the outputs of an example's units without those of padding; `prepared` are its model inputs."""
        ...

    def parse(self, text: str) -> Any:
        """Return the raw example that a text file holds."""
        ...

    def describe(self, prediction: Array, example: Any, labels: Sequence[str]) -> str:
        """Return the predictions of one example in words."""
        ...

    def name(self, targets: Array, labels: Sequence[str]) -> list[str]:
        """Return the targets `(m, ...)` of one example in words."""
        ...


def mean_over_targets(loss: F) -> F:
    """Mark the `loss` of a kind as a mean over `targets.values`, one for each unit: batches may be computed in parts.

    Not for a loss that weights targets by others of the batch, or that compares examples.
    """
    loss.mean_over_targets = True  # type: ignore[attr-defined]
    return loss


def has_mean_loss(kind: Kind) -> bool:
    """Return whether the loss of a kind is marked so."""
    return getattr(kind.loss, "mean_over_targets", False)


class Kind(Protocol):
    """What the host asks of a kind; a plugin may bring its own.

    One whose targets are places in an image may also have `move(targets, moves)`: it returns those of images that were
    moved as `Moves` says.
    """

    postprocess: Postprocess
    """Turns outputs into predictions."""
    has_classes: bool
    """True if raw labels are classes, which can be counted and compared."""

    def head(self, features: int, labels: Sequence[str]) -> nn.Module:
        """Return a new head `(..., features) -> (..., C)`."""
        ...

    def targets(self, labels: ExampleSequence, names: Sequence[str]) -> Targets:
        """Return a split's labels as the targets of its units. Raises `BadInputError` for labels that make no sense."""
        ...

    def classes(self, label: Any) -> Array:
        """Return the indices of the classes in one example's raw label; none if labels are no classes."""
        ...

    def strata(self, targets: Targets) -> Array:
        """Return `(N,)`: the label budget is drawn in proportion to these groups of examples."""
        ...

    def loss(self, outputs: Outputs, targets: BatchTargets) -> Tensor:
        """Return the mean loss of a batch. Simple kinds compare `outputs.units` `(M, C)` with `targets.values`."""
        ...

    def probe(self, features: Array, targets: Array, outputs: int) -> Linear:
        """Fit a linear head to features `(M, D)` and targets `(M, ...)`; `outputs` is C.

        Called if the kind's spec has the trait `probe`: if there is one target for each unit.
        """
        ...

    def constant(self, targets: Array, outputs: int) -> Array:
        """Return the outputs `(C,)` that are best for all units alike: what can be served without a look at inputs."""
        ...

    def metrics(self, labels: Sequence[str]) -> Mapping[str, Metric]:
        """Return every score of predictions against targets, by name."""
        ...
