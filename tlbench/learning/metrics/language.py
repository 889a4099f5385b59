"""Scores of the log-probabilities `(M,)` that a language model gives to the true tokens, in nats."""

from __future__ import annotations

import numpy as np

from tlbench.learning.metrics.metric import Vectorised, Weighted, for_many, mean_of_units
from tlbench.learning.targets import Predictions, Targets


def log_likelihood(predictions: Predictions, targets: Targets) -> Weighted:
    """Mean log-probability of a unit's target in nats, of logs `(M,)`."""
    return mean_of_units(predictions.values.astype(np.float64), targets)


def perplexity(predictions: Predictions, targets: Targets) -> Weighted:
    """exp of the mean negative log-probability (Jelinek et al. 1977), of logs `(M,)` in nats."""
    mean = log_likelihood(predictions, targets)
    return Vectorised(lambda weights: np.exp(-for_many(mean, weights)))
