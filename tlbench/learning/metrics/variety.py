"""How much predictions vary, beside their targets: a model that decides the same for all examples has learnt nothing.

What is counted are a kind's own decisions, such as classes; of kinds that decide nothing, such as regression, the
spread of the predicted numbers is compared.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tlbench.contract.task_data import Array
from tlbench.learning.targets import Predictions, Targets


@dataclass
class Tally:
    """How often each decision was made; batches are added one by one, for all decisions need not fit into memory."""

    counts: Counter[bytes] = field(default_factory=Counter)
    """Decision -> how often it was made."""
    whole: bool = False
    """Whether each decision is one of a whole example, not of a unit."""

    def add(self, decisions: Array | Sequence[Any]) -> None:
        """Take in what `Postprocess.decide` returned: an array with a row for each unit, or one for each example."""
        if isinstance(decisions, np.ndarray):
            self.counts.update(_counted(decisions))
        else:
            self.whole = self.whole or len(decisions) > 0
            self.counts.update(np.asarray(decision).tobytes() for decision in decisions)

    def most_common_share(self) -> float | None:
        """Return the share of the most common decision; None if there are no decisions."""
        return max(self.counts.values()) / self.counts.total() if self.counts else None


def _counted(rows: Array) -> dict[bytes, int]:
    values, counts = np.unique(rows, axis=0, return_counts=True)
    return {value.tobytes(): int(count) for value, count in zip(values, counts, strict=True)}


def variety(tally: Tally, predictions: Predictions, targets: Targets) -> dict[str, Any]:
    """Return the row's fields on how much predictions vary: shares of decisions, or else the spread of numbers."""
    share = tally.most_common_share()
    if share is not None:
        wanted = Tally()
        wanted.add(targets.split() if tally.whole else targets.values)
        return {"most_common_share": share, "most_common_target_share": wanted.most_common_share()}
    return {"prediction_spread": _spread(predictions.values, targets.values)}


def _spread(predicted: Array, wanted: Array) -> float | None:
    """Return the smallest ratio of standard deviations over the numbers of an example; None for other predictions."""
    if predicted.shape != wanted.shape or not np.issubdtype(wanted.dtype, np.floating):
        return None
    of_predictions, of_targets = (_deviations(values) for values in (predicted, wanted))
    varied = [one / other for one, other in zip(of_predictions, of_targets, strict=True) if other > 0]
    return min(varied, default=None)


def _deviations(values: Array) -> Iterable[float]:
    return map(float, values.reshape(len(values), -1).astype(np.float64).std(0))
