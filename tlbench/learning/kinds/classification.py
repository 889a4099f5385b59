"""One of several labels for each unit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from torch import Tensor, nn
from torch.nn import functional

from tlbench.contract.task_data import Array, ExampleSequence
from tlbench.errors import BadInputError
from tlbench.learning.kinds.checks import check_names
from tlbench.learning.kinds.postprocess import Labels, Words
from tlbench.learning.kinds.protocol import Postprocess, mean_over_targets
from tlbench.learning.metrics.classification import (
    accuracy,
    balanced_accuracy,
    calibration_error,
    macro_f1,
    macro_precision,
    macro_recall,
    negative_log_likelihood,
)
from tlbench.learning.metrics.entities import entity_metrics
from tlbench.learning.metrics.metric import Metric
from tlbench.learning.outputs import Outputs
from tlbench.learning.probe import Linear, fit_probe
from tlbench.learning.targets import BatchTargets, Targets


class Classification:
    """One of several labels for each example."""

    postprocess: Postprocess = Labels()
    """A probability for each label."""
    has_classes = True

    def head(self, features: int, labels: Sequence[str]) -> nn.Module:
        return nn.Linear(features, len(labels))

    def targets(self, labels: ExampleSequence, names: Sequence[str]) -> Targets:
        """Return indices `(M,)` int64 into the names of the labels."""
        check_names(names, "each label")
        made = Targets.of(labels)
        if made.values.min() < 0 or made.values.max() >= len(names):
            raise BadInputError(f"a label index is outside the {len(names)} labels")
        return made

    def classes(self, label: Any) -> Array:
        """Return the index of each unit's label."""
        return np.ravel(np.asarray(label)).astype(np.int64)

    def strata(self, targets: Targets) -> Array:
        return targets.values

    @mean_over_targets
    def loss(self, outputs: Outputs, targets: BatchTargets) -> Tensor:
        return functional.cross_entropy(outputs.units, targets.values)

    def probe(self, features: Array, targets: Array, outputs: int) -> Linear:
        return fit_probe(features, targets, outputs)

    def constant(self, targets: Array, outputs: int) -> Array:
        """Return the log frequencies of the labels, each counted once more (Laplace's rule)."""
        counts = np.bincount(targets, minlength=outputs) + 1
        frequencies: Array = np.log(counts / counts.sum())
        return frequencies

    def metrics(self, labels: Sequence[str]) -> Mapping[str, Metric]:
        return {
            "accuracy": accuracy,
            "balanced-accuracy": balanced_accuracy,
            "macro-precision": macro_precision,
            "macro-recall": macro_recall,
            "macro-f1": macro_f1,
            "ece": calibration_error,
            "nll": negative_log_likelihood,
        }


class TokenClassification(Classification):
    """One BIO tag for each word; the budget counts sentences, those with entities and those without in proportion."""

    postprocess: Postprocess = Words()
    """A probability for each label of each word."""

    def strata(self, targets: Targets) -> Array:
        return np.array([int(part.any()) for part in targets.split()])

    def metrics(self, labels: Sequence[str]) -> Mapping[str, Metric]:
        """Entity scores, and the scores of single tags; label 0 must be `O`."""
        return {**entity_metrics(labels), **super().metrics(labels)}
