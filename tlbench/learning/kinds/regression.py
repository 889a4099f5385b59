"""Numbers for each example."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from tlbench.contract.task_data import Array, ExampleSequence
from tlbench.errors import BadInputError
from tlbench.learning.heads import ScaledLinear
from tlbench.learning.kinds.checks import check_names
from tlbench.learning.kinds.postprocess import Numbers
from tlbench.learning.kinds.protocol import Postprocess
from tlbench.learning.metrics.metric import Metric
from tlbench.learning.metrics.regression import mae, r2, rmse
from tlbench.learning.outputs import Outputs
from tlbench.learning.precision import check_targets
from tlbench.learning.probe import Linear, fit_ridge
from tlbench.learning.targets import BatchTargets, Targets


class Regression:
    """Numbers in the unit that the task gives them in; a side's labels name them."""

    postprocess: Postprocess = Numbers()
    """The numbers as they are."""
    has_classes = False

    def head(self, features: int, labels: Sequence[str]) -> nn.Module:
        return ScaledLinear(features, len(labels))

    def targets(self, labels: ExampleSequence, names: Sequence[str]) -> Targets:
        """Return numbers `(M, C)` float32."""
        check_names(names, "each number that an example has")
        values = np.array([np.atleast_1d(label) for label in labels], np.float64)
        if values.shape[1:] != (len(names),) or not np.isfinite(values).all():
            raise BadInputError(f"every example takes {len(names)} finite numbers")
        check_targets(values, names)
        return Targets(values.astype(np.float32), np.ones(len(values), np.int64))

    def classes(self, label: Any) -> Array:
        """Return none: numbers are no classes."""
        return np.zeros(0, np.int64)

    def strata(self, targets: Targets) -> Array:
        """Return one group: numbers have none."""
        return np.zeros(len(targets), np.int64)

    def loss(self, outputs: Outputs, targets: BatchTargets) -> Tensor:
        """Return the negative log-likelihood of normal errors, their variance the batch's own.

        Its gradient is that of the squared error over the mean squared error, so that no unit is too large or small.
        """
        errors = outputs.units - targets.values
        return 0.5 * torch.log(errors.square().mean(0) + torch.finfo(errors.dtype).tiny).mean()

    def probe(self, features: Array, targets: Array, outputs: int) -> Linear:
        return fit_ridge(features, targets)

    def constant(self, targets: Array, outputs: int) -> Array:
        """Return the mean."""
        return np.asarray(targets.mean(0))

    def metrics(self, labels: Sequence[str]) -> Mapping[str, Metric]:
        return {"r2": r2, "rmse": rmse, "mae": mae}
