"""Any number of labels for each example."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from torch import Tensor, nn
from torch.nn import functional

from tlbench.contract.task_data import Array, ExampleSequence
from tlbench.errors import BadInputError
from tlbench.learning.kinds.checks import check_names
from tlbench.learning.kinds.postprocess import Flags
from tlbench.learning.kinds.protocol import Postprocess, mean_over_targets
from tlbench.learning.metrics.metric import Metric
from tlbench.learning.metrics.multi_label import macro_label_f1, mean_average_precision, micro_label_f1
from tlbench.learning.outputs import Outputs
from tlbench.learning.probe import Linear, fit_probes
from tlbench.learning.targets import BatchTargets, Targets


class MultiLabel:
    """Any number of labels for each example."""

    postprocess: Postprocess = Flags()
    """A probability for each label."""
    has_classes = True

    def head(self, features: int, labels: Sequence[str]) -> nn.Module:
        return nn.Linear(features, len(labels))

    def targets(self, labels: ExampleSequence, names: Sequence[str]) -> Targets:
        """Return which labels an example has, `(M, L)` 0/1 int64."""
        check_names(names, "each label")
        values = np.array([np.asarray(label) for label in labels])
        if values.shape[1:] != (len(names),) or not np.isin(values, (0, 1)).all():
            raise BadInputError(f"every example takes a 0 or a 1 for each of {len(names)} labels")
        return Targets(values.astype(np.int64), np.ones(len(values), np.int64))

    def classes(self, label: Any) -> Array:
        """Return the indices of the labels that the example has."""
        return np.flatnonzero(np.asarray(label))

    def strata(self, targets: Targets) -> Array:
        """Return a group for each set of labels."""
        return np.asarray(np.unique(targets.values, axis=0, return_inverse=True)[1])

    @mean_over_targets
    def loss(self, outputs: Outputs, targets: BatchTargets) -> Tensor:
        wanted = targets.values.to(outputs.units.dtype)
        return functional.binary_cross_entropy_with_logits(outputs.units, wanted)

    def probe(self, features: Array, targets: Array, outputs: int) -> Linear:
        return fit_probes(features, targets)

    def constant(self, targets: Array, outputs: int) -> Array:
        """Return log-odds, each label with and without counted once more (Laplace's rule)."""
        return np.asarray(np.log((targets.sum(0) + 1) / ((1 - targets).sum(0) + 1)))

    def metrics(self, labels: Sequence[str]) -> Mapping[str, Metric]:
        return {
            "mean-average-precision": mean_average_precision,
            "micro-f1": micro_label_f1,
            "macro-f1": macro_label_f1,
        }
