"""A test set for metrics, and the forms in which libraries take it.

A weighted test set is given to them as what it stands for: an example of weight 2 is there twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch


@dataclass(frozen=True)
class Case:
    """Predictions and targets, both `(M, ...)`: a value for each unit, example by example."""

    kind: str
    predictions: Any
    targets: Any
    labels: Any = ()
    """Names of the labels, or of the numbers."""
    counts: Any = None
    """Units of each example `(N,)`; None if each has one."""
    weights: Any = None
    """Whole weights of the examples `(N,)`; None if all count once."""

    def resampled(self) -> Case:
        """Return the case in which each example is there as often as its weight says."""
        counts = np.ones(len(self.targets), int) if self.counts is None else np.asarray(self.counts)
        weights = np.ones(len(counts), int) if self.weights is None else np.asarray(self.weights)
        places = np.split(np.arange(counts.sum()), np.cumsum(counts)[:-1])
        chosen = np.concatenate([np.tile(place, weight) for place, weight in zip(places, weights, strict=True)])
        values, truth = (np.asarray(of)[chosen.astype(int)] for of in (self.predictions, self.targets))
        return Case(self.kind, values, truth, self.labels, np.repeat(counts, weights))

    @property
    def decided(self) -> Any:
        """The most probable label of each unit; the first one of several."""
        return self.predictions.argmax(1)

    @property
    def classes(self) -> int:
        return self.predictions.shape[1]

    @property
    def tensors(self) -> tuple[torch.Tensor, torch.Tensor]:
        return torch.tensor(self.predictions), torch.tensor(self.targets)

    def words(self) -> tuple[list[list[str]], list[list[str]]]:
        """Return the tags of each sentence: targets, predictions."""
        ends = np.cumsum(self.counts)[:-1]
        return tuple([list(map(str, part)) for part in np.split(of, ends)] for of in (self.targets, self.predictions))

    def images(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Return label maps `(N, pixels, 1)`; all images have the same size."""
        return tuple(tensor.reshape(len(self.counts), -1, 1) for tensor in self.tensors)
