"""What the host asks of a kind of problem.

A *unit* is what gets one prediction: an example in classification, a word in token classification. Training and
scoring see units only, `(M, C)` outputs beside `(M,)` targets, so that a strategy reads the same for every kind.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from torch import Tensor, nn

from tlbench.contract.task_data import Array, ExampleSequence
from tlbench.learning.data import Targets
from tlbench.learning.metrics.metric import Metric
from tlbench.learning.probe import Linear


class Kind(Protocol):
    """What the host asks of a kind; a plugin may bring its own."""

    def head(self, features: int, labels: Sequence[str]) -> nn.Module:
        """Return a new head `(..., features) -> (..., C)`."""
        ...

    def targets(self, labels: ExampleSequence, names: Sequence[str]) -> Targets:
        """Return a split's labels as the targets of its units. Raises `BadInputError` for labels that make no sense."""
        ...

    def strata(self, targets: Targets) -> Array:
        """Return `(N,)`: the label budget is drawn in proportion to these groups of examples."""
        ...

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the mean loss of units: outputs `(M, C)`, targets `(M, ...)` as `targets` made them."""
        ...

    def probe(self, features: Array, targets: Array, outputs: int) -> Linear:
        """Fit a linear head to features `(M, D)` and targets `(M, ...)`; `outputs` is C."""
        ...

    def constant(self, targets: Array, outputs: int) -> Array:
        """Return the outputs `(C,)` that are best for all units alike: what can be served without a look at inputs."""
        ...

    def predict(self, outputs: Array, targets: Array | None = None) -> Array:
        """Return what is kept of the outputs `(M, C)` of a batch of units, one row a unit; called batch by batch.

        The targets are for kinds whose outputs are too many to be kept, and which keep what is said of the target.
        """
        ...

    def metrics(self, labels: Sequence[str]) -> Mapping[str, Metric]:
        """Return every score of predictions against targets, by name."""
        ...
