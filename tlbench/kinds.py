"""Kinds of problem: head, loss, prediction and metrics of what a side of a task asks for.

A *unit* is what gets one prediction: an example in classification, a word in token classification. Training and
scoring see units only, `(M, C)` outputs beside `(M,)` targets, so that a strategy reads the same for every kind.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from tlbench import metrics
from tlbench.data import Array, Targets
from tlbench.errors import BadInputError
from tlbench.metrics import Metric
from tlbench.probe import Linear, fit_probe
from tlbench.raw import Rows


class Kind(Protocol):
    """What the host asks of a kind; a plugin may bring its own."""

    def head(self, features: int, labels: Sequence[str]) -> nn.Module:
        """Return a new head `(..., features) -> (..., C)`."""
        ...

    def targets(self, labels: Rows, names: Sequence[str]) -> Targets:
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


class Classification:
    """One of several labels for each example."""

    def head(self, features: int, labels: Sequence[str]) -> nn.Module:
        return nn.Linear(features, len(labels))

    def targets(self, labels: Rows, names: Sequence[str]) -> Targets:
        """Return indices `(M,)` int64 into the names of the labels."""
        made = Targets.of(labels)
        if made.values.min() < 0 or made.values.max() >= len(names):
            raise BadInputError(f"a label index is outside the {len(names)} labels")
        return made

    def strata(self, targets: Targets) -> Array:
        return targets.values

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return functional.cross_entropy(outputs, targets)

    def probe(self, features: Array, targets: Array, outputs: int) -> Linear:
        return fit_probe(features, targets, outputs)

    def constant(self, targets: Array, outputs: int) -> Array:
        """Return the log frequencies of the labels, each counted once more (Laplace's rule)."""
        counts = np.bincount(targets, minlength=outputs) + 1
        frequencies: Array = np.log(counts / counts.sum())
        return frequencies

    def predict(self, outputs: Array, targets: Array | None = None) -> Array:
        """Return probabilities `(M, C)` float32."""
        return torch.softmax(torch.from_numpy(np.asarray(outputs, np.float32)), -1).numpy()

    def metrics(self, labels: Sequence[str]) -> Mapping[str, Metric]:
        return {
            "accuracy": metrics.accuracy,
            "balanced-accuracy": metrics.balanced_accuracy,
            "macro-precision": metrics.macro_precision,
            "macro-recall": metrics.macro_recall,
            "macro-f1": metrics.macro_f1,
            "ece": metrics.calibration_error,
            "nll": metrics.negative_log_likelihood,
        }


class TokenClassification(Classification):
    """One BIO tag for each word; the budget counts sentences, those with entities and those without in proportion."""

    def strata(self, targets: Targets) -> Array:
        return np.array([int(part.any()) for part in targets.split()])

    def metrics(self, labels: Sequence[str]) -> Mapping[str, Metric]:
        """Entity scores, and the scores of single tags; label 0 must be `O`."""
        return {**metrics.entity_metrics(labels), **super().metrics(labels)}


class Anomaly(Classification):
    """Normal (0) or anomalous (1); an anomaly weighs `WEIGHT` times as much in the loss, being rare."""

    WEIGHT = 4.0

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        weight = torch.tensor([1.0, self.WEIGHT], device=outputs.device)
        return functional.cross_entropy(outputs, targets, weight=weight)

    def metrics(self, labels: Sequence[str]) -> Mapping[str, Metric]:
        ranking = {"average-precision": metrics.average_precision, "auroc": metrics.area_under_roc}
        return {**ranking, **super().metrics(labels)}
