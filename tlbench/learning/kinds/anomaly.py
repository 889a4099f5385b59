"""Normal or anomalous, with anomalies to learn from and without."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import Tensor, nn
from torch.nn import functional

from tlbench.contract.task_data import Array
from tlbench.learning.heads import Distance
from tlbench.learning.kinds.classification import Classification
from tlbench.learning.kinds.postprocess import Distances
from tlbench.learning.kinds.protocol import Postprocess
from tlbench.learning.metrics.classification import area_under_roc, average_precision
from tlbench.learning.metrics.metric import Metric
from tlbench.learning.outputs import Outputs
from tlbench.learning.probe import Linear, fit_gaussian
from tlbench.learning.targets import BatchTargets


class Anomaly(Classification):
    """Normal (0) or anomalous (1); an anomaly weighs `WEIGHT` times as much in the loss, being rare."""

    WEIGHT = 4.0

    def loss(self, outputs: Outputs, targets: BatchTargets) -> Tensor:
        # Filled in place: a copy from the host would wait for the GPU.
        weight = outputs.units.new_ones(2)
        weight[1:].fill_(self.WEIGHT)
        return functional.cross_entropy(outputs.units, targets.values, weight=weight)

    def metrics(self, labels: Sequence[str]) -> Mapping[str, Metric]:
        ranking = {"average-precision": average_precision, "auroc": area_under_roc}
        return {**ranking, **super().metrics(labels)}


class OneClass(Classification):
    """Normal (0) or anomalous (1), where all training examples are normal: by the distance from what is normal."""

    postprocess: Postprocess = Distances()
    """The distance of each output from the normal examples."""

    def head(self, features: int, labels: Sequence[str]) -> nn.Module:
        return Distance(features)

    def probe(self, features: Array, targets: Array, outputs: int) -> Linear:
        return fit_gaussian(features)

    def metrics(self, labels: Sequence[str]) -> Mapping[str, Metric]:
        return {"auroc": area_under_roc, "average-precision": average_precision}
