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

from tlbench.contract.task_data import Array, ExampleSequence
from tlbench.errors import BadInputError
from tlbench.learning import metrics, vector_metrics
from tlbench.learning.data import Targets
from tlbench.learning.metrics import Metric
from tlbench.learning.model import Distance, ScaledLinear
from tlbench.learning.precision import check_targets
from tlbench.learning.probe import Linear, fit_gaussian, fit_probe, fit_probes, fit_ridge, some_units


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


class Classification:
    """One of several labels for each example."""

    def head(self, features: int, labels: Sequence[str]) -> nn.Module:
        return nn.Linear(features, len(labels))

    def targets(self, labels: ExampleSequence, names: Sequence[str]) -> Targets:
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


class Segmentation(Classification):
    """One label for each pixel, 0 for the background; the budget counts images, by which labels are in them."""

    def targets(self, labels: ExampleSequence, names: Sequence[str]) -> Targets:
        """Return indices `(M,)` int64: the pixels of the masks `(H, W)`, image by image and row by row."""
        return super().targets([np.ravel(mask) for mask in labels], names)

    def strata(self, targets: Targets) -> Array:
        there = np.zeros((len(targets), int(targets.values.max()) + 1), bool)
        there[np.repeat(np.arange(len(targets)), targets.counts), targets.values] = True
        return np.asarray(np.unique(there, axis=0, return_inverse=True)[1])

    def probe(self, features: Array, targets: Array, outputs: int) -> Linear:
        kept = some_units(len(targets))
        return fit_probe(features[kept], targets[kept], outputs)

    def predict(self, outputs: Array, targets: Array | None = None) -> Array:
        """Return the best label of each pixel, `(M,)` int16: probabilities of all would be too many to keep."""
        return np.asarray(outputs.argmax(1), np.int16)

    def metrics(self, labels: Sequence[str]) -> Mapping[str, Metric]:
        return vector_metrics.pixel_metrics(len(labels))


class Anomaly(Classification):
    """Normal (0) or anomalous (1); an anomaly weighs `WEIGHT` times as much in the loss, being rare."""

    WEIGHT = 4.0

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        weight = torch.tensor([1.0, self.WEIGHT], device=outputs.device)
        return functional.cross_entropy(outputs, targets, weight=weight)

    def metrics(self, labels: Sequence[str]) -> Mapping[str, Metric]:
        ranking = {"average-precision": metrics.average_precision, "auroc": metrics.area_under_roc}
        return {**ranking, **super().metrics(labels)}


class OneClass(Classification):
    """Normal (0) or anomalous (1), where all training examples are normal: by the distance from what is normal."""

    def head(self, features: int, labels: Sequence[str]) -> nn.Module:
        return Distance(features)

    def probe(self, features: Array, targets: Array, outputs: int) -> Linear:
        return fit_gaussian(features)

    def predict(self, outputs: Array, targets: Array | None = None) -> Array:
        """Return the outputs `(M, 2)`: the second is larger the less normal an example is."""
        return outputs

    def metrics(self, labels: Sequence[str]) -> Mapping[str, Metric]:
        return {"auroc": metrics.area_under_roc, "average-precision": metrics.average_precision}


class Regression:
    """Numbers in the unit that the task gives them in; a side's labels name them."""

    def head(self, features: int, labels: Sequence[str]) -> nn.Module:
        return ScaledLinear(features, len(labels))

    def targets(self, labels: ExampleSequence, names: Sequence[str]) -> Targets:
        """Return numbers `(M, C)` float32."""
        values = np.array([np.atleast_1d(label) for label in labels], np.float64)
        if values.shape[1:] != (len(names),) or not np.isfinite(values).all():
            raise BadInputError(f"every example takes {len(names)} finite numbers")
        check_targets(values, names)
        return Targets(values.astype(np.float32), np.ones(len(values), np.int64))

    def strata(self, targets: Targets) -> Array:
        """Return one group: numbers have none."""
        return np.zeros(len(targets), np.int64)

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the negative log-likelihood of normal errors, their variance the batch's own.

        Its gradient is that of the squared error over the mean squared error, so that no unit is too large or small.
        """
        return 0.5 * torch.log((outputs - targets).square().mean(0) + torch.finfo(outputs.dtype).tiny).mean()

    def probe(self, features: Array, targets: Array, outputs: int) -> Linear:
        return fit_ridge(features, targets)

    def constant(self, targets: Array, outputs: int) -> Array:
        """Return the mean."""
        return np.asarray(targets.mean(0))

    def predict(self, outputs: Array, targets: Array | None = None) -> Array:
        """Return the numbers `(M, C)`."""
        return outputs

    def metrics(self, labels: Sequence[str]) -> Mapping[str, Metric]:
        return {"r2": vector_metrics.r2, "rmse": vector_metrics.rmse, "mae": vector_metrics.mae}


class MultiLabel:
    """Any number of labels for each example."""

    def head(self, features: int, labels: Sequence[str]) -> nn.Module:
        return nn.Linear(features, len(labels))

    def targets(self, labels: ExampleSequence, names: Sequence[str]) -> Targets:
        """Return which labels an example has, `(M, L)` 0/1 int64."""
        values = np.array([np.asarray(label) for label in labels])
        if values.shape[1:] != (len(names),) or not np.isin(values, (0, 1)).all():
            raise BadInputError(f"every example takes a 0 or a 1 for each of {len(names)} labels")
        return Targets(values.astype(np.int64), np.ones(len(values), np.int64))

    def strata(self, targets: Targets) -> Array:
        """Return a group for each set of labels."""
        return np.asarray(np.unique(targets.values, axis=0, return_inverse=True)[1])

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return functional.binary_cross_entropy_with_logits(outputs, targets.to(outputs.dtype))

    def probe(self, features: Array, targets: Array, outputs: int) -> Linear:
        return fit_probes(features, targets)

    def constant(self, targets: Array, outputs: int) -> Array:
        """Return log-odds, each label with and without counted once more (Laplace's rule)."""
        return np.asarray(np.log((targets.sum(0) + 1) / ((1 - targets).sum(0) + 1)))

    def predict(self, outputs: Array, targets: Array | None = None) -> Array:
        """Return a probability for each label, `(M, L)` float32."""
        return torch.sigmoid(torch.from_numpy(np.asarray(outputs, np.float32))).numpy()

    def metrics(self, labels: Sequence[str]) -> Mapping[str, Metric]:
        return {
            "mean-average-precision": vector_metrics.mean_average_precision,
            "micro-f1": vector_metrics.micro_f1,
            "macro-f1": vector_metrics.macro_f1,
        }
